"""What laurel is asked for, and which tests show it: `deploy/requirements.yaml`, and the ids that tests cite."""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

import msgspec
import yaml
from msgspec import Struct

ROOT = Path(__file__).parents[1]
LIST = Path("deploy", "requirements.yaml")
AREAS = ("CUST", "TIER", "MAN", "PTS", "RET", "RTE", "RISK", "REC", "FUL", "POL", "AUD", "ANL", "UI", "SYNC")
CITED = re.compile(rf"(?<![A-Z])(?:R[-_](?:{'|'.join(AREAS)})|T|C)[-_]\d\d(?!\d)", re.IGNORECASE)
"""An id in a text or, with underscores, in a test's name."""


class Requirement(Struct, frozen=True, forbid_unknown_fields=True):
    """`R-…` is asked for by a source, `T-…` a trap to close, `C-…` what was decided where sources contradict or are silent."""

    status: Literal["delivered", "planned"]
    text: str


class NoRepositoryError(Exception):
    """The list and the tests are not installed with the package."""


def requirements(root: Path = ROOT) -> dict[str, Requirement]:
    """Every id with its status and text. Raises `NoRepositoryError` outside laurel's repository."""
    path = root / LIST
    if not path.is_file():
        raise NoRepositoryError(f"found no {LIST} in {root}; the list and the tests are in laurel's repository only")
    return msgspec.convert(yaml.safe_load(path.read_text(encoding="utf-8")), dict[str, Requirement])


def area(name: str) -> str:
    """What an id belongs to: CUST for R-CUST-01, T for T-06."""
    return name.rsplit("-", 1)[0].removeprefix("R-")


def citations(root: Path = ROOT) -> dict[str, list[str]]:
    """By id, the tests that cite it in their name, docstring or comments; journeys cite in their own field."""
    found: dict[str, list[str]] = {}
    for test, text in _tests(root):
        for name in dict.fromkeys(each.upper().replace("_", "-") for each in CITED.findall(text)):
            found.setdefault(name, []).append(test)
    return found


def wrong(listed: Mapping[str, Requirement], cited: Mapping[str, list[str]]) -> list[str]:
    """What is delivered without a test, or cited without being there."""
    untested = [f"{name} is delivered, and no test cites it" for name, it in listed.items()
                if it.status == "delivered" and name not in cited]  # fmt: skip
    unknown = [
        f"{tests[0]} cites {name}, which is not in {LIST}" for name, tests in cited.items() if name not in listed
    ]
    return untested + unknown


def _tests(root: Path) -> Iterator[tuple[str, str]]:
    """Every test as pytest calls it, with its text from the first decorator on."""
    for path in sorted((root / "tests").rglob("test_*.py")):
        source = path.read_text(encoding="utf-8")
        lines = source.splitlines()
        for node in ast.parse(source).body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
                text = "\n".join(lines[first - 1 : node.end_lineno])
                yield f"{path.relative_to(root)}::{node.name}", text
    for path in sorted((root / "tests" / "journeys").glob("*.yaml")):
        cites = yaml.safe_load(path.read_text(encoding="utf-8"))["cites"]
        yield f"tests/journeys/test_journeys.py::test_journey[{path.stem}]", " ".join(cites)
