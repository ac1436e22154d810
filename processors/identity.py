"""Identity: ids that are linked have their state in one place, under the smallest of them (R-CUST-11, T-24, D6).

The state of an id is at home or with a host, nowhere else, and moves between the two only. From when it left, its home passes
events on, behind the state: what one partition tells another keeps its order from the fold to the timeline.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from processors import family, fold, gathering, linking
from processors.customer import Customer
from processors.effects import Refused, Send
from processors.unit import Unit
from schemas.codec import encode
from schemas.decisions import Decision
from schemas.events import IdsLinked, IdsUnlinked
from schemas.messages import EventPassed, LinkHeard, MoveDeclined, MoveOffered, RowsMoved, Told, ToSubject
from schemas.source import CustomerEvent

Outcome = tuple[Customer, Sequence[Decision | Send | Refused]]


def _pass_on(unit: Unit, event: CustomerEvent | ToSubject, to: str) -> Send:
    """To whoever has the state, or to the home that knows who has. It stays what it is; hops are counted (D6)."""
    if isinstance(event, Told):
        return Send(to, event)
    source = unit.because.cause.partition("/")[0]
    about = unit.message(EventPassed, to)
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


MOVES: Mapping[type, Callable[[Unit, Customer, Any], Outcome]] = {
    MoveOffered: gathering.come,
    MoveDeclined: gathering.decline,
    RowsMoved: gathering.arrive,
}
"""Messages between home and host, which nobody passes on."""
LINKING: Mapping[type, Callable[[Unit, Customer, Any], Outcome]] = {
    IdsLinked: linking.link,
    IdsUnlinked: linking.link,
    LinkHeard: linking.hear,
}
"""What is told of links, where the state of the id is."""


def fold_timer(unit: Unit, customer: Customer, kind: str) -> Outcome:
    """See `fold.fold_timer`. Timers of an id whose state is elsewhere fire and do nothing."""
    if customer.host is not None:
        return customer, ()
    return family.fold_timer(unit, customer, kind) if customer.family else fold.fold_timer(unit, customer, kind)


def fold_activation(unit: Unit, customer: Customer) -> Outcome:
    """See `fold.fold_activation`."""
    if customer.host is not None:
        return customer, ()
    return family.fold_activation(unit, customer) if customer.family else fold.fold_activation(unit, customer)
