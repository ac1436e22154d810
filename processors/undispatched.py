"""Orders of a customer that were not dispatched yet: one row of them, so that nobody looks through all orders (D8)."""

from msgspec import Struct

from processors.rows import Table

MOST_OPEN = 64
"""Orders of one customer that are flagged anew with their status; of more, those placed first keep the flag they have."""


class Open(Struct, frozen=True, array_like=True):
    """An order that waits to be dispatched. `pick_by` was promised and does not move; `flagged_id` is its last flag's.

    `rewards`: it holds nothing but rewards.
    """

    order_id: str
    placed_at: int
    pick_by: int
    rewards: bool = False
    flagged_id: str | None = None


class Orders(Struct, frozen=True, array_like=True):
    """In the order in which they were placed."""

    orders: tuple[Open, ...] = ()


class Undispatched(Struct, frozen=True, array_like=True):
    """What a customer's own row says of them: how many there are, and whether one still has no flag.

    `anew`: somebody came or went, and all are flagged again (T-24).
    """

    orders: int = 0
    unflagged: bool = False
    anew: bool = False


UNDISPATCHED = Table(
    "undispatched", b"w", Orders, "each customer's orders that were not dispatched yet; one row a customer"
)


def without(orders: Orders, order_id: str) -> Orders:
    """The others."""
    return Orders(tuple(each for each in orders.orders if each.order_id != order_id))


def opened(orders: Orders, order: Open) -> Orders:
    """With one more."""
    others = without(orders, order.order_id).orders
    return Orders(tuple(sorted((*others, order), key=_placed)[-MOST_OPEN:]))


def _placed(order: Open) -> tuple[int, str]:
    return order.placed_at, order.order_id
