"""Each source record that intake has passed is in timeline or dead letters, once and byte for byte (I-1)."""

from array import array
from hashlib import blake2b

from schemas.codec import kind_of
from schemas.events import ClockTicked, PolicyActivated
from schemas.topics import INTAKE
from streams.intake import TOO_LARGE
from streams.kafka import Place, admin, bounds, committed, partitions_of, read_partitions
from streams.published import written
from streams.records import ORIGIN, REASON, Record, parse_origin
from streams.report import Check
from streams.restoring import Tables
from streams.settings import Settings

TIMELINE = Tables().source
DEAD = "dead-letters"
OWN = (ClockTicked, PolicyActivated)
"""What is on the timeline without a source: ticks, and the first policy."""
ELSEWHERE = 0
"""Instead of a hash: the dead letter says that the record was too large, and its bytes stay where they are."""


class Seen:
    """What was found of a source partition's records from `low` up to `high`: nine bytes for each of them."""

    def __init__(self, low: int, high: int) -> None:
        self._low = low
        self._times = bytearray(max(0, high - low))
        self._hashes = array("Q", bytes(8 * len(self._times)))

    @property
    def end(self) -> int:
        """The offset after the last that is looked at."""
        return self._low + len(self._times)

    def add(self, offset: int, found: int) -> None:
        """A record with this origin was found, with this hash. Whatever the source has no more, nothing is compared with."""
        if offset >= self._low:
            self._times[offset - self._low] = min(255, self._times[offset - self._low] + 1)
            self._hashes[offset - self._low] = found

    def cut(self) -> None:
        """Look no further than at the last record that was found."""
        del self._times[len(self._times.rstrip(b"\0")) :]

    def times(self, offset: int) -> int:
        """How often it was found."""
        return self._times[offset - self._low] if offset >= self._low else 0

    def hash(self, offset: int) -> int:
        """Of the last that was found."""
        return self._hashes[offset - self._low]


def check_origins(settings: Settings, count: int) -> list[Check]:
    """I-1: each source record that intake has passed is in timeline or dead letters, once, and nothing else is."""
    asking = admin(settings)
    places = [(topic, n) for topic in INTAKE for n in range(partitions_of(asking, settings.topic(topic)))]
    full = {(settings.topic(topic), partition): (topic, partition) for topic, partition in places}
    positions = committed(settings, "intake", full)
    seen = {
        full[place]: Seen(low, high if (position := positions[place]) is None else position)
        for place, (low, high) in bounds(settings, full).items()
    }
    checks, later = [], list[tuple[str, bytes, Check]]()
    for partition in range(count):
        check = Check("I-1", "timeline and dead letters name a source", partition)
        for topic in (TIMELINE, DEAD):
            for record in written(settings, topic, partition)[1]:
                if undecided := _mark(record, seen, check):
                    later.append((_place(record), undecided, check))
        checks.append(check)
    _bound(settings, seen, {place: full[place] for place, position in positions.items() if position is None})
    # Intake may have gone on since its positions were read; now every origin lies before its source's end.
    ends = {full[place]: end for place, (_, end) in bounds(settings, full).items()}
    for where, header, check in later:
        origin = _origin(header)
        if origin is None or origin[2] >= ends.get(origin[:2], 0):
            check.differ(f"{where} names {header.decode(errors='replace')}, which no source has")
    return [*checks, *(_compare_origins(settings, place, seen[place]) for place in places)]


def _bound(settings: Settings, seen: dict[Place, Seen], absent: dict[Place, Place]) -> None:
    """Positions that expired: intake has passed the highest origin at least (D2), unless it begins only now."""
    for place, position in committed(settings, "intake", absent).items() if absent else ():
        if position is None:
            seen[absent[place]].cut()
        else:
            seen[absent[place]] = Seen(0, 0)


def _mark(record: Record, seen: dict[Place, Seen], check: Check) -> bytes | None:
    """Count the record for its origin; the header where only the sources' ends can tell."""
    check.compared += 1
    header = record.header(ORIGIN)
    if header is None:
        if record.topic != TIMELINE or kind_of(record.value) not in OWN:
            check.differ(f"{_place(record)} names no source")
        return None
    origin = _origin(header)
    of_source = seen.get(origin[:2]) if origin else None
    if origin is None or of_source is None or origin[2] >= of_source.end:
        return header
    of_source.add(origin[2], _hash_found(record))
    return None


def _hash_found(record: Record) -> int:
    """The timeline's records have keys of their own; the dead letters keep their sources'."""
    if record.topic == TIMELINE:
        return _hash(record.value)
    elsewhere = record.header(REASON) == TOO_LARGE.encode() and record.key is None and record.value is None
    return ELSEWHERE if elsewhere else _hash(record.value, record.key)


def _hash(value: bytes | None, *key: bytes | None) -> int:
    """Eight bytes. No value and an empty one are the same here, as they are to some clients."""
    digest = blake2b(value or b"", digest_size=8)
    for each in key:
        digest.update(b"\0none" if each is None else b"\0" + each)
    return int.from_bytes(digest.digest(), "big") or 1


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
    expected = None
    for record in read_partitions(settings, topic, [partition]):
        if record.offset >= seen.end:
            break
        _compare_between(place, seen, range(record.offset if expected is None else expected, record.offset), check)
        expected = record.offset + 1
        check.compared += 1
        if (times := seen.times(record.offset)) != 1:
            check.differ(f"{_place(record)} is there {times} times")
        elif seen.hash(record.offset) not in {ELSEWHERE, _hash(record.value), _hash(record.value, record.key)}:
            check.differ(f"{_place(record)} is there with other bytes, or dead under another key")
    _compare_between(place, seen, range(seen.end if expected is None else expected, seen.end), check)
    return check


def _compare_between(place: Place, seen: Seen, offsets: range, check: Check) -> None:
    """Between a source's records there are only marks of transactions, and what was aborted."""
    for offset in offsets:
        if seen.times(offset):
            check.differ(f"{place[0]}/{place[1]} offset {offset} is there, but the source has no such record")
