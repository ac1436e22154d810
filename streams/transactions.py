"""Kafka's transactions, with every way that they can fail handled as the protocol asks (D2)."""

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

import structlog
from confluent_kafka import KafkaError, KafkaException, Producer, TopicPartition

from streams.crash import crash_point
from streams.framing import Frame, unchanged
from streams.kafka import Calls, Place, patiently, transactional
from streams.records import Outgoing
from streams.settings import Settings

log = structlog.get_logger()
TIMEOUT_S = 10.0
NO_PARTITION, NOW = -1, 0
"""What stands for the key deciding, and for the instant of producing."""
UNKNOWN_TRIES = 4
"""Time-outs after which a client is given up."""
FENCED = (KafkaError._FENCED, KafkaError.PRODUCER_FENCED, KafkaError.INVALID_PRODUCER_EPOCH)  # noqa: SLF001 - its name


class AbortedError(Exception):
    """The batch is over: positions and rows must be derived from the broker again.

    Nothing of it happened, but where a client was given up or had a fatal error: then that is what the broker tells.
    """

    def __init__(self, cause: KafkaError, *, clean: bool) -> None:
        super().__init__(cause.str())
        self.outdated = clean and cause.code() == KafkaError.ILLEGAL_GENERATION
        """Whether nothing was wrong but the group's generation, and nothing of the batch happened."""
        self.fenced = cause.code() in FENCED
        """Whether another producer has our transactional id now."""


class Transactions:
    """The one transactional producer of an agent on a worker."""

    def __init__(self, settings: Settings, agent: str, stopping: Callable[[], bool], frame: Frame = unchanged) -> None:
        self._settings = settings
        self._topic = cache(settings.topic)
        self._id = settings.transactional_id(agent)
        self._stopping = stopping
        self._frame = frame
        self._producer: Producer | None = None
        self.calls = Calls()
        self.outcome_unknown = False
        """Whether the broker has left a question of ours without an answer, so that it is asked again."""

    def open(self) -> Producer:
        """The producer, ready for a transaction; whoever used its id before is fenced."""
        if self._producer is None:
            self._producer = patiently(f"right to transactions as {self._id}", self._initialized, self._stopping)
        return self._producer

    def _initialized(self) -> Producer:
        # A new one for each attempt: one that was refused for good would be so for ever.
        producer = Producer(transactional(self._settings, self._id))
        self._call(producer.init_transactions)
        return producer

    def commit(
        self,
        outgoing: Iterable[Outgoing],
        markers: Mapping[int, Outgoing],
        offsets: Mapping[Place, int],
        metadata: bytes | None,
    ) -> dict[int, int]:
        """Write records and positions, all or nothing; returns where each of the markers, written last, came to stand.

        Returns only when the broker has all of it. Raises `AbortedError` where it has nothing of it, or where a client that
        was given up left that open: either way, all is to be derived from the broker again.
        """
        producer, topic = self.open(), self._topic
        standing: dict[int, int] = {}

        def delivered(error: KafkaError | None, message: Any) -> None:
            if error is None:
                standing[message.partition()] = message.offset()

        try:
            producer.begin_transaction()
            crash_point("before-produce")
            for record in outgoing:
                send(producer, self._frame(record), topic(record.topic))
            for record in markers.values():
                send(producer, record, topic(record.topic), delivered)
            # Always, also for a batch of nothing but ticks: without a position a zombie is not fenced (D2).
            self._until_known(
                producer.send_offsets_to_transaction,
                [TopicPartition(topic(name), partition, offset) for (name, partition), offset in offsets.items()],
                metadata,
            )
            crash_point("before-commit")
            self._until_known(producer.commit_transaction)
        except KafkaException as error:
            clean = self._abort(producer, error.args[0])
            raise AbortedError(error.args[0], clean=clean) from error
        return standing

    def _call(self, attempt: Callable[..., None], *arguments: Any) -> None:
        with self.calls:
            attempt(*arguments, TIMEOUT_S)

    def _until_known(self, attempt: Callable[..., None], *arguments: Any) -> None:
        """Try until the outcome is known. A commit that timed out may have happened: only asking again tells.

        A client that still does not tell is given up, and raises its last, retriable error: it may never tell again, however
        well the broker is (librdkafka 5511). Its successor's first question decides what it left open.
        """
        tries = 0
        try:
            while True:
                try:
                    return self._call(attempt, *arguments)
                except KafkaException as error:
                    tries += 1
                    if not error.args[0].retriable() or tries == UNKNOWN_TRIES:
                        raise
                    self.outcome_unknown = True
                    log.warning("transaction_outcome_unknown", because=error.args[0].str())
        finally:
            self.outcome_unknown = False

    def _abort(self, producer: Producer, cause: KafkaError) -> bool:
        """Have nothing of the transaction happen; whether the broker said so."""
        unknown = cause.retriable()
        log.warning("transaction_aborted", because=cause.str(), fatal=cause.fatal(), unknown=unknown)
        if not cause.fatal() and not unknown:
            try:
                self._until_known(producer.abort_transaction)
            except KafkaException as error:
                log.warning("abort_failed", because=error.args[0].str())
                unknown = error.args[0].retriable()
            else:
                return True
        # Fenced, given up, or in a state that only a new producer leaves. Its id fences whatever was left open; and what the
        # batch came to, all or nothing, is then derived from the broker, as on assignment.
        self._producer = None
        if unknown:
            # At once: what its open transaction comes to is to be known before anything is derived.
            self.outcome_unknown = True
            try:
                self.open()
            finally:
                self.outcome_unknown = False
        return False


def send(producer: Producer, record: Outgoing, topic: str, on_delivery: Any = None) -> None:
    """Hand one record to the producer, waiting while its queue is full."""
    # By position: a mapping of arguments for each of a batch's thousands of records took longer than what they say.
    partition = NO_PARTITION if record.partition is None else record.partition
    headers: Any = list(record.headers) if record.headers else None
    while True:
        try:
            producer.produce(
                topic, record.value, record.key, partition, on_delivery, None, record.timestamp or NOW, headers
            )
        except BufferError:
            producer.poll(0.05)
        else:
            return
