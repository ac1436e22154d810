"""How ids come together under one, and go apart again: who moves when, and what becomes of the customer (T-24, D6).

A host offers a place; whoever is larger comes, with everything, in one step. A host that expects somebody stays where it is
until they came or declined. Whoever is separated goes home, and an id that others were linked through sends them home before
it moves: each finds its way again by its own links.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from processors import (
    family,
    family_dispatch,
    fold,
    joint_points,
    links,
    movements,
    moving,
    overlaps,
    parts,
    recent,
    synchrony,
    told_early,
)
from processors.cases import CASES
from processors.customer import Customer
from processors.effects import Refused, Send
from processors.family import FAMILIES
from processors.ledger import Parts
from processors.order import ORDERS
from processors.parts import PARTS
from processors.recent import Happened
from processors.return_cases import RETURN_CASES
from processors.rows import Table
from processors.tiers import resettle
from processors.undispatched import Undispatched
from processors.unit import Unit
from schemas.decisions import Decision
from schemas.messages import MoveDeclined, MoveOffered, RowsMoved

Outcome = tuple[Customer, Sequence[Decision | Send | Refused]]
UNSETTLED: Mapping[str, Table[Any]] = {"contact": CASES, "return": RETURN_CASES, "order": ORDERS}
"""Where a thing that is not settled has its row."""


def come(unit: Unit, customer: Customer, message: MoveOffered) -> Outcome:
    """An offer is taken where this id's state is here, once nobody is on the way here any more."""
    mine = family.of(unit)
    if customer.host is not None or mine.going or message.host_id >= unit.subject:
        declined = MoveDeclined(**unit.message(MoveDeclined, message.host_id), guest_id=unit.subject)
        return customer, (Send(message.host_id, declined, new=True),)
    if mine.expected:
        unit.rows.put(FAMILIES, replace(mine, going=message.host_id), unit.subject)
        return customer, ()
    return _move(unit, customer, message.host_id)


def _move(unit: Unit, customer: Customer, host: str) -> Outcome:
    """Everything that is known of this id goes to a host; the others whose state is here go home first."""
    guests = [each for each in customer.family if each != unit.subject]
    told = joint_points.gone(unit, customer)
    part = customer
    for each in guests:
        part = _take_leave(unit, part, each)
    effects: list[Decision | Send | Refused] = [send for each in guests for send in moving.send(unit, each, each)]
    if guests:
        own = unit.rows.get(PARTS, unit.subject) or Customer()
        part = replace(
            own,
            sequence=part.sequence,
            cases=part.cases,
            unsettled=part.unsettled,
            alert=part.alert,
            win_back=part.win_back,
            points=part.points,
            synchrony=synchrony.own(own.synchrony, part.synchrony, doubted=part.synchrony.doubted),
            undispatched=_own_orders(unit, part, own, unit.subject),
        )
    unit.rows.put(PARTS, parts.part_of(part), unit.subject)
    _close(unit)
    effects += moving.send(unit, unit.subject, host)
    sequence = customer.sequence + len(told)
    # What fired last stays with the name that its decisions are under: it must not fire for the same instant again (D7).
    return Customer(sequence=sequence, timers=customer.timers, fired=customer.fired, host=host), [*told, *effects]


def _close(unit: Unit) -> None:
    """No family is here any more."""
    unit.rows.delete(FAMILIES, unit.subject)
    overlaps.forget(unit.rows, unit.subject)


def _take_leave(unit: Unit, customer: Customer, guest: str) -> Customer:
    """What is under way with an id goes with it: open cases, episodes that began under it, its points and its orders."""
    part = unit.rows.get(PARTS, guest) or Customer()
    rest = tuple(each for each in customer.family if each != guest)
    theirs = tuple(each for each in customer.cases if unit.rows.get(CASES, guest, each[1]))
    stay, leaves = joint_points.apart(unit, customer, guest, rest)
    doubts = customer.synchrony.doubted
    gone = [each for each in doubts if unit.rows.get(RETURN_CASES, guest, each)]
    kept = [each for each in doubts if each not in gone]
    ours = synchrony.doubting(customer.synchrony, kept, customer.synchrony.doubted_at)
    others = [each.synchrony for each in parts.load(unit.rows, rest).values()]
    part = replace(
        part,
        cases=theirs,
        unsettled=_known_to(unit, customer, (guest,)),
        points=leaves,
        undispatched=_own_orders(unit, customer, part, guest),
        synchrony=synchrony.own(part.synchrony, customer.synchrony, others, gone),
    )
    customer, part = parts.apart(customer, part)
    unit.rows.put(PARTS, part, guest)
    cases = tuple(each for each in customer.cases if each not in theirs)
    left_open = _known_to(unit, customer, rest)
    return replace(customer, cases=cases, unsettled=left_open, points=stay, synchrony=ours, family=rest)


def _known_to(unit: Unit, customer: Customer, ids: Iterable[str]) -> tuple[Happened, ...]:
    """What is not settled under some ids of a customer; an order that several know stays with each."""
    return tuple(
        each
        for each in customer.unsettled
        if any(unit.rows.get(UNSETTLED[each.thing[0]], one, each.about) for one in ids)
    )


def _own_orders(unit: Unit, customer: Customer, part: Customer, one: str) -> Undispatched:
    """Orders that wait under an id, which are flagged anew where it stands otherwise than all of them together did."""
    part = replace(part, undispatched=family_dispatch.counted(unit.rows, (one,)))
    return family_dispatch.anew(unit, (customer,), part).undispatched


def decline(unit: Unit, customer: Customer, message: MoveDeclined) -> Outcome:
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


