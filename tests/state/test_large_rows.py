"""A row that no changelog record could carry is refused where it grows, and keeps nothing of its unit (D8)."""

import pytest
from msgspec import Struct

from processors.rows import Table
from state.memory import MemoryStore
from state.overlay import LARGEST_ROW_BYTES, Overlay, RowTooLargeError


class Note(Struct, frozen=True, array_like=True):
    text: str


NOTES = Table("notes", b"n", Note, "texts")


def test_a_row_beyond_the_limit_is_refused_by_name_with_the_whole_unit():
    rows = Overlay(MemoryStore())
    rows.put(NOTES, Note("small"), "a")
    rows.keep()
    rows.put(NOTES, Note("changed"), "a")
    rows.put(NOTES, Note("x" * LARGEST_ROW_BYTES), "b")
    with pytest.raises(RowTooLargeError, match=r"row b of notes has 2000\d\d\d bytes"):
        rows.keep()
    rows.undo()
    assert rows.get(NOTES, "a") == Note("small")
    assert rows.get(NOTES, "b") is None
    assert set(rows.changes()) == {NOTES.key("a")}


def test_a_row_just_below_the_limit_is_kept():
    rows = Overlay(MemoryStore())
    rows.put(NOTES, Note("x" * (LARGEST_ROW_BYTES - 10)), "b")
    rows.keep()
    assert rows.get(NOTES, "b") is not None
