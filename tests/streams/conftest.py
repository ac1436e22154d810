"""How properties are tested here: without time limits, so that a busy machine fails nothing. Logs are as in a worker."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from streams import logs
from streams.settings import FLAGS
from tests.streams import systems
from tests.streams.commands import Caller
from tests.streams.systems import System

logs.configure()
settings.register_profile("laurel", deadline=None)
settings.load_profile("laurel")


@pytest.fixture(scope="module", autouse=True)
def as_it_was() -> Iterator[None]:
    """Leave the broker as it was."""
    yield
    systems.clear()


@pytest.fixture
def laurel(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Iterator[Caller]:
    """Give the command, with no setting but its defaults, in an empty folder."""
    for name in [name for name in os.environ if name.startswith("LAUREL_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    yield Caller(monkeypatch, capfd)
    FLAGS.clear()


@pytest.fixture
def called(system: System, laurel: Caller) -> Caller:
    """Give the command, in this process, with the system's settings."""
    return laurel.given(**system.given)
