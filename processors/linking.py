"""What is told of links, where the state of the id is: whoever is linked meets, under the smaller id (R-CUST-11, D6)."""

from collections.abc import Sequence

from msgspec.structs import replace

from processors import family, links, moving, parts
from processors.customer import Customer
from processors.effects import Refused, Send
from processors.family import FAMILIES
from processors.gathering import settle
from processors.links import LINKS, Link
from processors.parts import PARTS
from processors.unit import Unit
from schemas.decisions import Decision
from schemas.events import IdsLinked, IdsUnlinked
from schemas.messages import LinkHeard, MoveOffered

Outcome = tuple[Customer, Sequence[Decision | Send | Refused]]


def link(unit: Unit, customer: Customer, event: IdsLinked | IdsUnlinked) -> Outcome:
    """Two ids are one customer, or not: the one of the event keeps that, and tells the other one."""
    linked, one, other = isinstance(event, IdsLinked), event.customer_id, event.other_customer_id
    if one == other:
        return customer, (Refused("linked_to_itself", f"found {one} twice; a link is between two ids"),)
    known, link = links.of(unit.rows, one), Link(other, event.occurred_at, linked)
    before = links.find(known, other)
    told = links.told(known, link)
    if told is known:
        return customer, ()
    if len(told.each) > links.MOST:
        return customer, (_too_many(one),)
    unit.rows.put(LINKS, told, one)
    if other not in customer.family:
        # The other one may know more: it hears of it, and refuses it if it does not.
        return customer, (moving.tell(unit, one, link, other),)
    if not linked and (before is None or not before.linked):
        # It is remembered all the same: a link that is older, and told of later, is none (T-16).
        return customer, (_not_linked(one, other),)
    return settle(unit, customer)


def _not_linked(one: str, other: str) -> Refused:
    return Refused(
        "not_linked",
        f"found {one} and {other}, which no link joins; the ids of a link that was told of can be separated",
    )


def _too_many(one: str) -> Refused:
    return Refused("too_many_links", f"found {one}, which has {links.MOST} links or ids already; that is the most")


def hear(unit: Unit, customer: Customer, message: LinkHeard) -> Outcome:
    """The other side of a link, or of a separation, as far as it is news; where they are linked, one of both offers a place."""
    one, other = message.customer_id, message.other_customer_id
    known = links.of(unit.rows, one)
    before = links.find(known, other)
    own = message.host_id == unit.subject
    told = links.told(known, Link(other, message.linked_at, message.linked))
    news = told is not known
    if news and not message.linked and not own and (before is None or not before.linked):
        return customer, (_not_linked(other, one),)
    if len(told.each) > links.MOST:
        return customer, (_too_many(one),)
    if news:
        unit.rows.put(LINKS, told, one)
    if own or other in customer.family:
        return settle(unit, customer)
    link = links.find(told, other)
    if link is not None and link.linked:
        return _meet(unit, customer, message.host_id, one, link)
    # Nobody waits any more for whoever they were to be linked through: neither here, nor there.
    customer, effects = settle(unit, customer)
    if link is not None and message.linked:
        effects = [*effects, moving.tell(unit, one, link, message.host_id)]
    return customer, effects


def _meet(unit: Unit, customer: Customer, host: str, one: str, link: Link) -> Outcome:
    """The smaller one of two hosts offers a place to the larger one, which asks for it where it knows first."""
    if host < unit.subject:
        return customer, (moving.tell(unit, one, link, host),)
    mine = family.of(unit)
    if host in customer.family or host in mine.expected or mine.going:
        return customer, ()
    if len(customer.family) + len(mine.expected) >= links.MOST:
        return customer, (_too_many(unit.subject),)
    if not customer.family:
        unit.rows.put(PARTS, parts.part_of(customer), unit.subject)
        customer = replace(customer, family=(unit.subject,))
    unit.rows.put(FAMILIES, replace(mine, expected=tuple(sorted((*mine.expected, host)))), unit.subject)
    return customer, (Send(host, MoveOffered(**unit.message(MoveOffered, host), host_id=unit.subject), new=True),)
