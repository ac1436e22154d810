"""Tiers: the one that rules or a person give is held: a rise at once, a fall after a grace time (R-TIER-01..03, C-07)."""

from msgspec.structs import replace

from processors.approval import APPROVAL, REMOVAL, propose
from processors.customer import Customer, earned
from processors.designation import OVER, Designation, counts, lapsed
from processors.explanation import Because, head
from processors.local_time import end_of
from processors.membership import lapses_at as membership_lapses_at
from processors.policy import Policy, rank
from processors.qualification import Qualification, highest, qualify
from schemas.decisions import QualificationProposed, TierChanged

NO_TIER = "none"
"""Stands for "no tier" in a decision's id."""


def reviewable(customer: Customer, policy: Policy, now: int) -> str | None:
    """The tier above the one earned that only a person's word is missing for (R-TIER-10); None for none."""
    deserved = highest(policy, qualify(customer, policy, now).conditions, (APPROVAL, REMOVAL))
    return deserved if rank(policy, deserved) > rank(policy, earned(customer)) else None


def requalify(
    customer: Customer, policy: Policy, now: int, because: Because, *, over: bool = False
) -> tuple[Customer, list[TierChanged | QualificationProposed]]:
    """Compare the tier held with the tier deserved: the higher one of what rules and a designation give.

    Rules lift at once, and lower only when the time that was given for it is `over`. A recovery within the grace period
    ends it without a word (T-12). A further drop does not prolong it. Who left for good is given none (R-TIER-15), nor is
    whom a person took the status from (T-42). What a person gave goes with the designation's end.
    """
    deserved = qualify(customer, policy, now)
    now_earned, falls_at, reason = _earn(customer, deserved, policy, now, over=over)
    designation = _standing(customer, policy, now, now_earned, over=over)
    tier = now_earned
    # A tier that the policy has no more, of rank 1, lifts nobody.
    if designation and counts(designation) and rank(policy, designation.tier) > max(rank(policy, now_earned), 1):
        tier = designation.tier
    if tier != customer.tier:
        reason = _reason(customer, designation, reason, lifted=tier != now_earned, because=because)
    before = customer.people.designation
    if falls_at != customer.falls_at:
        customer = replace(customer, falls_at=falls_at)
    if designation != before:
        customer = replace(customer, people=replace(customer.people, designation=designation))
    decided: list[TierChanged | QualificationProposed] = []
    if tier != customer.tier:
        # Who comes back to a designation after their tier was given up begins anew (C-11).
        began = designation is not None and before is not None and before.stands and tier != now_earned
        since = min(now, designation.starts_at) if designation and began else now
        customer, changed = _change(customer, Qualification(tier, deserved.conditions), reason, since, because)
        decided.append(changed)
    if policy.automatic.approval == "none" and customer.people.proposal is None:
        return customer, decided
    wanted = highest(policy, deserved.conditions, (APPROVAL,))
    customer, proposed = propose(customer, policy, wanted, deserved.conditions, because)
    return customer, [*decided, *proposed]


def resettle(
    shown: Customer, base: Customer, policy: Policy, now: int, because: Because, reason: str
) -> tuple[Customer, list[TierChanged]]:
    """Compare a customer whose ids are others now: at most one change from the tier that was shown until now (T-24).

    `base` stands as their ids stood; what rules make of that together is the tier.
    """
    judged, _ = requalify(base, policy, now, because)
    designation = judged.people.designation
    after = replace(
        base,
        tier=shown.tier,
        vip_since=judged.vip_since,
        falls_at=judged.falls_at,
        people=replace(base.people, designation=designation),
    )
    if judged.tier == shown.tier:
        return after, []
    deserved = Qualification(judged.tier, qualify(base, policy, now).conditions)
    after, changed = _change(after, deserved, reason, now, because)
    return after, [changed]


def _earn(
    customer: Customer, deserved: Qualification, policy: Policy, now: int, *, over: bool
) -> tuple[str | None, int | None, str]:
    """The tier that rules alone give, when the grace period is over, and why that changed."""
    held, removal = earned(customer), customer.people.removal
    steps = rank(policy, deserved.tier) - rank(policy, held)
    if steps > 0:
        return deserved.tier, None, "upgrade"
    gone = lapsed(customer.membership, policy, now)
    kept_out = removal is not None and (removal.until is None or now < removal.until)
    if steps == 0 or not (policy.automatic.enabled or gone or kept_out):
        return held, None, ""
    if over or customer.membership.for_good or kept_out:
        return deserved.tier, None, "removed" if kept_out else "cancelled" if gone else "downgrade"
    return held, customer.falls_at or end_of(now, policy.grace_days, policy.time_zone), ""


def _standing(
    customer: Customer, policy: Policy, now: int, now_earned: str | None, *, over: bool
) -> Designation | None:
    """The designation as it stands now: none once it is over, and not in force for who has left for too long (R-TIER-15)."""
    designation = customer.people.designation
    if designation is None or designation.state in OVER:
        return None
    stands = designation.stands
    if not lapsed(customer.membership, policy, now):
        stands = True
    elif over or customer.membership.for_good or rank(policy, designation.tier) > rank(policy, customer.tier):
        stands = False
    return replace(designation, earned=now_earned, stands=stands)


def _reason(customer: Customer, designation: Designation | None, reason: str, *, lifted: bool, because: Because) -> str:
    """Why the tier in force changed: rules, a person's word, or the end of it."""
    removal = customer.people.removal
    if removal and removal.cause == because.cause:
        return "removed"
    if lifted:
        return "designated"
    if reason:
        return reason
    if designation is None:
        return "expired"
    return "designated" if designation.stands else "cancelled"


def _change(
    customer: Customer, deserved: Qualification, reason: str, since: int, because: Because
) -> tuple[Customer, TierChanged]:
    """VIP Since is kept on a change between tiers and new on a later grant (C-11)."""
    tier = deserved.tier
    vip_since = (customer.vip_since or since) if tier else None
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
        sequence=decision.sequence,
        moved=replace(customer.moved, tier=because.cause),
    )
    return changed, decision


def falls_at(customer: Customer, _policy: Policy) -> int | None:
    """When the grace period is over; None outside one."""
    return customer.falls_at


def lapses_at(customer: Customer, policy: Policy) -> int | None:
    """When the tier of a customer who left is kept no longer; None for who has none, or has not left (T-13)."""
    return membership_lapses_at(customer.membership, policy) if customer.tier else None
