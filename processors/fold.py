"""What happens on each event and timer of a customer: the rules, in one literal table."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from processors import (
    activity,
    at_risk,
    interactions,
    lifecycle,
    lifetime_value,
    order,
    qualification,
    returns,
    routing,
    subscriptions,
    tiers,
)
from processors.customer import Customer, known_since, ordered
from processors.explanation import Because
from processors.interactions import InteractionEvent
from processors.movements import moved
from processors.order import ORDERS, Order
from processors.partition import Partition, in_force_at, named
from processors.policy import Policy
from processors.routing import CASES
from processors.rows import Rows
from processors.subscriptions import SUBSCRIPTIONS, SubscriptionEvent, Subscriptions
from processors.tenure import began
from schemas.decisions import Decision
from schemas.events import (
    ContactOpened,
    CustomerReferred,
    CustomerRegistered,
    CustomerVisited,
    OrderCancelled,
    OrderDelivered,
    OrderPlaced,
    OrderRefunded,
    ReturnDisputed,
    ReturnRequested,
    SubscriptionCancelled,
    SubscriptionChanged,
    SubscriptionPaused,
    SubscriptionResumed,
    SubscriptionStarted,
    SurveyAnswered,
)
from schemas.source import SourceEvent

Outcome = tuple[Customer, Sequence[Decision]]


class Unit(Struct, frozen=True):
    """One unit of work on one customer: `now` is the instant that rules evaluate, `policy` the version in force."""

    rows: Rows
    partition: Partition
    now: int
    policy: Policy
    because: Because

    @property
    def subject(self) -> str:
        """The customer whose rows this unit may write."""
        return self.because.customer_id


def _register(unit: Unit, customer: Customer, event: CustomerRegistered) -> Outcome:
    return known_since(customer, event.occurred_at, unit.because.cause), ()


def _load_order(unit: Unit, order_id: str) -> Order:
    return unit.rows.get(ORDERS, unit.subject, order_id) or Order()


def _keep_order(unit: Unit, customer: Customer, order_id: str, before: Order, after: Order) -> Customer:
    """Write the order, and move the customer's totals by the difference that it makes."""
    if after == before:
        return customer
    unit.rows.put(ORDERS, after, unit.subject, order_id)
    customer = replace(customer, orders=customer.orders + order.counts(after) - order.counts(before))
    if waiting := order.awaited(after) - order.awaited(before):
        active = replace(customer.activity, awaited=customer.activity.awaited + waiting)
        customer = replace(customer, activity=active)
    if not (worth := lifetime_value.net_minor(after) - lifetime_value.net_minor(before)):
        return customer
    return replace(
        customer,
        value_minor=customer.value_minor + worth,
        moved=replace(customer.moved, value=unit.because.cause),
    )


def _place(unit: Unit, customer: Customer, event: OrderPlaced) -> Outcome:
    before = _load_order(unit, event.order_id)
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
    active = activity.ordered(customer.activity, event.occurred_at, policy)
    customer = customer if active is customer.activity else replace(customer, activity=active)
    return at_risk.hear(customer, event.order_id, event.occurred_at, unit.policy, unit.because)


def _deliver(unit: Unit, customer: Customer, event: OrderDelivered) -> Outcome:
    before = _load_order(unit, event.order_id)
    return _keep_order(unit, customer, event.order_id, before, order.deliver(before, event, unit.because.cause)), ()


def _cancel(unit: Unit, customer: Customer, event: OrderCancelled) -> Outcome:
    before = _load_order(unit, event.order_id)
    return _keep_order(unit, customer, event.order_id, before, order.cancel(before, event, unit.because.cause)), ()


def _refund(unit: Unit, customer: Customer, event: OrderRefunded) -> Outcome:
    before = _load_order(unit, event.order_id)
    return _keep_order(unit, customer, event.order_id, before, order.refund(before, event, unit.because.cause)), ()


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
    active = interactions.tell(unit.rows, unit.subject, customer.activity, event, policy)
    return (customer if active == customer.activity else replace(customer, activity=active)), ()


def _return(unit: Unit, customer: Customer, event: ReturnRequested) -> Outcome:
    before = _load_order(unit, event.order_id)
    if any(earlier.return_id == event.return_id for earlier in before.returns):
        return customer, ()
    policy = named(unit.rows, before.policy_version) if before.policy_version else unit.policy
    because = replace(unit.because, policy_version=policy.version, currency=policy.currency)
    after, decision = returns.decide(before, event, customer, policy, because)
    unit.rows.put(ORDERS, after, unit.subject, event.order_id)
    return replace(customer, sequence=decision.sequence), (decision,)


