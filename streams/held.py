"""What a worker has of its group: partitions that it claims, and why one of them, or all, is not worked on."""

import sys
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


class Seat:
    """As whom the group knows this worker, so that the broker can refuse positions of whoever is no member any more (D2)."""

    def __init__(self) -> None:
        self._taken: bytes | None = None
        """The group's metadata as they were when it last assigned partitions."""

    @property
    def taken(self) -> bool:
        """Whether the group has answered with partitions, be it none."""
        return self._taken is not None

    def take(self, metadata: bytes) -> bool:
        """The group has assigned partitions; whether to another member than before, so that what it held is in doubt."""
        generation, member = _member(metadata)
        if generation < 0:
            return False  # it has lost them again, and is about to be told
        before, self._taken = self._taken, metadata
        return before is not None and _member(before)[1] != member

    def metadata(self, now: bytes) -> bytes | None:
        """The metadata to commit with: those of now, as long as nothing can be another's; or else what is refused.

        The client goes along with a rebalance in a thread of its own while a batch is folded. With the first after an
        assignment it still lays claim to all that it had, whatever of it the group then wants back: that can be another's only
        after one more, and by then this worker has been told. So what counts is the same member in the same generation, or the
        next. Whoever lost its membership has another id, none, or generation -1, which the broker would not check.
        """
        if self._taken is None:
            return None
        (generation, member), (present, same) = _member(self._taken), _member(now)
        return now if member and same == member and present in {generation, generation + 1} else self._taken


def _member(metadata: bytes) -> tuple[int, bytes]:
    """Generation and member id; of a client that writes them in another way none, and then only what it took is sent."""
    # The client keeps them to itself, and its two questions for them would be answered at two moments.
    form, _, rest = metadata.partition(b":")
    if form != b"CGMDv2":
        return 0, b""
    _, member, *_ = rest[4:].split(b"\0")
    return int.from_bytes(rest[:4], sys.byteorder, signed=True), member


class StopPartitionError(Exception):
    """A partition must not be worked on: the message says why, and what to do."""


class SupersededError(Exception):
    """Another process has this worker's place in the group; whatever it still does is refused."""
