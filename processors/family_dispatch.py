"""Orders of a customer with several ids that were not dispatched yet: one list, and each order stays with its ids (T-24)."""

from collections.abc import Iterable

from msgspec.structs import replace

from processors.customer import Customer
from processors.fulfilment import status
from processors.order import ORDERS, awaits_dispatch, joined
from processors.rows import Rows
from processors.undispatched import UNDISPATCHED, Open, Orders, Undispatched, opened
from processors.unit import Unit


def _of(rows: Rows, one: str) -> tuple[Open, ...]:
    return (rows.get(UNDISPATCHED, one) or Orders()).orders


def _waits(rows: Rows, ids: Iterable[str], order_id: str) -> bool:
    """An order that two ids know left when it left under one of them."""
    known = [row for each in ids if (row := rows.get(ORDERS, each, order_id))]
    return bool(known) and awaits_dispatch(joined(known))


def together(rows: Rows, ids: Iterable[str]) -> Orders:
    """What waits under any id, a shared order once, with the flag that it has."""
    ids, found = tuple(ids), dict[str, Open]()
    for order in (order for each in ids for order in _of(rows, each)):
        if order.order_id not in found or found[order.order_id].flagged_id is None:
            found[order.order_id] = order
    waiting = Orders()
    for order in found.values():
        if _waits(rows, ids, order.order_id):
            waiting = opened(waiting, order)
    return waiting


def keep(rows: Rows, ids: Iterable[str], orders: Orders) -> None:
    """What became of the list, to each id whose order it is."""
    ids = tuple(ids)
    shown, now = ({each.order_id: each for each in row.orders} for row in (together(rows, ids), orders))
    for one in ids:
        held = _of(rows, one)
        kept = tuple(
            now.get(each.order_id, each) for each in held if each.order_id in now or each.order_id not in shown
        )
        if kept and kept != held:
            rows.put(UNDISPATCHED, Orders(kept), one)
        elif held and not kept:
            rows.delete(UNDISPATCHED, one)


def counted(rows: Rows, ids: Iterable[str]) -> Undispatched:
    """What the customer's row says of them."""
    orders = together(rows, ids).orders
    return Undispatched(len(orders), any(each.flagged_id is None for each in orders))


def anew(unit: Unit, flagged: Iterable[Customer], customer: Customer) -> Customer:
    """The customer, whose orders are flagged again where they were flagged for another status."""
    rule = unit.policy.fulfilment
    if rule is None or not customer.undispatched.orders:
        return customer
    now = status(customer, unit.policy, rule)[0]
    stale = any(each.undispatched.orders and status(each, unit.policy, rule)[0] != now for each in flagged)
    return replace(customer, undispatched=replace(customer.undispatched, anew=stale))
