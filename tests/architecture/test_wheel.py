"""The wheel, alone in an environment of its own: it holds what the packages need, and it works."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from schemas.codec import TYPES
from schemas.events import OrderPlaced
from tests.architecture.packages import PACKAGES, ROOT

UV = os.environ.get("UV") or shutil.which("uv") or "uv"
"""`uv run` says where it is."""


def uv(*words: str | Path) -> None:
    """Run uv from what it has at hand; from the package registry only where that is not enough."""
    command = [UV, words[0], "--quiet", *words[1:]]
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    first = subprocess.run(
        [*command, "--offline"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if first.returncode:
        subprocess.run(command, cwd=ROOT, env=environment, check=True)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the built wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    uv("build", "--wheel", "--out-dir", folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path) -> Path:
    """Give the folder of programs of an environment with the wheel, what it depends on as locked, and nothing else."""
    folder = wheel.parent
    python = folder / "environment" / ("Scripts" if os.name == "nt" else "bin") / "python"
    uv("venv", "--python", sys.executable, folder / "environment")
    requirements = folder / "requirements.txt"
    uv("export", "--frozen", "--no-dev", "--no-emit-project", "--no-hashes", "--output-file", requirements)
    uv("pip", "install", "--python", python, "--no-deps", "--requirements", requirements, wheel)
    uv("pip", "check", "--python", python)
    return python.parent


def test_it_holds_every_module_and_every_file_that_they_read(wheel: Path) -> None:
    inside = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    expected = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert inside == expected
    assert {f"schemas/avsc/{kind.__name__}.avsc" for kind in TYPES} < inside
    assert "processors/default_policy.yaml" in inside


def test_its_metadata_names_the_distribution_the_licence_and_the_command(wheel: Path) -> None:
    """`schemas`, `processors` and `state` are other people's names on the package index."""
    archive = zipfile.ZipFile(wheel)
    texts = {
        name.rpartition("/")[2]: archive.read(name).decode() for name in archive.namelist() if ".dist-info/" in name
    }
    assert "Name: laurel-streams\n" in texts["METADATA"]
    assert "License-Expression: Apache-2.0\n" in texts["METADATA"]
    assert "laurel = streams.cli:main" in texts["entry_points.txt"]
    assert "LICENSE" in texts


def test_it_works_alone(installed: Path, tmp_path: Path) -> None:
    """From another folder, without this repository on any path."""
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}

    def run(*words: str | Path) -> str:
        return subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True).stdout

    where = (
        "import streams, state, processors, schemas as s; print(*(m.__file__ for m in (streams, state, processors, s)))"
    )
    assert str(ROOT) not in run(installed / "python", "-c", where)
    assert "simulate" in run(installed / "laurel", "--help")
    order = {
        "type": OrderPlaced.__name__, "event_id": "e1", "customer_id": "ada", "occurred_at": 1_700_000_000_000,
        "order_id": "o1", "currency": "USD", "lines": [{"line_id": "l1", "quantity": 1, "goods_minor": 1999}],
    }  # fmt: skip
    (tmp_path / "events.jsonl").write_text(json.dumps(order))
    said = [json.loads(line) for line in run(installed / "laurel", "simulate", "events.jsonl", "--json").splitlines()]
    (profile,) = (each for each in said if "lifetime_value_minor" in each)
    assert (profile["customer_id"], profile["lifetime_value_minor"]) == ("ada", 1999)


def test_a_sandbox_needs_the_repository_and_says_so(installed: Path, tmp_path: Path) -> None:
    """What starts brokers is not in the wheel."""
    asked = subprocess.run([installed / "laurel", "sandbox"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert asked.returncode == 2
    assert "clone laurel's repository and call `bash deploy/sandbox.sh`" in asked.stderr
