"""A dead letter's bytes, sealed and opened: what could not be read may say anything about anybody (D11, T-46).

Key, value and what was found wrong are sealed together, under a key of the person where they are known to have one, else
under the key of the day, which is deleted after `streams.day_keys.DAYS_KEPT`. Reason and origin stay readable for ever.
"""

from collections.abc import Callable
from typing import NamedTuple, Protocol

import msgspec
from msgspec import Struct

from schemas.codec import Rejected, decode
from schemas.sealing import Key, key_id, seal, unseal
from schemas.source import CustomerEvent
from streams.records import DETAIL, ORIGIN, REASON, REDRIVEN, Outgoing, Record, origin_of
from streams.translation import Translated

TOO_LARGE = "too_large"
Find = Callable[[bytes], Key | None]
"""The key of an id; None for one that was deleted."""
DETAIL_CHARS = 1_000
DELETED = "its key was deleted"
DAMAGED = "it does not open: it is not what was sealed for this origin"


class Seals(Protocol):
    """Keys that the broker keeps already, at hand: intake waits for nobody while it folds."""

    def of(self, person: str) -> Key | None:
        """A key of a person; None where they have none."""

    def today(self) -> Key:
        """A key of the day."""

    def nonce(self) -> bytes:
        """A nonce that was never used."""


class _Sealed(Struct, frozen=True, array_like=True):
    """What is sealed."""

    key: bytes | None
    value: bytes | None
    detail: str
    person: str | None = None
    """Whom it is about: what came in Confluent's wire format tells that to nobody without the registry."""


ENCODER, DECODER = msgspec.msgpack.Encoder(), msgspec.msgpack.Decoder(_Sealed)


class Contents(NamedTuple):
    """What a dead letter holds; `lost` says why its key, value and detail are not here, where that is so."""

    key: bytes | None
    value: bytes | None
    detail: str
    lost: str | None = None
    person: str | None = None


def bury(record: Record, why: Rejected, seals: Seals) -> Outgoing:
    """The record in the dead letters: its own key and bytes, sealed, with its origin and the reason.

    Bytes that no topic of ours would take stay where the origin says.
    """
    headers = [(ORIGIN, origin_of(record)), (REASON, why.reason.encode())]
    detail = why.detail[:DETAIL_CHARS]
    if why.reason == TOO_LARGE:  # the detail tells sizes
        headers.append((DETAIL, detail.encode()))
        return Outgoing("dead-letters", None, None, None, record.timestamp, headers)
    headers += [(name, value) for name, value in record.headers if name == REDRIVEN]
    single = record.single if isinstance(record, Translated) else record.value
    person = person_of(record.key, record.value if isinstance(single, Rejected) else single)
    own = None if person is None else seals.of(person)
    plain = ENCODER.encode(_Sealed(record.key, record.value, detail, person))
    value = seal(plain, own or seals.today(), _about(origin_of(record)), seals.nonce())
    # Only a person's own key tells that their id is one, and nothing else that somebody put there.
    key = own.owner.encode() if own else None
    return Outgoing("dead-letters", key, value, None, record.timestamp, headers)


def person_of(key: bytes | None, value: bytes | None) -> str | None:
    """Whom a record that could not be taken is about, as far as can be known: its event says so, or else its key."""
    event = decode(value)
    if isinstance(event, CustomerEvent):
        return event.customer_id
    try:
        return (key or b"").decode() or None
    except UnicodeDecodeError:
        return None


def dig_up(letter: Record, find: Find) -> Contents:
    """What a dead letter holds."""
    if (detail := letter.header(DETAIL)) is not None:  # nothing is sealed
        return Contents(letter.key, letter.value, detail.decode(errors="replace"))
    number = key_id(letter.value or b"")
    key = None if number is None else find(number)
    if number is not None and key is None:
        return Contents(None, None, "", DELETED)
    plain = key and unseal(letter.value or b"", key, _about(letter.header(ORIGIN) or b""))
    try:
        found = DECODER.decode(plain or b"")
    except msgspec.MsgspecError:
        return Contents(None, None, "", DAMAGED)
    return Contents(found.key, found.value, found.detail, person=found.person)


def _about(origin: bytes) -> str:
    return f"dead letter of {origin.decode(errors='replace')}"
