"""What happens to a customer's support cases on each event and as time passes: the rules that load, decide and write a case.

The customer's row knows the cases whose next escalation is still to come, with its instant: the first of them is a timer.
"""

from collections.abc import Callable, Sequence
from typing import Any

from msgspec.structs import replace

from processors import recent, recovery, routing
from processors.cases import CASES, Case, Mark, What, resolved_at, united
from processors.customer import Customer
from processors.doubts import Doubts, doubts, honoured
from processors.order import load
from processors.policy import Policy
from processors.recent import Happened
from processors.unit import Unit
from schemas.decisions import ContactClosed, Decision
from schemas.events import (
    ContactAssigned,
    ContactEscalated,
    ContactOpened,
    ContactPaused,
    ContactReopened,
    ContactResolved,
    ContactResumed,
    ContactWaiting,
)

Outcome = tuple[Customer, Sequence[Decision]]
ContactEvent = (
    ContactWaiting
    | ContactAssigned
    | ContactPaused
    | ContactResumed
    | ContactResolved
    | ContactReopened
    | ContactEscalated
)
WHAT: dict[type, What] = {
    ContactWaiting: "waiting",
    ContactAssigned: "assigned",
    ContactPaused: "paused",
    ContactResumed: "resumed",
    ContactEscalated: "escalated",
    ContactResolved: "resolved",
    ContactReopened: "reopened",
}
MOST_OPEN = 200
"""Cases of one customer whose escalations are waited for; of more, those that are due last are not."""


def _keep(unit: Unit, customer: Customer, case_id: str, case: Case, policy: Policy) -> Customer:
    """Write the case, and note when it is due for somebody else."""
    unit.rows.put(CASES, case, unit.subject, case_id)
    due = routing.next_step_at(case, policy)
    others = [each for each in customer.cases if each[1] != case_id]
    waiting = sorted([*others, (due, case_id)] if due is not None else others)
    is_open = case.opened_at is not None and resolved_at(case) is None
    began = recent.happened("contact_opened", case_id, case.opened_at or 0)
    unsettled = recent.unsettled(customer.unsettled, began, is_open=is_open)
    return replace(customer, cases=tuple(waiting[:MOST_OPEN]), unsettled=unsettled)


def open_case(unit: Unit, customer: Customer, event: ContactOpened) -> Outcome:
    """A contact is routed, once for ever (T-15); what was told of it before counts from then on (T-16)."""
    case = unit.rows.get(CASES, unit.subject, event.case_id) or Case()
    if case.opened_at is not None:
        return customer, ()
    doubt = doubts(customer, unit.partition)
    holds = honoured(customer, doubt, unit.policy.synchronisation.meanwhile.routing.differing, unit.policy)
    case = routing.opened(case, event, holds, unit.policy, unit.now)
    customer = replace(customer, unsettled=_still(unit, customer))
    case, decision = routing.routed(
        case,
        event.case_id,
        customer,
        unit.policy,
        unit.because,
        _beside(unit, customer, customer.unsettled, event.case_id, doubt),
    )
    customer = replace(customer, sequence=decision.sequence)
    customer, case, closed = _close(unit, customer, event.case_id, Case(), case, unit.policy)
    return _keep(unit, customer, event.case_id, case, unit.policy), (decision, *closed)


def _still(unit: Unit, customer: Customer) -> tuple[Happened, ...]:
    """What is not settled by now: cases and returns are known to be; of an order that went wrong its row tells."""
    return tuple(
        each
        for each in customer.unsettled
        if each.thing[0] != "order" or recovery.goes_wrong(load(unit.rows, unit.subject, each.about))
    )


def _beside(
    unit: Unit, customer: Customer, unsettled: tuple[Happened, ...], case_id: str, doubt: Doubts
) -> routing.Beside:
    """What an agent sees beside the case: what else is open, and the goodwill that is left (R-RTE-09, R-REC-05)."""
    goodwill = recovery.left(unit, customer.tier, recovery.given_to(unit))
    return routing.Beside(
        tuple(each for each in unsettled if each.thing != ("contact", case_id)),
        tuple(each for each in customer.recent if each.thing != ("contact", case_id)),
        goodwill,
        unit.policy.recovery.kinds if goodwill else (),
        doubt,
    )


def _close(
    unit: Unit, customer: Customer, case_id: str, before: Case, case: Case, policy: Policy
) -> tuple[Customer, Case, list[ContactClosed]]:
    """The result of a case that is settled, and again where what was told late changes it (T-18)."""
    found = routing.result(case, policy)
    if found is None or (case.closed_id and found == routing.result(before, policy)):
        return customer, case, []
    case, decision = routing.closed(case, case_id, customer, found, unit.because)
    return replace(customer, sequence=decision.sequence), case, [decision]


def move_case(unit: Unit, customer: Customer, event: ContactEvent) -> Outcome:
    """What becomes of a case: its clock stops and goes on, and what follows is decided anew where it changed."""
    mark = Mark(event.occurred_at, WHAT[type(event)], getattr(event, "agent_id", None))
    return catch_up(unit, customer, event.case_id, Case(marks=(mark,)))


def catch_up(unit: Unit, customer: Customer, case_id: str, told: Case) -> Outcome:
    """What became of a case, as somebody was told, or another id of the customer before they were linked (T-16, T-24)."""
    before = unit.rows.get(CASES, unit.subject, case_id) or Case()
    case = united(before, told)
    if case == before:
        return customer, ()
    if case.opened_at is None:
        unit.rows.put(CASES, case, unit.subject, case_id)
        return customer, ()
    # A target that was promised does not move with a later policy.
    policy, decisions = unit.policy_of(case.policy_version), list[Decision]()
    case = routing.retimed(case, policy)
    # Of a case that is settled the queue holds nothing: another target would put it there again.
    came_back = resolved_at(before) is not None
    if resolved_at(case) is None and (came_back or case.resolve_by != before.resolve_by):
        doubt = doubts(customer, unit.partition)
        case, decision = routing.routed(
            case,
            case_id,
            customer,
            policy,
            unit.because,
            _beside(unit, customer, _still(unit, customer), case_id, doubt),
        )
        customer = replace(customer, sequence=decision.sequence)
        decisions.append(decision)
    customer, case, closed = _close(unit, customer, case_id, before, case, policy)
    return _keep(unit, customer, case_id, case, policy), [*decisions, *closed]


def escalates_at(customer: Customer, _policy: Policy) -> int | None:
    """When the first of a customer's open cases is due for somebody else."""
    return customer.cases[0][0] if customer.cases else None


def escalate(unit: Unit, customer: Customer) -> Outcome:
    """Every case whose next step is due by now."""
    decisions: list[Decision] = []
    while customer.cases and customer.cases[0][0] <= unit.now:
        _, case_id = customer.cases[0]
        case = unit.rows.get(CASES, unit.subject, case_id) or Case()
        policy = unit.policy_of(case.policy_version)
        case, decision = routing.escalate(case, case_id, customer, policy, unit.now, unit.because)
        customer = _keep(unit, replace(customer, sequence=decision.sequence), case_id, case, policy)
        decisions.append(decision)
    return customer, decisions


RULES: dict[type, Callable[[Unit, Customer, Any], Outcome]] = {ContactOpened: open_case} | dict.fromkeys(
    WHAT, move_case
)
"""The rules of all that the contact centre tells."""
