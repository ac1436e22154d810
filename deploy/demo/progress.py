"""Watch a worker take and fold the demo's events until nothing waits any more, and measure how fast it was.

`python -m deploy.demo.progress --events 90197 --pid 4711 --into measured.json`: two bars where a person watches, else a
line now and then. Exit code 1, with the reason, where the worker ends, stops a partition, or stands still.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import NamedTuple

from confluent_kafka import KafkaException
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from streams.kafka import admin, committed, partitions_of
from streams.progressing import waiting_by_topic
from streams.reading import bounds
from streams.settings import Settings

LOOK_S = 0.5
QUIET_LOOKS = 3
SAY_EVERY_S = 5.0
STANDS_STILL_S = 120.0


class WorkerFailedError(Exception):
    """The worker will not come to an end: the message says why."""


class Look(NamedTuple):
    """How far the worker is: of the events, how many are taken; of the timeline, how much is folded."""

    at: float
    taken: int
    folded: int
    timeline: int
    waiting: int


class Lookout:
    """Looks at a worker's group positions."""

    def __init__(self, settings: Settings, events: int) -> None:
        """Nothing is asked yet."""
        self._settings = settings
        self._events = events
        timeline = settings.topic("timeline")
        self._places = [(timeline, partition) for partition in range(partitions_of(admin(settings), timeline))]

    def look(self) -> Look:
        """Ask the broker."""
        at = time.monotonic()
        waiting = waiting_by_topic(self._settings)
        positions = committed(self._settings, "customers", self._places)
        ends = bounds(self._settings, self._places)
        sources = sum(count for topic, count in waiting.items() if topic not in ("timeline", "messages"))
        # A position may stop short of the marks that end transactions: nothing waits there.
        timeline = sum(high for _, high in ends.values())
        folded = sum(position or 0 for position in positions.values()) if waiting["timeline"] else timeline
        return Look(at, max(self._events - sources, 0), folded, timeline, sum(waiting.values()))


def watch(look: Callable[[], Look], check: Callable[[], None], show: Callable[[Look], None]) -> tuple[Look, Look]:
    """Look until nothing has waited for several looks in a row.

    Returns the last look before anything moved, and the first quiet one.
    """
    first = last = moved = look()
    quiet: list[Look] = []
    while len(quiet) < QUIET_LOOKS:
        time.sleep(LOOK_S)
        check()
        seen = look()
        show(seen)
        if seen.taken == 0:
            first = seen
        if (seen.taken, seen.folded) != (last.taken, last.folded):
            moved = seen
        last = seen
        quiet = [] if seen.waiting else [*quiet, seen]
        if not quiet and seen.at - moved.at > STANDS_STILL_S:
            raise WorkerFailedError(
                f"the worker stands still: {seen.waiting} records have waited for {STANDS_STILL_S:.0f} s"
            )
    return first, quiet[0]


def check_worker(pid: int, health_port: int) -> None:
    """Raise `WorkerFailedError` if the worker has ended, or says that it stopped a partition."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        raise WorkerFailedError("the worker has ended") from None
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{health_port}/ready", timeout=2) as answer:
            said = json.load(answer)
    except urllib.error.HTTPError as refusal:
        said = json.load(refusal)
    except (OSError, ValueError):
        return  # it has just begun, or is busy: whether it moves will show
    if stopped := said.get("stopped"):
        raise WorkerFailedError("; ".join(stopped.values()))


class Bars:
    """What is shown to people: two bars on a terminal, lines elsewhere."""

    def __init__(self, events: int) -> None:
        """Nothing is shown before `within` is entered."""
        console = Console(stderr=True)
        self._events = events
        self._said = time.monotonic()
        self._bars: Progress | None = None
        if console.is_terminal:
            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
            self._bars = Progress(*columns, console=console)
            self._tasks: list[TaskID] = [
                self._bars.add_task("events taken into the timeline", total=events),
                self._bars.add_task("timeline folded into decisions", total=None),
            ]

    def within(self) -> AbstractContextManager[object]:
        """For as long as the bars are shown."""
        return self._bars or nullcontext()

    def show(self, look: Look) -> None:
        """The latest look."""
        if self._bars:
            self._bars.update(self._tasks[0], completed=look.taken)
            self._bars.update(self._tasks[1], completed=look.folded, total=max(look.timeline, look.folded) or None)
        elif look.at - self._said > SAY_EVERY_S:
            self._said = look.at
            taken = f"{look.taken:,} of {self._events:,} events taken into the timeline"
            print(f"  {taken}, {look.folded:,} of {look.timeline:,} records folded", file=sys.stderr)


def main() -> int:
    """Watch, and write down what was measured."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--events", type=int, required=True, help="how many were published")
    parser.add_argument("--pid", type=int, required=True, help="of the worker")
    parser.add_argument("--into", type=Path, required=True, help="file for what was measured, JSON")
    given = parser.parse_args()
    settings = Settings()
    bars = Bars(given.events)
    try:
        with bars.within():
            first, done = watch(
                Lookout(settings, given.events).look,
                lambda: check_worker(given.pid, settings.health_port),
                bars.show,
            )
    except WorkerFailedError as error:
        print(error, file=sys.stderr)
        return 1
    except KafkaException as error:
        print(f"{settings.bootstrap}: {error.args[0].str()}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    seconds = round(max(done.at - first.at, LOOK_S), 1)
    given.into.write_text(json.dumps({"seconds": seconds, "timeline": done.timeline}), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
