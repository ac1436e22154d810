"""What holds for every module: names, sizes, documentation (style.md)."""

import ast
import re
import sys

import pytest

from schemas.codec import TYPES
from tests.architecture.packages import ROOT, Module, definitions, modules

MODULE = pytest.mark.parametrize("module", modules(), ids=lambda module: module.name)
VAGUE = {"utils", "util", "helpers", "helper", "manager", "base", "common", "misc", "core", "shared", "tools"}
MIRRORED = {
    f"schemas.{name}"
    for name in ("events", "commands", "directives", "messages", "decided", "decisions", "discrepancies", "profiles")
}
"""Types that a file of their name in `schemas/avsc` documents; tests/schemas holds them to it."""
ADDED_BY_LIBRARIES = {"settings_customise_sources"}


@MODULE
def test_no_module_shadows_the_standard_library_or_has_a_vague_name(module: Module) -> None:
    for part in module.name.split("."):
        assert part not in sys.stdlib_module_names
        assert part not in VAGUE


@MODULE
def test_a_module_says_in_one_line_what_it_is_about(module: Module) -> None:
    first = (ast.get_docstring(module.tree) or "").partition("\n")[0]
    assert len(first) > len("A module.")
    assert first.endswith((".", ":"))


@MODULE
def test_every_public_function_and_class_says_what_it_is(module: Module) -> None:
    contracts = {kind.__name__ for kind in TYPES}
    for name, definition in definitions(module.tree):
        public = not any(part.startswith("_") for part in name.split("."))
        mirrored = module.name in MIRRORED and isinstance(definition, ast.ClassDef)
        if public and not mirrored and definition.name not in ADDED_BY_LIBRARIES | contracts:
            assert ast.get_docstring(definition), f"{module.path.relative_to(ROOT)}:{definition.lineno} {name}"


@MODULE
def test_a_module_holds_one_idea(module: Module) -> None:
    """Mostly under 300 lines (style.md)."""
    assert len(module.path.read_text().splitlines()) <= 300


@MODULE
def test_no_statement_is_run_for_its_side_effect_at_import_but_the_shells(module: Module) -> None:
    """A package that does something when it is imported cannot be tested, documented or composed otherwise."""
    if module.name.startswith("streams."):
        return
    calls = [
        node.lineno for node in module.tree.body if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    ]
    assert calls == []


def test_there_is_no_package_below_tests() -> None:
    """With one, `tests/streams` would shadow `streams` (style.md)."""
    assert list((ROOT / "tests").rglob("__init__.py")) == []


def test_rocksdb_data_never_lives_in_the_package_state() -> None:
    assert {path.suffix for path in (ROOT / "state").iterdir() if path.name != "__pycache__"} == {".py"}


SKIP = re.compile(r"# (?:noqa: [A-Z0-9, ]+|type: ignore\[[a-z-]+\])(?P<reason>.*)")
EVIDENT = ("ARG",)
"""An argument that a protocol demands needs no reason."""


@MODULE
def test_nobody_leaves_a_check_out_without_naming_it_and_saying_why(module: Module) -> None:
    for number, line in enumerate(module.path.read_text().splitlines(), 1):
        if "# noqa" in line or "# type: ignore" in line:
            left_out = SKIP.search(line)
            assert left_out, f"{module.name}:{number} names no rule"
            assert left_out["reason"] or any(rule in line for rule in EVIDENT), f"{module.name}:{number} says not why"
