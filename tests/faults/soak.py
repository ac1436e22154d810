"""Every fault of the table, at random, until the time is over: `bash deploy/soak.sh MINUTES [SEED]`.

Three workers on three brokers, in four acts. How many events a second they fold while nothing is wrong; then a fault every
20 seconds, dealt from a shuffled deck, under half of that load at least; then quiet; then the oracle and `laurel verify`
judge everything. What was wrong is printed at once, and logs are kept; the last line is the run in numbers.
"""

from __future__ import annotations

import gc
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from math import ceil
from pathlib import Path
from random import Random
from statistics import median
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from confluent_kafka import KafkaException

from deploy.broker import runs
from tests.faults import runbook
from tests.faults.arena import Arena, Seen
from tests.faults.events import Generations
from tests.faults.table import FAULTS

if TYPE_CHECKING:
    from collections.abc import Callable

WORKERS = ("a", "b", "c")
REST_S = 20
"""From the end of a fault to the next."""
WARM_UP = 20_000
MEASURED = 60_000
"""Events by which the fault-free maximum is measured."""
GENERATION = 50_000
"""Events after which the history begins again, with other customers."""
OFFERED = 0.5
"""Of that maximum, the load during faults."""
LEAST_SHARE = 0.3
"""Of what would be folded at the maximum, this much must be folded during faults."""
FLAT = 1.1
"""Last third over first third, of medians of memory and descriptors."""
SETTLED_S = 45
"""A process younger than this is still growing into its size."""


