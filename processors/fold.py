"""What happens on each event and timer of a customer: the rules, in one literal table."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from processors import (
    activity,
    at_risk,
    celebrations,
    compensations,
    designating,
    early_access,
    figures,
    fulfilment,
    lifecycle,
    notices,
    points,
    qualification,
    recovery,
    return_rules,
    reward_figures,
    service,
    synchronisation,
    tiers,
    win_back,
)
from processors.customer import Customer, noted
from processors.effects import Send
from processors.explanation import Because
from processors.facts import FACTS, Outcome, doing, hearing
from processors.figures import FIGURES, Kept
from processors.movements import moved
from processors.order import load
from processors.partition import HERE
from processors.policy import Policy
from processors.unit import Unit
from schemas.commands import CompensationGranted, CompensationReviewed, ReturnReviewed, ReturnWindowExtended
from schemas.decisions import Decision
from schemas.events import (
    OrderDelayed,
    OrderFailed,
    OrderPlaced,
    ReturnDisputed,
    ReturnInspected,
    ReturnReceived,
    ReturnRequested,
    ReturnSettled,
)
from schemas.messages import GoodwillAnswered, Told
from schemas.source import SourceEvent


def _ask_again(unit: Unit, customer: Customer, event: OrderPlaced) -> Outcome:
    """What waited for its order."""
    order = load(unit.rows, unit.subject, event.order_id)
    customer, returned = return_rules.ask_again(unit, customer, event.order_id, order.returns)
    customer, amended = recovery.look_again(unit, customer, event.order_id, order.mishaps)
    customer, bought = early_access.hear(unit, customer, event)
    return customer, [*returned, *amended, *bought]


QUESTIONS: Mapping[type, Callable[[Unit, Customer, Any], Outcome]] = {
    OrderPlaced: _ask_again,
    OrderDelayed: recovery.hear_of_delay,
    OrderFailed: recovery.hear_of_failure,
    CompensationGranted: compensations.grant,
    CompensationReviewed: compensations.review,
    GoodwillAnswered: compensations.hear,
    ReturnRequested: return_rules.ask,
    **dict.fromkeys((ReturnReceived, ReturnInspected, ReturnSettled), return_rules.progress),
    ReturnDisputed: return_rules.dispute,
    ReturnReviewed: return_rules.review,
    ReturnWindowExtended: return_rules.extend_window,
    **service.RULES,
}
"""Events that ask for a verdict, or again. They come after the tier is compared, so that a new policy holds for them."""


def fold_event(unit: Unit, customer: Customer, event: SourceEvent | Told) -> tuple[Customer, list[Decision | Send]]:
    """The customer after the event, and what was decided."""
    before, decisions = customer, list[Decision | Send]()
    customer = noted(customer, event)
    if type(event) in FACTS:
        customer, heard = FACTS[type(event)](unit, customer, event)
        customer = moved(before, customer, unit.because.cause)
        decisions += heard
    return conclude(unit, before, customer, event, decisions)


def conclude(
    unit: Unit,
    before: Customer,
    customer: Customer,
    event: SourceEvent | Told | None,
    decided: Sequence[Decision | Send] = (),
) -> tuple[Customer, list[Decision | Send]]:
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
    unit: Unit, before: Customer, customer: Customer, effects: Sequence[Decision | Send]
) -> tuple[Customer, list[Decision | Send]]:
    """What a unit leads to: figures move with its decisions, the customer is told, open orders are flagged."""
    decisions = [each for each in effects if not isinstance(each, Send)]
    known = unit.rows.get(FIGURES, HERE) or Kept() if decisions else Kept()
    if (counted := figures.count(known, decisions)) != known:
        unit.rows.put(FIGURES, counted, HERE)
    reward_figures.keep(unit.rows, decisions)
    customer, told = notices.follow(before, customer, decisions, unit.policy, unit.now, unit.because)
    customer, flagged = fulfilment.follow(unit, before, customer)
    customer, resolved = synchronisation.follow(customer, decisions, unit.policy, unit.now, unit.because)
    return customer, [*effects, *told, *flagged, *resolved]


def _compare_tier(unit: Unit, customer: Customer, *, over: bool = False) -> Outcome:
    """Under the policy in force, to which the customer moves with this."""
    customer = doing(customer, activity.looked_at(customer.activity, unit.policy, unit.now))
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
    customer, reached = designating.move(customer, hearing(unit))
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
    "launch": (early_access.opens_at, _timed(early_access.open_due)),
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


def fold_timer(unit: Unit, customer: Customer, kind: str) -> tuple[Customer, list[Decision | Send]]:
    """The customer after a timer that was armed for `unit.now`; nothing where it is not wanted by then."""
    due, rule = TIMERS[kind]
    at = due(customer, unit.policy)
    if at is None or at > unit.now:
        return customer, []
    fired = {(kind, unit.now), *(each for each in customer.fired if each[0] != kind and each[1] >= unit.now)}
    after, decided = rule(unit, replace(customer, fired=tuple(sorted(fired))))
    return _tell(unit, customer, after, decided)
