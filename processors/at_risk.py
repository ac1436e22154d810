"""VIPs who fell silent: one alert a silence, retracted when a late order shows there was none (R-RISK-01, T-39)."""

from datetime import timedelta

from msgspec.structs import replace

from processors.customer import Alert, Customer
from processors.explanation import Because, compare, head
from processors.local_time import date_of, start_of
from processors.membership import Membership, days_away
from processors.policy import Policy
from schemas.decisions import AtRiskRaised, AtRiskRetracted, Condition


def silent_at(customer: Customer, policy: Policy) -> int | None:
    """When the silence becomes too long: "more than 45 days" starts on day 46 (T-39).

    None while it cannot: no VIP, no order yet, paused (C-06, T-14) or gone, or this silence already has its alert.
    """
    last_order_at, membership = customer.last_order_at, customer.membership
    if customer.tier is None or last_order_at is None or customer.alert or membership.status != "active":
        return None
    away = days_away(membership, last_order_at, membership.since or last_order_at, policy.time_zone)
    day = date_of(last_order_at, policy.time_zone) + timedelta(days=policy.at_risk.silent_days + 1 + away)
    return start_of(day, policy.time_zone)


def _silence(last_order_at: int, now: int, membership: Membership, policy: Policy, moved_by: str | None) -> Condition:
    """Days without an order, but for those on which the customer paused or was gone (T-14)."""
    days = (date_of(now, policy.time_zone) - date_of(last_order_at, policy.time_zone)).days
    days -= days_away(membership, last_order_at, now, policy.time_zone)
    return compare("at_risk", "silent_days", days, ">", policy.at_risk.silent_days, moved_by)


def alert(customer: Customer, policy: Policy, now: int, because: Because) -> tuple[Customer, list[AtRiskRaised]]:
    """Raise the alert if the VIP is silent for too long at `now`. The episode stays open until the next order."""
    due = silent_at(customer, policy)
    if customer.tier is None or customer.last_order_at is None or due is None or due > now:
        return customer, []
    silence = _silence(customer.last_order_at, now, customer.membership, policy, customer.moved.last_order)
    if not silence.holds:
        return customer, []
    decision = AtRiskRaised(
        **head(because, customer.sequence + 1, AtRiskRaised, str(customer.last_order_at), (silence,)),
        tier=customer.tier,
        last_order_at=customer.last_order_at,
        silent_days=int(silence.value or 0),
    )
    episode = Alert(decision.decision_id, now, customer.last_order_at)
    return replace(customer, alert=episode, sequence=decision.sequence), [decision]


def hear(
    customer: Customer, order_id: str, placed_at: int, policy: Policy, because: Because
) -> tuple[Customer, list[AtRiskRetracted]]:
    """An order ends the episode. One from before the alert, by which there was no silence then, retracts it (T-18)."""
    episode = customer.alert
    if episode is None or placed_at <= episode.last_order_at:
        return customer, []
    if placed_at >= episode.at:
        return replace(customer, alert=None), []
    silence = _silence(placed_at, episode.at, customer.membership, policy, because.cause)
    if silence.holds:
        return replace(customer, alert=replace(episode, last_order_at=placed_at)), []
    decision = AtRiskRetracted(
        **head(because, customer.sequence + 1, AtRiskRetracted, episode.decision_id, (silence,)),
        retracts=episode.decision_id,
        order_id=order_id,
    )
    return replace(customer, alert=None, sequence=decision.sequence), [decision]


def close_without_status(customer: Customer) -> Customer:
    """Who is no VIP any more has no episode."""
    return replace(customer, alert=None) if customer.alert and customer.tier is None else customer