def _contact(unit: Unit, customer: Customer, event: ContactOpened) -> Outcome:
    if unit.rows.get(CASES, unit.subject, event.case_id):
        return customer, ()
    case, decision = routing.route(event, customer, unit.policy, unit.now, unit.because)
    unit.rows.put(CASES, case, unit.subject, event.case_id)
    return replace(customer, sequence=decision.sequence), (decision,)


FACTS: Mapping[type, Callable[[Unit, Customer, Any], Outcome]] = {
    CustomerRegistered: _register,
    OrderPlaced: _place,
    OrderDelivered: _deliver,
    OrderCancelled: _cancel,
    OrderRefunded: _refund,
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
}
"""Events that change what is known of a customer. They come before the tier is compared."""

QUESTIONS: Mapping[type, Callable[[Unit, Customer, Any], Outcome]] = {
    ReturnRequested: _return,
    ContactOpened: _contact,
}
"""Events that ask for a verdict. They come after the tier is compared, so that a new policy holds for them."""


def fold_event(unit: Unit, customer: Customer, event: SourceEvent) -> tuple[Customer, list[Decision]]:
    """The customer after the event, and what was decided."""
    decisions: list[Decision] = []
    if type(event) in FACTS:
        before = customer
        customer, heard = FACTS[type(event)](unit, customer, event)
        customer = moved(before, customer, unit.because.cause)
        decisions += heard
    customer, changed = _compare_tier(unit, customer)
    decisions += changed
    if type(event) in QUESTIONS:
        customer, answered = QUESTIONS[type(event)](unit, customer, event)
        decisions += answered
    return customer, decisions


def _compare_tier(unit: Unit, customer: Customer, *, over: bool = False) -> Outcome:
    """Under the policy in force, to which the customer moves with this."""
    active = activity.looked_at(customer.activity, unit.policy, unit.now)
    if active is not customer.activity:
        customer = replace(customer, activity=active)
    customer, _ = _stage(unit, customer)
    customer, changed = tiers.requalify(customer, unit.policy, unit.now, unit.because, over=over)
    if customer.policy_version != unit.policy.version:
        customer = replace(customer, policy_version=unit.policy.version)
    return at_risk.close_without_status(customer), changed


def _time(unit: Unit, customer: Customer) -> Outcome:
    return _compare_tier(unit, customer)


def _time_is_over(unit: Unit, customer: Customer) -> Outcome:
    return _compare_tier(unit, customer, over=True)


def _stage(unit: Unit, customer: Customer) -> Outcome:
    stage = lifecycle.stage(customer, unit.policy, unit.now)
    if stage == customer.activity.stage:
        return customer, ()
    return replace(customer, activity=replace(customer.activity, stage=stage)), ()


def _silence(unit: Unit, customer: Customer) -> Outcome:
    return at_risk.alert(customer, unit.policy, unit.now, unit.because)


TIMERS: Mapping[str, tuple[Callable[[Customer, Policy], int | None], Callable[[Unit, Customer], Outcome]]] = {
    "tenure": (qualification.rises_at, _time),
    "grace": (tiers.falls_at, _time_is_over),
    "lapse": (tiers.lapses_at, _time_is_over),
    "at_risk": (at_risk.silent_at, _silence),
    "windows": (lambda customer, _: customer.activity.turns_at, _time),
    "stage": (lifecycle.moves_on_at, _stage),
}
"""When each kind of timer is wanted, as the customer's row stands, and what it does."""


def wanted(customer: Customer, policy: Policy, now: int) -> dict[str, int | None]:
    """When each kind of timer should fire, as things stand at `now`: not in the past, and None for never."""
    dues = ((kind, due(customer, policy)) for kind, (due, _) in TIMERS.items())
    return {kind: None if at is None else max(at, now) for kind, at in dues}


def fold_timer(unit: Unit, customer: Customer, kind: str) -> tuple[Customer, list[Decision]]:
    """The customer after a timer that was armed for `unit.now`; nothing where it is not wanted by then."""
    due, rule = TIMERS[kind]
    at = due(customer, unit.policy)
    if at is None or at > unit.now:
        return customer, []
    customer, decided = rule(unit, customer)
    return customer, list(decided)