def arrive(unit: Unit, customer: Customer, message: RowsMoved) -> Outcome:
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
    joined, effects = _join(unit, customer, guest)
    for one in _leaving(unit, joined)[:1]:
        # Whoever came was no link for those who waited for one. They leave with a message of its own: its own cause (D7).
        # It is of an id that is here, or it would be passed on to another home.
        effects = [*effects, _look_again(unit, one)]
    return _then_go_on(unit, joined, effects)


def _look_again(unit: Unit, one: str) -> Send:
    """An id of this customer hears once more of one of its links, and with it who hangs together is looked at."""
    link = links.of(unit.rows, one).each[0]
    return moving.tell(unit, link.other, replace(link, other=one), unit.subject)


def _then_go_on(unit: Unit, customer: Customer, effects: Sequence[Decision | Send | Refused]) -> Outcome:
    customer, then = _go_on(unit, customer)
    return customer, [*effects, *then]


def _come_home(unit: Unit, customer: Customer) -> Outcome:
    """An id is a customer of its own again: as it was, with what happened under it since; its other links still hold."""
    part = unit.rows.get(PARTS, unit.subject) or Customer()
    unit.rows.delete(PARTS, unit.subject)
    home = replace(part, timers=customer.timers, fired=customer.fired, sequence=customer.sequence)
    home, came = joint_points.home(unit, home)
    home, decisions = fold.conclude(unit, home, home, None, came)
    return home, [*decisions, *_tell_others(unit, home, unit.subject)]


def _tell_others(unit: Unit, customer: Customer, one: str) -> Iterable[Send]:
    """Those whom an id is linked with, and whose state is not here, hear where its own is."""
    for link in links.of(unit.rows, one).each:
        if link.linked and link.other not in {unit.subject, *customer.family}:
            yield moving.tell(unit, one, link, link.other)


def _join(unit: Unit, customer: Customer, guest: str) -> Outcome:
    """Two are one: facts add up, standing is the higher one, and the tier is compared once (T-24, T-25)."""
    ids = tuple(sorted((*customer.family, guest)))
    if guest not in links.together(unit.subject, links.agree(unit.rows, ids)):
        return customer, moving.send(unit, guest, guest)
    if customer.family == (unit.subject,):
        unit.rows.put(PARTS, parts.part_of(customer), unit.subject)
    overlaps.introduced(unit.rows, unit.subject, ids, guest)
    joint_points.introduced(unit.rows, unit.subject, ids, guest)
    came = unit.rows.get(PARTS, guest) or Customer()
    base = replace(parts.standing(customer, came, unit.policy), family=ids)
    base = replace(
        base,
        cases=tuple(sorted((*customer.cases, *came.cases))),
        unsettled=recent.together((*customer.unsettled, *came.unsettled)),
        points=joint_points.plus(customer.points, came.points),
        synchrony=synchrony.together(customer.synchrony, (customer.synchrony, came.synchrony)),
    )
    brought = joint_points.by_expiry(unit.rows, (guest,))
    joined, decisions = _resettle(unit, (customer, came), base, brought, Counter(), guest)
    return joined, [*decisions, *_tell_others(unit, joined, guest)]


def _leaving(unit: Unit, customer: Customer) -> list[str]:
    """Ids that are here, and that nothing links with the host any more."""
    near = links.together(unit.subject, links.agree(unit.rows, customer.family)) if customer.family else ()
    return [each for each in customer.family if each not in near]


def settle(unit: Unit, customer: Customer) -> Outcome:
    """Something was told of ids that are here: those whom nothing links with the host any more go home."""
    leaving = _leaving(unit, customer)
    if not leaving:
        return customer, ()
    staying = [each for each in customer.family if each not in leaving]
    left, taken = customer, joint_points.by_expiry(unit.rows, leaving)
    before = joint_points.by_expiry(unit.rows, staying)
    for each in leaving:
        left = _take_leave(unit, left, each)
    back = joint_points.by_expiry(unit.rows, staying) - before
    known = parts.load(unit.rows, left.family)
    base = parts.stood(left, known.values(), unit.policy)
    gone = [each.synchrony for each in parts.load(unit.rows, leaving).values()]
    own = [synchrony.own(each.synchrony, left.synchrony, gone) for each in known.values()]
    base = replace(base, synchrony=synchrony.together(left.synchrony, own))
    effects = [send for each in leaving for send in moving.send(unit, each, each)]
    after, decisions = _resettle(unit, (customer,), base, taken, back)
    return _then_go_on(unit, after, [*decisions, *effects])


def _resettle(
    unit: Unit,
    before: tuple[Customer, ...],
    base: Customer,
    moved: Parts,
    back: Parts,
    guest: str | None = None,
) -> Outcome:
    """The customer that the ids of `base` are, with at most one change of the tier that was shown, by the first of `before`.

    `guest` is who came; None where others went.
    """
    shown = before[0]
    cause, mine = unit.because.cause, family.of(unit)
    overlap = overlaps.again(unit.rows, unit.subject, base.family)
    unit.rows.put(FAMILIES, replace(mine, overlap=overlap), unit.subject)
    after = parts.together(base, parts.load(unit.rows, base.family), overlap)
    after = parts.subscribed(unit.rows, after, base.family)
    after = parts.noted(shown, movements.moved(shown, after, cause), cause)
    after, changed = resettle(shown, after, unit.policy, unit.now, unit.because, "linked" if guest else "unlinked")
    after = replace(after, undispatched=family_dispatch.counted(unit.rows, base.family))
    after, booked = joint_points.met(unit, shown.points, after, "joined" if guest else "parted", moved, back)
    after, caught_up = told_early.tell(unit, after, guest) if guest else (after, [])
    after = family_dispatch.anew(unit, before, after)
    return family.conclude(unit, shown, after, None, [*changed, *booked, *caught_up])
