"""Events at a rate, and how long each waits until what was made of it arrives at a consumer."""

import itertools
import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from confluent_kafka import Consumer, Producer, TopicPartition

from schemas import events as e
from streams.clock import now_ms
from streams.kafka import admin, client, partitions_of, reader
from streams.reading import watermarks
from streams.records import Outgoing
from streams.settings import Settings
from streams.transactions import send
from tests.streams.history import placed, published

SILENT_LOOKS = 50
"""Looks in a row that find nothing: then nothing more comes."""
LOOK_S = 0.1
COLLECT_MS = 3
"""How long a record waits for others to go with. With a request for each record 5,000 a second were more than a broker bore
beside whatever was measured: read by a plain consumer they arrived 1.4 s later."""


class Wait(NamedTuple):
    """When an event was due to be published, by the monotonic clock, and how long what came of it took to arrive."""

    at: float
    seconds: float


class Traffic:
    """Events at a rate, until it is stopped, and whoever hears what came of those that have a name.

    `heard` is given the value of each record of `topics`, and says which event it came of; what came of none is nothing.
    """

    def __init__(
        self,
        settings: Settings,
        events: Iterable[tuple[str | None, Outgoing]],
        rate: int,
        topics: Sequence[str],
        heard: Callable[[bytes], str | None],
    ) -> None:
        self._settings, self._events, self._rate = settings, events, rate
        self._heard, self._consumer = heard, self._at_the_ends(topics)
        self._stopping, self._published = threading.Event(), threading.Event()
        self._sent: dict[str, float] = {}
        self.waits: list[Wait] = []
        self.published = 0
        self._threads = [threading.Thread(target=each, daemon=True) for each in (self._publish, self._listen)]

    def start(self) -> None:
        """Publish and listen, each in a thread of its own."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Publish no more; return once nothing more is heard."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    @property
    def unheard(self) -> int:
        """Named events of which nothing arrived."""
        return len(self._sent)

    def _publish(self) -> None:
        told: dict[str, Any] = {"partitioner": "murmur2_random", "linger.ms": COLLECT_MS}
        producer = Producer(client(self._settings, "load") | told)
        began = time.monotonic()
        for number, (name, record) in enumerate(self._events):
            if self._stopping.is_set():
                break
            due = began + number / self._rate
            if (early := due - time.monotonic()) > 0:
                time.sleep(early)
            if name is not None:
                self._sent[name] = due  # what comes late because this process does has waited as well
            send(producer, record, self._settings.topic(record.topic))
            producer.poll(0)
            self.published += 1
        producer.flush(60)
        self._published.set()

    def _at_the_ends(self, topics: Sequence[str]) -> Consumer:
        """Whoever reads what comes from now on."""
        consumer, asking = reader(self._settings, more={"enable.partition.eof": False}), admin(self._settings)
        names = [self._settings.topic(topic) for topic in topics]
        places = [(name, partition) for name in names for partition in range(partitions_of(asking, name))]
        consumer.assign([TopicPartition(*place, watermarks(consumer, place)[1]) for place in places])
        return consumer

    def _listen(self) -> None:
        consumer, silent = self._consumer, 0
        while silent < SILENT_LOOKS:
            first = consumer.poll(LOOK_S)  # `consume` alone would wait until it has as many as it may take
            messages = [] if first is None else [first, *consumer.consume(1_000, 0)]
            silent = silent + 1 if self._published.is_set() and not messages else 0
            now = time.monotonic()
            for message in messages:
                if (value := message.value()) is None or message.error() is not None:
                    continue
                name = self._heard(value)
                if name is not None and (sent := self._sent.pop(name, None)) is not None:
                    self.waits.append(Wait(sent, now - sent))
        consumer.close()


def quantile(ordered: Sequence[float], part: float) -> float:
    """The value that so great a part does not exceed."""
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def contacts(customers: int) -> Iterator[tuple[str | None, Outgoing]]:
    """Contacts and orders in turns; a contact under the cause that its routing names."""
    draw = random.Random(7)
    for number in itertools.count():
        who = f"c{draw.randrange(customers):06d}"
        about = {"event_id": f"k{number}", "customer_id": who, "occurred_at": now_ms()}
        yield f"support/k{number}", published(e.ContactOpened(**about, case_id=f"k{number}", channel="chat"))
        yield None, published(placed(who, now_ms(), 100, f"more{number}"))
