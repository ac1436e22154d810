"""SYNTHETIC events around real purchases: what a purchase history does not tell, invented by a seeded generator.

Registrations, deliveries, returns, refunds, cancellations, contacts, and events that upstream publishes twice. Nothing
here happened. The same purchases and seed give the same events, on every Python.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from deploy.demo.events import Event, cancelled, contacted, delivered, placed, refunded, registered, requested
from deploy.demo.history import Purchase

ORDER_HOUR = time(12)
"""The history knows days only: its orders are placed at noon, local time."""
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
CHANNELS = ("phone", "email", "chat", "social")
TOPICS = ("order", "delivery", "return", "invoice", "general")
T = TypeVar("T")


class Rates(NamedTuple):
    """How often each thing happens: shares of purchases, of returns, or of what is named."""

    registered: float = 0.1  # of customers, up to 20 days before their first order
    delivered: float = 0.05  # of orders that nobody returns
    returned: float = 0.06
    returned_after_delivery: float = 0.85  # of returns
    asked_twice: float = 0.03  # of returns: the same units under another request (T-27)
    refunded: float = 0.75  # of returns
    refunded_first: float = 0.1  # of refunds: before the return was recorded
    refunded_before_order: float = 0.02  # of refunds: a clock upstream is slow (T-17)
    refunded_in_parts: float = 0.1  # of refunds: two, of which the second is too high (T-04)
    cancelled: float = 0.004
    cancelled_and_refunded: float = 0.3  # of cancellations (T-04)
    contacted: float = 0.05
    published_twice: float = 0.005  # of all events, real orders too (T-15)


class Dice:
    """Chance from `random.random` alone, the one method whose sequence no Python version changes."""

    def __init__(self, seed: str) -> None:
        """Start the sequence of a seed."""
        self._random = random.Random(seed).random

    def falls(self, share: float) -> bool:
        """True in that share of throws."""
        return self._random() < share

    def between(self, least: int, most: int) -> int:
        """A whole number, both ends included."""
        return least + int(self._random() * (most - least + 1))

    def one_of(self, options: Sequence[T]) -> T:
        """Any of them."""
        return options[self.between(0, len(options) - 1)]

    def weighted(self, options: Sequence[tuple[int, T]]) -> T:
        """Any of them, each as often as the whole number before it says."""
        left = self.between(1, sum(weight for weight, _ in options))
        for weight, option in options:
            if (left := left - weight) <= 0:
                return option
        raise ValueError("nothing to choose from")


class Times:
    """Instants of local days: orders on the hour, everything else some odd millisecond of the day's open hours."""

    def __init__(self, zone: str, last: date) -> None:
        """Events after the history's last day are dropped: time would not come to them."""
        self._zone = ZoneInfo(zone)
        self.last = last

    def order(self, day: date) -> int:
        """When an order of that day was placed, milliseconds since 1970 UTC."""
        return int(datetime.combine(day, ORDER_HOUR, self._zone).timestamp()) * 1000

    def some(self, day: date, days: int, dice: Dice) -> int | None:
        """Some moment `days` after a day; None past the end."""
        moment = dice.between(0, 12 * HOUR_MS - 1)
        if days > (self.last - day).days:
            return None
        opening = datetime.combine(day + timedelta(days=days), time(8), self._zone)
        return int(opening.timestamp()) * 1000 + moment // 1000 * 1000 + 1 + moment % 999  # never on the hour


def synthetic(purchases: list[Purchase], currency: str, times: Times, seed: int, rates: Rates) -> Iterator[Event]:
    """Every synthetic event, in no order."""
    dice = Dice(f"events/{seed}")
    yield from _registrations(purchases, times, dice, rates)
    for purchase in purchases:
        for invented in _aftermath(purchase, times, dice, rates):
            yield invented
            if dice.falls(rates.published_twice):
                yield invented
        if dice.falls(rates.published_twice / 10):
            yield placed(purchase, times.order(purchase.day), currency)


def _in_time(make: Callable[..., Event], purchase: Purchase, at: int | None, *told: Any) -> Iterator[Event]:
    """The event, unless the history ends before it."""
    if at is not None:
        yield make(purchase, at, *told)


def _registrations(purchases: Iterable[Purchase], times: Times, dice: Dice, rates: Rates) -> Iterator[Event]:
    first: dict[str, Purchase] = {}
    for purchase in purchases:
        known = first.setdefault(purchase.customer_id, purchase)
        if purchase.day < known.day:
            first[purchase.customer_id] = purchase
    for purchase in first.values():
        if dice.falls(rates.registered):
            yield from _in_time(registered, purchase, times.some(purchase.day, -dice.between(1, 20), dice))


def _aftermath(purchase: Purchase, times: Times, dice: Dice, rates: Rates) -> Iterator[Event]:
    """What becomes of an order."""
    day = purchase.day
    returned = dice.falls(rates.returned)
    if dice.falls(rates.returned_after_delivery if returned else rates.delivered):
        yield from _in_time(delivered, purchase, times.some(day, dice.between(2, 6), dice))
    if returned:
        yield from _return(purchase, times, dice, rates)
    if dice.falls(rates.cancelled):
        yield from _in_time(cancelled, purchase, times.some(day, dice.between(1, 2), dice))
        if dice.falls(rates.cancelled_and_refunded):
            at = times.some(day, dice.between(0, 5), dice)
            yield from _in_time(refunded, purchase, at, "all", purchase.amount_minor)
    if dice.falls(rates.contacted):
        at = times.some(day, dice.between(0, 40), dice)
        told = dice.one_of(CHANNELS), dice.one_of(TOPICS)
        yield from _in_time(contacted, purchase, at, f"{purchase.line:06d}", *told)


def _return(purchase: Purchase, times: Times, dice: Dice, rates: Rates) -> Iterator[Event]:
    """A request, mostly within the usual windows, and the money that mostly follows."""
    day = purchase.day
    after, units = dice.between(4, 17) + dice.falls(0.25) * dice.between(5, 60), dice.between(1, purchase.items)
    requests = 1 + dice.falls(rates.asked_twice)
    for count in range(requests):
        at = times.some(day, after + count * dice.between(1, 5), dice)
        yield from _in_time(requested, purchase, at, count + 1, units)
    if not dice.falls(rates.refunded):
        return
    worth = purchase.amount_minor * units // purchase.items
    if dice.falls(rates.refunded_before_order):
        yield refunded(purchase, times.order(day) - dice.between(1, HOUR_MS), "early", worth)
        return
    refund = after - 1 if dice.falls(rates.refunded_first) else after + dice.between(1, 7)
    yield from _in_time(refunded, purchase, times.some(day, refund, dice), "1", worth)
    if dice.falls(rates.refunded_in_parts):
        yield from _in_time(refunded, purchase, times.some(day, refund + 2, dice), "2", purchase.amount_minor)
