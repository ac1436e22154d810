"""What a worker has of its group: partitions that it claims, and why one of them, or all, is not worked on."""

from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Event
from typing import Any

from confluent_kafka import Consumer


@dataclass
class Claim:
    """A partition that the group gave to this worker."""

    not_before: float
    """When to prepare the partition, by the monotonic clock."""
    stopped: str | None = None
    """Why the partition is not worked on until somebody acts; None while nothing stopped it."""
    start: Future[int] | None = None
    cancel: Event = field(default_factory=Event)
    working: bool = False
    heard_s: float = 0.0
    """Until when, by the membership's patience, the client has said what there was to say of it."""

    def give_up(self) -> None:
        """Whoever prepares it is to end; what only waits for a thread is not to begin."""
        self.cancel.set()
        if self.start is not None:
            self.start.cancel()

    def await_thread(self) -> None:
        """Wait for whoever prepares it: a partition's store may be open there."""
        if self.start is not None and not self.start.cancelled():
            self.start.exception()


class Seat:
    """As whom the group knows this worker, so that the broker can refuse positions of whoever is no member any more (D2)."""

    def __init__(self) -> None:
        self._taken: tuple[str | None, Any] | None = None

    @property
    def taken(self) -> bool:
        """Whether the group has answered with partitions, be it none."""
        return self._taken is not None

    def take(self, consumer: Consumer) -> None:
        """The group has assigned partitions to its member."""
        self._taken = consumer.memberid(), consumer.consumer_group_metadata()

    def generation(self, consumer: Consumer) -> Any:
        """The group's metadata to commit with: that of now, as long as the client is the member that it was.

        A rebalance goes on while a batch is folded, and takes nothing away before the next `poll`. A client that lost its
        membership may report generation -1 and no member id, which the broker does not check: what it was at its last
        assignment is refused.
        """
        if self._taken is None:
            return None
        member_id, assigned = self._taken
        now = consumer.consumer_group_metadata()
        # The id is asked for afterwards: none comes twice, so if it is still the same it was so when the metadata was taken.
        return now if member_id and consumer.memberid() == member_id else assigned


class StopPartitionError(Exception):
    """A partition must not be worked on: the message says why, and what to do."""


class SupersededError(Exception):
    """Another process has this worker's place in the group; whatever it still does is refused."""
