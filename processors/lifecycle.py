"""The stage of a customer's journey: a label from tenure and status, which changes by time alone (R-TIER-11, C-03)."""

from msgspec.structs import replace

from processors.customer import Customer
from processors.explanation import Because
from processors.local_time import add_months, date_of, start_of
from processors.policy import Policy
from processors.tenure import anniversary, began

IDENTIFICATION, DESIGNATION, ENGAGEMENT, RETENTION = "identification", "designation", "engagement", "retention"
WIN_BACK = "win_back"
OVER = {IDENTIFICATION: "designation_months", DESIGNATION: "engagement_months", ENGAGEMENT: "retention_months"}
"""Stages that time ends, in their order, and the field of the policy that says at how many months of tenure."""


def stage(customer: Customer, policy: Policy, now: int) -> str | None:
    """The stage at `now`; who cancelled is to be won back. None for who is no customer yet, or where there are no stages."""
    start = began(customer, policy) if policy.lifecycle else None
    if policy.lifecycle is None or start is None:
        return None
    if customer.membership.status == "cancelled":
        return WIN_BACK
    today = date_of(now, policy.time_zone)
    for name, field in OVER.items():
        if add_months(start, getattr(policy.lifecycle, field), policy.missing_day) > today:
            return name
    return RETENTION


def move_on(customer: Customer, policy: Policy, now: int, _because: Because) -> tuple[Customer, tuple[()]]:
    """The customer at the stage that it is by now."""
    reached = stage(customer, policy, now)
    if reached == customer.activity.stage:
        return customer, ()
    return replace(customer, activity=replace(customer.activity, stage=reached)), ()


def moves_on_at(customer: Customer, policy: Policy) -> int | None:
    """When the stage on the row is over by time alone; None for the last one, and for win-back."""
    field = OVER.get(customer.activity.stage or "")
    if policy.lifecycle is None or field is None:
        return None
    day = anniversary(customer, policy, getattr(policy.lifecycle, field))
    return None if day is None else start_of(day, policy.time_zone)
