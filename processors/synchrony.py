"""What other systems say of a customer's status, as the customer's row holds it: one entry for each system (R-SYNC-01)."""

from msgspec import Struct
from msgspec.structs import replace


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
