"""Verdicts on returns, line by line: approve, review or deny (R-RET-01..06, T-26..T-31, T-45)."""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from msgspec.structs import replace

from processors.customer import Customer
from processors.explanation import Because, compare, head
from processors.local_time import HOUR_MS, date_of
from processors.money import share
from processors.order import Line, Order
from processors.return_rights import Rights, ends_at
from schemas.decided import Condition
from schemas.decisions import ReturnDecided, ReturnedLine

SEVERITY = {"approve": 0, "review": 1, "deny": 2}
"""Each failed condition asks for a verdict; of a line the severest is given."""
BUCKETS = 12
"""Calendar months of requests that a customer's row remembers; a policy can ask for no more."""


class Check(NamedTuple):
    """A condition, the verdict where it fails, and the line that it is about; None for all of them."""

    condition: Condition
    otherwise: str
    line_id: str | None = None


class Request(NamedTuple):
    """What a customer asks: so many units of each line, of which two entries for one line are one (T-27)."""

    return_id: str
    order_id: str
    asked_at: int
    units: tuple[tuple[str, int], ...]


class Judged(NamedTuple):
    """A line's verdict: what its units are worth, and until when they could come back."""

    line_id: str
    quantity: int
    verdict: str
    amount_minor: int
    ends_at: int | None


def _month(instant: int, zone: str) -> int:
    day = date_of(instant, zone)
    return day.year * 12 + day.month


def asked_again(customer: Customer, request: Request, rights: Rights, cause: str) -> Customer:
    """The customer with one request more in its calendar month, whenever it is told of (T-16)."""
    month = _month(request.asked_at, rights.policy.time_zone)
    counts = Counter(dict(customer.returned)) + Counter({month: 1})
    latest = sorted(counts.items())[-BUCKETS:]
    return replace(customer, returned=tuple(latest), moved=replace(customer.moved, returned=cause))


def _serial(customer: Customer, request: Request, rights: Rights) -> Condition:
    """How many requests the customer made in the calendar months up to this one's, itself included."""
    rule, month = rights.policy.returns.serial, _month(request.asked_at, rights.policy.time_zone)
    lately = sum(count for at, count in customer.returned if month - rule.months < at <= month)
    return compare("return", f"returns_in_{rule.months}_months", lately, "<=", rule.most, customer.moved.returned)


def worth_of(order: Order, line: Line, taken: int, quantity: int) -> int:
    """What units of a line are worth, programme minor units; all parts of an order add up to it (T-26)."""
    before = 0
    for each in order.lines:
        if each.line_id == line.line_id:
            break
        before += each.goods_minor
    part = (taken, min(taken + quantity, line.quantity))
    return share(before, line.goods_minor, part, line.quantity, order.rate_ppm)


def _units(order: Order, request: Request) -> tuple[list[Check], dict[str, int]]:
    """Whether the units asked for are still there (T-27), and what those of each line are worth."""
    spoken_for, spoken_by = Counter[str](), dict[str, str | None]()
    for earlier in order.returns:
        if earlier.return_id == request.return_id:
            continue
        spoken_for.update(dict(earlier.units))
        spoken_by |= dict.fromkeys(dict(earlier.units), earlier.cause)
    asked, known = dict(request.units), {line.line_id for line in order.lines}
    checks, worth = [], dict[str, int]()
    for line in order.lines:
        if quantity := asked.get(line.line_id):
            taken = min(spoken_for[line.line_id], line.quantity)
            moved_by = spoken_by.get(line.line_id, order.placed_by)
            left = compare("return", f"units_left_of_{line.line_id}", line.quantity - taken, ">=", quantity, moved_by)
            worth[line.line_id] = worth_of(order, line, taken, quantity)
            checks.append(Check(left, "deny", line.line_id))
    for stranger in sorted(set(asked) - known):
        none = compare("return", f"units_left_of_{stranger}", None, ">=", asked[stranger], order.placed_by)
        checks.append(Check(none, "review", stranger))
    return checks, worth


def units_left(order: Order, request: Request) -> list[Check]:
    """Whether the units asked for are there: nobody can approve what was never sold, or is spoken for (T-27)."""
    return _units(order, request)[0]


