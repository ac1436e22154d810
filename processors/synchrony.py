"""What other systems say of a customer's status, as the customer's row holds it: one entry for each system (R-SYNC-01)."""

from collections.abc import Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from processors.explanation import compare
from schemas.decided import Condition

NO_TIER = "none"
"""Stands for no tier where two are compared: no tier is a status, and not unknown."""


class Report(Struct, frozen=True, array_like=True):
    """What a system said. `at` is when it held that, `sequence` the last number of ours that it knew; None: it does not say."""

    at: int
    tier: str | None
    sequence: int | None
    cause: str


class Held(Struct, frozen=True, array_like=True):
    """A system's last report beside our tier. `since` is None while both agree.

    `shared` is the tier that both held last, if they ever `agreed`; `found_id` the decision that they differ.
    """

    system: str
    report: Report
    since: int | None = None
    agreed: bool = False
    shared: str | None = None
    found_id: str | None = None


class Synchrony(Struct, frozen=True, array_like=True):
    """`sequence` and `at` are those of our last change of tier, while systems are compared.

    `doubted` are returns that were decided while the status was in doubt, since `doubted_at`.
    """

    systems: tuple[Held, ...] = ()
    sequence: int = 0
    at: int = 0
    doubted: tuple[str, ...] = ()
    doubted_at: int = 0


def same(of: str, held: Held, ours: str | None) -> Condition:
    """Whether a system holds the tier that we do."""
    return compare(of, f"tier_in_{held.system}", held.report.tier or NO_TIER, "=", ours or NO_TIER, held.report.cause)


def _later(report: Report) -> tuple[int, int, str, str]:
    return (report.at, -1 if report.sequence is None else report.sequence, report.tier or "", report.cause)


def heard(synchrony: Synchrony, system: str, report: Report, ours: str | None) -> Synchrony:
    """With one more report: a system's last one counts, whichever comes first, and how often (T-15, T-16).

    Whichever of them says our tier shows that it was known there.
    """
    known = next((held for held in synchrony.systems if held.system == system), None)
    held = Held(system, report) if known is None else known
    if _later(held.report) < _later(report):
        held = replace(held, report=report)
    if report.tier == ours:
        held = replace(held, agreed=True, shared=ours)
    if held == known:
        return synchrony
    others = (each for each in synchrony.systems if each.system != system)
    return replace(synchrony, systems=tuple(sorted((*others, held), key=lambda each: each.system)))


def together(standing: Synchrony, parts: Sequence[Synchrony]) -> Synchrony:
    """Reports to several ids of one customer: of each system the later one counts, with what was found of it (T-24).

    What was found already stays found: an open difference goes on, and is not found again. `standing` says when our tier changed.
    """
    systems = dict[str, Held]()
    for held in (held for part in parts for held in part.systems):
        known = systems.get(held.system, held)
        later, other = (known, held) if _later(held.report) <= _later(known.report) else (held, known)
        if later.found_id is None and other.found_id is not None:
            later = replace(later, since=other.since, found_id=other.found_id)
        systems[held.system] = later
    found = replace(standing, systems=tuple(systems[name] for name in sorted(systems)))
    doubted = dict.fromkeys(each for part in (standing, *parts) for each in part.doubted)
    since = [part.doubted_at for part in (standing, *parts) if part.doubted]
    return doubting(found, doubted, min(since, default=0))


def own(part: Synchrony, family: Synchrony, others: Iterable[Synchrony] = (), doubted: Iterable[str] = ()) -> Synchrony:
    """A part as it is apart from the others: what was found of a report that was its own goes with it, and its doubts.

    What was found of another one before they met is that one's.
    """
    theirs = {held.found_id for other in others for held in other.systems if held.found_id}
    known = {(held.system, held.report): held for held in family.systems if held.found_id not in theirs}
    systems = tuple(known.get((held.system, held.report), held) for held in part.systems)
    return doubting(replace(part, systems=systems), doubted, family.doubted_at)


def told(family: Synchrony, part: Synchrony, ours: str | None) -> Synchrony:
    """What a customer with several ids knows after a report to one of them."""
    for held in part.systems:
        family = heard(family, held.system, held.report, ours)
    return family


def doubting(one: Synchrony, doubted: Iterable[str], since: int) -> Synchrony:
    """`one`, in doubt about these returns."""
    waiting = tuple(doubted)
    return replace(one, doubted=waiting, doubted_at=since if waiting else 0)
