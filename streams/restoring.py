"""Bringing a partition's local rows up to what the broker has, in the one order that loses nothing (D2).

(1) the group's position, once stable; (2) the changelog's end, open transactions included: the committed end stops at
an open one, and a frozen worker may wake and commit it; (3) the committed records up to there; (4) the position row
must equal the position; (5) start there.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog

from state.partition import Copy, PartitionState
from state.rocks import RocksStore, destroy, is_damaged
from state.store import StoreInUseError
from streams.clock import now_ms
from streams.crash import crash_point
from streams.held import StopPartitionError
from streams.kafka import committed, patiently
from streams.memory import give_back
from streams.reading import bounds, read_messages
from streams.settings import Settings

log = structlog.get_logger()


@dataclass
class Progress:
    """How far the restoring of a partition is, in changelog records."""

    done: int = 0
    to_do: int = 0


@dataclass(frozen=True)
class Tables:
    """Which agent's tables these are: the topic they fold, and the changelog that carries them."""

    agent: str = "customers"
    source: str = "timeline"
    changelog: str = "customer-state"


def path_of(settings: Settings, cluster: str, partition: int) -> Path:
    """Where a partition's rows lie on this disk. Rows of another cluster or namespace are other rows."""
    return settings.data_dir / cluster / f"{settings.namespace or 'laurel'}-{settings.instance}" / f"p{partition}"


def open_copy(settings: Settings, path: Path) -> PartitionState:
    """The local copy, or a new one where it is damaged, or too old to trust: it may have missed tombstones (D8)."""
    if is_damaged(path):
        log.warning("local_copy_damaged", path=str(path))
        destroy(path)
    try:
        state = PartitionState(RocksStore(path))
    except StoreInUseError as error:
        raise StopPartitionError(
            f"another process has {path} open: is a second worker started as LAUREL_INSTANCE={settings.instance}?"
        ) from error
    copy = state.copy
    if copy is not None and now_ms() - copy.written_at > settings.max_copy_age_s * 1000:
        log.warning("local_copy_too_old", path=str(path), written_at=copy.written_at)
        state.store.close()
        destroy(path)
        state = PartitionState(RocksStore(path))
    return state


def restore(
    settings: Settings,
    tables: Tables,
    path: Path,
    partition: int,
    progress: Progress,
    cancelled: Callable[[], bool],
) -> tuple[PartitionState, int]:
    """The partition's rows as the broker has them, and the offset to fold from.

    Raises `StopPartitionError` where rows and positions contradict each other: folding on would invent or lose history.
    """
    source = (settings.topic(tables.source), partition)
    changelog = (settings.topic(tables.changelog), partition)
    position = patiently(
        f"position of {tables.source}/{partition}",
        lambda: committed(settings, tables.agent, [source])[source],
        cancelled,
    )
    found = patiently(
        f"ends of {tables.changelog} and {tables.source}",
        lambda: bounds(settings, [changelog, source], committed=False),
        cancelled,
    )
    (low, end), (first, last) = found[changelog], found[source]
    state = open_copy(settings, path)
    try:
        if state.copy is not None and state.copy.changelog > end:
            log.warning("local_copy_of_another_changelog", path=str(path), at=state.copy.changelog, end=end)
            state.store.close()
            destroy(path)
            state = PartitionState(RocksStore(path))
        _catch_up(settings, state, changelog, low, end, progress, cancelled)
        start = _agreed(tables, partition, position, state.position, first, last)
    except BaseException:
        state.store.close()
        raise
    return state, start


def _catch_up(
    settings: Settings,
    state: PartitionState,
    changelog: tuple[str, int],
    low: int,
    end: int,
    progress: Progress,
    cancelled: Callable[[], bool],
) -> None:
    copy = state.copy or Copy(0, now_ms())
    began = at = max(low, copy.changelog)
    progress.to_do = end - at
    if at >= end and copy.whole:
        return
    # Not as records: key and value are all that is wanted of the millions that there may be.
    for messages in read_messages(settings, {changelog: at} if at < end else {}, cancelled, {changelog: end}):
        at = messages[-1].offset() + 1
        rows = {message.key() or b"": message.value() for message in messages}
        # Its age is that of what it was: a tombstone for one of its rows may still be to come (D8).
        state.restore(rows, Copy(at, copy.written_at, whole=False))
        progress.done = at - began
        crash_point("during-restore")
    if cancelled():
        raise StopPartitionError("given up while restoring: another worker has it now")
    state.restore({}, Copy(max(at, end), now_ms()))
    progress.done = progress.to_do
    give_back()


def _agreed(tables: Tables, partition: int, position: int | None, row: int | None, first: int, last: int) -> int:
    name = f"{tables.source}/{partition}"
    if position is None and row is not None:
        log.warning("positions_expired", topic=tables.source, partition=partition, from_position_row=row)
        position = row
    if position is None:
        if first > 0:
            raise StopPartitionError(f"{name} begins at {first}, not at 0: its history is cut, restore the topic")
        return 0
    if row is None:
        raise StopPartitionError(
            f"the group's position in {name} is {position}, but the changelog holds no position row"
        )
    if row != position:
        raise StopPartitionError(f"the group's position in {name} is {position}, but the rows reflect {row}")
    if not first <= position <= last:
        raise StopPartitionError(f"{name} has records {first} to {last}, but the position is {position}")
    return position
