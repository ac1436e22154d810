"""A customer's row: the facts that rules read, the standing they gave, and what is armed for later."""

from msgspec import Struct
from msgspec.structs import replace

from processors.activity import Activity
from processors.membership import Membership
from processors.rows import Table, grown


class Alert(Struct, frozen=True, array_like=True):
    """An open at-risk episode: the decision, the instant it holds for, and the order that it counts from."""

    decision_id: str
    at: int
    last_order_at: int


class Moved(Struct, frozen=True, array_like=True):
    """What last moved each fact that conditions are made of, in the words of a decision's cause (T-48)."""

    since: str | None = None
    value: str | None = None
    last_order: str | None = None
    tier: str | None = None
    orders: str | None = None
    frequency: str | None = None
    months: str | None = None
    days: str | None = None
    referrals: str | None = None
    complaints: str | None = None
    answers: str | None = None
    left: str | None = None
    subscription: str | None = None


class Customer(Struct, frozen=True, array_like=True):
    """Instants are milliseconds, money is programme minor units. The row does not grow with history (D8)."""

    since: int | None = None
    value_minor: int = 0
    orders: int = 0
    first_order_at: int | None = None
    last_order_at: int | None = None
    tier: str | None = None
    vip_since: int | None = None
    falls_at: int | None = None
    alert: Alert | None = None
    sequence: int = 0
    policy_version: str = ""
    timers: tuple[tuple[str, int], ...] = ()
    """What is armed: kind and due instant, in the order of kinds. The same as in the tables of `timers`."""
    moved: Moved = Moved()
    membership: Membership = Membership()
    activity: Activity = Activity()


CUSTOMERS = Table(
    "customers", b"c", Customer, "facts, standing and armed timers of each customer", 4, {1: grown, 2: grown, 3: grown}
)


def known_since(customer: Customer, instant: int, cause: str) -> Customer:
    """Tenure starts at the earliest registration or order, in whichever order they arrive (R-CUST-04, T-16)."""
    if customer.since is not None and customer.since <= instant:
        return customer
    return replace(customer, since=instant, moved=replace(customer.moved, since=cause))


def ordered(customer: Customer, placed_at: int, cause: str) -> Customer:
    """The customer placed an order. One that is cancelled later was activity all the same (R-CUST-06).

    So a cancellation takes back value and number, but neither tenure nor the end of a silence, and it does not matter
    whether it arrives before or after its order (T-16, T-17).
    """
    customer = known_since(customer, placed_at, cause)
    first, last = customer.first_order_at, customer.last_order_at
    if first is None or placed_at < first:
        customer = replace(customer, first_order_at=placed_at)
    if last is None or placed_at > last:
        customer = replace(customer, last_order_at=placed_at, moved=replace(customer.moved, last_order=cause))
    return customer
