"""Each layer of the overlay hides the ones below it, a deletion too, and what is settled replaces what was cached."""

import pytest
from msgspec import Struct

from processors.rows import Table
from state.memory import MemoryStore
from state.overlay import Overlay


class Count(Struct, frozen=True, array_like=True):
    n: int


COUNTS = Table("counts", b"n", Count, "numbers")


@pytest.fixture
def rows() -> Overlay:
    return Overlay(MemoryStore())


def commit(rows: Overlay) -> None:
    rows.keep()
    rows.store.write(rows.changes())
    rows.settle(1_000)


def test_a_row_read_before_it_was_written_is_read_as_written_after_it_settled(rows):
    assert rows.get(COUNTS, "a") is None
    rows.put(COUNTS, Count(1), "a")
    commit(rows)
    assert rows.get(COUNTS, "a") == Count(1)
    rows.put(COUNTS, Count(2), "a")
    commit(rows)
    assert rows.get(COUNTS, "a") == Count(2)


def test_a_row_deleted_in_a_unit_is_gone_for_the_unit_the_batch_and_after(rows):
    rows.put(COUNTS, Count(1), "a")
    commit(rows)
    rows.put(COUNTS, Count(2), "a")
    rows.keep()
    rows.delete(COUNTS, "a")
    assert rows.get(COUNTS, "a") is None
    rows.keep()
    assert rows.get(COUNTS, "a") is None
    commit(rows)
    assert rows.get(COUNTS, "a") is None
    assert rows.store.get(COUNTS.key("a")) is None


def test_a_unit_of_work_says_whether_any_row_is_other_than_it_was(rows):
    def unit(row: Count | None) -> bool:
        before = rows.get(COUNTS, "a")
        if row is None:
            rows.delete(COUNTS, "a")
        else:
            rows.put(COUNTS, row, "a")
        rows.keep()
        assert rows.changed == (before != row)
        return rows.changed

    assert not rows.changed
    assert unit(Count(1)), "over nothing"
    assert not unit(Count(1)), "over the batch"
    commit(rows)
    assert not rows.changed, "nothing was written"
    assert not unit(Count(1)), "over the cache"
    rows.put(COUNTS, Count(7), "b")
    rows.put(COUNTS, Count(1), "a")
    rows.keep()
    assert rows.changed, "the first of two"
    assert unit(None)
    assert not unit(None), "gone already"


def test_a_row_of_zero_is_a_row_t_23(rows):
    rows.put(COUNTS, Count(0), "a")
    commit(rows)
    assert rows.get(COUNTS, "a") == Count(0)
    assert Overlay(rows.store).get(COUNTS, "a") == Count(0)


def test_the_first_rows_are_those_of_all_layers_however_often_a_batch_looked(rows):
    def first(most: int = 9) -> str:
        return "".join(key for (key,), _ in rows.first(COUNTS, most))

    for key in "ceg":
        rows.put(COUNTS, Count(1), key)
    commit(rows)
    assert first() == "ceg"
    for key in "bf":
        rows.put(COUNTS, Count(1), key)
    rows.delete(COUNTS, "c")
    assert first() == "befg", "of the unit"
    rows.keep()
    assert first() == "befg", "of the batch"
    rows.put(COUNTS, Count(1), "a")
    rows.put(COUNTS, Count(1), "c")
    rows.delete(COUNTS, "f")
    rows.keep()
    assert first() == "abceg", "of the batch, which was looked at before"
    assert first(2) == "ab"
    rows.delete(COUNTS, "a")
    rows.undo()
    assert first(1) == "a"
    commit(rows)
    rows.delete(COUNTS, "b")
    rows.keep()
    assert first() == "aceg", "of the next batch"
