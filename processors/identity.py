"""Identity: ids that are linked have their state in one place, under the smallest of them (R-CUST-11, T-24, D6).

The state of an id is at home or with a host, nowhere else, and moves between the two only. A host offers a place; whoever is
larger comes, with everything, in one step; from then on its home passes events on, behind the state. So they arrive in
order: what one partition tells another keeps its order from the fold to the timeline. A host that expects somebody stays
where it is until they came or declined. Whoever is separated goes home, and an id that others were linked through sends them
home before it moves: each finds its way again by its own links.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from processors import family, fold, links, movements, moving, overlaps, parts
from processors.cases import CASES
from processors.customer import Customer
from processors.effects import Refused, Send
from processors.explanation import identify
from processors.family import FAMILIES
from processors.links import LINKS, Link
from processors.parts import PARTS
from processors.tiers import resettle
from processors.unit import Unit
from schemas.codec import encode
from schemas.decisions import Decision
from schemas.events import IdsLinked, IdsUnlinked
from schemas.messages import EventPassed, LinkHeard, MoveDeclined, MoveOffered, RowsMoved, Told, ToSubject
from schemas.source import CustomerEvent

Outcome = tuple[Customer, Sequence[Decision | Send | Refused]]


def _id(unit: Unit, kind: type, *about: str) -> dict[str, Any]:
    """What every message carries."""
    return {"message_id": identify(unit.subject, unit.because.cause, kind, "\x1f".join(about)), "at": unit.now}


def _pass_on(unit: Unit, event: CustomerEvent | ToSubject, to: str) -> Send:
    """To whoever has the state, or to the home that knows who has. It stays what it is; hops are counted (D6)."""
    if isinstance(event, Told):
        return Send(to, event)
    source = unit.because.cause.partition("/")[0]
    about = _id(unit, EventPassed, to)
    return Send(to, EventPassed(**about, customer_id=event.customer_id, source=source, record=encode(event)))


def fold_event(unit: Unit, customer: Customer, event: Any) -> Outcome:
    """What an event or a message means here, or where it goes instead."""
    if type(event) in MOVES:
        return MOVES[type(event)](unit, customer, event)
    about = getattr(event, "customer_id", unit.subject)
    if about != unit.subject and about not in customer.family:
        return customer, (_pass_on(unit, event, about),)
    if customer.host is not None:
        return customer, (_pass_on(unit, event, customer.host),)
    if type(event) in LINKING:
        return LINKING[type(event)](unit, customer, event)
    if customer.family:
        return family.fold_event(unit, customer, event)
    return fold.fold_event(unit, customer, event)


def _link(unit: Unit, customer: Customer, event: IdsLinked | IdsUnlinked) -> Outcome:
    """Two ids are one customer, or not: the one of the event keeps that, and tells the other one."""
    linked, one, other = isinstance(event, IdsLinked), event.customer_id, event.other_customer_id
    if one == other:
        return customer, (Refused("linked_to_itself", f"found {one} twice; a link is between two ids"),)
    known, link = links.of(unit.rows, one), Link(other, event.occurred_at, linked)
    before = links.find(known, other)
    told = links.told(known, link)
    if told is known:
        return customer, ()
    # Of ids that are elsewhere the other one may know more: it hears of it, and refuses it if it does not.
    if not linked and other in customer.family and (before is None or not before.linked):
        return customer, (_not_linked(one, other),)
    if len(told.each) > links.MOST:
        return customer, (_too_many(one),)
    unit.rows.put(LINKS, told, one)
    if other in customer.family:
        return _settle(unit, customer)
    return customer, (_tell(unit, one, link, other),)


def _tell(unit: Unit, one: str, link: Link, to: str) -> Send:
    """The other id of a link hears of it, and where the state of the first one is."""
    heard = LinkHeard(
        **_id(unit, LinkHeard, one, link.other),
        customer_id=link.other,
        other_customer_id=one,
        linked_at=link.at,
        linked=link.linked,
        host_id=unit.subject,
    )
    return Send(to, heard, new=True)


def _not_linked(one: str, other: str) -> Refused:
    return Refused(
        "not_linked",
        f"found {one} and {other}, which no link joins; the ids of a link that was told of can be separated",
    )


def _too_many(one: str) -> Refused:
    return Refused("too_many_links", f"found {one}, which has {links.MOST} links or ids already; that is the most")


def _hear(unit: Unit, customer: Customer, message: LinkHeard) -> Outcome:
    """The other side of a link, or of a separation, as far as it is news; where they are linked, one of both offers a place."""
    one, other = message.customer_id, message.other_customer_id
    known = links.of(unit.rows, one)
    before = links.find(known, other)
    if not message.linked and (before is None or not before.linked):
        return customer, (_not_linked(other, one),)
    told = links.told(known, Link(other, message.linked_at, message.linked))
    if len(told.each) > links.MOST:
        return customer, (_too_many(one),)
    if told is not known:
        unit.rows.put(LINKS, told, one)
    if other in customer.family:
        return _settle(unit, customer)
    link = links.find(told, other)
    if link is None or not link.linked or message.host_id == unit.subject:
        return customer, ()
    return _meet(unit, customer, message.host_id, one, link)


def _meet(unit: Unit, customer: Customer, host: str, one: str, link: Link) -> Outcome:
    """The smaller one of two hosts offers a place to the larger one, which asks for it where it knows first."""
    if host < unit.subject:
        return customer, (_tell(unit, one, link, host),)
    mine = family.of(unit)
    if host in customer.family or host in mine.expected or mine.going:
        return customer, ()
    if len(customer.family) + len(mine.expected) >= links.MOST:
        return customer, (_too_many(unit.subject),)
    if not customer.family:
        unit.rows.put(PARTS, parts.part_of(customer), unit.subject)
        customer = replace(customer, family=(unit.subject,))
    unit.rows.put(FAMILIES, replace(mine, expected=tuple(sorted((*mine.expected, host)))), unit.subject)
    return customer, (Send(host, MoveOffered(**_id(unit, MoveOffered, host), host_id=unit.subject), new=True),)


def _come(unit: Unit, customer: Customer, message: MoveOffered) -> Outcome:
    """An offer is taken where this id's state is here, once nobody is on the way here any more."""
    mine = family.of(unit)
    if customer.host is not None or mine.going or message.host_id >= unit.subject:
        declined = MoveDeclined(**_id(unit, MoveDeclined, message.host_id), guest_id=unit.subject)
        return customer, (Send(message.host_id, declined, new=True),)
    if mine.expected:
        unit.rows.put(FAMILIES, replace(mine, going=message.host_id), unit.subject)
        return customer, ()
    return _move(unit, customer, message.host_id)


