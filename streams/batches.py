"""Transactional micro-batches: what one agent takes, folds and commits as one Kafka transaction.

Faust shows and runs the agents; a `BatchTopic` gives them batches instead of events. Polling, folding and committing
happen in one thread per agent, so rebalances fall between batches (D2).
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from time import monotonic, sleep
from typing import Any, Protocol, TypeVar

import faust
import structlog
from confluent_kafka import KafkaException

from streams.counting import Counts
from streams.crash import crash_point
from streams.framing import Frame, unchanged
from streams.kafka import Place
from streams.membership import Membership
from streams.pace import Pace
from streams.records import Outgoing, Record
from streams.settings import Settings
from streams.transactions import AbortedError, Transactions

log = structlog.get_logger()
T = TypeVar("T")
POLL_S, IDLE_POLL_S = 0.2, 0.5
"""The longest wait for a record, with others in hand and without."""
RECONSIDER_S = 2.0
HANGING_LOOKS, STANDING_LOOKS = 120, 600
"""Engine looks twice a second. The client's calls promise to return within ten; and a worker that has not polled for five
minutes is no member of its group any more (`max.poll.interval.ms`)."""
PAUSES_S = (0.0, 0.1, 0.5, 1.0, 2.0, 5.0)


@dataclass
class Folded:
    """What a batch came to: records that it took and those to write, positions, and what to do once all is committed.

    Places are of bare topic names. `markers` are written last; `settle` is told at which offset each of them stands.
    `without_effect` is for whoever counts: events that changed nothing, by the source that they came from.
    """

    records: list[Record] = field(default_factory=list)
    outgoing: list[Outgoing] = field(default_factory=list)
    markers: dict[int, Outgoing] = field(default_factory=dict)
    offsets: dict[Place, int] = field(default_factory=dict)
    stopped: dict[Place, str] = field(default_factory=dict)
    without_effect: Counter[str] = field(default_factory=Counter)
    settle: Callable[[dict[int, int]], None] = lambda _: None


class Work(Protocol):
    """What an agent does with its partitions; the stage does the rest."""

    def prepare(self, place: Place, cancelled: Callable[[], bool]) -> int:
        """Make a partition ready, in a thread of its own; returns the offset to start from."""

    def begin(self, place: Place, start: int) -> None:
        """The partition's records come in from now on."""

    def release(self, place: Place) -> None:
        """Let go of a partition, however far it was prepared."""

    def fold(self, records: list[Record]) -> Folded | None:
        """What the records come to; None when there is nothing to commit."""

    def reconsider(self, stopped: Mapping[Place, str]) -> list[Place]:
        """Which stopped partitions to try again."""

    def crowded(self) -> set[Place]:
        """Partitions that should not be read further for now."""

    def holding(self) -> set[Place]:
        """Partitions with records that were read and await their turn; other threads ask too."""


