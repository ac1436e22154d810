"""Reading partitions to an end, by consumers that belong to no group."""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from schemas.codec import decode
from streams.kafka import LOOK_S, TIMEOUT_S, Place, admin, partitions_of, reader, to_record
from streams.records import Record
from streams.settings import Settings

LEADER_TRIES = 50
MOVING = (KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE)
"""A partition's leader is changing, or was just chosen: who asks again is answered."""
EMPTY_LOOKS = 300
"""Looks in a row that may find neither a record nor an end. Looks are counted, as a frozen process has not waited."""


def bounds(settings: Settings, places: Iterable[Place], *, committed: bool = True) -> dict[Place, tuple[int, int]]:
    """The first offset of each partition, and the one after its last; with or without what open transactions hide."""
    consumer = reader(settings, committed=committed)
    try:
        return {place: watermarks(consumer, place) for place in places}
    finally:
        consumer.close()


def watermarks(consumer: Consumer, place: Place) -> tuple[int, int]:
    """A partition's bounds as the consumer sees them: with what open transactions hide, or without."""
    for _ in range(LEADER_TRIES):
        try:
            return consumer.get_watermark_offsets(TopicPartition(*place), timeout=TIMEOUT_S)
        except KafkaException as error:
            if error.args[0].code() not in MOVING:
                raise
            time.sleep(LOOK_S)
    return consumer.get_watermark_offsets(TopicPartition(*place), timeout=TIMEOUT_S)


def read(
    settings: Settings,
    starts: dict[Place, int],
    stop: Callable[[], bool] = lambda: False,
    until: dict[Place, int] | None = None,
) -> Iterator[list[Record]]:
    """Committed records from the offsets given, as `read_messages` reads them."""
    for messages in read_messages(settings, starts, stop, until):
        yield [to_record(message, settings.bare) for message in messages]


def read_messages(
    settings: Settings,
    starts: dict[Place, int],
    stop: Callable[[], bool] = lambda: False,
    until: dict[Place, int] | None = None,
) -> Iterator[list[Any]]:
    """The client's messages from the offsets given up to the end that each partition has once it is reached.

    With `until`, a partition is read on until that offset, however long an open transaction hides the records before
    it, or the broker is away. Raises `KafkaException` on a broker's refusal and, without `until`, on its silence.
    """
    if not starts:
        return
    consumer = reader(settings)
    try:
        consumer.assign([TopicPartition(topic, partition, offset) for (topic, partition), offset in starts.items()])
        unfinished, empty = set(starts), 0
        while unfinished and not stop():
            usable = []
            messages = consumer.consume(10_000, LOOK_S)
            empty = 0 if messages else empty + 1
            if empty > EMPTY_LOOKS and until is None:
                raise silence(*unfinished)
            for message in messages:
                if (error := message.error()) is None:
                    usable.append(message)
                elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - the client's name for it
                    ended = (str(message.topic()), message.partition() or 0)
                    if until is None or (message.offset() or 0) >= until[ended]:
                        unfinished.discard(ended)
                elif not error.retriable():
                    raise KafkaException(error)
            if usable:
                yield usable
    finally:
        consumer.close()


def first(settings: Settings, place: Place, offset: int) -> Record | None:
    """The first committed record of a partition from an offset on, or None where none is there yet. Raises as `read`.

    One record is fetched, where `read` would fill its buffers with all that follows.
    """
    consumer = reader(settings, more={"queued.min.messages": 1, "fetch.message.max.bytes": 65_536})
    try:
        consumer.assign([TopicPartition(*place, offset)])
        for _ in range(EMPTY_LOOKS):
            if (message := consumer.poll(LOOK_S)) is None:
                continue
            if (error := message.error()) is None:
                return to_record(message, settings.bare)
            if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - the client's name for it
                return None
            if not error.retriable():
                raise KafkaException(error)
    finally:
        consumer.close()
    raise silence(place)


def silence(place: Place, *others: Place) -> KafkaException:
    """What is raised of a broker that says nothing."""
    said = f"no word of {place[0]}/{place[1]} and {len(others)} others in {EMPTY_LOOKS * LOOK_S:.0f} s"
    return KafkaException(KafkaError(KafkaError._TIMED_OUT, said))  # noqa: SLF001 - the client's name for it


def read_all(settings: Settings, topic: str) -> Iterator[Record]:
    """Every committed record that a topic holds now."""
    name = settings.topic(topic)
    count = partitions_of(admin(settings), name)
    yield from read_partitions(settings, topic, range(count))


def contents(settings: Settings, topic: str) -> Iterator[Any]:
    """What every committed record of a topic says."""
    return (decode(record.value) for record in read_all(settings, topic))


def read_partitions(settings: Settings, topic: str, partitions: Iterable[int]) -> Iterator[Record]:
    """Every committed record that some partitions of a topic hold now."""
    name = settings.topic(topic)
    found = bounds(settings, [(name, partition) for partition in partitions])
    starts = {place: low for place, (low, high) in found.items() if low < high}
    for records in read(settings, starts):
        yield from records
