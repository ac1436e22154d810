"""What the fold remembers: the tables, their row types, and how `step` reads and writes them.

Rows are frozen values. A key is a sequence of strings; `schemas.fields.Id` keeps the separator out of ids. State is many
small rows (D8): an order with its returns is one row, so is a case; a customer's row does not grow with history.
"""

from collections.abc import Callable, Mapping
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from msgspec import Struct

R = TypeVar("R", bound=Struct)
SEPARATOR = "\x00"


def grown(fields: Any) -> Any:
    """The upgrade of a row to which fields were only added at its end: they have their defaults."""
    return fields


class Table(NamedTuple, Generic[R]):
    """One table. `prefix` opens its keys in the shared store; `version` is written before every row.

    `upgrades[v]` turns the builtins of a row of version v into those of v + 1; a newer row than `version` is refused.
    """

    name: str
    prefix: bytes
    row: type[R]
    about: str
    version: int = 1
    upgrades: Mapping[int, Callable[[Any], Any]] = {}

    def key(self, *parts: str) -> bytes:
        """The row's key in the store."""
        return self.prefix + SEPARATOR.join(parts).encode()

    def bounds(self, below: str | None, above: str | None) -> tuple[bytes, bytes | None]:
        """The keys of the store from the first one to take in, to the first one to leave out, or to the store's end."""
        start = self.prefix if above is None else self.prefix + above.encode() + b"\x00"
        if below is not None:
            return start, self.prefix + below.encode()
        return start, bytes((self.prefix[0] + 1,)) if self.prefix < b"\xff" else None

    def parts(self, key: bytes) -> tuple[str, ...]:
        """What `key` was made of."""
        return tuple(key[len(self.prefix) :].decode().split(SEPARATOR))


class Rows(Protocol):
    """The rows of one partition, as one unit of work sees them."""

    def get(self, table: Table[R], *key: str) -> R | None:
        """The row, or None where there is none."""

    def put(self, table: Table[R], row: R, *key: str) -> None:
        """Write the row."""

    def delete(self, table: Table[R], *key: str) -> None:
        """Remove the row, if it is there."""

    def first(
        self, table: Table[R], limit: int, below: str | None = None, above: str | None = None
    ) -> list[tuple[tuple[str, ...], R]]:
        """The first `limit` rows in key order, with their key's parts.

        Only those whose key's text is less than `below` and greater than `above`, where these are given.
        """


EVERY = 1_000_000_000
"""No limit."""


def under(rows: Rows, table: Table[R], *key: str) -> list[tuple[tuple[str, ...], R]]:
    """Every row whose key begins with these parts, and has more of them; in the order of keys."""
    above = SEPARATOR.join(key)
    return rows.first(table, EVERY, below=f"{above}\x01", above=above)
