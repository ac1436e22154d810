"""Exits exactly where they hurt most: before the produce, before and after the commit, while restoring (D2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from streams import crash

if TYPE_CHECKING:
    from tests.faults.system import System

IN_A_BATCH = ("before-produce", "before-commit", "after-commit")


@pytest.mark.parametrize("agent", ["intake", "customers"])
def test_exit_in_a_batch(system: System, agent: str) -> None:
    other = "customers" if agent == "intake" else "intake"
    (rest,) = system.start("rest", LAUREL_AGENTS=other)
    system.publisher.start(300)
    victim = system.worker("victim")
    for point in IN_A_BATCH:
        victim.start(LAUREL_AGENTS=agent, LAUREL_CRASH_AT=f"{point}:7")
        assert victim.ended() == crash.EXIT_CODE
    victim.start(LAUREL_AGENTS=agent)
    system.await_progress()
    system.finish()
    assert rest.running


def test_exit_while_restoring(system: System) -> None:
    system.start("a")
    system.publisher.start(1000)
    system.await_progress()
    victim = system.worker("a")
    for times in (1, 2):
        victim.kill()
        victim.wipe()
        victim.start(LAUREL_CRASH_AT=f"during-restore:{times}")
        assert victim.ended() == crash.EXIT_CODE
        # What the exit left behind is a copy that was restored in part; the next start goes on from there.
        victim.start()
        system.await_progress()
    system.finish()
