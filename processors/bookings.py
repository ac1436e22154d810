"""Entries of a customer's ledger: each movement of points becomes a decision that says where they stand after it (R-PTS-07).

A unit opens the book, moves points, notes each movement, and closes it; the customer's row then holds the sums.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypedDict, Unpack

from msgspec.structs import replace

from processors.customer import Customer
from processors.explanation import compare, head
from processors.ledger import Account, Parts, repay, settled
from processors.lots import NEVER
from processors.points_policy import Points
from processors.policy import Policy
from processors.unit import Unit
from schemas.decided import Condition
from schemas.decisions import Decision
from schemas.ledger import PointsMoved, PointsUntil

Movement = Literal[
    "earned",
    "given",
    "matured",
    "released",
    "reserved",
    "captured",
    "expired",
    "clawed_back",
    "restored",
    "repaid",
    "taken",
    "joined",
    "parted",
]


class About(TypedDict, total=False):
    """What a movement concerns: fields of the entry."""

    activity: str
    order_id: str
    request_id: str
    adjustment_id: str
    matures_at: int | None
    reward_id: str
    cost_minor: int


@dataclass(slots=True)
class Book:
    """A customer's points in a unit's hands, and what was decided of them so far."""

    unit: Unit
    customer: Customer
    account: Account
    decisions: list[Decision] = field(default_factory=list)


def opened(unit: Unit, customer: Customer) -> Book:
    """The book as the customer's row has it."""
    return Book(unit, customer, Account(unit.rows, unit.subject, customer.points))


def closed(book: Book) -> tuple[Customer, Sequence[Decision]]:
    """The customer with the sums, and every entry."""
    wallet, customer = settled(book.account), book.customer
    if wallet == customer.points:
        return customer, book.decisions
    moved = replace(customer.moved, points=book.unit.because.cause)
    return replace(customer, points=wallet, moved=moved), book.decisions


def decide(book: Book, decision: Decision) -> None:
    """One more decision of this unit."""
    book.decisions.append(decision)
    book.customer = replace(book.customer, sequence=decision.sequence)


def note(
    book: Book,
    movement: Movement,
    parts: Parts,
    conditions: Iterable[Condition],
    policy: Policy | None = None,
    **about: Unpack[About],
) -> None:
    """Points moved, where any did; decided under `policy`, or the one in force."""
    if parts:
        enter(book, movement, parts, conditions, policy, **about)


def enter(
    book: Book,
    movement: Movement,
    parts: Parts,
    conditions: Iterable[Condition],
    policy: Policy | None = None,
    **about: Unpack[About],
) -> None:
    """An entry that says where points stand now, whether any moved or only what is owed."""
    because, wallet = book.unit.because, settled(book.account)
    if policy is not None:
        because = replace(because, policy_version=policy.version)
    of = about.get("order_id") or about.get("request_id") or about.get("adjustment_id") or ""
    decide(
        book,
        PointsMoved(
            **head(because, book.customer.sequence + 1, PointsMoved, f"{movement}/{of}", tuple(conditions)),
            movement=movement,
            points=sum(parts.values()),
            by_expiry=tuple(
                PointsUntil(points, None if due == NEVER else due) for due, points in sorted(parts.items())
            ),
            balance=wallet.available,
            pending=wallet.pending,
            reserved=wallet.reserved,
            deficit=wallet.deficit,
            next_expiry_at=wallet.expires_at,
            **about,
        ),
    )


def pay_back(book: Book, arrived: int, **about: Unpack[About]) -> None:
    """So many points became available: they pay for what is owed before anything else (T-33)."""
    owed = compare("points", "deficit", book.account.wallet.deficit, ">", 0, book.customer.moved.points)
    note(book, "repaid", repay(book.account, arrived), (owed,), **about)


def pay_from_balance(book: Book, rule: Points | None) -> None:
    """What is owed is paid from what is available, where the policy does not leave it to what is earned next (T-33)."""
    if rule is not None and rule.owed_from == "balance":
        pay_back(book, book.account.wallet.available)
