"""A step under way: units of work on subjects' rows, and what has come of them so far (D8)."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from msgspec.structs import replace

from processors import subjects, timers
from processors.effects import Effect, Entry, Refused, origin, quarantined
from processors.explanation import Because
from processors.partition import InForce, Partition, after, current
from processors.plausibility import implausible
from processors.rows import Rows
from processors.subjects import Kind, Row
from processors.timers import Timer
from processors.unit import Unit
from schemas.messages import Told
from schemas.source import SourceEvent

A = TypeVar("A")


class UnitFailed(Exception):  # noqa: N818 - says what happened, to be read after `except`
    """A bug in a unit: "record", "timer/<kind>/<subject>/<about>/<due>" or "activation/<id>/<subject>".

    The partition stops there (D12).
    """

    def __init__(self, unit: str) -> None:
        super().__init__(unit)
        self.unit = unit


class NewerRules(Exception):  # noqa: N818 - likewise
    """The log asks for rules that this code does not have: the partition pauses until the worker is upgraded (D12)."""


@dataclass(slots=True)
class Kept:
    """A subject's row as the last unit, which has a name, left it; `before` is the row as the step found it."""

    kind: Kind
    subject: str
    before: Any
    name: str = ""
    row: Any = None


@dataclass(slots=True)
class Work:
    """One record's step. `kept` holds each subject that was looked at, by its row's key."""

    rows: Rows
    entry: Entry
    skipped: Collection[str]
    generation: str
    partition: Partition
    effects: list[Effect] = field(default_factory=list)
    kept: dict[bytes, Kept] = field(default_factory=dict)


def attempt(work: Work, name: str, unit: Callable[[Work, str, A], None], about: A) -> None:
    """Run a unit; what it raises becomes a failure that names it."""
    try:
        unit(work, name, about)
    except NewerRules:
        raise
    except Exception as error:
        raise UnitFailed(name) from error


def load(work: Work, kind: Kind, subject: str) -> Any:
    """The subject's row; an empty one for a stranger."""
    row = work.rows.get(kind.table, subject)
    work.kept.setdefault(kind.table.key(subject), Kept(kind, subject, row))
    return row or kind.new()


def log_time(work: Work, subject: str) -> int:
    """The log's time at this record: the clock, or for whom it is about the record itself where that is ahead."""
    clock, event = work.partition.at or 0, work.entry.event
    if subject != work.entry.subject:
        return clock
    match event:
        case SourceEvent():
            return max(clock, event.occurred_at)
        case Told():
            return max(clock, event.at)
        case _:
            return clock


def fold_event(work: Work, name: str, event: SourceEvent | Told) -> None:
    """A subject's record: what upstream published, or what another subject tells. An implausible event changes nothing (T-19)."""
    subject, kind = work.entry.subject, subjects.of_event(event)
    if isinstance(event, Told):
        cause = f"message/{event.message_id}"
    else:
        policy, at = current(work.rows, work.partition), work.partition.at
        # After an outage what waited comes before the first tick: its own stamps tell how far time had gone meanwhile.
        if wrong := implausible(event, policy, None if at is None else max(at, work.entry.timestamp)):
            work.effects.append(quarantined(work.entry, *wrong))
            return
        cause = f"{work.entry.source}/{event.event_id}"
    unit = _unit(work, subject, cause, log_time(work, subject), len(work.partition.versions))
    _keep(work, name, kind, unit, *kind.fold_event(unit, load(work, kind, subject), event))


def next_unit(work: Work, row: Row, subject: str) -> Timer | InForce | None:
    """What is due for a subject first: timers that were due when a version was activated, that activation, later timers.

    So it depends on the subject's own history alone, however late its turn comes, and one history can be folded alone.
    """
    for activated in work.partition.versions[subjects.activations(row, work.partition) :]:
        return timers.next_due(row.timers, subject, activated) or activated
    return timers.next_due(row.timers, subject, work.partition)


