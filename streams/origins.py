"""Each source record that intake has passed is in timeline or dead letters, once (I-1)."""

from schemas.topics import INTAKE
from streams.kafka import Place, admin, committed, partitions_of, read_partitions
from streams.records import ORIGIN, Record, parse_origin
from streams.report import Check
from streams.restoring import Tables
from streams.settings import Settings

TIMELINE = Tables().source


def check_origins(settings: Settings, count: int) -> list[Check]:
    """I-1: each source record that intake has passed is in timeline or dead letters, once."""
    asking = admin(settings)
    places = [(topic, n) for topic in INTAKE for n in range(partitions_of(asking, settings.topic(topic)))]
    full = {(settings.topic(topic), partition): (topic, partition) for topic, partition in places}
    positions = {full[place]: position or 0 for place, position in committed(settings, "intake", full).items()}
    times: dict[Place, bytearray] = {place: bytearray(position) for place, position in positions.items()}
    for topic in (TIMELINE, "dead-letters"):
        for partition in range(count):
            for record in read_partitions(settings, topic, [partition]):
                _mark(record, times)
    return [_compare_origins(settings, place, times[place]) for place in places]


def _mark(record: Record, times: dict[Place, bytearray]) -> None:
    header = record.header(ORIGIN)
    if header is None:
        return
    topic, partition, offset = parse_origin(header)
    seen = times.get((topic, partition))
    if seen is not None and offset < len(seen):
        seen[offset] = min(255, seen[offset] + 1)


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
