"""From a record of the timeline to records of the outputs: decode, step, encode. Every fold of laurel is this one."""

from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import Any

from processors.effects import quarantined
from processors.step import Effect, Entry, Send, step
from schemas.codec import Rejected, decode, encode
from schemas.decisions import (
    AtRiskClosed,
    AtRiskEscalated,
    AtRiskRaised,
    AtRiskRetracted,
    CommandAnswered,
    CompensationDecided,
    ContactClosed,
    ContactRouted,
    DesignationReached,
    EscalationDue,
    NotificationRequested,
    OrderFlagged,
    QualificationProposed,
    Quarantined,
    RecoveryDecided,
    ReturnDecided,
    StockReleased,
    TierChanged,
    VipShareJudged,
    WinBackClosed,
    WinBackStarted,
)
from schemas.discrepancies import DiscrepancyFound, DiscrepancyResolved
from schemas.events import WorkRemains
from schemas.launches import EarlyAccessOpened, LaunchBought
from schemas.ledger import PointsMoved, RewardAnswered
from schemas.partitions import EVERYWHERE
from schemas.rewards import ReplenishmentDue, RewardStockMoved
from schemas.source import SourceEvent
from schemas.topics import TOPIC_OF
from state.overlay import Overlay, RowTooLargeError
from streams.records import AT, EVERY, HOPS, ORIGIN, SENDER, Outgoing, Record, parse_origin

LIVE = "live"
VERDICTS: dict[type, Callable[[Any], str]] = {
    TierChanged: attrgetter("reason"),
    ReturnDecided: attrgetter("verdict"),
    StockReleased: lambda _: "released",
    ContactRouted: attrgetter("queue"),
    EscalationDue: attrgetter("to"),
    ContactClosed: lambda decision: "first_contact" if decision.first_contact else "after_more",
    AtRiskRaised: lambda _: "raised",
    AtRiskRetracted: lambda _: "retracted",
    AtRiskEscalated: attrgetter("reason"),
    AtRiskClosed: attrgetter("outcome"),
    WinBackStarted: lambda _: "started",
    WinBackClosed: attrgetter("outcome"),
    NotificationRequested: attrgetter("notice"),
    CommandAnswered: attrgetter("verdict"),
    QualificationProposed: attrgetter("tier"),
    DesignationReached: attrgetter("stage"),
    OrderFlagged: lambda decision: "again" if decision.supersedes else "first",
    VipShareJudged: lambda decision: decision.level or "few_customers",
    DiscrepancyFound: attrgetter("reason"),
    DiscrepancyResolved: attrgetter("outcome"),
    PointsMoved: attrgetter("movement"),
    RewardAnswered: attrgetter("verdict"),
    RewardStockMoved: attrgetter("change"),
    ReplenishmentDue: lambda _: "due",
    RecoveryDecided: attrgetter("verdict"),
    CompensationDecided: attrgetter("verdict"),
    EarlyAccessOpened: attrgetter("tier"),
    LaunchBought: attrgetter("phase"),
    Quarantined: attrgetter("reason"),
}
"""What each kind of decision came to, in a word of few; for whoever counts."""
LARGEST_OUTPUT_BYTES = 1_000_000
"""A decision has to fit into a record of Kafka's default limit, with key and headers."""


class OutputTooLargeError(Exception):
    """A decision has become a record that no broker would take."""


TOO_LARGE = {OutputTooLargeError: "output_too_large", RowTooLargeError: "row_too_large"}
"""What a customer's record is quarantined for, rather than stop its partition."""


class UnreadableError(Exception):
    """The timeline holds what this laurel cannot read: intake was newer, or the topic is damaged."""


def fold(rows: Overlay, record: Record, skipped: frozenset[str], generation: str = LIVE) -> list[Outgoing]:
    """What follows from one record; its rows are kept. Raises whatever a bug in a rule raises: they are to be undone then.

    A record of a customer that would make a row or a decision too large changes nothing and is quarantined.
    """
    event = decode(record.value, taken=True)
    if isinstance(event, Rejected):
        raise UnreadableError(event.detail)
    origin = record.header(ORIGIN)
    source = parse_origin(origin)[0] if origin else "intake"
    if source == "redrives":
        source = TOPIC_OF[type(event)]  # the event is the one that it was, however it came here: it counts once
    subject = (record.key or b"").decode()
    entry = Entry(
        record.topic, record.partition, record.offset, record.timestamp, subject, event, record.value or b"", source
    )
    try:
        outputs = [_outgoing(effect, record) for effect in step(rows, entry, skipped, generation)]
        _refuse_too_large(outputs)
        rows.keep()
    except tuple(TOO_LARGE) as error:
        if not isinstance(event, SourceEvent):
            raise  # what the partition is told must not go by unheard
        rows.undo()
        return [_outgoing(quarantined(entry, TOO_LARGE[type(error)], str(error)), record)]
    return outputs


def _refuse_too_large(outputs: Iterable[Outgoing]) -> None:
    """What the broker would refuse, and go on refusing, comes to nothing instead, and nobody waits for it."""
    for output in outputs:
        size = len(output.value or b"")
        if size > LARGEST_OUTPUT_BYTES and output.topic != TOPIC_OF[Quarantined]:
            decision = decode(output.value)
            name = f"{type(decision).__name__} {getattr(decision, 'decision_id', '')}"
            raise OutputTooLargeError(f"{name} has {size} bytes; {LARGEST_OUTPUT_BYTES} are allowed")


def _outgoing(effect: Effect, record: Record) -> Outgoing:
    at = (AT, str(record.offset).encode())
    if isinstance(effect, Send):
        # The cause's own time, so that the merge takes a message before anything later than its cause (D3).
        partition = None
        if effect.subject.startswith("#"):
            partition = EVERY if effect.subject == EVERYWHERE else int(effect.subject[1:])
        # What a partition tells itself is one long piece of work, not a journey between subjects.
        hops = 0 if partition == record.partition else 1 if effect.new else int(record.header(HOPS) or 0) + 1
        headers = [at, (SENDER, str(record.partition).encode()), (HOPS, str(hops).encode())]
        event, at_ms = effect.event, record.timestamp
        if isinstance(event, WorkRemains):
            at_ms = max(at_ms, event.at)  # what is left over is not as old as what it was left over from
        return Outgoing("messages", effect.subject.encode(), encode(event), partition, at_ms, headers)
    kind, subject = type(effect), effect.customer_id.encode()
    verdict = VERDICTS.get(kind)
    decided = (kind.__name__, verdict(effect)) if verdict else None
    return Outgoing(TOPIC_OF[kind], subject, encode(effect), headers=[at], decided=decided)
