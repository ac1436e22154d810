"""What may still be paid back of an order: never more than was paid, per line and in all, whoever paid it back (R-RET-03, T-04).

`OrderRefunded` does not say whether it pays what a return was granted or something else. What went beyond all that was granted by
then was something else, for ever: each decision on a return says of which refunds that is so.
"""

from collections.abc import Sequence

from msgspec.structs import replace

from processors.explanation import compare
from processors.money import convert
from processors.order import Granted, Order, Return
from processors.refunds import ALL, beside_minor, set_apart, total_minor, went_back
from processors.returns import Judged, Request, worth_of
from schemas.decided import Condition
from schemas.decisions import ReturnDecided


def _paid(order: Order, line_id: str) -> int:
    """What the goods cost, programme minor units."""
    return sum(worth_of(order, each, 0, each.quantity) for each in order.lines if line_id in {ALL, each.line_id})


def _left(order: Order, return_id: str, line_id: str) -> tuple[int, int]:
    """What may still be granted beside other returns, and what was paid back for other reasons; of a line or of all."""
    known = [(each.return_id, row) for each in order.returns for row in each.granted if row.line_id == line_id]
    granted = sum(row.minor for _, row in known)
    refunded = convert(total_minor(went_back(order.refunds, line_id)), order.rate_ppm)
    beside = max(refunded - granted, beside_minor(order.refunds, order.beside, line_id))
    granted -= sum(row.minor for one, row in known if one == return_id)
    return max(_paid(order, line_id) - granted - beside, 0), beside


def limited(
    order: Order, request: Request, lines: Sequence[Judged], cause: str, *, by_person: bool
) -> tuple[list[Judged], list[Condition]]:
    """The lines with no more than is left of each and of all; where nothing is left, no rule approves it."""
    if order.placed_at is None or not total_minor(order.refunds):
        return list(lines), []
    left, found = _left(order, request.return_id, ALL)[0], list[Judged]()
    for line in lines:
        if line.verdict == "deny":
            found.append(line)
            continue
        amount = min(line.amount_minor, left, _left(order, request.return_id, line.line_id)[0])
        left -= amount
        found.append(line._replace(amount_minor=amount))
    asked, rest = (sum(each.amount_minor for each in some if each.verdict != "deny") for some in (lines, found))
    if rest == asked:
        return found, []
    if not rest and not by_person:
        found = [each._replace(verdict="review") if each.verdict == "approve" else each for each in found]
    return found, [compare("return", "left_to_refund_minor", rest, ">=", asked, cause)]


def _granted(order: Order, decision: ReturnDecided) -> tuple[Granted, ...]:
    """What is granted of each line and of all.

    What waits for a person is granted to nobody; what was, and is looked at again, may have been paid.
    """
    before = {
        row.line_id: row.minor for each in order.returns if each.return_id == decision.return_id for row in each.granted
    }
    amounts = {ALL: 0}
    for line in decision.lines:
        if line.verdict != "deny":
            amounts[line.line_id] = line.amount_minor if line.verdict == "approve" else before.get(line.line_id, 0)
            amounts[ALL] += amounts[line.line_id]
    return tuple(Granted(line, minor) for line, minor in amounts.items() if amounts[ALL])


def reserve(order: Order, decision: ReturnDecided, cause: str) -> Order:
    """The order with what is spoken for by this decision instead of by the one before: units (T-27), and money."""
    units = tuple(sorted((each.line_id, each.quantity) for each in decision.lines if each.verdict != "deny"))
    others = tuple(each for each in order.returns if each.return_id != decision.return_id)
    granted, known = _granted(order, decision), order.beside
    for each in granted:
        beside = _left(order, decision.return_id, each.line_id)[1]
        known = set_apart(order.refunds, known, each.line_id, beside, order.rate_ppm)
    return replace(order, returns=(*others, Return(decision.return_id, units, cause, granted)), beside=known)
