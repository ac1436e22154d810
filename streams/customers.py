"""Customers: folds each partition of the timeline into tables and decisions."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from time import monotonic
from typing import NamedTuple

import structlog

from processors import reward_figures
from processors.figures import FIGURES, Kept
from processors.partition import HERE, PARTITION, Partition
from processors.reward_figures import Redeemed
from processors.step import NewerRules, UnitFailed
from processors.timers import due_timers
from schemas.topics import SOURCES
from state.encoding import RowTooNewError
from state.overlay import Overlay
from state.partition import CACHED_ROWS, POSITION, Copy, PartitionState
from state.store import Size, StoreError
from streams.batches import Folded
from streams.clock import now_ms
from streams.kafka import Place
from streams.records import ORIGIN, Outgoing, Record, addressed, parse_origin, place_of
from streams.restoring import Progress, Tables, path_of, restore
from streams.settings import Settings
from streams.skips import Skips, load
from streams.warming import WarmCopies

log = structlog.get_logger()
Fold = Callable[[Overlay, Record, frozenset[str]], Sequence[Outgoing]]
"""One record into rows, which it keeps, and outputs; what it raises stops its partition only."""
NOTHING: frozenset[str] = frozenset()
LOOK_S = 5.0
MOST_TIMERS = 1_000
"""Timers are counted up to here: whether there are many more is no other news."""
MOST_REWARDS = 200
"""So many rewards are told of, by name: each is some series of a metric."""


class Partitions:
    """The partitions that are folded here, of `count` in all. It knows no broker: the driver and `verify` use it too."""

    def __init__(self, tables: Tables, fold: Fold, count: int) -> None:
        self.states: dict[int, PartitionState] = {}
        self.skips: Skips = {}
        self._tables = tables
        self._fold = fold
        self._count = count

    def fold(self, records: Iterable[Record]) -> Folded | None:
        """What the records come to; a record whose fold raises stops its partition there, and what came before stands."""
        folded = Folded()
        for place, run in groupby(records, place_of):
            if place not in folded.stopped:
                self._fold_run(place, run, folded)
        if not folded.offsets:
            return folded if folded.stopped else None
        changes = {
            partition: self.states[partition].changes(offset) for (_, partition), offset in folded.offsets.items()
        }
        self._write_changelog(changes, folded)
        folded.settle = lambda standing: self._settle(changes, standing)
        return folded

    def _fold_run(self, place: Place, run: Iterable[Record], folded: Folded) -> None:
        """Fold records of one partition that follow one another."""
        overlay, skips = self.states[place[1]].overlay, self.skips.get(place[1])
        for record in run:
            try:
                outputs = self._fold(overlay, record, skips.get(record.offset, NOTHING) if skips else NOTHING)
            except Exception as error:
                if isinstance(error, StoreError) or isinstance(error.__cause__, StoreError):
                    raise  # no rule's: nothing that reads this disk can go on
                # A bug in a rule must not take the other partitions down (D12).
                overlay.undo()
                folded.stopped[place] = explain_stop(record, error)
                return
            folded.records.append(record)
            folded.offsets[place] = record.offset + 1
            if outputs:
                folded.outgoing.extend(addressed(outputs, self._count))
            elif not overlay.changed and (source := source_of(record)):
                folded.without_effect[source] += 1

    def _write_changelog(self, changes: Mapping[int, Mapping[bytes, bytes | None]], folded: Folded) -> None:
        topic, marker = self._tables.changelog, POSITION.key()
        for partition, rows in changes.items():
            folded.outgoing.extend([Outgoing(topic, key, row, partition) for key, row in rows.items() if key != marker])
            folded.markers[partition] = Outgoing(topic, marker, rows[marker], partition)

    def _settle(self, changes: Mapping[int, Mapping[bytes, bytes | None]], standing: Mapping[int, int]) -> None:
        now, most_rows = now_ms(), CACHED_ROWS // len(self.states)
        for partition, rows in changes.items():
            self.states[partition].settle(rows, Copy(standing[partition] + 1, now), most_rows)


def source_of(record: Record) -> str | None:
    """The source that an event of the timeline came from; None for what laurel tells itself: ticks and messages."""
    origin = record.header(ORIGIN)
    topic = parse_origin(origin)[0] if origin else None
    return topic if topic in SOURCES else None


def explain_stop(record: Record, error: Exception) -> str:
    """Why a partition stopped, with what to do about it."""
    where = f"{record.topic}/{record.partition} offset {record.offset}"
    cause = error.__cause__ or error
    if isinstance(cause, NewerRules | RowTooNewError):
        return f"{where}: {cause}; upgrade this worker"
    unit = error.unit if isinstance(error, UnitFailed) else "record"
    log.error("bug", at=where, unit=unit, exc_info=cause)
    return (
        f"{where}, unit {unit}: {type(cause).__name__}: {cause}; mend the rule and restart, or leave the unit out: "
        f"laurel skip {record.partition} {record.offset} --unit '{unit}' --reason ..."
    )


class Figures(NamedTuple):
    """What a partition's rows say of themselves."""

    size: Size
    policy: str | None
    """Version in force."""
    deferred: bool
    """Whether work is left over: due timers, or customers to be compared under a new policy."""
    timers_due: int
    kept: Kept
    rewards: tuple[Redeemed, ...]


