"""Requests to notify: what a customer should be told, where they agreed to it, and until when it is worth saying.

Nothing is asked for twice: whatever leads to a request is a transition of the customer's row, and happens once. Whether a
request is still worth sending is for its reader, who knows what time it is: `expires_at` follows from the log alone (T-20).
"""

from collections.abc import Sequence
from typing import NamedTuple

from msgspec.structs import replace

from processors.consents import allows
from processors.customer import Customer
from processors.explanation import Because, head
from processors.local_time import end_of
from processors.policy import Policy, rank
from processors.retention_policy import Kind
from schemas.decided import Condition
from schemas.decisions import AtRiskRaised, Decision, NotificationRequested, ReturnDecided, TierChanged
from schemas.ledger import RewardAnswered


class Asked(NamedTuple):
    """What should be told, with what a text needs. `conditions` are what led to it, besides consent.

    `return_id` and `launch_id` tell apart what one unit may ask for several times.
    """

    kind: Kind
    tier: str | None
    from_tier: str | None = None
    until: int | None = None
    years: int | None = None
    follows: str | None = None
    launch_id: str | None = None
    return_id: str | None = None
    conditions: tuple[Condition, ...] = ()


def request(
    customer: Customer, policy: Policy, now: int, because: Because, asked: Asked
) -> tuple[Customer, list[NotificationRequested]]:
    """Ask for it, where the programme tells such things and the customer agreed (R-CUST-13)."""
    notice = policy.notifications.kinds.get(asked.kind)
    if notice is None:
        return customer, []
    consent = allows(customer, policy, notice.purpose, asked.kind)
    if not consent.holds:
        return customer, []
    about = "/".join(filter(None, (asked.kind, asked.return_id, asked.launch_id)))
    expires_at = end_of(now, notice.valid_days, policy.time_zone)
    decision = NotificationRequested(
        **head(because, customer.sequence + 1, NotificationRequested, about, (*asked.conditions, consent)),
        notice=asked.kind,
        purpose=notice.purpose,
        tier=asked.tier,
        from_tier=asked.from_tier,
        until=asked.until,
        years=asked.years,
        follows=asked.follows,
        launch_id=asked.launch_id,
        expires_at=expires_at if asked.until is None else min(expires_at, asked.until),
    )
    return replace(customer, sequence=decision.sequence), [decision]


def follow(
    before: Customer, customer: Customer, decisions: Sequence[Decision], policy: Policy, now: int, because: Because
) -> tuple[Customer, list[NotificationRequested]]:
    """What is told because of what one unit decided, and of days of grace that it began."""
    told: list[NotificationRequested] = []
    for asked in (*filter(None, (_about(each, policy) for each in decisions)), *_warning(before, customer)):
        customer, requests = request(customer, policy, now, because, asked)
        told += requests
    return customer, told


def _about(decision: Decision, policy: Policy) -> Asked | None:
    match decision:
        case TierChanged():
            return Asked(
                _change(decision, policy), decision.to_tier, from_tier=decision.from_tier, follows=decision.decision_id
            )
        case AtRiskRaised():
            return Asked("outreach", decision.tier, until=decision.outcome_by, follows=decision.decision_id)
        case ReturnDecided():
            return Asked("return_decided", decision.tier, follows=decision.decision_id, return_id=decision.return_id)
        case RewardAnswered(verdict="offered"):
            until, follows = decision.reserved_until, decision.decision_id
            return Asked("substitute_offered", decision.tier, until=until, follows=follows)
        case _:
            return None


def _change(decision: TierChanged, policy: Policy) -> Kind:
    """Never remove VIP status without communication, nor a part of it (R-TIER-13, R-TIER-24)."""
    if decision.to_tier is None:
        return "removal"
    if decision.from_tier is None:
        return "welcome"
    return "upgrade" if rank(policy, decision.to_tier) > rank(policy, decision.from_tier) else "downgrade"


def _warning(before: Customer, customer: Customer) -> tuple[Asked, ...]:
    """Once for each time of grace, when it begins: so there is time to do something about it (R-TIER-24)."""
    if customer.falls_at is None or before.falls_at is not None:
        return ()
    return (Asked("downgrade_warning", customer.tier, until=customer.falls_at),)
