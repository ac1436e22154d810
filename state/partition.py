"""The tables of one partition: its store, the overlay over it, and how far both reflect the timeline.

The local copy is behind or equal, never ahead (D2): rows, the timeline position and the changelog position are one
batch, written after the transaction committed.
"""

from collections.abc import Iterator, Mapping

from msgspec import Struct

from processors.rows import Table
from state.encoding import decode_row, encode_row
from state.overlay import Overlay
from state.store import Store


class Position(Struct, frozen=True, array_like=True):
    """The timeline offset that the next fold starts at; a row like others, so the changelog carries it."""

    timeline: int


class Copy(Struct, frozen=True, array_like=True):
    """What the local copy reflects.

    `changelog` is the offset to restore from, `written_at` when all before it was known to be the changelog's end (ms).
    A copy that is not `whole` stands between two states of the partition: it is being restored, or was.
    """

    changelog: int
    written_at: int
    whole: bool = True


POSITION = Table("position", b"p", Position, "how far the rows reflect the timeline")
COPY = Table("copy", b"\x00", Copy, "how far the local copy reflects the changelog; never leaves the disk")
CACHED_ROWS = 200_000
"""Rows that a worker keeps at hand, of all its partitions together: a worker may have four, or hundreds."""
LOCAL = b"\x01"
"""Keys below this are the copy's own and no part of the state."""


def read_position(store: Store) -> int | None:
    """The timeline offset that a store's rows reflect, or None in a store that reflects nothing."""
    data = store.get(POSITION.key())
    return None if data is None else decode_row(POSITION, data).timeline


def state_of(store: Store) -> Iterator[tuple[bytes, bytes]]:
    """Every row that is part of the state, in the order of keys; what two folds must agree on (I-2)."""
    return store.scan(LOCAL)


class PartitionState:
    """The rows of one partition, owned by the one worker that folds it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.overlay = Overlay(store)

    @property
    def copy(self) -> Copy | None:
        """What the local copy reflects, or None if it is new."""
        data = self.store.get(COPY.key())
        return None if data is None else decode_row(COPY, data)

    @property
    def position(self) -> int | None:
        """The timeline offset that the committed rows reflect."""
        return read_position(self.store)

    def changes(self, position: int) -> dict[bytes, bytes | None]:
        """What the batch changed; the position row comes last."""
        changes = self.overlay.changes()
        changes[POSITION.key()] = encode_row(POSITION, Position(position))
        return changes

    def settle(self, changes: Mapping[bytes, bytes | None], copy: Copy, most_rows: int = CACHED_ROWS) -> None:
        """The changes are committed: write them, and what the copy now reflects, in one batch. See `Overlay.settle`."""
        self.store.write({**changes, COPY.key(): encode_row(COPY, copy)})
        self.overlay.settle(most_rows)

    def restore(self, changes: Mapping[bytes, bytes | None], copy: Copy) -> None:
        """Write what the changelog says of some rows up to `copy`, in one batch."""
        self.store.write({**changes, COPY.key(): encode_row(COPY, copy)})
