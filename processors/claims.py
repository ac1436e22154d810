"""What a customer could return of an order before claiming it (R-RET-08): requests that nobody makes, decided as each request is.

There are no rules here. The log's time goes on to an instant, a request is folded by `step` over rows that are then
forgotten, and what it would have got is the answer; so an entitlement cannot say anything else than the verdict does.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from processors import returns
from processors.effects import Entry
from processors.order import Order, load
from processors.partition import named
from processors.policy import Policy
from processors.returns import Request
from processors.rows import Rows
from processors.step import step
from schemas.decisions import ReturnDecided
from schemas.events import ClockTicked, Event, ReturnLine, ReturnRequested
from schemas.partitions import reserved

NOBODYS = ""
"""The id of a return that no upstream system can have given: `schemas.fields.Id` has a letter at least."""


class Claims(NamedTuple):
    """What could be asked for at an instant, and under which policy.

    Of each line all that is left, by itself; `together` all that is left in one request, None where nothing is.
    """

    customer_id: str
    order_id: str
    at: int
    policy: Policy
    at_order: bool
    """Whether the policy is the one of the order's date; else a later one that is kinder (T-30)."""
    lines: tuple[ReturnDecided, ...]
    together: ReturnDecided | None


class Asker(NamedTuple):
    """Who might ask, when, and over which rows: `fresh` gives them as they were, whatever was written to those before."""

    fresh: Callable[[], Rows]
    partition: int
    customer_id: str
    order_id: str
    at: int


def claims(asker: Asker) -> Claims | None:
    """What the customer could return; None of an order that is not known."""
    rows = _at(asker)
    order = load(rows, asker.customer_id, asker.order_id)
    if order.placed_at is None:
        return None
    left = _left(asker, order)
    # A line of which nothing is left is asked for all the same: the verdict says why it cannot come back.
    lines = tuple(_ask(asker, {line: units or 1}) for line, units in left.items())
    several = {line: units for line, units in left.items() if units}
    version = lines[0].policy_version
    return Claims(
        asker.customer_id,
        asker.order_id,
        asker.at,
        named(rows, version),
        version == order.policy_version,
        lines,
        _ask(asker, several) if several else None,
    )


def _left(asker: Asker, order: Order) -> dict[str, int]:
    """The units of each line that are not spoken for, by the check that every request goes through (T-27)."""
    every = tuple((line.line_id, line.quantity) for line in order.lines)
    checks = returns.units_left(order, Request(NOBODYS, asker.order_id, asker.at, every))
    return {each.line_id: int(each.condition.value or 0) for each in checks if each.line_id is not None}


def _tell(rows: Rows, asker: Asker, subject: str, event: Event, source: str) -> Iterable[object]:
    return step(rows, Entry("timeline", asker.partition, -1, asker.at, subject, event, b"", source))


def _at(asker: Asker) -> Rows:
    """The rows when the log's time is the instant, and whatever that leads to is done."""
    rows = asker.fresh()
    _tell(rows, asker, reserved(asker.partition), ClockTicked(asker.at, 0), "messages")
    return rows


def _ask(asker: Asker, units: dict[str, int]) -> ReturnDecided:
    """What a request for these units would get."""
    event = ReturnRequested(
        event_id=NOBODYS,
        customer_id=asker.customer_id,
        occurred_at=asker.at,
        return_id=NOBODYS,
        order_id=asker.order_id,
        lines=tuple(ReturnLine(line, quantity) for line, quantity in units.items()),
    )
    effects = _tell(_at(asker), asker, asker.customer_id, event, "returns")
    return next(each for each in effects if isinstance(each, ReturnDecided) and each.return_id == NOBODYS)
