"""Dead letters: what they are, and sending them again the normal way, through `redrives` (D14)."""

import time
from collections.abc import Callable, Container, Iterable, Iterator
from typing import Any, NamedTuple

from msgspec.structs import replace

from schemas.codec import Rejected, admitted, decode
from schemas.source import SourceEvent
from streams.burying import TOO_LARGE, Find, dig_up
from streams.framing import RegistryError
from streams.kafka import admin, partitions_of
from streams.keys import Keyring
from streams.publishing import publish
from streams.reading import bounds, first, read_all
from streams.records import ORIGIN, REASON, REDRIVEN, Outgoing, Record, origin_of
from streams.settings import Settings
from streams.translation import Schemas, schema_id, translated

BY, BECAUSE = "redriven-by", "redriven-because"
"""Who sent a dead letter again, and why: kept with it for ever, as the audit."""


class DeadLetter(NamedTuple):
    """A record that could not be taken, with its own key and bytes.

    `origin` is where it was published; `redriven_from` the dead letter before it; `lost` why its bytes are not here, where
    that is so.
    """

    record: Record
    origin: str
    reason: str
    detail: str
    redriven_from: str | None
    lost: str | None
    person: str | None
    """Whom it is about, as far as could be known."""

    @property
    def place(self) -> str:
        """Where it stands: partition and offset, as `show` and `redrive` take them."""
        return f"{self.record.partition}/{self.record.offset}"

    def is_in(self, redriven: Container[bytes]) -> bool:
        """Whether it is one of those that were sent again."""
        return origin_of(self.record) in redriven


class NotThereError(Exception):
    """There is no such dead letter."""


def dead_letter(record: Record, find: Find) -> DeadLetter:
    """A record of the topic, opened and understood."""
    texts = {name: (value or b"").decode(errors="replace") for name, value in record.headers}
    found = dig_up(record, find)
    origin, reason = texts.get(ORIGIN, ""), texts.get(REASON, "")
    lost = found.lost
    if reason == TOO_LARGE and found.value is None:
        lost = f"its bytes are not here: they are at {origin}"
    whole = replace(record, key=found.key, value=found.value)
    return DeadLetter(whole, origin, reason, found.detail, texts.get(REDRIVEN), lost, found.person)


def find(settings: Settings, reason: str | None = None, topic: str | None = None) -> Iterator[DeadLetter]:
    """The dead letters of a reason, of a topic that they were published on, or all."""
    with Keyring(settings) as keys:
        for record in read_all(settings, "dead-letters"):
            letter = dead_letter(record, keys.find)
            if reason in {None, letter.reason} and topic in {None, letter.origin.partition("/")[0]}:
                yield letter


def at(settings: Settings, partition: int, offset: int) -> DeadLetter:
    """The dead letter at a place. Raises `NotThereError`."""
    name = settings.topic("dead-letters")
    found = None
    if 0 <= partition < partitions_of(admin(settings), name):
        [(low, high)] = bounds(settings, [(name, partition)]).values()
        if low <= offset < high:
            found = first(settings, (name, partition), offset)
    if found is None or found.offset != offset:
        raise NotThereError(f"there is no dead letter at {partition}/{offset}; laurel dead-letters list")
    with Keyring(settings) as keys:
        return dead_letter(found, keys.find)


def redriven(settings: Settings) -> set[bytes]:
    """Dead letters that were sent again already, as their redrives name them."""
    named = (record.header(REDRIVEN) for record in read_all(settings, "redrives"))
    return {origin for origin in named if origin is not None}


def still_wrong(letter: DeadLetter, schemas: Schemas | None = None) -> str | None:
    """Why sending it again would be in vain, or None. Raises `RegistryError` where its schema cannot be asked for."""
    if letter.lost is not None:
        return letter.lost
    event = _read(letter.record, schemas)
    if isinstance(event, Rejected):
        return f"it is {event.reason} still: {event.detail}"
    if not isinstance(event, SourceEvent):
        return f"it holds {type(event).__name__}, which no upstream system publishes"
    return None


def _read(record: Record, schemas: Schemas | None) -> Any | Rejected:
    """What intake would read in it, once it is on `redrives`."""
    again = replace(record, topic="redrives")
    number = schema_id(again)
    if schemas is None or number is None:
        return admitted(decode(record.value))
    contract = schemas.contract(number)
    if isinstance(contract, str):
        raise RegistryError(contract)
    single = translated(again, number, contract).single
    return single if isinstance(single, Rejected) else admitted(decode(single))


def redrive(
    settings: Settings,
    letters: Iterable[DeadLetter],
    by: str,
    because: str,
    per_s: float,
    advance: Callable[[int], None],
) -> int:
    """Send dead letters again, at most so many a second; how many the broker acknowledged. Raises as `publish`."""
    return publish(settings, _slowly((_again(letter, by, because) for letter in letters), per_s), advance)


def _again(letter: DeadLetter, by: str, because: str) -> Outgoing:
    headers = [(REDRIVEN, origin_of(letter.record)), (BY, by.encode()), (BECAUSE, because.encode())]
    # The time of the sending: intake merges by it, and what happened earlier is told by the event itself.
    return Outgoing("redrives", letter.record.key, letter.record.value, headers=headers)


def _slowly(records: Iterable[Outgoing], per_s: float) -> Iterator[Outgoing]:
    began = time.monotonic()
    for number, record in enumerate(records):
        time.sleep(max(0.0, began + number / per_s - time.monotonic()))
        yield record
