"""Tiers: the highest one whose conditions all hold; a rise at once, a fall after a grace time (R-TIER-01..03, C-07)."""

from typing import NamedTuple

from msgspec.structs import replace

from processors.customer import Customer
from processors.explanation import Because, compare, head
from processors.local_time import date_of, end_of, start_of
from processors.membership import days_cancelled
from processors.membership import lapses_at as membership_lapses_at
from processors.policy import Policy, Tier, rank
from processors.tenure import anniversary
from schemas.decisions import Condition, TierChanged

NO_TIER = "none"
"""Stands for "no tier" in a decision's id."""


class Qualification(NamedTuple):
    """The tier deserved, and every condition evaluated for it, failed ones included (T-07, T-48)."""

    tier: str | None
    conditions: tuple[Condition, ...]


def _conditions(customer: Customer, policy: Policy, tier: Tier, now: int) -> tuple[Condition, ...]:
    """Tenure is compared by date, so that the explanation names the day on which it suffices (T-07).

    What moves the date is whatever told since when they are a customer.
    """
    today = date_of(now, policy.time_zone).isoformat()
    reached = anniversary(customer, policy, tier)
    return (
        compare(
            tier.name,
            "lifetime_value_minor",
            customer.value_minor,
            ">=",
            tier.lifetime_value_minor,
            customer.moved.value,
        ),
        compare(
            tier.name,
            f"tenure_{tier.tenure_months}_months_on",
            today,
            ">=",
            reached.isoformat() if reached else None,
            customer.moved.since,
        ),
        *_not_cancelled(customer, policy, tier, now),
    )


def _not_cancelled(customer: Customer, policy: Policy, tier: Tier, now: int) -> tuple[Condition, ...]:
    """Who left keeps what they have for a while, and rises no further (R-TIER-15, T-13). Of others nothing is asked."""
    left = customer.membership
    if left.status != "cancelled":
        return ()
    if rank(policy, tier.name) > rank(policy, customer.tier):
        return (compare(tier.name, "status", left.status, "in", "active, paused", left.cause),)
    if left.for_good:
        return (compare(tier.name, "cancelled_for_good", "yes", "=", "no", left.cause),)
    days = days_cancelled(left, policy, now)
    return (compare(tier.name, "days_cancelled", days, "<=", policy.cancellation.kept_days, left.cause),)


def qualify(customer: Customer, policy: Policy, now: int) -> Qualification:
    """The highest tier whose conditions all hold at `now` (C-01, C-02), with every condition of every tier."""
    evaluated = [(tier.name, _conditions(customer, policy, tier, now)) for tier in policy.tiers]
    highest = next((name for name, own in reversed(evaluated) if all(each.holds for each in own)), None)
    return Qualification(highest, tuple(condition for _, own in evaluated for condition in own))


def requalify(
    customer: Customer, policy: Policy, now: int, because: Because, *, over: bool = False
) -> tuple[Customer, list[TierChanged]]:
    """Compare the tier held with the tier deserved: rise at once, fall only when the time that was given for it is `over`.

    A recovery within the grace period ends it without a word (T-12). A further drop does not prolong it. Who left for good
    is given none (R-TIER-15).
    """
    deserved = qualify(customer, policy, now)
    steps = rank(policy, deserved.tier) - rank(policy, customer.tier)
    if steps > 0:
        return _change(customer, deserved, "upgrade", now, because)
    if steps < 0 and (over or customer.membership.for_good):
        lapse = lapses_at(customer, policy)
        reason = "downgrade" if lapse is None or lapse > now else "cancelled"
        return _change(customer, deserved, reason, now, because)
    if steps < 0:
        falls_at = customer.falls_at or end_of(now, policy.grace_days, policy.time_zone)
        return replace(customer, falls_at=falls_at), []
    return (replace(customer, falls_at=None) if customer.falls_at else customer), []


def _change(
    customer: Customer, deserved: Qualification, reason: str, now: int, because: Because
) -> tuple[Customer, list[TierChanged]]:
    """VIP Since is kept on a change between tiers and new on a later grant (C-11)."""
    tier = deserved.tier
    vip_since = (customer.vip_since or now) if tier else None
    decision = TierChanged(
        **head(because, customer.sequence + 1, TierChanged, tier or NO_TIER, deserved.conditions),
        from_tier=customer.tier,
        to_tier=tier,
        reason=reason,
        vip_since=vip_since,
    )
    changed = replace(
        customer,
        tier=tier,
        vip_since=vip_since,
        falls_at=None,
        sequence=decision.sequence,
        moved=replace(customer.moved, tier=because.cause),
    )
    return changed, [decision]


def rises_at(customer: Customer, policy: Policy) -> int | None:
    """When time alone next lifts the customer: the first anniversary that only tenure is missing for (T-11)."""
    if customer.membership.status == "cancelled":
        return None
    held = rank(policy, customer.tier)
    days = [
        anniversary(customer, policy, tier)
        for place, tier in enumerate(policy.tiers, start=2)
        if place > held and customer.value_minor >= tier.lifetime_value_minor
    ]
    return min((start_of(day, policy.time_zone) for day in days if day), default=None)


def falls_at(customer: Customer, _policy: Policy) -> int | None:
    """When the grace period is over; None outside one."""
    return customer.falls_at


def lapses_at(customer: Customer, policy: Policy) -> int | None:
    """When the tier of a customer who left is kept no longer; None for who has none, or has not left (T-13)."""
    return membership_lapses_at(customer.membership, policy) if customer.tier else None
