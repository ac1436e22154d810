"""Intake: decides once, for ever, in which order the sources interleave, and writes that order down (D3).

A record is either appended to the timeline, its bytes unchanged but for another wire format, under its subject, or put into
the dead letters with the reason. Intake keeps no rows: its positions are the group's.
"""

import re
from collections import deque
from collections.abc import Callable, Container, Iterable, Iterator
from heapq import heapify, heappop, heapreplace

from schemas.codec import Rejected, admitted, decode, encode
from schemas.events import ClockTicked
from schemas.fields import EARLIEST_MS, LATEST_MS
from schemas.partitions import reserved
from schemas.source import SourceEvent
from schemas.topics import TOPIC_OF
from streams.batches import Folded
from streams.burying import TOO_LARGE, Seals, bury
from streams.clock import DAY_MS, EventsClock, WallClock, now_ms
from streams.kafka import Place
from streams.records import FRAME, HOPS, ORIGIN, REDRIVEN, Outgoing, Record, origin_of
from streams.translation import Schemas, Translated, schema_id, translated

MAX_HOPS = 8
MAX_AHEAD_MS = DAY_MS
"""How far an event may claim to be ahead of the broker's stamp on its record."""
BUFFERED_BATCHES = 4
LARGEST_BYTES = 2_000_000
"""Key and value of a record that timeline and dead letters can take, with headers of ours (`schemas.topics`)."""
SMALL_NUMBER = re.compile("[0-9]{1,6}")


class Merge:
    """The records of several partitions in one order: by broker timestamp, keeping the order of each partition.

    A record leaves only when every partition that has more to come has one buffered, so nothing earlier can follow.
    """

    def __init__(self) -> None:
        self.buffers: dict[Place, deque[Record]] = {}
        self.at_end: Container[Place] = set()

    def add(self, place: Place) -> None:
        """A partition takes part from now on."""
        self.buffers.setdefault(place, deque())

    def remove(self, place: Place) -> None:
        """A partition takes no part any more; what it had buffered will be read again by its next owner."""
        self.buffers.pop(place, None)

    def put(self, records: Iterable[Record]) -> None:
        """Buffer records, in the order of each partition."""
        for record in records:
            self.buffers[record.place].append(record)

    def take(self, limit: int) -> Iterator[Record]:
        """Up to `limit` records whose turn it is."""
        if any(not buffer and place not in self.at_end for place, buffer in self.buffers.items()):
            return
        heads = [(buffer[0].timestamp, place) for place, buffer in self.buffers.items() if buffer]
        heapify(heads)
        while heads and limit > 0:
            _, place = heads[0]
            buffer = self.buffers[place]
            yield buffer.popleft()
            limit -= 1
            if buffer:
                heapreplace(heads, (buffer[0].timestamp, place))
            elif place in self.at_end:
                heappop(heads)
            else:
                return


def subject_of(record: Record) -> str | Rejected:
    """Whose record this is, or why it cannot be taken.

    Traps T-15, T-19: what is wrong here is wrong for ever, so it is refused here; what only the customer's history can
    judge is left to the fold.
    """
    if (size := size_of(record)) > LARGEST_BYTES:
        return Rejected(TOO_LARGE, f"found {size} bytes, unpacked; {LARGEST_BYTES} are allowed")
    value = record.single if isinstance(record, Translated) else record.value
    event = value if isinstance(value, Rejected) else admitted(decode(value))
    if isinstance(event, Rejected):
        return event
    home = TOPIC_OF.get(type(event))
    if record.topic != home and not (record.topic == "redrives" and isinstance(event, SourceEvent)):
        return Rejected("wrong_topic", f"found {type(event).__name__}, which belongs to {home or 'no source'}")
    if not isinstance(event, SourceEvent):
        return _addressee(record)
    ahead = event.occurred_at - record.timestamp
    if ahead > MAX_AHEAD_MS:
        detail = f"{type(event).__name__}: occurred_at is {ahead // 1000} s after the broker's stamp; a day is allowed"
        return Rejected("implausible_date", detail)
    return event.subject


def _addressee(message: Record) -> str | Rejected:
    hops = (message.header(HOPS) or b"0").decode(errors="replace")
    if not SMALL_NUMBER.fullmatch(hops) or int(hops) > MAX_HOPS:
        return Rejected("too_many_hops", f"found {hops[:20]!r} hops between subjects; {MAX_HOPS} are allowed (D6)")
    try:
        subject = (message.key or b"").decode()
    except UnicodeDecodeError:
        subject = ""
    if not subject or (subject.startswith("#") and not SMALL_NUMBER.fullmatch(subject[1:])):
        detail = f"found the key {message.key!r}; a message's key is its subject, which may be # and a partition"
        return Rejected("invalid_id", detail)
    return subject


def append(record: Record, subject: str) -> Outgoing:
    """The record on the timeline: its own bytes and timestamp, under its subject, with its origin.

    Of a record in Confluent's wire format it is the translation, with a note of what it was: the timeline needs no registry.
    """
    headers, value = [(ORIGIN, origin_of(record))], record.value
    if isinstance(record, Translated) and isinstance(record.single, bytes):
        headers, value = [*headers, (FRAME, record.frame)], record.single
    if record.topic == "messages" and (hops := record.header(HOPS)) is not None:
        headers.append((HOPS, hops))
    partition = int(subject[1:]) if subject.startswith("#") else None
    return Outgoing("timeline", subject.encode(), value, partition, record.timestamp, headers)


def size_of(record: Record) -> int:
    """What the record would bring into the dead letters. A source's own limit is one of compressed batches."""
    passed_on = (value or b"" for name, value in record.headers if name == REDRIVEN)
    return sum(map(len, (record.key or b"", record.value or b"", *passed_on)))


