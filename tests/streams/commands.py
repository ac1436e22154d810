"""The command `laurel`, called in this process or started as its own."""

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from streams import cli

ROOT = Path(__file__).parents[2]
START = [sys.executable, "-c", "from streams.cli import main; main()"]
"""As the entry point does it."""


class Answer(NamedTuple):
    """What a command said, and its exit code."""

    code: int
    out: str
    err: str


class Caller:
    """Calls the command in this process: quick, and its settings are those that the test made."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capfd = capfd

    def given(self, **settings: str) -> "Caller":
        """The command with these settings, by their names, in its environment."""
        for name, value in settings.items():
            self._monkeypatch.setenv(f"LAUREL_{name.upper()}", value)
        return self

    def __call__(self, *words: str) -> Answer:
        self._monkeypatch.setattr(sys, "argv", ["laurel", *words])
        self._capfd.readouterr()
        with pytest.raises(SystemExit) as left:
            cli.main()
        said = self._capfd.readouterr()
        return Answer(0 if left.value.code is None else int(left.value.code), said.out, said.err)


def environment(**settings: str) -> dict[str, str]:
    """This process's environment without settings of laurel's but those given, by their names."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("LAUREL_")}
    given = {f"LAUREL_{name.upper()}": value for name, value in settings.items()}
    return inherited | {"PYTHONPATH": str(ROOT), "COLUMNS": "200"} | given


def start(*words: str, **settings: str) -> subprocess.Popen[str]:
    """The command as a process of its own."""
    return subprocess.Popen(
        [*START, *words], env=environment(**settings), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def run(*words: str, **settings: str) -> Answer:
    """The command as a process of its own, until it has ended."""
    with start(*words, **settings) as process:
        out, err = process.communicate()
    return Answer(process.returncode, out, err)
