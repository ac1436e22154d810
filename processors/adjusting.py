"""Points that people give and take, each once and within their authority (R-PTS-09, R-PTS-11, T-43)."""

from collections import Counter
from collections.abc import Sequence

from processors.accrual import expires_at
from processors.answering import Asked, answer, answered, permitted
from processors.bookings import Book, closed, decide, note, opened, pay_back
from processors.customer import Customer
from processors.explanation import compare
from processors.ledger import earn, lot_of, take
from processors.lots import LOTS, NEVER, Lot, Name
from processors.partition import in_force_at
from processors.points_policy import Points
from processors.unit import Unit
from schemas.commands import PointsAdjusted
from schemas.decided import Condition
from schemas.decisions import Decision


def _conditions(book: Book, command: PointsAdjusted, name: Name) -> list[Condition]:
    """What must hold: authority by the policy in force when the command was given, and points that are there."""
    unit, account, moved_by = book.unit, book.account, book.customer.moved.points
    given = in_force_at(unit.rows, unit.partition, command.occurred_at).points or Points()
    rule, cause, many = given.adjustments, unit.because.cause, abs(command.points)
    used = "yes" if lot_of(account, name) else "no"
    conditions = [
        permitted(command.role, sorted(rule.authority), cause),
        compare("permission", "points_adjusted", many, "<=", rule.authority.get(command.role), cause),
        compare("command", "points_asked", many, ">", 0, cause),
        compare("command", "adjustment_used_before", used, "=", "no", cause),
    ]
    if rule.reasons:
        conditions.append(compare("command", "reason", command.reason, "in", ", ".join(rule.reasons), cause))
    if command.points < 0:
        conditions.append(compare("command", "balance", account.wallet.available, ">=", many, moved_by))
    return conditions


def adjust(unit: Unit, customer: Customer, command: PointsAdjusted) -> tuple[Customer, Sequence[Decision]]:
    """Give or take points, where all that must hold does. What is given expires as what is earned does, and pays a deficit."""
    if answered(unit.rows, unit.subject, command):
        return customer, ()
    book, name = opened(unit, customer), ("adjustment", command.adjustment_id)
    conditions = _conditions(book, command, name)
    _, said = answer(unit.rows, unit.now, unit.because, customer, Asked.of(command), conditions)
    decide(book, said)
    if said.verdict == "refused":
        return closed(book)
    about = command.adjustment_id
    if command.points > 0:
        points = unit.policy.points
        expires = expires_at(command.occurred_at, points, unit.policy) if points else NEVER
        earn(book.account, name, Lot(command.occurred_at, command.points, expires))
        note(book, "given", Counter({expires: command.points}), conditions, adjustment_id=about)
        pay_back(book, command.points)
    else:
        unit.rows.put(LOTS, Lot(command.occurred_at, 0, NEVER), unit.subject, *name)
        note(book, "taken", take(book.account, -command.points), conditions, adjustment_id=about)
    return closed(book)
