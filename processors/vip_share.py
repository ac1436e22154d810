"""The VIP share: customers and VIPs by tier of a partition, their sum over all, and the advice that follows (R-TIER-18, T-49)."""

from collections import Counter
from collections.abc import Iterable
from typing import Literal, NamedTuple

from msgspec import Struct

from processors.customer import Customer
from processors.facts_policy import VipShare
from processors.rows import Table

Level = Literal["few", "fit", "many", "too_many"]
LEVELS: tuple[Level, ...] = ("few", "fit", "many", "too_many")
"""Below the bounds that a programme aims at, within them, above, and so far above that criteria should be raised."""

MOST_DAYS = 8
"""Days that wait for a partition at once; of more, the oldest are given up, so that the row does not grow (D8)."""


class Census(Struct, frozen=True, array_like=True):
    """`tiers` are those that somebody holds, by name; somebody of whom nothing but a contact is known is no customer."""

    customers: int = 0
    tiers: tuple[tuple[str, int], ...] = ()

    @property
    def vips(self) -> int:
        """Customers who hold any tier."""
        return sum(count for _, count in self.tiers)


CENSUS = Table("census", b"m", Census, "how many customers and VIPs by tier the partition has; one row")


def _is_customer(row: Customer | None) -> bool:
    return row is not None and (row.since is not None or row.tier is not None)


def counts_otherwise(before: Customer | None, after: Customer | None) -> bool:
    """Whether a change of a customer's row moves the census."""
    if before is None or after is None:
        return True
    return before.tier != after.tier or (before.since is None) != (after.since is None)


def moved(census: Census, before: Customer | None, after: Customer | None) -> Census:
    """The census after a customer's row changed; None where there was none, or is none any more."""
    customers = census.customers + _is_customer(after) - _is_customer(before)
    held, holds = before.tier if before else None, after.tier if after else None
    if held == holds:
        return census if customers == census.customers else Census(customers, census.tiers)
    tiers = Counter(dict(census.tiers))
    tiers.subtract([held] if held else [])
    tiers.update([holds] if holds else [])
    return Census(customers, tuple(sorted((tier, count) for tier, count in tiers.items() if count)))


def total(censuses: Iterable[Census]) -> Census:
    """All partitions at one instant: one denominator (T-49)."""
    customers, tiers = 0, Counter[str]()
    for each in censuses:
        customers += each.customers
        tiers.update(dict(each.tiers))
    return Census(customers, tuple(sorted(tiers.items())))


def advise(census: Census, rule: VipShare, last: Level | None) -> Level | None:
    """Where the share stands; None among too few customers. A level is left only well beyond its bound (T-49)."""
    if census.customers < max(rule.least_customers, 1):
        return None
    if last is None:
        return LEVELS[_level(census, rule, 0)]
    surely = _level(census, rule, rule.margin_permille)
    possibly = _level(census, rule, -rule.margin_permille)
    return LEVELS[min(max(LEVELS.index(last), surely), possibly)]


def _level(census: Census, rule: VipShare, shift_permille: int) -> int:
    """The place in `LEVELS`, with every bound moved."""

    def beyond(percent: int) -> int:
        return census.vips * 1000 - (percent * 10 + shift_permille) * census.customers

    return (beyond(rule.low_percent) >= 0) + (beyond(rule.high_percent) > 0) + (beyond(rule.too_high_percent) > 0)


class Day(Struct, frozen=True, array_like=True):
    """What was told of one local day so far: each partition's census, by partition."""

    day: str
    parts: tuple[tuple[int, Census], ...] = ()


class Shares(Struct, frozen=True, array_like=True):
    """What the subject `programme` remembers: days that are not complete, the last one that was, and the level it gave."""

    days: tuple[Day, ...] = ()
    decided: str = ""
    level: Level | None = None


class Verdict(NamedTuple):
    """The whole programme on one day; `before` is the level until then."""

    day: str
    census: Census
    level: Level | None
    before: Level | None


def taken(
    shares: Shares, day: str, part: tuple[int, Census], partitions: int, rule: VipShare
) -> tuple[Shares, Verdict | None]:
    """A partition told its census of a local day; once all have, that day is judged, and days before it are forgotten (T-49).

    What a partition tells again makes no difference (T-15). A day in ISO 8601, so that days sort as they follow one another.
    """
    known = {each.day: each for each in shares.days}
    found = known.get(day, Day(day))
    if day <= shares.decided or any(partition == part[0] for partition, _ in found.parts):
        return shares, None
    found = Day(day, tuple(sorted((*found.parts, part), key=lambda each: each[0])))
    if len(found.parts) < partitions:
        days = sorted((known | {day: found}).items())[-MOST_DAYS:]
        return Shares(tuple(each for _, each in days), shares.decided, shares.level), None
    census = total(each for _, each in found.parts)
    level = advise(census, rule, shares.level)
    later = tuple(each for each in shares.days if each.day > day)
    return Shares(later, day, level), Verdict(day, census, level, shares.level)
