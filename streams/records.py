"""Records as both stages see them, wherever they come from and go to: a broker, or logs in memory."""

from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter

from msgspec import Struct
from msgspec.structs import replace

from schemas.codec import CONFLUENT_BYTES, CONFLUENT_MAGIC
from schemas.partitions import reserved
from schemas.topics import PUBLISHED

Headers = Sequence[tuple[str, bytes]]
ORIGIN, HOPS, REDRIVEN = "origin", "hops", "redriven-from"
REASON, DETAIL = "reason", "detail"
FRAME = "frame"
"""On the timeline, of a record that came in Confluent's wire format: the schema's id, and of one that was written anew the
hash of the original."""
SCHEMA = "schema"
"""On what is published in Confluent's wire format: the ten bytes of single-object encoding that its frame stands for, as
hexadecimal digits."""
AT, SENDER = "at", "from"
"""On everything that the fold publishes: the timeline offset whose fold published it. On messages, which may go to other
partitions than their own, also the timeline's partition."""
EVERY = -1
"""Stands for a record to each partition, until it is known how many there are."""


class Record(Struct, frozen=True, gc=False):
    """One record read. `timestamp` is milliseconds since 1970 UTC, as its producer or the broker set it."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()

    @property
    def place(self) -> tuple[str, int]:
        """Topic and partition."""
        return self.topic, self.partition

    def header(self, name: str) -> bytes | None:
        """The first header of a name."""
        return next((value for key, value in self.headers if key == name), None)


place_of = attrgetter("topic", "partition")
"""`Record.place`, for passes over thousands of records."""


class Outgoing(Struct, frozen=True, gc=False):
    """One record to write. Without a partition the key decides; topic names are bare, without namespace.

    `decided` is for whoever counts, and is not written: a decision's kind and verdict in a word.
    """

    topic: str
    key: bytes | None
    value: bytes | None
    partition: int | None = None
    timestamp: int | None = None
    headers: Headers = ()
    decided: tuple[str, str] | None = None


def addressed(records: Iterable[Outgoing], partitions: int) -> Iterator[Outgoing]:
    """The records, and instead of one for every partition, one for each."""
    for record in records:
        if record.partition == EVERY:
            yield from (replace(record, key=reserved(n).encode(), partition=n) for n in range(partitions))
        else:
            yield record


def origin_of(record: Record) -> bytes:
    """The header that tells where a record on the timeline or in the dead letters came from (D3)."""
    return f"{record.topic}/{record.partition}/{record.offset}".encode()


def parse_origin(header: bytes) -> tuple[str, int, int]:
    """Topic, partition and offset of an origin header."""
    topic, partition, offset = header.decode().rsplit("/", 2)
    return topic, int(partition), int(offset)


def restored(topic: str, value: bytes | None, headers: Headers) -> bytes | None:
    """A value that was read, in single-object encoding, whichever way laurel published it: readers need no registry."""
    if topic not in PUBLISHED or value is None or value[:1] != CONFLUENT_MAGIC:
        return value
    announced = next((found for name, found in headers if name == SCHEMA), b"")
    try:
        return bytes.fromhex(announced.decode()) + value[CONFLUENT_BYTES:] if announced else value
    except ValueError:
        return value
