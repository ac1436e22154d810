"""The programme's own history folded again: what is approved, what a command would come to, and what became of it."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from processors.partition import HERE, PARTITION, POLICIES, Partition
from processors.programme import PROGRAMMES, Approval, Programme, activation_id
from schemas.codec import decode, encode, kind_of
from schemas.decisions import Quarantined
from schemas.directives import PROGRAMME, Directive
from schemas.events import PolicyActivated
from schemas.partitions import partition_of
from schemas.topics import TOPIC_OF
from state.overlay import Overlay
from streams.activations import Activation, everywhere
from streams.kafka import Place, admin, committed, partitions_of
from streams.publishing import publish, record_of
from streams.reading import bounds, read
from streams.records import ORIGIN, Record
from streams.refolding import BATCH_SIZE, TABLES, Refold, batches
from streams.settings import Settings
from streams.skips import load
from streams.standing import records_of

Advance = Callable[[int], None]
LOOK_S = 0.5
QUARANTINED = TOPIC_OF[Quarantined]


class Plan(NamedTuple):
    """The programme as of the timeline's end: nothing of it has left a process."""

    refold: Refold
    programme: Programme
    partition: Partition
    end: int


def plan(settings: Settings, advance: Advance) -> Plan:
    """Fold the programme's own records, all that are on the timeline."""
    partitions = count(settings)
    place = (settings.topic(TABLES.source), partition_of(PROGRAMME, partitions))
    end = bounds(settings, [place])[place][1]
    refold = Refold(place[1], partitions, load(settings))
    for batch in batches(records_of(settings, PROGRAMME, place, end, advance), BATCH_SIZE, set()):
        refold.fold(batch)
    rows = Overlay(refold.state.store)
    return Plan(refold, rows.get(PROGRAMMES, PROGRAMME) or Programme(), rows.get(PARTITION, HERE) or Partition(), end)


def count(settings: Settings) -> int:
    """How many partitions there are to be told."""
    return partitions_of(admin(settings), settings.topic(TABLES.source))


def home(settings: Settings) -> int:
    """The partition that orders what concerns everybody."""
    return partition_of(PROGRAMME, count(settings))


def foreseen(found: Plan, command: Directive) -> Quarantined | None:
    """Why the fold would refuse a command now; None where it would not. The same rule answers: the command is folded."""
    record = Record(
        TABLES.source,
        found.refold.partition,
        found.end,
        command.occurred_at,
        PROGRAMME.encode(),
        encode(command),
        [(ORIGIN, f"{TOPIC_OF[type(command)]}/0/0".encode())],
    )
    contents = (decode(each.value) for each in found.refold.fold([record]) if each.topic == QUARANTINED)
    return next((each for each in contents if isinstance(each, Quarantined)), None)


class Sent(NamedTuple):
    """A command that was published, and where the timeline and the quarantine ended before."""

    command: Directive
    starts: dict[Place, int]


def send(settings: Settings, command: Directive) -> Sent:
    """Publish a command. Raises as `publishing.publish`."""
    names = settings.topic(TABLES.source), settings.topic(QUARANTINED)
    places = [(name, n) for name in names for n in range(count(settings))]
    starts = {place: high for place, (_, high) in bounds(settings, places).items()}
    publish(settings, [record_of(command)], lambda _: None)
    return Sent(command, starts)


def obeyed(settings: Settings, sent: Sent) -> Quarantined | None:
    """Wait until the fold has come past a command; why it was refused, or None."""
    value, place = encode(sent.command), (settings.topic(TABLES.source), home(settings))
    taken = next(record for record in _following(settings, {place: sent.starts[place]}) if record.value == value)
    _passed(settings, {place: taken.offset})
    refusals = {(settings.topic(QUARANTINED), place[1]): sent.starts[settings.topic(QUARANTINED), place[1]]}
    contents = (decode(record.value) for records in read(settings, refusals) for record in records)
    return next((each for each in contents if isinstance(each, Quarantined) and each.record == value), None)


