"""What becomes of a return after it was asked for: review by a person, arrival, inspection, settlement, dispute (R-RET-06..16).

A case recognises everything that is told of it again (T-15) and takes what comes too early as it comes (T-16): goods that
arrive before their return is approved move no stock until it is (R-RET-10, T-51).
"""

from collections import Counter
from collections.abc import Iterable
from functools import reduce
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from processors.explanation import Because, compare, head
from processors.returns import Request
from processors.rows import Table, grown
from schemas.decided import Condition
from schemas.decisions import ReturnDecided, ReturnedLine, StockReleased
from schemas.events import ReturnInspected, ReturnLine, ReturnReceived, ReturnSettled, Units

MOST_TOLD = 64
"""Arrivals, inspections and settlements of one return that are remembered, so that none counts twice."""
Counts = tuple[tuple[str, int], ...]
"""Units by line, sorted."""


class Told(Struct, frozen=True, array_like=True):
    """What an event, by its cause, told of a return: what arrived, what was found as it should be, what was paid or sent."""

    cause: str
    received: Counts = ()
    accepted: Counts = ()
    inspected: bool = False
    settled_as: str | None = None
    settled_minor: int = 0


class ReturnCase(Struct, frozen=True, array_like=True):
    """A return. `asked_at` is None while only later events are known; `lines` are those of the last decision.

    `early` says that it was decided before its order was known.
    """

    order_id: str
    asked_at: int | None = None
    asked: Counts = ()
    decision_id: str | None = None
    verdict: str | None = None
    lines: tuple[ReturnedLine, ...] = ()
    decided_by: str | None = None
    received: Counts = ()
    accepted: Counts = ()
    inspected: bool = False
    released: Counts = ()
    settled_as: str | None = None
    settled_minor: int = 0
    disputed: bool = False
    early: bool = False
    told: tuple[Told, ...] = ()
    objection: str | None = None
    """As the last decision said it."""


RECEIVED, ACCEPTED, INSPECTED, SETTLED_AS, SETTLED_MINOR, TOLD = 7, 8, 9, 11, 12, 15
"""Places in a case of version 2."""


def told_in_one(fields: list[Any]) -> list[Any]:
    """A case of version 2 as one of version 3: it knew what told it, and sums; which of them told what is not known any more."""
    if len(fields) <= TOLD:
        return fields
    places = (RECEIVED, ACCEPTED, INSPECTED, SETTLED_AS, SETTLED_MINOR)
    told = [[cause, *(fields[place] for place in places if not number)] for number, cause in enumerate(fields[TOLD])]
    return [*fields[:TOLD], told, *fields[TOLD + 1 :]]


RETURN_CASES = Table(
    "return-cases",
    b"b",
    ReturnCase,
    "each return with what became of it, by customer and return id",
    3,
    {1: grown, 2: told_in_one},
)


def opened(case: ReturnCase, request: Request) -> ReturnCase:
    """The case with what its customer asks."""
    return replace(case, order_id=request.order_id, asked_at=request.asked_at, asked=request.units)


def request_of(return_id: str, case: ReturnCase) -> Request | None:
    """What was asked; None while that is not known."""
    return None if case.asked_at is None else Request(return_id, case.order_id, case.asked_at, case.asked)


def decided(case: ReturnCase, decision: ReturnDecided) -> ReturnCase:
    """The case under its last decision."""
    return replace(
        case,
        decision_id=decision.decision_id,
        verdict=decision.verdict,
        lines=decision.lines,
        decided_by=decision.decided_by,
        objection=decision.objection,
        early=any(each.name == "order_known" and not each.holds for each in decision.conditions),
    )


def objection(case: ReturnCase) -> str | None:
    """Whether the customer objected, as the next decision says it: `new` where the last one did not say so."""
    if not case.disputed:
        return None
    return "new" if case.objection is None else "known"


def _sum(one: Counts, other: Iterable[tuple[str, int]]) -> Counts:
    counts = Counter(dict(one))
    for line, quantity in other:
        counts[line] += quantity
    return tuple(sorted(counts.items()))


def told_by(event: ReturnReceived | ReturnInspected | ReturnSettled, cause: str) -> Told:
    """What an event says. What is not accepted never goes back into stock."""
    match event:
        case ReturnReceived(lines=lines):
            return Told(cause, received=_counts(lines))
        case ReturnInspected(accepted=lines):
            return Told(cause, accepted=_counts(lines), inspected=True)
        case ReturnSettled():
            return Told(cause, settled_as=event.settled_as, settled_minor=event.amount_minor)


def _counts(lines: Iterable[ReturnLine]) -> Counts:
    return _sum((), ((line.line_id, line.quantity) for line in lines))


def hear(case: ReturnCase, told: Told) -> ReturnCase | None:
    """The case with what was told of it; None where that told it before (T-15)."""
    if any(each.cause == told.cause for each in case.told):
        return None
    return replace(
        case,
        received=_sum(case.received, told.received),
        accepted=_sum(case.accepted, told.accepted),
        inspected=case.inspected or told.inspected,
        settled_as=told.settled_as or case.settled_as,
        settled_minor=case.settled_minor + told.settled_minor,
        told=(*case.told, told)[-MOST_TOLD:],
    )


def begun(case: ReturnCase) -> bool:
    """Whether it was asked for, or only what became of it is known."""
    return case.asked_at is not None


def united(case: ReturnCase, other: ReturnCase) -> ReturnCase:
    """The case with what another id of its customer was told of it, which is not begun there (T-16, T-24)."""
    case = reduce(lambda known, told: hear(known, told) or known, other.told, case)
    return replace(case, disputed=case.disputed or other.disputed)


def release(
    case: ReturnCase, return_id: str, because: Because, sequence: int
) -> tuple[ReturnCase, StockReleased | None]:
    """Stock that may move now: units that are approved, and were accepted, and were not released before (R-RET-10, T-51).

    The decision follows the approval in the log, so nobody who acts on it moves stock for a return that is not approved.
    """
    approved = Counter({line.line_id: line.quantity for line in case.lines if line.verdict == "approve"})
    accepted, before = Counter(dict(case.accepted)), Counter(dict(case.released))
    free = (approved & accepted) - before
    if not free:
        return case, None
    lines = tuple(Units(line, count) for line, count in sorted(free.items()))
    conditions: list[Condition] = [compare("return", "verdict", case.verdict, "=", "approve", case.decision_id)]
    conditions += [
        compare(
            "return", f"units_accepted_of_{line.line_id}", accepted[line.line_id], ">=", line.quantity, because.cause
        )
        for line in lines
    ]
    decision = StockReleased(
        **head(because, sequence, StockReleased, return_id, tuple(conditions)),
        return_id=return_id,
        order_id=case.order_id,
        lines=lines,
    )
    return replace(case, released=tuple(sorted((before + free).items()))), decision
