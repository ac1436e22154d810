"""The compacted topic `keys`, read on as it grows: who has which keys; and keys made, kept by the broker before use (D11)."""

from collections.abc import Iterable
from time import monotonic
from typing import Self

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from schemas.sealing import Key
from streams.kafka import LOOK_S, TIMEOUT_S, Place, client, reader
from streams.keychain import TOPIC, Keychain, kept, made
from streams.reading import EMPTY_LOOKS, silence, watermarks
from streams.records import Outgoing
from streams.settings import Settings
from streams.transactions import send

log = structlog.get_logger()
FRESH_S = 1.0
"""A key that was deleted seals nothing more after this time."""


class Keyring:
    """The keys that the broker keeps, followed by a consumer of its own; what was deleted meanwhile is forgotten.

    Raises `KafkaException` on the broker's refusal or silence. Keys are in memory only: what a disk has, erasure would
    have to find.
    """

    def __init__(self, settings: Settings) -> None:
        self.chain = Keychain()
        self._settings = settings
        self._place: Place = (settings.topic(TOPIC), 0)
        self._consumer: Consumer | None = None
        self._producer: Producer | None = None
        self._reached = 0
        self._refreshed = -FRESH_S
        self._gone: set[bytes] = set()

    def __enter__(self) -> Self:
        """Follow until the block is left."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of the broker."""
        self.close()

    def close(self) -> None:
        """Follow no more."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            consumer.close()

    def refresh(self) -> None:
        """Read on to the topic's end as it is now."""
        try:
            if self._consumer is None:
                self._begin()
            else:
                self._read(self._consumer, self.chain)
        except KafkaException:
            self.close()  # the next one begins anew
            raise
        self._refreshed = monotonic()

    def _begin(self) -> None:
        # Followed for as long as a worker lives, and seldom written: asked a hundred times a second, as readers that wait for
        # an end ask, it took half of an idle worker's CPU.
        following = {"queued.max.messages.kbytes": 2_048, "fetch.wait.max.ms": 500}
        self._consumer = consumer = reader(self._settings, more=following)
        self._reached, _ = watermarks(consumer, self._place)
        consumer.assign([TopicPartition(*self._place, self._reached)])
        chain = Keychain()
        self._read(consumer, chain)
        self.chain = chain

    def _read(self, consumer: Consumer, chain: Keychain) -> None:
        _, end = watermarks(consumer, self._place)
        empty = 0
        while self._reached < end:
            messages = consumer.consume(10_000, LOOK_S)
            empty = 0 if messages else empty + 1
            if empty > EMPTY_LOOKS:
                raise silence(self._place)
            for message in messages:
                self._take(message, chain)

    def _take(self, message: Message, chain: Keychain) -> None:
        offset = message.offset() or 0
        if (error := message.error()) is None:
            if not chain.take(message.key(), message.value()):
                log.warning("key_not_understood", offset=offset)
            self._reached = offset + 1
        elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - the client's name for it
            self._reached = offset
        elif not error.retriable():
            raise KafkaException(error)

    def find(self, number: bytes) -> Key | None:
        """The key of an id; None for one that was deleted. It was kept before anything was sealed under it."""
        found = self.chain.find(number)
        if found is None and number not in self._gone:
            self.refresh()
            found = self.chain.find(number)
            if found is None:
                self._gone.add(number)
        return found

    def key_of(self, person: str) -> Key:
        """A key to seal a person's text with, made where there is none: `schemas.publishing.KeyStore`."""
        if monotonic() - self._refreshed >= FRESH_S:
            self.refresh()
        return self.chain.of(person) or self.make(person)

    def make(self, owner: str) -> Key:
        """A new key, which the broker has when this returns."""
        key = made(owner)
        self.write([kept(key)])
        self.chain.add(key)
        return key

    def write(self, records: Iterable[Outgoing]) -> None:
        """Write to the topic, and wait until the broker has it."""
        if self._producer is None:
            self._producer = Producer(client(self._settings, TOPIC) | {"enable.idempotence": True, "linger.ms": 0})
        producer = self._producer
        refused: list[KafkaError] = []

        def delivered(error: KafkaError | None, _: Message) -> None:
            if error is not None:
                refused.append(error)

        for record in records:
            send(producer, record, self._settings.topic(record.topic), delivered)
        left = producer.flush(TIMEOUT_S)
        if refused or left:
            self._producer = None  # with what waits in it: one that is refused for good stays so
            raise KafkaException(refused[0]) if refused else silence(self._place)
