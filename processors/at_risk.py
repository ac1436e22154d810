"""VIPs who fell silent: one alert a silence, followed up in time, and what became of each (R-RISK-01 to R-RISK-04, T-39).

An episode ends by what happened, not by what anybody hoped: an order within the horizon retains the customer, and without
one they are lost (T-40). What a person records of a call ends only the waiting for one.
"""

from datetime import timedelta
from typing import NamedTuple

from msgspec.structs import replace

from processors.customer import Customer
from processors.episodes import Alert, Outreach, follow_up_by, open_alert, outcome_by
from processors.explanation import Because, compare, head
from processors.local_time import date_of, start_of
from processors.membership import Membership, days_away
from processors.policy import Policy
from schemas.commands import OutreachRecorded
from schemas.decided import Condition
from schemas.decisions import AtRiskClosed, AtRiskEscalated, AtRiskRaised, AtRiskRetracted

OF = "at_risk"


def silent_at(customer: Customer, policy: Policy) -> int | None:
    """When the silence becomes too long: "more than 45 days" starts on day 46 (T-39).

    None while it cannot: no VIP, no order yet, paused (C-06, T-14) or gone, or this silence already has its alert.
    """
    last_order_at, membership, before = customer.last_order_at, customer.membership, customer.alert
    if customer.tier is None or last_order_at is None or membership.status != "active":
        return None
    if before is not None and last_order_at < before.at:
        return None
    away = days_away(membership, last_order_at, membership.since or last_order_at, policy.time_zone)
    day = date_of(last_order_at, policy.time_zone) + timedelta(days=policy.at_risk.silent_days + 1 + away)
    return start_of(day, policy.time_zone)


def _silence(last_order_at: int, now: int, membership: Membership, policy: Policy, moved_by: str | None) -> Condition:
    """Days without an order, but for those on which the customer paused or was gone (T-14)."""
    days = (date_of(now, policy.time_zone) - date_of(last_order_at, policy.time_zone)).days
    days -= days_away(membership, last_order_at, now, policy.time_zone)
    return compare(OF, "silent_days", days, ">", policy.at_risk.silent_days, moved_by)


def alert(customer: Customer, policy: Policy, now: int, because: Because) -> tuple[Customer, list[AtRiskRaised]]:
    """Raise the alert if the VIP is silent for too long at `now`: an episode begins."""
    due = silent_at(customer, policy)
    if customer.tier is None or customer.last_order_at is None or due is None or due > now:
        return customer, []
    silence = _silence(customer.last_order_at, now, customer.membership, policy, customer.moved.last_order)
    if not silence.holds:
        return customer, []
    common = head(because, customer.sequence + 1, AtRiskRaised, str(customer.last_order_at), (silence,))
    episode = Alert(common["decision_id"], now, customer.last_order_at, customer.tier)
    decision = AtRiskRaised(
        **common,
        tier=customer.tier,
        last_order_at=customer.last_order_at,
        silent_days=int(silence.value or 0),
        follow_up_by=follow_up_by(episode, policy),
        outcome_by=outcome_by(episode, customer.membership, policy),
    )
    return replace(customer, alert=episode, sequence=decision.sequence), [decision]


def hear(
    customer: Customer, order_id: str, placed_at: int, policy: Policy, because: Because
) -> tuple[Customer, list[AtRiskClosed | AtRiskRetracted]]:
    """An order ends the episode, also one that came late, and also one that had ended otherwise (T-18).

    One from before the alert, by which there was no silence then, retracts it. What counts is when they were placed: in
    whichever order they arrive, an episode ends as retracted rather than retained, and retained rather than lost (T-16).
    """
    episode = customer.alert
    if episode is None or placed_at <= episode.last_order_at:
        return customer, []
    if placed_at < episode.at:
        return _disprove(customer, episode, order_id, placed_at, policy, because)
    end = outcome_by(episode, customer.membership, policy)
    after = compare(OF, "ordered_at", placed_at, ">=", episode.at, because.cause)
    in_time = [] if end is None else [compare(OF, "ordered_at", placed_at, "<", end, because.cause)]
    if all(each.holds for each in in_time):
        ending = _Ending("retained", "ordered", (after, *in_time), order_id)
    else:
        ending = _Ending("lost", "horizon", (after, *in_time))
    if episode.outcome in ("retained", ending.outcome):
        return customer, []
    return _close(customer, episode, ending, because)


def _disprove(
    customer: Customer, episode: Alert, order_id: str, placed_at: int, policy: Policy, because: Because
) -> tuple[Customer, list[AtRiskClosed | AtRiskRetracted]]:
    silence = _silence(placed_at, episode.at, customer.membership, policy, because.cause)
    if silence.holds:
        return replace(customer, alert=replace(episode, last_order_at=placed_at)), []
    decision = AtRiskRetracted(
        **head(because, customer.sequence + 1, AtRiskRetracted, episode.decision_id, (silence,)),
        retracts=episode.decision_id,
        order_id=order_id,
        supersedes=episode.closed_by,
        replaced_outcome=episode.outcome,
    )
    return replace(customer, alert=None, sequence=decision.sequence), [decision]


