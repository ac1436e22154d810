"""A customer who has several ids: what an event of one of them means for it, and for the customer (R-CUST-11, T-24).

The facts of an event are its own id's. Tier, sequence, verdicts and timers are the customer's, by the facts of all.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from processors import at_risk, family_dispatch, fold, movements, operations, overlaps, parts, synchrony, told_early
from processors.customer import Customer, noted
from processors.designating import Hearing
from processors.designation import OVER
from processors.effects import Send
from processors.facts import FACTS
from processors.family_rows import Noted, as_one
from processors.order import ORDERS
from processors.overlaps import Overlap
from processors.parts import PARTS
from processors.policy import Policy
from processors.returns import BUCKETS
from processors.rows import Table
from processors.unit import Unit
from schemas.commands import Command
from schemas.decisions import CommandAnswered, Decision
from schemas.events import OrderPlaced
from schemas.source import CustomerEvent

Outcome = tuple[Customer, Sequence[Decision | Send]]


class Family(Struct, frozen=True, array_like=True):
    """What a customer's row does not need to know: `expected` are ids that were offered a place and have not come yet.

    While there are such this customer stays; `going` is where they go afterwards.
    """

    expected: tuple[str, ...] = ()
    going: str | None = None
    overlap: Overlap = Overlap()


FAMILIES = Table(
    "families", b"i", Family, "ids that are on their way to a customer, and what those there have in common"
)


def of(unit: Unit) -> Family:
    """The family of the unit's subject."""
    return unit.rows.get(FAMILIES, unit.subject) or Family()


def conclude(
    unit: Unit, before: Customer, customer: Customer, event: Any = None, decided: Sequence[Decision | Send] = ()
) -> tuple[Customer, Sequence[Decision | Send]]:
    """See `fold.conclude`. Requests to return goods are of the id that they came under."""
    own = event.customer_id if event is not None else unit.subject
    after, decisions = fold.conclude(as_one(unit, customer, own), before, customer, event, decided)
    if after.returned != customer.returned:
        part = unit.rows.get(PARTS, own) or Customer()
        more = Counter(dict(after.returned)) - Counter(dict(customer.returned))
        months = sorted((Counter(dict(part.returned)) + more).items())[-BUCKETS:]
        unit.rows.put(PARTS, replace(part, returned=tuple(months)), own)
    return after, decisions


def fold_event(unit: Unit, customer: Customer, event: CustomerEvent) -> Outcome:
    """The customer after an event of one of their ids, and what was decided."""
    before, decisions = customer, list[Decision | Send]()
    told_early.gather(unit, customer, event)
    customer = _note(unit, customer, event)
    if isinstance(event, Command) and type(event) in FACTS:
        mine = as_one(unit, customer, event.customer_id)
        customer, heard = FACTS[type(event)](mine, customer, event)
        decisions += heard
        if any(isinstance(each, CommandAnswered) and each.verdict == "accepted" for each in heard):
            _obey(mine, unit, customer, event)
    elif type(event) in FACTS:
        customer = _learn(unit, customer, event)
        if isinstance(event, OrderPlaced) and _first_heard(unit, event):
            customer, heard = at_risk.hear(customer, event.order_id, event.occurred_at, unit.policy, unit.because)
            decisions += heard
    return conclude(unit, before, customer, event, decisions)


def _note(unit: Unit, customer: Customer, event: CustomerEvent) -> Customer:
    """What happened is a fact of the event's own id, and an agent sees it of all."""
    part = unit.rows.get(PARTS, event.customer_id) or Customer()
    if (told := noted(part, event)) is not part:
        unit.rows.put(PARTS, told, event.customer_id)
    return noted(customer, event)


def _first_heard(unit: Unit, event: OrderPlaced) -> bool:
    order = unit.rows.get(ORDERS, event.customer_id, event.order_id)
    return order is not None and order.placed_by == unit.because.cause


def _learn(unit: Unit, customer: Customer, event: CustomerEvent) -> Customer:
    """The facts of an event, for its own id and so for all."""
    own, known = event.customer_id, parts.load(unit.rows, customer.family)
    rows, part = Noted(unit.rows), known[own]
    alone = replace(unit, rows=rows, because=replace(unit.because, customer_id=own))
    # As for anybody: an order remembers the tier of its day, and a silence is the customer's and not the id's.
    told, _ = FACTS[type(event)](alone, replace(part, tier=customer.tier, alert=None), event)
    told = movements.moved(part, told, unit.because.cause)
    known[own] = replace(told, tier=part.tier, alert=part.alert)
    if ORDERS.prefix in {table.prefix for table, _ in rows.written}:
        undispatched = family_dispatch.counted(unit.rows, customer.family)
        customer = replace(customer, undispatched=replace(undispatched, anew=customer.undispatched.anew))
    if told.synchrony is not part.synchrony:
        customer = replace(customer, synchrony=synchrony.told(customer.synchrony, told.synchrony, customer.tier))
    if known[own] != part:
        unit.rows.put(PARTS, known[own], own)
    after = parts.together(customer, known, _overlap(unit, customer, rows))
    if known[own].membership != part.membership:
        after = parts.subscribed(unit.rows, after, customer.family)
    after = movements.moved(customer, after, unit.because.cause)
    return parts.noted(customer, after, unit.because.cause)


def _overlap(unit: Unit, customer: Customer, noted: Noted) -> Overlap:
    """What ids have in common, after the rows that were written."""
    family = of(unit)
    overlap = family.overlap
    for table, key in noted.written:
        changed = overlaps.written(unit.rows, unit.subject, customer.family, family.expected, table, key)
        overlap = overlaps.plus(overlap, changed)
    if overlap != family.overlap:
        unit.rows.put(FAMILIES, replace(family, overlap=overlap), unit.subject)
    return overlap


def _obey(mine: Unit, unit: Unit, customer: Customer, command: Command) -> None:
    """What was done to the customer is done to the part of the command's id too, and where its designation is.

    So an id that is separated has what was decided of it; where it alone would not have allowed it, it is as it was.
    """
    named = getattr(command, "designation_id", None)
    hearing = Hearing(mine.rows, unit.policy, unit.now, unit.because)
    for each, part in parts.load(unit.rows, customer.family).items():
        designation = part.people.designation
        owns = designation is not None and designation.designation_id == named
        if type(command) not in operations.RULES or not (owns or each == command.customer_id):
            continue
        judged = operations.RULES[type(command)].judge(part, command, hearing)
        if all(condition.holds for condition in judged.conditions):
            unit.rows.put(PARTS, _over(judged.after), each)


def _over(part: Customer) -> Customer:
    designation = part.people.designation
    if designation is None or designation.state not in OVER:
        return part
    return replace(part, people=replace(part.people, designation=None))


def fold_timer(unit: Unit, customer: Customer, kind: str) -> Outcome:
    """See `fold.fold_timer`."""
    return fold.fold_timer(as_one(unit, customer, unit.subject), customer, kind)


def fold_activation(unit: Unit, customer: Customer) -> Outcome:
    """See `fold.fold_activation`."""
    return fold.fold_activation(as_one(unit, customer, unit.subject), customer)


def wanted(customer: Customer, policy: Policy, now: int) -> Mapping[str, int]:
    """See `fold.wanted`; whose state is elsewhere waits for nothing."""
    return {} if customer.host else fold.wanted(customer, policy, now)
