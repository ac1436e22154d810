"""A laurel under load on three brokers that are hurt with it, watched by a Prometheus of its own.

What it judges besides lost and doubled: that every partition works again soon after a fault is over, and that the people
who watch were told: a metric moved, and an alert fired.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, NamedTuple

from confluent_kafka import KafkaException

from deploy.broker import local
from deploy.prometheus.server import Prometheus
from tests.faults.system import HURT, System, Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path
    from random import Random
    from typing import Self

    from tests.faults.events import Published
    from tests.faults.publisher import Place

NODES = 3
BROKERS = {"log.cleaner.backoff.ms": "1000"}
"""Compaction is to be under way while tables are restored."""
BUG = "bug-"
"""The fold raises on events whose ids begin so."""
GAVE_UP = 70
"""Exit code of a worker that cannot go on, and says why."""
SEEN_WITHIN_S = 15
"""A fault that is over may take some scrapes to show."""


class Fault(NamedTuple):
    """One row of the table of faults: how it is done, and what those who watch see of it."""

    name: str
    what: str
    moves: str
    """A query whose answer stands still, or is empty, while nothing is wrong."""
    fires: str
    hurt: Callable[[Arena, Worker], None]
    within_s: int = 20
    """Every partition works again so soon after the fault is over."""


class Seen(NamedTuple):
    """What came of one fault."""

    fault: Fault
    victim: str
    lasted_s: float
    recovered_s: float
    moved: bool
    fired: bool

    @property
    def wrong(self) -> list[str]:
        """What is not as it must be."""
        found = []
        if self.recovered_s > self.fault.within_s:
            found.append(f"every partition worked again only after {self.recovered_s:.1f} s")
        if not self.moved:
            found.append(f"{self.fault.moves} did not move")
        if not self.fired:
            found.append(f"{self.fault.fires} did not fire")
        return [f"{self.fault.name}: {each}" for each in found]

    def __str__(self) -> str:
        told = "; ".join(self.wrong) or f"{self.fault.moves} moved, {self.fault.fires} fired"
        return f"{self.fault.name} ({self.victim}) for {self.lasted_s:.1f} s, all again after {self.recovered_s:.1f} s: {told}"


class Arena:
    """The system, its brokers, and who watches. `folder` lies directly below a run's, so that what runs ends with it."""

    def __init__(self, folder: Path, seed: int, random: Random, **environment: object) -> None:
        self.folder = folder
        self.random = random
        self.points: Counter[str] = Counter()
        self.skipped: set[Place] = set()
        self.gave_up: Counter[str] = Counter()
        self.crashed: list[str] = []
        """Workers that ended in a way that is not theirs."""
        self.versions = 0
        """How many policies were activated after the first."""
        self.cluster = local.Cluster(folder.with_name(f"{folder.name}-brokers"), NODES, BROKERS)
        self.prometheus = Prometheus(folder.with_name(f"{folder.name}-prometheus"), every="1s", hasty=True)
        self._seed = seed
        self._given = environment
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Start brokers and topics; workers are started with `start`."""
        with ExitStack() as stack:
            stack.enter_context(self.cluster)
            self.folder.mkdir()
            self.system = System(self.cluster.bootstrap, "arena-", self.folder, self._seed, **self._given)
            self.system.command = HURT
            self.system.environment["HURT_RAISE_ON"] = BUG
            stack.callback(self._end)
            self.system.create()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """End everything."""
        self._stack.close()

    def _end(self) -> None:
        self.prometheus.stop()
        for worker in self.system.workers.values():
            worker.stop()
        self.system.publisher.abandon()
        self.system.oracle.close()

    def watch(self) -> None:
        """Have Prometheus watch the workers from now on; wait until it has seen each."""
        self.prometheus.start(self.targets())

        def seen() -> bool:
            now = time.time()
            found = self.prometheus.range("up == 1", now - 1, now)
            return len(found) == len(self.system.workers)

        self.system.wait(seen, "Prometheus to see every worker")

    def targets(self) -> list[str]:
        """What Prometheus scrapes."""
        return [f"127.0.0.1:{worker.port}" for worker in self.system.workers.values()]

    def suffer(self, fault: Fault, victim: Worker, rest_s: float = 0) -> Seen:
        """Do the fault; then wait until every partition works again, and `rest_s` at least. Raises `StuckError`."""
        self.supervise()
        began, clock = time.time(), time.monotonic()
        fault.hurt(self, victim)
        # It is over when what it took is there again: a broker that runs, a process that answers.
        self.system.wait(self._up, "every worker to answer")
        ended = time.monotonic()
        self.system.await_progress(meanwhile=self.supervise)
        recovered = time.monotonic()
        time.sleep(max(0.0, ended + rest_s - recovered))
        return Seen(
            fault,
            victim.name,
            ended - clock,
            recovered - ended,
            self._soon(lambda: self.moved(fault.moves, began)),
            self._soon(lambda: self.fired(fault.fires, began)),
        )

    def _up(self) -> bool:
        self.supervise()
        return all(worker.ready() for worker in self.system.workers.values())

    def supervise(self) -> None:
        """Start again who ended by itself, as whoever runs workers does. One that gave up says so with its exit code."""
        for worker in self.system.workers.values():
            if not worker.running:
                if worker.process.returncode != GAVE_UP:
                    self.crashed.append(f"{worker.name} ended with {worker.process.returncode}:\n{worker.tail(8)}")
                self.gave_up[worker.name] += 1
                worker.start()

    def _soon(self, true: Callable[[], bool]) -> bool:
        until = time.monotonic() + SEEN_WITHIN_S
        while not (found := true()) and time.monotonic() < until:
            time.sleep(0.5)
        return found

    def moved(self, query: str, since: float) -> bool:
        """Whether a query's answer changed since then, or is new."""
        found = self.prometheus.range(query, since - 2, time.time())
        return any(len({value for _, value in values}) > 1 or values[0][0] > since for _, values in found)

    def fired(self, alert: str, since: float) -> bool:
        """Whether an alert was firing since then."""
        return bool(self.prometheus.range(f'ALERTS{{alertname="{alert}",alertstate="firing"}}', since, time.time()))

    def alerts(self, since: float) -> set[str]:
        """Every alert that was firing since then."""
        found = self.prometheus.range('ALERTS{alertstate="firing"}', since, time.time())
        return {labels["alertname"] for labels, _ in found}

    def controller(self) -> int:
        """The node whose controller is active; its log says so last."""
        said: dict[str, int] = {}
        for node in self.cluster.nodes:
            with suppress(OSError):
                text = (self.cluster.directory / f"node-{node}" / "server.log").read_text(errors="replace")
                lines = [line for line in text.splitlines() if re.search(r"ecoming the active controller", line)]
                said |= {line[:23]: node for line in lines}
        return said[max(said)]

    def publish_one(self, record: Published) -> Place:
        """Publish a record besides all others; where it came to stand."""
        self.system.publisher.besides([record])
        journal = self.system.publisher.journal  # it grows in another thread
        found: list[Place] = []

        def there() -> bool:
            found[:] = [place for place, made in list(journal.copy().items())[-50_000:] if made.value == record.value]
            return bool(found)

        self.system.wait(there, "the broker's word on a record")
        return found[0]

    def settle(self) -> None:
        """Publish what the history still owes, and have all of it folded. Raises `StuckError`."""
        self.supervise()
        self.system.publisher.stop()
        self.system.await_idle()

    def violations(self) -> list[str]:
        """What was lost, doubled or is different, once all is quiet."""
        try:
            self.settle()
            return self.crashed + self.system.violations(skipped=self.skipped)
        except (KafkaException, AssertionError) as error:
            return [*self.crashed, str(error)]


def wrong(seen: Iterable[Seen]) -> list[str]:
    """Everything that was not as it must be."""
    return [each for one in seen for each in one.wrong]
