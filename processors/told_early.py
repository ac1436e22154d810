"""What one id of a customer was told of what began under another one, before they were linked (T-16, T-17, T-24).

What comes before its beginning waits in a row of its own id. Once both are one customer it is told as if it came now: a hand-over
counts, whether it or the link is told first.
"""

from collections.abc import Callable, Iterator
from functools import reduce
from typing import Any, NamedTuple

from processors import (
    cases,
    order,
    point_rules,
    recovery,
    redemption,
    return_cases,
    return_rules,
    reward_requests,
    service,
)
from processors.cases import CASES
from processors.customer import Customer
from processors.effects import Send
from processors.family_rows import as_one
from processors.order import ORDERS, Order
from processors.overlaps import OVERLAPS
from processors.return_cases import RETURN_CASES
from processors.reward_requests import OPEN, REQUESTS, Request
from processors.rows import Table, under
from processors.unit import Unit
from schemas.decisions import Decision
from schemas.events import ContactOpened, ReturnRequested, RewardRequested
from schemas.source import CustomerEvent

Outcome = tuple[Customer, list[Decision | Send]]


class Thing(NamedTuple):
    """Things of a kind: the event that begins one and what it is called there, and what becomes of what was told before.

    `goes_on` says whether there is somebody to tell it to, by the rule `catch_up`; `united` is what two ids were told.
    """

    table: Table[Any]
    begins: type
    name: str
    begun: Callable[[Any], bool]
    goes_on: Callable[[Any], bool]
    united: Callable[[Any, Any], Any]
    catch_up: Callable[[Unit, Customer, str, Any], tuple[Customer, Any]]


def _is_open(request: Request) -> bool:
    return request.state in OPEN


THINGS = (
    Thing(
        REQUESTS,
        RewardRequested,
        "request_id",
        reward_requests.begun,
        _is_open,
        reward_requests.united,
        redemption.end,
    ),
    Thing(
        RETURN_CASES,
        ReturnRequested,
        "return_id",
        return_cases.begun,
        return_cases.begun,
        return_cases.united,
        return_rules.catch_up,
    ),
    Thing(CASES, ContactOpened, "case_id", cases.begun, cases.begun, cases.united, service.catch_up),
)
BEGINNINGS = {each.begins: each for each in THINGS}


def gather(unit: Unit, customer: Customer, event: CustomerEvent) -> None:
    """What several ids were told of a thing before it begins is known to the one under which it does (T-16)."""
    if (thing := BEGINNINGS.get(type(event))) is None:
        return
    about, own = getattr(event, thing.name), event.customer_id
    known = _known(unit, customer, thing.table, about)
    if known.keys() <= {own} or any(map(thing.begun, known.values())):
        return
    for each in known:
        unit.rows.delete(thing.table, each, about)
    unit.rows.put(thing.table, reduce(thing.united, known.values()), own, about)


def _known(unit: Unit, customer: Customer, table: Table[Any], about: str) -> dict[str, Any]:
    """What each id of a customer knows of something."""
    return {each: row for each in customer.family if (row := unit.rows.get(table, each, about)) is not None}


def tell(unit: Unit, customer: Customer, guest: str) -> Outcome:
    """The customer whom an id came to, with what it and the others were told of one another's. Of each thing once (D7)."""
    effects: list[Decision | Send] = []
    told = set[str]()
    for thing in THINGS:
        for owner, tellers, about in list(_halves(unit, customer, thing, guest)):
            rows = [unit.rows.get(thing.table, each, about) for each in tellers]
            for each in tellers:
                unit.rows.delete(thing.table, each, about)
            mine = as_one(unit, customer, owner)
            customer, found = thing.catch_up(mine, customer, about, reduce(thing.united, rows))
            effects += found
            told |= {about} if thing.table is RETURN_CASES else set()
    for order_id, tellers in list(_waiting(unit, customer, guest)):
        customer, found = _of_order(unit, customer, order_id, tellers, told)
        effects += found
    return customer, effects


def _halves(unit: Unit, customer: Customer, thing: Thing, guest: str) -> Iterator[tuple[str, list[str], str]]:
    """Things that the guest knows, and that began under one id: whose it is, who was told else, and what it is called."""
    for key, _ in under(unit.rows, thing.table, guest):
        known = _known(unit, customer, thing.table, key[1])
        owner = next((each for each, row in known.items() if thing.begun(row)), None)
        tellers = [each for each, row in known.items() if not thing.begun(row)]
        if owner is not None and tellers and thing.goes_on(known[owner]):
            yield owner, tellers, key[1]


def _waiting(unit: Unit, customer: Customer, guest: str) -> Iterator[tuple[str, list[str]]]:
    """Orders that are known to have been placed since the guest came, and who knew something of them before."""
    for key, _ in under(unit.rows, OVERLAPS, unit.subject):
        if key[1] != ORDERS.name:
            continue
        known = _known(unit, customer, ORDERS, key[2])
        before = [each for each in known if each != guest]
        placed = {each for each, row in known.items() if row.placed_at is not None}
        if guest in placed and before and not placed & set(before):
            yield key[2], before
        elif guest in known and guest not in placed and placed:
            yield key[2], [guest]


def _of_order(unit: Unit, customer: Customer, order_id: str, tellers: list[str], told: set[str]) -> Outcome:
    """What waits for an order, or depends on what became of it: returns, what went wrong, when points mature."""
    effects: list[Decision | Send] = []
    rows = [unit.rows.get(ORDERS, each, order_id) or Order() for each in tellers]
    for each, row in zip(tellers, rows, strict=True):
        returns = [back for back in row.returns if back.return_id not in told]
        told |= {back.return_id for back in returns}
        customer, decided = return_rules.ask_again(as_one(unit, customer, each), customer, order_id, returns)
        effects += decided
    mine = as_one(unit, customer, unit.subject)
    customer, amended = recovery.look_again(mine, customer, order_id, order.joined(rows).mishaps)
    customer, booked = point_rules.catch_up(mine, customer, order_id)
    return customer, [*effects, *amended, *booked]
