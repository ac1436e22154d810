"""Where an event went, and what followed from it; what happened to a customer, in the log's order."""

from collections.abc import Callable, Container, Iterator
from typing import Any, NamedTuple

from processors.facts import FACTS
from processors.fold import QUESTIONS
from processors.identity import LINKING
from processors.points import RULES
from processors.programme import COMMANDS, activation_id
from processors.step import RECORD
from processors.stock import RULES as STOCK
from schemas.codec import Rejected, decode
from schemas.decided import Decided
from schemas.decisions import Quarantined
from schemas.directives import PolicyPublished
from schemas.events import OrderDelayed, OrderFailed, PolicyActivated
from schemas.messages import EventPassed
from schemas.partitions import partition_of
from schemas.publishing import SEALED_FIELDS, SUFFIX, read_text
from schemas.sealing import key_id
from schemas.source import CustomerEvent, SourceEvent
from schemas.topics import TOPIC_OF
from streams import dead_letters, skips
from streams.burying import DELETED
from streams.dead_letters import DeadLetter
from streams.kafka import admin, partitions_of
from streams.keys import Keyring
from streams.reading import read_all, read_partitions
from streams.records import ORIGIN, Record
from streams.settings import Settings

DECISIONS = tuple(dict.fromkeys(topic for kind, topic in TOPIC_OF.items() if issubclass(kind, Decided)))
Advance = Callable[[int], None]


class Moment(NamedTuple):
    """One record that tells of an event or a customer: `what` became of it, where that stands, and the record."""

    what: str
    record: Record
    content: Any

    @property
    def place(self) -> str:
        """Topic, partition and offset."""
        return f"{self.record.topic}/{self.record.partition}/{self.record.offset}"

    @property
    def at(self) -> int:
        """When it happened, or was decided; of a dead letter, when it was published. Milliseconds."""
        instants = (getattr(self.content, name, None) for name in ("occurred_at", "decided_at"))
        return next((instant for instant in instants if instant is not None), self.record.timestamp)


class Trace(NamedTuple):
    """All that is known of an event. `nothing` says why nothing was decided, where that is so."""

    event_id: str
    moments: list[Moment]
    nothing: str | None


def trace(settings: Settings, event_id: str, advance: Advance) -> Trace:
    """Follow an event: taken to the timeline or buried, quarantined, decided, in force.

    Reads timeline, dead letters and, of the partitions that the event is on, the decisions. `advance` is told how many
    records were looked at.
    """
    mentioned = [
        Moment(*_came(record, event)) for record, event in _mentioning(settings, "timeline", event_id, advance)
    ]
    found = [each for each in mentioned if isinstance(each.content, SourceEvent) and each.content.event_id == event_id]
    taken = [each for each in found if each.what == "taken"]
    # What cannot be read has no id to compare: that its bytes hold this one is all that can be said.
    buried = [
        Moment("buried", letter.record, letter)
        for letter in dead_letters.find(settings)
        if _may_be(letter.record, event_id, advance)
    ]
    after = [
        moment
        for partition in sorted({moment.record.partition for moment in found})
        for moment in _followed(settings, partition, event_id, found, advance)
    ]
    after += [moment for each in taken for moment in _activated(settings, each, advance)]
    nothing = None if after or not taken else _why_nothing(settings, taken)
    passed = [each for each in found if each.what == "passed on"]
    return Trace(event_id, [*taken, *buried, *passed, *after], nothing)


def _came(record: Record, event: Any) -> tuple[str, Record, Any]:
    """How a record of the timeline came there: from a source, or from the home of an id whose state is elsewhere (D6)."""
    if isinstance(event, EventPassed):
        return "passed on", record, decode(event.record)
    return "taken", record, event


def _may_be(record: Record, event_id: str, advance: Advance) -> bool:
    """Whether a record that could not be taken holds this event, as far as can be said."""
    advance(1)
    if event_id.encode() not in (record.value or b""):
        return False
    event = decode(record.value)
    return not isinstance(event, SourceEvent) or event.event_id == event_id


def _mentioning(
    settings: Settings, topic: str, text: str, advance: Advance, partitions: tuple[int, ...] | None = None
) -> Iterator[tuple[Record, Any]]:
    """Records whose bytes hold a text, decoded: a search for bytes is a hundred times as quick as reading what they say."""
    wanted = text.encode()
    found = read_all(settings, topic) if partitions is None else read_partitions(settings, topic, partitions)
    for record in found:
        advance(1)
        if wanted in (record.value or b""):
            yield record, decode(record.value)


def _followed(
    settings: Settings, partition: int, event_id: str, taken: list[Moment], advance: Advance
) -> Iterator[Moment]:
    causes = {f"{(moment.record.header(ORIGIN) or b'').decode().split('/')[0]}/{event_id}" for moment in taken}
    offsets = {moment.record.offset for moment in taken if moment.record.partition == partition}
    for topic in DECISIONS:
        for record, said in _mentioning(settings, topic, event_id, advance, (partition,)):
            if isinstance(said, Decided) and said.cause in causes:
                yield Moment("decided", record, said)
    for record, said in _mentioning(settings, "quarantined", event_id, advance, (partition,)):
        if isinstance(said, Quarantined) and said.origin.offset in offsets:
            yield Moment("quarantined", record, said)


