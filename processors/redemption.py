"""Points for rewards: reserved when one is asked for, then captured or released, once (R-PTS-05, T-35, T-37, T-38)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from processors.bookings import Book, closed, decide, note, opened, pay_back
from processors.customer import Customer
from processors.explanation import compare, head
from processors.ledger import capture, release, reserve
from processors.local_time import HOUR_MS
from processors.lots import ENDS, first
from processors.policy import Policy
from processors.rows import Table
from processors.unit import Unit
from schemas.decided import Condition
from schemas.decisions import Decision
from schemas.events import RewardCancelled, RewardFulfilled, RewardRequested
from schemas.ledger import RewardAnswered

Outcome = tuple[Customer, Sequence[Decision]]
ENDED_PER_UNIT = 100
"""Requests that are released in one unit of work at most (D8)."""


class Asked(Struct, frozen=True, array_like=True):
    """A request for a reward. While it is `awaited`, only its end is known: `ends_as` (T-16)."""

    state: Literal["awaited", "refused", "reserved", "captured", "released"] = "awaited"
    reward_id: str = ""
    points: int = 0
    until: int = 0
    ends_as: Literal["captured", "released"] | None = None
    ended_by: str | None = None


REQUESTS = Table("reward-requests", b"z", Asked, "each request for a reward, by customer and request id")


def _conditions(book: Book, event: RewardRequested, asked: Asked) -> tuple[list[Condition], int]:
    """What must hold for a reward, and what it costs."""
    unit, wallet = book.unit, book.account.wallet
    cause = unit.because.cause
    rewards = unit.policy.points.rewards if unit.policy.points else {}
    reward = rewards.get(event.reward_id)
    cancelled = "yes" if asked.ends_as == "released" else "no"
    conditions = [
        compare("reward", "reward", event.reward_id, "in", ", ".join(sorted(rewards)), cause),
        compare("reward", "cancelled", cancelled, "=", "no", asked.ended_by),
        compare("reward", "deficit", wallet.deficit, "=", 0, book.customer.moved.points),
    ]
    if reward is None:
        return conditions, 0
    if reward.tiers:
        tier = book.customer.tier
        conditions.append(compare("reward", "tier", tier, "in", ", ".join(reward.tiers), book.customer.moved.tier))
    cost = reward.points * event.quantity
    return [*conditions, compare("reward", "balance", wallet.available, ">=", cost, book.customer.moved.points)], cost


def ask(unit: Unit, customer: Customer, event: RewardRequested) -> Outcome:
    """Hold the points of a reward, or say why not. The first answer stands, however often it is asked for (T-37)."""
    asked = unit.rows.get(REQUESTS, unit.subject, event.request_id) or Asked()
    if asked.state != "awaited":
        return customer, ()
    book, policy = opened(unit, customer), unit.policy
    conditions, cost = _conditions(book, event, asked)
    granted = all(each.holds for each in conditions)
    hours = policy.points.reserved_hours if policy.points else 0
    until = unit.now + hours * HOUR_MS
    decide(
        book,
        RewardAnswered(
            **head(unit.because, customer.sequence + 1, RewardAnswered, event.request_id, tuple(conditions)),
            request_id=event.request_id,
            reward_id=event.reward_id,
            quantity=event.quantity,
            verdict="reserved" if granted else "refused",
            points=cost,
            reserved_until=until if granted else None,
            tier=customer.tier,
            balance=customer.points.available,
            deficit=customer.points.deficit,
        ),
    )
    asked = replace(
        asked, state="reserved" if granted else "refused", reward_id=event.reward_id, points=cost, until=until
    )
    unit.rows.put(REQUESTS, asked, unit.subject, event.request_id)
    if granted:
        parts = reserve(book.account, event.request_id, cost, until)
        note(book, "reserved", parts, conditions, request_id=event.request_id)
        if asked.ends_as == "captured":
            _end(book, event.request_id, asked, "captured", (_told("captured", unit.because.cause),))
    return closed(book)


def _told(end: str, cause: str) -> Condition:
    return compare("reward", "ended_as", end, "in", "captured, released", cause)


def _end(
    book: Book,
    request_id: str,
    asked: Asked,
    end: Literal["captured", "released"],
    conditions: Sequence[Condition],
) -> None:
    """A reservation ends, once (T-38): its points are spent, or available as before (T-35)."""
    move = capture if end == "captured" else release
    parts = move(book.account, request_id, asked.points, asked.until)
    ended = replace(asked, state=end, ended_by=book.unit.because.cause)
    book.unit.rows.put(REQUESTS, ended, book.unit.subject, request_id)
    note(book, end, parts, conditions, request_id=request_id)
    if end == "released":
        pay_back(book, sum(parts.values()), request_id=request_id)


def _ending(end: Literal["captured", "released"]) -> Callable[[Unit, Customer, Any], Outcome]:
    """The rule of an event that ends a request; before it is asked for, the first end that is told is remembered."""

    def rule(unit: Unit, customer: Customer, event: RewardFulfilled | RewardCancelled) -> Outcome:
        asked = unit.rows.get(REQUESTS, unit.subject, event.request_id) or Asked()
        cause = unit.because.cause
        if asked.state == "awaited" and asked.ends_as is None:
            unit.rows.put(REQUESTS, replace(asked, ends_as=end, ended_by=cause), unit.subject, event.request_id)
        if asked.state != "reserved":
            return customer, ()
        book = opened(unit, customer)
        _end(book, event.request_id, asked, end, (_told(end, cause),))
        return closed(book)

    return rule


def releases_at(customer: Customer, _policy: Policy) -> int | None:
    """When the first reservation ends by time alone."""
    return customer.points.releases_at


def time_out(unit: Unit, customer: Customer) -> Outcome:
    """Reservations that nobody ended in time are released."""
    book = opened(unit, customer)
    for entry in first(unit.rows, unit.subject, ENDS, ENDED_PER_UNIT, unit.now):
        (request_id,) = entry.lot
        asked = unit.rows.get(REQUESTS, unit.subject, request_id)
        if asked is None:
            raise LookupError(f"points of {unit.subject} are held for a request that is not known: {request_id}")
        over = compare("reward", "reserved_until_at", unit.now, ">=", entry.due)
        _end(book, request_id, asked, "released", (over,))
    return closed(book)


RULES: Mapping[type, Callable[[Unit, Customer, Any], Outcome]] = {
    RewardRequested: ask,
    RewardFulfilled: _ending("captured"),
    RewardCancelled: _ending("released"),
}
"""The rules of requests for rewards."""
