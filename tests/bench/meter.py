"""What a worker says of its own speed: events, seconds and CPU from the end of the warm-up to the last event.

The programs of the comparison are told by environment what to do, and print one line of JSON when they have done it.
"""

import json
import os
import resource
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

BOOTSTRAP = os.environ.get("LAUREL_BOOTSTRAP", "127.0.0.1:19092")
TOPIC = os.environ.get("BENCH_TOPIC", "orders1m")
EVENTS = int(os.environ.get("BENCH_EVENTS", "1000000"))
RUN = os.environ.get("BENCH_RUN", "bench")
FOLDER = Path(os.environ.get("BENCH_FOLDER", ".laurel/bench"))
LOOK_S, PATIENCE_S = 0.1, 600
WARM_UP = 0.1
"""This part of the events comes first and is not measured: starting, joining, first rows and compiled code."""


class Measured(NamedTuple):
    """What was measured; memory is the most that the process held at once, in MB of 10^6 bytes."""

    events: int
    seconds: float
    cpu_s: float
    peak_mb: float

    @property
    def rate(self) -> float:
        return self.events / self.seconds

    @property
    def cpu_s_per_million(self) -> float:
        return self.cpu_s * 1e6 / self.events


def peak_mb(pid: int | str = "self", field: str = "VmHWM") -> float:
    """The most memory that a process held, or with `VmRSS` what it holds. Not `ru_maxrss` where it can be helped: that starts
    at the parent's."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
    kilobytes = next((line.split()[1] for line in status.splitlines() if line.startswith(f"{field}:")), "0")
    return int(kilobytes) * 1024 / 1e6


def cpu_s(pid: int, thread: int | str | None = None) -> float:
    """Seconds of CPU that a process has used, or one of its threads; 0 once it is gone."""
    stat = Path(f"/proc/{pid}", *([] if thread is None else ["task", str(thread)]), "stat")
    try:
        fields = stat.read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def watch(pids: Sequence[int], events: int, done: Callable[[], int], running: Callable[[], bool]) -> Measured | None:
    """What processes use from the end of the warm-up to the last commit that is seen, by looks from outside.

    `done` says how many events are committed. None where there were no two commits after the warm-up.
    """
    marks: list[tuple[int, float, float]] = []
    peak, deadline = 0.0, time.monotonic() + PATIENCE_S
    while running() and time.monotonic() < deadline:
        peak = max(peak, sum(map(peak_mb, pids)))
        count = done()
        if count >= events * WARM_UP and (not marks or count > marks[-1][0]):
            marks[1:] = [(count, time.monotonic(), sum(map(cpu_s, pids)))]
        if count >= events:
            break
        time.sleep(LOOK_S)
    if len(marks) < 2:
        return None
    counted, seconds, used = (end - begin for begin, end in zip(*marks, strict=True))
    return Measured(int(counted), seconds, used, peak)


class Meter:
    """Watches a worker's progress."""

    def __init__(self, events: int = EVENTS) -> None:
        self._events = events
        self._from: tuple[int, float, float] | None = None
        self.done = False

    def reached(self, count: int) -> None:
        """So many events are done: committed, where the engine tells."""
        if self._from is None and count >= self._events * WARM_UP:
            self._from = count, time.monotonic(), time.process_time()
        elif self._from is not None and count >= self._events and not self.done:
            self.done = True
            first, began, cpu = self._from
            seconds, used = time.monotonic() - began, time.process_time() - cpu
            measured = Measured(count - first, seconds, used, peak_mb())
            # Faust turns what a program prints into log lines.
            print(json.dumps(measured._asdict()), file=sys.__stdout__, flush=True)
