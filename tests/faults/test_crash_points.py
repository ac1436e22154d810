"""Exits exactly where they hurt most: before the produce, before and after the commit, while restoring (D2)."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from confluent_kafka import Producer

from state.partition import PartitionState
from state.rocks import RocksStore
from state.store import StoreError
from streams import crash
from streams.kafka import transactional
from streams.reading import bounds
from tests.faults.system import PARTITIONS

if TYPE_CHECKING:
    from tests.faults.system import System, Worker

IN_A_BATCH = ("before-produce", "before-commit", "after-commit")


@pytest.mark.parametrize("agent", ["intake", "customers"])
def test_exit_in_a_batch(system: System, agent: str) -> None:
    other = "customers" if agent == "intake" else "intake"
    (rest,) = system.start("rest", LAUREL_AGENTS=other)
    system.publisher.start()
    victim = system.worker("victim")
    for point in IN_A_BATCH:
        victim.start(LAUREL_AGENTS=agent, LAUREL_CRASH_AT=f"{point}:7")
        assert victim.ended() == crash.EXIT_CODE
    victim.start(LAUREL_AGENTS=agent)
    system.await_progress()
    system.finish()
    assert rest.running


def missing(system: System, worker: Worker) -> dict[int, tuple[int, int]]:
    """How many changelog records each of the worker's copies is behind, and how many there are."""
    name = system.settings.topic("customer-state")
    found = bounds(system.settings, [(name, partition) for partition in range(PARTITIONS)], committed=False)
    behind = {partition: (end, end) for (_, partition), (_, end) in found.items()}
    for path in worker.copies():
        with suppress(StoreError):  # where it was not even made
            store = RocksStore(path, read_only=True)
            copy, partition = PartitionState(store).copy, int(path.name.removeprefix("p"))
            store.close()
            if copy is not None:
                behind[partition] = behind[partition][1] - copy.changelog, behind[partition][1]
    return behind


def test_exit_while_restoring(system: System) -> None:
    system.start("a")
    system.publisher.start()
    system.await_progress()
    victim = system.worker("a")
    for times in (1, 2):
        victim.kill()
        victim.wipe()
        victim.start(LAUREL_CRASH_AT=f"during-restore:{times}")
        assert victim.ended() == crash.EXIT_CODE
        # A partition that was restored already may have been in a transaction; the mark of its end is a record more.
        Producer(transactional(system.settings, system.settings.transactional_id("customers", "a"))).init_transactions(
            30
        )
        # What the exit left behind is a copy that was restored in part; the next start goes on from there.
        behind, mark = missing(system, victim), victim.mark()
        assert any(left < end for left, end in behind.values()), "nothing was restored: nothing is tested"
        victim.start()
        system.await_progress()
        restored = {line["partition"]: line["records"] for line in victim.said("restored", mark)}
        assert restored == {partition: left for partition, (left, _) in behind.items()}
    system.finish()
