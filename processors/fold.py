"""What happens on each event and timer of a customer: the rules, in one literal table."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from processors import (
    activity,
    at_risk,
    celebrations,
    consents,
    designating,
    figures,
    fulfilment,
    interactions,
    lifecycle,
    lifetime_value,
    notices,
    operations,
    order,
    points,
    qualification,
    return_rules,
    service,
    subscriptions,
    synchronisation,
    tiers,
    win_back,
)
from processors.activity import Activity
from processors.customer import Customer, known_since, ordered
from processors.designating import Hearing
from processors.explanation import Because
from processors.figures import FIGURES, Kept
from processors.interactions import InteractionEvent
from processors.movements import moved
from processors.order import ORDERS, Order
from processors.partition import HERE, in_force_at
from processors.policy import Policy
from processors.subscriptions import SUBSCRIPTIONS, SubscriptionEvent, Subscriptions
from processors.tenure import began
from processors.unit import Unit
from schemas.commands import Command, OutreachRecorded, ReturnReviewed, ReturnWindowExtended
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
    ReturnInspected,
    ReturnReceived,
    ReturnRequested,
    ReturnSettled,
    StatusReported,
    SubscriptionCancelled,
    SubscriptionChanged,
    SubscriptionPaused,
    SubscriptionResumed,
    SubscriptionStarted,
    SurveyAnswered,
)
from schemas.source import SourceEvent

Outcome = tuple[Customer, Sequence[Decision]]


def _register(unit: Unit, customer: Customer, event: CustomerRegistered) -> Outcome:
    return celebrations.tell_birth(known_since(customer, event.occurred_at, unit.because.cause), event), ()


def _heard(tell: Callable[[Customer, Any, str], Customer]) -> Callable[[Unit, Customer, Any], Outcome]:
    """The rule of an event that is noted on the customer's row."""
    return lambda unit, customer, event: (tell(customer, event, unit.because.cause), ())


def _outreach(unit: Unit, customer: Customer, event: OutreachRecorded) -> Outcome:
    return at_risk.record(customer, event, unit.policy, unit.because)


def _doing(customer: Customer, active: Activity) -> Customer:
    return customer if active is customer.activity else replace(customer, activity=active)


def _keep_order(unit: Unit, customer: Customer, order_id: str, before: Order, after: Order) -> Customer:
    """Write the order, and move the customer's totals by the difference that it makes."""
    if after == before:
        return customer
    unit.rows.put(ORDERS, after, unit.subject, order_id)
    customer = fulfilment.keep(unit, customer, order_id, before, after)
    customer = replace(customer, orders=customer.orders + order.counts(after) - order.counts(before))
    if waiting := order.awaited(after) - order.awaited(before):
        customer = _doing(customer, replace(customer.activity, awaited=customer.activity.awaited + waiting))
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
    customer = _doing(customer, activity.ordered(customer.activity, event.occurred_at, policy))
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
    return _doing(customer, interactions.tell(unit.rows, unit.subject, customer.activity, event, policy)), ()


def _hearing(unit: Unit) -> Hearing:
    """Where a command of a person is heard."""
    return Hearing(unit.rows, unit.policy, unit.now, unit.because)


def _command(unit: Unit, customer: Customer, command: Command) -> Outcome:
    given = in_force_at(unit.rows, unit.partition, command.occurred_at)
    return operations.obey(customer, command, given, _hearing(unit))


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

QUESTIONS: Mapping[type, Callable[[Unit, Customer, Any], Outcome]] = {
    OrderPlaced: return_rules.ask_again,
    ReturnRequested: return_rules.ask,
    ReturnReceived: return_rules.receive,
    ReturnInspected: return_rules.inspect,
    ReturnSettled: return_rules.settle,
    ReturnDisputed: return_rules.dispute,
    ReturnReviewed: return_rules.review,
    ReturnWindowExtended: return_rules.extend_window,
    **service.RULES,
}
"""Events that ask for a verdict, or again. They come after the tier is compared, so that a new policy holds for them."""


def fold_event(unit: Unit, customer: Customer, event: SourceEvent) -> tuple[Customer, list[Decision]]:
    """The customer after the event, and what was decided."""
    before, decisions = customer, list[Decision]()
    if type(event) in FACTS:
        customer, heard = FACTS[type(event)](unit, customer, event)
        customer = moved(before, customer, unit.because.cause)
        decisions += heard
    return conclude(unit, before, customer, event, decisions)


def conclude(
    unit: Unit, before: Customer, customer: Customer, event: SourceEvent | None, decided: Sequence[Decision] = ()
) -> tuple[Customer, list[Decision]]:
    """What follows from other facts: the tier is compared, what the event asks is answered, and the customer is told."""
    customer, changed = _compare_tier(unit, customer)
    decisions = [*decided, *changed]
    if type(event) in QUESTIONS:
        customer, answered = QUESTIONS[type(event)](unit, customer, event)
        decisions += answered
    if type(event) in points.RULES:
        customer, booked = points.RULES[type(event)](unit, customer, event)
        decisions += booked
    return _tell(unit, before, customer, decisions)


