"""What last moved each count that a tier may ask for: found by comparing a customer before and after an event (T-48)."""

from collections.abc import Callable, Mapping

from msgspec.structs import replace

from processors.customer import Customer
from processors.frequency import orders_per_year_milli
from processors.membership import cancellations

Read = Callable[[Customer], object]
READ: tuple[tuple[Read, Mapping[str, Read]], ...] = (
    (
        lambda it: (it.orders, it.first_order_at, it.last_order_at),
        {"orders": lambda it: it.orders, "frequency": orders_per_year_milli},
    ),
    (
        lambda it: it.activity,
        {
            "months": lambda it: it.activity.months,
            "days": lambda it: it.activity.days,
            "referrals": lambda it: it.activity.referrals,
            "complaints": lambda it: it.activity.complaints,
            "answers": lambda it: it.activity.answers,
        },
    ),
    (
        lambda it: it.membership,
        {"left": lambda it: cancellations(it.membership), "subscription": lambda it: it.membership.monthly_minor},
    ),
)
"""By the part of the customer that must differ first, the fields of `Moved` and their facts.

Value, tenure and last order are noted where they move, because other rules tell more of them.
"""


def moved(before: Customer, after: Customer, cause: str) -> Customer:
    """The customer after an event, with the event as what moved every fact that is another one now."""
    if after is before:
        return after
    causes = {
        name: cause
        for part, facts in READ
        if part(after) != part(before)
        for name, read in facts.items()
        if read(after) != read(before)
    }
    return replace(after, moved=replace(after.moved, **causes)) if causes else after
