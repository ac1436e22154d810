"""What every record of an upstream system carries."""

from msgspec import Struct

from schemas.fields import Id, Millis


class SourceEvent(Struct, frozen=True, kw_only=True):
    """What every event from outside carries: which publication it is, and when it happened."""

    event_id: Id
    occurred_at: Millis

    @property
    def subject(self) -> str:
        """Under which subject it stands in the timeline, which is also its record's key (D6)."""
        raise NotImplementedError


class CustomerEvent(SourceEvent, frozen=True, kw_only=True):
    """What every event about a customer carries."""

    customer_id: Id

    @property
    def subject(self) -> str:
        """The customer."""
        return self.customer_id
