"""A disk that is full or damaged: no rule is blamed, nothing is lost, and work goes on once it can (D2, I-6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.faults.system import FULL

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.system import System


def test_a_full_disk_ends_the_worker_aloud_and_another_start_goes_on(system: System) -> None:
    worker = system.worker("a")
    system.publisher.start()
    worker.start(FULL)
    assert worker.ended() == 70
    (said,) = worker.said("worker_ends")
    assert "File too large" in said["exception"]
    assert not worker.said("bug")
    worker.start()
    system.await_progress()
    system.finish()


def test_a_damaged_copy_is_made_anew(system: System) -> None:
    (worker,) = system.start("a")
    system.publisher.publish([system.publisher.history.next() for _ in range(300)])
    system.await_idle()
    assert worker.terminate() == 0
    damaged, *_ = worker.copies()
    damage(damaged)
    mark = worker.mark()
    # Found when it is opened, or when a row is first read, which may be after the worker is ready; a supervisor starts a
    # worker again that ended.
    system.publisher.start()
    worker.start()
    system.wait(lambda: not worker.running or bool(worker.said("local_copy_damaged", mark)), "the damage to be found")
    if not worker.running:
        worker.start()
    system.await_progress()
    assert worker.said("local_copy_damaged", mark)
    assert not worker.said("bug", mark)
    system.finish()


def damage(store: Path) -> None:
    """Change bytes in the middle of every file that holds rows."""
    for file in (*store.glob("*.sst"), *store.glob("*.log")):
        content = bytearray(file.read_bytes())
        for at in range(len(content) // 3, 2 * len(content) // 3, 7):
            content[at] ^= 0xFF
        file.write_bytes(content)
