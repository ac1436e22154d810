"""What goes into a step, and what may come out of it."""

from typing import NamedTuple

from msgspec import Struct

from schemas.decided import Origin
from schemas.decisions import Decision, Quarantined
from schemas.events import Event, Message
from schemas.profiles import CustomerProfile


class Entry(Struct, frozen=True):
    """A record of the timeline. `value` is what was published, `source` the bare name of the topic it came from.

    `timestamp` is the source record's, milliseconds: when the broker took it, or for an import when it happened.
    """

    topic: str
    partition: int
    offset: int
    timestamp: int
    subject: str
    event: Event
    value: bytes
    source: str


class Send(Struct, frozen=True):
    """A message to a subject; the engine writes it to `messages`, to each partition where it is `EVERYWHERE` (D6).

    One that is `new` begins a journey of its own: hops are counted from there. Others pass on what they were told.
    """

    subject: str
    event: Message
    new: bool = False


class Refused(NamedTuple):
    """Why an event is quarantined: `reason` counts it, `detail` says what was found and what would be right."""

    reason: str
    detail: str


Effect = Decision | CustomerProfile | Quarantined | Send


def origin(entry: Entry) -> Origin:
    """Where in the timeline the record stands."""
    return Origin(entry.topic, entry.partition, entry.offset)


def quarantined(entry: Entry, reason: str, detail: str) -> Quarantined:
    """The record as one that changes nothing, with the bytes that were published (D14)."""
    return Quarantined(
        reason=reason, detail=detail, customer_id=entry.subject, origin=origin(entry), record=entry.value
    )
