"""Making good by rule what went wrong with an order: it comes late, or a delivery failed (R-REC-01, R-REC-04).

Each occasion is made good once, by the tier and the policy of the moment at which it is known. What is told before its order
waits in the order's row (T-17). What rules give counts towards the customer's cap, as what people give does (T-45).
"""

from collections.abc import Sequence

from msgspec.structs import replace

from processors.customer import Customer
from processors.entitlements import entitlement
from processors.explanation import compare, head
from processors.goodwill import GOODWILL, Given, give, within
from processors.order import ORDERS, Mishap, Order, load
from processors.recovery_policy import Remedy
from processors.unit import Unit
from schemas.decisions import RecoveryDecided, Remedied
from schemas.events import OrderDelayed, OrderFailed, OrderPlaced

Outcome = tuple[Customer, Sequence[RecoveryDecided]]
HOUR_MS = 3_600_000
MOST_MISHAPS = 32
"""Failures of one order that are told apart; more are as one."""


def given_to(unit: Unit) -> Given:
    """What the customer was given so far."""
    return unit.rows.get(GOODWILL, unit.subject) or Given()


def left(unit: Unit, tier: str | None, given: Given) -> int:
    """What the customer may still be given within the window, minor units; 0 where a person went beyond it (R-REC-05)."""
    rule = unit.policy.recovery
    cap = rule.caps.tiers.get(tier or "", rule.caps.base)
    return max(cap.most_minor - within(given, unit.now, rule.window_days, unit.policy.time_zone), 0)


def spend(unit: Unit, minor: int) -> Given:
    """Write that the customer was given something, or that it was taken back."""
    given = give(given_to(unit), minor, unit.now, unit.policy.recovery.window_days, unit.policy.time_zone)
    if given.days:
        unit.rows.put(GOODWILL, given, unit.subject)
    else:
        unit.rows.delete(GOODWILL, unit.subject)
    return given


def hear_of_delay(unit: Unit, customer: Customer, event: OrderDelayed) -> Outcome:
    """An order will come later than promised; of several tellings the latest date counts."""
    late_ms = max((event.expected_at or event.occurred_at) - event.promised_at, 0)
    return _hear(unit, customer, event.order_id, Mishap("delay", None, late_ms, unit.because.cause))


def hear_of_failure(unit: Unit, customer: Customer, event: OrderFailed) -> Outcome:
    """A delivery failed."""
    return _hear(unit, customer, event.order_id, Mishap("failure", event.shipment_id, 0, unit.because.cause))


def look_again(unit: Unit, customer: Customer, event: OrderPlaced) -> Outcome:
    """What went wrong with an order of which nothing was known until now."""
    order = load(unit.rows, unit.subject, event.order_id)
    decisions: list[RecoveryDecided] = []
    for mishap in order.mishaps:
        customer, decided = _amend(unit, customer, event.order_id, mishap)
        decisions += decided
    return customer, decisions


def _hear(unit: Unit, customer: Customer, order_id: str, mishap: Mishap) -> Outcome:
    order = load(unit.rows, unit.subject, order_id)
    before = next((each for each in order.mishaps if _occasion(each) == _occasion(mishap)), None)
    if before is not None and before.late_ms >= mishap.late_ms:
        return customer, ()
    others = [each for each in order.mishaps if each is not before]
    if len(others) >= MOST_MISHAPS:
        return customer, ()
    mishaps = tuple(sorted((*others, mishap), key=_occasion))
    unit.rows.put(ORDERS, replace(order, mishaps=mishaps), unit.subject, order_id)
    return _amend(unit, customer, order_id, mishap)


def _occasion(mishap: Mishap) -> str:
    """What is made good once."""
    return f"{mishap.occasion}/{mishap.shipment_id or ''}"


def _amend(unit: Unit, customer: Customer, order_id: str, mishap: Mishap) -> Outcome:
    """Grant what the tier gets, or ask a person where that is beyond the customer's cap; nothing where nothing is due."""
    order, occasion = load(unit.rows, unit.subject, order_id), _occasion(mishap)
    if order.placed_at is None or order.cancelled or occasion in order.amended:
        return customer, ()
    rule = unit.policy.recovery
    amends, entitled = entitlement(rule.amends, customer.tier, "recovery", "tier", customer.moved.tier)
    late = compare("recovery", "late_hours", mishap.late_ms // HOUR_MS, ">=", amends.late_hours, mishap.cause)
    wished = amends.on_delay if mishap.occasion == "delay" else amends.on_failure
    if not wished or (mishap.occasion == "delay" and not late.holds):
        return customer, ()
    remedies = tuple(Remedied(each.kind, _worth(each, order)) for each in wished)
    amount = sum(each.amount_minor for each in remedies)
    given = given_to(unit)
    cap, capped = entitlement(rule.caps, customer.tier, "goodwill", "tier", customer.moved.tier)
    spent = within(given, unit.now, rule.window_days, unit.policy.time_zone) + amount
    # Goods that are sent again are owed, and no goodwill: only what costs is measured by the cap.
    fits = compare("goodwill", "goodwill_minor", spent if amount else 0, "<=", cap.most_minor, mishap.cause)
    if fits.holds and amount:
        given = spend(unit, amount)
    unit.rows.put(ORDERS, replace(order, amended=(*order.amended, occasion)), unit.subject, order_id)
    asked = (late,) if mishap.occasion == "delay" else ()
    decision = RecoveryDecided(
        **head(
            unit.because,
            customer.sequence + 1,
            RecoveryDecided,
            f"{order_id}/{occasion}",
            (entitled, *asked, capped, fits),
        ),
        order_id=order_id,
        occasion=mishap.occasion,
        shipment_id=mishap.shipment_id,
        verdict="granted" if fits.holds else "review",
        tier=customer.tier,
        remedies=remedies,
        amount_minor=amount,
        goodwill_left_minor=left(unit, customer.tier, given),
    )
    return replace(customer, sequence=decision.sequence), (decision,)


def _worth(remedy: Remedy, order: Order) -> int:
    return order.shipping_minor if remedy.kind == "shipping_waived" else remedy.amount_minor
