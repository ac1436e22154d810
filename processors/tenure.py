"""Tenure: calendar months since the first registration, order or subscription, in the programme's zone (R-CUST-04, T-08)."""

from datetime import date

from processors.customer import Customer
from processors.local_time import add_months
from processors.membership import tenure_began
from processors.policy import Policy


def began(customer: Customer, policy: Policy) -> date | None:
    """The local day that tenure is counted from; None when nothing tells since when."""
    return None if customer.since is None else tenure_began(customer.membership, policy, customer.since)


def anniversary(customer: Customer, policy: Policy, months: int) -> date | None:
    """The local day from whose start tenure is so many months; None when nothing tells since when (T-07)."""
    start = began(customer, policy)
    return None if start is None else add_months(start, months, policy.missing_day)
