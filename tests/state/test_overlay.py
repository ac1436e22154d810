"""The overlay beside a model: whatever is put, deleted, kept, undone and settled, reads see it, and no more (D2)."""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from processors.rows import Table
from state.encoding import decode_row, encode_row
from state.memory import MemoryStore
from state.overlay import Overlay
from state.store import Store
from tests.state.stores import EVERY_STORE, Opened, empty, in_memory
from tests.state.tables import LAST, MARKS, TABLES, TALLIES, Nothing, Tally

TABLE = st.sampled_from(TABLES)
PARTS = st.sampled_from([("",), ("a",), ("a", "ä"), ("\U0010ffff",)])
"""Few keys, so that layers meet; one that is empty, one that another begins with, one that sorts last."""
BOUND = st.sampled_from([None, "", "a", "a\x00", "a\x00\x00", "b", "ä", "\U0010ffff", "\U0010ffff\U0010ffff"])
COUNT = st.integers(0, 3)
MOST_ROWS = 8


def row_of(table: Table[Any], count: int) -> Any:
    """A row; the first of each table is zero and empty."""
    return Nothing() if table is MARKS else Tally(count)


class Layers(RuleBasedStateMachine):
    """A store, an overlay, and three dictionaries that say what they should hold."""

    store: Store

    @initialize()
    def start(self) -> None:
        empty(self.store)
        self.overlay = Overlay(self.store)
        self.committed: dict[bytes, Any] = {}
        self.batch: dict[bytes, Any] = {}
        self.unit: dict[bytes, Any] = {}
        self.table_of: dict[bytes, Table[Any]] = {}

    def expected(self) -> dict[bytes, Any]:
        rows = self.committed | self.batch | self.unit
        return {key: row for key, row in rows.items() if row is not None}

    @rule(table=TABLE, parts=PARTS, count=COUNT)
    def put(self, table: Table[Any], parts: tuple[str, ...], count: int) -> None:
        self.overlay.put(table, row_of(table, count), *parts)
        self.unit[table.key(*parts)] = row_of(table, count)
        self.table_of[table.key(*parts)] = table

    @rule(table=TABLE, parts=PARTS)
    def delete(self, table: Table[Any], parts: tuple[str, ...]) -> None:
        self.overlay.delete(table, *parts)
        self.unit[table.key(*parts)] = None
        self.table_of[table.key(*parts)] = table

    @rule(table=TABLE, parts=PARTS)
    def get(self, table: Table[Any], parts: tuple[str, ...]) -> None:
        assert self.overlay.get(table, *parts) == self.expected().get(table.key(*parts))

    @rule(
        table=TABLE,
        limit=st.integers(0, 4),
        below=BOUND,
        above=BOUND,
    )
    def first(self, table: Table[Any], limit: int, below: str | None, above: str | None) -> None:
        texts = {key: key[1:].decode() for key in self.expected() if key[:1] == table.prefix}
        keys = [
            key
            for key in sorted(texts)
            if (below is None or texts[key].encode() < below.encode())
            and (above is None or texts[key].encode() > above.encode())
        ]
        expected = [(table.parts(key), self.expected()[key]) for key in keys[:limit]]
        assert self.overlay.first(table, limit, below, above) == expected

    @rule()
    def keep(self) -> None:
        self.overlay.keep()
        self.batch |= self.unit
        self.unit = {}

    @rule()
    def undo(self) -> None:
        self.overlay.undo()
        self.unit = {}

    @rule()
    def changes(self) -> None:
        expected = {
            key: None if row is None else encode_row(self.table_of[key], row) for key, row in self.batch.items()
        }
        assert self.overlay.changes() == expected

    @rule()
    def settle(self) -> None:
        """A batch ends between units."""
        self.keep()
        self.store.write(self.overlay.changes())
        self.overlay.settle(MOST_ROWS)
        self.committed |= self.batch
        self.batch = {}

    @rule()
    def abort(self) -> None:
        """Nothing of the batch happened."""
        self.overlay = Overlay(self.store)
        self.unit, self.batch = {}, {}

    @rule()
    def grow_old(self) -> None:
        """The cache is over its bound at the next settling."""
        for n in range(3):
            self.overlay._rows[f"other {n}".encode()] = None

    @invariant()
    def every_row_reads_as_the_layers_say(self) -> None:
        """Looked at through a copy, because reading fills the cache."""
        seen = Overlay(self.store)
        seen._unit |= self.overlay._unit
        seen._rows |= self.overlay._rows
        seen._changes |= self.overlay._changes
        expected = self.expected()
        for table in TABLES:
            keys = [key for key in self.table_of if key[:1] == table.prefix]
            assert {key: seen.get(table, *table.parts(key)) for key in keys} == {key: expected.get(key) for key in keys}
            found = {table.key(*parts): row for parts, row in seen.first(table, 9)}
            assert found == {key: expected[key] for key in keys if key in expected}

    @invariant()
    def store_holds_what_was_committed(self) -> None:
        stored = {key: decode_row(self.table_of[key], data) for key, data in self.store.scan()}
        assert stored == {key: row for key, row in self.committed.items() if row is not None}


