"""What a restart costs, with static membership and without: `uv run python -m tests.faults.restarts [SEED]`.

Two workers under load, all settings at their defaults. One is killed and started again at once, or drained and started
again, or drained for good. Each line gives the seconds until the last of its partitions moved again, and the longest that
a partition of the other worker stood still meanwhile; of topics that always have more to come.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.broker import local, runs
from schemas.topics import AGENTS
from tests.faults.failover import RATE, TUNED, Place, held, positions
from tests.faults.system import System, Worker

if TYPE_CHECKING:
    from collections.abc import Callable

TIMES = 3
BUSY = ("orders", "timeline")


def killed(worker: Worker) -> None:
    """It dies, and its supervisor starts it at once."""
    worker.kill()
    worker.start()


def drained(worker: Worker) -> None:
    """A deployment in place."""
    worker.terminate()
    worker.start()


def left(worker: Worker) -> None:
    """It is no longer needed."""
    worker.terminate()


def disturb(system: System, victim: Worker, other: Worker, end: Callable[[Worker], None]) -> tuple[float, float]:
    """End a worker; seconds until the last of its partitions moved again, and the longest standstill of the other's."""
    lost, kept = ({place for place in held(system, of) if place[1] in BUSY} for of in (victim, other))
    began = time.monotonic()
    end(victim)
    before = positions(system, set(AGENTS))
    since: dict[Place, float] = dict.fromkeys(kept, time.monotonic())
    longest = 0.0
    while lost:
        now, at = positions(system, set(AGENTS)), time.monotonic()
        moved = {place for place in now if now[place] > before.get(place, 0)}
        longest = max([longest, *(at - since[place] for place in kept)])
        since |= dict.fromkeys(kept & moved, at)
        before |= {place: now[place] for place in kept & moved}
        lost -= moved
        time.sleep(0.1)
    return time.monotonic() - began, longest


def run(system: System) -> None:
    """Every way to end, some times each."""
    victim, other = system.start("victim", "other")
    system.publisher.start(RATE)
    for end in (killed, drained, left):
        figures = []
        for _ in range(TIMES):
            system.await_running(victim, other)
            system.await_progress()
            figures.append(disturb(system, victim, other, end))
            if not victim.running:
                victim.start()
        said = ", ".join(f"{back:.1f} ({stood:.1f})" for back, stood in sorted(figures))
        static = system.environment["LAUREL_STATIC_MEMBERSHIP"]
        print(f"static_membership={static} {end.__name__}: {said} s until all its partitions moved", flush=True)
    system.finish()


def main() -> int:
    """Run both."""
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else int(time.time())
    given = os.environ.get("LAUREL_BOOTSTRAP")
    with ExitStack() as stack:
        cluster = None if given else stack.enter_context(local.Cluster(runs.own_run() / "restarts-broker"))
        bootstrap = given or cluster.bootstrap
        for static in (False, True):
            directory = Path(tempfile.mkdtemp(prefix="restarts-"))
            name = f"restarts{seed}-{static}-{os.getpid()}-"
            system = System(bootstrap, name, directory, seed, LAUREL_STATIC_MEMBERSHIP=static)
            for tuned in TUNED:
                del system.environment[f"LAUREL_{tuned}"]
            try:
                run(system.create())
            finally:
                system.close()
            shutil.rmtree(directory)
    return 0


if __name__ == "__main__":
    sys.exit(main())
