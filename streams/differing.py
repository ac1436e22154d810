"""Which systems hold another status, for how long and why: counted from the decisions that anybody can read (R-SYNC-02)."""

from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

from processors.local_time import MINUTE_MS
from schemas.discrepancies import DiscrepancyFound, DiscrepancyResolved


class Standing(NamedTuple):
    """One system. `oldest_minutes` is the age of its oldest open one, `longest_minutes` that of the longest that is over."""

    system: str
    open: int
    oldest_minutes: int | None
    reasons: dict[str, int]
    resolved: int
    longest_minutes: int | None


def by_system(decisions: Iterable[Any], now_ms: int) -> list[Standing]:
    """Each system's discrepancies as of an instant."""
    opened, resolved = dict[str, DiscrepancyFound](), dict[str, list[int]]()
    for each in decisions:
        match each:
            case DiscrepancyFound():
                opened[each.decision_id] = each
                resolved.setdefault(each.system, [])
            case DiscrepancyResolved():
                opened.pop(each.discrepancy_id, None)
                resolved.setdefault(each.system, []).append(each.minutes_differing)
            case _:
                pass
    return [_standing(system, opened.values(), minutes, now_ms) for system, minutes in sorted(resolved.items())]


def _standing(system: str, opened: Iterable[DiscrepancyFound], resolved: list[int], now_ms: int) -> Standing:
    own = [each for each in opened if each.system == system]
    oldest = max(((now_ms - each.differs_since) // MINUTE_MS for each in own), default=None)
    reasons = dict(sorted(Counter(each.reason for each in own).items()))
    return Standing(system, len(own), oldest, reasons, len(resolved), max(resolved, default=None))
