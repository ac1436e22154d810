"""The VIP share: customers and VIPs by tier of a partition, their sum over all, and the advice that follows (R-TIER-18, T-49)."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from msgspec import Struct

from processors.customer import Customer
from processors.explanation import Because, compare, head, identify
from processors.facts_policy import VipShare
from processors.local_time import date_of
from processors.rows import Table
from schemas.decided import Condition
from schemas.decisions import VipShareJudged
from schemas.events import ClockTicked
from schemas.messages import PartitionCounted, TierCount
from schemas.partitions import reserved

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


def conditions(census: Census, rule: VipShare, last: Level | None) -> tuple[Condition, ...]:
    """The number of VIPs against each bound's share of the customers; none among too few customers.

    A bound is passed, upwards or downwards, only by the margin, so that a share about it does not flap (T-49).
    """
    if census.customers < max(rule.least_customers, 1):
        return ()
    passed = LEVELS.index(last) if last else None
    bounds = (("low", rule.low_percent), ("high", rule.high_percent), ("too_high", rule.too_high_percent))
    found = []
    for place, (of, percent) in enumerate(bounds):
        margin = 0 if passed is None else rule.margin_permille if passed <= place else -rule.margin_permille
        share = (percent * 10 + margin) * census.customers
        # The low bound itself is within, as the others are: the least whole number of VIPs here, the most there.
        name = f"vips_against_percent_{percent}"
        if of == "low":
            found.append(compare(of, name, census.vips, ">=", -(-share // 1000)))
        else:
            found.append(compare(of, name, census.vips, "<=", share // 1000))
    return tuple(found)


def level(found: Sequence[Condition]) -> Level | None:
    """Where the share stands, as the conditions found it; None where there are none."""
    if not found:
        return None
    low, *high = found
    return LEVELS[low.holds + sum(not each.holds for each in high)]


def advise(census: Census, rule: VipShare, last: Level | None) -> Level | None:
    """Where the share stands after `last`; None among too few customers."""
    return level(conditions(census, rule, last))


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
    """The whole programme on one day; `before` is the level until then, and `conditions` gave that of the day."""

    day: str
    census: Census
    level: Level | None
    before: Level | None
    conditions: tuple[Condition, ...]


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
    judged = conditions(census, rule, shares.level)
    later = tuple(each for each in shares.days if each.day > day)
    return Shares(later, day, level(judged)), Verdict(day, census, level(judged), shares.level, judged)


def day_begun(before: int | None, now: int | None, zone: str) -> str | None:
    """The local day that began between two ticks, ISO 8601; None where it is still the same, or nobody knows since when."""
    if before is None or now is None or (day := date_of(now, zone)) == date_of(before, zone):
        return None
    return day.isoformat()


def told(census: Census, day: str, partition: int, tick: ClockTicked) -> PartitionCounted:
    """What a partition tells the programme as a day begins."""
    tiers = tuple(TierCount(*each) for each in census.tiers)
    message_id = identify(reserved(partition), f"tick/{tick.at}", PartitionCounted, day)
    return PartitionCounted(
        message_id=message_id,
        at=tick.at,
        day=day,
        partition=partition,
        partitions=tick.partitions,
        customers=census.customers,
        tiers=tiers,
    )


def judge(
    shares: Shares, event: PartitionCounted, rule: VipShare, because: Because, sequence: int
) -> tuple[Shares, VipShareJudged | None]:
    """What the programme makes of a partition's census: advice, `sequence` of its decisions, on days on which it is another."""
    part = Census(event.customers, tuple((each.tier, each.customers) for each in event.tiers))
    shares, verdict = taken(shares, event.day, (event.partition, part), event.partitions, rule)
    if verdict is None or verdict.level == verdict.before:
        return shares, None
    census = verdict.census
    return shares, VipShareJudged(
        **head(because, sequence, VipShareJudged, verdict.day, verdict.conditions),
        day=verdict.day,
        customers=census.customers,
        vips=census.vips,
        tiers=tuple(TierCount(*each) for each in census.tiers),
        level=verdict.level,
        level_before=verdict.before,
    )
