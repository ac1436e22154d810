"""Whoever is left takes over: from the frozen, from the dead with an open transaction, from the one without a disk."""

from __future__ import annotations

import time
from random import Random
from typing import TYPE_CHECKING

from streams import crash
from tests.faults.failover import held
from tests.faults.system import HURT, PARTITIONS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.system import System, Worker


def test_frozen_in_the_middle_of_a_batch(system: System) -> None:
    (other,) = system.start("other")
    system.publisher.start()
    zombie = system.worker("zombie")
    for point in ("before-produce", "before-commit", "after-commit"):
        mark = zombie.mark()
        zombie.start(HURT, HURT_FREEZE_AT=f"{point}:9")
        system.wait(lambda mark=mark: bool(zombie.said("frozen", mark)), f"the zombie to stand still at {point}")
        time.sleep(3.5)  # beyond its session and its transaction
        system.await_progress()
        zombie.thaw()
        # It must see that it was left behind, and come back: alone, it does all the work.
        other.freeze()
        time.sleep(2.5)
        system.await_progress()
        other.thaw()
        system.await_progress()
        zombie.kill()
    system.finish()


def test_dead_with_an_open_transaction_of_ten_minutes(system: System) -> None:
    system.environment["LAUREL_TRANSACTION_TIMEOUT_MS"] = "600000"
    system.start("survivor")
    system.publisher.start()
    system.await_progress()
    # What nobody can read among the workers keeps nobody from fencing the dead.
    for key, value in ((b"\xff", b"{"), (b"stranger", b"[]"), (b"another", b'{"agents": 1}')):
        system.write("workers", key, value)
    victim = system.worker("victim")
    for point in ("before-commit", "before-produce"):
        victim.start(LAUREL_CRASH_AT=f"{point}:20")
        assert victim.ended() == crash.EXIT_CODE
        # It stays away, so only the survivor can end what it left open.
        system.await_progress()
    system.finish()


def test_dead_right_after_its_announcement(system: System) -> None:
    """Its entry is younger than a session when it is missed; it is fenced all the same, once that has passed."""
    survivors = system.start("a")
    survivors.append(system.worker("b").start())

    def settled() -> bool:
        system.write("workers", b"ghost", b'{"agents": ["customers"]}')
        return all(worker.ready().get("state") == "running" for worker in survivors)

    system.wait(settled, "both to run")
    time.sleep(1.5)  # they have looked, and found it fresh
    assert not fenced(survivors)
    system.wait(lambda: fenced(survivors) == {"ghost"}, "its fencing")


def fenced(workers: list[Worker]) -> set[str]:
    """Whose transactional ids the workers say that they fenced."""
    return {line["worker"] for worker in workers for line in worker.said("fenced")}


def test_untouched_partitions_work_while_others_are_restored(system: System, tmp_path: Path) -> None:
    (owner,) = system.start("owner")
    system.publisher.publish([system.publisher.history.next() for _ in range(500)])
    system.await_idle()
    go = tmp_path / "go"
    go.touch()
    heir = system.worker("heir").start(HURT, HURT_RESTORE_AFTER=go)
    system.await_running(heir, owner)
    system.publisher.start()
    system.await_progress()
    untouched = {place[2] for place in held(system, heir) if place[0] == "customers"}
    assert 0 < len(untouched) < PARTITIONS
    go.unlink()
    owner.kill()
    system.wait(lambda: bool(heir.ready().get("rows")), "the restore to begin")
    before = system.positions("customers")

    def moved() -> set[int]:
        now = system.positions("customers")
        return {partition for (_, partition), at in now.items() if at > before["timeline", partition] + 2}

    system.wait(lambda: moved() >= untouched, "progress of what the heir had before")
    assert heir.ready()["state"] == "restoring"
    assert moved() == untouched
    go.touch()
    system.await_progress()
    system.finish()


def test_failover_without_the_disk(system: System, seed: int) -> None:
    random = Random(seed)
    workers = system.start("a", "b")
    system.publisher.start()
    for _ in range(3):
        victim = random.choice(workers)
        system.await_progress()
        system.await_running(*workers)
        victim.kill()
        assert victim.copies()
        victim.wipe()
        victim.start()
    system.await_progress()
    system.finish()


def test_clean_churn(system: System) -> None:
    a, b = system.start("a", "b")
    system.publisher.start()
    for leaving in (a, b, a):
        system.await_progress()
        assert leaving.terminate() == 0
        system.await_progress()
        leaving.wipe()
        leaving.start()
    (c,) = system.start("c")
    system.await_progress()
    assert a.terminate() == 0
    assert b.terminate() == 0
    system.await_progress()
    system.finish()
    assert c.terminate() == 0
    assert system.violations() == []
