"""What a customer does besides spending: how regularly they order, whom they refer, what they say (R-CUST-02, 08, 09, 14)."""

from msgspec import Struct
from msgspec.structs import replace

from processors.local_time import date_of, start_of
from processors.policy import Policy
from processors.span import Span, first_of, month_of, told, turns, within


class Activity(Struct, frozen=True, array_like=True):
    """Part of the customer's row: counts and two spans, so that it does not grow with history (D8).

    `months` are local months with an order, `days` local days with an interaction. `order_months` and `interaction_days` are
    how many of them the policy's windows held when the tier was last compared, None where no tier asks; `turns_at` is when
    time alone next makes it another number. `awaited` are orders of which only deliveries or reversals are known (T-17).
    """

    months: Span = Span()
    days: Span = Span()
    order_months: int | None = None
    interaction_days: int | None = None
    turns_at: int | None = None
    referrals: int = 0
    complaints: int = 0
    answers: int = 0
    awaited: int = 0
    stage: str | None = None


def ordered(activity: Activity, placed_at: int, policy: Policy) -> Activity:
    """An order was placed in a local month. One that is cancelled later was activity all the same (T-16)."""
    months = told(activity.months, month_of(date_of(placed_at, policy.time_zone)))
    return activity if months == activity.months else replace(activity, months=months)


def regular(activity: Activity, policy: Policy, now: int) -> int:
    """Months with an order among the last whole ones: "consistent orders" (R-CUST-08, R-TIER-21)."""
    return within(activity.months, policy.windows.months, month_of(date_of(now, policy.time_zone)))


def interactive(activity: Activity, policy: Policy, now: int) -> int:
    """Days with an interaction among the last whole ones."""
    return within(activity.days, policy.windows.days, date_of(now, policy.time_zone).toordinal())


def looked_at(activity: Activity, policy: Policy, now: int) -> Activity:
    """The activity with what its windows hold at `now`, as far as any tier asks for it."""
    months = days = False
    for tier in policy.tiers:
        months = months or tier.order_months is not None
        days = days or tier.interaction_days is not None
    if not months and not days and activity.turns_at is activity.order_months is activity.interaction_days is None:
        return activity
    return replace(
        activity,
        order_months=regular(activity, policy, now) if months else None,
        interaction_days=interactive(activity, policy, now) if days else None,
        turns_at=_turns_at(activity, policy, now, months=months, days=days),
    )


def _turns_at(activity: Activity, policy: Policy, now: int, *, months: bool, days: bool) -> int | None:
    """When time alone next changes what the windows hold: at the start of a local month or day (T-11)."""
    today = date_of(now, policy.time_zone)
    month = turns(activity.months, policy.windows.months, month_of(today)) if months else None
    day = turns(activity.days, policy.windows.days, today.toordinal()) if days else None
    begin = [first_of(month)] if month is not None else []
    begin += [today.fromordinal(day)] if day is not None else []
    return start_of(min(begin), policy.time_zone) if begin else None
