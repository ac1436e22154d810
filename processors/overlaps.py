"""What several ids of one customer have in common: a shared order counts once, and so does a shared complaint (T-24).

Each id's totals are its own, and add up; here is what they count too much, or too little, object by object. So it can be
undone, and nobody has to look at all orders for it: only what two ids know is a row here.
"""

from collections.abc import Collection, Iterable
from typing import Any

from msgspec import Struct
from msgspec.structs import astuple, replace

from processors import order
from processors.interactions import COUNTED
from processors.lifetime_value import net_minor
from processors.lots import LOTS
from processors.order import ORDERS, Order
from processors.rows import Rows, Table, under


class Overlap(Struct, frozen=True, array_like=True):
    """What is to be added to the sum of the ids' own totals."""

    value_minor: int = 0
    orders: int = 0
    awaited: int = 0
    referrals: int = 0
    complaints: int = 0
    answers: int = 0


OVERLAPS = Table(
    "overlaps", b"s", Overlap, "what ids of one customer have in common, by the customer, table and what it is"
)
TOTAL_OF = {"referral": "referrals", "complaint": "complaints", "answer": "answers"}
"""What a kind of `COUNTED` counts for."""


def _sum(overlaps: Iterable[Overlap]) -> Overlap:
    columns = list(zip(*(astuple(each) for each in overlaps), strict=True))
    return Overlap(*(sum(column) for column in columns)) if columns else Overlap()


def _worth(one: Order) -> Overlap:
    return Overlap(net_minor(one), order.counts(one), order.awaited(one))


def _of_order(rows: Rows, ids: Collection[str], order_id: str) -> Overlap:
    known = [row for each in ids if (row := rows.get(ORDERS, each, order_id))]
    singly = _sum(map(_worth, known))
    if not known:
        return Overlap()
    return _sum((_worth(order.joined(known)), Overlap(*(-each for each in astuple(singly)))))


def _of_count(rows: Rows, ids: Collection[str], kind: str, *about: str) -> Overlap:
    """Of what is counted several times once is enough; who referred themselves has referred nobody."""
    times = sum(rows.get(COUNTED, each, kind, *about) is not None for each in ids)
    enough = 0 if kind == "referral" and about[0] in ids else min(times, 1)
    return replace(Overlap(), **{TOTAL_OF[kind]: enough - times})


def _now(rows: Rows, ids: Collection[str], table: str, *about: str) -> Overlap:
    if table == LOTS.name:
        return Overlap()
    return _of_order(rows, ids, *about) if table == ORDERS.name else _of_count(rows, ids, *about)


def written(
    rows: Rows, host: str, ids: Collection[str], coming: Collection[str], table: Table[Any], key: tuple[str, ...]
) -> Overlap:
    """What the row of one id that was just written changes: nothing where no other id knows of the same object.

    Those who are `coming` do not count yet; what they have in common with others is noted for when they do.
    """
    one, *about = key
    if table.prefix not in (ORDERS.prefix, COUNTED.prefix):
        return Overlap()
    known_here = {*ids, *coming}
    others = known_here - {one}
    itself = table.prefix == COUNTED.prefix and about[0] == "referral" and about[1] in known_here
    if not itself and all(rows.get(table, each, *about) is None for each in others):
        return Overlap()
    known = rows.get(OVERLAPS, host, table.name, *about) or Overlap()
    now = _now(rows, ids, table.name, *about)
    rows.put(OVERLAPS, now, host, table.name, *about)
    return Overlap(*(after - before for before, after in zip(astuple(known), astuple(now), strict=True)))


def introduced(rows: Rows, host: str, ids: Collection[str], guest: str) -> None:
    """Of those who are one customer with `guest` now some may have referred it, or it them: that is noted, to count no more."""
    for one, other in [*((each, guest) for each in ids), *((guest, each) for each in ids)]:
        if rows.get(COUNTED, one, "referral", other) is not None:
            rows.put(OVERLAPS, Overlap(), host, COUNTED.name, "referral", other)


def again(rows: Rows, host: str, ids: Collection[str]) -> Overlap:
    """All of it, as it is for other ids: somebody came, or went."""
    found = []
    for key, _ in under(rows, OVERLAPS, host):
        now = _now(rows, ids, *key[1:])
        rows.put(OVERLAPS, now, *key)
        found.append(now)
    return _sum(found)


def forget(rows: Rows, host: str) -> None:
    """Nobody has anything in common here any more."""
    for key, _ in under(rows, OVERLAPS, host):
        rows.delete(OVERLAPS, *key)


def plus(one: Overlap, other: Overlap) -> Overlap:
    """Both."""
    return _sum((one, other))
