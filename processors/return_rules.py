"""What happens to a customer's returns on each event: the rules that load an order and a case, decide, and write both."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from msgspec.structs import replace

from processors import recent, refundable, return_cases, returns
from processors.answering import Asked, answer, answered, permitted
from processors.customer import Customer
from processors.doubts import doubted, doubts, explained, honoured
from processors.explanation import Because, compare
from processors.local_time import end_of
from processors.order import ORDERS, Order, Return, extend, load
from processors.partition import in_force_at
from processors.policy import Authority, Policy
from processors.return_cases import RETURN_CASES, ReturnCase
from processors.return_rights import Rights, ends_at, rights
from processors.returns import Judged, Request
from processors.unit import Unit
from schemas.commands import Command, ReturnReviewed, ReturnWindowExtended
from schemas.decided import Condition
from schemas.decisions import Decision
from schemas.events import (
    ReturnDisputed,
    ReturnInspected,
    ReturnReceived,
    ReturnRequested,
    ReturnSettled,
)

Outcome = tuple[Customer, Sequence[Decision]]


def _case(unit: Unit, return_id: str, order_id: str) -> ReturnCase:
    return unit.rows.get(RETURN_CASES, unit.subject, return_id) or ReturnCase(order_id)


def _rights(unit: Unit, order: Order, customer: Customer) -> tuple[Rights, Because]:
    """What governs a return of an order, and on behalf of which policy it is decided (T-30)."""
    meanwhile = unit.policy.synchronisation.meanwhile.returns
    customer = honoured(customer, doubts(customer, unit.partition), meanwhile.differing, unit.policy)
    governing = rights(order, customer, unit.policy_of(order.policy_version), unit.policy)
    policy = governing.policy
    return governing, replace(unit.because, policy_version=policy.version, currency=policy.currency)


def _conclude(
    unit: Unit,
    customer: Customer,
    case: ReturnCase,
    request: Request,
    judge: Callable[[Order, Rights], tuple[list[Judged], Sequence[Condition]]],
    decided_by: str | None = None,
) -> tuple[Customer, list[Decision]]:
    """What is decided takes the place of what was: its units are spoken for, and stock moves that waited for it (R-RET-10)."""
    order = load(unit.rows, unit.subject, request.order_id)
    governing, because = _rights(unit, order, customer)
    lines, conditions = judge(order, governing)
    lines, limits = refundable.limited(order, request, lines, unit.because.cause, by_person=decided_by is not None)
    decision = returns.decided(
        request,
        lines,
        [*conditions, *limits],
        governing,
        because,
        customer.sequence + 1,
        supersedes=case.decision_id,
        decided_by=decided_by,
        in_doubt=doubts(customer, unit.partition).names,
        objection=return_cases.objection(case),
        in_part=bool(limits),
    )
    unit.rows.put(ORDERS, refundable.reserve(order, decision, unit.because.cause), unit.subject, request.order_id)
    began = recent.happened("return_requested", request.return_id, request.asked_at)
    unsettled = recent.unsettled(customer.unsettled, began, is_open=decision.verdict == "review")
    customer = replace(customer, sequence=decision.sequence, unsettled=unsettled)
    customer, released = _release(unit, customer, return_cases.decided(case, decision), request.return_id)
    return customer, [decision, *released]


def _release(unit: Unit, customer: Customer, case: ReturnCase, return_id: str) -> tuple[Customer, list[Decision]]:
    case, released = return_cases.release(case, return_id, unit.because, customer.sequence + 1)
    unit.rows.put(RETURN_CASES, case, unit.subject, return_id)
    if released is None:
        return customer, []
    return replace(customer, sequence=released.sequence), [released]


def _decide(unit: Unit, customer: Customer, case: ReturnCase, request: Request) -> Outcome:
    """By rules; where they already objected before anybody could know to what, a person looks at what is denied.

    While the status is in doubt a person looks at all of it, or it is decided anew afterwards: the policy's choice (T-52).
    """
    doubt = doubts(customer, unit.partition)

    def judge(order: Order, governing: Rights) -> tuple[list[Judged], Sequence[Condition]]:
        lines, conditions = returns.judge(order, request, customer, governing, unit.because.cause)
        conditions += explained(doubt, customer)
        if doubt.asks_a_person(unit.policy.synchronisation.meanwhile.returns):
            lines = [line._replace(verdict="review") for line in lines]
        if case.disputed and any(line.verdict == "deny" for line in lines):
            return looked_at(lines), [*conditions, _objected(unit)]
        return lines, conditions

    decided = _conclude(unit, customer, case, request, judge)
    return (doubted(decided[0], request.return_id, unit.now), decided[1]) if doubt.names else decided


def doubted_at(customer: Customer, _policy: Policy) -> int | None:
    """Since when returns wait for the end of a doubt; None while another system still differs, or where none wait."""
    synchrony = customer.synchrony
    return synchrony.doubted_at if synchrony.doubted and not any(each.found_id for each in synchrony.systems) else None


def decide_again(unit: Unit, customer: Customer) -> Outcome:
    """What was decided in doubt, once there is none: what was approved stands, and the rest is judged anew (T-52)."""
    waiting, decided = customer.synchrony.doubted, list[Decision]()
    customer = replace(customer, synchrony=replace(customer.synchrony, doubted=(), doubted_at=0))
    for return_id in waiting:
        case = _case(unit, return_id, "")
        request = return_cases.request_of(return_id, case)
        if request is not None and case.decided_by is None and not case.disputed:
            customer, found = _revise(unit, customer, case, request)
            decided += found
    return customer, decided


def _revise(unit: Unit, customer: Customer, case: ReturnCase, request: Request) -> Outcome:
    """Decide a return anew where that makes a difference."""
    order = load(unit.rows, unit.subject, request.order_id)
    governing, _ = _rights(unit, order, customer)
    lines, conditions = returns.judge(order, request, customer, governing, unit.because.cause)
    before = {line.line_id: line.verdict for line in case.lines}
    lines = [line._replace(verdict="approve") if before[line.line_id] == "approve" else line for line in lines]
    if {line.line_id: line.verdict for line in lines} == before:
        return customer, ()
    return _conclude(unit, customer, case, request, lambda *_: (lines, conditions))


def _objected(unit: Unit) -> Condition:
    return compare("return", "disputed", "yes", "=", "no", unit.because.cause)


def ask(unit: Unit, customer: Customer, event: ReturnRequested) -> Outcome:
    """A return is asked for: once, and then decided (T-15)."""
    case = _case(unit, event.return_id, event.order_id)
    if case.asked_at is not None:
        return customer, ()
    units = Counter[str]()
    for line in event.lines:
        units[line.line_id] += line.quantity
    request = Request(event.return_id, event.order_id, event.occurred_at, tuple(units.items()))
    governing, _ = _rights(unit, load(unit.rows, unit.subject, event.order_id), customer)
    customer = returns.asked_again(customer, request, governing, unit.because.cause)
    return _decide(unit, customer, return_cases.opened(case, request), request)


def ask_again(unit: Unit, customer: Customer, order_id: str, returns: Iterable[Return]) -> Outcome:
    """Returns that were asked for before their order was known are decided now; nobody has to look at them (T-17, T-52)."""
    decided: list[Decision] = []
    for waiting in returns:
        case = _case(unit, waiting.return_id, order_id)
        request = return_cases.request_of(waiting.return_id, case)
        if request is not None and case.order_id == order_id and case.verdict == "review" and case.early:
            customer, found = _decide(unit, customer, case, request)
            decided += found
    return customer, decided


def progress(unit: Unit, customer: Customer, event: ReturnReceived | ReturnInspected | ReturnSettled) -> Outcome:
    """Goods arrived or were looked at, or money went back: what was approved moves on."""
    told = return_cases.told_by(event, unit.because.cause)
    case = return_cases.hear(_case(unit, event.return_id, event.order_id), told)
    return (customer, ()) if case is None else _release(unit, customer, case, event.return_id)


def dispute(unit: Unit, customer: Customer, event: ReturnDisputed) -> Outcome:
    """Somebody looks at what the customer objects to: what was denied, or all of it where nothing was (R-RET-14)."""
    case = _case(unit, event.return_id, event.order_id)
    if case.disputed:
        return customer, ()
    return _object(unit, customer, event.return_id, replace(case, disputed=True))


def _object(unit: Unit, customer: Customer, return_id: str, case: ReturnCase) -> Outcome:
    request = return_cases.request_of(return_id, case)
    if request is None or case.verdict in {None, "review"}:
        return _release(unit, customer, case, return_id)
    return _conclude(
        unit,
        customer,
        case,
        request,
        lambda order, governing: (looked_at(judged(case, order, governing)), [_objected(unit)]),
    )


def catch_up(unit: Unit, customer: Customer, return_id: str, told: ReturnCase) -> Outcome:
    """What became of a return, as another id of its customer was told before they were linked (T-16, T-24)."""
    before = _case(unit, return_id, told.order_id)
    case = return_cases.united(before, told)
    if case.disputed and not before.disputed:
        return _object(unit, customer, return_id, case)
    return _release(unit, customer, case, return_id)


def judged(case: ReturnCase, order: Order, governing: Rights) -> list[Judged]:
    """The lines of a case as they were decided last."""
    known = order.placed_at is not None
    return [
        Judged(
            line.line_id,
            line.quantity,
            line.verdict,
            line.amount_minor,
            ends_at(order, line.line_id, governing) if known else None,
        )
        for line in case.lines
    ]


def looked_at(lines: list[Judged]) -> list[Judged]:
    """Lines as they go to a person: what was denied, or all where nothing was."""
    denied = any(line.verdict == "deny" for line in lines)
    return [line._replace(verdict="review") if line.verdict == "deny" or not denied else line for line in lines]


def _authority(unit: Unit, command: Command) -> tuple[Condition, Authority | None]:
    """What the role may decide, by the policy in force when the command was given (T-43)."""
    known = in_force_at(unit.rows, unit.partition, command.occurred_at).returns.review.authority
    return permitted(command.role, sorted(known), unit.because.cause), known.get(command.role)


def _limit(authority: Authority | None, name: str, value: int, field: str, cause: str) -> Condition:
    """Whether something lies within what a role may decide; of a role that may decide nothing it does not."""
    return compare("permission", name, value, "<=", getattr(authority, field) if authority else None, cause)


def review(unit: Unit, customer: Customer, command: ReturnReviewed) -> Outcome:
    """A person decides what waits for one, up to what their role may (R-RET-06); nothing that is not there is approved."""
    if answered(unit.rows, unit.subject, command):
        return customer, ()
    cause, case = unit.because.cause, _case(unit, command.return_id, command.order_id)
    may, authority = _authority(unit, command)
    request = return_cases.request_of(command.return_id, case)
    waits = compare("return", "verdict", case.verdict, "=", "review", case.decision_id)
    conditions = [may, waits]
    if command.verdict == "approved" and request is not None:
        order = load(unit.rows, unit.subject, request.order_id)
        waiting = {line.line_id for line in case.lines if line.verdict == "review"}
        conditions += [each.condition for each in returns.units_left(order, request) if each.line_id in waiting]
        amount = sum(line.amount_minor for line in case.lines if line.verdict != "deny")
        conditions.append(_limit(authority, "amount_minor", amount, "approve_limit_minor", cause))
    customer, said = answer(unit.rows, unit.now, unit.because, customer, Asked.of(command), conditions)
    if said.verdict == "refused" or request is None:
        return customer, (said,)
    verdict = "approve" if command.verdict == "approved" else "deny"

    def judge(order: Order, governing: Rights) -> tuple[list[Judged], Sequence[Condition]]:
        lines = judged(case, order, governing)
        return [line._replace(verdict=verdict) if line.verdict == "review" else line for line in lines], conditions

    customer, decided = _conclude(unit, customer, case, request, judge, command.author_id)
    return customer, [said, *decided]


def extend_window(unit: Unit, customer: Customer, command: ReturnWindowExtended) -> Outcome:
    """A person gives more time to send goods back, as much as their role may (R-RET-07). It takes nothing back."""
    if answered(unit.rows, unit.subject, command):
        return customer, ()
    cause, order = unit.because.cause, load(unit.rows, unit.subject, command.order_id)
    may, authority = _authority(unit, command)
    known = compare("return", "order_known", "no" if order.placed_at is None else "yes", "=", "yes", order.placed_by)
    conditions = [may, known]
    if known.holds:
        governing, _ = _rights(unit, order, customer)
        ends = ends_at(order, None, governing)
        most = end_of(ends - 1, authority.extend_days, governing.policy.time_zone) if authority else None
        conditions.append(compare("permission", "extended_until_at", command.until_at, "<=", most, cause))
        conditions.append(compare("return", "extended_until_at", command.until_at, ">", ends, order.placed_by))
    customer, said = answer(unit.rows, unit.now, unit.because, customer, Asked.of(command), conditions)
    if said.verdict == "accepted":
        unit.rows.put(ORDERS, extend(order, command.until_at), unit.subject, command.order_id)
    return customer, (said,)
