"""How long a dead worker's partitions stand still: `uv run python -m tests.faults.failover [SEED]`.

Three workers under load, all settings at their defaults. Ten times one of them gets `kill -9` and stays dead until
survivors have taken over everything that it had, of both agents; then it comes back. Each kill gives a line, with the
seconds until the last of its partitions moved again; the last line is the run in numbers. The exit code is 1 if a kill
took longer than 15 s, or if anything was lost, doubled or different. The broker is a local one, or LAUREL_BOOTSTRAP's.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from random import Random
from typing import NamedTuple

from deploy.broker import local, runs
from schemas.topics import AGENTS
from streams.kafka import admin
from tests.faults.events import Published
from tests.faults.system import System, Worker

KILLS = 10
RATE = 300
AT_MOST_S = 15.0
TUNED = ("SESSION_TIMEOUT_MS", "TRANSACTION_TIMEOUT_MS", "TICK_EVERY_S", "TICK_IDLE_S", "BATCH_SIZE")
"""What other fault tests set so that they are quick; here it is the defaults that are measured."""
Place = tuple[str, str, int]
"""Agent, bare topic, partition."""


class Takeover(NamedTuple):
    """What became of a dead worker's partitions: seconds from the kill until each moved again."""

    worker: str
    seconds: dict[Place, float]

    @property
    def worst_s(self) -> float:
        """Seconds until the last of them."""
        return max(self.seconds.values())

    def line(self) -> str:
        """The kill for people to read."""
        last = [
            f"{agent} {len(found)} partitions, the last after {max(found):.1f} s"
            for agent in AGENTS
            if (found := [seconds for place, seconds in self.seconds.items() if place[0] == agent])
        ]
        return f"{self.worker} killed: {'; '.join(last)}"


def held(system: System, worker: Worker) -> list[Place]:
    """The partitions that the groups gave to a worker."""
    asking = admin(system.settings)
    found: list[Place] = []
    for agent in AGENTS:
        group = system.settings.group(agent)
        for member in asking.describe_consumer_groups([group], request_timeout=10)[group].result().members:
            if member.client_id == f"laurel-{worker.name}-{agent}":
                places = member.assignment.topic_partitions
                found += [(agent, system.settings.bare(place.topic), place.partition) for place in places]
    return found


def positions(system: System, agents: set[str]) -> dict[Place, int]:
    """How far the agents' groups are; of `messages`, which nobody writes to here, how often its owners have ticked."""
    found = {(agent, *place): position for agent in agents for place, position in system.positions(agent).items()}
    system.oracle.read()
    return found | {("intake", "messages", partition): ticks for partition, ticks in system.oracle.ticks.items()}


def take_over(system: System, victim: Worker) -> Takeover:
    """Kill a worker and wait until every partition that it had has moved."""
    lost = held(system, victim)
    victim.kill()
    killed = time.monotonic()
    before = positions(system, set(AGENTS))
    # Whatever else comes, every source has something new to take.
    for agent, topic, partition in lost:
        if agent == "intake" and topic != "messages":
            probe = Published(topic, b"probe", b"\xff", None, "undecodable")
            system.publisher.publish([probe], partition=partition)
    seconds: dict[Place, float] = {}

    def moved() -> bool:
        waiting = [place for place in lost if place not in seconds]
        now = positions(system, {place[0] for place in waiting})
        at = time.monotonic() - killed
        seconds.update({place: at for place in waiting if now.get(place, 0) > before.get(place, 0)})
        return len(seconds) == len(lost)

    system.wait(moved, lambda: f"progress of {[place for place in lost if place not in seconds]}")
    return Takeover(victim.name, seconds)


def run(system: System, random: Random) -> list[float]:
    """Kill one worker after another; the worst seconds of each kill."""
    workers = system.start("a", "b", "c")
    system.publisher.start(RATE)
    system.await_progress()
    worst = []
    for _ in range(KILLS):
        victim = random.choice(workers)
        time.sleep(random.random() * 3)  # anywhere between heartbeats, in a batch
        takeover = take_over(system, victim)
        worst.append(takeover.worst_s)
        print(takeover.line(), flush=True)
        victim.start()
        system.await_running(*workers)
        system.await_progress()
    system.publisher.stop()
    system.await_idle()
    return worst


def main() -> int:
    """Run; the exit code says whether all of it was quick enough, and right."""
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else int(time.time())
    given = os.environ.get("LAUREL_BOOTSTRAP")
    directory = Path(tempfile.mkdtemp(prefix="failover-"))
    with ExitStack() as stack:
        cluster = None if given else stack.enter_context(local.Cluster(runs.own_run() / "failover-broker"))
        bootstrap = given or cluster.bootstrap
        system = System(bootstrap, f"failover{seed}-{os.getpid()}-", directory, seed)
        for name in TUNED:
            del system.environment[f"LAUREL_{name}"]
        stack.callback(system.close)
        worst = run(system.create(), Random(seed))
        wrong = system.violations()
    print("\n".join([*wrong, f"logs in {directory}"] if wrong else ["nothing lost, doubled or different"]))
    if not wrong:
        shutil.rmtree(directory)
    slow = [seconds for seconds in worst if seconds > AT_MOST_S]
    figures = {"worst_s": round(max(worst), 1), "median_s": round(statistics.median(worst), 1)}
    print(json.dumps({"seed": seed, "kills": len(worst), "too_slow": len(slow), "violations": len(wrong)} | figures))
    return 1 if slow or wrong else 0


if __name__ == "__main__":
    sys.exit(main())