class Sizes:
    """Memory and open files of the workers' processes, looked at every few seconds."""

    def __init__(self, arena: Arena) -> None:
        self._arena = arena
        self._stop = Event()
        self._seen: list[tuple[float, int, int]] = []
        self._born: dict[int, float] = {}
        self._thread = Thread(target=self._run, name="sizes", daemon=True)

    def start(self) -> None:
        """Look until `stop`."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(2):
            for worker in list(self._arena.system.workers.values()):
                if worker.running:
                    self._look(worker.process.pid, time.monotonic())

    def _look(self, pid: int, now: float) -> None:
        try:
            pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
            files = sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
        except OSError:
            return
        if now - self._born.setdefault(pid, now) > SETTLED_S:
            self._seen.append((now, pages * os.sysconf("SC_PAGE_SIZE") >> 20, files))

    def thirds(self) -> dict[str, list[float]]:
        """Medians of the first, second and last third of the time: MB and descriptors."""
        if not self._seen:
            return {}
        began, ended = self._seen[0][0], self._seen[-1][0] + 1e-9
        parts = defaultdict(list)
        for at, *sizes in self._seen:
            parts[int(3 * (at - began) / (ended - began))].append(sizes)
        return {
            name: [median(sizes[which] for sizes in parts[third]) for third in sorted(parts)]
            for which, name in enumerate(("memory_mb", "descriptors"))
        }


class Soak:
    """One run."""

    def __init__(self, arena: Arena, seed: int, random: Random) -> None:
        self._arena = arena
        self._random = random
        self._sizes = Sizes(arena)
        self._began = time.monotonic()
        self.seen: list[Seen] = []
        self.wrong: list[str] = []
        self.line: dict[str, Any] = {"seed": seed}

    def run(self, minutes: float) -> None:
        """All four acts."""
        arena, journal = self._arena, self._arena.system.publisher.journal
        workers = arena.system.start(*WORKERS)
        maximum = self._maximum()
        # Only now: a backlog on purpose is nothing that an alert should still look back at.
        arena.watch()
        calm = time.time() + 5
        rate = ceil(maximum * OFFERED)
        self._say(f"fault-free maximum {maximum:.0f} events/s; offered from now on {rate}/s")
        arena.system.publisher.start(rate)
        self._sizes.start()
        arena.system.await_progress()
        time.sleep(REST_S / 2)
        if loud := arena.alerts(calm):
            self._find(f"alerts while nothing is wrong: {sorted(loud)}")
        before, began = len(journal), time.monotonic()
        try:
            for fault in self._deck(began + 60 * minutes):
                seen = arena.suffer(fault, self._random.choice(workers), REST_S)
                self.seen.append(seen)
                self._say(str(seen))
                self.wrong += seen.wrong
            self._say("publishing ends, and what is left is folded")
            arena.settle()
        except (KafkaException, AssertionError) as error:
            self._find(str(error))
        self._sizes.stop()
        # Up to here everything that was published has been folded, late or not.
        share = (len(journal) - before) / (maximum * (time.monotonic() - began))
        sizes = self._sizes.thirds()
        self._judge(share, sizes)
        self._say("the oracle and `laurel verify` judge")
        for each in arena.violations():
            self._find(each)
        self.line |= {
            "events": len(journal),
            "maximum_per_s": round(maximum),
            "offered_per_s": rate,
            "share_of_fault_free": round(share, 2),
            "faults": dict(Counter(seen.fault.name for seen in self.seen)),
            "gave_up_by_themselves": arena.gave_up.total(),
            "kept_twice_by_a_broker": arena.system.kept_twice,
            "crash_points_hit": dict(arena.points),
            "worst_recovery_s": round(max((seen.recovered_s for seen in self.seen), default=0.0), 1),
            **sizes,
            "violations": len(self.wrong),
        }

    def _maximum(self) -> float:
        """Events a second with nothing wrong: offered faster than they can be folded, from the first to the last fold.

        Not from a backlog: publishing takes its part of the machine, and would take it during the faults only.
        """
        publisher, rate = self._arena.system.publisher, 0.0
        for count in (WARM_UP, MEASURED):
            records = [publisher.history.next() for _ in range(count)]
            rate = self._measure(f"{count} events at once", lambda records=records: publisher.publish(records))
        offered = ceil(rate)

        def live() -> None:
            publisher.start(offered)
            time.sleep(MEASURED / offered)

        return self._measure(f"{offered} events a second", live)

    def _measure(self, what: str, publish: Callable[[], None]) -> float:
        journal = self._arena.system.publisher.journal
        before, began = len(journal), time.monotonic()
        publish()
        self._arena.settle()
        rate = (len(journal) - before) / (time.monotonic() - began)
        self._say(f"{what}: {rate:.0f} a second from the first to the last fold")
        return rate

    def _deck(self, until: float) -> Any:
        """Faults from one shuffled deck after another: each kind comes before any comes again."""
        only = os.environ.get("LAUREL_SOAK_FAULTS", "").split()
        dealt = [fault for fault in FAULTS if not only or fault.name in only]
        while True:
            for fault in self._random.sample(dealt, len(dealt)):
                if time.monotonic() > until:
                    return
                yield fault

    def _judge(self, share: float, thirds: dict[str, list[float]]) -> None:
        if share < LEAST_SHARE:
            self._find(f"only {share:.2f} of what would be folded without faults")
        for name, (first, *_, last) in ((name, found) for name, found in thirds.items() if len(found) > 1):
            if last > FLAT * first:
                self._find(f"{name} grew from {first} to {last}")

    def _find(self, what: str) -> None:
        self.wrong.append(what)
        self._say(f"WRONG: {what}")

    def _say(self, what: str) -> None:
        print(f"[{time.monotonic() - self._began:5.0f} s] {what}", flush=True)


def main() -> int:
    """Run for the minutes given; the exit code says whether anything was found."""
    minutes = float(sys.argv[1])
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else int(time.time())
    random = Random(seed)
    # Millions of records are held until the end, and hold nothing that would have to be found in circles.
    gc.disable()
    folder = Path(tempfile.mkdtemp(prefix=f"soak-{seed}-"))
    arena = Arena(runs.own_run() / "soak", seed, random, LAUREL_SESSION_TIMEOUT_MS=3000, LAUREL_BATCH_SIZE=1000)
    with arena:
        arena.system.publisher.history = Generations(seed, GENERATION)
        soak = Soak(arena, seed, random)
        try:
            soak.run(minutes)
        finally:
            for log in arena.folder.glob("*.log*"):
                shutil.copy(log, folder)
    if soak.wrong:
        print("\n".join(["", *soak.wrong[:20], f"logs in {folder}"]))
    else:
        shutil.rmtree(folder)
    if os.environ.get("LAUREL_SOAK_TABLE"):
        commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
        runbook.write(soak.seen, minutes, seed, commit.stdout.strip(), soak.line)
    print(json.dumps(soak.line), flush=True)
    return 1 if soak.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
