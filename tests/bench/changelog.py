"""A changelog as laurel writes it, as large as is wanted: what a history's fold wrote, again and again for others.

Rows overwritten and removed are in it as often as the fold did so, in transactions of a batch each.
"""

from __future__ import annotations

import time
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from state.encoding import encode_row
from state.partition import POSITION, Position
from streams import policies
from streams.clock import EventsClock
from streams.driver import Driver
from streams.records import Outgoing
from tests.faults.events import History

if TYPE_CHECKING:
    from collections.abc import Iterator

EVENTS, SEED = 4_000, 7
BATCH = 5_000
LARGEST = 4_000
"""The partition's own row holds the policy, and is one: it is left out."""


class Filled(NamedTuple):
    """What a changelog holds: records, rows that are left of them, and their keys' and values' size."""

    records: int
    rows: int
    megabytes: float


@cache
def once() -> list[tuple[bytes, bytes | None]]:
    """The changelog of one history."""
    driver = Driver(policies.activation(policies.default_file()), EventsClock("UTC", 36_500), partitions=1)
    history = History(SEED, poison=False)
    events = sorted(islice(iter(history.next, None), EVENTS), key=lambda published: published.event.occurred_at)
    driver.publish(
        Outgoing(published.topic, published.key, published.value, timestamp=published.event.occurred_at)
        for published in events
    )
    driver.run()
    written = ((record.key or b"", record.value) for record in driver.logs.all("customer-state"))
    return [(key, value) for key, value in written if key != POSITION.key() and len(value or b"") < LARGEST]


def changes(rows: int) -> Iterator[tuple[bytes, bytes | None]]:
    """Changes after which there are at least so many rows; the position row comes last."""
    live = len({key for key, _ in once()} - {key for key, value in dict(once()).items() if value is None})
    for number in range(-(-rows // live)):
        name = b"~%d" % number
        yield from ((key + name, value) for key, value in once())
    yield POSITION.key(), encode_row(POSITION, Position(0))


def fill(bootstrap: str, topic: str, rows: int) -> Filled:
    """Write the changelog to partition 0 of a topic that is there."""
    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "transactional.id": topic,
            "linger.ms": 5,
            "queue.buffering.max.messages": 500_000,
        }
    )
    producer.init_transactions()
    live: set[bytes] = set()
    count = size = 0
    written = changes(rows)
    while batch := list(islice(written, BATCH)):
        producer.begin_transaction()
        for key, value in batch:
            producer.produce(topic, value, key, partition=0)
            size += len(key) + len(value or b"")
            live.discard(key) if value is None else live.add(key)
        producer.commit_transaction()
        count += len(batch)
    return Filled(count, len(live), size / 1e6)


def create(bootstrap: str, *names: str) -> None:
    """Topics of one partition."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    compacted = {"cleanup.policy": "compact"}
    for future in admin.create_topics([NewTopic(name, 1, 1, config=compacted) for name in names]).values():
        future.result()
    time.sleep(0.5)  # until every client is told of a leader
