"""Warm copies: every worker follows the tables of the others, so that taking one over reads only a rest (D13)."""

from __future__ import annotations

import time
from random import Random
from typing import TYPE_CHECKING

import pytest

from state.encoding import decode_row
from state.partition import COPY
from state.rocks import RocksStore
from streams.reading import bounds
from tests.faults.system import PARTITIONS

if TYPE_CHECKING:
    from tests.faults.system import System, Worker


@pytest.fixture
def warm_system(system: System) -> System:
    """Give a system whose workers have warm copies."""
    system.environment["LAUREL_WARM_COPIES"] = "1"
    return system


def await_warm(system: System, worker: Worker) -> None:
    """Wait until a worker's copies of all partitions are states of theirs, and near the changelog's end."""

    def near() -> bool:
        places = [(system.settings.topic("customer-state"), partition) for partition in range(PARTITIONS)]
        ends = bounds(system.settings, places)
        for path in worker.copies():
            store = RocksStore(path, read_only=True)
            data = store.get(COPY.key())
            store.close()
            place = (system.settings.topic("customer-state"), int(path.name.removeprefix("p")))
            if data is None or not (copy := decode_row(COPY, data)).whole or ends[place][1] - copy.changelog > 500:
                return False
        return len(worker.copies()) == PARTITIONS

    system.wait(near, f"{worker.name}'s copies", 0.5)


def test_taking_over_reads_only_a_rest(warm_system: System) -> None:
    system = warm_system
    system.start("owner")
    system.publisher.publish([system.publisher.history.next() for _ in range(6000)])
    system.await_idle()
    (heir,) = system.start("heir")
    await_warm(system, heir)
    assert system.verify() == []
    owner, mark = system.worker("owner"), heir.mark()
    owned = PARTITIONS - heir.ready()["partitions"]["customers"]
    assert owned
    owner.kill()
    system.wait(lambda: len(heir.said("restored", mark)) >= owned, "the heir to take over")
    assert all(line["records"] < 500 for line in heir.said("restored", mark)[:owned])
    system.finish()


def test_warm_copies_under_faults(warm_system: System, seed: int) -> None:
    system, random = warm_system, Random(seed)
    workers = system.start("a", "b")
    system.publisher.start()
    for _ in range(2):
        system.await_progress()
        victim = random.choice(workers)
        victim.kill()
        victim.start()
        system.await_progress()
        victim = random.choice(workers)
        victim.freeze()
        time.sleep(3.5)  # beyond its session
        victim.thaw()
    system.await_progress()
    for worker in workers:
        await_warm(system, worker)
    assert not any(worker.said("warm_copies_again") for worker in workers)
    system.finish()
