"""What a link would do: the rules run on copies of what both ids are, and nothing is published (R-CUST-11)."""

from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

from processors.customer import CUSTOMERS, Customer
from processors.effects import Entry, Refused, Send
from processors.partition import HERE, PARTITION, Partition, current
from processors.people import People
from processors.policy import Policy
from processors.public_profile import public_profile
from processors.rows import Rows
from processors.step import step
from schemas.codec import encode
from schemas.decided import Decided
from schemas.decisions import Quarantined
from schemas.events import IdsLinked
from schemas.profiles import CustomerProfile

Load = Callable[[str], Rows]
"""The rows on which a subject is folded, to be written to."""


class Side(NamedTuple):
    """One customer, with the designation that a person gave."""

    profile: CustomerProfile
    people: People


class Preview(NamedTuple):
    """Both ids as they are, the customer that they would be, what would be decided, or why nothing would."""

    sides: tuple[Side, Side]
    together: Side
    decisions: tuple[Decided, ...]
    refused: tuple[Refused, ...]
    policy: Policy


def _side(rows: Rows, customer_id: str) -> Side:
    partition = rows.get(PARTITION, HERE) or Partition()
    customer = rows.get(CUSTOMERS, customer_id) or Customer()
    policy = current(rows, partition)
    return Side(public_profile(customer_id, customer, policy, partition.at or 0), customer.people)


def preview(load: Load, event: IdsLinked) -> Preview:
    """What a link would lead to, everything that ids tell each other included."""
    known: dict[str, Rows] = {}

    def rows_of(subject: str) -> Rows:
        if subject not in known:
            known[subject] = load(subject)
        return known[subject]

    pair = (event.customer_id, event.other_customer_id)
    one, other = (_side(rows_of(each), each) for each in pair)
    left, effects = deque[tuple[str, Any]]([(event.subject, event)]), list[Any]()
    while left:
        subject, told = left.popleft()
        found = step(rows_of(subject), Entry("timeline", 0, 0, 0, subject, told, encode(told), "interactions"))
        effects += found
        left += [(each.subject, each.event) for each in found if isinstance(each, Send) and each.subject[0] != "#"]
    host = min(pair)
    while (row := rows_of(host).get(CUSTOMERS, host)) is not None and row.host is not None:
        host = row.host
    return Preview(
        (one, other),
        _side(rows_of(host), host),
        tuple(each for each in effects if isinstance(each, Decided)),
        tuple(Refused(each.reason, each.detail) for each in effects if isinstance(each, Quarantined)),
        current(rows_of(host), rows_of(host).get(PARTITION, HERE) or Partition()),
    )
