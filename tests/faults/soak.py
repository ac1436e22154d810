"""Random faults until the time is over: `bash deploy/soak.sh MINUTES [SEED]`.

Every round is a system of its own: two or three workers under load, faults drawn from a table, then the oracle and
`laurel verify`. The brokers are three local ones, so they are hurt too, unless LAUREL_BOOTSTRAP names others. What a round
found wrong is printed at once, with the workers' logs kept; the last line is the numbers.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random

from confluent_kafka import KafkaException

sys.path.insert(0, str(Path(__file__).parents[2]))

from deploy.broker import local, runs
from streams.crash import EXIT_CODE
from tests.faults.system import HURT, PARTITIONS, System, Worker

FAULTS_A_ROUND = 8
LOADS = ((7, 40), (200, 100), (200, 300), (2000, 600))
"""Batch sizes, each with as many events a second as a machine that has other things to do can fold so."""
POINTS = ("before-produce", "before-commit", "after-commit")
NODES = 3
DOWN_S = (0, 3, 12)
PAUSED_S = (1, 5, 15)


class Soak:
    """One system after another, each hurt at random."""

    def __init__(self, bootstrap: str, cluster: local.Cluster | None, seed: int) -> None:
        self.random = Random(seed)
        self.seed = seed
        self.faults: Counter[str] = Counter()
        self.points: Counter[str] = Counter()
        self.events = 0
        self.worst_s = 0.0
        self.violations = 0
        self._bootstrap = bootstrap
        self._cluster = cluster
        self._rounds = 0

    def round(self, until: float) -> None:
        """A fresh system, some faults, a judgement."""
        self._rounds += 1
        name = f"soak{self.seed}x{self._rounds}-{os.getpid()}-"
        batch_size, rate = self.random.choice(LOADS)
        system = System(
            self._bootstrap,
            name,
            Path(tempfile.mkdtemp(prefix=name)),
            self.seed * 1000 + self._rounds,
            LAUREL_BATCH_SIZE=batch_size,
            LAUREL_TRANSACTION_TIMEOUT_MS=self.random.choice((3000, 60_000)),
        )
        did: list[str] = []
        try:
            system.create()
            workers = system.start(*"abc"[: self.random.choice((2, 2, 3))])
            system.publisher.start(rate)
            system.await_progress()
            for _ in range(FAULTS_A_ROUND):
                if time.monotonic() > until:
                    break
                self._hurt(system, workers, did)
            system.publisher.stop()
            system.await_idle()
            wrong = system.violations()
        except (KafkaException, AssertionError) as error:
            wrong = [str(error)]
        finally:
            self.events += len(system.publisher.journal)
            if self._cluster is not None and (dead := self._cluster.nodes - self._cluster.pids.keys()):
                self._cluster.restart(*dead)
            system.close()
        self.violations += len(wrong)
        if wrong:
            print("\n".join(wrong[:10]))
        found = f"{len(wrong)} violations; logs in {system.directory}" if wrong else "nothing wrong"
        print(f"round {self._rounds}, {len(system.publisher.journal)} events: {' '.join(did)}: {found}", flush=True)
        if not wrong:
            shutil.rmtree(system.directory)

    def _hurt(self, system: System, workers: list[Worker], did: list[str]) -> None:
        kinds = {
            "kill": (5, self._kill),
            "lose-disk": (2, self._lose_disk),
            "freeze": (5, self._freeze),
            "freeze-all": (1, self._freeze_all),
            "terminate": (2, self._terminate),
            "crash-point": (3, self._crash),
            "freeze-point": (4, self._freeze_inside),
            "kill-all": (1, self._kill_all),
        }
        if self._cluster is not None:
            kinds |= {
                "leader-kill": (2, self._kill_leader),
                "coordinator-kill": (2, self._kill_coordinator),
                "quorum-loss": (1, self._kill_two),
                "broker-pause": (2, self._pause_broker),
            }
        kind = self.random.choices(list(kinds), [weight for weight, _ in kinds.values()])[0]
        victim = self.random.choice(workers)
        did.append(f"{kind}({victim.name})")
        time.sleep(self.random.random() * 2)
        self.faults[kind] += 1
        kinds[kind][1](system, victim)
        began = time.monotonic()
        # Now and then the next fault comes before the system has recovered from this one.
        if self.random.random() < 0.8:
            system.await_progress()
            self.worst_s = max(self.worst_s, time.monotonic() - began)

    def _kill(self, _system: System, victim: Worker) -> None:
        victim.kill()
        time.sleep(self.random.choice((0, 0, 1, 4)))
        victim.start()

    def _lose_disk(self, _system: System, victim: Worker) -> None:
        victim.kill()
        victim.wipe()
        victim.start()

    def _freeze(self, _system: System, victim: Worker) -> None:
        victim.freeze()
        time.sleep(self.random.choice((0.5, 1.9, 2.5, 4, 7)))
        victim.thaw()

    def _freeze_all(self, system: System, _victim: Worker) -> None:
        for worker in system.workers.values():
            worker.freeze()
        time.sleep(self.random.choice((1, 3, 8)))
        for worker in system.workers.values():
            worker.thaw()
            time.sleep(self.random.random())

    def _terminate(self, _system: System, victim: Worker) -> None:
        code = victim.terminate()
        assert code == 0, f"{victim.name} drained with the exit code {code}\n{victim.tail()}"
        victim.start()

    def _crash(self, system: System, victim: Worker) -> None:
        victim.kill()
        point = self.random.choice(POINTS)
        victim.start(LAUREL_CRASH_AT=f"{point}:{self.random.randint(1, 40)}")
        system.wait(lambda: not victim.running, f"{victim.name} to come to its crash point")
        assert victim.process.returncode == EXIT_CODE, f"{victim.name} ended by itself\n{victim.tail()}"
        self.points[point] += 1
        victim.start()

    def _freeze_inside(self, system: System, victim: Worker) -> None:
        victim.kill()
        mark = victim.mark()
        point = self.random.choice(POINTS)
        victim.start(HURT, HURT_FREEZE_AT=f"{point}:{self.random.randint(1, 40)}")
        system.wait(lambda: bool(victim.said("frozen", mark)), f"{victim.name} to come to its point")
        self.points[point] += 1
        time.sleep(self.random.choice((1, 3, 6)))
        victim.thaw()

    def _kill_all(self, system: System, _victim: Worker) -> None:
        for worker in system.workers.values():
            worker.kill()
        for worker in system.workers.values():
            worker.start()

    def _kill_leader(self, system: System, _victim: Worker) -> None:
        self._kill_brokers(system.leader("timeline", self.random.randrange(PARTITIONS)))

    def _kill_coordinator(self, system: System, _victim: Worker) -> None:
        self._kill_brokers(system.coordinator(self.random.choice(("intake", "customers"))))

    def _kill_two(self, _system: System, _victim: Worker) -> None:
        assert self._cluster is not None
        self._kill_brokers(*self.random.sample(self._cluster.nodes, 2))

    def _kill_brokers(self, *nodes: int) -> None:
        assert self._cluster is not None
        self._cluster.kill(*nodes)
        time.sleep(self.random.choice(DOWN_S))
        self._cluster.restart(*nodes)

    def _pause_broker(self, _system: System, victim: Worker) -> None:
        assert self._cluster is not None
        node = self.random.choice(self._cluster.nodes)
        self._cluster.pause(node)
        time.sleep(self.random.choice(PAUSED_S))
        if self.random.random() < 0.3:
            victim.kill()
            victim.start()
        self._cluster.resume(node)

    def line(self) -> str:
        """The run in one line."""
        return json.dumps(
            {
                "seed": self.seed,
                "rounds": self._rounds,
                "events": self.events,
                "faults": dict(self.faults),
                "crash_points_hit": dict(self.points),
                "worst_recovery_s": round(self.worst_s, 1),
                "violations": self.violations,
            }
        )


def main() -> int:
    """Run for the minutes given; the exit code says whether anything was found."""
    minutes = float(sys.argv[1])
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else int(time.time())
    given = os.environ.get("LAUREL_BOOTSTRAP")
    cluster = None if given else local.Cluster(runs.own_run() / "soak-brokers", NODES).start()
    soak = Soak(given or cluster.bootstrap, cluster, seed)
    until = time.monotonic() + 60 * minutes
    try:
        while time.monotonic() < until:
            soak.round(until)
    finally:
        if cluster is not None:
            cluster.stop()
        print(soak.line(), flush=True)
    return 1 if soak.violations else 0


if __name__ == "__main__":
    sys.exit(main())
