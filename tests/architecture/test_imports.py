"""Who may import whom; the contracts are in pyproject.toml, and here is what they must say (style.md)."""

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.architecture.packages import PACKAGES, ROOT, imported, modules

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
CONTRACTS: list[dict[str, Any]] = PROJECT["tool"]["importlinter"]["contracts"]
LINT = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache"]


def test_the_import_contracts_hold() -> None:
    found = subprocess.run(LINT, cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr
    assert f"Contracts: {len(CONTRACTS)} kept, 0 broken." in found.stdout


def test_they_notice_what_they_forbid(tmp_path: Path) -> None:
    """The same contracts over packages that break each of them."""
    for package in PACKAGES:
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").touch()
    (rules,) = (contract["modules"] for contract in CONTRACTS if contract["type"] == "independence")
    for module in rules:
        tmp_path.joinpath(*module.split(".")).with_suffix(".py").touch()
    (tmp_path / "processors" / "tiers.py").write_text("from processors import at_risk\nimport time\n")
    (tmp_path / "schemas" / "codec.py").write_text("import state\nimport confluent_kafka\n")
    (tmp_path / "streams" / "app.py").write_text("import rocksdict\nimport cryptography\n")
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    found = subprocess.run(
        LINT, cwd=tmp_path, capture_output=True, text=True, check=False, env={"PYTHONPATH": str(tmp_path)}
    )
    assert found.returncode == 1, found.stdout + found.stderr
    assert f"Contracts: 0 kept, {len(CONTRACTS)} broken." in found.stdout


def test_the_contracts_cover_every_package_and_every_rule() -> None:
    assert tuple(PROJECT["tool"]["importlinter"]["root_packages"]) == PACKAGES
    layers = next(contract for contract in CONTRACTS if contract["type"] == "layers")
    assert tuple(layers["layers"]) == PACKAGES
    core = next(contract for contract in CONTRACTS if contract.get("source_modules") == ["processors"])
    assert set(core["forbidden_modules"]) >= {"time", "random", "os", "logging", "asyncio", "faust", "confluent_kafka"}


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.name)
def test_only_the_shell_knows_kafka_and_only_the_state_knows_rocksdb(module: Any) -> None:
    """Said once more without import-linter: whoever edits its contracts cannot turn this off by the way."""
    package = module.name.partition(".")[0]
    found = imported(module)
    if package != "streams":
        assert not found & {"faust", "mode", "confluent_kafka", "structlog", "rich", "cyclopts", "uvicorn", "starlette"}
    if package != "schemas":
        assert "cryptography" not in found
    if package != "state":
        assert "rocksdict" not in found
    if package in ("processors", "schemas"):
        assert not found & {
            "time",
            "random",
            "secrets",
            "os",
            "socket",
            "threading",
            "asyncio",
            "logging",
            "subprocess",
        }
    assert not found & set(PACKAGES[: PACKAGES.index(package)]), "packages import downwards"
