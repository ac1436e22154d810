"""Units that every fold leaves out: the compacted topic `skips`, written by `laurel skip` (D12)."""

from collections import defaultdict
from collections.abc import Iterable

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from streams.kafka import client, read_all
from streams.records import Record
from streams.settings import Settings

Skips = dict[int, dict[int, frozenset[str]]]
"""By timeline partition, then by offset, the names of the units left out there."""


def parse(records: Iterable[Record]) -> Skips:
    """What the records of the topic say; a key is partition/offset/unit."""
    found: defaultdict[tuple[int, int], set[str]] = defaultdict(set)
    for record in records:
        partition, offset, unit = (record.key or b"").decode().split("/", 2)
        place = (int(partition), int(offset))
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
