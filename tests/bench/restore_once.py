"""laurel's turn: restores partition 0 into an empty folder with the engine's own code, and says how long it took.

Started by path, so that another checkout on PYTHONPATH can be measured with it.
"""

import json
import os
import resource
import sys
import time
from pathlib import Path

from streams.restoring import Progress, Tables, path_of, restore
from streams.settings import Settings


def peak_mb() -> float:
    """As `tests.bench.meter`, which a checkout need not have."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    told = next(line for line in status.read_text(encoding="utf-8").splitlines() if line.startswith("VmHWM:"))
    return int(told.split()[1]) * 1024 / 1e6


def main() -> None:
    settings = Settings(
        bootstrap=os.environ["LAUREL_BOOTSTRAP"], namespace=sys.argv[1], data_dir=Path(sys.argv[2]), instance="bench"
    )
    progress = Progress()
    began, cpu = time.monotonic(), time.process_time()
    path = path_of(settings, "bench", 0)
    state, _ = restore(settings, Tables(), path, 0, progress, lambda: False)
    seconds, cpu_s = time.monotonic() - began, time.process_time() - cpu
    peak = peak_mb()
    rows = sum(1 for _ in state.store.scan(b"\x01"))
    state.store.close()
    print(json.dumps({"rows": rows, "seconds": seconds, "cpu_s": cpu_s, "peak_mb": peak}))


if __name__ == "__main__":
    main()
