"""What a worker has of its group: partitions that it claims, and why one of them, or all, is not worked on."""

from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Event


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


class StopPartitionError(Exception):
    """A partition must not be worked on: the message says why, and what to do."""


class SupersededError(Exception):
    """Another process has this worker's place in the group; whatever it still does is refused."""
