"""An order's row: what it holds, what became of it, and which units are spoken for.

Reversals and deliveries that arrive before their order wait in its row (T-17). Everything that may come again is
recognised here, for ever (T-15). Rows are keyed by customer and order: the same id under another customer is another
order.
"""

from collections.abc import Iterable
from functools import reduce

from msgspec import Struct
from msgspec.structs import replace

from processors import refunds
from processors.money import convert
from processors.refunds import Beside, Refund
from processors.rows import Rows, Table, grown
from schemas.events import OrderCancelled, OrderDelivered, OrderPlaced, OrderRefunded, OrderShipped


class Line(Struct, frozen=True, array_like=True):
    """`goods_minor` is the whole line after discount, in the order's currency."""

    line_id: str
    quantity: int
    goods_minor: int


class Granted(Struct, frozen=True, array_like=True):
    """What a return was granted of a line; "" for all lines together."""

    line_id: str
    minor: int


class Return(Struct, frozen=True, array_like=True):
    """A request that was decided; `units` are those it reserves, none after a denial."""

    return_id: str
    units: tuple[tuple[str, int], ...]
    cause: str | None = None
    granted: tuple[Granted, ...] = ()


class Shipment(Struct, frozen=True, array_like=True):
    """Lines that travel together; when they arrived, None while they are on their way."""

    shipment_id: str
    lines: tuple[str, ...] = ()
    delivered_at: int | None = None


class Mishap(Struct, frozen=True, array_like=True):
    """What went wrong: `delay`, by how much, or a `failure` of a delivery. `cause` told of it."""

    occasion: str
    shipment_id: str | None
    late_ms: int
    cause: str


class Order(Struct, frozen=True, array_like=True):
    """`placed_at` is None while only later events are known. `added_minor` is in programme minor units."""

    placed_at: int | None = None
    rate_ppm: int = 0
    lines: tuple[Line, ...] = ()
    added_minor: int = 0
    refunds_count: bool = True
    policy_version: str = ""
    tier: str | None = None
    delivered_at: int | None = None
    cancelled: bool = False
    refunds: tuple[Refund, ...] = ()
    returns: tuple[Return, ...] = ()
    placed_by: str | None = None
    delivered_by: str | None = None
    cancelled_by: str | None = None
    """What told of it, in the words of a decision's cause."""
    shipments: tuple[Shipment, ...] = ()
    whole_at: int | None = None
    """The last delivery that named no shipment."""
    extended_until: int | None = None
    """Where a person extended its return windows (R-RET-07)."""
    rewards: bool = False
    """Whether it holds nothing but rewards (R-FUL-11)."""
    shipping_minor: int = 0
    """What its shipping cost, programme minor units."""
    mishaps: tuple[Mishap, ...] = ()
    amended: tuple[str, ...] = ()
    """Occasions that were made good, or that a person was asked about: each once (R-REC-01)."""
    launched: bool = False
    """Whether what it holds of launches was told, once (R-ANL-17)."""
    beside: tuple[Beside, ...] = ()
    """What of its refunds is known to pay none of its returns."""


ORDERS = Table(
    "orders",
    b"o",
    Order,
    "each order with its refunds and returns, by customer and order id",
    7,
    {**dict.fromkeys((1, 2, 3, 4), grown), 5: refunds.told_apart, 6: refunds.set_apart_by_row},
)


def load(rows: Rows, customer_id: str, order_id: str) -> Order:
    """A customer's order as far as it is known; an empty one of which nothing was told."""
    return rows.get(ORDERS, customer_id, order_id) or Order()


def place(order: Order, event: OrderPlaced, cause: str) -> Order:
    """The order with its lines. The caller adds what depends on policy and customer.

    Lines that share an id are one line, so that no unit is paid back twice (T-27).
    """
    lines: dict[str, Line] = {}
    for line in event.lines:
        same = lines.get(line.line_id, Line(line.line_id, 0, 0))
        goods_minor = same.goods_minor + max(line.goods_minor - line.discount_minor, 0)
        lines[line.line_id] = Line(line.line_id, same.quantity + line.quantity, goods_minor)
    shipping = sum(line.shipping_minor for line in event.lines)
    return replace(
        order,
        placed_at=event.occurred_at,
        rate_ppm=event.rate_ppm,
        lines=tuple(lines.values()),
        placed_by=cause,
        rewards=all(line.reward_id is not None for line in event.lines),
        shipping_minor=convert(shipping, event.rate_ppm) if shipping else 0,
    )


def _shipment(order: Order, shipment_id: str) -> tuple[Shipment, tuple[Shipment, ...]]:
    """A shipment, and the others."""
    found = [each for each in order.shipments if each.shipment_id == shipment_id]
    return (found or [Shipment(shipment_id)])[0], tuple(each for each in order.shipments if each not in found)


def ship(order: Order, event: OrderShipped, _cause: str) -> Order:
    """Which lines travel together, once for each shipment."""
    shipment, others = _shipment(order, event.shipment_id)
    if shipment.lines:
        return order
    lines = tuple(sorted({line.line_id for line in event.lines}))
    return replace(order, shipments=tuple(sorted((*others, replace(shipment, lines=lines)), key=_by_id)))


