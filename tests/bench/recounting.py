"""Whether what laurel committed is right: its changelog and tier events against a recount without any engine."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from tests.bench.orders import PARTITIONS, recount

ROW, POSITION = b"~", b"p"
"""How keys open in the changelog: the job's rows, and how far the rows reflect the source."""
VERSION = 1


class Record(msgspec.Struct, frozen=True):
    partition: int
    key: bytes
    value: bytes | None


def read(bootstrap: str, topic: str) -> Iterator[Record]:
    """Every committed record, to each partition's end."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": f"{topic}-recount",
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "enable.partition.eof": True,
        }
    )
    try:
        consumer.assign([TopicPartition(topic, partition, 0) for partition in range(PARTITIONS)])
        unfinished = set(range(PARTITIONS))
        while unfinished:
            for message in consumer.consume(10_000, 0.1):
                error = message.error()
                if error is None:
                    yield Record(message.partition(), message.key(), message.value())
                elif error.code() == KafkaError._PARTITION_EOF:
                    unfinished.discard(message.partition())
                elif not error.retriable():
                    raise KafkaException(error)
    finally:
        consumer.close()


def unpack(value: bytes) -> Any:
    """A row without laurel's own code: a byte of version, then msgpack."""
    if value[0] != VERSION:
        raise ValueError(f"found a row of version {value[0]}")
    return msgspec.msgpack.decode(value[1:])


def positions(bootstrap: str, group: str, topic: str) -> dict[int, int]:
    """What the group committed."""
    return _positions(AdminClient({"bootstrap.servers": bootstrap}), group, topic)


def counter(bootstrap: str, prefix: str, topic: str) -> Callable[[], int]:
    """Tells how many records of a topic are committed, by the first group of such a name that is made from now on."""
    admin = AdminClient({"bootstrap.servers": bootstrap})

    def named() -> set[str]:
        found = admin.list_consumer_groups().result().valid
        return {group.group_id for group in found if group.group_id.startswith(prefix)}

    known, ours = named(), set[str]()

    def done() -> int:
        if not ours:
            ours.update(named() - known)
        return sum(max(0, offset) for group in ours for offset in _positions(admin, group, topic).values())

    return done


def _positions(admin: AdminClient, group: str, topic: str) -> dict[int, int]:
    asked = ConsumerGroupTopicPartitions(group, [TopicPartition(topic, p) for p in range(PARTITIONS)])
    found = admin.list_consumer_group_offsets([asked])[group].result().topic_partitions
    return {position.partition: position.offset for position in found}


def differences(bootstrap: str, namespace: str, source: str, events: int) -> list[str]:
    """What is wrong with a run of the fixed job; nothing where all is as it must be."""
    expected = recount(events)
    committed = positions(bootstrap, f"{namespace}laurel-customers", source)
    rows: dict[str, tuple[int, int, int]] = {}
    reflected: dict[int, int] = {}
    for record in read(bootstrap, f"{namespace}fixed-changelog"):
        if record.value is None:
            rows.pop(record.key[1:].decode(), None)
        elif record.key == POSITION:
            reflected[record.partition] = unpack(record.value)[0]
        elif record.key.startswith(ROW):
            rows[record.key[1:].decode()] = tuple(unpack(record.value))
    tiers: defaultdict[str, list[int]] = defaultdict(list)
    for record in read(bootstrap, f"{namespace}fixed-tiers"):
        tiers[record.key.decode()].append(msgspec.json.decode(record.value or b"")["tier"])
    checks = (
        (sum(committed.values()) == events, f"the group's positions are {committed}, of {events} events"),
        (reflected == committed, f"the position rows are {reflected}, but the group's positions {committed}"),
        (rows == expected.rows, _first("row", rows, expected.rows)),
        (tiers == expected.tiers, _first("tiers", dict(tiers), expected.tiers)),
    )
    return [text for right, text in checks if not right]


def _first(what: str, found: dict[str, Any], expected: dict[str, Any]) -> str:
    wrong = sorted(key for key in found.keys() | expected.keys() if found.get(key) != expected.get(key))
    return "".join(
        f"{len(wrong)} customers differ; {what} of {key}: {found.get(key)}, not {expected.get(key)}"
        for key in wrong[:1]
    )
