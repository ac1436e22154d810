"""What is known of a customer, and how each event changes it: the rules, in one literal table."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from processors import (
    activity,
    at_risk,
    celebrations,
    consents,
    fulfilment,
    interactions,
    lifetime_value,
    operations,
    order,
    subscriptions,
    synchronisation,
)
from processors.activity import Activity
from processors.customer import Customer, known_since, ordered
from processors.designating import Hearing
from processors.effects import Send
from processors.interactions import InteractionEvent
from processors.order import ORDERS, Order
from processors.partition import in_force_at
from processors.subscriptions import SUBSCRIPTIONS, SubscriptionEvent, Subscriptions
from processors.tenure import began
from processors.unit import Unit
from schemas.commands import Command, OutreachRecorded
from schemas.decisions import Decision
from schemas.events import (
    ConsentChanged,
    ContactOpened,
    CustomerReferred,
    CustomerRegistered,
    CustomerVisited,
    OrderCancelled,
    OrderDelivered,
    OrderPlaced,
    OrderRefunded,
    OrderShipped,
    ReturnDisputed,
    StatusReported,
    SubscriptionCancelled,
    SubscriptionChanged,
    SubscriptionPaused,
    SubscriptionResumed,
    SubscriptionStarted,
    SurveyAnswered,
)

Outcome = tuple[Customer, Sequence[Decision | Send]]


def _register(unit: Unit, customer: Customer, event: CustomerRegistered) -> Outcome:
    return celebrations.tell_birth(known_since(customer, event.occurred_at, unit.because.cause), event), ()


def _heard(tell: Callable[[Customer, Any, str], Customer]) -> Callable[[Unit, Customer, Any], Outcome]:
    """The rule of an event that is noted on the customer's row."""
    return lambda unit, customer, event: (tell(customer, event, unit.because.cause), ())


def _outreach(unit: Unit, customer: Customer, event: OutreachRecorded) -> Outcome:
    return at_risk.record(customer, event, unit.policy, unit.because)


def doing(customer: Customer, active: Activity) -> Customer:
    """The customer with what they do; the same one where nothing moved."""
    return customer if active is customer.activity else replace(customer, activity=active)


def _keep_order(unit: Unit, customer: Customer, order_id: str, before: Order, after: Order) -> Customer:
    """Write the order, and move the customer's totals by the difference that it makes."""
    if after == before:
        return customer
    unit.rows.put(ORDERS, after, unit.subject, order_id)
    customer = fulfilment.keep(unit, customer, order_id, before, after)
    customer = replace(customer, orders=customer.orders + order.counts(after) - order.counts(before))
    if waiting := order.awaited(after) - order.awaited(before):
        customer = doing(customer, replace(customer.activity, awaited=customer.activity.awaited + waiting))
    if not (worth := lifetime_value.net_minor(after) - lifetime_value.net_minor(before)):
        return customer
    return replace(
        customer,
        value_minor=customer.value_minor + worth,
        moved=replace(customer.moved, value=unit.because.cause),
    )


def _place(unit: Unit, customer: Customer, event: OrderPlaced) -> Outcome:
    before = order.load(unit.rows, unit.subject, event.order_id)
    if before.placed_at is not None:
        return customer, ()
    policy = in_force_at(unit.rows, unit.partition, event.occurred_at)
    after = replace(
        order.place(before, event, unit.because.cause),
        added_minor=lifetime_value.added_minor(event, policy.lifetime_value),
        refunds_count=policy.lifetime_value.goods,
        policy_version=policy.version,
        tier=customer.tier,
    )
    customer = _keep_order(unit, customer, event.order_id, before, after)
    customer = ordered(customer, event.occurred_at, unit.because.cause)
    customer = doing(customer, activity.ordered(customer.activity, event.occurred_at, policy))
    return at_risk.hear(customer, event.order_id, event.occurred_at, unit.policy, unit.because)


def _become(change: Callable[[Order, Any, str], Order]) -> Callable[[Unit, Customer, Any], Outcome]:
    """The rule of an event that says what became of an order."""

    def rule(unit: Unit, customer: Customer, event: Any) -> Outcome:
        before = order.load(unit.rows, unit.subject, event.order_id)
        return _keep_order(unit, customer, event.order_id, before, change(before, event, unit.because.cause)), ()

    return rule


def _subscribe(unit: Unit, customer: Customer, event: SubscriptionEvent) -> Outcome:
    before = unit.rows.get(SUBSCRIPTIONS, unit.subject) or Subscriptions()
    after = subscriptions.tell(before, event, unit.because.cause)
    if after == before:
        return customer, ()
    unit.rows.put(SUBSCRIPTIONS, after, unit.subject)
    if isinstance(event, SubscriptionStarted):
        customer = known_since(customer, event.occurred_at, unit.because.cause)
    member = replace(customer, membership=subscriptions.membership(after))
    if began(member, unit.policy) != began(customer, unit.policy):
        member = replace(member, moved=replace(member.moved, since=unit.because.cause))
    return member, ()


def _interact(unit: Unit, customer: Customer, event: InteractionEvent) -> Outcome:
    policy = in_force_at(unit.rows, unit.partition, event.occurred_at)
    return doing(customer, interactions.tell(unit.rows, unit.subject, customer.activity, event, policy)), ()


def hearing(unit: Unit) -> Hearing:
    """Where a command of a person is heard."""
    return Hearing(unit.rows, unit.policy, unit.now, unit.because)


def _command(unit: Unit, customer: Customer, command: Command) -> Outcome:
    given = in_force_at(unit.rows, unit.partition, command.occurred_at)
    return operations.obey(customer, command, given, hearing(unit))


FACTS: Mapping[type, Callable[[Unit, Customer, Any], Outcome]] = {
    CustomerRegistered: _register,
    ConsentChanged: _heard(consents.tell),
    StatusReported: _heard(synchronisation.hear),
    OutreachRecorded: _outreach,
    OrderPlaced: _place,
    OrderShipped: _become(order.ship),
    OrderDelivered: _become(order.deliver),
    OrderCancelled: _become(order.cancel),
    OrderRefunded: _become(order.refund),
    SubscriptionStarted: _subscribe,
    SubscriptionChanged: _subscribe,
    SubscriptionPaused: _subscribe,
    SubscriptionResumed: _subscribe,
    SubscriptionCancelled: _subscribe,
    CustomerReferred: _interact,
    CustomerVisited: _interact,
    SurveyAnswered: _interact,
    ContactOpened: _interact,
    ReturnDisputed: _interact,
    **dict.fromkeys(operations.RULES, _command),
}
"""Events that change what is known of a customer. They come before the tier is compared."""