class _Ending(NamedTuple):
    """How an episode ends, and by which conditions."""

    outcome: str
    reason: str
    conditions: tuple[Condition, ...]
    order_id: str | None = None


def _close(
    customer: Customer, episode: Alert, ending: _Ending, because: Because
) -> tuple[Customer, list[AtRiskClosed | AtRiskRetracted]]:
    decision = AtRiskClosed(
        **head(because, customer.sequence + 1, AtRiskClosed, episode.decision_id, ending.conditions),
        alert_id=episode.decision_id,
        tier=episode.tier,
        outcome=ending.outcome,
        reason=ending.reason,
        order_id=ending.order_id,
        said=episode.outreach.outcome if episode.outreach else None,
        supersedes=episode.closed_by,
        replaced_outcome=episode.outcome,
    )
    closed = replace(episode, outcome=ending.outcome, closed_by=decision.decision_id)
    return replace(customer, alert=closed, sequence=decision.sequence), [decision]


def settle(
    customer: Customer, policy: Policy, because: Because
) -> tuple[Customer, list[AtRiskClosed | AtRiskRetracted]]:
    """Who cancelled, or is no VIP any more, was not kept."""
    episode = open_alert(customer.alert)
    if episode is None:
        return customer, []
    member = customer.membership
    stays = compare(OF, "status", member.status, "in", "active, paused", member.cause)
    tiers = ", ".join(tier.name for tier in policy.tiers)
    vip = compare(OF, "tier", customer.tier, "in", tiers, customer.moved.tier)
    if not stays.holds:
        return _close(customer, episode, _Ending("lost", "cancelled", (stays,)), because)
    if customer.tier is None:
        return _close(customer, episode, _Ending("lost", "no_vip", (vip,)), because)
    return customer, []


def horizon_at(customer: Customer, policy: Policy) -> int | None:
    """When the open episode has lasted too long for the customer to be retained."""
    episode = open_alert(customer.alert)
    return outcome_by(episode, customer.membership, policy) if episode else None


def expire(
    customer: Customer, policy: Policy, now: int, because: Because
) -> tuple[Customer, list[AtRiskClosed | AtRiskRetracted]]:
    """The horizon is over, and nobody ordered (T-40)."""
    episode = open_alert(customer.alert)
    end = horizon_at(customer, policy)
    if episode is None or end is None:
        return customer, []
    over = compare(OF, "horizon_over_at", now, ">=", end)
    ordered = compare(OF, "ordered_at", customer.last_order_at, ">=", episode.at, customer.moved.last_order)
    return _close(customer, episode, _Ending("lost", "horizon", (over, ordered)), because)


def record(
    customer: Customer, event: OutreachRecorded, policy: Policy, because: Because
) -> tuple[Customer, list[AtRiskEscalated]]:
    """A person spoke with the customer. The last record counts, in whichever order they arrive (T-16)."""
    episode = customer.alert
    if episode is None or event.alert_id not in (None, episode.decision_id) or event.occurred_at < episode.at:
        return customer, []
    told = Outreach(event.occurred_at, event.outcome, event.follow_up_at)
    if episode.outreach is not None and _order(told) <= _order(episode.outreach):
        return customer, []
    due = follow_up_by(episode, policy)
    customer = replace(customer, alert=replace(episode, outreach=told))
    if told.outcome != "escalated" or episode.escalated or episode.outcome is not None:
        return customer, []
    asked = compare(OF, "outreach", told.outcome, "=", "escalated", because.cause)
    return _escalate(customer, "asked", due or told.at, (asked,), because)


def _order(outreach: Outreach) -> tuple[int, str, int]:
    return (outreach.at, outreach.outcome, outreach.follow_up_at or 0)


def overdue_at(customer: Customer, policy: Policy) -> int | None:
    """When it is too late to follow up in time."""
    episode = open_alert(customer.alert)
    return follow_up_by(episode, policy) if episode else None


def escalate(customer: Customer, policy: Policy, now: int, because: Because) -> tuple[Customer, list[AtRiskEscalated]]:
    """Nobody followed up in time: the owner has to (R-RISK-03). Once an episode."""
    episode, due = open_alert(customer.alert), overdue_at(customer, policy)
    if episode is None or due is None:
        return customer, []
    spoken = episode.outreach
    overdue = compare(OF, "overdue_at", now, ">=", due)
    done = compare(OF, "outreach", spoken.outcome if spoken else "none", "in", "escalated, retained, lost")
    return _escalate(customer, "overdue", due, (overdue, done), because)


def _escalate(
    customer: Customer, reason: str, due: int, conditions: tuple[Condition, ...], because: Because
) -> tuple[Customer, list[AtRiskEscalated]]:
    episode = customer.alert
    if episode is None:
        return customer, []
    decision = AtRiskEscalated(
        **head(because, customer.sequence + 1, AtRiskEscalated, episode.decision_id, conditions),
        alert_id=episode.decision_id,
        tier=episode.tier,
        reason=reason,
        follow_up_by=due,
    )
    return replace(customer, alert=replace(episode, escalated=True), sequence=decision.sequence), [decision]
