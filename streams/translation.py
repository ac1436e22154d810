"""Records in Confluent's wire format on their way to the timeline, which holds single-object encoding only (D3, D9).

What the timeline's record was before is noted beside it, so that `verify` finds it equal to its source without a registry.
"""

from hashlib import blake2b
from typing import Protocol

from msgspec.structs import asdict

from schemas.codec import CONFLUENT_BYTES, CONFLUENT_MAGIC, Contract, Rejected
from schemas.confluent import framed, single_object
from schemas.topics import SOURCES
from streams.records import FRAME, Record

LARGEST_HASH = 2**64 - 1


class Schemas(Protocol):
    """What the ids in Confluent's wire format mean."""

    def contract(self, schema_id: int) -> Contract | Rejected | str:
        """How to read what was written with a schema; a text says why that is not known yet."""


class Translated(Record, frozen=True, gc=False):
    """A record in Confluent's wire format, with what it is in single-object encoding, or why it is nothing there."""

    single: bytes | Rejected = b""
    frame: bytes = b""
    """For the header `FRAME`."""


def schema_id(record: Record) -> int | None:
    """The id in a source's record in Confluent's wire format; None of any other record. Nearly all cost one comparison."""
    value = record.value
    if not value or value[0] != CONFLUENT_MAGIC[0] or len(value) < CONFLUENT_BYTES or record.topic not in SOURCES:
        return None
    return int.from_bytes(value[1:CONFLUENT_BYTES], "big")


def translated(record: Record, number: int, contract: Contract | Rejected) -> Translated:
    """The record with its translation."""
    value = record.value or b""
    single = contract if isinstance(contract, Rejected) else single_object(contract, value)
    same_body = not isinstance(contract, Rejected) and contract.header
    frame = b"%d" % number if same_body else b"%d/%016x" % (number, hash_of(value))
    return Translated(**asdict(record), single=single, frame=frame)


def hash_of(value: bytes | None, *key: bytes | None) -> int:
    """Eight bytes. No value and an empty one are the same here, as they are to some clients."""
    digest = blake2b(value or b"", digest_size=8)
    for each in key:
        digest.update(b"\0none" if each is None else b"\0" + each)
    return int.from_bytes(digest.digest(), "big") or 1


def hash_of_source(record: Record) -> int:
    """The hash of the value that a record of the timeline had in its source."""
    frame = record.header(FRAME)
    if frame is None:
        return hash_of(record.value)
    number, _, original = frame.partition(b"/")
    try:
        if not original:
            return hash_of(framed(record.value or b"", int(number)))
        return int(original, 16) & LARGEST_HASH or 1
    except (ValueError, OverflowError):  # not written by laurel
        return 1
