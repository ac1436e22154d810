"""The whole engine in memory, and what it did as bytes."""

import hashlib
from collections import Counter
from collections.abc import Iterable
from typing import Any

from schemas.codec import decode
from schemas.topics import TOPICS
from state.partition import state_of
from streams import policies
from streams.burying import Contents, dig_up
from streams.clock import EventsClock
from streams.driver import Driver
from streams.records import AT, Outgoing, Record

Rows = dict[bytes, bytes]


def engine(records: Iterable[Outgoing] = (), partitions: int = 2, batch_size: int = 1_000, **given: Any) -> Driver:
    """An engine under the shipped policy that took all records."""
    policy = policies.activation(policies.default_file())
    driver = Driver(policy, EventsClock(given.pop("time_zone", "UTC"), 36_500), partitions, batch_size, **given)
    driver.publish(records)
    return driver


def ran(records: Iterable[Outgoing] = (), **given: Any) -> Driver:
    """An engine that has nothing left to do."""
    driver = engine(records, **given)
    driver.run()
    return driver


def decoded(driver: Driver, topic: str) -> list[Any]:
    """What a topic holds."""
    return [decode(record.value) for record in driver.logs.all(topic)]


def dug_up(driver: Driver) -> list[Contents]:
    """What the dead letters hold."""
    return [dig_up(record, driver.keys.chain.find) for record in driver.logs.all("dead-letters")]


def rows(driver: Driver) -> list[Rows]:
    """The state of each partition."""
    return [dict(state_of(state.store)) for _, state in sorted(driver.customers.states.items())]


def compacted(records: Iterable[Record]) -> list[Rows]:
    """What a compacted topic comes to, by partition."""
    found: dict[int, Rows] = {}
    for record in records:
        table = found.setdefault(record.partition, {})
        if record.value is None:
            table.pop(record.key or b"", None)
        else:
            table[record.key or b""] = record.value
    return [table for _, table in sorted(found.items())]


def counts(driver: Driver) -> Counter[str]:
    """How many records each topic has."""
    return Counter({topic.name: sum(1 for _ in driver.logs.all(topic.name)) for topic in TOPICS})


def fingerprint(driver: Driver) -> str:
    """Of everything: each record of each topic with its headers, and each row."""
    told = hashlib.sha256()
    for topic in TOPICS:
        for record in driver.logs.all(topic.name):
            told.update(repr((record.place, record.offset, record.timestamp, record.key, record.value)).encode())
            told.update(repr(record.headers).encode())
    for table in rows(driver):
        told.update(repr(sorted(table.items())).encode())
    return told.hexdigest()


def at(record: Record) -> int:
    """The timeline offset whose fold published a record."""
    return int(record.header(AT) or -1)
