"""What malformed records cost the good ones: `uv run python -m tests.faults.fuzz_cost [HOW MANY]`.

One backlog of good events, and one with as many malformed records between them, each taken in by a worker of its own,
in turn, on LAUREL_BOOTSTRAP's broker. What a worker costs that finds nothing is taken off.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench.meter import cpu_s
from tests.faults.events import History
from tests.faults.fuzzing import Fuzzer
from tests.faults.system import System

if TYPE_CHECKING:
    from tests.faults.events import Published

SEED = 5


def taken_in(name: str, records: list[Published]) -> tuple[float, float]:
    """CPU and wall seconds of a worker, from its start to having folded all that waits for it."""
    with tempfile.TemporaryDirectory() as folder:
        system = System(os.environ["LAUREL_BOOTSTRAP"], name, Path(folder), SEED).create()
        try:
            system.publisher.publish(records)
            began = time.monotonic()
            (worker,) = system.start("a", LAUREL_BATCH_SIZE=4000)
            system.await_idle()
            return cpu_s(worker.process.pid), time.monotonic() - began
        finally:
            system.close()


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    history = History(SEED, poison=False)
    good = list(islice(iter(history.next, None), count))
    malformed = list(islice(Fuzzer(SEED).records(), count))
    both = list(chain.from_iterable(zip(good, malformed, strict=True)))
    run = f"cost{os.getpid()}"
    (idle, idle_s), (alone, alone_s), (mixed, mixed_s) = (
        taken_in(f"{run}{name}-", records) for name, records in (("a", []), ("b", good), ("c", both))
    )
    print(f"good events alone: {count / (alone - idle):,.0f} a CPU s, {count / (alone_s - idle_s):,.0f} a second")
    print(f"among as many malformed: {count / (mixed - idle):,.0f} a CPU s, {count / (mixed_s - idle_s):,.0f} a second")
    print(f"a malformed record costs {(mixed - alone) / (alone - idle):.2f} of a good event's CPU")


if __name__ == "__main__":
    main()
