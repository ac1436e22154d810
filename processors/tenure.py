"""Tenure: calendar months since the first registration or order, in the programme's zone (R-CUST-04, T-08)."""

from datetime import date

from processors.customer import Customer
from processors.local_time import add_months, date_of
from processors.policy import Policy, Tier


def anniversary(customer: Customer, policy: Policy, tier: Tier) -> date | None:
    """The local day from whose start tenure suffices for `tier`; None when nothing tells since when (T-07)."""
    if customer.since is None:
        return None
    return add_months(date_of(customer.since, policy.time_zone), tier.tenure_months, policy.missing_day)