def look(state: PartitionState) -> Figures:
    """The figures of a partition, between batches."""
    partition = state.overlay.get(PARTITION, HERE) or Partition()
    due = len(due_timers(state.overlay, partition, MOST_TIMERS)) if partition.pending else 0
    policy = partition.versions[-1].version if partition.versions else None
    kept = state.overlay.get(FIGURES, HERE) or Kept()
    deferred = partition.pending or partition.compared is not None
    rewards = reward_figures.kept(state.overlay, MOST_REWARDS)
    return Figures(state.store.size(), policy, deferred, due, kept, rewards)


class CustomersWork:
    """The partitions on a broker and a disk."""

    def __init__(self, settings: Settings, cluster: str, tables: Tables, fold: Fold, count: int) -> None:
        self.warm = WarmCopies(settings, tables, self.path) if settings.warm_copies else None
        self._settings = settings
        self._cluster = cluster
        self._tables = tables
        self._partitions = Partitions(tables, fold, count)
        self.restoring: dict[int, Progress] = {}
        self.restored = Counter[int]()
        """Rows read from the changelog, by partition."""
        self.figures: dict[int, Figures] = {}
        """Of each partition that was folded here, as of the last look: of one that stopped, as it stood then."""
        self._looked = -LOOK_S

    def prepare(self, place: Place, cancelled: Callable[[], bool]) -> int:
        """See `Work.prepare`."""
        partition = place[1]
        # This partition's alone: what the others were prepared with is what they fold, and `reconsider` compares.
        self._partitions.skips[partition] = load(self._settings).get(partition, {})
        if self.warm is not None:
            self.warm.hold(partition)
        self.figures.pop(partition, None)
        progress = self.restoring[partition] = Progress()
        try:
            state, start = restore(self._settings, self._tables, self.path(partition), partition, progress, cancelled)
        finally:
            self.restoring.pop(partition, None)
        self.restored[partition] += progress.done
        log.info("restored", partition=partition, records=progress.done, fold_from=start)
        self.figures[partition] = look(state)
        self._partitions.states[partition] = state
        return start

    def path(self, partition: int) -> Path:
        """Where the partition's rows lie."""
        return path_of(self._settings, self._cluster, partition)

    def begin(self, place: Place, start: int) -> None:
        """See `Work.begin`."""

    def release(self, place: Place) -> None:
        """See `Work.release`."""
        if state := self._partitions.states.pop(place[1], None):
            state.store.close()
        if self.warm is not None:
            self.warm.release(place[1])

    def fold(self, records: list[Record]) -> Folded | None:
        """See `Work.fold`."""
        if monotonic() - self._looked >= LOOK_S:
            # Here, as between batches nobody else has the stores.
            self.figures.update({partition: look(state) for partition, state in self._partitions.states.copy().items()})
            self._looked = monotonic()
        return self._partitions.fold(records)

    def reconsider(self, stopped: Mapping[Place, str]) -> list[Place]:
        """Stopped partitions that somebody has written a skip for since."""
        known, found = self._partitions.skips, load(self._settings)
        return [place for place in stopped if known.get(place[1], {}) != found.get(place[1], {})]

    def crowded(self) -> set[Place]:
        """The fold takes what it is given."""
        return set()

    def holding(self) -> set[Place]:
        """See `crowded`."""
        return set()
