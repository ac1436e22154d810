"""What last moved each count that a tier may ask for: found by comparing a customer before and after an event (T-48)."""

from collections.abc import Callable, Mapping

from msgspec.structs import replace

from processors.customer import Customer
from processors.frequency import orders_per_year_milli
from processors.membership import cancellations

READ: Mapping[str, Callable[[Customer], object]] = {
    "orders": lambda customer: customer.orders,
    "frequency": orders_per_year_milli,
    "months": lambda customer: customer.activity.months,
    "days": lambda customer: customer.activity.days,
    "referrals": lambda customer: customer.activity.referrals,
    "complaints": lambda customer: customer.activity.complaints,
    "answers": lambda customer: customer.activity.answers,
    "left": lambda customer: cancellations(customer.membership),
    "subscription": lambda customer: customer.membership.monthly_minor,
}
"""By the field of `Moved`. Value, tenure and last order are noted where they move, because other rules tell more of them."""


def moved(before: Customer, after: Customer, cause: str) -> Customer:
    """The customer after an event, with the event as what moved every fact that is another one now."""
    if after is before:
        return after
    causes = {name: cause for name, read in READ.items() if read(after) != read(before)}
    return replace(after, moved=replace(after.moved, **causes)) if causes else after
