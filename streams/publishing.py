"""Publishing events from a file of JSON lines, as an upstream system would: keyed, in order, acknowledged.

A line is `{"type": "OrderPlaced", ...}` with the fields of its contract. Two more kinds of line serve tests of the dead
letters: `"unchecked": true` beside a type encodes values that a contract forbids, and `{"topic": ..., "raw": <base64>}`
publishes bytes as they are.
"""

import base64
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from confluent_kafka import KafkaError, Message, Producer

from schemas.codec import BY_NAME, Rejected, encode, encode_fields, from_json
from schemas.topics import BY_NAME as TOPIC_BY_NAME
from schemas.topics import TOPIC_OF
from streams.kafka import client
from streams.records import Outgoing
from streams.settings import Settings
from streams.transactions import send


class BadLineError(Exception):
    """A line of the file cannot be published: the message names line, field, found and allowed."""


def parse_line(text: str, number: int) -> Outgoing:
    """The record of one line. Raises `BadLineError`."""
    try:
        line: dict[str, Any] = json.loads(text)
    except json.JSONDecodeError as error:
        message = f"line {number}: found no JSON object: {error}"
        raise BadLineError(message) from error
    if "raw" in line:
        return _raw(line, number)
    if line.pop("unchecked", False):
        kind = BY_NAME[line["type"]]
        value = encode_fields(kind, {key: value for key, value in line.items() if key != "type"})
        return Outgoing(TOPIC_OF[kind], str(line["customer_id"]).encode(), value, None, _stamp(line))
    event = from_json(line)
    if isinstance(event, Rejected):
        message = f"line {number}: {event.detail}"
        raise BadLineError(message)
    topic = TOPIC_OF.get(type(event))
    if topic is None or TOPIC_BY_NAME[topic].writer != "upstream":
        message = f"line {number}: {type(event).__name__} is laurel's own record; upstream systems do not publish it"
        raise BadLineError(message)
    return Outgoing(topic, event.customer_id.encode(), encode(event), None, event.occurred_at)


def _raw(line: dict[str, Any], number: int) -> Outgoing:
    topic = line.get("topic")
    if topic not in TOPIC_BY_NAME or TOPIC_BY_NAME[topic].writer != "upstream":
        message = f"line {number}: found topic {topic!r}; a source topic is needed"
        raise BadLineError(message)
    return Outgoing(
        topic, str(line.get("key", "")).encode(), base64.b64decode(line["raw"]), None, line.get("timestamp")
    )


def _stamp(line: dict[str, Any]) -> int | None:
    """The broker's stamp of an unchecked line: `timestamp` where its own date is the absurd thing."""
    stamp = line.get("timestamp", line.get("occurred_at"))
    return None if stamp is None else int(stamp)


def parse(lines: Iterable[str]) -> Iterator[Outgoing]:
    """The records of a file's lines; empty lines are passed over. Raises `BadLineError`."""
    for number, text in enumerate(lines, 1):
        if text.strip():
            yield parse_line(text, number)


def publish(settings: Settings, records: Iterable[Outgoing], advance: Callable[[int], None]) -> int:
    """Publish, waiting for the broker's word on every record; returns how many.

    Records carry the time of what happened as their timestamp, so that intake merges a history in its own order (D3).
    Raises `TimeoutError` naming the first refusal; what was acknowledged before it is published.
    """
    producer = Producer(
        client(settings, "publish")
        | {"enable.idempotence": True, "partitioner": "murmur2_random", "linger.ms": 20, "message.max.bytes": 2_500_000}
    )
    refused: list[KafkaError] = []

    def delivered(error: KafkaError | None, _: Message) -> None:
        if error is not None:
            refused.append(error)

    count = 0
    for record in records:
        send(producer, record, settings.topic(record.topic), delivered)
        count += 1
        if count % 1000 == 0:
            producer.poll(0)
            advance(1000)
        if refused:
            break
    left = producer.flush(30)
    advance(count % 1000)
    if refused or left:
        why = refused[0].str() if refused else "no answer within 30 s"
        message = f"{left + len(refused)} of {count} records were not acknowledged by {settings.bootstrap}: {why}"
        raise TimeoutError(message)
    return count