def run_next(work: Work, kind: Kind, subject: str) -> bool:
    """Run what is due for a subject first; whether there was anything."""
    due = next_unit(work, load(work, kind, subject), subject)
    if isinstance(due, Timer):
        name = timers.unit_name(due)
        if name in work.skipped:
            _drop_timer(work, kind, due)
        else:
            attempt(work, name, _fold_timer, (kind, due))
    elif due is not None:
        name = _activation(due, subject)
        if name in work.skipped:
            _drop_activation(work, kind, subject)
        else:
            attempt(work, name, _fold_activation, (kind, due, subject))
    return due is not None


def _fold_timer(work: Work, name: str, about: tuple[Kind, Timer]) -> None:
    """A timer is judged as of its due instant, so that the granularity of ticks does not show in state (T-21)."""
    kind, timer = about
    row = load(work, kind, timer.subject)
    activations = subjects.activations(row, work.partition)
    unit = _unit(work, timer.subject, timers.cause(timer), timer.due, activations)
    row = replace(row, timers=timers.disarm(work.rows, row.timers, timer))
    if kind.fold_timer is not None:
        _keep(work, name, kind, unit, *kind.fold_timer(unit, row, timer.kind))


def _drop_timer(work: Work, kind: Kind, timer: Timer) -> None:
    """Remove a timer without effect. Whatever the subject still waits for is armed again by the next record."""
    row = load(work, kind, timer.subject)
    work.rows.put(kind.table, replace(row, timers=timers.disarm(work.rows, row.timers, timer)), timer.subject)


def look_at_policy(work: Work, kind: Kind, subject: str) -> None:
    """A subject that the version names which just came into force goes through it now, where there is anything of it."""
    if work.rows.get(kind.table, subject) is not None:
        activated = work.partition.versions[-1]
        if (name := _activation(activated, subject)) not in work.skipped:
            attempt(work, name, _fold_activation, (kind, activated, subject))


def _activation(activated: InForce, subject: str) -> str:
    return f"activation/{activated.activation_id}/{subject}"


def _fold_activation(work: Work, name: str, about: tuple[Kind, InForce, str]) -> None:
    """A version is judged as of the instant that it came into force, so that it does not show when one's turn came (D8)."""
    kind, activated, subject = about
    row = load(work, kind, subject)
    now = max(activated.at or 0, activated.effective_from)
    cause = f"activation/{activated.activation_id}"
    activations = min(subjects.activations(row, work.partition) + 1, len(work.partition.versions))
    unit = _unit(work, subject, cause, now, activations)
    if kind.fold_activation is not None:
        _keep(work, name, kind, unit, *kind.fold_activation(unit, row))


def _drop_activation(work: Work, kind: Kind, subject: str) -> None:
    """Leave a subject out of an activation; its next record is under the version in force all the same."""
    row = load(work, kind, subject)
    work.rows.put(kind.table, replace(row, activations=subjects.activations(row, work.partition) + 1), subject)


def _unit(work: Work, subject: str, cause: str, now: int, activations: int) -> Unit:
    policy = after(work.rows, work.partition, activations)
    because = Because(
        customer_id=subject,
        cause=cause,
        decided_at=max(now, work.partition.at or 0),
        origin=origin(work.entry),
        generation=work.generation,
        policy_version=policy.version,
        rules_version=work.partition.rules_version,
        currency=policy.currency,
    )
    return Unit(work.rows, work.partition, now, policy, activations, because)


def _keep(work: Work, name: str, kind: Kind, unit: Unit, row: Any, effects: Sequence[Effect | Refused]) -> None:
    """Write the row as the unit left it, with the timers that it now waits for."""
    subject = unit.subject
    if kind.wanted is not None:
        wanted = kind.wanted(row, unit.policy, unit.now)
        row = replace(row, timers=timers.arm(work.rows, row.timers, subject, wanted))
    work.rows.put(kind.table, row, subject)
    kept = work.kept[kind.table.key(subject)]
    kept.name, kept.row = name, row
    work.effects += [quarantined(work.entry, *each) if isinstance(each, Refused) else each for each in effects]
    if timers.next_due(row.timers, subject, work.partition):
        work.partition = replace(work.partition, pending=True)