def _move(unit: Unit, customer: Customer, host: str) -> Outcome:
    """Everything that is known of this id goes to a host; the others whose state is here go home first."""
    guests = [each for each in customer.family if each != unit.subject]
    part = customer
    for each in guests:
        part = _take_leave(unit, part, each)
    effects = [send for each in guests for send in moving.send(unit.rows, each, each, unit.because, unit.now)]
    if guests:
        own = unit.rows.get(PARTS, unit.subject) or Customer()
        part = replace(own, sequence=part.sequence, cases=part.cases, alert=part.alert, win_back=part.win_back)
    unit.rows.put(PARTS, parts.part_of(part), unit.subject)
    _close(unit)
    effects += moving.send(unit.rows, unit.subject, host, unit.because, unit.now)
    return Customer(sequence=customer.sequence, timers=customer.timers, host=host), effects


def _close(unit: Unit) -> None:
    """No family is here any more."""
    unit.rows.delete(FAMILIES, unit.subject)
    overlaps.forget(unit.rows, unit.subject)


def _take_leave(unit: Unit, customer: Customer, guest: str) -> Customer:
    """What is under way with an id goes with it: its open cases, and episodes that began under it."""
    part = unit.rows.get(PARTS, guest) or Customer()
    theirs = tuple(each for each in customer.cases if unit.rows.get(CASES, guest, each[1]))
    customer, part = parts.apart(customer, replace(part, cases=theirs))
    unit.rows.put(PARTS, part, guest)
    return replace(customer, cases=tuple(each for each in customer.cases if each not in theirs))


def _decline(unit: Unit, customer: Customer, message: MoveDeclined) -> Outcome:
    """Whoever was expected does not come."""
    _expect_no_more(unit, message.guest_id)
    return _go_on(unit, customer)


def _expect_no_more(unit: Unit, guest: str) -> None:
    mine = family.of(unit)
    expected = tuple(each for each in mine.expected if each != guest)
    unit.rows.put(FAMILIES, replace(mine, expected=expected), unit.subject)


def _go_on(unit: Unit, customer: Customer) -> Outcome:
    """What waited for those who were expected; whoever is alone again is a customer like any other."""
    mine = family.of(unit)
    if mine.expected:
        return customer, ()
    if mine.going:
        return _move(unit, customer, mine.going)
    if customer.family == (unit.subject,):
        part = unit.rows.get(PARTS, unit.subject) or customer
        unit.rows.delete(PARTS, unit.subject)
        _close(unit)
        customer = replace(customer, family=(), moved=replace(part.moved, tier=customer.moved.tier))
    return customer, ()


def _arrive(unit: Unit, customer: Customer, message: RowsMoved) -> Outcome:
    """Some of the state of an id has come, and with the last of it the id."""
    guest, came = message.customer_id, moving.receive(unit.rows, message)
    if guest == unit.subject:
        return _come_home(unit, customer) if message.last else (customer, ())
    mine = family.of(unit)
    for table, key in came:
        # What they have in common with others counts from when all of it is here.
        overlaps.written(unit.rows, unit.subject, customer.family, mine.expected, table, key)
    if not message.last:
        return customer, ()
    _expect_no_more(unit, guest)
    return _then_go_on(unit, *_join(unit, customer, guest))


