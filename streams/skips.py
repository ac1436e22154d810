"""Units that every fold leaves out: the compacted topic `skips`, written by `laurel skip` (D12)."""

from collections import defaultdict
from collections.abc import Iterable

import structlog
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from state.encoding import decode_row
from state.partition import POSITION
from streams.kafka import client, committed
from streams.reading import first, read_all, read_partitions
from streams.records import Record
from streams.settings import Settings

log = structlog.get_logger()
Skips = dict[int, dict[int, frozenset[str]]]
"""By timeline partition, then by offset, the names of the units left out there."""


def parse(records: Iterable[Record]) -> Skips:
    """What the records of the topic say; a key is partition/offset/unit, and whatever else stands there says nothing."""
    found: defaultdict[tuple[int, int], set[str]] = defaultdict(set)
    for record in records:
        try:
            partition, offset, unit = (record.key or b"").decode().split("/", 2)
            place = (int(partition), int(offset))
        except ValueError:
            log.warning("skip_not_understood", partition=record.partition, offset=record.offset, key=repr(record.key))
            continue
        if record.value is None:
            found[place].discard(unit)
        else:
            found[place].add(unit)
    skips: Skips = {}
    for (number, at), units in found.items():
        if units:
            skips.setdefault(number, {})[at] = frozenset(units)
    return skips


def load(settings: Settings) -> Skips:
    """The skips that are in force."""
    return parse(read_all(settings, "skips"))


def next_record(settings: Settings, partition: int) -> tuple[int, int | None]:
    """How far a partition of the timeline is folded, and its first committed record from there on, if there is one.

    That record is where the partition stopped, if it did. Positions that expired stand in the tables' changelog (D2).
    """
    place = (settings.topic("timeline"), partition)
    position = committed(settings, "customers", [place])[place]
    if position is None:
        rows = [
            row.value for row in read_partitions(settings, "customer-state", [partition]) if row.key == POSITION.key()
        ]
        position = decode_row(POSITION, rows[-1]).timeline if rows and rows[-1] is not None else 0
    stopped_at = first(settings, place, position)
    return position, None if stopped_at is None else stopped_at.offset


def publish(settings: Settings, partition: int, offset: int, unit: str, reason: str) -> None:
    """Leave a unit out of every fold. Raises `KafkaException` when the broker refuses it, `TimeoutError` when it is silent."""
    producer = Producer(client(settings, "skip") | {"enable.idempotence": True})
    refused: list[KafkaError] = []

    def delivered(error: KafkaError | None, _: Message) -> None:
        if error is not None:
            refused.append(error)

    key = f"{partition}/{offset}/{unit}".encode()
    producer.produce(settings.topic("skips"), reason.encode(), key, on_delivery=delivered)
    left = producer.flush(10)
    if refused:
        raise KafkaException(refused[0])
    if left:
        message = f"the broker at {settings.bootstrap} did not take the skip within 10 s; nothing was skipped"
        raise TimeoutError(message)