def _tell(
    unit: Unit, before: Customer, customer: Customer, decisions: Sequence[Decision]
) -> tuple[Customer, list[Decision]]:
    """What a unit leads to: figures move with its decisions, the customer is told, open orders are flagged."""
    known = unit.rows.get(FIGURES, HERE) or Kept() if decisions else Kept()
    if (counted := figures.count(known, decisions)) != known:
        unit.rows.put(FIGURES, counted, HERE)
    customer, told = notices.follow(before, customer, decisions, unit.policy, unit.now, unit.because)
    customer, flagged = fulfilment.follow(unit, before, customer)
    customer, resolved = synchronisation.follow(customer, decisions, unit.policy, unit.now, unit.because)
    return customer, [*decisions, *told, *flagged, *resolved]


def _compare_tier(unit: Unit, customer: Customer, *, over: bool = False) -> Outcome:
    """Under the policy in force, to which the customer moves with this."""
    customer = _doing(customer, activity.looked_at(customer.activity, unit.policy, unit.now))
    customer, _ = lifecycle.move_on(customer, unit.policy, unit.now, unit.because)
    customer, changed = tiers.requalify(customer, unit.policy, unit.now, unit.because, over=over)
    if customer.activations != unit.activations:
        customer = replace(customer, policy_version=unit.policy.version, activations=unit.activations)
    customer, ended = at_risk.settle(customer, unit.policy, unit.because)
    customer, left = win_back.follow(customer, unit.policy, unit.because)
    return customer, [*changed, *ended, *left]


def fold_activation(unit: Unit, customer: Customer) -> Outcome:
    """The customer under a version that came into force: a rise at once, a fall after its days of grace (D8)."""
    return _tell(unit, customer, *_compare_tier(unit, customer))


def _time_is_over(unit: Unit, customer: Customer) -> Outcome:
    return _compare_tier(unit, customer, over=True)


def _timed(rule: Callable[[Customer, Policy, int, Because], Outcome]) -> Callable[[Unit, Customer], Outcome]:
    """A rule that looks at nothing but the customer's row."""
    return lambda unit, customer: rule(customer, unit.policy, unit.now, unit.because)


def _designation(unit: Unit, customer: Customer) -> Outcome:
    customer, reached = designating.move(customer, _hearing(unit))
    customer, changed = _compare_tier(unit, customer)
    return customer, [*reached, *changed]


TIMERS: Mapping[str, tuple[Callable[[Customer, Policy], int | None], Callable[[Unit, Customer], Outcome]]] = {
    "tenure": (qualification.rises_at, _compare_tier),
    "grace": (tiers.falls_at, _time_is_over),
    "lapse": (tiers.lapses_at, _time_is_over),
    "escalation": (service.escalates_at, service.escalate),
    "at_risk": (at_risk.silent_at, _timed(at_risk.alert)),
    "follow_up": (at_risk.overdue_at, _timed(at_risk.escalate)),
    "horizon": (at_risk.horizon_at, _timed(at_risk.expire)),
    "reminder": (win_back.reminder_at, _timed(win_back.remind)),
    "anniversary": (celebrations.anniversary_at, _timed(celebrations.celebrate_anniversary)),
    "birthday": (celebrations.birthday_at, _timed(celebrations.celebrate_birthday)),
    "designation": (designating.moves_at, _designation),
    "windows": (lambda customer, _: customer.activity.turns_at, _compare_tier),
    "stage": (lifecycle.moves_on_at, _timed(lifecycle.move_on)),
    "discrepancy": (synchronisation.due_at, _timed(synchronisation.find)),
    "doubt": (return_rules.doubted_at, return_rules.decide_again),
    **points.TIMERS,
}
"""When each kind of timer is wanted, as the customer's row stands, and what it does."""


def wanted(customer: Customer, policy: Policy, now: int) -> Mapping[str, int]:
    """When each kind of timer should fire that should at all, as things stand at `now`: not in the past.

    Nor at an instant that it fired for already: the log's time may stand still meanwhile, and decisions of the same cause
    would have the same id (D7). Such a one fires a millisecond later.
    """
    wanted = {kind: max(at, now) for kind, (due, _) in TIMERS.items() if (at := due(customer, policy)) is not None}
    return wanted | {kind: due + 1 for kind, due in customer.fired if wanted.get(kind, due + 1) <= due}


def fold_timer(unit: Unit, customer: Customer, kind: str) -> tuple[Customer, list[Decision]]:
    """The customer after a timer that was armed for `unit.now`; nothing where it is not wanted by then."""
    due, rule = TIMERS[kind]
    at = due(customer, unit.policy)
    if at is None or at > unit.now:
        return customer, []
    fired = {(kind, unit.now), *(each for each in customer.fired if each[0] != kind and each[1] >= unit.now)}
    after, decided = rule(unit, replace(customer, fired=tuple(sorted(fired))))
    return _tell(unit, customer, after, decided)
