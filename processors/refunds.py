"""Refunds of an order: each once, under whichever id of its customer it was told (T-03, T-15, T-24)."""

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import chain, repeat
from typing import Any

from msgspec import Struct

from processors.money import convert
from schemas.fields import LARGEST_MINOR

ALL = ""
"""Stands for the whole order among its lines."""


class Refund(Struct, frozen=True, array_like=True):
    """What went back, in the order's currency; for a line, or for the order as a whole."""

    refund_id: str
    minor: int
    line_id: str | None = None


class Beside(Struct, frozen=True, array_like=True):
    """So much of a refund, programme minor units, pays no return: of what went back of a line, or of `ALL`."""

    refund_id: str
    line_id: str
    minor: int


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


def went_back(refunds: Iterable[Refund], line_id: str) -> tuple[Refund, ...]:
    """Those of a line; all of them are the order's."""
    return tuple(each for each in refunds if line_id in {ALL, each.line_id})


def beside_minor(refunds: Iterable[Refund], known: Iterable[Beside], line_id: str) -> int:
    """What is known to pay no return, of the refunds that are known."""
    there = {each.refund_id for each in refunds}
    return sum(each.minor for each in known if each.line_id == line_id and each.refund_id in there)


def set_apart(
    refunds: tuple[Refund, ...], known: tuple[Beside, ...], line_id: str, minor: int, rate_ppm: int
) -> tuple[Beside, ...]:
    """So much in all pays no return, from now on. What was not known of it yet is said of the first refunds that have as much.

    Of each refund, so that what two ids were told of apart from one another adds up once they are one customer, and what both were
    told of does not (T-24). Their parts of the converted sum add up to it (T-26).
    """
    apart = {(each.refund_id, each.line_id): each.minor for each in known}
    new, told_minor, start = minor - beside_minor(refunds, known, line_id), 0, 0
    for each in went_back(refunds, line_id):
        told_minor = min(told_minor + each.minor, LARGEST_MINOR)
        end = convert(told_minor, rate_ppm)
        had = apart.get((each.refund_id, line_id), 0)
        if (more := min(end - start - had, new)) > 0:
            apart[each.refund_id, line_id] = had + more
            new -= more
        start = end
    return tuple(Beside(*each, apart[each]) for each in sorted(apart))


def beside_either(one: Iterable[Beside], other: Iterable[Beside]) -> tuple[Beside, ...]:
    """What two ids know of it: of each refund the larger part, which holds the smaller one."""
    apart = {(each.refund_id, each.line_id): each for each in sorted((*one, *other), key=lambda each: each.minor)}
    return tuple(apart[each] for each in sorted(apart))


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


RATE, REFUNDS, RETURNS, WIDTH = 1, 9, 10, 22
"""Places in an order of version 6, and how many there were."""
DEFAULTS: tuple[Any, ...] = (None, None, None, (), None, None, False, 0, (), (), False)
"""What its last places held where it was written before they were."""


def set_apart_by_row(fields: list[Any]) -> list[Any]:
    """An order of version 6 as one of version 7: decisions on returns knew sums of what pays none, and now each refund does."""
    fields = [*fields, *DEFAULTS[len(fields) - WIDTH :]] if len(fields) < WIDTH else fields
    sums = Counter[str]()
    for _, _, *rest in fields[RETURNS]:
        for line_id, _, *beyond in rest[1] if len(rest) > 1 else ():
            sums[line_id] = max(sums[line_id], *beyond, 0)
    refunds, known = tuple(Refund(*each) for each in fields[REFUNDS]), tuple[Beside, ...]()
    for line_id, minor in sums.items():
        known = set_apart(refunds, known, line_id, minor, fields[RATE])
    return [*fields, [[each.refund_id, each.line_id, each.minor] for each in known]]
