"""Points for rewards: held when one is asked for, then captured or released, once (R-PTS-04, R-PTS-05, T-35, T-37, T-38).

Of a reward with a stock the customer holds the points, and asks the reward's own subject for units (D6); the answer is what decides.
Where there are too few, the substitute that the policy names is asked for instead, and offered (R-FUL-10). Points and units stay
held until the customer has answered: whoever takes an offer gets it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from processors.bookings import Book, closed, note, opened
from processors.customer import Customer
from processors.effects import Send
from processors.explanation import compare
from processors.ledger import reserve
from processors.lots import ENDS, NEVER, first
from processors.points_policy import Reward
from processors.policy import Policy
from processors.reservations import End, ask_for_units, conclude, grant, offer, refuse, rule_of, told
from processors.reward_requests import REQUESTS, UNDECIDED, Request, keep, load, name_of
from processors.stock import enough
from processors.unit import Unit
from schemas.decided import Condition
from schemas.decisions import Decision
from schemas.events import RewardCancelled, RewardFulfilled, RewardRequested, SubstituteAnswered
from schemas.messages import UnitsAnswered

Outcome = tuple[Customer, Sequence[Decision | Send]]
ENDED_PER_UNIT = 100
"""Requests that end in one unit of work at most (D8)."""


def _may_have(book: Book, reward: Reward) -> Condition:
    return compare("reward", "tier", book.customer.tier, "in", ", ".join(reward.tiers), book.customer.moved.tier)


def _not_cancelled(cause: str | None, *, cancelled: bool) -> Condition:
    return compare("reward", "cancelled", "yes" if cancelled else "no", "=", "no", cause)


def _conditions(book: Book, event: RewardRequested, request: Request) -> tuple[list[Condition], Reward | None]:
    """What must hold for a reward, but for its stock; and the reward, where the catalogue has it."""
    wallet, cause, rewards = book.account.wallet, book.unit.because.cause, rule_of(book.unit).rewards
    reward = rewards.get(event.reward_id)
    conditions = [
        compare("reward", "reward", event.reward_id, "in", ", ".join(sorted(rewards)), cause),
        _not_cancelled(request.ended_by, cancelled=request.ends_as == "released"),
        compare("reward", "deficit", wallet.deficit, "=", 0, book.customer.moved.points),
    ]
    if reward is None:
        return conditions, None
    if reward.tiers:
        conditions.append(_may_have(book, reward))
    price = reward.points * event.quantity
    return [
        *conditions,
        compare("reward", "balance", wallet.available, ">=", price, book.customer.moved.points),
    ], reward


def ask(unit: Unit, customer: Customer, event: RewardRequested) -> Outcome:
    """Hold the points of a reward, or say why not. The first request stands, however often it is told (T-37)."""
    request, request_id = load(unit, event.request_id), event.request_id
    if request.state != "awaited":
        return customer, ()
    book = opened(unit, customer)
    conditions, reward = _conditions(book, event, request)
    request = replace(
        request,
        reward_id=event.reward_id,
        points=reward.points * event.quantity if reward else 0,
        customer_id=event.customer_id,
        quantity=event.quantity,
        cost_minor=reward.cost_minor * event.quantity if reward else 0,
        conditions=tuple(conditions),
    )
    if reward is None or not all(each.holds for each in conditions):
        return _closed(book, refuse(book, request_id, request))
    if not reward.stocked:
        return _closed(book, grant(book, request_id, request))
    parts = reserve(book.account, name_of(unit, request_id, request), request.points, NEVER)
    note(book, "reserved", parts, conditions, request_id=request_id)
    return _closed(book, ask_for_units(unit, request_id, replace(request, until=NEVER)))


def hear(unit: Unit, customer: Customer, answer: UnitsAnswered) -> Outcome:
    """A reward told how many units were free: that many are held for this request, or too few."""
    request, request_id = load(unit, answer.request_id), answer.request_id
    if request.state != "asked" or request.reward_id != answer.reward_id:
        return customer, ()
    book, there = opened(unit, customer), enough(answer.reward_id, answer.free, answer.quantity, unit.because.cause)
    request = replace(request, has_units=there.holds, conditions=(*request.conditions, there))
    if request.ends_as == "released":
        others = tuple(each for each in request.conditions if each.name != "cancelled")
        called_off = _not_cancelled(request.ended_by, cancelled=True)
        return _closed(book, refuse(book, request_id, replace(request, conditions=(*others, called_off))))
    if not there.holds:
        return _closed(book, _look_elsewhere(book, request_id, request))
    if request.instead_of is None:
        return _closed(book, grant(book, request_id, request))
    return _closed(book, offer(book, request_id, request))


def choose(unit: Unit, customer: Customer, event: SubstituteAnswered) -> Outcome:
    """The customer takes what was offered, or does not; once (R-FUL-10)."""
    request, request_id = load(unit, event.request_id), event.request_id
    if request.state != "offered":
        return customer, ()
    book = opened(unit, customer)
    said = compare("reward", "substitute", event.verdict, "=", "approved", unit.because.cause)
    then = grant if said.holds else refuse
    return _closed(book, then(book, request_id, replace(request, conditions=(said,))))


def _substitute(book: Book, request: Request) -> tuple[str, Reward] | None:
    """What the policy offers instead: one that this customer may have, and that what they hold pays for."""
    rewards = rule_of(book.unit).rewards
    wanted = rewards.get(request.reward_id)
    if wanted is None or wanted.substitute is None or request.instead_of is not None:
        return None
    other = rewards[wanted.substitute]
    allowed = not other.tiers or _may_have(book, other).holds
    return (wanted.substitute, other) if allowed and other.points * request.quantity <= request.points else None


def _look_elsewhere(book: Book, request_id: str, request: Request) -> list[Send]:
    """Too few units: a substitute is looked for, and offered where it can be had."""
    found = _substitute(book, request)
    if found is None:
        return refuse(book, request_id, request)
    name, reward = found
    request = replace(
        request,
        reward_id=name,
        instead_of=request.reward_id,
        substitute_points=reward.points * request.quantity,
        cost_minor=reward.cost_minor * request.quantity,
    )
    if reward.stocked:
        return ask_for_units(book.unit, request_id, request)
    return offer(book, request_id, request)


def _closed(book: Book, sends: Sequence[Send]) -> Outcome:
    customer, decisions = closed(book)
    return customer, [*decisions, *sends]


def _ending(as_told: End) -> Callable[[Unit, Customer, Any], Outcome]:
    """The rule of an event that ends a request."""

    def rule(unit: Unit, customer: Customer, event: RewardFulfilled | RewardCancelled) -> Outcome:
        ended = Request(ends_as=as_told, ended_by=unit.because.cause, told_at=unit.now)
        return end(unit, customer, event.request_id, ended)

    return rule


def end(unit: Unit, customer: Customer, request_id: str, ended: Request) -> Outcome:
    """A request ends as somebody said. Before it is answered, the first end that is told is remembered (T-16).

    A hand-over takes what is offered: units left the shelf, whatever is told of the offer afterwards.
    """
    request, how, cause = load(unit, request_id), ended.ends_as, ended.ended_by
    if how is None:
        return customer, ()
    if request.state in UNDECIDED and request.ends_as is None:
        request = keep(unit, request_id, replace(request, ends_as=how, ended_by=cause, told_at=ended.told_at))
    book, said = opened(unit, customer), told(how, cause)
    match request.state, how:
        case "reserved", _:
            return _closed(book, conclude(book, request_id, request, how, (said,)))
        case "offered", "captured":
            return _closed(book, grant(book, request_id, replace(request, ends_as=how, conditions=(said,))))
        case "offered", _:
            called_off = _not_cancelled(cause, cancelled=True)
            return _closed(book, refuse(book, request_id, replace(request, conditions=(called_off,))))
        case _:
            return customer, ()


def releases_at(customer: Customer, _policy: Policy) -> int | None:
    """When the first reservation, or offer, ends by time alone."""
    return customer.points.releases_at


def time_out(unit: Unit, customer: Customer) -> Outcome:
    """Reservations that nobody ended in time are released, offers that nobody took are over.

    Of several ids' requests of one name one at a time, the others a millisecond later: decisions on them would have one id (D7).
    """
    book, sends, ended = opened(unit, customer), list[Send](), set[str]()
    for entry in first(unit.rows, unit.subject, ENDS, ENDED_PER_UNIT, unit.now):
        request_id = entry.lot[0]
        if request_id in ended:
            continue
        ended.add(request_id)
        request = unit.rows.get(REQUESTS, unit.subject, *entry.lot)
        if request is None:
            raise LookupError(f"points of {unit.subject} are held for a request that is not known: {request_id}")
        if request.state == "offered":
            in_time = compare("reward", "offered_until_at", unit.now, "<", entry.due)
            sends += refuse(book, request_id, replace(request, conditions=(in_time,)))
        else:
            over = compare("reward", "reserved_until_at", unit.now, ">=", entry.due)
            sends += conclude(book, request_id, request, "released", (over,))
    return _closed(book, sends)


RULES: Mapping[type, Callable[[Unit, Customer, Any], Outcome]] = {
    RewardRequested: ask,
    UnitsAnswered: hear,
    SubstituteAnswered: choose,
    RewardFulfilled: _ending("captured"),
    RewardCancelled: _ending("released"),
}
"""The rules of requests for rewards."""
