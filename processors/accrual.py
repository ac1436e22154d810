"""How many points something earns, until when they last, and how many of them a reversal takes (R-PTS-01..03, T-26, T-36)."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta

from processors.lifetime_value import line_minor
from processors.local_time import add_months, date_of, start_of
from processors.lots import NEVER
from processors.money import PPM
from processors.order import Line, Order
from processors.points_policy import Interaction, Points
from processors.policy import Components, Policy
from processors.refunds import by_line, total_minor
from schemas.events import OrderPlaced

PLAIN = 100
"""Percent of who has no multiplier."""


def percent(points: Points, tier: str | None, channel: str | None) -> int:
    """The multipliers of a tier and a channel together, ten thousandths."""
    return points.tiers_percent.get(tier or "", PLAIN) * points.channels_percent.get(channel or "", PLAIN)


def worth(event: OrderPlaced, components: Components) -> dict[str, int]:
    """What each line adds to lifetime value, in the order's currency; lines that share an id are one (T-02, T-27)."""
    amounts: dict[str, int] = {}
    for line in event.lines:
        amounts[line.line_id] = amounts.get(line.line_id, 0) + line_minor(line, components)
    return amounts


def of_purchase(amounts: Mapping[str, int], rate_ppm: int, points: Points, ten_thousandths: int) -> dict[str, int]:
    """What each line earns. Rounded down once, for the order: lines add up to it, however it is divided (T-26)."""
    per = PPM * points.purchases.per_minor * PLAIN * PLAIN
    earned, before, so_far = dict[str, int](), 0, 0
    for line_id, amount in amounts.items():
        so_far += max(amount, 0)
        position = so_far * rate_ppm * points.purchases.points * ten_thousandths // per
        earned[line_id], before = position - before, position
    return earned


def of_interaction(rule: Interaction, ten_thousandths: int) -> int:
    """What an interaction earns, rounded down."""
    return rule.points * ten_thousandths // (PLAIN * PLAIN)


def period(rule: Interaction, at: int, zone: str) -> str:
    """The local calendar period within which a rule counts."""
    day = date_of(at, zone)
    return {"month": f"{day:%Y-%m}", "year": f"{day:%Y}", "ever": "ever"}[rule.within]


def expires_at(at: int, points: Points, policy: Policy) -> int:
    """The first instant after the last local day of points that something earned at `at` (T-36)."""
    if points.expiry.months is None:
        return NEVER
    last = add_months(date_of(at, policy.time_zone), points.expiry.months, policy.missing_day)
    if points.expiry.end_of == "month":
        last = add_months(last.replace(day=1), 1, policy.missing_day) - timedelta(days=1)
    elif points.expiry.end_of == "year":
        last = date(last.year, 12, 31)
    return start_of(last + timedelta(days=1), policy.time_zone)


def _refunded(order: Order, lines: Iterable[Line]) -> dict[str, int]:
    """What was refunded of each line itself; no line more than it cost."""
    told = by_line(order.refunds)
    return {line.line_id: min(told.get(line.line_id, 0), line.goods_minor) for line in lines}


def reversed_of(order: Order, components: Components, earned: Mapping[str, int]) -> dict[str, int]:
    """How many points of each line are not justified any more, rounded down: all of a cancelled order (T-34).

    A refund that names its line counts there; others are spread over what the lines still cost. So it follows from the sums
    alone: more refunds never make it less, and their order makes no difference (T-16).
    """
    if order.cancelled:
        return dict(earned)
    if not components.goods:
        return dict.fromkeys(earned, 0)
    own = _refunded(order, order.lines)
    rest = sum(line.goods_minor for line in order.lines) - sum(own.values())
    spread = min(max(total_minor(order.refunds) - sum(own.values()), 0), rest)
    taken = dict[str, int]()
    for line in order.lines:
        if (points := earned.get(line.line_id, 0)) and line.goods_minor:
            parts, whole = (
                own[line.line_id] * rest + (line.goods_minor - own[line.line_id]) * spread,
                line.goods_minor * rest,
            )
            taken[line.line_id] = points * parts // whole if rest else points
    return taken
