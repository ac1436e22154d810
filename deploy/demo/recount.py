"""An independent recount: each customer's value, number of orders and tier, from the events alone.

Standard library only, and nothing of laurel: what this finds equal was computed twice, by two programs. It reads the
history file, the file of synthetic events, the policy as JSON, and what `laurel tail` shows of `customer-profiles`, and
counts as of the last tick, which it derives itself and compares with those on the timeline. It prints one JSON object;
exit code 1 says that something differs, 2 that a file cannot be understood.

The rules, in its own words. An order is worth its goods less its refunds, never below zero, and nothing once cancelled.
A tier is held from the moment that lifetime value and calendar months since the first registration or order both
suffice. Who no longer deserves the tier held keeps it until that many whole local days have passed, and then gets what
is deserved by then; who deserves it again meanwhile keeps it.
"""

from __future__ import annotations

import argparse
import calendar
import hashlib
import json
import sys
import zoneinfo
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

Json = dict[str, Any]
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
ORDER_HOUR = time(12)
SHOWN = 5
FACTS = ("lifetime_value_minor", "orders", "tier")


class NotUnderstoodError(Exception):
    """A file holds what this recount has no rule for; to go on would be to guess."""


# --- what happened -----------------------------------------------------------------------------------------------


def history_events(path: Path, zone: zoneinfo.ZoneInfo) -> Iterator[Json]:
    """The orders that the lines of a history tell of, placed at noon of their local day."""
    with path.open(encoding="utf-8-sig") as lines:
        for number, line in enumerate(lines, 1):
            columns = line.split()
            if not columns or (number == 1 and not any(map(str.isdigit, columns[1]))):
                continue
            customer, day, _, amount = columns
            noon = datetime.combine(date(int(day[:4]), int(day[4:6]), int(day[6:])), ORDER_HOUR, zone)
            yield {
                "type": "OrderPlaced",
                "customer_id": "c-" + hashlib.sha256(b"laurel-demo/" + customer.encode()).hexdigest()[:16],
                "occurred_at": int(noon.timestamp()) * 1000,
                "order_id": f"o-{number:06d}",
                "lines": [{"goods_minor": int(Decimal(amount) * 100)}],
            }


def json_lines(path: Path) -> Iterator[Json]:
    """The objects of a file of JSON lines."""
    with path.open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def arrivals(events: Iterable[Json]) -> list[Json]:
    """The events that can be taken, as they arrive: of two at one instant, the one that was given first."""
    good = [event for event in events if "refused_as" not in event]
    if odd := next((event for event in good if event.keys() & {"raw", "unchecked", "timestamp"}), None):
        raise NotUnderstoodError(f"found {odd}; there is no rule for a record that only pretends to be good")
    return sorted(good, key=lambda event: event["occurred_at"])


def take(events: list[Json], zone: zoneinfo.ZoneInfo, max_jump_days: int) -> tuple[list[Json], list[int]]:
    """The events within the log's reach, and the log's ticks.

    Time ticks at the first event, at each local midnight that is passed, and at an event more than an hour after the
    last tick. An event too far ahead of the last tick is not taken.
    """
    taken: list[Json] = []
    ticks: list[int] = []
    midnight = 0
    for event in events:
        at = event["occurred_at"]
        if not ticks:
            ticks.append(at)
            midnight = next_midnight(at, zone)
        elif at - ticks[-1] > max_jump_days * DAY_MS:
            continue
        taken.append(event)
        while midnight <= at:
            ticks.append(midnight)
            midnight = next_midnight(midnight, zone)
        if at - ticks[-1] > HOUR_MS:
            ticks.append(at)
    return taken, ticks


