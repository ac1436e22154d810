"""Verdicts on returns: approve, review or deny, from window, units, tier and amount (R-RET-01..06, T-26..T-31)."""

from collections import Counter

from msgspec.structs import replace

from processors.customer import Customer
from processors.entitlements import entitlement
from processors.explanation import Because, compare, head
from processors.local_time import end_of
from processors.money import share
from processors.order import Order, Return
from processors.policy import Policy, ReturnRight
from schemas.decisions import Condition, ReturnDecided
from schemas.events import ReturnRequested

SEVERITY = {"approve": 0, "review": 1, "deny": 2}
"""Each failed condition asks for a verdict; the severest is given."""
Check = tuple[Condition, str]
"""A condition, and the verdict where it fails."""


def window_ends_at(order: Order, policy: Policy, window_days: int) -> int:
    """The first instant after the window: local days after delivery, to the end of the last one (T-29).

    An order that was never reported as delivered counts as delivered some days after its date: its window is not
    endless (T-28). Raises `ValueError` for an order that is not known.
    """
    if order.placed_at is None:
        raise ValueError("an order that is not known has no window")
    if order.delivered_at is not None:
        return end_of(order.delivered_at, window_days, policy.time_zone)
    return end_of(order.placed_at, policy.returns.assumed_delivery_days + window_days, policy.time_zone)


def _units(order: Order, asked: dict[str, int]) -> tuple[list[Check], int]:
    """Whether the units asked for are still there (T-27), and what they are worth in programme minor units (T-26)."""
    spoken_for, spoken_by = Counter[str](), dict[str, str | None]()
    for earlier in order.returns:
        spoken_for.update(dict(earlier.units))
        spoken_by |= dict.fromkeys(dict(earlier.units), earlier.cause)
    checks: list[Check] = []
    amount = before = 0
    known = {line.line_id for line in order.lines}
    for line in order.lines:
        if quantity := asked.get(line.line_id):
            taken = min(spoken_for[line.line_id], line.quantity)
            moved_by = spoken_by.get(line.line_id, order.placed_by)
            left = compare("return", f"units_left_of_{line.line_id}", line.quantity - taken, ">=", quantity, moved_by)
            part = (taken, min(taken + quantity, line.quantity))
            amount += share(before, line.goods_minor, part, line.quantity, order.rate_ppm)
            checks.append((left, "deny"))
        before += line.goods_minor
    strangers = sorted(set(asked) - known)
    checks += [(compare("return", f"units_left_of_{line}", None, ">=", asked[line]), "review") for line in strangers]
    return checks, amount


def _judge(
    order: Order, request: ReturnRequested, asked: dict[str, int], policy: Policy, right: ReturnRight, cause: str
) -> tuple[list[Check], int, int]:
    """Every condition of a return of a known order, with the amount and the end of the window."""
    units, amount = _units(order, asked)
    ends_at = window_ends_at(order, policy, right.window_days)
    cancelled = "yes" if order.cancelled else "no"
    checks = [
        (compare("return", "order_cancelled", cancelled, "=", "no", order.cancelled_by or order.placed_by), "review"),
        *units,
        (compare("return", "requested_at", request.occurred_at, "<", ends_at, cause), "deny"),
        (compare("return", "amount_minor", amount, "<=", right.auto_approve_limit_minor, cause), "review"),
    ]
    return checks, amount, ends_at


def decide(
    order: Order, request: ReturnRequested, customer: Customer, policy: Policy, because: Because
) -> tuple[Order, ReturnDecided]:
    """The verdict, and the order with the units that it reserves: also a review's, so that nobody returns them twice.

    `policy` is the version in force at the order's date (T-30). Whose tier governs, the order's or the request's, is
    its choice, and the condition that is named after it says so (T-31).
    """
    asked: Counter[str] = Counter()
    for line in request.lines:
        asked[line.line_id] += line.quantity
    placed = "no" if order.placed_at is None else "yes"
    known = compare("return", "order_known", placed, "=", "yes", order.placed_by)
    tier_at = policy.returns.tier_at if known.holds else "request"
    at_order = tier_at == "order"
    tier, moved_by = (order.tier, order.placed_by) if at_order else (customer.tier, customer.moved.tier)
    right, entitled = entitlement(policy.returns.rights, tier, "return", f"tier_at_{tier_at}", moved_by)
    checks: list[Check] = [(known, "review")]
    amount, ends_at = 0, None
    if known.holds:
        judged, amount, ends_at = _judge(order, request, asked, policy, right, because.cause)
        checks += judged
    failed = (verdict for condition, verdict in checks if not condition.holds)
    verdict = max(failed, key=SEVERITY.__getitem__, default="approve")
    conditions = (entitled, *(condition for condition, _ in checks))
    decision = ReturnDecided(
        **head(because, customer.sequence + 1, ReturnDecided, request.return_id, conditions),
        return_id=request.return_id,
        order_id=request.order_id,
        verdict=verdict,
        tier=tier,
        amount_minor=amount,
        window_ends_at=ends_at,
    )
    reserved = Return(request.return_id, () if verdict == "deny" else tuple(sorted(asked.items())), because.cause)
    return replace(order, returns=(*order.returns, reserved)), decision
