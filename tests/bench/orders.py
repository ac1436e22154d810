"""The fixed job as data: which orders there are, and what an engine must have made of them, counted without any engine.

100,000 customers, drawn evenly, place orders; kept per customer are lifetime value, number and tier; each change of tier
is an event. Events are Avro without header, keyed by customer, in a topic of four partitions.
"""

import io
import random
import uuid
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple

import fastavro
from confluent_kafka import KafkaException, Producer
from confluent_kafka.admin import AdminClient, NewTopic

PARTITIONS, CUSTOMERS, SEED = 4, 100_000, 7
FIRST_AT_MS, EVERY_MS = 1_700_000_000_000, 1_000
FIRST_TIER_FROM_MINOR, SECOND_TIER_FROM_MINOR = 100_000, 250_000
SCHEMA: Any = fastavro.parse_schema(
    {
        "type": "record",
        "name": "Order",
        "fields": [
            {"name": "event_id", "type": "string"},
            {"name": "customer_id", "type": "string"},
            {"name": "order_id", "type": "string"},
            {"name": "amount_minor", "type": "long"},
            {"name": "ts", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        ],
    }
)


class Order(NamedTuple):
    event_id: str
    customer_id: str
    order_id: str
    amount_minor: int
    ts: int


class Outcome(NamedTuple):
    """Each customer's (value, number, tier), and the tiers that each customer changed to, in order."""

    rows: dict[str, tuple[int, int, int]]
    tiers: dict[str, list[int]]


def tier_of(value_minor: int) -> int:
    return 0 if value_minor < FIRST_TIER_FROM_MINOR else 1 if value_minor < SECOND_TIER_FROM_MINOR else 2


def orders(count: int) -> Iterator[Order]:
    """The same orders every time; fewer are the first of more."""
    draw = random.Random(SEED)
    for number in range(count):
        customer = f"c{draw.randrange(CUSTOMERS):06d}"
        event_id = str(uuid.UUID(int=draw.getrandbits(128)))
        yield Order(event_id, customer, f"o{number}", draw.randrange(500, 20_000), FIRST_AT_MS + number * EVERY_MS)


def encode(order: Order) -> bytes:
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, SCHEMA, order._asdict())
    return buffer.getvalue()


def decode(value: bytes) -> dict[str, Any]:
    """As every engine of the comparison in Python does it."""
    order: Any = fastavro.schemaless_reader(io.BytesIO(value), SCHEMA, None)
    return order


def recount(count: int) -> Outcome:
    rows: dict[str, tuple[int, int, int]] = {}
    tiers: defaultdict[str, list[int]] = defaultdict(list)
    for order in orders(count):
        value, number, before = rows.get(order.customer_id, (0, 0, 0))
        value += order.amount_minor
        tier = tier_of(value)
        rows[order.customer_id] = (value, number + 1, tier)
        if tier != before:
            tiers[order.customer_id].append(tier)
    return Outcome(rows, dict(tiers))


def fill(bootstrap: str, topic: str, count: int) -> None:
    """Make the topic and publish the orders. Raises `RuntimeError` unless the broker acknowledged them all."""
    create_topics(bootstrap, [topic])
    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "enable.idempotence": True,
            "partitioner": "murmur2_random",
            "linger.ms": 20,
            "queue.buffering.max.messages": 500_000,
        }
    )
    refused = []
    for number, order in enumerate(orders(count)):
        while True:
            try:
                producer.produce(
                    topic,
                    encode(order),
                    order.customer_id,
                    on_delivery=lambda error, _: refused.append(error) if error else None,
                )
                break
            except BufferError:
                producer.poll(0.1)
        if number % 1_000 == 0:
            producer.poll(0)
    if producer.flush(60) or refused:
        raise RuntimeError(f"the broker did not take every order: {refused[:1] or 'no answer'}")


def create_topics(bootstrap: str, names: list[str]) -> None:
    """Make topics that are not there yet, aligned with the orders'."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    for future in admin.create_topics([NewTopic(name, PARTITIONS, 1) for name in names]).values():
        future.result()


def delete_topics(bootstrap: str, prefix: str) -> None:
    """Give a run's room on the broker back."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    names = [name for name in admin.list_topics(timeout=10).topics if name.startswith(prefix)]
    for future in admin.delete_topics(names).values() if names else ():
        try:
            future.result()
        except KafkaException as error:
            print(f"left behind: {error}")
