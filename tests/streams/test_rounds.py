"""`laurel verify --every` ends when it is told to, whatever it is doing then."""

import signal
import sys
from collections.abc import Iterator
from types import FrameType

import pytest

from streams import rounds
from streams.report import Check, Report

HANGS_S = 20


@pytest.fixture
def _signals() -> Iterator[None]:
    """Hang no longer than that; and leave the process its own handlers."""

    def hangs(*_: object) -> None:
        raise AssertionError("it does not end")

    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM)}
    signal.signal(signal.SIGALRM, hangs)
    signal.alarm(HANGS_S)
    yield
    signal.alarm(0)
    for number, handler in before.items():
        signal.signal(number, handler)


# Where Python closes a generator it passes over what a handler raises; that too must end it.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.usefixtures("_signals")
@pytest.mark.parametrize("nth", range(1, 80))
def test_it_hears_sigterm_at_every_call_of_a_round(nth: int) -> None:
    """Of its own and of what it calls: handlers run where a call begins or has ended, with whatever lock is held there."""
    calls = 0

    def count(_frame: FrameType, event: str, _: object) -> None:
        nonlocal calls
        if event in {"call", "c_return"} and (calls := calls + 1) == nth:
            sys.setprofile(None)
            signal.raise_signal(signal.SIGTERM)

    def attempt() -> Report:
        if not calls:
            sys.setprofile(count)
        return Report([Check("I-1", "source records", 0, compared=1)])

    try:
        assert rounds.repeat(attempt, 0.0, as_json=False) == 0
    finally:
        sys.setprofile(None)
    assert calls >= nth
