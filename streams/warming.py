"""Warm copies: local copies of the partitions that other workers fold, so that taking one over restores only a rest (D13).

One thread follows the changelog of every partition that this worker does not hold. A copy is opened by one at a time:
`hold` closes it before a partition is prepared, `release` lets it be followed again. Like every copy it is behind or
equal, never ahead: only committed records are written.

Nothing here may end a worker that does its work: a copy that fails is made anew, a little later.
"""

from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Lock, Thread
from time import monotonic

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from state.encoding import RowTooNewError
from state.partition import Copy, PartitionState
from state.rocks import destroy
from state.store import StoreError
from streams.clock import now_ms
from streams.held import StopPartitionError
from streams.kafka import TIMEOUT_S, admin, partitions_of, reader
from streams.reading import bounds
from streams.restoring import Tables, open_copy
from streams.settings import Settings

log = structlog.get_logger()
LOOK_S = 0.2
AGAIN_S = 10.0
"""When to try again what failed."""
REFRESH_MS = 60_000
"""A copy at the end says so again after this long, even when nothing is written: else it would age (D8)."""
BATCH = 2_000


@dataclass
class Tail:
    """A copy that follows its changelog."""

    state: PartitionState
    copy: Copy
    end: int = -1
    """Where the changelog ended when all before it had been read."""


