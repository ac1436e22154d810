"""Subscriptions: what was told of each, and the membership that follows from all of them (R-CUST-05, R-CUST-07).

A customer's subscriptions are one row of marks, each with the instant at which it happened. Everything else is a function of
the set of marks, so that it does not matter in which order they arrive or how often (T-15, T-16).
"""

from collections.abc import Iterable, Mapping
from functools import reduce
from itertools import pairwise
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from processors.membership import Membership, Spell, Status
from processors.money import convert
from processors.rows import Table
from schemas.events import (
    SubscriptionCancelled,
    SubscriptionChanged,
    SubscriptionPaused,
    SubscriptionResumed,
    SubscriptionStarted,
)

MOST = 32
"""Subscriptions of a customer that are remembered; of more, those that ended first are forgotten."""
MOST_MARKS = 64
"""Marks of a subscription that are remembered; of more, the oldest are forgotten, and what they did to tenure with them."""
MOST_SPELLS = 16
"""Spells of one kind that a customer's row remembers, so that it does not grow with history (D8)."""
STRENGTH: Mapping[Status, int] = {"cancelled": 0, "paused": 1, "active": 2}
"""Of several subscriptions the one that comes highest here is the customer's status."""


class Mark(Struct, frozen=True, array_like=True):
    """From `at` on a subscription was so."""

    at: int
    status: Status
    for_good: bool
    cause: str


class Price(Struct, frozen=True, array_like=True):
    """From `at` on a subscription cost so much a month, programme minor units at that day's rate (T-05)."""

    at: int
    monthly_minor: int


class Subscription(Struct, frozen=True, array_like=True):
    """Marks are in the order in which they happened."""

    subscription_id: str
    marks: tuple[Mark, ...] = ()
    price: Price | None = None

    @property
    def now(self) -> Mark | None:
        """How it is after all that was told; None while nobody told that it began."""
        return self.marks[-1] if self.marks else None


class Subscriptions(Struct, frozen=True, array_like=True):
    """All subscriptions of a customer, by id."""

    each: tuple[Subscription, ...] = ()


SUBSCRIPTIONS = Table("subscriptions", b"u", Subscriptions, "all subscriptions of each customer, by customer")

SubscriptionEvent = (
    SubscriptionStarted | SubscriptionChanged | SubscriptionPaused | SubscriptionResumed | SubscriptionCancelled
)
STATUS_OF: Mapping[type, Status] = {
    SubscriptionStarted: "active",
    SubscriptionResumed: "active",
    SubscriptionPaused: "paused",
    SubscriptionCancelled: "cancelled",
}


def tell(subscriptions: Subscriptions, event: SubscriptionEvent, cause: str) -> Subscriptions:
    """The subscriptions with one more event; the same ones where it was told before."""
    found = {each.subscription_id: each for each in subscriptions.each}
    before = found.get(event.subscription_id, Subscription(event.subscription_id))
    after = before
    if isinstance(event, SubscriptionStarted | SubscriptionChanged):
        after = _priced(after, Price(event.occurred_at, convert(event.monthly_minor, event.rate_ppm)))
    if status := STATUS_OF.get(type(event)):
        for_good = isinstance(event, SubscriptionCancelled) and event.for_good
        after = _marked(after, Mark(event.occurred_at, status, for_good, cause))
    if after == before:
        return subscriptions
    found[event.subscription_id] = after
    return _bounded(Subscriptions(tuple(found[name] for name in sorted(found))))


def joined(all_of_them: Iterable[Subscriptions]) -> Subscriptions:
    """Those of several ids of one customer (T-24); what was told of a subscription under two ids was told of one."""
    found: dict[str, Subscription] = {}
    for each in (each for one in all_of_them for each in one.each):
        same = found.get(each.subscription_id, Subscription(each.subscription_id))
        same = reduce(_marked, each.marks, same)
        found[each.subscription_id] = _priced(same, each.price) if each.price else same
    return Subscriptions(tuple(found[name] for name in sorted(found)))


def _priced(subscription: Subscription, price: Price) -> Subscription:
    """The last price counts; of two of one instant the higher."""
    known = subscription.price
    if known is not None and (known.at, known.monthly_minor) >= (price.at, price.monthly_minor):
        return subscription
    return replace(subscription, price=price)


def _marked(subscription: Subscription, mark: Mark) -> Subscription:
    """Of marks of one instant the weakest status is the last: somebody who began and cancelled at once has cancelled."""

    def order(each: Mark) -> tuple[int, int, bool, str]:
        return (each.at, -STRENGTH[each.status], each.for_good, each.cause)

    same = [each for each in subscription.marks if order(each)[:3] == order(mark)[:3]]
    # The same thing told twice: who told it must not depend on who came first.
    others = (each for each in subscription.marks if each not in same)
    marks = sorted((*others, min((*same, mark), key=order)), key=order)
    return replace(subscription, marks=tuple(marks[-MOST_MARKS:]))


def _bounded(subscriptions: Subscriptions) -> Subscriptions:
    if len(subscriptions.each) <= MOST:
        return subscriptions

    def ended(subscription: Subscription) -> tuple[bool, int]:
        now = subscription.now
        return (now is None or now.status != "cancelled", now.at if now else 0)

    forgotten = min(subscriptions.each, key=ended)
    return Subscriptions(tuple(each for each in subscriptions.each if each is not forgotten))


class _Change(NamedTuple):
    """From `at` on the customer was so."""

    at: int
    status: Status
    mark: Mark


def _changes(subscriptions: Subscriptions) -> list[_Change]:
    """When the customer's status changed, over all subscriptions."""
    marks = sorted(
        (
            (mark.at, place, order)
            for place, each in enumerate(subscriptions.each)
            for order, mark in enumerate(each.marks)
        ),
    )
    standing: dict[int, Mark] = {}
    changes: list[_Change] = []
    for at, place, order in marks:
        standing[place] = told = subscriptions.each[place].marks[order]
        best = max(standing.values(), key=lambda mark: STRENGTH[mark.status])
        # The mark that made it so names the cause; where it changed nothing, what made it so before stands.
        if changes and changes[-1].status == best.status:
            continue
        if changes and changes[-1].at == at:
            changes.pop()
            if changes and changes[-1].status == best.status:
                continue
        changes.append(_Change(at, best.status, told))
    return changes


def _spells(changes: list[_Change], status: Status) -> tuple[Spell, ...]:
    spells = [(one.at, following.at) for one, following in pairwise(changes) if one.status == status]
    return tuple(spells[-MOST_SPELLS:])


def membership(subscriptions: Subscriptions) -> Membership:
    """What follows for the customer from everything told."""
    changes = _changes(subscriptions)
    if not changes:
        return Membership()
    last = changes[-1]
    told = [(each, each.now) for each in subscriptions.each if each.now]
    return Membership(
        status=last.status,
        since=last.at,
        # What ended before this time of being cancelled began says nothing of it: they came back since.
        for_good=last.status == "cancelled" and any(now.for_good and now.at >= last.at for _, now in told),
        cause=last.mark.cause,
        monthly_minor=sum(each.price.monthly_minor for each, now in told if now.status == "active" and each.price),
        cancelled=_spells(changes, "cancelled"),
        paused=_spells(changes, "paused"),
    )