class Stage:
    """One agent on this worker: its membership, its transactions, its thread."""

    def __init__(
        self,
        settings: Settings,
        name: str,
        topics: list[str],
        work: Work,
        stopping: Callable[[], bool],
        frame: Frame = unchanged,
    ) -> None:
        self.name = name
        self.work = work
        self.stopping = stopping
        self.membership = Membership(settings, name, topics, work)
        self.counts = Counts(name)
        self._in_hand = False
        self._transactions = Transactions(settings, name, stopping, frame)
        self._pace = Pace(settings.batch_size)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._aborts_in_a_row = 0
        self._reconsidered = 0.0
        self._turns = 0
        self._seen: tuple[int, ...] = ()
        self._looks = 0

    async def call(self, function: Callable[..., T], *arguments: Any) -> T:
        """Run in the stage's thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, function, *arguments)

    @property
    def failing(self) -> bool:
        """Whether batch after batch is aborted, or the broker does not say what became of one."""
        return self._aborts_in_a_row > 1 or self._transactions.outcome_unknown

    def hangs(self) -> bool:
        """Whether the stage's thread was at the same at each of the last looks, long beyond what that may take.

        Looks are counted, not seconds: a process that was frozen has not waited.
        """
        calls = self._transactions.calls, self.membership.calls
        seen = self._turns, *(each.made for each in calls)
        calling = any(each.under_way for each in calls)
        # Before the first turn it waits for what may never come: other than a call, that is no standing still.
        self._looks = self._looks + 1 if seen == self._seen and (calling or self._turns) else 0
        self._seen = seen
        return self._looks > (HANGING_LOOKS if calling else STANDING_LOOKS)

    def emptied(self) -> dict[Place, int]:
        """Partitions of which every record is read and committed: what may follow is but marks of transactions.

        Each with the offset at which it ended when it was last read.
        """
        if self._in_hand:
            return {}
        holding = self.work.holding()
        return {place: end for place, end in self.membership.at_end.copy().items() if place not in holding}

    def open(self) -> None:
        """Fence whoever had this worker's name, then join the group."""
        self._transactions.open()
        self.membership.join()

    def close(self) -> None:
        """Leave the group; everything folded is committed."""
        self.membership.leave()

    def next(self) -> "Batch":
        """The next batch; it may hold no records."""
        self._in_hand = False
        self._turns += 1
        self._reconsider()
        self.membership.hold_back(self.work.crowded())
        records = self.membership.poll(self._pace.limit, POLL_S if self.work.holding() else IDLE_POLL_S)
        self._in_hand = bool(records)
        return Batch(self, records)

    def _reconsider(self) -> None:
        stopped = self.membership.stopped
        if not stopped or monotonic() - self._reconsidered < RECONSIDER_S:
            return
        self._reconsidered = monotonic()
        try:
            self.membership.restart(self.work.reconsider(stopped))
        except KafkaException as error:
            # The others go on; a broker that is away must not end them for what is stopped.
            log.warning("reconsidered_in_vain", agent=self.name, because=str(error))

    def commit(self, folded: Folded, began: float, folded_at: float) -> None:
        """One transaction; afterwards the work settles. An aborted batch is read again from the broker."""
        self.counts.failed(len(folded.stopped))
        try:
            if folded.offsets:
                standing = self._transact(folded)
                crash_point("after-commit")
                folded.settle(standing)
                now = monotonic()
                self.counts.committed(folded, began, now)
                self._pace.took(len(folded.records), folded_at - began, now - folded_at)
        except AbortedError as error:
            self.counts.aborted(fenced=error.fenced)
            pause = PAUSES_S[min(self._aborts_in_a_row, len(PAUSES_S) - 1)]
            self._aborts_in_a_row += 1
            log.warning("batch_again", agent=self.name, because=str(error), aborts_in_a_row=self._aborts_in_a_row)
            sleep(pause)
            self.membership.restart(self.membership.working)
        else:
            self._aborts_in_a_row = 0
            for place, reason in folded.stopped.items():
                self.membership.stop(place, reason)

    def nothing_to_commit(self) -> None:
        """A batch came to nothing. Where nothing is left either, what failed before is another worker's now."""
        if self._aborts_in_a_row and self.membership.claims.keys() <= self.emptied().keys():
            self._aborts_in_a_row = 0

    def _transact(self, folded: Folded) -> dict[int, int]:
        """Commit what was folded; once more where only the group has moved on, and it is this worker's still."""
        metadata = self.membership.metadata()
        try:
            return self._timed(folded, metadata)
        except AbortedError as error:
            if not error.outdated or (present := self.membership.metadata()) == metadata:
                raise
            self.counts.aborted(fenced=False)
        return self._timed(folded, present)

    def _timed(self, folded: Folded, metadata: bytes | None) -> dict[int, int]:
        began = monotonic()
        try:
            return self._transactions.commit(folded.outgoing, folded.markers, folded.offsets, metadata)
        finally:
            self.counts.attempted(monotonic() - began)


class Batch:
    """What an agent iterates: records to fold and commit as one transaction."""

    def __init__(self, stage: Stage, records: list[Record]) -> None:
        self.records = records
        self.done = asyncio.Event()
        self.failed: BaseException | None = None
        """What ended the batch; Faust would restart the agent, and forget the batch (D1)."""
        self._stage = stage
        self._began = self._folded_at = monotonic()
        self._folded: Folded | None = None

    async def fold(self) -> None:
        """Derive what follows from the records; nothing leaves the process."""
        self._folded = await self._attempt(self._stage.work.fold, self.records)
        self._folded_at = monotonic()

    async def commit(self) -> None:
        """Make it so, all or nothing."""
        if self._folded is not None:
            await self._attempt(self._stage.commit, self._folded, self._began, self._folded_at)
        else:
            await self._attempt(self._stage.nothing_to_commit)
        self.done.set()

    async def _attempt(self, function: Callable[..., T], *arguments: Any) -> T:
        try:
            return await self._stage.call(function, *arguments)
        except BaseException as error:
            self.failed = error
            self.done.set()
            raise


class BatchTopic(faust.Topic):
    """A Faust topic whose items are batches. Its clones share one queue, so whoever puts reaches the agent."""

    def _clone_args(self) -> dict[str, Any]:
        return {**super()._clone_args(), "queue": self.queue}

    def get_topic_name(self) -> str:
        """All its names: Faust's own refuses to name a topic of several, and `faust agents` would show none at all."""
        return ", ".join(self.topics)

    async def put(self, batch: Batch) -> None:
        """Hand a batch to the agent."""
        await self.queue.put(batch)


async def run(stage: Stage, topic: BatchTopic) -> None:
    """Give the agent one batch after another until the stage is stopping, then leave the group.

    Raises whatever ended a batch: its agent is no use any more.
    """
    await stage.call(stage.open)
    while not stage.stopping():
        batch = await stage.call(stage.next)
        await topic.put(batch)
        await batch.done.wait()
        if batch.failed is not None:
            raise batch.failed
    await stage.call(stage.close)