class WarmCopies:
    """The copies of partitions that this worker does not hold."""

    def __init__(self, settings: Settings, tables: Tables, path: Callable[[int], Path]) -> None:
        self._settings = settings
        self._topic = settings.topic(tables.changelog)
        self._path = path
        self._lock = Lock()
        """Whoever opens, writes or closes a copy has it."""
        self._held: set[int] = set()
        self._tails: dict[int, Tail] = {}
        self._not_before: dict[int, float] = {}
        self.stopping = Event()
        """No copy is opened any more."""
        self._thread = Thread(target=self._run, name="warm-copies", daemon=True)
        self.behind: dict[int, int] = {}
        """How many offsets of its changelog each copy still has to read."""

    def start(self) -> None:
        """Follow, until `stop`."""
        self._thread.start()

    def stop(self) -> None:
        """Close all copies."""
        self.stopping.set()
        self._thread.join(TIMEOUT_S)

    def hold(self, partition: int) -> None:
        """The partition is this worker's: when this returns, its copy is closed and stays so."""
        with self._lock:
            self._held.add(partition)
            self._close(partition)

    def release(self, partition: int) -> None:
        """The partition is somebody else's again."""
        with self._lock:
            self._held.discard(partition)

    def _run(self) -> None:
        while not self.stopping.is_set():
            try:
                self._follow()
            except Exception as error:  # noqa: BLE001 - see above: these copies are only there to be quicker
                log.warning("warm_copies_again", because=str(error))
            finally:
                with self._lock:
                    for partition in list(self._tails):
                        self._close(partition)
            self.stopping.wait(AGAIN_S)

    def _follow(self) -> None:
        partitions = set(range(partitions_of(admin(self._settings), self._topic)))
        consumer = reader(self._settings)
        assigned: set[int] = set()
        try:
            while not self.stopping.is_set():
                self._arrange(consumer, partitions, assigned)
                if assigned:
                    self._take(consumer, consumer.consume(BATCH, LOOK_S))
                else:
                    self.stopping.wait(LOOK_S)
        finally:
            consumer.close()

    def _arrange(self, consumer: Consumer, partitions: set[int], assigned: set[int]) -> None:
        """Read what is to be followed, and nothing else: what was read for a copy that has been closed since is void."""
        if gone := assigned - self._tails.keys():
            consumer.incremental_unassign([TopicPartition(self._topic, partition) for partition in gone])
            assigned -= gone
        for partition in partitions - assigned - self._held:
            if not self.stopping.is_set() and monotonic() >= self._not_before.get(partition, 0.0):
                tail = self._guarded(partition, self._open)
                if tail is not None:
                    consumer.incremental_assign([TopicPartition(self._topic, partition, tail.copy.changelog)])
                    assigned.add(partition)

    def _open(self, partition: int) -> Tail | None:
        place = (self._topic, partition)
        low, end = bounds(self._settings, [place], committed=False)[place]
        path = self._path(partition)
        with self._lock:
            if partition in self._held:
                return None
            state = open_copy(self._settings, path)
            tail = self._tails[partition] = Tail(state, Copy(low, now_ms(), whole=False))
            if (copy := state.copy) is not None:
                tail.copy = Copy(max(low, copy.changelog), copy.written_at, copy.whole)
            if tail.copy.changelog > end:
                raise StoreError(f"{path} is at {tail.copy.changelog} of a changelog that ends at {end}")
            return tail

    def _take(self, consumer: Consumer, messages: list[Message]) -> None:
        changes: defaultdict[int, dict[bytes, bytes | None]] = defaultdict(dict)
        read: dict[int, int] = {}
        ended: dict[int, int] = {}
        for message in messages:
            partition, offset, error = message.partition() or 0, message.offset() or 0, message.error()
            if error is None:
                changes[partition][message.key() or b""] = message.value()
                read[partition] = offset + 1
                ended.pop(partition, None)
            elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - the client's name for it
                ended[partition] = offset
            elif error.code() == KafkaError._AUTO_OFFSET_RESET:  # noqa: SLF001 - likewise
                # Its next record is gone, and with it perhaps a tombstone.
                self._guarded(partition, self._refuse)
        for partition in changes.keys() | ended.keys() | self._still_ended(consumer):
            self._guarded(partition, lambda p: self._write(p, changes[p], read.get(p), ended.get(p)))
        with self._lock:
            for partition, tail in self._tails.items():
                _, high = consumer.get_watermark_offsets(TopicPartition(self._topic, partition), cached=True)
                if high >= 0:  # not before the first fetch
                    self.behind[partition] = max(0, high - max(tail.end, tail.copy.changelog))

    def _still_ended(self, consumer: Consumer) -> set[int]:
        """Copies that should say again that they are at the end: it is told once, when it is reached, so it is asked for."""
        found: set[int] = set()
        for partition, tail in self._tails.copy().items():
            if tail.copy.whole and now_ms() - tail.copy.written_at > REFRESH_MS:
                place = TopicPartition(self._topic, partition)
                with suppress(KafkaException):  # nobody leads it just now: it is asked for again
                    if consumer.get_watermark_offsets(place, timeout=TIMEOUT_S)[1] <= tail.end:
                        found.add(partition)
        return found

    def _write(
        self, partition: int, changes: dict[bytes, bytes | None], read: int | None, end: int | None
    ) -> Tail | None:
        with self._lock:
            if (tail := self._tails.get(partition)) is None:
                return None
            # Without a word of the end and without records, it is still where it was found to be.
            at_end = end is not None or not changes
            tail.end = tail.end if end is None else end
            at = tail.copy.changelog if read is None else read
            # At the end it is what the partition was; in between, rows of later records may be missing or there already.
            copy = Copy(at, now_ms() if at_end else tail.copy.written_at, whole=at_end)
            stale = at_end and (not tail.copy.whole or copy.written_at - tail.copy.written_at > REFRESH_MS)
            if changes or stale:
                tail.state.restore(changes, copy)
                tail.copy = copy
            return tail

    def _refuse(self, partition: int) -> Tail | None:
        raise StoreError(f"{self._path(partition)}: the changelog begins later")

    def _guarded(self, partition: int, do: Callable[[int], Tail | None]) -> Tail | None:
        """What `do` returns; a copy that it finds unusable is removed, to be made anew."""
        try:
            return do(partition)
        except StoreError as error:
            log.warning("warm_copy_anew", partition=partition, because=str(error))
            with self._lock:
                if partition in self._held:
                    return None  # `restore` judges by itself
                self._close(partition)
                destroy(self._path(partition))
        except (StopPartitionError, RowTooNewError, KafkaException) as error:
            log.warning("warm_copy_left_alone", partition=partition, because=str(error))
            with self._lock:
                self._close(partition)
        self._not_before[partition] = monotonic() + AGAIN_S
        return None

    def _close(self, partition: int) -> None:
        self.behind.pop(partition, None)
        if (tail := self._tails.pop(partition, None)) is not None:
            tail.state.store.close()
