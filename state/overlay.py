"""The rows of one partition as a batch sees them: what it wrote, over what was committed, over the store.

Three layers, so that each failure undoes just its own part: a unit of work (`keep` or `undo`), a batch (`settle` after
its transaction committed, or the whole overlay is dropped), and a bounded cache of committed rows. Reads find typed
rows; bytes are made once a unit of work, where a row that is too large can still be laid at its door.
"""

from collections import defaultdict
from itertools import islice
from typing import Any, TypeVar

from msgspec import Struct
from sortedcontainers import SortedList

from processors.rows import Table
from state.encoding import decode_row, encode_row
from state.store import Store

R = TypeVar("R", bound=Struct)
CACHED_ROWS = 20_000
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
        self._batch: defaultdict[bytes, dict[bytes, Struct | None]] = defaultdict(dict)
        self._ordered: dict[bytes, SortedList[bytes]] = {}
        self._cache: dict[bytes, Struct | None] = {}
        self._changes: dict[bytes, bytes | None] = {}
        self.changed = False
        """Whether the unit of work that was kept last left any row other than it was."""

    def get(self, table: Table[R], *key: str) -> R | None:
        """See `Rows.get`."""
        row: R | None = self._read(table, table.key(*key))
        return row

    def _read(self, table: Table[R], key: bytes) -> Any:
        row = self._unit.get(key, _MISSING)
        if row is _MISSING:
            row = self._batch[table.prefix].get(key, _MISSING)
        if row is _MISSING:
            row = self._cache.get(key, _MISSING)
        if row is _MISSING:
            data = self.store.get(key)
            row = self._cache[key] = None if data is None else decode_row(table, data)
        return row

    def prefetch(self, table: Table[Any], keys: list[bytes]) -> None:
        """Bring rows into the cache in one read of the store; a hint that changes no result."""
        batch, cache = self._batch[table.prefix], self._cache
        wanted = [key for key in keys if key not in cache and key not in batch]
        for key, data in zip(wanted, self.store.get_many(wanted), strict=True):
            cache[key] = None if data is None else decode_row(table, data)

    def put(self, table: Table[R], row: R, *key: str) -> None:
        """See `Rows.put`."""
        self._tables[table.prefix] = table
        self._unit[table.key(*key)] = row

    def delete(self, table: Table[R], *key: str) -> None:
        """See `Rows.delete`."""
        self._tables[table.prefix] = table
        self._unit[table.key(*key)] = None

    def first(
        self, table: Table[R], limit: int, below: str | None = None, above: str | None = None
    ) -> list[tuple[tuple[str, ...], R]]:
        """See `Rows.first`."""
        start, stop = table.bounds(below, above)
        batch, unit = self._batch[table.prefix], self._unit
        stored = (key for key, _ in self.store.scan(start, stop) if key not in batch and key not in unit)
        ordered = self._in_order(table).irange(start, stop, inclusive=(True, False))
        written = (key for key in ordered if batch[key] is not None and key not in unit)
        fresh = [k for k, row in unit.items() if row is not None and start <= k and (stop is None or k < stop)]
        candidates = sorted([*islice(stored, limit), *islice(written, limit), *fresh])
        return [(table.parts(key), self._read(table, key)) for key in candidates[:limit]]

    def _in_order(self, table: Table[Any]) -> SortedList[bytes]:
        """The keys that the batch wrote in a table. In order from the first look on: a batch has thousands, a look takes few."""
        keys = self._ordered.get(table.prefix)
        if keys is None:
            keys = self._ordered[table.prefix] = SortedList(self._batch[table.prefix])
        return keys

    def keep(self) -> None:
        """The unit of work succeeded: its writes join the batch. Raises `RowTooLargeError`, and then keeps nothing."""
        encoded = {key: None if row is None else self._encode(key, row) for key, row in self._unit.items()}
        self._changes.update(encoded)
        changed = False
        for key, row in self._unit.items():
            prefix = key[:1]
            rows = self._batch[prefix]
            # A row that was written unread is taken for another: whoever decides reads first, and the disk is far.
            changed = changed or row != rows.get(key, self._cache.get(key, _MISSING))
            if prefix in self._ordered and key not in rows:
                self._ordered[prefix].add(key)
            rows[key] = row
        self.changed = changed
        self._unit.clear()

    def _encode(self, key: bytes, row: Struct) -> bytes:
        table = self._tables[key[:1]]
        data = encode_row(table, row)
        if len(data) > LARGEST_ROW_BYTES:
            found = f"row {'/'.join(table.parts(key))} of {table.name} has {len(data)} bytes"
            raise RowTooLargeError(f"{found}; the changelog takes {LARGEST_ROW_BYTES}")
        return data

    def undo(self) -> None:
        """The unit of work failed: forget its writes."""
        self._unit.clear()

    def changes(self) -> dict[bytes, bytes | None]:
        """What the batch wrote, encoded, for the changelog and the store; None removes a row."""
        return dict(self._changes)

    def settle(self) -> None:
        """The batch is committed and in the store: its rows become the cache."""
        if len(self._cache) > CACHED_ROWS:
            self._cache.clear()
        for rows in self._batch.values():
            self._cache.update(rows)
            rows.clear()
        self._ordered.clear()
        self._changes.clear()
