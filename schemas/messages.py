"""What one subject tells another over the topic `messages` (D6).

Each type mirrors the file of its name in `schemas/avsc`, which documents every field; a test keeps them equal.
"""

from msgspec import Struct

from schemas.fields import Id, Millis, Minor, Quantity


class Told(Struct, frozen=True, kw_only=True):
    """What every message to a subject carries: an id that follows from its cause, and the log's time where it was sent."""

    message_id: Id
    at: Millis


class TierCount(Struct, frozen=True):
    """How many customers hold a tier."""

    tier: str
    customers: int


class PartitionCounted(Told, frozen=True, kw_only=True):
    day: str
    partition: int
    partitions: int
    customers: int
    tiers: tuple[TierCount, ...] = ()


class LinkHeard(Told, frozen=True, kw_only=True):
    customer_id: Id
    other_customer_id: Id
    linked_at: Millis
    linked: bool
    host_id: Id


class MoveOffered(Told, frozen=True, kw_only=True):
    host_id: Id


class MoveDeclined(Told, frozen=True, kw_only=True):
    guest_id: Id


class MovedRow(Struct, frozen=True):
    """A row as the store holds it."""

    key: bytes
    row: bytes


class RowsMoved(Told, frozen=True, kw_only=True):
    customer_id: Id
    rows: tuple[MovedRow, ...]
    last: bool


class EventPassed(Told, frozen=True, kw_only=True):
    customer_id: Id
    source: str
    record: bytes


OfIdentity = LinkHeard | MoveOffered | MoveDeclined | RowsMoved
"""What ids that are linked tell each other; an event that is passed on stays the event that it is."""


class GoodwillAsked(Told, frozen=True, kw_only=True):
    agent_id: Id
    customer_id: Id
    compensation_id: Id
    amount_minor: Minor
    most_minor: Minor
    window_days: int


class GoodwillAnswered(Told, frozen=True, kw_only=True):
    agent_id: Id
    customer_id: Id
    compensation_id: Id
    given_minor: int
    most_minor: Minor


class OfUnits(Told, frozen=True, kw_only=True):
    """What customers and rewards tell each other: of how many units for which request."""

    reward_id: Id
    customer_id: Id
    request_id: Id
    quantity: Quantity


class UnitsAsked(OfUnits, frozen=True, kw_only=True):
    pass


class UnitsAnswered(OfUnits, frozen=True, kw_only=True):
    free: int


class UnitsEnded(OfUnits, frozen=True, kw_only=True):
    handed_over: bool


OfGoodwill = GoodwillAsked | GoodwillAnswered
OfStock = UnitsAsked | UnitsAnswered | UnitsEnded
ToSubject = PartitionCounted | OfGoodwill | OfStock | OfIdentity | EventPassed