@EVERY_STORE
def test_the_overlay_reads_what_the_layers_say(opened: Opened) -> None:
    with opened() as store:
        machine = type("LayersOnStore", (Layers,), {"store": store})
        run_state_machine_as_test(machine, settings=settings(max_examples=100, stateful_step_count=30))


def test_a_row_that_is_zero_or_empty_is_not_deleted_t_23() -> None:
    with in_memory() as store:
        overlay = Overlay(store)
        overlay.put(TALLIES, Tally(), "zero")
        overlay.put(MARKS, Nothing(), "there")
        overlay.keep()
        changes = overlay.changes()
        assert all(changes.values())
        store.write(changes)
        again = Overlay(store)
        assert again.get(TALLIES, "zero") == Tally()
        assert again.get(MARKS, "there") == Nothing()
        assert [key for key, _ in again.first(TALLIES, 9, "~")] == [("zero",)]
        again.delete(TALLIES, "zero")
        again.keep()
        assert again.changes() == {TALLIES.key("zero"): None}


def test_a_row_that_changes_often_is_written_once() -> None:
    with in_memory() as store:
        overlay = Overlay(store)
        for count in range(100):
            overlay.put(TALLIES, Tally(count), "a")
            overlay.keep()
        assert overlay.changes() == {TALLIES.key("a"): encode_row(TALLIES, Tally(99))}


def test_a_row_is_read_from_the_store_once_and_not_at_all_once_it_was_kept() -> None:
    with in_memory() as store:
        store.write({TALLIES.key("a"): encode_row(TALLIES, Tally(1))})
        overlay = Overlay(store)
        assert (overlay.get(TALLIES, "a"), overlay.get(TALLIES, "b")) == (Tally(1), None)
        overlay.put(TALLIES, Tally(2), "c")
        overlay.keep()
        store.write(overlay.changes())
        overlay.settle(MOST_ROWS)
        store.write(dict.fromkeys(map(TALLIES.key, "abc"), encode_row(TALLIES, Tally(9))))
        assert [overlay.get(TALLIES, key) for key in "abc"] == [Tally(1), None, Tally(2)]


def test_the_cache_is_bounded() -> None:
    with in_memory() as store:
        overlay = Overlay(store)
        for start in range(0, 60_000, 5_000):
            for n in range(start, start + 5_000):
                overlay.put(LAST, Tally(n), str(n))
            overlay.keep()
            store.write(overlay.changes())
            overlay.settle(20_000)
            assert len(overlay._rows) <= 20_000


class Looked(dict[bytes, Any]):
    """A dictionary that is asked for one key at a time."""

    def __iter__(self) -> Any:
        raise AssertionError("gone through as a whole")

    keys = items = values = __iter__


def test_what_a_unit_of_work_costs_does_not_grow_with_what_the_batch_wrote_before() -> None:
    overlay = Overlay(MemoryStore())
    for number in range(9):
        overlay.put(TALLIES, Tally(number), f"a{number}")
        overlay.keep()
    assert len(overlay.first(TALLIES, 99)) == 9
    overlay._changes, overlay._rows = Looked(overlay._changes), Looked(overlay._rows)
    overlay.put(TALLIES, Tally(7), "b")
    overlay.put(TALLIES, Tally(8), "a3")
    overlay.delete(TALLIES, "a4")
    overlay.keep()
    found = [parts for parts, _ in overlay.first(TALLIES, 99)]
    assert found == [(f"a{number}",) for number in range(9) if number != 4] + [("b",)]
