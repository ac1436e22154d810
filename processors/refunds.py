"""Refunds of an order: each once, under whichever id of its customer it was told (T-03, T-15, T-24)."""

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import chain, repeat
from typing import Any

from msgspec import Struct

from schemas.fields import LARGEST_MINOR


class Refund(Struct, frozen=True, array_like=True):
    """What went back, in the order's currency; for a line, or for the order as a whole."""

    refund_id: str
    minor: int
    line_id: str | None = None


def heard(refunds: tuple[Refund, ...], told: Refund) -> tuple[Refund, ...]:
    """Each refund once: what is told first of it counts."""
    if any(each.refund_id == told.refund_id for each in refunds):
        return refunds
    return tuple(sorted((*refunds, told), key=lambda each: each.refund_id))


def united(one: Iterable[Refund], other: Iterable[Refund]) -> tuple[Refund, ...]:
    """All that two ids were told of: of two amounts for one refund the larger counts, whoever was told of it."""
    told = sorted((*one, *other), key=lambda each: (each.minor, each.line_id or ""))
    found = {each.refund_id: each for each in told}
    return tuple(found[each] for each in sorted(found))


def total_minor(refunds: Iterable[Refund]) -> int:
    """What went back in all. What exceeds the largest order makes no difference (T-04)."""
    return min(sum(each.minor for each in refunds), LARGEST_MINOR)


def by_line(refunds: Iterable[Refund]) -> Mapping[str, int]:
    """What of it was for each line (T-34); of others nothing."""
    amounts = Counter[str]()
    for each in refunds:
        if each.line_id is not None:
            amounts[each.line_id] += each.minor
    return amounts


LINES = 19
"""Where an order of version 5 kept what of its refunds was for its lines."""


def told_apart(fields: list[Any]) -> list[Any]:
    """An order of version 5 as one of version 6: it knew its refunds by id, but of their amounts only sums, in all and by line.

    The sums stay what they were. Of several refunds it cannot be known any more which one each sum is of.
    """
    total, refunds, lines = fields[9], fields[10], dict([] if len(fields) <= LINES else fields[LINES])
    sums = [*((minor, line) for line, minor in lines.items() if minor), (max(total - sum(lines.values()), 0), None)]
    told = sorted([refund, *of] for refund, of in zip(refunds, chain(sums, repeat((0, None))), strict=False))
    return [*fields[:9], told, *fields[11:LINES], *fields[LINES + 1 :]]
