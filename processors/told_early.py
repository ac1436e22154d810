"""What one id of a customer was told of what began under another one, before they were linked (T-16, T-17, T-24).

What comes before its beginning waits in a row of its own id. Once both are one customer it is told as if it came now: so it
makes no difference whether a link, or what became of a thing, is told first.
"""

from collections.abc import Callable, Iterator
from functools import reduce
from typing import Any, NamedTuple

from msgspec.structs import replace

from processors import cases, point_rules, recovery, redemption, return_cases, return_rules, reward_requests, service
from processors.cases import CASES
from processors.customer import Customer
from processors.effects import Send
from processors.family_rows import OfFamily
from processors.order import ORDERS
from processors.overlaps import EVERY, OVERLAPS
from processors.return_cases import RETURN_CASES
from processors.reward_requests import OPEN, REQUESTS, Request
from processors.rows import Table
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


def _first(request: Request, _: Request) -> Request:
    return request


THINGS = (
    Thing(REQUESTS, RewardRequested, "request_id", reward_requests.begun, _is_open, _first, redemption.end),
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
ORDERS_TOO = (return_rules.ask_again, recovery.look_again, point_rules.catch_up)
"""What waits for an order, or depends on what became of it."""


def gather(unit: Unit, customer: Customer, event: CustomerEvent) -> None:
    """What several ids were told of a thing before it begins is known to the one under which it does (T-16)."""
    if (thing := BEGINNINGS.get(type(event))) is None:
        return
    about, own = getattr(event, thing.name), event.customer_id
    ids = (own, *(each for each in customer.family if each != own))
    known = {each: row for each in ids if (row := unit.rows.get(thing.table, each, about))}
    if known.keys() <= {own} or any(map(thing.begun, known.values())):
        return
    for each in known.keys() - {own}:
        unit.rows.delete(thing.table, each, about)
    unit.rows.put(thing.table, reduce(thing.united, known.values()), own, about)


def met(unit: Unit, customer: Customer, guest: str) -> Outcome:
    """The customer whom an id came to, with what it and the others were told of one another's."""
    effects: list[Decision | Send] = []
    for thing in THINGS:
        for owner, teller, about in list(_halves(unit, customer, thing, guest)):
            told = unit.rows.get(thing.table, teller, about)
            unit.rows.delete(thing.table, teller, about)
            customer, found = thing.catch_up(_of(unit, customer, owner), customer, about, told)
            effects += found
    for key, _ in unit.rows.first(OVERLAPS, EVERY, below=f"{unit.subject}\x01", above=unit.subject):
        if key[1] == ORDERS.name:
            for look in ORDERS_TOO:
                customer, found = look(_of(unit, customer, unit.subject), customer, key[2])
                effects += found
    return customer, effects


def _of(unit: Unit, customer: Customer, own: str) -> Unit:
    return replace(unit, rows=OfFamily(unit.rows, unit.subject, customer.family, own))


def _halves(unit: Unit, customer: Customer, thing: Thing, guest: str) -> Iterator[tuple[str, str, str]]:
    """Of each thing that the guest and another id know one half each: whose it is, who was told, and what it is called."""
    others = [each for each in customer.family if each != guest]
    for key, row in unit.rows.first(thing.table, EVERY, below=f"{guest}\x01", above=guest):
        about = key[1]
        known = [(each, there) for each in others if (there := unit.rows.get(thing.table, each, about)) is not None]
        if thing.goes_on(row):
            yield from ((guest, each, about) for each, there in known if not thing.begun(there))
        elif not thing.begun(row):
            yield from [(each, guest, about) for each, there in known if thing.goes_on(there)][:1]
