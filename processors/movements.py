"""What last moved each count that a tier may ask for: found by comparing a customer before and after an event (T-48)."""

from msgspec.structs import replace

from processors.customer import Customer
from processors.frequency import orders_per_year_milli
from processors.membership import cancellations

OF_ACTIVITY = ("months", "days", "referrals", "complaints", "answers")
"""Fields of `Activity` and of `Moved`. Value, tenure and last order are noted where they move: other rules tell more of them."""


def _orders(customer: Customer) -> tuple[int | None, ...]:
    return customer.orders, customer.first_order_at, customer.last_order_at


def _changed(before: Customer, after: Customer) -> list[str]:
    """The facts that are other ones now, by the field of `Moved`."""
    names = ["orders"] if after.orders != before.orders else []
    if _orders(after) != _orders(before) and orders_per_year_milli(after) != orders_per_year_milli(before):
        names.append("frequency")
    if after.activity is not before.activity:
        names += [name for name in OF_ACTIVITY if getattr(after.activity, name) != getattr(before.activity, name)]
    if after.membership is not before.membership:
        if cancellations(after.membership) != cancellations(before.membership):
            names.append("left")
        if after.membership.monthly_minor != before.membership.monthly_minor:
            names.append("subscription")
    return names


def moved(before: Customer, after: Customer, cause: str) -> Customer:
    """The customer after an event, with the event as what moved every fact that is another one now."""
    names = _changed(before, after)
    return replace(after, moved=replace(after.moved, **dict.fromkeys(names, cause))) if names else after
