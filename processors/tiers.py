"""Tiers: the one that is deserved is held: a rise at once, a fall after a grace time (R-TIER-01..03, C-07)."""

from msgspec.structs import replace

from processors.customer import Customer
from processors.explanation import Because, head
from processors.local_time import end_of
from processors.membership import lapses_at as membership_lapses_at
from processors.policy import Policy, rank
from processors.qualification import Qualification, qualify
from schemas.decisions import TierChanged

NO_TIER = "none"
"""Stands for "no tier" in a decision's id."""


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


def falls_at(customer: Customer, _policy: Policy) -> int | None:
    """When the grace period is over; None outside one."""
    return customer.falls_at


def lapses_at(customer: Customer, policy: Policy) -> int | None:
    """When the tier of a customer who left is kept no longer; None for who has none, or has not left (T-13)."""
    return membership_lapses_at(customer.membership, policy) if customer.tier else None