def _then_go_on(unit: Unit, customer: Customer, effects: Sequence[Decision | Send | Refused]) -> Outcome:
    customer, then = _go_on(unit, customer)
    return customer, [*effects, *then]


def _come_home(unit: Unit, customer: Customer) -> Outcome:
    """An id is a customer of its own again: as it was, with what happened under it since; its other links still hold."""
    part = unit.rows.get(PARTS, unit.subject) or Customer()
    unit.rows.delete(PARTS, unit.subject)
    home = replace(part, timers=customer.timers, sequence=customer.sequence)
    home, decisions = fold.conclude(unit, home, home, None)
    return home, [*decisions, *_tell_others(unit, home, unit.subject)]


def _tell_others(unit: Unit, customer: Customer, one: str) -> Iterable[Send]:
    """Those whom an id is linked with, and whose state is not here, hear where its own is."""
    for link in links.of(unit.rows, one).each:
        if link.linked and link.other not in {unit.subject, *customer.family}:
            yield _tell(unit, one, link, link.other)


def _join(unit: Unit, customer: Customer, guest: str) -> Outcome:
    """Two are one: facts add up, standing is the higher one, and the tier is compared once (T-24, T-25)."""
    ids = tuple(sorted((*customer.family, guest)))
    if guest not in links.together(unit.subject, links.agree(unit.rows, ids)):
        return customer, moving.send(unit.rows, guest, guest, unit.because, unit.now)
    if customer.family == (unit.subject,):
        unit.rows.put(PARTS, parts.part_of(customer), unit.subject)
    overlaps.introduced(unit.rows, unit.subject, ids, guest)
    came = unit.rows.get(PARTS, guest) or Customer()
    base = replace(parts.standing(customer, came, unit.policy), family=ids)
    base = replace(base, cases=tuple(sorted((*customer.cases, *came.cases))))
    joined, decisions = _resettle(unit, customer, base, "linked")
    return joined, [*decisions, *_tell_others(unit, joined, guest)]


def _settle(unit: Unit, customer: Customer) -> Outcome:
    """Something was told of ids that are here: those whom nothing links with the host any more go home."""
    near = links.together(unit.subject, links.agree(unit.rows, customer.family))
    leaving = [each for each in customer.family if each not in near]
    if not leaving:
        return customer, ()
    left = customer
    for each in leaving:
        left = _take_leave(unit, left, each)
    effects = [send for each in leaving for send in moving.send(unit.rows, each, each, unit.because, unit.now)]
    ids = tuple(each for each in customer.family if each in near)
    base = parts.stood(replace(left, family=ids), parts.load(unit.rows, ids).values(), unit.policy)
    after, decisions = _resettle(unit, customer, base, "unlinked")
    return _then_go_on(unit, after, [*decisions, *effects])


def _resettle(unit: Unit, shown: Customer, base: Customer, reason: str) -> Outcome:
    """The customer that the ids of `base` are, with at most one change of the tier that was shown."""
    cause, mine = unit.because.cause, family.of(unit)
    overlap = overlaps.again(unit.rows, unit.subject, base.family)
    unit.rows.put(FAMILIES, replace(mine, overlap=overlap), unit.subject)
    after = parts.together(base, parts.load(unit.rows, base.family), overlap)
    after = parts.subscribed(unit.rows, after, base.family)
    after = parts.noted(shown, movements.moved(shown, after, cause), cause)
    after, changed = resettle(shown, after, unit.policy, unit.now, unit.because, reason)
    return family.conclude(unit, shown, after, None, changed)


MOVES: Mapping[type, Callable[[Unit, Customer, Any], Outcome]] = {
    MoveOffered: _come,
    MoveDeclined: _decline,
    RowsMoved: _arrive,
}
"""Messages between home and host, which nobody passes on."""
LINKING: Mapping[type, Callable[[Unit, Customer, Any], Outcome]] = {
    IdsLinked: _link,
    IdsUnlinked: _link,
    LinkHeard: _hear,
}
"""What is told of links, where the state of the id is."""


def fold_timer(unit: Unit, customer: Customer, kind: str) -> Outcome:
    """See `fold.fold_timer`. Timers of an id whose state is elsewhere fire and do nothing."""
    if customer.host is not None:
        return customer, ()
    return family.fold_timer(unit, customer, kind) if customer.family else fold.fold_timer(unit, customer, kind)


def fold_activation(unit: Unit, customer: Customer) -> Outcome:
    """See `fold.fold_activation`."""
    return (customer, ()) if customer.host is not None else fold.fold_activation(unit, customer)
