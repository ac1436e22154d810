"""What earns points, takes them back, and lets them mature and expire (R-PTS-01, R-PTS-02, R-PTS-08, T-33, T-34, T-36)."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from processors.accrual import expires_at, of_interaction, of_purchase, percent, period, reversed_of, worth
from processors.bookings import Book, closed, note, opened, pay_back, pay_from_balance
from processors.customer import Customer
from processors.explanation import compare
from processors.ledger import Parts, claw_back, earn, expire, lot_of, mature, retime
from processors.local_time import date_of
from processors.lots import GRANTS, Granted, Lot, Name
from processors.money import convert
from processors.order import Order, load
from processors.partition import in_force_at
from processors.points_policy import Activity, Points
from processors.policy import Policy
from processors.refunds import total_minor
from processors.return_rights import Rights, ends_at, rights
from processors.unit import Unit
from schemas.commands import ReturnWindowExtended
from schemas.decided import Condition
from schemas.decisions import Decision
from schemas.events import (
    CustomerReferred,
    CustomerRegistered,
    CustomerVisited,
    OrderCancelled,
    OrderDelivered,
    OrderPlaced,
    OrderRefunded,
    OrderShipped,
    SurveyAnswered,
)

Outcome = tuple[Customer, Sequence[Decision]]
LOTS_PER_UNIT = 100
"""Lots that mature or expire in one unit of work at most; the rest follows in the next (D8)."""


class Line(NamedTuple):
    """A line of an order that earned points."""

    line_id: str
    name: Name
    lot: Lot


def _lines(book: Book, order_id: str, order: Order) -> list[Line]:
    named = ((line.line_id, ("purchase", order_id, line.line_id)) for line in order.lines)
    found = ((line_id, name, lot_of(book.account, name)) for line_id, name in named)
    return [Line(line_id, name, lot) for line_id, name, lot in found if lot is not None]


def _governing(unit: Unit, customer: Customer, order: Order) -> Rights:
    """What says when an order's goods can come back no more (T-30, T-31)."""
    return rights(order, customer, unit.policy_of(order.policy_version), unit.policy)


def _multiplied(points: Points, tier: str | None, channel: str | None, cause: str) -> tuple[Condition, ...]:
    """Whether a tier and a channel have a multiplier of their own."""
    return (
        compare("points", "tier_when_earned", tier, "in", ", ".join(points.tiers_percent), cause),
        compare("points", "channel", channel, "in", ", ".join(points.channels_percent), cause),
    )


def _purchase(book: Book, event: OrderPlaced, order: Order, policy: Policy, points: Points) -> None:
    """A lot for each line that earns anything, once for ever (T-15); at the order's tier, under the policy of its date."""
    unit, cause = book.unit, book.unit.because.cause
    amounts = worth(event, policy.lifetime_value)
    multiplier = percent(points, order.tier, event.channel)
    expires, governing = expires_at(event.occurred_at, points, policy), _governing(unit, book.customer, order)
    parts: Parts = Counter()
    latest: int | None = None
    for line_id, earned in of_purchase(amounts, event.rate_ppm, points, multiplier).items():
        name = ("purchase", event.order_id, line_id)
        if not earned or lot_of(book.account, name):
            continue
        until = ends_at(order, line_id, governing) if points.available == "after_return_window" else None
        earn(book.account, name, Lot(event.occurred_at, earned, expires, until))
        parts[expires] += earned
        latest = max(latest or 0, until) if until is not None else None
    amount = convert(max(sum(amounts.values()), 0), event.rate_ppm)
    spent = compare("points", "purchase_minor", amount, ">=", points.purchases.per_minor, cause)
    conditions = (spent, *_multiplied(points, order.tier, event.channel, cause))
    order_id = event.order_id
    note(book, "earned", parts, conditions, policy, matures_at=latest, activity="purchase", order_id=order_id)
    if latest is None:
        pay_back(book, sum(parts.values()), order_id=event.order_id)


def _take_back(book: Book, order_id: str, order: Order, policy: Policy, points: Points) -> None:
    """Points of lines that were refunded or cancelled, each once (T-34); what was spent meanwhile is owed (T-33)."""
    lines = _lines(book, order_id, order)
    targets = reversed_of(order, policy.lifetime_value, {line.line_id: line.lot.earned for line in lines})
    parts: Parts = Counter()
    for line in lines:
        parts += claw_back(book.account, line.name, line.lot, targets.get(line.line_id, 0))
    cause = book.unit.because.cause
    conditions = (
        compare("points", "order_cancelled", "yes" if order.cancelled else "no", "=", "yes", order.cancelled_by),
        compare("points", "refunded_minor", convert(total_minor(order.refunds), order.rate_ppm), ">", 0, cause),
    )
    note(book, "clawed_back", parts, conditions, policy, order_id=order_id)
    if parts:
        pay_from_balance(book, points)


