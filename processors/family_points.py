"""Points of a customer who has several ids: rules see one account, and each lot stays with the id that it came under (T-24).

A lot's name, as rules see it, ends with whose it is. A name without an owner means the first id that has such a lot: so what two
ids were both told of earns once. A request's without an owner is that of the event's own id, or the first.
"""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from msgspec import Struct

from processors.lots import ENDS, GRANTS, LOTS, OWNER, QUEUES, Granted, Name, owned
from processors.reward_requests import REQUESTS, begun
from processors.rows import SEPARATOR, Rows, Table

R = TypeVar("R", bound=Struct)
TABLES = (LOTS.prefix, QUEUES.prefix, GRANTS.prefix, REQUESTS.prefix)


def told_of(name: Name) -> Name:
    """The name as its own id has it."""
    return name[:-1] if name[-1].startswith(OWNER) else name


def _lot_of(queued: tuple[str, ...]) -> Name:
    """The lot of an entry of a queue."""
    return queued[3:] if queued[0] == "held" else queued[2:]


def place(rows: Rows, ids: Iterable[str], own: str, table: Table[Any], about: tuple[str, ...]) -> tuple[str, ...]:
    """The key of the row: whose it is, and what it is called there."""
    if about[-1].startswith(OWNER):
        return (about[-1].removeprefix(OWNER), *about[:-1])
    if table.prefix == REQUESTS.prefix or (table.prefix == QUEUES.prefix and about[0] == ENDS[0]):
        return (_asker(rows, ids, own, about[-1]), *about)
    if table.prefix in (LOTS.prefix, QUEUES.prefix):
        name = about if table.prefix == LOTS.prefix else _lot_of(about)
        return (next((each for each in ids if rows.get(LOTS, each, *name)), own), *about)
    return (own, *about)


def _asker(rows: Rows, ids: Iterable[str], own: str, request_id: str) -> str:
    """The id under which a reward was asked for: the own one, or the first. What became of it does not matter (T-15)."""
    return holder(rows, ids, own, REQUESTS, begun, request_id)


def holder(
    rows: Rows, ids: Iterable[str], own: str, table: Table[Any], begun: Callable[[Any], bool], *about: str
) -> str:
    """The id under which a thing began: the own one, or the first; the own one where it has not yet."""
    known = ((each, rows.get(table, each, *about)) for each in (own, *ids))
    return next((each for each, row in known if row and begun(row)), own)


def times(rows: Rows, ids: Iterable[str], about: tuple[str, ...]) -> int:
    """How often an interaction earned points, under whichever id."""
    return sum(row.times for each in ids if (row := rows.get(GRANTS, each, *about)))


def grant(rows: Rows, ids: Iterable[str], own: str, about: tuple[str, ...], row: Granted) -> None:
    """What an interaction earned under one id counts there."""
    rows.put(GRANTS, Granted(row.times - times(rows, (each for each in ids if each != own), about)), own, *about)


def first(
    rows: Rows, host: str, ids: Iterable[str], table: Table[R], limit: int, below: str | None, above: str
) -> list[tuple[tuple[str, ...], R]]:
    """The first rows of all ids together, as those of the host."""
    found = [
        (owned(key[1:], each), row)
        for each in ids
        for key, row in rows.first(
            table, limit, below and each + below.removeprefix(host), each + above.removeprefix(host)
        )
    ]
    return [((host, *about), row) for about, row in sorted(found, key=lambda each: each[0])[:limit]]


def of_host(host: str, table: Table[Any], above: str | None) -> bool:
    """Whether a range is one of the host's lots or queues."""
    return table.prefix in (LOTS.prefix, QUEUES.prefix) and above is not None and above.split(SEPARATOR)[0] == host
