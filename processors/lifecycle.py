"""The stage of a customer's journey: a label from tenure and status, which changes by time alone (R-TIER-11, C-03)."""

from msgspec.structs import replace

from processors.customer import Customer
from processors.explanation import Because
from processors.facts_policy import Lifecycle
from processors.local_time import add_months, date_of, start_of
from processors.policy import Policy
from processors.tenure import anniversary, began

IDENTIFICATION, DESIGNATION, ENGAGEMENT, RETENTION = "identification", "designation", "engagement", "retention"
WIN_BACK = "win_back"


def _months(rule: Lifecycle) -> tuple[tuple[str, int], ...]:
    """The stages after the first, and the months of tenure from which on they are."""
    return (
        (DESIGNATION, rule.designation_months),
        (ENGAGEMENT, rule.engagement_months),
        (RETENTION, rule.retention_months),
    )


def stage(customer: Customer, policy: Policy, now: int) -> str | None:
    """The stage at `now`; who cancelled is to be won back. None for who is no customer yet, or where there are no stages."""
    start = began(customer, policy) if policy.lifecycle else None
    if policy.lifecycle is None or start is None:
        return None
    if customer.membership.status == "cancelled":
        return WIN_BACK
    today = date_of(now, policy.time_zone)
    reached = IDENTIFICATION
    for name, months in _months(policy.lifecycle):
        if add_months(start, months, policy.missing_day) > today:
            break
        reached = name
    return reached


def move_on(customer: Customer, policy: Policy, now: int, _because: Because) -> tuple[Customer, tuple[()]]:
    """The customer at the stage that it is by now."""
    reached = stage(customer, policy, now)
    if reached == customer.activity.stage:
        return customer, ()
    return replace(customer, activity=replace(customer.activity, stage=reached)), ()


def moves_on_at(customer: Customer, policy: Policy) -> int | None:
    """When the stage on the row is over by time alone; None for the last one, and for win-back."""
    here = customer.activity.stage
    if policy.lifecycle is None or here in (None, RETENTION, WIN_BACK):
        return None
    stages = _months(policy.lifecycle)
    before = (IDENTIFICATION, *(name for name, _ in stages))
    following = next(months for (_, months), name in zip(stages, before, strict=False) if name == here)
    day = anniversary(customer, policy, following)
    return None if day is None else start_of(day, policy.time_zone)