def in_force(settings: Settings, sent: Sent) -> Iterator[int]:
    """Wait until a version that was published is in force, partition by partition; which one it is now."""
    wanted = activation_id(f"{TOPIC_OF[type(sent.command)]}/{sent.command.event_id}")
    name = settings.topic(TABLES.source)
    starts = {place: at for place, at in sent.starts.items() if place[0] == name}
    left = set(starts)
    for record in _following(settings, starts):
        event = decode(record.value) if kind_of(record.value) is PolicyActivated else None
        place = (name, record.partition)
        if isinstance(event, PolicyActivated) and event.activation_id == wanted and place in left:
            _passed(settings, {place: record.offset})
            left.discard(place)
            yield record.partition
        if not left:
            return


def _following(settings: Settings, starts: dict[Place, int]) -> Iterator[Record]:
    """Committed records as they come, without an end."""
    for records in read(settings, starts, until=dict.fromkeys(starts, 1 << 62)):
        yield from records


def _passed(settings: Settings, offsets: dict[Place, int]) -> None:
    """Wait until the fold is past some offsets."""
    while any((at or 0) <= offsets[place] for place, at in committed(settings, TABLES.agent, offsets).items()):
        time.sleep(LOOK_S)


class Version(NamedTuple):
    """What became of a policy version: approved for an instant, withdrawn before it, or effective since."""

    version: str
    effective_from: int
    state: str
    activation_id: str
    approved_by: str | None
    withdrawn_by: str | None
    activated_at: int | None
    partitions: int
    in_force: int
    """On so many partitions it is in force now."""


def versions(settings: Settings, advance: Advance) -> list[Version]:
    """Every version that was ever approved or in force, by its instant."""
    activated = everywhere(settings, advance)
    approvals = {activation_id(each.cause): each for each in plan(settings, advance).programme.approvals}
    told: dict[str, list[Activation]] = {}
    for each in (one for found in activated.values() for one in found):
        told.setdefault(each.event.activation_id, []).append(each)
    last = [found[-1].event.activation_id for found in activated.values() if found]
    rows = [_version(key, approvals.get(key), told.get(key, []), last) for key in told | approvals]
    return sorted(rows, key=lambda each: each.effective_from)


def _version(key: str, approval: Approval | None, told: list[Activation], last: list[str]) -> Version:
    by, withdrawn_by = (approval.cause, approval.withdrawn_by) if approval else (None, None)
    at = min((each.record.timestamp for each in told), default=None)
    if told:
        event = told[0].event
        return Version(
            event.version, event.effective_from, "effective", key, by, withdrawn_by, at, len(told), last.count(key)
        )
    if approval is None:
        raise LookupError(f"{key} was neither approved nor activated")
    state = "approved" if approval.withdrawn_by is None else "withdrawn"
    return Version(approval.version, approval.at, state, key, by, withdrawn_by, at, 0, 0)


def differences(before: str, after: str) -> list[tuple[str, str, str]]:
    """What one document says otherwise than another: field, before, after."""
    earlier, later = dict(_leaves(json.loads(before))), dict(_leaves(json.loads(after)))
    return [
        (path, earlier.get(path, "nothing"), later.get(path, "nothing"))
        for path in dict.fromkeys([*earlier, *later])
        if earlier.get(path) != later.get(path) and path != "version"
    ]


def _leaves(node: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Each value with its path; entries of a list by their name where they have one."""
    if isinstance(node, dict):
        entries = list(node.items())
    elif isinstance(node, list):
        entries = [(each.get("name", n) if isinstance(each, dict) else n, each) for n, each in enumerate(node)]
    else:
        yield path, json.dumps(node, ensure_ascii=False)
        return
    for name, each in entries:
        yield from _leaves(each, f"{path}.{name}" if path else str(name))


def document_in_force(found: Plan) -> str:
    """The document of the version in force on the programme's own partition. `topics create` put the first one there."""
    row = Overlay(found.refold.state.store).get(POLICIES, found.partition.versions[-1].version)
    return row.document if row else "{}"
