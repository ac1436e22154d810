"""VIPs who cancelled: the days for which their tier is kept are for winning them back (R-RISK-05, R-TIER-11, R-TIER-15)."""

from datetime import timedelta

from msgspec.structs import replace

from processors.customer import Customer
from processors.episodes import WinBack
from processors.explanation import Because, compare, head
from processors.local_time import date_of, start_of
from processors.membership import days_cancelled, lapses_at
from processors.notices import Asked, request
from processors.policy import Policy
from schemas.decisions import NotificationRequested, WinBackClosed, WinBackStarted

OF = "win_back"


def follow(
    customer: Customer, policy: Policy, because: Because
) -> tuple[Customer, list[WinBackStarted | WinBackClosed]]:
    """An episode begins when a VIP cancels, and ends when they are back or the tier is lost, whichever comes first."""
    member, kept_until = customer.membership, lapses_at(customer.membership, policy)
    gone = compare(OF, "status", member.status, "=", "cancelled", member.cause)
    if customer.win_back is None:
        if not gone.holds or customer.tier is None or member.since is None or kept_until is None:
            return customer, []
        started = WinBackStarted(
            **head(because, customer.sequence + 1, WinBackStarted, str(member.since), (gone,)),
            tier=customer.tier,
            cancelled_at=member.since,
            kept_until=kept_until,
        )
        return replace(customer, win_back=WinBack(started.decision_id), sequence=started.sequence), [started]
    if gone.holds and customer.tier is not None:
        return customer, []
    tiers = ", ".join(tier.name for tier in policy.tiers)
    kept = compare(OF, "tier", customer.tier, "in", tiers, customer.moved.tier)
    closed = WinBackClosed(
        **head(because, customer.sequence + 1, WinBackClosed, customer.win_back.decision_id, (gone, kept)),
        win_back_id=customer.win_back.decision_id,
        tier=customer.tier,
        outcome="lost" if gone.holds else "won_back",
    )
    return replace(customer, win_back=None, sequence=closed.sequence), [closed]


def _days(customer: Customer, policy: Policy) -> list[int]:
    """Days after the cancellation on which a reminder is still to come, before the tier is lost."""
    if customer.win_back is None:
        return []
    kept = policy.cancellation.kept_days
    return [day for day in sorted(policy.win_back.reminder_days) if customer.win_back.reminded < day <= kept]


def reminder_at(customer: Customer, policy: Policy) -> int | None:
    """When the customer is next reminded that the benefits wait."""
    days, since = _days(customer, policy), customer.membership.since
    if not days or since is None:
        return None
    return start_of(date_of(since, policy.time_zone) + timedelta(days=days[0]), policy.time_zone)


def remind(
    customer: Customer, policy: Policy, now: int, because: Because
) -> tuple[Customer, list[NotificationRequested]]:
    """Of reminders that are overdue only the last is worth sending; none of them comes again."""
    gone_for = days_cancelled(customer.membership, policy, now)
    overdue = [day for day in _days(customer, policy) if day <= gone_for]
    episode, before = customer.win_back, customer.tier
    if episode is None or not overdue:
        return customer, []
    due = compare("benefits_waiting", "days_cancelled", gone_for, ">=", overdue[-1], customer.membership.cause)
    customer = replace(customer, win_back=replace(episode, reminded=overdue[-1]))
    asked = Asked(
        "benefits_waiting",
        before,
        until=lapses_at(customer.membership, policy),
        follows=episode.decision_id,
        conditions=(due,),
    )
    return request(customer, policy, now, because, asked)
