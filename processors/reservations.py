"""What becomes of a request for a reward: answered, granted, offered or refused, and how it ends (R-PTS-05, T-35, T-37, T-38)."""

from collections.abc import Sequence
from typing import Literal

from msgspec.structs import replace

from processors.bookings import Book, decide, note, pay_back
from processors.effects import Send
from processors.explanation import compare, head
from processors.ledger import Parts, capture, hold_part, hold_until, release, reserve
from processors.local_time import HOUR_MS
from processors.points_policy import Points
from processors.reward_requests import OPEN, Request, keep, name_of
from processors.unit import Unit
from schemas.decided import Condition
from schemas.ledger import RewardAnswered
from schemas.messages import UnitsAsked, UnitsEnded
from schemas.rewards import subject_of

End = Literal["captured", "released"]


def rule_of(unit: Unit) -> Points:
    """What the policy says of points; one without any has no rewards."""
    return unit.policy.points or Points()


def _answer(book: Book, request_id: str, request: Request, verdict: str, until: int | None = None) -> None:
    """Say what became of a request. The balance is what it would be without it."""
    wallet = book.account.wallet
    decide(
        book,
        RewardAnswered(
            **head(book.unit.because, book.customer.sequence + 1, RewardAnswered, request_id, request.conditions),
            request_id=request_id,
            reward_id=request.reward_id,
            quantity=request.quantity,
            verdict=verdict,
            points=request.points,
            reserved_until=until,
            tier=book.customer.tier,
            balance=wallet.available + (request.points if request.state in OPEN else 0),
            deficit=wallet.deficit,
            cost_minor=0 if verdict == "refused" else request.cost_minor,
            instead_of=request.instead_of,
        ),
    )


def ask_for_units(unit: Unit, request_id: str, request: Request) -> list[Send]:
    """Only the reward knows what is left of its stock (D6). The points are held until it has answered."""
    keep(unit, request_id, replace(request, state="asked"))
    asked = UnitsAsked(
        **unit.message(UnitsAsked, request_id, request.reward_id),
        reward_id=request.reward_id,
        customer_id=request.customer_id,
        request_id=request_id,
        quantity=request.quantity,
    )
    return [Send(subject_of(request.reward_id), asked, new=True)]


def _give_back(book: Book, request_id: str, parts: Parts, conditions: Sequence[Condition]) -> None:
    """Points that a request held are available again, and pay for what is owed before anything else (T-33, T-35)."""
    note(book, "released", parts, conditions, request_id=request_id)
    pay_back(book, sum(parts.values()), request_id=request_id)


def offer(book: Book, request_id: str, request: Request) -> list[Send]:
    """A substitute is held for the customer, who may take it within a time; what it costs less is available again.

    What was handed over before is taken: nobody is asked whether they want what they have (T-16).
    """
    until = book.unit.now + rule_of(book.unit).offered_hours * HOUR_MS
    name, part = name_of(book.unit, request_id, request), request.substitute_points
    back = hold_part(book.account, name, request.points, part, request.until, until)
    conditions, request = request.conditions, replace(request, points=request.substitute_points, until=until)
    if request.ends_as == "captured":
        _give_back(book, request_id, back, conditions)
        return grant(book, request_id, request)
    _answer(book, request_id, request, "offered", until)
    _give_back(book, request_id, back, conditions)
    keep(book.unit, request_id, replace(request, state="offered", conditions=()))
    return []


def grant(book: Book, request_id: str, request: Request) -> list[Send]:
    """Points are held until the reward is handed over, or that takes too long."""
    until = book.unit.now + rule_of(book.unit).reserved_hours * HOUR_MS
    name = name_of(book.unit, request_id, request)
    _answer(book, request_id, request, "reserved", until)
    if request.state in OPEN:
        hold_until(book.account, name, request.points, request.until, until)
    else:
        parts = reserve(book.account, name, request.points, until)
        note(book, "reserved", parts, request.conditions, request_id=request_id)
    request = keep(book.unit, request_id, replace(request, state="reserved", until=until, conditions=()))
    if request.ends_as != "captured":
        return []
    return conclude(book, request_id, request, "captured", (told("captured", book.unit.because.cause),))


def refuse(book: Book, request_id: str, request: Request) -> list[Send]:
    """No: for a condition of the request that fails. What it holds is available again (T-35)."""
    named = request
    if request.instead_of is not None and request.state != "offered":  # the customer never heard of a substitute
        named = replace(request, reward_id=request.instead_of, instead_of=None)
    _answer(book, request_id, named, "refused")
    if request.state in OPEN:
        name = name_of(book.unit, request_id, request)
        parts = release(book.account, name, request.points, request.until)
        _give_back(book, request_id, parts, request.conditions)
    keep(book.unit, request_id, replace(named, state="refused", has_units=False, conditions=()))
    return _units(book.unit, request_id, request, handed_over=False)


def told(end: End, cause: str | None) -> Condition:
    """How a request ended, as somebody said."""
    return compare("reward", "ended_as", end, "in", "captured, released", cause)


def conclude(book: Book, request_id: str, request: Request, end: End, conditions: Sequence[Condition]) -> list[Send]:
    """A reservation ends, once (T-38): its points are spent, or available as before (T-35)."""
    unit, name = book.unit, name_of(book.unit, request_id, request)
    if end == "captured":
        parts = capture(book.account, name, request.points, request.until)
        about, cost = request.reward_id, request.cost_minor
        note(book, end, parts, conditions, request_id=request_id, reward_id=about, cost_minor=cost)
    else:
        parts = release(book.account, name, request.points, request.until)
        _give_back(book, request_id, parts, conditions)
    keep(unit, request_id, replace(request, state=end, ended_by=unit.because.cause, has_units=False))
    return _units(unit, request_id, request, handed_over=end == "captured")


def _units(unit: Unit, request_id: str, request: Request, *, handed_over: bool) -> list[Send]:
    """The reward hears what became of the units that it held; nothing where it held none."""
    if not request.has_units:
        return []
    ended = UnitsEnded(
        **unit.message(UnitsEnded, request_id),
        reward_id=request.reward_id,
        customer_id=request.customer_id,
        request_id=request_id,
        quantity=request.quantity,
        handed_over=handed_over,
    )
    return [Send(subject_of(request.reward_id), ended, new=True)]
