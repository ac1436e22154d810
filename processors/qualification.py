"""Qualification: which tier a customer deserves, and what every tier asks for (R-TIER-01..03, R-TIER-07..09, C-01, C-02)."""

from collections.abc import Callable, Collection, Sequence
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from processors import designation as designations
from processors.approval import gates, waits_for
from processors.customer import Customer, Moved, earned
from processors.designation import kept_conditions
from processors.explanation import Fact, Operator, compare
from processors.frequency import orders_per_year_milli
from processors.local_time import add_months, date_of, start_of
from processors.membership import cancellations
from processors.policy import Policy, Tier, rank
from processors.tenure import anniversary, began
from schemas.decided import Condition


class Qualification(NamedTuple):
    """The tier deserved, and every condition evaluated for it, failed ones included (T-07, T-48)."""

    tier: str | None
    conditions: tuple[Condition, ...]


class Asked(NamedTuple):
    """A field of a tier, and the fact it asks for: what it is called, its value, and what last moved it."""

    field: str
    name: Callable[[Policy], str]
    value: Callable[[Customer], Fact]
    moved: Callable[[Moved], str | None]
    how: Operator = ">="


COUNTS = (
    Asked("orders", lambda _: "orders", lambda it: it.orders, lambda it: it.orders),
    Asked("orders_per_year_milli", lambda _: "orders_per_year_milli", orders_per_year_milli, lambda it: it.frequency),
    Asked(
        "order_months",
        lambda policy: f"order_months_of_{policy.windows.months}",
        lambda it: it.activity.order_months,
        lambda it: it.months,
    ),
    Asked("referrals", lambda _: "referrals", lambda it: it.activity.referrals, lambda it: it.referrals),
    Asked(
        "most_cancellations",
        lambda _: "cancellations",
        lambda it: cancellations(it.membership),
        lambda it: it.left,
        "<=",
    ),
    Asked("most_complaints", lambda _: "complaints", lambda it: it.activity.complaints, lambda it: it.complaints, "<="),
    Asked("answers", lambda _: "answers", lambda it: it.activity.answers, lambda it: it.answers),
    Asked(
        "interaction_days",
        lambda policy: f"interaction_days_of_{policy.windows.days}",
        lambda it: it.activity.interaction_days,
        lambda it: it.days,
    ),
    Asked(
        "monthly_subscription_minor",
        lambda _: "monthly_subscription_minor",
        lambda it: it.membership.monthly_minor,
        lambda it: it.subscription,
    ),
)
"""What a tier may ask for besides lifetime value and tenure (R-TIER-09). Windows are read as they were last looked at."""
NAMES = (
    "lifetime_value_minor", "tenure_", "orders", "order_months_of_", "referrals", "cancellations", "complaints", "answers",
    "interaction_days_of_", "monthly_subscription_minor",
)  # fmt: skip
"""How the names of conditions begin that a tier itself asks for."""


def _value(customer: Customer, tier: Tier) -> list[Condition]:
    floor = tier.lifetime_value_minor
    if floor is None:
        return []
    return [compare(tier.name, "lifetime_value_minor", customer.value_minor, ">=", floor, customer.moved.value)]


def _tenure(customer: Customer, policy: Policy, tier: Tier, start: date | None, today: str) -> list[Condition]:
    """Tenure is compared by date, so that the explanation names the day on which it suffices (T-07).

    What moves the date is whatever told since when they are a customer.
    """
    if tier.tenure_months is None:
        return []
    reached = add_months(start, tier.tenure_months, policy.missing_day).isoformat() if start else None
    return [compare(tier.name, f"tenure_{tier.tenure_months}_months_on", today, ">=", reached, customer.moved.since)]


@lru_cache(maxsize=256)
def _asked(tier: Tier) -> tuple[tuple[Asked, int], ...]:
    """Which counts a tier asks for, and how many. A memo of a pure function: a programme has few tiers."""
    return tuple((count, least) for count in COUNTS if (least := getattr(tier, count.field)) is not None)


def _counts(customer: Customer, policy: Policy, tier: Tier) -> list[Condition]:
    return [
        compare(tier.name, count.name(policy), count.value(customer), count.how, least, count.moved(customer.moved))
        for count, least in _asked(tier)
    ]


