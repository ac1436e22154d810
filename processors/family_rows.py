"""Rows of a customer who has several ids: rules see one customer's, and each row stays with an id (D6, T-24)."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from processors import cases, family_dispatch, family_points, goodwill, order, return_cases
from processors.answering import COMMANDS
from processors.cases import CASES
from processors.compensations import COMPENSATIONS
from processors.customer import Customer
from processors.designation import ENDED
from processors.goodwill import GOODWILL, Given
from processors.lots import GRANTS, Granted
from processors.order import ORDERS, Order
from processors.return_cases import RETURN_CASES
from processors.rows import Rows, Table
from processors.undispatched import UNDISPATCHED, Orders
from processors.unit import Unit

R = TypeVar("R", bound=Struct)
BEGUN: Mapping[bytes, Callable[[Any], bool]] = {
    ORDERS.prefix: lambda row: row.placed_at is not None,
    RETURN_CASES.prefix: return_cases.begun,
    CASES.prefix: cases.begun,
    ENDED.prefix: lambda _: True,
    COMPENSATIONS.prefix: lambda _: True,
}
"""Tables of which one id holds each row, the one under which it began; and whether that row is here, or only what became of it.

What people decide is told after it began.
"""


@dataclass(slots=True)
class Noted:
    """Rows that remember which of them were written."""

    rows: Rows
    written: list[tuple[Table[Any], tuple[str, ...]]] = field(default_factory=list)

    def get(self, table: Table[R], *key: str) -> R | None:
        """See `Rows.get`."""
        return self.rows.get(table, *key)

    def put(self, table: Table[R], row: R, *key: str) -> None:
        """See `Rows.put`."""
        self.written.append((table, key))
        self.rows.put(table, row, *key)

    def delete(self, table: Table[R], *key: str) -> None:
        """See `Rows.delete`."""
        self.rows.delete(table, *key)

    def first(
        self, table: Table[R], limit: int, below: str | None = None, above: str | None = None
    ) -> list[tuple[tuple[str, ...], R]]:
        """See `Rows.first`."""
        return self.rows.first(table, limit, below, above)


@dataclass(frozen=True, slots=True)
class OfFamily:
    """The rows of all `ids` as those of one customer, `host`; what is new is of `own`, whose event it is."""

    rows: Rows
    host: str
    ids: tuple[str, ...]
    own: str

    def _holder(self, table: Table[Any], about: tuple[str, ...]) -> str:
        """The id whose row it is: under which it began, or whose event it is where that is not known yet."""
        return family_points.holder(self.rows, self.ids, self.own, table, BEGUN[table.prefix], *about)

    def get(self, table: Table[R], *key: str) -> R | None:
        """See `Rows.get`; orders that several ids know are one."""
        if key[0] == self.host:
            if isinstance(found := self._sum(table, key[1:]), table.row):
                return found
            if isinstance(
                given := goodwill.together(self._given(self.ids)) if table.prefix == GOODWILL.prefix else None,
                table.row,
            ):
                return given if given.days else None
            if isinstance(found := self._order(*key[1:]) if table.prefix == ORDERS.prefix else None, table.row):
                return found
            key = self._key(table, key[1:])
        return self.rows.get(table, *key)

    def _sum(self, table: Table[Any], about: tuple[str, ...]) -> Struct | None:
        """What is one row for all ids together."""
        if table.prefix == UNDISPATCHED.prefix:
            return family_dispatch.together(self.rows, self.ids)
        return Granted(family_points.times(self.rows, self.ids, about)) if table.prefix == GRANTS.prefix else None

    def _given(self, ids: Iterable[str]) -> list[Given]:
        return [row for each in ids if (row := self.rows.get(GOODWILL, each))]

    def _order(self, *about: str) -> Order | None:
        known = [row for each in self.ids if (row := self.rows.get(ORDERS, each, *about))]
        return order.joined(known) if known else None

    def _keep(self, row: Order, *about: str) -> None:
        one = self._holder(ORDERS, about)
        before = self.rows.get(ORDERS, one, *about) or Order()
        if before.placed_at is None:
            self.rows.put(ORDERS, order.added(before, self._order(*about) or Order(), row), one, *about)
            return
        kept = replace(
            before,
            returns=row.returns,
            extended_until=row.extended_until,
            mishaps=row.mishaps,
            amended=row.amended,
            launched=row.launched,
            beside=row.beside,
        )
        self.rows.put(ORDERS, kept, one, *about)

    def put(self, table: Table[R], row: R, *key: str) -> None:
        """See `Rows.put`. What is reserved of an order stands with the id that it was placed under."""
        if key[0] == self.host:
            about = key[1:]
            if isinstance(row, Given):
                # What was given to the customer since is the host's; the other ids keep what was given to each.
                others = self._given(each for each in self.ids if each != self.host)
                self.rows.put(GOODWILL, goodwill.less(row, others), self.host)
                return
            if isinstance(row, Orders):
                family_dispatch.keep(self.rows, self.ids, row)
                return
            if isinstance(row, Granted):
                family_points.grant(self.rows, self.ids, self.own, about, row)
                return
            if isinstance(row, Order):
                self._keep(row, *about)
                return
            key = self._key(table, about)
        self.rows.put(table, row, *key)

    def _key(self, table: Table[Any], about: tuple[str, ...]) -> tuple[str, ...]:
        if table.prefix in family_points.TABLES:
            return family_points.place(self.rows, self.ids, self.own, table, about)
        if table.prefix in BEGUN:
            return (self._holder(table, about), *about)
        return (self.own if table.prefix == COMMANDS.prefix else self.host, *about)

    def delete(self, table: Table[R], *key: str) -> None:
        """See `Rows.delete`."""
        if key[0] == self.host and table.prefix == UNDISPATCHED.prefix:
            family_dispatch.keep(self.rows, self.ids, Orders())
            return
        points = key[0] == self.host and table.prefix in family_points.TABLES
        self.rows.delete(table, *(self._key(table, key[1:]) if points else key))

    def first(
        self, table: Table[R], limit: int, below: str | None = None, above: str | None = None
    ) -> list[tuple[tuple[str, ...], R]]:
        """See `Rows.first`; lots and queues of all ids are one."""
        if above is not None and family_points.of_host(self.host, table, above):
            return family_points.first(self.rows, self.host, self.ids, table, limit, below, above)
        return self.rows.first(table, limit, below, above)


def as_one(unit: Unit, customer: Customer, own: str) -> Unit:
    """The unit, where all ids of the customer are one; what is new is of `own`."""
    return replace(unit, rows=OfFamily(unit.rows, unit.subject, customer.family, own))
