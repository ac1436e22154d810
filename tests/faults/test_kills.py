"""Workers are killed and frozen under load, five times each; nothing is missing, doubled or different (I-6)."""

from __future__ import annotations

import time
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.faults.system import System


def test_kill_nine_five_times(system: System, seed: int) -> None:
    random = Random(seed)
    workers = system.start("a", "b")
    system.publisher.start()
    system.await_progress()
    for _ in range(5):
        victim = random.choice(workers)
        time.sleep(random.random())  # anywhere in a batch
        victim.kill()
        victim.start()
        system.await_progress()
    system.finish()


def test_frozen_beyond_session_and_transaction_five_times(system: System, seed: int) -> None:
    random = Random(seed)
    workers = system.start("a", "b")
    system.publisher.start()
    system.await_progress()
    for _ in range(5):
        victim = random.choice(workers)
        time.sleep(random.random())
        victim.freeze()
        # Beyond both time-outs, so whatever moves from then on is the other worker's.
        time.sleep(3.5)
        system.await_progress()
        victim.thaw()
        system.await_progress()
    system.finish()