def _activated(settings: Settings, taken: Moment, advance: Advance) -> Iterator[Moment]:
    """Where a policy that was published came into force."""
    if isinstance(taken.content, PolicyPublished):
        wanted = activation_id(f"{TOPIC_OF[PolicyPublished]}/{taken.content.event_id}")
        for record, event in _mentioning(settings, "timeline", wanted, advance):
            if isinstance(event, PolicyActivated) and event.activation_id == wanted:
                yield Moment("activated", record, event)


def decision(settings: Settings, decision_id: str, advance: Advance) -> Moment | None:
    """The decision of an id, wherever it was published."""
    found = (
        Moment("decided", record, said)
        for topic in DECISIONS
        for record, said in _mentioning(settings, topic, decision_id, advance)
        if isinstance(said, Decided) and said.decision_id == decision_id
    )
    return next(found, None)


READ_AS: tuple[tuple[Container[type], str], ...] = (
    (
        (OrderDelayed, OrderFailed),
        "it is noted with its order: made good once, when the order is known and late enough, where the tier gets something for it",
    ),
    (QUESTIONS, "it asks what was asked before: the same object was decided under another event's id"),
    (COMMANDS, "it is a command for everybody: `laurel policy history` shows what became of the version"),
    (FACTS, "it is a fact: it changed what is known, or said what was known already, and moved no verdict"),
    (RULES, "it moves points, or tells of a request for a reward: that was known already, or nothing was left to move"),
    (STOCK, "it was answered before: the command counts once, under whichever record it came first"),
    (LINKING, "it says who is one customer, or who is not: `laurel timeline` shows what ids told each other"),
)
"""Why an event that a rule read led to no decision."""


def _why_nothing(settings: Settings, taken: list[Moment]) -> str:
    """Why an event that is on the timeline led to no decision."""
    first, kind = taken[0].record, type(taken[0].content)
    if RECORD in skips.load(settings).get(first.partition, {}).get(first.offset, ()):
        return f"somebody left it out with `laurel skip {first.partition} {first.offset}`"
    position, _ = skips.next_record(settings, first.partition)
    if first.offset >= position:
        return f"it is not folded yet: partition {first.partition} is at {position}"
    unread = f"no rule reads {kind.__name__} yet; it is on record for those to come"
    return next((why for kinds, why in READ_AS if kind in kinds), unread)


def history(settings: Settings, customer_id: str, advance: Advance) -> list[Moment]:
    """What happened to a customer and what was decided, each decision behind the record whose fold decided it.

    A customer's records and decisions are on one partition of their topics, the same for all (D3).
    """
    partition = partition_of(customer_id, partitions_of(admin(settings), settings.topic("timeline")))
    key, moments = customer_id.encode(), list[tuple[int, int, Moment]]()
    for what, topics in (("taken", ("timeline",)), ("decided", DECISIONS)):
        for topic in topics:
            for record in read_partitions(settings, topic, [partition]):
                advance(1)
                if record.key == key:
                    content = decode(record.value)
                    offset = content.origin.offset if isinstance(content, Decided) else record.offset
                    number = content.sequence if isinstance(content, Decided) else 0
                    moments.append((offset, number, Moment(what, record, content)))
    return [moment for _, _, moment in sorted(moments, key=lambda each: each[:2])]


def read_texts(moment: Moment, keys: Keyring) -> dict[str, str]:
    """The free text that a moment's record holds sealed, by its field's name without `_sealed`; or why it cannot be read."""
    content = moment.content
    texts = {}
    for name in SEALED_FIELDS.get(type(content), ()):
        if sealed := getattr(content, name):
            number = key_id(sealed)
            key = None if number is None else keys.find(number)
            text = None if key is None else read_text(content, name, key)
            lost = "not sealed as laurel seals" if number is None else DELETED if key is None else "it does not open"
            texts[name.removesuffix(SUFFIX)] = f"({lost})" if text is None else text
    return texts


def said(moment: Moment) -> str:
    """What a moment is about, in one line for people."""
    content = moment.content
    if isinstance(content, DeadLetter):
        return f"{content.reason}: {content.lost or content.detail}"
    if isinstance(content, Quarantined):
        return f"{content.reason}: {content.detail}"
    if isinstance(content, Rejected):
        return content.detail
    hidden = {*Decided.__struct_fields__, *CustomerEvent.__struct_fields__, "document"}
    fields = {name: getattr(content, name) for name in content.__struct_fields__ if name not in hidden}
    told = ", ".join(f"{name}={value}" for name, value in fields.items() if isinstance(value, str | int | None))
    return f"{type(content).__name__} {told}".rstrip()
