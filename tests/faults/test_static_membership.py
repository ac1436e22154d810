"""Workers whose place in the group is their name's: back within the session nobody else notices; two of a name are one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.faults.system import HURT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.system import System, Worker


@pytest.fixture
def static_system(system: System) -> System:
    """Give a system whose workers are static members, with sessions longer than any restart takes."""
    system.environment |= {"LAUREL_STATIC_MEMBERSHIP": "1", "LAUREL_SESSION_TIMEOUT_MS": "60000"}
    return system


def changes(worker: Worker) -> int:
    """How often partitions were given to a worker or taken from it."""
    return len(worker.said("assigned")) + len(worker.said("revoked"))


def test_back_within_its_session_a_worker_has_its_partitions_and_nobody_else_noticed(static_system: System) -> None:
    system = static_system
    back, other = system.start("back", "other")
    system.publisher.start()
    system.await_progress()
    before = changes(other)
    for end in (back.kill, back.terminate):
        positions = system.positions("customers")
        end()
        back.start()
        # The session outlives the test: what the ended one had moves only in the hands of its successor.
        system.await_progress(positions)
    assert changes(other) == before
    system.finish()


def test_the_older_of_two_workers_of_a_name_ends_and_says_why(static_system: System) -> None:
    system = static_system
    (older,) = system.start("twin")
    system.publisher.start()
    system.await_progress()
    system.worker("younger").start(LAUREL_INSTANCE="twin")
    assert older.ended() == 70
    (last,) = older.said("worker_ends")
    assert "LAUREL_INSTANCE=twin" in last["exception"]
    # It came to the same disk, and waited for it.
    system.await_progress()
    system.finish()


def test_a_zombie_is_fenced_by_its_namesake(static_system: System, tmp_path: Path) -> None:
    system = static_system
    zombie = system.worker("twin").start(HURT, HURT_FREEZE_AT="before-commit:9")
    system.publisher.start()
    system.wait(lambda: bool(zombie.said("frozen")), "the zombie to stand still")
    # The disk is the zombie's as long as it lives.
    successor = system.worker("successor").start(LAUREL_INSTANCE="twin", LAUREL_DATA_DIR=tmp_path / "elsewhere")
    system.await_progress()
    mark = successor.mark()
    zombie.thaw()
    assert zombie.ended() == 70
    assert "LAUREL_INSTANCE=twin" in zombie.said("worker_ends")[0]["exception"]
    system.await_progress()
    assert successor.running
    assert successor.said("worker_ends", mark) == []
    system.finish()