def _not_cancelled(customer: Customer, policy: Policy, tier: Tier, now: int) -> tuple[Condition, ...]:
    """Who left keeps what they have for a while, and rises no further (R-TIER-15, T-13). Of others nothing is asked."""
    left = customer.membership
    if left.status != "cancelled":
        return ()
    if rank(policy, tier.name) > rank(policy, earned(customer)):
        return (compare(tier.name, "status", left.status, "in", "active, paused", left.cause),)
    return kept_conditions(tier.name, left, policy, now)


def _own(customer: Customer, policy: Policy, tier: Tier, start: date | None, today: str) -> list[Condition]:
    """What a tier itself asks for; where any one of it is enough, whether that is met comes first."""
    own = [
        *_value(customer, tier),
        *_tenure(customer, policy, tier, start, today),
        *_counts(customer, policy, tier),
    ]
    if tier.require == "any":
        return [compare(tier.name, "conditions_met", sum(each.holds for each in own), ">=", 1), *own]
    return own


def highest(policy: Policy, conditions: Sequence[Condition], but_for: Collection[str] = ()) -> str | None:
    """The highest tier whose conditions hold, those of some names left aside.

    Of what a tier asks where any one is enough, `conditions_met` alone decides.
    """
    if lenient := {tier.name for tier in policy.tiers if tier.require == "any"}:
        conditions = [each for each in conditions if each.of not in lenient or not each.name.startswith(NAMES)]
    lacking = {each.of for each in conditions if not each.holds and each.name not in but_for}
    return next((tier.name for tier in reversed(policy.tiers) if tier.name not in lacking), None)


def qualify(customer: Customer, policy: Policy, now: int) -> Qualification:
    """The highest tier that is deserved at `now` (C-01, C-02), with every condition of every tier.

    Those of a designation come last: it gives a tier beside the rules.
    """
    start, today = began(customer, policy), date_of(now, policy.time_zone).isoformat()
    evaluated = [
        each
        for tier in policy.tiers
        for asked_of in (
            _own(customer, policy, tier, start, today),
            _not_cancelled(customer, policy, tier, now),
            gates(customer, policy, tier, now),
        )
        for each in asked_of
    ]
    designated = designations.conditions(customer.people.designation, customer.membership, policy, now)
    return Qualification(highest(policy, evaluated), (*evaluated, *designated))


def missing(customer: Customer, policy: Policy, tier: Tier, now: int) -> tuple[Condition, ...]:
    """What is missing for a tier but for tenure, whose date says more (R-TIER-20), and a person's word, told beside it."""
    found = (
        *_value(customer, tier),
        *_counts(customer, policy, tier),
        *_not_cancelled(customer, policy, tier, now),
    )
    return tuple(each for each in found if not each.holds)


def tenure_suffices_on(customer: Customer, policy: Policy, tier: Tier) -> date | None:
    """The local day from whose start tenure suffices for `tier`; None when nothing tells since when, or none is asked."""
    return None if tier.tenure_months is None else anniversary(customer, policy, tier.tenure_months)


def _but_for_tenure(customer: Customer, policy: Policy, tier: Tier) -> bool:
    """Whether tenure is all that can be missing."""
    if tier.require == "any":
        return True
    if tier.lifetime_value_minor is not None and customer.value_minor < tier.lifetime_value_minor:
        return False
    return all(each.holds for each in _counts(customer, policy, tier))


def rises_at(customer: Customer, policy: Policy) -> int | None:
    """When time alone next lifts the customer: the first anniversary that only tenure is missing for (T-11)."""
    if customer.membership.status == "cancelled" or customer.people.removal or not policy.automatic.enabled:
        return None
    start, held = began(customer, policy), max(rank(policy, earned(customer)), waits_for(customer, policy))
    if start is None:
        return None
    days = [
        add_months(start, tier.tenure_months, policy.missing_day)
        for place, tier in enumerate(policy.tiers, start=2)
        if place > held and tier.tenure_months is not None and _but_for_tenure(customer, policy, tier)
    ]
    return start_of(min(days), policy.time_zone) if days else None
