"""Orders' flags for picking and packing: what the customer's status gives, from acceptance until dispatch (R-FUL-01..06, R-FUL-11).

A flag is bound to its order when that is accepted, and issued again, superseding the one before, whenever the status says
something else; from the first shipment on it stays as it is.
"""

from collections.abc import Sequence
from typing import NamedTuple

from msgspec.structs import replace

from processors import benefits
from processors.customer import Customer
from processors.entitlements import entitlement
from processors.explanation import Because, head
from processors.fulfilment_policy import Fulfilment, Handling
from processors.head_start import clock, rank_of, waits_until
from processors.local_time import end_of
from processors.order import Order, awaits_dispatch
from processors.policy import Policy
from processors.undispatched import UNDISPATCHED, Open, Orders, Undispatched, opened, without
from processors.unit import Unit
from schemas.decided import Condition
from schemas.decisions import OrderFlagged


class Status(NamedTuple):
    """What a customer's status gives to each of their orders."""

    tier: str | None
    icon: str | None
    badge: str | None
    note: str | None
    handling: Handling
    given: tuple[str, ...]
    """Single benefits that go into the parcel."""


def status(customer: Customer, policy: Policy, rule: Fulfilment) -> tuple[Status, tuple[Condition, ...]]:
    """The status, and every condition that it was made from."""
    handling, entitled = entitlement(rule.handling, customer.tier, "fulfilment", "tier", customer.moved.tier)
    label = benefits.label(customer, policy)
    badge = next((tier.label for tier in policy.tiers if tier.name == customer.tier), None)
    given = tuple(name for name in benefits.in_force(customer, policy) if name in rule.benefits_in_parcel)
    found = Status(customer.tier, label.icon, badge, label.handling_note, handling, given)
    return found, (entitled, *benefits.icon_needs(customer))


def flagged(
    order: Open,
    found: Status,
    conditions: tuple[Condition, ...],
    rule: Fulfilment,
    because: Because,
    sequence: int,
    accountable: str,
) -> OrderFlagged:
    """The decision on one order."""
    return OrderFlagged(
        **head(because, sequence, OrderFlagged, order.order_id, conditions),
        order_id=order.order_id,
        tier=found.tier,
        priority=found.handling.priority,
        rank_at=rank_of(order.placed_at, found.handling.priority),
        pick_by=order.pick_by,
        lane=rule.reward_lane if order.rewards else rule.lane,
        label_icon=found.icon,
        badge=found.badge,
        handling_note=found.note,
        packing=found.handling.packing,
        inserts=(*found.handling.inserts, *found.given),
        supersedes=order.flagged_id,
        accountable=accountable,
    )


def keep(unit: Unit, customer: Customer, order_id: str, before: Order, after: Order) -> Customer:
    """An order that is accepted waits to be dispatched; one that is dispatched, delivered or cancelled does so no longer."""
    if awaits_dispatch(before) == awaits_dispatch(after):
        return customer
    known = unit.rows.get(UNDISPATCHED, unit.subject) or Orders()
    if not awaits_dispatch(after):
        return _write(unit, customer, known, without(known, order_id))
    rule, placed_at = unit.policy.fulfilment, after.placed_at or 0
    if rule is None or _long_gone(placed_at, unit, rule):
        return customer
    pick_by = waits_until(placed_at, rule.longest_wait_minutes, clock(unit.policy, rule.calendar))
    return _write(unit, customer, known, opened(known, Open(order_id, placed_at, pick_by, after.rewards)))


def follow(unit: Unit, before: Customer, customer: Customer) -> tuple[Customer, Sequence[OrderFlagged]]:
    """The flags that this unit of work leads to: of orders that have none yet, or of all where the status says otherwise.

    Only the orders that wait are looked at, and only then: what a step costs does not grow with their history.
    """
    rule, waits = unit.policy.fulfilment, customer.undispatched
    if rule is None or not waits.orders:
        return customer, ()
    moved = before.undispatched.orders > 0 and _made_from(before) != _made_from(customer)
    if not (waits.anew or waits.unflagged or moved):
        return customer, ()
    found, conditions = status(customer, unit.policy, rule)
    changed = waits.anew or (moved and _status_before(unit, before) != found)
    if not (changed or waits.unflagged):
        return customer, ()
    known, decided = unit.rows.get(UNDISPATCHED, unit.subject) or Orders(), list[OrderFlagged]()
    waiting = list[Open]()
    for each in known.orders:
        order = each
        if _long_gone(each.placed_at, unit, rule):
            continue
        if changed or each.flagged_id is None:
            sequence = customer.sequence + len(decided) + 1
            accountable = unit.policy.service.accountable.picking
            decided.append(flagged(each, found, conditions, rule, unit.because, sequence, accountable))
            order = replace(each, flagged_id=decided[-1].decision_id)
        waiting.append(order)
    customer = replace(customer, sequence=customer.sequence + len(decided))
    return _write(unit, customer, known, Orders(tuple(waiting))), decided


def _made_from(customer: Customer) -> tuple[object, ...]:
    """What of a customer a status is made from: where that stays, as at nearly every event, it need not be made."""
    return customer.tier, customer.people, customer.membership, customer.policy_version


def _status_before(unit: Unit, before: Customer) -> Status | None:
    """What was said of the customer's orders until now, under the policy that they had gone through by then."""
    policy = unit.policy
    if before.policy_version != policy.version:
        policy = unit.policy_of(before.policy_version)
    return None if policy.fulfilment is None else status(before, policy, policy.fulfilment)[0]


def _long_gone(placed_at: int, unit: Unit, rule: Fulfilment) -> bool:
    """Whether an order counts as dispatched although nobody said so."""
    return unit.now >= end_of(placed_at, rule.assumed_dispatch_days, unit.policy.time_zone)


def _write(unit: Unit, customer: Customer, known: Orders, orders: Orders) -> Customer:
    if orders == known:
        return customer
    if orders.orders:
        unit.rows.put(UNDISPATCHED, orders, unit.subject)
    else:
        unit.rows.delete(UNDISPATCHED, unit.subject)
    unflagged = any(each.flagged_id is None for each in orders.orders)
    return replace(customer, undispatched=Undispatched(len(orders.orders), unflagged))