def _windows(order: Order, request: Request, rights: Rights, cause: str) -> list[Check]:
    """Whether each line is asked for in time; one condition for all where one day ends them all."""
    ends = {line: ends_at(order, line, rights) for line, _ in request.units}
    if len(set(ends.values())) == 1:
        (end,) = set(ends.values())
        return [Check(compare("return", "requested_at", request.asked_at, "<", end, cause), "deny")]
    return [
        Check(compare("return", f"requested_at_for_{line}", request.asked_at, "<", end, cause), "deny", line)
        for line, end in ends.items()
    ]


def _judge(order: Order, request: Request, rights: Rights, cause: str) -> tuple[list[Check], list[Judged]]:
    """Every condition of a return of a known order, and what follows for each line."""
    units, worth = _units(order, request)
    windows = _windows(order, request, rights, cause)
    cancelled = "yes" if order.cancelled else "no"
    not_cancelled = compare("return", "order_cancelled", cancelled, "=", "no", order.cancelled_by or order.placed_by)
    limit = rights.right.auto_approve_limit_minor
    amount = compare("return", "amount_minor", sum(worth.values()), "<=", limit, cause)
    checks = [Check(not_cancelled, "review"), *units, *windows, Check(amount, "review")]
    lines = [
        Judged(line, quantity, _verdict(checks, line), worth.get(line, 0), ends_at(order, line, rights))
        for line, quantity in request.units
    ]
    return checks, lines


def _verdict(checks: list[Check], line_id: str) -> str:
    failed = (each.otherwise for each in checks if not each.condition.holds and each.line_id in {None, line_id})
    return max(failed, key=SEVERITY.__getitem__, default="approve")


def _of_all(verdicts: set[str]) -> str:
    """Of the whole request: somebody looks at it if at any line; what is approved of it is approved, the rest is denied."""
    return next(each for each in ("review", "approve", "deny") if each in verdicts)


def judge(
    order: Order, request: Request, customer: Customer, rights: Rights, cause: str
) -> tuple[list[Judged], list[Condition]]:
    """Every line's verdict by rules alone, and every condition that was evaluated for it."""
    placed = "no" if order.placed_at is None else "yes"
    known = Check(compare("return", "order_known", placed, "=", "yes", order.placed_by), "review")
    checks, lines = [known], [Judged(line, quantity, "review", 0, None) for line, quantity in request.units]
    serial = Check(_serial(customer, request, rights), "review")
    if known.condition.holds:
        judged, lines = _judge(order, request, rights, cause)
        checks += judged
    checks.append(serial)
    if not serial.condition.holds:
        lines = [each._replace(verdict=max(each.verdict, "review", key=SEVERITY.__getitem__)) for each in lines]
    return lines, [each.condition for each in checks]


def decided(
    request: Request,
    lines: list[Judged],
    conditions: Iterable[Condition],
    rights: Rights,
    because: Because,
    sequence: int,
    *,
    supersedes: str | None,
    decided_by: str | None = None,
    in_doubt: tuple[str, ...] = (),
    objection: str | None = None,
    in_part: bool = False,
) -> ReturnDecided:
    """The decision that lines with their verdicts come to, with what the tier is granted.

    `in_part`: the amount is less than what the goods are worth, which says whether they may be kept.
    """
    verdict = _of_all({each.verdict for each in lines})
    counted = [each for each in lines if each.verdict != "deny"] or lines
    amount, right, review = sum(each.amount_minor for each in counted), rights.right, rights.policy.returns.review
    waits = verdict == "review"
    return ReturnDecided(
        **head(because, sequence, ReturnDecided, request.return_id, (rights.entitled, *conditions)),
        return_id=request.return_id,
        order_id=request.order_id,
        verdict=verdict,
        tier=rights.tier,
        amount_minor=amount,
        window_ends_at=max((each.ends_at for each in lines if each.ends_at is not None), default=None),
        lines=tuple(ReturnedLine(each.line_id, each.quantity, each.verdict, each.amount_minor) for each in lines),
        label_free=right.free_label,
        settle_as=right.settle_as,
        keep_goods=verdict == "approve" and not in_part and amount <= right.keep_below_minor,
        lane=right.lane,
        exchange_first=right.exchange_first,
        review_queue=review.queue if waits else None,
        review_by=because.decided_at + review.within_hours * HOUR_MS if waits else None,
        supersedes=supersedes,
        decided_by=decided_by,
        in_doubt=in_doubt,
        requested_at=request.asked_at,
        objection=objection,
        accountable=rights.policy.service.accountable.review if waits else None,
    )
