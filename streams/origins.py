"""Each source record that intake has passed is in timeline or dead letters, once and byte for byte (I-1)."""

from array import array
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import chain

from schemas.codec import kind_of
from schemas.events import ClockTicked, PolicyActivated
from schemas.topics import INTAKE
from streams.burying import DELETED, TOO_LARGE, dig_up
from streams.kafka import Place, admin, committed, partitions_of
from streams.keys import Keyring
from streams.published import Written
from streams.reading import bounds, read
from streams.records import ORIGIN, REASON, Record, parse_origin
from streams.report import Check
from streams.restoring import Tables
from streams.settings import Settings
from streams.snapshots import Body, Snapshot
from streams.translation import hash_of, hash_of_source

TIMELINE = Tables().source
DEAD = "dead-letters"
OWN = (ClockTicked, PolicyActivated)
"""What is on the timeline without a source: ticks, and the first policy."""
ELSEWHERE = 0
"""Instead of a hash: the dead letter says that the record was too large, and its bytes stay where they are, or the key that
they were sealed under was deleted."""


class Seen:
    """What was found of a source partition's records from `low` up to `high`: nine bytes for each of them."""

    def __init__(self, low: int, high: int) -> None:
        self.low = low
        self._times = bytearray(max(0, high - low))
        self._hashes = array("Q", bytes(8 * len(self._times)))

    @property
    def end(self) -> int:
        """The offset after the last that is looked at."""
        return self.low + len(self._times)

    def add(self, offset: int, found: int) -> None:
        """A record with this origin was found, with this hash. Whatever the source has no more, nothing is compared with."""
        if offset >= self.low:
            self._times[offset - self.low] = min(255, self._times[offset - self.low] + 1)
            self._hashes[offset - self.low] = found

    def cut(self) -> None:
        """Look no further than at the last record that was found."""
        del self._times[len(self._times.rstrip(b"\0")) :]

    def times(self, offset: int) -> int:
        """How often it was found."""
        return self._times[offset - self.low] if offset >= self.low else 0

    def hash(self, offset: int) -> int:
        """Of the last that was found."""
        return self._hashes[offset - self.low]


@dataclass
class Ledger:
    """How far sources were checked. A check goes on from there and brings it up to date."""

    checked: dict[Place, int] = field(default_factory=dict)
    """Of each source: the records before this offset are in timeline or dead letters, once."""
    read: dict[Place, int] = field(default_factory=dict)
    """How far timeline and dead letters were read."""
    early: list[tuple[bytes, int]] = field(default_factory=list)
    """Origins found there that were not before `checked`, with the hash of what was found: intake had gone on."""
    lost: int = 0
    """Dead letters whose key was deleted: of these it is known that they are there, and their bytes are not compared."""
    settled: bool = True
    """Whether the next check may go on from here, provided that this one found no difference."""

    def body(self) -> Body:
        """What a snapshot has to hold besides offsets."""
        found: defaultdict[bytes, list[int]] = defaultdict(list)
        for header, each in self.early:
            found[header].append(each)
        return {"early": found.items()}


def read_ledger(start: Snapshot | None) -> Ledger:
    """The ledger that a snapshot holds, or a new one."""
    if start is None:
        return Ledger()
    ends = start.places()
    return Ledger(
        {place: end for place, end in ends.items() if place[0] in INTAKE},
        {place: end for place, end in ends.items() if place[0] in {TIMELINE, DEAD}},
        [(header, each) for header, found in start.take("early").items() for each in found],
    )


def check_origins(settings: Settings, count: int, ledger: Ledger | None = None) -> list[Check]:
    """I-1: each source record that intake has passed is in timeline or dead letters, once, and nothing else is."""
    ledger = ledger or Ledger()
    asking = admin(settings)
    places = [(topic, n) for topic in INTAKE for n in range(partitions_of(asking, settings.topic(topic)))]
    full = {(settings.topic(topic), partition): (topic, partition) for topic, partition in places}
    positions = committed(settings, "intake", full)
    seen = {
        full[place]: Seen(max(low, ledger.checked.get(full[place], 0)), high if position is None else position)
        for place, (low, high) in bounds(settings, full).items()
        for position in [positions[place]]
    }
    with Keyring(settings) as keys:
        finding = Finding(seen, ledger, keys)
        checks = [finding.read(settings, partition) for partition in range(count)]
    absent = {place: full[place] for place, position in positions.items() if position is None}
    ledger.settled = _bound(settings, seen, absent)
    # Intake may have gone on since its positions were read; now every origin lies before its source's end.
    finding.settle({full[place]: end for place, (_, end) in bounds(settings, full).items()})
    ledger.checked = {place: of_source.end for place, of_source in seen.items()}
    return [*checks, *(_compare_origins(settings, place, seen[place]) for place in places)]


