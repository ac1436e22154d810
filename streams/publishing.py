"""Publishing events from a file of JSON lines, as an upstream system would: keyed, in order, acknowledged.

A line is `{"type": "OrderPlaced", ...}` with the fields of its contract; free text in `note` or `answer` is sealed on the
way (D11). Two more kinds of line serve tests of the dead
letters: `"unchecked": true` beside a type encodes values that a contract forbids, and `{"topic": ..., "raw": <base64>}`
publishes bytes as they are.
"""

import base64
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from confluent_kafka import KafkaError, Message, Producer

from schemas import publishing as library
from schemas.codec import BY_NAME, Rejected, encode, encode_fields
from schemas.directives import PROGRAMME
from schemas.source import SourceEvent
from schemas.topics import BY_NAME as TOPIC_BY_NAME
from schemas.topics import TOPIC_OF
from streams.kafka import admin, client, shown
from streams.keychain import nonce
from streams.keys import Keyring
from streams.records import Outgoing
from streams.settings import Settings
from streams.transactions import send

FLUSH_S = 30


class BadLineError(Exception):
    """A line of the file cannot be published: the message names line, field, found and allowed."""


Prepare = Callable[[dict[str, Any]], library.Publication | Rejected]
"""The record of an event: what `schemas.publishing.prepare` does with keys and topics of one kind or another."""


def parse_line(text: str, number: int, prepare: Prepare) -> Outgoing:
    """The record of one line. Raises `BadLineError`."""
    try:
        line = _object(text)
        if "raw" in line:
            return _raw(line)
        return _unchecked(line) if line.pop("unchecked", False) else _event(line, prepare)
    except BadLineError as error:
        message = f"line {number}: {error}"
        raise BadLineError(message) from error


def _object(text: str) -> dict[str, Any]:
    try:
        line = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadLineError(f"found no JSON object: {error}") from error
    if not isinstance(line, dict):
        raise BadLineError(f"found {text.strip()[:80]}; a JSON object is needed")
    if "\\u" in text:
        for name, value in line.items():
            if not _is_text(name) or not _is_text(json.dumps(value, ensure_ascii=False)):
                raise BadLineError(f"{name!r}: found half of a surrogate pair, which UTF-8 cannot hold")
    return line


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _event(line: dict[str, Any], prepare: Prepare) -> Outgoing:
    record = prepare(line)
    if isinstance(record, Rejected):
        raise BadLineError(record.detail)
    return Outgoing(record.topic, record.key, record.value, record.partition, record.timestamp)


def record_of(event: SourceEvent) -> Outgoing:
    """An event as it is published: on its topic, keyed by its subject, at its own time."""
    return Outgoing(TOPIC_OF[type(event)], event.subject.encode(), encode(event), None, event.occurred_at)


def _unchecked(line: dict[str, Any]) -> Outgoing:
    kind = BY_NAME.get(str(line.get("type")))
    if kind is None:
        raise BadLineError(f"found type {line.get('type')!r}; known are {', '.join(sorted(BY_NAME))}")
    if not issubclass(kind, SourceEvent):
        raise BadLineError(f"{kind.__name__} is laurel's own record; upstream systems do not publish it")
    fields = {key: value for key, value in line.items() if key != "type"}
    try:
        value = encode_fields(kind, fields)
    except Exception as error:  # the writer raises whatever the fields provoke
        raise BadLineError(f"{kind.__name__}: not even its shape is right: {type(error).__name__}: {error}") from error
    # The broker's stamp: `timestamp` where the record's own date is the absurd thing.
    stamp = _stamp(line, "timestamp" if "timestamp" in line else "occurred_at")
    return Outgoing(TOPIC_OF[kind], str(fields.get("customer_id", PROGRAMME)).encode(), value, None, stamp)


def _raw(line: dict[str, Any]) -> Outgoing:
    topic, raw = line.get("topic"), line["raw"]
    if not isinstance(topic, str) or topic not in TOPIC_BY_NAME or TOPIC_BY_NAME[topic].writer != "upstream":
        raise BadLineError(f"found topic {topic!r}; a source topic is needed")
    try:
        value = base64.b64decode(raw, validate=True)
    except (TypeError, ValueError) as error:
        raise BadLineError(f"found raw {raw!r}; base64 is needed: {error}") from error
    stamp = _stamp(line, "timestamp") if "timestamp" in line else None
    return Outgoing(topic, str(line.get("key", "")).encode(), value, None, stamp)


def _stamp(line: dict[str, Any], field: str) -> int:
    found = line[field]
    if type(found) is not int or not 0 <= found < 1 << 63:
        raise BadLineError(f"found {field} {found!r}; milliseconds since 1970 are needed")
    return found


def parse(lines: Iterable[str], prepare: Prepare) -> Iterator[Outgoing]:
    """The records of a file's lines; empty lines are passed over. Raises `BadLineError`."""
    for number, text in enumerate(lines, 1):
        if text.strip():
            yield parse_line(text, number, prepare)


@contextmanager
def preparing(settings: Settings) -> Iterator[Prepare]:
    """For topics and keys of a broker, which is asked when they are first needed."""
    with Keyring(settings) as keys:
        yield partial(library.prepare, partitions=_counting(settings), keys=keys, nonce=nonce)


def _counting(settings: Settings) -> Callable[[str], int]:
    """How many partitions a topic has; one that is not there says so when it is sent to."""
    found: dict[str, int] = {}

    def partitions(topic: str) -> int:
        if not found:
            found.update(shown(admin(settings)))
        return found.get(settings.topic(topic), 1)

    return partitions


def publish(settings: Settings, records: Iterable[Outgoing], advance: Callable[[int], None]) -> int:
    """Publish, waiting for the broker's word on every record; returns how many.

    Records carry the time of what happened as their timestamp, so that intake merges a history in its own order (D3).
    Raises `TimeoutError` naming the first refusal, and whatever `records` or the producer raise, with a note of how many
    the broker acknowledged until then.
    """
    producer = Producer(
        client(settings, "publish")
        | {"enable.idempotence": True, "partitioner": "murmur2_random", "linger.ms": 20, "message.max.bytes": 2_500_000}
    )
    refused: list[KafkaError] = []
    count = acknowledged = 0

    def delivered(error: KafkaError | None, _: Message) -> None:
        nonlocal acknowledged
        if error is None:
            acknowledged += 1
        else:
            refused.append(error)

    try:
        for record in records:
            send(producer, record, settings.topic(record.topic), delivered)
            count += 1
            if count % 1000 == 0:
                producer.poll(0)
                advance(1000)
            if refused:
                break
    except BaseException as error:
        producer.flush(FLUSH_S)  # a producer takes along what still waits in it
        error.add_note(f"{acknowledged} of the {count} records before it are published")
        raise
    producer.flush(FLUSH_S)
    advance(count % 1000)
    if acknowledged < count:
        why = refused[0].str() if refused else f"no answer within {FLUSH_S} s"
        message = f"{count - acknowledged} of {count} records were not acknowledged by {settings.bootstrap}: {why}"
        raise TimeoutError(message)
    return count
