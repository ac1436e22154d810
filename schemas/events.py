"""What happened: the records that upstream systems publish, and those that laurel sends itself.

Each type mirrors the file of its name in `schemas/avsc`, which documents every field; a test keeps them equal.
"""

from typing import Annotated

from msgspec import Meta, Struct

from schemas.fields import Currency, Id, Millis, Minor, Quantity, RatePpm


class OrderLine(Struct, frozen=True):
    line_id: Id
    quantity: Quantity
    goods_minor: Minor
    discount_minor: Minor = 0
    tax_minor: Minor = 0
    shipping_minor: Minor = 0


class SourceEvent(Struct, frozen=True, kw_only=True):
    """What every event from an upstream system carries."""

    event_id: Id
    customer_id: Id
    occurred_at: Millis


class OrderPlaced(SourceEvent, frozen=True, kw_only=True):
    order_id: Id
    currency: Currency
    rate_ppm: RatePpm = 1_000_000
    lines: Annotated[tuple[OrderLine, ...], Meta(min_length=1)]


class OrderDelivered(SourceEvent, frozen=True, kw_only=True):
    order_id: Id


class OrderCancelled(SourceEvent, frozen=True, kw_only=True):
    order_id: Id


class OrderRefunded(SourceEvent, frozen=True, kw_only=True):
    order_id: Id
    refund_id: Id
    goods_minor: Minor


class ReturnLine(Struct, frozen=True):
    line_id: Id
    quantity: Quantity


class ReturnRequested(SourceEvent, frozen=True, kw_only=True):
    return_id: Id
    order_id: Id
    lines: Annotated[tuple[ReturnLine, ...], Meta(min_length=1)]


class CustomerRegistered(SourceEvent, frozen=True, kw_only=True):
    pass


class ContactOpened(SourceEvent, frozen=True, kw_only=True):
    case_id: Id
    channel: str
    topic: str = "general"


class ClockTicked(Struct, frozen=True):
    at: Millis
    sources_behind_ms: int


class PolicyActivated(Struct, frozen=True):
    activation_id: Id
    version: Id
    effective_from: Millis
    document: str


class RulesChanged(Struct, frozen=True):
    rules_version: int


class WorkRemains(Struct, frozen=True):
    at: Millis


Event = (
    OrderPlaced
    | OrderDelivered
    | OrderCancelled
    | OrderRefunded
    | ReturnRequested
    | CustomerRegistered
    | ContactOpened
    | ClockTicked
    | PolicyActivated
    | RulesChanged
    | WorkRemains
)
Message = ClockTicked | PolicyActivated | RulesChanged | WorkRemains
