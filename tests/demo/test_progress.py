"""Watching a worker: when it is done, and what is said where it never will be."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from deploy.demo import progress
from deploy.demo.progress import Look, WorkerFailedError, watch


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "LOOK_S", 0.0)


def _looks(*looks: tuple[int, int, int]) -> Iterator[Look]:
    """Taken, folded and waiting, a second apart; the last goes on for ever."""
    for at, (taken, folded, waiting) in enumerate(looks):
        yield Look(at, taken, folded, 100, waiting)
    while True:
        at += 1
        yield Look(at, taken, folded, 100, waiting)


def test_it_measures_from_the_last_look_at_rest_to_the_first_quiet_one() -> None:
    looks = _looks((0, 0, 9), (0, 0, 9), (5, 2, 4), (9, 9, 0), (9, 9, 0))
    first, done = watch(looks.__next__, lambda: None, lambda _: None)
    assert (first.at, done.at) == (1, 3)


def test_a_quiet_moment_is_not_the_end() -> None:  # a message is on its way back to intake
    looks = _looks((9, 9, 0), (9, 9, 0), (9, 9, 1), (9, 9, 0), (9, 9, 0), (9, 9, 0))
    _, done = watch(looks.__next__, lambda: None, lambda _: None)
    assert done.at == 3


def test_a_worker_that_stands_still_is_given_up() -> None:
    with pytest.raises(WorkerFailedError, match="stands still: 4 records"):
        watch(_looks((0, 0, 9), (5, 5, 4)).__next__, lambda: None, lambda _: None)


def test_a_worker_that_ended_is_noticed() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    with pytest.raises(WorkerFailedError, match="has ended"):
        progress.check_worker(ended.pid, 1)
    progress.check_worker(os.getpid(), 1)  # nobody answers there: it may be starting