def local_day(instant: int, zone: zoneinfo.ZoneInfo) -> date:
    """The day it is at an instant."""
    return datetime.fromtimestamp(instant // 1000, zone).date()


def next_midnight(instant: int, zone: zoneinfo.ZoneInfo) -> int:
    """The start of the next local day."""
    tomorrow = local_day(instant, zone) + timedelta(days=1)
    return int(datetime.combine(tomorrow, time(), zone).timestamp()) * 1000


# --- a customer --------------------------------------------------------------------------------------------------


@dataclass
class Order:
    """One order; its cancellation and refunds may come before itself."""

    goods: int | None = None
    cancelled: bool = False
    refunds: dict[str, int] = field(default_factory=dict)

    def worth(self) -> int:
        """What it adds to lifetime value now."""
        return 0 if self.goods is None or self.cancelled else max(0, self.goods - sum(self.refunds.values()))


def change(order: Order, event: Json) -> None:
    """What an event makes of its order; what was published twice counts once."""
    if event["type"] == "OrderCancelled":
        order.cancelled = True
    elif event["type"] == "OrderRefunded":
        order.refunds.setdefault(event["refund_id"], event["goods_minor"])
    elif order.goods is None:
        order.goods = sum(line["goods_minor"] for line in event["lines"])


class Customer:
    """A customer, told one event after the other."""

    def __init__(self, policy: Json) -> None:
        """Start as a stranger."""
        self.tiers: list[Json] = policy["tiers"]
        self.grace_days: int = policy["grace_days"]
        self.missing_day: str = policy["missing_day"]
        self.orders: dict[str, Order] = defaultdict(Order)
        self.value = 0
        self.since: date | None = None
        self.tier: str | None = None
        self.loses_tier_on: date | None = None
        self.today = date.min

    def hear(self, event: Json, day: date, happened_on: date) -> None:
        """Take one event that arrives on `day`."""
        self.pass_time(day)
        kind = event["type"]
        if kind in ("OrderPlaced", "CustomerRegistered"):
            self.since = min(self.since or happened_on, happened_on)
        if kind in ("OrderPlaced", "OrderCancelled", "OrderRefunded"):
            order = self.orders[event["order_id"]]
            before = order.worth()
            change(order, event)
            self.value += order.worth() - before
        elif kind not in ("CustomerRegistered", "OrderDelivered", "ReturnRequested", "ContactOpened"):
            raise NotUnderstoodError(f"no rule for {kind}")
        self._compare()

    def pass_time(self, until: date) -> None:
        """Live through the days up to `until` on which time alone may change the tier."""
        while days := [
            day for day in (self.loses_tier_on, *self._anniversaries()) if day and self.today < day <= until
        ]:
            self.today = min(days)
            if self.today == self.loses_tier_on:
                self.loses_tier_on = None
                self.tier = self._deserved()
            else:
                self._compare()
        self.today = max(self.today, until)

    def _anniversaries(self) -> list[date]:
        """The day on which tenure suffices, for each tier; none of a customer of whom nothing is known."""
        if self.since is None:
            return []
        return [months_after(self.since, tier["tenure_months"], self.missing_day) for tier in self.tiers]

    def _deserved(self) -> str | None:
        """The highest tier both of whose conditions hold today."""
        best = None
        for tier, reached_on in zip(self.tiers, self._anniversaries(), strict=False):
            if self.value >= tier["lifetime_value_minor"] and self.today >= reached_on:
                best = tier["name"]
        return best

    def _compare(self) -> None:
        """Rise at once; fall later; stay without a word."""
        ladder = [None, *(tier["name"] for tier in self.tiers)]
        deserved = self._deserved()
        if ladder.index(deserved) < ladder.index(self.tier):
            if self.loses_tier_on is None:
                self.loses_tier_on = self.today + timedelta(days=self.grace_days + 1)
        else:
            self.tier, self.loses_tier_on = deserved, None

    def facts(self) -> Json:
        """What a profile should say."""
        placed = [order for order in self.orders.values() if order.goods is not None and not order.cancelled]
        return dict(zip(FACTS, (self.value, len(placed), self.tier), strict=True))


def months_after(day: date, months: int, missing_day: str) -> date:
    """The same day of the month so many months later, or what stands for it where that month lacks the day."""
    years, month0 = divmod(day.month - 1 + months, 12)
    year, month = day.year + years, month0 + 1
    length = calendar.monthrange(year, month)[1]
    if day.day <= length:
        return date(year, month, day.day)
    last = date(year, month, length)
    return last if missing_day == "last_of_month" else last + timedelta(days=1)


# --- the comparison ----------------------------------------------------------------------------------------------


def recount(events: Iterable[Json], policy: Json, max_jump_days: int) -> tuple[dict[str, Json], list[int], int]:
    """What each profile should say, all ticks, and how many good events were out of the log's reach."""
    if policy["lifetime_value"]["goods"] is not True:
        raise NotUnderstoodError("found a policy under which goods do not count; there is no rule for that")
    zone = zoneinfo.ZoneInfo(policy["time_zone"])
    arrived = arrivals(events)
    taken, ticks = take(arrived, zone, max_jump_days)
    customers: dict[str, Customer] = defaultdict(lambda: Customer(policy))
    for event in taken:
        day = local_day(event["occurred_at"], zone)
        customers[event["customer_id"]].hear(event, day, day)
    for customer in customers.values():
        customer.pass_time(local_day(ticks[-1], zone))
    return {name: customer.facts() for name, customer in customers.items()}, ticks, len(arrived) - len(taken)


def last_profiles(lines: Iterable[Json]) -> dict[str, Json]:
    """The latest profile of each customer, from lines of `laurel tail` or `laurel simulate`."""
    profiles = (line.get("record", line) for line in lines)
    return {
        profile["customer_id"]: {fact: profile[fact] for fact in FACTS}
        for profile in profiles
        if profile["type"] == "CustomerProfile"
    }


def compare(expected: dict[str, Json], profiles: dict[str, Json]) -> Iterator[Json]:
    """Every customer whose profile says something else, is missing, or should not be there."""
    for name in sorted(expected.keys() | profiles.keys()):
        if expected.get(name) != profiles.get(name):
            yield {"customer_id": name, "recounted": expected.get(name), "profile": profiles.get(name)}


def compare_ticks(expected: list[int], lines: Iterable[Json]) -> Iterator[Json]:
    """Partitions of the timeline whose ticks are not the ones derived here."""
    found: dict[int, list[int]] = defaultdict(list)
    for line in lines:
        if line.get("record", {}).get("type") == "ClockTicked":
            found[line["partition"]].append(line["record"]["at"])
    if not found:
        yield {"ticks_of_partition": None, "recounted": len(expected), "timeline": 0}
    for partition, ticks in sorted(found.items()):
        if ticks != expected:
            at = next((n for n, pair in enumerate(zip(expected, ticks, strict=False)) if len(set(pair)) > 1), None)
            yield {
                "ticks_of_partition": partition,
                "recounted": {"ticks": len(expected), "last": expected[-1], "first_difference": at and expected[at]},
                "timeline": {"ticks": len(ticks), "last": ticks[-1], "first_difference": at and ticks[at]},
            }


def compare_refusals(events: Iterable[Json], beyond_reach: int, lines: Iterable[Json]) -> Iterator[Json]:
    """Reasons under which another number of records was refused than should have been."""
    expected = Counter(event["refused_as"] for event in events if "refused_as" in event)
    expected["implausible_date"] += beyond_reach
    found = Counter(line["reason"] for line in lines)
    for reason in sorted(expected.keys() | found.keys()):
        if expected[reason] != found[reason]:
            yield {"dead_letters": reason, "recounted": expected[reason], "dead-letters": found[reason]}


def result(given: argparse.Namespace) -> Json:
    """The recount and all that differs from it."""
    policy = json.loads(given.policy.read_text(encoding="utf-8"))
    history = list(history_events(given.history, zoneinfo.ZoneInfo(policy["time_zone"])))
    synthetic = list(json_lines(given.synthetic))
    customers, ticks, beyond_reach = recount([*history, *synthetic], policy, given.max_jump_days)
    differences = list(compare(customers, last_profiles(json_lines(given.profiles))))
    if given.ticks:
        differences += compare_ticks(ticks, json_lines(given.ticks))
    if given.dead_letters:
        differences += compare_refusals(synthetic, beyond_reach, json_lines(given.dead_letters))
    return {
        "equal": not differences,
        "customers": len(customers),
        "orders": sum(facts["orders"] for facts in customers.values()),
        "gross_order_value_minor": sum(line["goods_minor"] for event in history for line in event["lines"]),
        "net_lifetime_value_minor": sum(facts["lifetime_value_minor"] for facts in customers.values()),
        "tiers": Counter(str(facts["tier"]).lower() for facts in customers.values()),
        "as_of": datetime.fromtimestamp(ticks[-1] / 1000, UTC).isoformat(),
        "ticks": len(ticks),
        "differences": len(differences),
        "mismatches": differences[:SHOWN],
    }


def main() -> int:
    """Recount and compare."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--history", type=Path, required=True, help="lines of customer, YYYYMMDD, items, amount")
    parser.add_argument("--synthetic", type=Path, required=True, help="the generator's events, JSON lines")
    parser.add_argument("--policy", type=Path, required=True, help="the policy document as JSON")
    parser.add_argument("--profiles", type=Path, required=True, help="customer-profiles, as `laurel tail` shows it")
    parser.add_argument("--ticks", type=Path, help="timeline likewise; other records than ticks may be left out")
    parser.add_argument("--dead-letters", type=Path, help="dead-letters likewise")
    parser.add_argument("--max-jump-days", type=int, default=31, help="as the worker's setting")
    parser.add_argument("--zones", type=Path, help="folder of time zones; this machine's where none is given")
    given = parser.parse_args()
    if given.zones:
        zoneinfo.reset_tzpath([given.zones.resolve()])
    try:
        counted = result(given)
    except (NotUnderstoodError, OSError, ValueError, KeyError) as error:
        print(f"recount: {type(error).__name__}: {error}", file=sys.stderr)
        return 2
    print(json.dumps(counted))
    return 0 if counted["equal"] else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
