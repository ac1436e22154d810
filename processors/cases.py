"""A support case: what was told of it, and what follows for clocks and states, in any order of arrival (T-15, T-16, T-44)."""

from functools import reduce
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from processors.rows import Table, grown

MOST_MARKS = 64
"""What is remembered of one case; of more, the oldest but the first answer is forgotten."""
What = Literal["waiting", "assigned", "paused", "resumed", "escalated", "resolved", "reopened"]
ORDER: tuple[What, ...] = ("reopened", "waiting", "assigned", "resumed", "paused", "escalated", "resolved")
"""Of what happened at one instant, what counts as later."""
Spell = tuple[int, int]


class Mark(Struct, frozen=True, array_like=True):
    """At an instant this happened to a case."""

    at: int
    what: What
    agent_id: str | None = None


class Case(Struct, frozen=True, array_like=True):
    """`opened_at` is None while only later events are known; `rank_at` is its place in the queue, the smaller the sooner.

    `tier` and `policy_version` are those it was routed under, `steps` how many escalations were due so far.
    """

    opened_at: int | None = None
    queue: str = ""
    respond_by: int = 0
    rank_at: int = 0
    resolve_by: int | None = None
    tier: str | None = None
    policy_version: str = ""
    marks: tuple[Mark, ...] = ()
    answered_at: int | None = None
    steps: int = 0
    routed_id: str | None = None
    closed_id: str | None = None


CASES = Table("cases", b"k", Case, "each support case, by customer and case id", 2, {1: grown})


def _order(mark: Mark) -> tuple[int, int, str]:
    return mark.at, ORDER.index(mark.what), mark.agent_id or ""


def tell(case: Case, mark: Mark) -> Case:
    """The case with one more mark; the same where it was told before."""
    if any((each.at, each.what) == (mark.at, mark.what) for each in case.marks):
        return case
    answered_at = case.answered_at
    if mark.what == "assigned":
        answered_at = min(mark.at, answered_at or mark.at)
    marks = sorted((*case.marks, mark), key=_order)
    return replace(case, marks=tuple(marks[-MOST_MARKS:]), answered_at=answered_at)


def begun(case: Case) -> bool:
    """Whether it was opened, or only what became of it is known."""
    return case.opened_at is not None


def united(case: Case, told: Case) -> Case:
    """The case with what another id of its customer was told of it, which is not begun there (T-16, T-24)."""
    return reduce(tell, told.marks, case)


def resolved_at(case: Case) -> int | None:
    """When it was settled; None while it is not, or not any more."""
    ends = [mark for mark in case.marks if mark.what in {"resolved", "reopened"}]
    return ends[-1].at if ends and ends[-1].what == "resolved" else None


def reopened(case: Case) -> int:
    """How often its customer came back with it."""
    return sum(mark.what == "reopened" for mark in case.marks)


def escalated(case: Case) -> bool:
    """Whether it went to somebody with more authority."""
    return any(mark.what == "escalated" for mark in case.marks)


def pauses(case: Case, until: int) -> tuple[Spell, ...]:
    """Spells in which nobody could go on with it, up to an instant: it waited for the customer or for somebody else (T-44).

    A settled case waits for nobody either.
    """
    spells: list[Spell] = []
    since: int | None = None
    for mark in case.marks:
        if mark.what in {"paused", "resolved"} and since is None:
            since = mark.at
        elif mark.what in {"resumed", "assigned", "waiting", "reopened", "escalated"} and since is not None:
            spells.append((since, mark.at))
            since = None
    if since is not None and since < until:
        spells.append((since, until))
    return tuple(spells)


def stands_still(case: Case) -> bool:
    """Whether its clock is stopped after all that was told."""
    last = case.marks[-1].at if case.marks else 0
    return any(end > last for _, end in pauses(case, last + 1))
