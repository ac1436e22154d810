"""What last moved each count that a tier may ask for: found by comparing a customer before and after an event (T-48)."""

from collections.abc import Callable, Mapping

from msgspec.structs import replace

from processors.customer import Customer
from processors.frequency import orders_per_year_milli
from processors.membership import cancellations

Read = Callable[[Customer], object]
OF_ORDERS: Mapping[str, Read] = {"orders": lambda it: it.orders, "frequency": orders_per_year_milli}
OF_ACTIVITY: Mapping[str, Read] = {
    "months": lambda it: it.activity.months,
    "days": lambda it: it.activity.days,
    "referrals": lambda it: it.activity.referrals,
    "complaints": lambda it: it.activity.complaints,
    "answers": lambda it: it.activity.answers,
}
OF_MEMBERSHIP: Mapping[str, Read] = {
    "left": lambda it: cancellations(it.membership),
    "subscription": lambda it: it.membership.monthly_minor,
}
"""Facts by the field of `Moved`. Value, tenure and last order are noted where they move: other rules tell more of them."""


def _orders(customer: Customer) -> tuple[int | None, ...]:
    return customer.orders, customer.first_order_at, customer.last_order_at


def moved(before: Customer, after: Customer, cause: str) -> Customer:
    """The customer after an event, with the event as what moved every fact that is another one now."""
    facts: dict[str, Read] = {}
    if _orders(after) != _orders(before):
        facts |= OF_ORDERS
    if after.activity is not before.activity:
        facts |= OF_ACTIVITY
    if after.membership is not before.membership:
        facts |= OF_MEMBERSHIP
    causes = {name: cause for name, read in facts.items() if read(after) != read(before)}
    return replace(after, moved=replace(after.moved, **causes)) if causes else after
