"""What every record of an upstream system carries."""

from msgspec import Struct

from schemas.fields import Id, Millis


class SourceEvent(Struct, frozen=True, kw_only=True):
    """What every event from an upstream system carries."""

    event_id: Id
    customer_id: Id
    occurred_at: Millis