def _bound(settings: Settings, seen: dict[Place, Seen], absent: dict[Place, Place]) -> bool:
    """Positions that expired: intake has passed the highest origin at least (D2), unless it begins only now."""
    settled = True
    for place, position in committed(settings, "intake", absent).items() if absent else ():
        if position is None:
            seen[absent[place]].cut()
        else:
            seen[absent[place]] = Seen(0, 0)
            settled = False
    return settled


class Finding:
    """Reading timeline and dead letters, and laying each record at its origin's door."""

    def __init__(self, seen: dict[Place, Seen], ledger: Ledger, keys: Keyring) -> None:
        self._seen = seen
        self._keys = keys
        self._ledger = ledger
        self._passed = dict(ledger.checked)
        self._later: list[tuple[str, bytes, int, Check]] = []
        known, ledger.early = ledger.early, []
        for header, found in known:
            if not self._count(header, found):
                ledger.early.append((header, found))

    def read(self, settings: Settings, partition: int) -> Check:
        """Read both partitions of this number on."""
        check = Check("I-1", "timeline and dead letters name a source", partition)
        for topic in (TIMELINE, DEAD):
            records = Written(settings, topic, partition, self._ledger.read.get((topic, partition), 0))
            for record in records:
                self._mark(record, check)
            self._ledger.read[topic, partition] = records.end
        return check

    def settle(self, ends: dict[Place, int]) -> None:
        """Only the sources' ends can tell whether there are the records that were beyond intake's positions."""
        for where, header, found, check in self._later:
            origin = _origin(header)
            if origin is None or origin[2] >= ends.get(origin[:2], 0):
                check.differ(f"{where} names {header.decode(errors='replace')}, which no source has")
            else:
                self._ledger.early.append((header, found))

    def _mark(self, record: Record, check: Check) -> None:
        check.compared += 1
        header = record.header(ORIGIN)
        if header is None:
            if record.topic != TIMELINE or kind_of(record.value) not in OWN:
                check.differ(f"{_place(record)} names no source")
            return
        origin, found = _origin(header), self._hash(record)
        if origin is not None and origin[2] < self._passed.get(origin[:2], 0):
            check.differ(f"{_place(record)} names {header.decode()}, which an earlier verification had found already")
        elif not self._count(header, found):
            self._later.append((_place(record), header, found, check))

    def _hash(self, record: Record) -> int:
        """The timeline's records have keys of their own; the dead letters keep their sources'."""
        if record.topic == TIMELINE:
            return hash_of_source(record)
        if record.header(REASON) == TOO_LARGE.encode() and record.key is None and record.value is None:
            return ELSEWHERE
        found = dig_up(record, self._keys.find)
        if found.lost == DELETED:
            self._ledger.lost += 1
            return ELSEWHERE
        whole = record if found.lost else found  # what does not open is compared as it stands, and is something else
        return hash_of(whole.value, whole.key)

    def _count(self, header: bytes, found: int) -> bool:
        """Count what was found for its origin, where that is before the end of what is looked at."""
        origin = _origin(header)
        of_source = self._seen.get(origin[:2]) if origin else None
        if origin is None or of_source is None or origin[2] >= of_source.end:
            return False
        of_source.add(origin[2], found)
        return True


def _origin(header: bytes) -> tuple[str, int, int] | None:
    try:
        origin = parse_origin(header)
    except ValueError:
        return None
    return origin if origin[2] >= 0 else None


def _place(record: Record) -> str:
    return f"{record.topic}/{record.partition} offset {record.offset}"


def _compare_origins(settings: Settings, place: Place, seen: Seen) -> Check:
    topic, partition = place
    check = Check("I-1", "source records in timeline or dead letters", partition)
    if seen.low >= seen.end:
        return check
    full = (settings.topic(topic), partition)
    low, high = bounds(settings, [full])[full]
    expected = max(low, seen.low)
    # To the end that readers see: whoever writes to a source may keep a transaction open for as long as they like.
    for record in chain.from_iterable(read(settings, {full: expected} if expected < high else {})):
        if record.offset >= seen.end:
            break
        _compare_between(place, seen, range(expected, record.offset), check)
        expected = record.offset + 1
        check.compared += 1
        if (times := seen.times(record.offset)) != 1:
            check.differ(f"{_place(record)} is there {times} times")
        elif seen.hash(record.offset) not in {ELSEWHERE, hash_of(record.value), hash_of(record.value, record.key)}:
            check.differ(f"{_place(record)} is there with other bytes, or dead under another key")
    _compare_between(place, seen, range(expected, seen.end), check)
    return check


def _compare_between(place: Place, seen: Seen, offsets: range, check: Check) -> None:
    """Between a source's records there are only marks of transactions, and what was aborted."""
    for offset in offsets:
        if seen.times(offset):
            check.differ(f"{place[0]}/{place[1]} offset {offset} is there, but the source has no such record")
