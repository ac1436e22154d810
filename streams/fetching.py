"""Kafka's client as it fetches partitions: how it is given one, moved to an offset, and for how long it may be silent.

It takes orders from two threads, ours and its own, which arranges the group; and drops what it thinks is outdated. Told to
pause or resume a partition in the wrong instant it may do as it was told before, and for ever, without a word
(librdkafka 5591 and 2190, open in 2.16). So whoever relies on it must notice.
"""

from time import monotonic

import structlog
from confluent_kafka import Consumer, KafkaException, TopicPartition

log = structlog.get_logger()
SILENT_S = 60.0
"""How long the client may be silent, about the group or about a partition that has more, before it is not relied on."""


class Patience:
    """How long the client has been silent.

    Counted are seconds for which this process polled, since a frozen one has not waited, and for which it was given all that
    the client had fetched, since what waits its turn in the client's queue is not silent.
    """

    def __init__(self) -> None:
        self.now_s = 0.0
        self.all_is_heard = True
        """Whether the last poll emptied the client's queue."""
        self.lost = 0
        """How often it was; scrapes ask."""
        self._polled = monotonic()

    def go_on(self) -> None:
        """The process polls."""
        now = monotonic()
        if self.all_is_heard:
            self.now_s += min(now - self._polled, 1.0)
        self._polled = now

    def is_over(self, since_s: float, limit_s: float) -> bool:
        """Whether what was last heard then was too long ago."""
        return self.now_s - since_s > limit_s


def take(consumer: Consumer, partitions: list[TopicPartition]) -> None:
    """Give the client partitions, paused until they are prepared."""
    # An explicit start keeps the client from looking for one: what it finds would count even after a seek (tried with the
    # end: records were skipped). The first fetch may go out before the pause, and be refused where the topic has lost its
    # first records; then `move_to` hands the partition over anew.
    consumer.incremental_assign([TopicPartition(each.topic, each.partition, 0) for each in partitions])
    consumer.pause(partitions)


def take_again(consumer: Consumer, partitions: list[TopicPartition]) -> None:
    """Give the client partitions anew that it has already."""
    consumer.incremental_unassign(partitions)
    take(consumer, partitions)


def move_to(consumer: Consumer, at: TopicPartition) -> None:
    """Let the client fetch a partition from an offset on; `consumer.resume` is still to come."""
    try:
        consumer.seek(at)
    except KafkaException as error:
        # The client has given the partition up, after an offset that the broker refused: hand it over anew.
        log.debug("assigned_anew", topic=at.topic, partition=at.partition, because=str(error))
        consumer.incremental_unassign([at])
        consumer.incremental_assign([at])
