"""SIGTERM is heard whenever it comes, and ends the worker in order, or at the latest after the time stated for it."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.faults.system import System


@pytest.mark.parametrize("after_s", [0.3, 0.9, 1.2, 1.5, 1.8, 2.4])
def test_told_to_stop_while_it_starts(system: System, after_s: float) -> None:
    worker = system.worker("early").start()
    time.sleep(after_s)
    assert worker.terminate() in {0, -signal.SIGTERM}


def test_told_to_stop_while_the_broker_is_away(system: System) -> None:
    """What it cannot finish in time ends as in a crash, which loses nothing either."""
    system.environment["LAUREL_DRAIN_S"] = "3"
    worker = system.worker("a").start(LAUREL_BOOTSTRAP="127.0.0.1:1")
    system.wait(lambda: bool(worker.said("waiting")), "a word about the broker")
    assert worker.terminate() in {0, 70}
