"""Each source record that intake has passed is in timeline or dead letters, once (I-1)."""

from schemas.codec import kind_of
from schemas.events import ClockTicked, PolicyActivated
from schemas.topics import INTAKE
from streams.kafka import Place, admin, bounds, committed, partitions_of, read_partitions
from streams.records import ORIGIN, Record, parse_origin
from streams.report import Check
from streams.restoring import Tables
from streams.settings import Settings

TIMELINE = Tables().source
OWN = (ClockTicked, PolicyActivated)
"""What is on the timeline without a source: ticks, and the first policy."""


def check_origins(settings: Settings, count: int) -> list[Check]:
    """I-1: each source record that intake has passed is in timeline or dead letters, once, and nothing else is."""
    asking = admin(settings)
    places = [(topic, n) for topic in INTAKE for n in range(partitions_of(asking, settings.topic(topic)))]
    full = {(settings.topic(topic), partition): (topic, partition) for topic, partition in places}
    positions = {full[place]: position or 0 for place, position in committed(settings, "intake", full).items()}
    times: dict[Place, bytearray] = {place: bytearray(position) for place, position in positions.items()}
    checks, later = [], list[tuple[str, bytes, Check]]()
    for partition in range(count):
        check = Check("I-1", "timeline and dead letters name a source", partition)
        for topic in (TIMELINE, "dead-letters"):
            for record in read_partitions(settings, topic, [partition]):
                if undecided := _mark(record, times, check):
                    later.append((_place(record), undecided, check))
        checks.append(check)
    # Intake may have gone on since its positions were read; now every origin lies before its source's end.
    ends = {full[place]: end for place, (_, end) in bounds(settings, full).items()}
    for where, header, check in later:
        origin = _origin(header)
        if origin is None or origin[2] >= ends.get(origin[:2], 0):
            check.differ(f"{where} names {header.decode(errors='replace')}, which no source has")
    return [*checks, *(_compare_origins(settings, place, times[place]) for place in places)]


def _mark(record: Record, times: dict[Place, bytearray], check: Check) -> bytes | None:
    """Count the record for its origin; the header where only the sources' ends can tell."""
    check.compared += 1
    header = record.header(ORIGIN)
    if header is None:
        if record.topic != TIMELINE or kind_of(record.value) not in OWN:
            check.differ(f"{_place(record)} names no source")
        return None
    origin = _origin(header)
    seen = times.get(origin[:2]) if origin else None
    if origin is None or seen is None or origin[2] >= len(seen):
        return header
    seen[origin[2]] = min(255, seen[origin[2]] + 1)
    return None


def _origin(header: bytes) -> tuple[str, int, int] | None:
    try:
        return parse_origin(header)
    except ValueError:
        return None


def _place(record: Record) -> str:
    return f"{record.topic}/{record.partition} offset {record.offset}"


def _compare_origins(settings: Settings, place: Place, seen: bytearray) -> Check:
    topic, partition = place
    check = Check("I-1", "source records in timeline or dead letters", partition)
    first = None
    for record in read_partitions(settings, topic, [partition]):
        if record.offset >= len(seen):
            break
        first = record.offset if first is None else first
        check.compared += 1
        if seen[record.offset] != 1:
            check.differ(f"{topic}/{partition} offset {record.offset} is there {seen[record.offset]} times")
        seen[record.offset] = 0
    for offset in range(len(seen) if first is None else first, len(seen)):
        if seen[offset]:
            check.differ(f"{topic}/{partition} offset {offset} is there, but the source has no such record")
    return check
