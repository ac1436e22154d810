"""Tables that tests of the state keep rows in."""

from typing import Any

from msgspec import Struct

from processors.rows import Table


class Tally(Struct, frozen=True, array_like=True):
    """A row that may be zero, empty or unknown, and is a row all the same (T-23)."""

    count: int = 0
    names: tuple[str, ...] = ()
    at: int | None = None


class Nothing(Struct, frozen=True, array_like=True):
    """A row without fields."""


TALLIES = Table("tallies", b"a", Tally, "counted")
MARKS = Table("marks", b"b", Nothing, "there or not")
LAST = Table("last", b"\xff", Tally, "at the end of the store")
TABLES: tuple[Table[Any], ...] = (TALLIES, MARKS, LAST)
