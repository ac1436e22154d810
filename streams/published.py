"""The published records beside what the fold publishes: none missing, none twice, none different (I-3, I-4)."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from schemas.codec import Rejected, decode
from schemas.decided import Decided
from schemas.partitions import partition_of
from schemas.topics import TOPICS
from streams.kafka import Place
from streams.reading import bounds, read
from streams.records import AT, SENDER, Outgoing, Record
from streams.report import Check
from streams.settings import Settings
from streams.snapshots import Body, Snapshot

OUTPUTS = tuple(topic.name for topic in TOPICS if topic.writer == "customers" and topic.types)
COMPACTED, MESSAGES = "customer-profiles", "messages"


class Written:
    """All that was committed to a partition until now, from `start` on or from where the partition begins now.

    What was committed with a position that we have seen is among it: a transaction's end is written to each partition
    in turn, so the broker may hide records for a moment longer than it hides the position.
    """

    def __init__(
        self,
        settings: Settings,
        topic: str,
        partition: int,
        start: int = 0,
        limits: dict[Place, tuple[int, int]] | None = None,
    ) -> None:
        self._settings = settings
        self._place = (settings.topic(topic), partition)
        low, self._high = (limits or bounds(settings, [self._place], committed=False))[self._place]
        self.cut = low > start
        self.begin = max(low, start)
        self.end = max(self._high, start)
        """After the last offset that was read."""

    def __iter__(self) -> Iterator[Record]:
        if self.begin >= self._high:
            return
        for records in read(self._settings, {self._place: self.begin}, until={self._place: self._high}):
            for record in records:
                self.end = max(self.end, record.offset + 1)
                yield record


class Published:
    """The published records of a partition's fold, beside what the fold publishes (I-3), and their numbers (I-4).

    They are on the partition of its number, of `count`; messages may be on any. With `start`, what was verified before is known from there, and each topic is read on from where it stood then.
    """

    def __init__(
        self, settings: Settings, partition: int, count: int, position: int, start: Snapshot | None = None
    ) -> None:
        self._position = position
        self._partition = partition
        self._count = count
        ends = start.places() if start else {}
        places = [(topic, partition) for topic in OUTPUTS if topic not in (COMPACTED, MESSAGES)]
        places += [(MESSAGES, n) for n in range(count)]
        limits = bounds(settings, [(settings.topic(topic), n) for topic, n in places], committed=False)
        held = {(topic, n): Written(settings, topic, n, ends.get((topic, n), 0), limits) for topic, n in places}
        self._profiles = {record.key: record for record in Written(settings, COMPACTED, partition)}
        self._held = held
        self._found = {place: self._up_to(place, records) for place, records in held.items()}
        self._newer: dict[Place, int] = {}
        self._cut = {place for place, records in held.items() if records.cut}
        self._expected_profiles: dict[bytes | None, bytes | None] = start.take("profiles") if start else {}
        self._of_topic = {topic: Check("I-3", topic, partition) for topic in OUTPUTS}
        self._numbers = Check("I-4", "sequence numbers", partition)
        self._before: dict[str, int] = start.take("numbers") if start else {}
        self._since: dict[str, set[int]] = defaultdict(set)
        self._begun: set[Place] = set()

    @property
    def checks(self) -> list[Check]:
        """The comparisons, filled as the fold goes on."""
        return [*self._of_topic.values(), self._numbers]

    def _up_to(self, place: Place, records: Iterable[Record]) -> Iterator[Record]:
        for record in records:
            if int(record.header(SENDER) or place[1]) != self._partition:
                continue
            if _offset(record.header(AT)) < self._position:
                yield record
            else:
                self._newer.setdefault(place, record.offset)

    def compare(self, outputs: list[Outgoing]) -> None:
        """Compare what a batch publishes with what was published."""
        for expected in outputs:
            if expected.topic == COMPACTED:
                self._expected_profiles[expected.key] = expected.value
                continue
            check = self._of_topic[expected.topic]
            found = self._next(expected)
            if found is EXPIRED:
                continue
            check.compared += 1
            if found is None:
                check.differ(f"missing: {_said(expected.value)}")
            elif (found.key, found.value) != (expected.key, expected.value):
                check.differ(f"offset {found.offset} is {_said(found.value)}; the fold says {_said(expected.value)}")
            if found is not None:
                self._number(found)

    def _next(self, expected: Outgoing) -> Any:
        """The record found where `expected` belongs; what retention has removed from the front is passed over."""
        place = (expected.topic, self._partition)
        if expected.topic == MESSAGES:
            to = expected.partition
            place = (MESSAGES, partition_of((expected.key or b"").decode(), self._count) if to is None else to)
        if place not in self._begun:
            first = next(self._found[place], None)
            # The log's start tells what expired. The first record does not: an aborted batch has offsets, too.
            if place in self._cut and (first is None or _offset(first.header(AT)) > _at(expected)):
                if first is not None:
                    self._found[place] = chain([first], self._found[place])
                return EXPIRED
            self._begun.add(place)
            return first
        return next(self._found[place], None)

    def _number(self, record: Record) -> None:
        decision = decode(record.value)
        if isinstance(decision, Decided):
            self._numbers.compared += 1
            seen = self._since[decision.customer_id]
            if decision.sequence in seen or decision.sequence <= self._before.get(decision.customer_id, 0):
                self._numbers.differ(
                    f"{record.topic} offset {record.offset}: {decision.customer_id} has {decision.sequence} twice"
                )
            seen.add(decision.sequence)

    def finish(self) -> None:
        """After the fold: nothing may be left over, the last profiles must agree, and the numbers have no gap."""
        for (topic, _), left in self._found.items():
            for record in left:
                self._of_topic[topic].compared += 1
                self._of_topic[topic].differ(
                    f"offset {record.offset} is {_said(record.value)}; the fold has no such record"
                )
        check = self._of_topic[COMPACTED]
        for key in self._profiles.keys() | self._expected_profiles.keys():
            found, expected = self._profiles.get(key), self._expected_profiles.get(key)
            if found is not None and _offset(found.header(AT)) >= self._position:
                continue  # newer than what was folded; what it replaced may be compacted away
            check.compared += 1
            if found is None or expected is None or found.value != expected:
                check.differ(
                    f"{(key or b'').decode()}: found {_said(found.value if found else None)}; "
                    f"the fold says {_said(expected)}"
                )
        for customer, numbers in self._since.items():
            first, last = self._before.get(customer, min(numbers) - 1) + 1, max(numbers)
            if gap := next((n for n in range(first, last) if n not in numbers), None):
                self._numbers.differ(f"{customer} has no {gap}")

    def ends(self) -> dict[Place, int]:
        """After `finish`: where the next verification reads on."""
        return {place: self._newer.get(place, records.end) for place, records in self._held.items()}

    def body(self) -> Body:
        """What the next verification has to know, after `finish` of one that found no difference."""
        last = {customer: max(numbers) for customer, numbers in self._since.items()}
        return {"profiles": self._expected_profiles.items(), "numbers": (self._before | last).items()}


EXPIRED: Any = object()


def _offset(header: bytes | None) -> int:
    return int(header or -1)


def _at(record: Outgoing) -> int:
    return next((int(value) for name, value in record.headers if name == AT), -1)


def _said(value: bytes | None) -> str:
    content = decode(value)
    return "nothing" if value is None else content.detail if isinstance(content, Rejected) else str(content)
