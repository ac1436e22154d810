"""Faust shows what it runs: both agents, and every table (D1)."""

import subprocess
import sys
from pathlib import Path

import pytest

from processors.tables import TABLES
from schemas.topics import INTAKE
from tests.streams.commands import environment

FAUST = [sys.executable, "-W", "ignore", "-m", "faust", "-A", "streams.app"]


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What `faust -A streams.app agents` and `tables` print; both are started at once."""
    folder: Path = tmp_path_factory.mktemp("faust")
    started = {
        command: subprocess.Popen(
            [*FAUST, command], env=environment(namespace="shop-"), cwd=folder, stdout=subprocess.PIPE, text=True
        )
        for command in ("agents", "tables")
    }
    said = {command: process.communicate()[0] for command, process in started.items()}
    assert {process.returncode for process in started.values()} == {0}
    return said


def test_faust_lists_both_agents_with_what_they_read(shown: dict[str, str]) -> None:
    said = " ".join(shown["agents"].split())
    for agent in ("intake", "customers"):
        assert f"@{agent}" in said
    for topic in (*INTAKE, "timeline"):
        assert f"shop-{topic}" in said.replace(" ", "")


def test_faust_lists_every_table_with_what_it_holds(shown: dict[str, str]) -> None:
    for table in TABLES:
        assert table.name in shown["tables"]
        assert table.about in shown["tables"]
