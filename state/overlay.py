"""The rows of one partition as a batch sees them: what a unit of work writes, over what the batch kept, over the store.

Each failure undoes just its own part: a unit of work (`keep` or `undo`), or a batch (`settle` after its transaction committed,
or the whole overlay is dropped). Rows that were read or kept stay at hand, as many as the bound allows. Reads find typed rows;
bytes are made once a unit of work, where a row that is too large can still be laid at its door.
"""

from itertools import islice
from typing import Any, TypeVar

from msgspec import Struct
from sortedcontainers import SortedList

from processors.rows import Table
from state.encoding import decode_row, encode_row
from state.store import Store

R = TypeVar("R", bound=Struct)
LARGEST_ROW_BYTES = 2_000_000
_MISSING: Any = object()


class RowTooLargeError(Exception):
    """A row has grown beyond what a record of the changelog can carry: rows must be small and many (D8)."""


class Overlay:
    """The writable view of one partition's rows; it satisfies `processors.rows.Rows`."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._tables: dict[bytes, Table[Any]] = {}
        self._unit: dict[bytes, Struct | None] = {}
        self._rows: dict[bytes, Struct | None] = {}
        """As they are after the units that were kept: what was read, and what was written."""
        self._changes: dict[bytes, bytes | None] = {}
        self._ordered: dict[bytes, SortedList[bytes]] = {}
        self.changed = False
        """Whether the unit of work that was kept last left any row other than it was."""

    def get(self, table: Table[R], *key: str) -> R | None:
        """See `Rows.get`."""
        row: R | None = self._read(table, table.key(*key))
        return row

    def _read(self, table: Table[R], key: bytes) -> Any:
        row = self._unit.get(key, _MISSING)
        if row is _MISSING:
            row = self._rows.get(key, _MISSING)
        if row is _MISSING:
            data = self.store.get(key)
            row = self._rows[key] = None if data is None else decode_row(table, data)
        return row

    def put(self, table: Table[R], row: R, *key: str) -> None:
        """See `Rows.put`."""
        self._tables[table.prefix] = table
        self._unit[table.key(*key)] = row

    def delete(self, table: Table[R], *key: str) -> None:
        """See `Rows.delete`."""
        self._unit[table.key(*key)] = None

    def first(
        self, table: Table[R], limit: int, below: str | None = None, above: str | None = None
    ) -> list[tuple[tuple[str, ...], R]]:
        """See `Rows.first`."""
        start, stop = table.bounds(below, above)
        changes, unit, rows = self._changes, self._unit, self._rows
        stored = (key for key, _ in self.store.scan(start, stop) if key not in changes and key not in unit)
        ordered = self._in_order(table).irange(start, stop, inclusive=(True, False))
        written = (key for key in ordered if rows[key] is not None and key not in unit)
        fresh = [k for k, row in unit.items() if row is not None and start <= k and (stop is None or k < stop)]
        candidates = sorted([*islice(stored, limit), *islice(written, limit), *fresh])
        return [(table.parts(key), self._read(table, key)) for key in candidates[:limit]]

    def _in_order(self, table: Table[Any]) -> SortedList[bytes]:
        """The keys that the batch wrote in a table. In order from the first look on: a batch has thousands, a look takes few."""
        keys = self._ordered.get(table.prefix)
        if keys is None:
            of_table = (key for key in self._changes if key.startswith(table.prefix))
            keys = self._ordered[table.prefix] = SortedList(of_table)
        return keys

    def keep(self) -> None:
        """The unit of work succeeded: its writes join the batch. Raises `RowTooLargeError`, and then keeps nothing."""
        unit, rows, tables = self._unit, self._rows, self._tables
        encoded: dict[bytes, bytes | None] = {}
        changed = False
        for key, row in unit.items():
            data = encoded[key] = None if row is None else encode_row(tables[key[:1]], row)
            if data is not None and len(data) > LARGEST_ROW_BYTES:
                table = tables[key[:1]]
                found = f"row {'/'.join(table.parts(key))} of {table.name} has {len(data)} bytes"
                raise RowTooLargeError(f"{found}; the changelog takes {LARGEST_ROW_BYTES}")
            # A row that was written unread is taken for another: whoever decides reads first, and the disk is far.
            changed = changed or row != rows.get(key, _MISSING)
        self.changed = changed
        if self._ordered:
            # Key by key: a difference of sets would go through all that the batch wrote, once for each of its units.
            for key in encoded:
                if key not in self._changes and (keys := self._ordered.get(key[:1])) is not None:
                    keys.add(key)
        self._changes.update(encoded)
        rows.update(unit)
        unit.clear()

    def undo(self) -> None:
        """The unit of work failed: forget its writes."""
        self._unit.clear()

    def changes(self) -> dict[bytes, bytes | None]:
        """What the batch wrote, encoded, for the changelog and the store; None removes a row."""
        return dict(self._changes)

    def settle(self, most_rows: int) -> None:
        """The batch is committed and in the store: its rows are as good as read. No more than so many stay at hand."""
        if len(self._rows) > most_rows:
            self._rows.clear()
        self._ordered.clear()
        self._changes.clear()
