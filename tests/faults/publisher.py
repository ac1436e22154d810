"""An upstream system: publishes a history while workers run, and keeps a journal of what the broker acknowledged."""

from __future__ import annotations

import time
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import TYPE_CHECKING

from confluent_kafka import Consumer, KafkaError, Message, Producer, TopicPartition

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from tests.faults.events import Generations, History, Published

Place = tuple[str, int, int]
"""A source record: bare topic, partition, offset."""
STEP_S = 0.05
RATE = 100
"""Records a second: each batch has some, and three tests at once leave the machine time for what they are about."""


class Publisher:
    """Publishes in a thread of its own, `rate` records a second. The journal is what laurel must answer for."""

    def __init__(self, bootstrap: str, namespace: str, history: History | Generations, **client: object) -> None:
        self.journal: dict[Place, Published] = {}
        self.rate = 0
        self.history = history
        self._bootstrap, self._namespace = bootstrap, namespace
        self._refused: list[KafkaError] = []
        self._unplaced: list[tuple[str, int, Published]] = []
        # Acknowledged is acknowledged, so a broker that is away is waited for as long as it takes.
        self._client = {
            "bootstrap.servers": bootstrap,
            "enable.idempotence": True,
            "partitioner": "murmur2_random",
            "linger.ms": 5,
            "message.timeout.ms": 0,
            "message.max.bytes": 2_000_000,
            "log_level": 2,
            "error_cb": self._lost,
            **client,
        }
        self._producer = Producer(self._client)
        self._worn = False
        self._stop = Event()
        self._thread: Thread | None = None
        self._besides: SimpleQueue[Iterable[Published]] = SimpleQueue()

    def start(self, rate: int = RATE) -> None:
        """Publish until `stop`."""
        self.rate = rate
        self._stop.clear()
        self._thread = Thread(target=self._run, args=(rate,), name="publisher", daemon=True)
        self._thread.start()

    def besides(self, records: Iterable[Published]) -> None:
        """Publish these too, as fast as the broker takes them, by the thread that publishes."""
        self._besides.put(records)

    def stop(self) -> None:
        """Publish what the history still owes; return when the broker has acknowledged everything."""
        if self._thread is not None:
            self._stop.set()
            self._thread.join()
            self._thread = None
            self.publish(self.history.rest())

    def abandon(self) -> None:
        """Stop without a word of the broker."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        self._producer.purge()

    def publish(self, records: Iterable[Published], **options: object) -> None:
        """Publish records and wait until they are acknowledged."""
        for record in records:
            self._send(record, **options)
        self._producer.flush()
        assert not self._refused, self._refused
        self._place()

    def offer(self, record: Published, **options: object) -> bool:
        """Publish a record that the broker may refuse; whether it took it."""
        self._send(record, **options)
        self._producer.flush()
        taken = not self._refused
        self._refused.clear()
        return taken

    def recognize(self, places: Collection[Place]) -> int:
        """Take into the journal what the broker keeps twice: the same record, at a place that it did not acknowledge.

        Laurel then owes it what it owes every repetition. How many there were; anything else stays unknown.
        """
        if not places:
            return 0
        made = {(record.topic, record.key, record.value): record for record in self.journal.values()}
        twice = {place: made[said] for place, said in self._at(places) if said in made}
        self.journal |= twice
        return len(twice)

    def _at(self, places: Iterable[Place]) -> Iterable[tuple[Place, tuple[str, bytes | None, bytes | None]]]:
        """Topic, key and value of the source records at some places."""
        consumer = self._consumer()
        try:
            for topic, partition, offset in places:
                consumer.assign([TopicPartition(self._namespace + topic, partition, offset)])
                for message in consumer.consume(1, 30):
                    if message.offset() == offset:
                        yield (topic, partition, offset), (topic, message.key(), message.value())
        finally:
            consumer.close()

    def _consumer(self, *, ends: bool = False) -> Consumer:
        client = {"bootstrap.servers": self._bootstrap, "group.id": "publisher", "log_level": 2}
        return Consumer(client | {"enable.partition.eof": ends})

    def _place(self) -> None:
        """Find where the records stand that the journal has no place of: each partition is read once, to its end."""
        wanted: dict[tuple[str, int], list[Published]] = {}
        while self._unplaced:
            topic, partition, record = self._unplaced.pop()
            wanted.setdefault((topic, partition), []).append(record)
        for (topic, partition), records in wanted.items():
            for offset, said in self._read(topic, partition):
                same = next((record for record in records if (record.key, record.value) == said), None)
                if same is not None and (topic, partition, offset) not in self.journal:
                    records.remove(same)
                    self.journal[topic, partition, offset] = same
            assert not records, f"acknowledged, but not in {topic}/{partition}: {records}"

    def _read(self, topic: str, partition: int) -> Iterable[tuple[int, tuple[bytes | None, bytes | None]]]:
        """Offset, key and value of each record that a partition has."""
        consumer = self._consumer(ends=True)
        consumer.assign([TopicPartition(self._namespace + topic, partition, 0)])
        try:
            while True:
                for message in consumer.consume(10_000, 0.1):
                    if message.error() is None:
                        yield int(message.offset()), (message.key(), message.value())
                    elif message.error().code() == KafkaError._PARTITION_EOF:
                        return
        finally:
            consumer.close()

    def _run(self, rate: int) -> None:
        began, sent = time.monotonic(), 0
        while not self._stop.wait(STEP_S):
            due = int((time.monotonic() - began) * rate)
            for _ in range(min(due - sent, rate)):
                self._send(self.history.next())
            sent = due
            with suppress(Empty):
                for record in self._besides.get_nowait():
                    self._send(record)
            self._producer.poll(0)
            if self._worn and not len(self._producer):
                self._producer, self._worn = Producer(self._client), False

    def _lost(self, _: KafkaError) -> None:
        """A broker went away: from then on the client's threads may turn without end (librdkafka 3692)."""
        self._worn = True

    def _send(self, record: Published, **options: object) -> None:
        def delivered(error: KafkaError | None, message: Message) -> None:
            if error is not None:
                self._refused.append(error)
                return
            topic = message.topic().removeprefix(self._namespace)
            if message.offset() is None:
                # A repetition of what the broker had taken already: it does not say again where.
                self._unplaced.append((topic, message.partition(), record))
            else:
                self.journal[topic, message.partition(), message.offset()] = record

        topic = self._namespace + record.topic
        if record.headers:
            options = options | {"headers": list(record.headers)}
        while True:
            try:
                self._producer.produce(topic, record.value, record.key, on_delivery=delivered, **options)
            except BufferError:
                self._producer.poll(0.1)
            else:
                return
