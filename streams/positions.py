"""Where intake starts a partition: the group's position, or what the timeline says when positions expired (D2)."""

from collections.abc import Callable, Container, Iterable, Iterator
from itertools import chain
from threading import Lock
from typing import Any

import structlog

from schemas.codec import decode
from schemas.events import ClockTicked
from schemas.partitions import reserved
from streams.batches import Folded
from streams.clock import EventsClock
from streams.held import StopPartitionError
from streams.intake import Intake
from streams.kafka import Place, admin, headers_of, partitions_of, patiently, standing
from streams.memory import give_back
from streams.reading import bounds, read, read_messages
from streams.records import ORIGIN, Record, parse_origin
from streams.settings import Settings

log = structlog.get_logger()
LOOK_BACK = 1_000


def highest_origins(messages: Iterable[Any]) -> dict[Place, int]:
    """For each source partition, the offset after the last of its records that the client's messages came from."""
    last: dict[bytes, int] = {}
    for message in messages:
        header = next((value for name, value in headers_of(message) if name == ORIGIN), None)
        if header is not None:
            # Of the millions that there may be, only the last of each is taken apart.
            source, _, offset = header.rpartition(b"/")
            last[source] = max(last.get(source, -1), int(offset))
    origins = (parse_origin(b"%s/%d" % each) for each in last.items())
    return {(topic, partition): offset + 1 for topic, partition, offset in origins}


def _everything(settings: Settings, topic: str, cancelled: Callable[[], bool]) -> Iterator[Any]:
    """Every committed message, those that an open transaction still hides among them: it is waited for."""
    name = settings.topic(topic)
    places = [(name, partition) for partition in range(partitions_of(admin(settings), name))]
    found = bounds(settings, places, committed=False)
    starts = {place: low for place, (low, high) in found.items() if low < high}
    for messages in read_messages(settings, starts, cancelled, {place: high for place, (_, high) in found.items()}):
        yield from messages


def last_tick(settings: Settings, partition: int) -> int | None:
    """The last instant ticked on a partition of the timeline, or None if it never was."""
    place = (settings.topic("timeline"), partition)
    low, high = bounds(settings, [place])[place]
    key, back = reserved(partition).encode(), LOOK_BACK
    while True:
        start = max(low, high - back)
        ticks = [
            event.at
            for records in read(settings, {place: start})
            for record in records
            if record.key == key and isinstance(event := decode(record.value), ClockTicked)
        ]
        if ticks or start == low:
            return max(ticks, default=None)
        back *= 8


class IntakeWork:
    """Intake on a broker: knows where each partition starts."""

    def __init__(self, settings: Settings, intake: Intake, complete: Callable[[], bool]) -> None:
        self._settings = settings
        self._intake = intake
        self._complete = complete
        self._lock = Lock()
        self._origins: dict[Place, int] | None = None
        self._unwritten: set[Place] = set()
        """Partitions whose group has no position: the next batch writes it, so that nobody has to look for it again."""
        self._last_ticks: dict[int, int | None] = {}

    def prepare(self, place: Place, cancelled: Callable[[], bool]) -> int:
        """The offset from which the partition's records are in neither timeline nor dead letters."""
        topic, partition = place
        full = (self._settings.topic(topic), partition)
        position, low, high = patiently(
            f"positions of {topic}/{partition}", lambda: standing(self._settings, "intake", full), cancelled
        )
        if topic == "messages" and isinstance(self._intake.clock, EventsClock):
            self._last_ticks[partition] = last_tick(self._settings, partition)
        self._unwritten.discard(place)
        if position is None and low == high:
            return low
        start = self._after_highest_origin(place, low, cancelled) if position is None else position
        if not low <= start <= high:
            raise StopPartitionError(
                f"the next record of {topic}/{partition} is {start}, which is gone: the broker has {low} to {high}; "
                "restore the topic"
            )
        if position is None:
            self._unwritten.add(place)
            log.debug("first_position", topic=topic, partition=partition, offset=start)
        return start

    def _after_highest_origin(self, place: Place, low: int, cancelled: Callable[[], bool]) -> int:
        with self._lock:
            if self._origins is None:
                records = (_everything(self._settings, topic, cancelled) for topic in ("timeline", "dead-letters"))
                found = highest_origins(chain.from_iterable(records))
                if cancelled():
                    raise StopPartitionError("given up while reading the timeline: another worker has it now")
                self._origins = found
                give_back()
            return self._origins.get(place, low)

    def begin(self, place: Place, start: int) -> None:
        """See `Work.begin`."""
        clock = self._intake.clock
        if isinstance(clock, EventsClock) and (at := self._last_ticks.get(place[1])) and place[0] == "messages":
            clock.last = max(clock.last or at, at)
        self._intake.begin(place, start)

    def release(self, place: Place) -> None:
        """See `Work.release`."""
        if place in self._intake.positions:
            # It was worked on here. One that never began, and is only tried again, changed nothing that was read.
            self._origins = None
        self._intake.release(place)
        if isinstance(self._intake.clock, EventsClock) and place[0] == "messages":
            # What was ticked in a batch that was aborted did not happen; begin() finds what did.
            self._intake.clock.last = None

    def fold(self, records: list[Record]) -> Folded | None:
        """See `Work.fold`. The events' own clock sees its minimum only with every partition in hand."""
        if isinstance(self._intake.clock, EventsClock) and not self._complete():
            stopped = self._intake.receive(records)
            return Folded(stopped=stopped) if stopped else None
        folded = self._intake.fold(records)
        found = self._unwritten & self._intake.positions.keys()
        if not found:
            return folded
        self._unwritten -= found
        folded = folded or Folded()
        folded.offsets |= {place: self._intake.positions[place] for place in found}
        return folded

    def reconsider(self, stopped: Container[Place]) -> list[Place]:
        """Only a schema that is not known yet stops intake; what stops its preparation is tried again anyway."""
        return self._intake.answered(stopped)

    def crowded(self) -> set[Place]:
        """See `Work.crowded`."""
        return self._intake.crowded()

    def holding(self) -> set[Place]:
        """See `Work.holding`."""
        return {place for place, buffer in self._intake.merge.buffers.copy().items() if buffer}
