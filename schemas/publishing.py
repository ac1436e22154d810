"""For whoever publishes to laurel from Python: an event from its fields, checked, sealed, encoded and addressed.

    publisher = Publisher(send=..., partitions=..., keys=..., nonce=lambda: os.urandom(12))
    refused = publisher.publish({"type": "NoteAdded", "customer_id": "c-4711", "note": "Prefers a call.", ...})

Free text is given under its field's name without `_sealed`, and leaves this process sealed under a key of its person
(D11). What sends, what keeps keys and where nonces come from are arguments: `streams.keys` and `laurel publish` have
them for Kafka.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol, get_type_hints

from msgspec.structs import replace

from schemas.codec import TYPES, Rejected, encode, from_json
from schemas.fields import SEALED_BYTES, Sealed
from schemas.partitions import partition_of
from schemas.sealing import OVERHEAD_BYTES, Key, seal, unseal
from schemas.source import SourceEvent
from schemas.topics import TOPIC_OF

SUFFIX = "_sealed"
LONGEST_BYTES = SEALED_BYTES - OVERHEAD_BYTES
"""Of a text, in UTF-8."""
SEALED_FIELDS: Mapping[type, tuple[str, ...]] = {
    kind: tuple(name for name, of in get_type_hints(kind, include_extras=True).items() if of == Sealed)
    for kind in TYPES
    if issubclass(kind, SourceEvent)
}
"""Of every event, the fields that hold free text."""


class KeyStore(Protocol):
    """Where keys are kept."""

    def key_of(self, person: str) -> Key:
        """A key of this person that is kept already: one that a crash loses makes what it sealed unreadable."""


class Publication(NamedTuple):
    """A record for a source topic. `topic` is its name without a namespace, `timestamp` milliseconds since 1970 UTC."""

    topic: str
    partition: int
    key: bytes
    value: bytes
    timestamp: int


class Publisher(NamedTuple):
    """What it takes to publish. `partitions` is how many a topic has; `nonce` gives 12 bytes, never the same twice."""

    send: Callable[[Publication], None]
    partitions: Callable[[str], int]
    keys: KeyStore
    nonce: Callable[[], bytes]

    def publish(self, fields: Mapping[str, Any]) -> Rejected | None:
        """Send an event; what is not right is not sent, and it is said why."""
        record = prepare(fields, self.partitions, self.keys, self.nonce)
        if isinstance(record, Rejected):
            return record
        self.send(record)
        return None


def prepare(
    fields: Mapping[str, Any], partitions: Callable[[str], int], keys: KeyStore, nonce: Callable[[], bytes]
) -> Publication | Rejected:
    """The record of an event given as JSON has it; `type` names its contract. No key is made for what is refused."""
    event = from_json(dict(fields))
    if isinstance(event, Rejected):
        return event
    kind = type(event)
    if not isinstance(event, SourceEvent):
        detail = f"{kind.__name__} is laurel's own record; upstream systems do not publish it"
        return Rejected("wrong_topic", detail)
    plain = {
        name: fields[name.removesuffix(SUFFIX)] for name in SEALED_FIELDS[kind] if name.removesuffix(SUFFIX) in fields
    }
    for name, text in plain.items():
        if wrong := _wrong(name, text, fields):
            return Rejected("invalid", f"{kind.__name__}: {wrong}")
    sealed = {
        name: seal(text.encode(), keys.key_of(event.subject), about(kind, name), nonce()) if text else b""
        for name, text in plain.items()
    }
    event, topic = replace(event, **sealed), TOPIC_OF[kind]
    partition = partition_of(event.subject, partitions(topic))
    return Publication(topic, partition, event.subject.encode(), encode(event), event.occurred_at)


def about(kind: type, field: str) -> str:
    """What the text of a field is bound to, besides its person."""
    return f"{kind.__name__}.{field}"


def read_text(event: SourceEvent, field: str, key: Key) -> str | None:
    """The text of a sealed field; None where this key does not open it."""
    plain = unseal(getattr(event, field), key, about(type(event), field)) if key.owner == event.subject else None
    return None if plain is None else plain.decode(errors="replace")


def _wrong(name: str, text: Any, fields: Mapping[str, Any]) -> str | None:
    """Why a text cannot be sealed. It is personal: what was found is not told."""
    given = name.removesuffix(SUFFIX)
    if not isinstance(text, str):
        return f"{given}: found {type(text).__name__}; text is needed"
    if fields.get(name):
        return f"{given}: found beside {name}; one of them is needed"
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        return f"{given}: found half of a surrogate pair, which UTF-8 cannot hold"
    return f"{given}: found {size} bytes; {LONGEST_BYTES} are allowed" if size > LONGEST_BYTES else None
