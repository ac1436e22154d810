"""Goodwill over a rolling window of local days: what was given to a customer, or by an agent (R-REC-02, T-45).

However amounts are split, their sum is the same. The row holds one number a day and is as long as its window at most (D8).
"""

from collections import Counter
from collections.abc import Iterable

from msgspec import Struct

from processors.local_time import date_of
from processors.rows import Table


class Given(Struct, frozen=True, array_like=True):
    """What was given, minor units, by the ordinal of the local day, ascending."""

    days: tuple[tuple[int, int], ...] = ()


GOODWILL = Table("goodwill", b"G", Given, "what a customer was given within the window, by local day; by customer")


def within(given: Given, now: int, window_days: int, zone: str) -> int:
    """The sum of the window's days, of which today is the last. What is recorded for a later day counts, too."""
    first = date_of(now, zone).toordinal() - window_days + 1
    return sum(minor for day, minor in given.days if day >= first)


def give(given: Given, minor: int, at: int, window_days: int, zone: str) -> Given:
    """With an amount on the day of `at`, which is taken back where it is negative; days before the window are forgotten."""
    today = date_of(at, zone).toordinal()
    days = dict(given.days)
    days[today] = days.get(today, 0) + minor
    newest = max(days)
    return Given(tuple(sorted((day, sum_) for day, sum_ in days.items() if sum_ and day > newest - window_days)))


def together(parts: Iterable[Given]) -> Given:
    """What was given to several ids of one customer, as if to one (T-24)."""
    days = Counter[int]()
    for part in parts:
        days.update(dict(part.days))
    return Given(tuple(sorted(days.items())))


def less(given: Given, others: Iterable[Given]) -> Given:
    """What is left of it for one id, where the others keep theirs."""
    theirs = dict(together(others).days)
    rest = ((day, minor - theirs.get(day, 0)) for day, minor in given.days)
    return Given(tuple((day, minor) for day, minor in rest if minor))