def _retime(book: Book, order_id: str, order: Order) -> None:
    """What was delivered, or may come back for longer, matures at another instant."""
    governing = _governing(book.unit, book.customer, order)
    for line in _lines(book, order_id, order):
        if line.lot.pending_until is not None:
            retime(book.account, line.name, line.lot, ends_at(order, line.line_id, governing))


def catch_up(unit: Unit, customer: Customer, order_id: str) -> Outcome:
    """When an order's points mature, where another id of the customer was told of its deliveries, before they were linked (T-24)."""
    order = load(unit.rows, unit.subject, order_id)
    book = opened(unit, customer)
    if order.placed_at is not None:
        _retime(book, order_id, order)
    return closed(book)


def follow_order(unit: Unit, customer: Customer, event: Any) -> Outcome:
    """What an event of an order does to the points that it earns; those that came before it count too (T-16, T-17)."""
    order = load(unit.rows, unit.subject, event.order_id)
    policy = unit.policy_of(order.policy_version)
    if order.placed_at is None or policy.points is None:
        return customer, ()
    book = opened(unit, customer)
    match event:
        case OrderPlaced() if order.placed_by == unit.because.cause:
            _purchase(book, event, order, policy, policy.points)
            if order.cancelled or order.refunds:
                _take_back(book, event.order_id, order, policy, policy.points)
        case OrderRefunded() | OrderCancelled():
            _take_back(book, event.order_id, order, policy, policy.points)
        case OrderShipped() | OrderDelivered() | ReturnWindowExtended():
            _retime(book, event.order_id, order)
        case _:
            pass
    return closed(book)


def _interaction(event: Any, zone: str) -> tuple[Activity, Name, str | None] | None:
    """What an event is called where it earns points: the same thing told again has the same name (T-15)."""
    match event:
        case CustomerRegistered():
            return "registration", ("registration",), None
        case CustomerReferred() if event.referred_customer_id != event.customer_id:
            return "referral", ("referral", event.referred_customer_id), None
        case SurveyAnswered():
            return "answer", ("answer", event.survey_id, event.question_id), None
        case CustomerVisited():
            day = date_of(event.occurred_at, zone).isoformat()
            return "visit", ("visit", event.channel, day), event.channel
        case _:
            return None


def interact(unit: Unit, customer: Customer, event: Any) -> Outcome:
    """An interaction that the policy of its date rewards, up to its cap; a visit once a day and channel."""
    policy = in_force_at(unit.rows, unit.partition, event.occurred_at)
    points, found = policy.points, _interaction(event, policy.time_zone)
    rule = points.interactions.get(found[0]) if points and found else None
    if points is None or found is None or rule is None:
        return customer, ()
    (activity, name, channel), at, cause = found, event.occurred_at, unit.because.cause
    book, within = opened(unit, customer), period(rule, at, policy.time_zone)
    granted = unit.rows.get(GRANTS, unit.subject, activity, within) or Granted(0)
    room = compare("points", f"times_before_in_{within}", granted.times, "<", rule.most, cause)
    earned = of_interaction(rule, percent(points, customer.tier, channel))
    if not earned or not room.holds or lot_of(book.account, name):
        return customer, ()
    expires = expires_at(at, points, policy)
    earn(book.account, name, Lot(at, earned, expires))
    unit.rows.put(GRANTS, Granted(granted.times + 1), unit.subject, activity, within)
    multiplied = _multiplied(points, customer.tier, channel, cause)
    note(book, "earned", Counter({expires: earned}), (room, *multiplied), policy, activity=activity)
    pay_back(book, earned)
    return closed(book)


def matures_at(customer: Customer, _policy: Policy) -> int | None:
    """When the first pending points can be spent."""
    return customer.points.matures_at


def ripen(unit: Unit, customer: Customer) -> Outcome:
    """Points whose return window has closed can be spent, and pay first for what is owed."""
    book, due = opened(unit, customer), customer.points.matures_at
    parts = mature(book.account, unit.now, LOTS_PER_UNIT)
    note(book, "matured", parts, (compare("points", "window_ended_at", unit.now, ">=", due, customer.moved.points),))
    pay_back(book, sum(parts.values()))
    return closed(book)


def expires_next(customer: Customer, _policy: Policy) -> int | None:
    """When the first points of the balance expire."""
    return customer.points.expires_at


def lapse(unit: Unit, customer: Customer) -> Outcome:
    """Points that nobody spent in time are gone (T-36)."""
    book, due = opened(unit, customer), customer.points.expires_at
    parts = expire(book.account, unit.now, LOTS_PER_UNIT)
    note(book, "expired", parts, (compare("points", "expired_at", unit.now, ">=", due, customer.moved.points),))
    return closed(book)


RULES: Mapping[type, Callable[[Unit, Customer, Any], Outcome]] = {
    **dict.fromkeys(
        (OrderPlaced, OrderShipped, OrderDelivered, OrderCancelled, OrderRefunded, ReturnWindowExtended), follow_order
    ),
    **dict.fromkeys((CustomerRegistered, CustomerReferred, SurveyAnswered, CustomerVisited), interact),
}
"""Events that move points by rules. They come after verdicts, so that an extended window holds already."""
