"""Purchase frequency: orders a year (R-CUST-10)."""

from processors.customer import Customer
from processors.money import half_up

YEAR_MS = 31_556_952_000
"""The mean Gregorian year: frequency is a rate; tenure counts calendar years (T-08)."""


def orders_per_year_milli(customer: Customer) -> int:
    """Orders a year between the first and the last one, thousandths; shorter than a year counts as one (R-CUST-10)."""
    if customer.first_order_at is None or customer.last_order_at is None:
        return 0
    active_ms = max(customer.last_order_at - customer.first_order_at, YEAR_MS)
    return half_up(customer.orders * 1000 * YEAR_MS, active_ms)