def tick(partition: int, at: int, sources_behind_ms: int, partitions: int) -> Outgoing:
    """A tick on the timeline, of so many partitions."""
    value = encode(ClockTicked(at, sources_behind_ms, partitions))
    return Outgoing("timeline", reserved(partition).encode(), value, partition, at)


class Intake:
    """The fold of the sources into the timeline. `partitions` is how many the timeline has.

    `schemas` are asked for what records in Confluent's wire format mean; without them these are refused.
    """

    def __init__(
        self,
        clock: EventsClock | WallClock,
        partitions: int,
        batch_size: int,
        seals: Seals,
        *,
        may_tick: Callable[[], bool] = lambda: True,
        behind_ms: Callable[[], int] = lambda: 0,
        schemas: Schemas | None = None,
    ) -> None:
        self.merge = Merge()
        self.positions: dict[Place, int] = {}
        self.clock = clock
        self._partitions = partitions
        self._batch_size = batch_size
        self._seals = seals
        self._may_tick = may_tick
        self._behind_ms = behind_ms
        self._schemas = schemas
        self._awaited: dict[Place, int] = {}
        """Partitions that stand before a record whose schema is not known yet, with its id."""

    def begin(self, place: Place, start: int) -> None:
        """A partition's records come in from `start` on."""
        self.positions[place] = start
        self._awaited.pop(place, None)
        self.merge.add(place)

    def release(self, place: Place) -> None:
        """A partition belongs to this worker no longer."""
        self.positions.pop(place, None)
        self.merge.remove(place)

    def crowded(self) -> set[Place]:
        """Partitions that have enough buffered: fetching them further would only fill memory."""
        limit = BUFFERED_BATCHES * self._batch_size
        return {place for place, buffer in self.merge.buffers.items() if len(buffer) > limit}

    def fold(self, records: Iterable[Record]) -> Folded | None:
        """What to append and to bury for the records whose turn it is, with the ticks that are due."""
        folded = Folded(stopped=self.receive(records))
        folded.records.extend(self.merge.take(self._batch_size))
        for record in folded.records:
            self._take(record, folded)
        if isinstance(self.clock, WallClock):
            self._tick_wall(self.clock, folded)
        return folded if folded.offsets or folded.stopped else None

    def receive(self, records: Iterable[Record]) -> dict[Place, str]:
        """Take records in, to wait for their turn; partitions that must stop, as a schema is not known yet, with the reason.

        Nothing of theirs is lost or refused meanwhile, and the other partitions go on.
        """
        stopped: dict[Place, str] = {}
        self.merge.put(records if self._schemas is None else self._understood(self._schemas, records, stopped))
        return stopped

    def _understood(self, schemas: Schemas, records: Iterable[Record], stopped: dict[Place, str]) -> Iterator[Record]:
        for record in records:
            if stopped and record.place in stopped:
                continue
            if (number := schema_id(record)) is None:
                yield record
            elif isinstance(contract := schemas.contract(number), str):
                stopped[record.place], self._awaited[record.place] = contract, number
            else:
                yield translated(record, number, contract)

    def answered(self, stopped: Container[Place]) -> list[Place]:
        """Stopped partitions that can go on: what they waited for is known."""
        waiting = [place for place in self._awaited if place in stopped]
        return [
            place
            for place in waiting
            if self._schemas and not isinstance(self._schemas.contract(self._awaited[place]), str)
        ]

    def _take(self, record: Record, folded: Folded) -> None:
        self.positions[record.place] = folded.offsets[record.place] = record.offset + 1
        subject = subject_of(record)
        if isinstance(subject, str) and subject.startswith("#") and int(subject[1:]) >= self._partitions:
            subject = Rejected("invalid_id", f"found the subject {subject}, and {self._partitions} partitions")
        if isinstance(subject, str) and isinstance(self.clock, EventsClock) and record.topic != "messages":
            subject = self._tick_events(self.clock, record.timestamp, folded) or subject
        if isinstance(subject, str):
            folded.outgoing.append(append(record, subject))
        else:
            folded.outgoing.append(bury(record, subject, self._seals))

    def _tick_events(self, clock: EventsClock, timestamp: int, folded: Folded) -> Rejected | None:
        if clock.last is not None and clock.jumps(timestamp):
            found = f"found the timestamp {timestamp}, {(timestamp - clock.last) // DAY_MS} days after the log's time"
            return Rejected("implausible_date", f"{found}; LAUREL_MAX_JUMP_DAYS is the most that it follows at once")
        if not EARLIEST_MS <= timestamp <= LATEST_MS:
            detail = f"found the timestamp {timestamp}; {EARLIEST_MS} to {LATEST_MS} are allowed"
            return Rejected("implausible_date", detail)
        instants = clock.before(timestamp)
        for at in instants:
            folded.outgoing += [tick(partition, at, 0, self._partitions) for partition in range(self._partitions)]
        if instants:
            # A tick's right to be written is the position of its partition of `messages` (D2, D4).
            folded.offsets.update({p: at for p, at in self.positions.items() if p[0] == "messages"})
        return None

    def _tick_wall(self, clock: WallClock, folded: Folded) -> None:
        if folded.outgoing:
            clock.saw_events()
        owned = {partition for topic, partition in self.positions if topic == "messages"}
        now = now_ms()
        due = clock.due(owned, now)
        if not due or not self._may_tick():
            return
        behind_ms = self._behind_ms()
        folded.outgoing += [tick(partition, now, behind_ms, self._partitions) for partition in sorted(due)]
        folded.offsets.update(
            {place: at for place, at in self.positions.items() if place[0] == "messages" and place[1] in due}
        )
        folded.settle = lambda _: clock.ticked(due, now)
