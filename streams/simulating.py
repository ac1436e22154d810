"""A file of events through the whole engine in memory (D10)."""

import json
from collections.abc import Iterable, Iterator
from functools import partial

from schemas import publishing as library
from schemas.codec import decode, to_json
from schemas.events import PolicyActivated
from schemas.topics import PUBLISHED
from streams.clock import EventsClock
from streams.driver import Driver
from streams.keychain import MemoryKeys
from streams.publishing import Prepare
from streams.records import Outgoing

MAX_JUMP_DAYS = 36_500
"""A simulation's file is somebody's own: any distance between two events is theirs."""


PARTITIONS = 4


def prepare() -> Prepare:
    """What makes records of a file's lines, with keys that end with the simulation."""
    keys = MemoryKeys()
    return partial(library.prepare, partitions=lambda _: PARTITIONS, keys=keys, nonce=keys.nonce)


def simulate(records: Iterable[Outgoing], policy: PolicyActivated, time_zone: str) -> Driver:
    """The engine after it took all records, with its logs."""
    driver = Driver(policy, EventsClock(time_zone, MAX_JUMP_DAYS), PARTITIONS)
    driver.publish(records)
    driver.run()
    return driver


def counts(driver: Driver) -> dict[str, int]:
    """How many records each topic got."""
    return {topic: sum(1 for _ in driver.logs.all(topic)) for topic in ("timeline", "dead-letters", *PUBLISHED)}


def decision_lines(driver: Driver) -> Iterator[str]:
    """Every decision and profile as JSON."""
    for topic in PUBLISHED:
        for record in driver.logs.all(topic):
            yield json.dumps(to_json(decode(record.value)), ensure_ascii=False)