def _by_id(shipment: Shipment) -> str:
    return shipment.shipment_id


def _arrived(order: Order, event: OrderDelivered) -> Order:
    """What arrived with this delivery; of two for the same the last counts."""
    if event.shipment_id is None:
        return replace(order, whole_at=max(order.whole_at or 0, event.occurred_at))
    shipment, others = _shipment(order, event.shipment_id)
    shipment = replace(shipment, delivered_at=max(shipment.delivered_at or 0, event.occurred_at))
    return replace(order, shipments=tuple(sorted((*others, shipment), key=_by_id)))


def deliver(order: Order, event: OrderDelivered, cause: str) -> Order:
    """The last delivery counts, in whichever order they arrive (T-28)."""
    order = _arrived(order, event)
    if order.delivered_at is not None and order.delivered_at >= event.occurred_at:
        return order
    return replace(order, delivered_at=event.occurred_at, delivered_by=cause)


def cancel(order: Order, _event: OrderCancelled, cause: str) -> Order:
    """Cancelled once and for good."""
    return order if order.cancelled else replace(order, cancelled=True, cancelled_by=cause)


def refund(order: Order, event: OrderRefunded, _cause: str) -> Order:
    """Each refund once, in the order's currency (T-15)."""
    told = Refund(event.refund_id, event.goods_minor, event.line_id)
    return replace(order, refunds=refunds.heard(order.refunds, told))


def awaited(order: Order) -> bool:
    """Whether only what came of it is known: its deliveries or reversals wait for it (T-17)."""
    if order.placed_at is not None:
        return False
    return order.cancelled or order.delivered_at is not None or bool(order.refunds or order.shipments)


def awaits_dispatch(order: Order) -> bool:
    """Whether nothing of it has left yet, as far as is known: all its parcels carry one flag, that of the first (R-FUL-05)."""
    return counts(order) and order.delivered_at is None and not order.shipments


def counts(order: Order) -> bool:
    """Whether it counts as an order: placed and not cancelled; an order of zero counts."""
    return order.placed_at is not None and not order.cancelled


def extend(order: Order, until: int) -> Order:
    """Its return windows end no earlier than that; a shorter extension takes nothing back."""
    return replace(order, extended_until=max(order.extended_until or until, until))


def joined(orders: Iterable[Order]) -> Order:
    """One order that was told of under several ids of one customer: it counts once (T-24)."""
    return reduce(
        _join, sorted(orders, key=lambda each: (each.placed_at is None, each.placed_at or 0, each.placed_by or ""))
    )


def _join(one: Order, other: Order) -> Order:
    """`one` was placed first, if any of them was."""
    later = other if (other.delivered_at or 0) > (one.delivered_at or 0) else one
    returns = {each.return_id: each for each in (*other.returns, *one.returns)}
    return replace(
        one,
        delivered_at=later.delivered_at,
        delivered_by=later.delivered_by,
        cancelled=one.cancelled or other.cancelled,
        cancelled_by=one.cancelled_by or other.cancelled_by,
        refunds=refunds.united(one.refunds, other.refunds),
        returns=tuple(returns[each] for each in sorted(returns)),
        shipments=_travelled(one, other),
        whole_at=max(one.whole_at or 0, other.whole_at or 0) or None,
        extended_until=max(one.extended_until or 0, other.extended_until or 0) or None,
        mishaps=_mishaps(one, other),
        amended=tuple(sorted({*one.amended, *other.amended})),
        launched=one.launched or other.launched,
        beside=refunds.beside_either(one.beside, other.beside),
    )


def added(own: Order, known: Order, now: Order) -> Order:
    """An id's part of an order that nobody placed yet, with what is told now beside what all ids of the customer knew."""
    returns = {
        each.return_id: each for each in (*own.returns, *(new for new in now.returns if new not in known.returns))
    }
    mishaps = tuple(each for each in now.mishaps if each not in known.mishaps)
    return replace(own, returns=tuple(returns.values()), mishaps=_mishaps(own, Order(mishaps=mishaps)))


def _mishaps(one: Order, other: Order) -> tuple[Mishap, ...]:
    """Of what went wrong each once: the longer delay counts, whichever id it was told under."""
    told = sorted((*one.mishaps, *other.mishaps), key=lambda each: (each.late_ms, each.cause))
    found = {(each.occasion, each.shipment_id or ""): each for each in told}
    return tuple(found[each] for each in sorted(found))


def _travelled(one: Order, other: Order) -> tuple[Shipment, ...]:
    found = {each.shipment_id: each for each in one.shipments}
    for each in other.shipments:
        same = found.get(each.shipment_id, each)
        arrived = max(same.delivered_at or 0, each.delivered_at or 0) or None
        found[each.shipment_id] = Shipment(each.shipment_id, same.lines or each.lines, arrived)
    return tuple(sorted(found.values(), key=_by_id))
