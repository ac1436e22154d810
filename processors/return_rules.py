"""What happens to a customer's returns on each event: the rules that load an order and a case, decide, and write both."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from msgspec.structs import replace

from processors import return_cases, returns
from processors.customer import Customer
from processors.explanation import Because, compare
from processors.order import ORDERS, Order
from processors.partition import named
from processors.return_cases import RETURN_CASES, ReturnCase
from processors.return_rights import Rights, ends_at, rights
from processors.returns import Judged, Request
from processors.unit import Unit
from schemas.decisions import Decision, ReturnDecided
from schemas.events import (
    OrderPlaced,
    ReturnDisputed,
    ReturnInspected,
    ReturnReceived,
    ReturnRequested,
    ReturnSettled,
)

Outcome = tuple[Customer, Sequence[Decision]]


def _order(unit: Unit, order_id: str) -> Order:
    return unit.rows.get(ORDERS, unit.subject, order_id) or Order()


def _case(unit: Unit, return_id: str, order_id: str) -> ReturnCase:
    return unit.rows.get(RETURN_CASES, unit.subject, return_id) or ReturnCase(order_id)


def _rights(unit: Unit, order: Order, customer: Customer) -> tuple[Rights, Because]:
    """What governs a return of an order, and on behalf of which policy it is decided (T-30)."""
    at_order = named(unit.rows, order.policy_version) if order.policy_version else unit.policy
    governing = rights(order, customer, at_order, unit.policy)
    policy = governing.policy
    return governing, replace(unit.because, policy_version=policy.version, currency=policy.currency)


def _keep(
    unit: Unit, customer: Customer, case: ReturnCase, order: Order, decision: ReturnDecided
) -> tuple[Customer, list[Decision]]:
    """Write what a decision leaves behind, and let stock move that waited for it (R-RET-10)."""
    unit.rows.put(ORDERS, order, unit.subject, decision.order_id)
    customer = replace(customer, sequence=decision.sequence)
    customer, released = _release(unit, customer, return_cases.decided(case, decision), decision.return_id)
    return customer, [decision, *released]


def _release(unit: Unit, customer: Customer, case: ReturnCase, return_id: str) -> tuple[Customer, list[Decision]]:
    case, released = return_cases.release(case, return_id, unit.because, customer.sequence + 1)
    unit.rows.put(RETURN_CASES, case, unit.subject, return_id)
    if released is None:
        return customer, []
    return replace(customer, sequence=released.sequence), [released]


def _decide(unit: Unit, customer: Customer, case: ReturnCase, request: Request) -> Outcome:
    order = _order(unit, request.order_id)
    governing, because = _rights(unit, order, customer)
    order, decision = returns.decide(order, request, customer, governing, because, case.decision_id)
    return _keep(unit, customer, case, order, decision)


def ask(unit: Unit, customer: Customer, event: ReturnRequested) -> Outcome:
    """A return is asked for: once, and then decided (T-15)."""
    case = _case(unit, event.return_id, event.order_id)
    if case.asked_at is not None:
        return customer, ()
    units = Counter[str]()
    for line in event.lines:
        units[line.line_id] += line.quantity
    request = Request(event.return_id, event.order_id, event.occurred_at, tuple(units.items()))
    governing, _ = _rights(unit, _order(unit, event.order_id), customer)
    customer = returns.asked_again(customer, request, governing, unit.because.cause)
    return _decide(unit, customer, return_cases.opened(case, request), request)


def ask_again(unit: Unit, customer: Customer, event: OrderPlaced) -> Outcome:
    """Returns that were asked for before their order was known are decided now; nobody has to look at them (T-17, T-52)."""
    decided: list[Decision] = []
    for waiting in _order(unit, event.order_id).returns:
        case = _case(unit, waiting.return_id, event.order_id)
        request = return_cases.request_of(waiting.return_id, case)
        if request is not None and case.verdict == "review" and case.early:
            customer, found = _decide(unit, customer, case, request)
            decided += found
    return customer, decided


def _progress(tell: Callable[[ReturnCase, Any], ReturnCase]) -> Callable[[Unit, Customer, Any], Outcome]:
    """The rule of an event that moves a case on."""

    def rule(unit: Unit, customer: Customer, event: ReturnReceived | ReturnInspected | ReturnSettled) -> Outcome:
        case = return_cases.heard(_case(unit, event.return_id, event.order_id), unit.because.cause)
        if case is None:
            return customer, ()
        return _release(unit, customer, tell(case, event), event.return_id)

    return rule


receive = _progress(return_cases.receive)
inspect = _progress(return_cases.inspect)
settle = _progress(return_cases.settle)


def dispute(unit: Unit, customer: Customer, event: ReturnDisputed) -> Outcome:
    """Somebody looks at what the customer objects to: what was denied, or all of it where nothing was (R-RET-14)."""
    case = _case(unit, event.return_id, event.order_id)
    request = return_cases.request_of(event.return_id, case)
    if case.disputed:
        return customer, ()
    case = replace(case, disputed=True)
    if request is None or case.verdict in {None, "review"}:
        unit.rows.put(RETURN_CASES, case, unit.subject, event.return_id)
        return customer, ()
    order = _order(unit, request.order_id)
    governing, because = _rights(unit, order, customer)
    objected = compare("return", "disputed", "yes", "=", "no", unit.because.cause)
    lines = looked_at(case, order, governing)
    decision = returns.decided(request, lines, governing, because, customer.sequence + 1, supersedes=case.decision_id)
    decision = replace(decision, conditions=(governing.entitled, objected))
    order = returns.reserve(order, decision, unit.because.cause)
    return _keep(unit, customer, case, order, decision)


def looked_at(case: ReturnCase, order: Order, governing: Rights) -> list[Judged]:
    """The lines of a case as they go to a person: what was denied, or all where nothing was."""
    denied = any(line.verdict == "deny" for line in case.lines)
    return [
        Judged(
            line.line_id,
            line.quantity,
            "review" if line.verdict == "deny" or not denied else line.verdict,
            line.amount_minor,
            None if order.placed_at is None else ends_at(order, line.line_id, governing),
        )
        for line in case.lines
    ]
