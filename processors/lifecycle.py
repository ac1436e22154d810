"""The stage of a customer's journey: a label from tenure and status, which changes by time alone (R-TIER-11, C-03)."""

from datetime import date

from processors.customer import Customer
from processors.local_time import date_of, start_of
from processors.policy import Policy
from processors.tenure import anniversary

IDENTIFICATION, DESIGNATION, ENGAGEMENT, RETENTION = "identification", "designation", "engagement", "retention"
WIN_BACK = "win_back"


def _begins(customer: Customer, policy: Policy) -> list[tuple[str, date]]:
    """The stages after the first, and the local days on which they begin; none of whom nobody knows since when."""
    rule = policy.lifecycle
    months = {
        DESIGNATION: rule.designation_months,
        ENGAGEMENT: rule.engagement_months,
        RETENTION: rule.retention_months,
    }
    days = [(name, anniversary(customer, policy, asked)) for name, asked in months.items()]
    return [(name, day) for name, day in days if day]


def stage(customer: Customer, policy: Policy, now: int) -> str | None:
    """The stage at `now`; who cancelled is to be won back. None for somebody who is no customer yet."""
    if customer.since is None:
        return None
    if customer.membership.status == "cancelled":
        return WIN_BACK
    today = date_of(now, policy.time_zone)
    reached = [name for name, day in _begins(customer, policy) if day <= today]
    return reached[-1] if reached else IDENTIFICATION


def moves_on_at(customer: Customer, policy: Policy) -> int | None:
    """When the stage on the row is over by time alone; None for the last one, and for win-back."""
    here = customer.activity.stage
    if here in (None, WIN_BACK, RETENTION):
        return None
    following = _begins(customer, policy)
    names = [IDENTIFICATION, *(name for name, _ in following)]
    return start_of(following[names.index(here)][1], policy.time_zone) if here in names else None
