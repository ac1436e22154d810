"""Reading topics for people and scripts: each record decoded, one JSON object a line."""

import base64
import json
from collections.abc import Iterator
from typing import Any

from schemas.codec import Rejected, decode, to_json
from schemas.sealing import key_id
from schemas.topics import BY_NAME
from streams.kafka import Place, admin, partitions_of
from streams.reading import bounds, read
from streams.records import Record
from streams.settings import Settings

KEYS, DEAD = "keys", "dead-letters"


class NoTopicError(Exception):
    """The topic is not one of laurel's, or not on this broker."""


def lines(settings: Settings, topic: str, last: int | None, *, follow: bool) -> Iterator[str]:
    """A topic's committed records as JSON; with `last`, only so many at the end of each partition."""
    if topic not in BY_NAME:
        message = f"{topic} is no topic of laurel; there are {', '.join(BY_NAME)}"
        raise NoTopicError(message)
    name = settings.topic(topic)
    count = partitions_of(admin(settings), name)
    if not count:
        message = f"{name} is not at {settings.bootstrap}; laurel topics create"
        raise NoTopicError(message)
    found = bounds(settings, [(name, partition) for partition in range(count)])
    starts = {place: low for place, (low, _) in found.items()}
    if last is not None:
        starts = {place: _start_of_last(settings, place, low, high, last) for place, (low, high) in found.items()}
    for records in read(settings, starts, until=dict.fromkeys(starts, 1 << 62) if follow else None):
        yield from (json.dumps(describe(record), ensure_ascii=False) for record in records)


def _start_of_last(settings: Settings, place: Place, low: int, high: int, last: int) -> int:
    """The offset of the last but so many records: marks of transactions take offsets too, so offsets do not count."""
    back = max(2 * last, 16)
    while last > 0:
        start = max(low, high - back)
        offsets = [record.offset for records in read(settings, {place: start}) for record in records]
        if len(offsets) >= last:
            return offsets[-last]
        if start == low:
            return low
        back *= 8
    return high


def describe(record: Record) -> dict[str, Any]:
    """A record as JSON can hold it: what decodes is decoded, what does not is given as base64 with the reason."""
    described: dict[str, Any] = {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": record.timestamp,
        "key": _text(record.key),
    }
    if record.headers:
        described["headers"] = {name: _text(value) for name, value in record.headers}
    if record.topic == KEYS:
        return described | {"hidden": "a key" if record.value else "deleted"}
    content = decode(record.value)
    if isinstance(content, Rejected):
        sealed = record.topic == DEAD and key_id(record.value or b"") is not None
        raw = None if record.value is None else base64.b64encode(record.value).decode()
        return described | {"undecoded": "sealed" if sealed else content.reason, "raw": raw}
    fields = to_json(content)
    return described | {"record": fields}


def _text(value: bytes | None) -> str | None:
    """Kafka's headers, too, may have no value."""
    return None if value is None else value.decode(errors="replace")
