"""Making good by rule what went wrong with an order: it comes late, or a delivery failed (R-REC-01, R-REC-04).

Each occasion is made good once, by the tier and the policy of the moment at which it is known. What is told before its order
waits in the order's row (T-17). What rules give counts towards the customer's cap, as what people give does (T-45).
"""

from collections.abc import Sequence

from msgspec.structs import replace

from processors import recent
from processors.customer import Customer
from processors.entitlements import entitlement
from processors.explanation import compare, head
from processors.goodwill import GOODWILL, Given, give, within
from processors.local_time import HOUR_MS
from processors.order import ORDERS, Mishap, Order, load
from processors.recovery_policy import Cap, Remedy
from processors.unit import Unit
from schemas.decisions import RecoveryDecided, Remedied
from schemas.events import OrderDelayed, OrderFailed

Outcome = tuple[Customer, Sequence[RecoveryDecided]]
MOST_MISHAPS = 32
"""Failures of one order that are told apart; more are as one."""


def given_to(unit: Unit) -> Given:
    """What the customer was given so far."""
    return unit.rows.get(GOODWILL, unit.subject) or Given()


def cap_of(unit: Unit, tier: str | None) -> Cap:
    """The cap that counts for a customer of a tier."""
    caps = unit.policy.recovery.caps
    return caps.tiers.get(tier or "", caps.base)


def spent(unit: Unit, given: Given) -> int:
    """What a customer was given within the window, minor units."""
    return within(given, unit.now, unit.policy.recovery.window_days, unit.policy.time_zone)


def left(unit: Unit, tier: str | None, given: Given) -> int:
    """What the customer may still be given within the window, minor units; 0 where a person went beyond it (R-REC-05)."""
    return max(cap_of(unit, tier).most_minor - spent(unit, given), 0)


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


def look_again(unit: Unit, customer: Customer, order_id: str, mishaps: Sequence[Mishap]) -> Outcome:
    """What went wrong with an order of which nothing was known until now."""
    return _make_good(unit, customer, order_id, load(unit.rows, unit.subject, order_id), mishaps)


def _hear(unit: Unit, customer: Customer, order_id: str, mishap: Mishap) -> Outcome:
    order = load(unit.rows, unit.subject, order_id)
    before = next((each for each in order.mishaps if _occasion(each) == _occasion(mishap)), None)
    if before is not None and before.late_ms >= mishap.late_ms:
        return customer, ()
    others = [each for each in order.mishaps if each is not before]
    if len(others) >= MOST_MISHAPS:
        return customer, ()
    order = replace(order, mishaps=tuple(sorted((*others, mishap), key=_occasion)))
    unit.rows.put(ORDERS, order, unit.subject, order_id)
    return _make_good(unit, customer, order_id, order, (mishap,))


def _occasion(mishap: Mishap) -> str:
    """What is made good once."""
    return f"{mishap.occasion}/{mishap.shipment_id or ''}"


def _make_good(unit: Unit, customer: Customer, order_id: str, order: Order, mishaps: Sequence[Mishap]) -> Outcome:
    """Each occasion once, which the order remembers; nothing while it is not placed, or once it was cancelled."""
    if order.placed_at is None or order.cancelled:
        return customer, ()
    if goes_wrong(order):
        began = recent.happened("order_placed", order_id, order.placed_at)
        customer = replace(customer, unsettled=recent.unsettled(customer.unsettled, began, is_open=True))
    decisions: list[RecoveryDecided] = []
    for mishap in mishaps:
        occasion = _occasion(mishap)
        if occasion not in order.amended and (decision := _amends(unit, customer, order_id, order, mishap)):
            order = replace(order, amended=(*order.amended, occasion))
            customer = replace(customer, sequence=decision.sequence)
            decisions.append(decision)
    if decisions:
        unit.rows.put(ORDERS, order, unit.subject, order_id)
    return customer, decisions


def goes_wrong(order: Order) -> bool:
    """Whether an order is late, or could not be delivered, and has not arrived since (R-RTE-09)."""
    return bool(order.mishaps) and order.placed_at is not None and not order.cancelled and order.delivered_at is None


def _amends(unit: Unit, customer: Customer, order_id: str, order: Order, mishap: Mishap) -> RecoveryDecided | None:
    """Grant what the tier gets, or ask a person where that is beyond the customer's cap; nothing where nothing is due."""
    rule = unit.policy.recovery
    amends, entitled = entitlement(rule.amends, customer.tier, "recovery", "tier", customer.moved.tier)
    late = compare("recovery", "late_hours", mishap.late_ms // HOUR_MS, ">=", amends.late_hours, mishap.cause)
    wished, asked = (amends.on_delay, (late,)) if mishap.occasion == "delay" else (amends.on_failure, ())
    if not wished or not all(each.holds for each in asked):
        return None
    remedies = tuple(Remedied(each.kind, _worth(each, order)) for each in wished)
    amount = sum(each.amount_minor for each in remedies)
    given = given_to(unit)
    cap, capped = entitlement(rule.caps, customer.tier, "goodwill", "tier", customer.moved.tier)
    # Goods that are sent again are owed, and no goodwill: only what costs is measured by the cap.
    with_it = spent(unit, given) + amount if amount else 0
    fits = compare("goodwill", "goodwill_minor", with_it, "<=", cap.most_minor, mishap.cause)
    if fits.holds and amount:
        given = spend(unit, amount)
    conditions, about = (entitled, *asked, capped, fits), f"{order_id}/{_occasion(mishap)}"
    return RecoveryDecided(
        **head(unit.because, customer.sequence + 1, RecoveryDecided, about, conditions),
        order_id=order_id,
        occasion=mishap.occasion,
        shipment_id=mishap.shipment_id,
        verdict="granted" if fits.holds else "review",
        tier=customer.tier,
        remedies=remedies,
        amount_minor=amount,
        goodwill_left_minor=left(unit, customer.tier, given),
        approvers="" if fits.holds else approvers(unit, amount, beyond_cap=True),
    )


def approvers(unit: Unit, amount_minor: int, *, beyond_cap: bool) -> str:
    """Roles that may grant so much, by name, also beyond a customer's cap where that is asked (R-REC-03)."""
    known = unit.policy.recovery.authority
    able = (
        role for role, may in known.items() if may.each_minor >= amount_minor and (may.beyond_cap or not beyond_cap)
    )
    return ", ".join(sorted(able))


def _worth(remedy: Remedy, order: Order) -> int:
    return order.shipping_minor if remedy.kind == "shipping_waived" else remedy.amount_minor
