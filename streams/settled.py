"""How contacts went, by tier: settled at first contact, in time, and how long it took; from `priority-routing` alone (R-RTE-05, R-RTE-10)."""

from collections import defaultdict
from collections.abc import Iterable
from statistics import median
from typing import Any, NamedTuple

from schemas.decisions import ContactClosed


class Settled(NamedTuple):
    """Contacts of a tier that were settled; times are business minutes, pauses left out."""

    tier: str
    contacts: int
    first_contact_permille: int
    answered_permille: int
    resolved_permille: int
    half_within: int
    longest: int


def by_tier(decisions: Iterable[Any]) -> list[Settled]:
    """Of each case what was said last, at the tier it was routed under; `all` of them last."""
    last = {(each.customer_id, each.case_id): each for each in decisions if isinstance(each, ContactClosed)}
    groups = defaultdict[str, list[ContactClosed]](list)
    for each in last.values():
        groups[each.tier or "none"].append(each)
    return [_settled(tier, of) for tier, of in (*sorted(groups.items()), ("all", list(last.values()))) if of]


def _settled(tier: str, of: list[ContactClosed]) -> Settled:
    minutes = [each.resolution_minutes for each in of]
    return Settled(
        tier,
        len(of),
        _permille([each.first_contact for each in of]),
        _permille([each.answered_in_time for each in of]),
        _permille([each.resolved_in_time for each in of]),
        int(median(minutes)),
        max(minutes),
    )


def _permille(done: list[bool]) -> int:
    return sum(done) * 1000 // len(done)
