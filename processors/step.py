"""THE entry point: one record of the timeline folds into a partition's rows, and decisions come out.

    rows, record, policy in the rows  ->  rows', effects

The one `step` serves live processing, replay, what-if, tests and benchmark. It reads no clock: time is in the log (D4).
Units of work and their order (D8): the subject's own due timers, the record, then up to `UNITS_PER_RECORD` due timers
of the partition. Each has a name, so that a broken one can be skipped (D12).
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from processors import fold, timers
from processors.customer import CUSTOMERS, Customer
from processors.explanation import Because
from processors.partition import HERE, PARTITION, Partition, activate, current, named, tick
from processors.policy import Policy, PolicyInvalid
from processors.profile import differs, profile
from processors.rows import Rows
from processors.timers import Timer
from schemas.decisions import CustomerProfile, Decision, Origin, Quarantined
from schemas.events import (
    ClockTicked,
    Event,
    Message,
    PolicyActivated,
    RulesChanged,
    SourceEvent,
    WorkRemains,
)
from schemas.partitions import reserved

RULES_VERSION = 1
"""Version of the rules in this code; a change that alters decisions is a new one (D12)."""
UNITS_PER_RECORD = 100
"""Due timers of the partition that run after each record, at most (D8)."""
HOUR_MS = 3_600_000
A = TypeVar("A")


class Entry(Struct, frozen=True):
    """A record of the timeline, with its position. `value` is what was published, `source` where it came from."""

    topic: str
    partition: int
    offset: int
    subject: str
    event: Event
    value: bytes
    source: str


class Send(Struct, frozen=True):
    """A message to a subject; the engine writes it to `messages` (D6)."""

    subject: str
    event: Message


Effect = Decision | CustomerProfile | Quarantined | Send


class UnitFailed(Exception):
    """A bug in a unit: "record", or "timer/<kind>/<subject>/<about>/<due>". The partition stops there (D12)."""

    def __init__(self, unit: str) -> None:
        super().__init__(unit)
        self.unit = unit


class NewerRules(Exception):
    """The log asks for rules that this code does not have: the partition pauses until the worker is upgraded (D12)."""


@dataclass(slots=True)
class _Work:
    """One step under way: the record, and what has come of it so far."""

    rows: Rows
    entry: Entry
    skipped: Collection[str]
    generation: str
    partition: Partition
    effects: list[Effect] = field(default_factory=list)
    before: dict[str, Customer | None] = field(default_factory=dict)
    """Each customer touched, as the row was before this step."""


def step(rows: Rows, entry: Entry, skipped: Collection[str] = (), generation: str = "live") -> list[Effect]:
    """Fold one record: write its rows, return what follows, in order.

    `skipped` names units to leave out (D12). Raises `UnitFailed` from a bug's exception and `NewerRules`; the caller
    then drops what was written.
    """
    found = rows.get(PARTITION, HERE) or Partition()
    work = _Work(rows, entry, skipped, generation, found)
    if isinstance(entry.event, SourceEvent):
        _run_own_timers(work)
        _attempt(work, "record", _fold_customer_event, entry.event)
    else:
        _attempt(work, "record", _fold_message, entry.event)
    if work.partition.pending:
        _run_due_timers(work)
    work.effects += _profiles(work)
    if work.partition != found:
        rows.put(PARTITION, work.partition, HERE)
    return work.effects


def _attempt(work: _Work, name: str, unit: Callable[[_Work, A], None], about: A) -> None:
    """Run a unit, unless it is to be skipped; what it raises becomes a failure that names it."""
    if name in work.skipped:
        return
    try:
        unit(work, about)
    except NewerRules:
        raise
    except Exception as error:
        raise UnitFailed(name) from error


def _fold_message(work: _Work, event: Event) -> None:
    """What the partition itself is told."""
    partition = work.partition
    match event:
        case ClockTicked():
            limit_s = current(work.rows, partition).sources_behind_limit_s if partition.versions else 0
            work.partition = tick(partition, event, limit_s)
        case WorkRemains():
            work.partition = replace(partition, asked=False)
        case RulesChanged():
            if event.rules_version > RULES_VERSION:
                raise NewerRules(f"rules version {event.rules_version}; this code has {RULES_VERSION}")
            work.partition = replace(partition, rules_version=event.rules_version)
        case PolicyActivated():
            told = activate(work.rows, partition, event)
            if isinstance(told, PolicyInvalid):
                _quarantine(work, "invalid_policy", str(told))
            else:
                work.partition = told
        case _:
            raise TypeError(f"no rule folds {type(event).__name__}")


def _fold_customer_event(work: _Work, event: SourceEvent) -> None:
    """An event too far ahead of the clock changes nothing (T-19)."""
    policy = current(work.rows, work.partition)
    ahead_ms = 0 if work.partition.at is None else event.occurred_at - work.partition.at
    if ahead_ms > policy.max_ahead_hours * HOUR_MS:
        found = f"found occurred_at {event.occurred_at}, {ahead_ms} ms ahead of the clock"
        _quarantine(work, "ahead_of_clock", f"{found}; at most {policy.max_ahead_hours} h are taken")
        return
    unit = _unit(work, work.entry.subject, f"{work.entry.source}/{event.event_id}", _log_time(work), policy)
    customer = _load(work, unit.subject)
    _keep(work, unit, *fold.fold_event(unit, customer, event))


def _fold_timer(work: _Work, timer: Timer) -> None:
    """A timer is judged as of its due instant, so that the granularity of ticks does not show in state (T-21)."""
    unit = _unit(work, timer.subject, timers.cause(timer), timer.due, current(work.rows, work.partition))
    customer = timers.disarm(work.rows, _load(work, timer.subject), timer)
    _keep(work, unit, *fold.fold_timer(unit, customer, timer.kind))


def _run_timer(work: _Work, timer: Timer) -> None:
    """A skipped timer is removed without effect; the customer's next record may arm it again."""
    name = timers.unit_name(timer)
    if name in work.skipped:
        work.rows.put(CUSTOMERS, timers.disarm(work.rows, _load(work, timer.subject), timer), timer.subject)
    _attempt(work, name, _fold_timer, timer)


def _run_own_timers(work: _Work) -> None:
    """Whatever became due before the record comes before it."""
    subject = work.entry.subject
    while timer := timers.next_due(_load(work, subject), subject, work.partition):
        _run_timer(work, timer)


def _run_due_timers(work: _Work) -> None:
    """Some of the partition's due timers; while any are left, one `WorkRemains` is on its way."""
    rows, most = work.rows, UNITS_PER_RECORD
    while due := timers.due_timers(rows, work.partition, most):
        for timer in due[:most]:
            if timers.is_armed(rows, timer):
                _run_timer(work, timer)
        most -= len(due)
        if most <= 0:
            break
    partition = work.partition
    left = most <= 0 and bool(timers.due_timers(rows, partition, 1))
    ask = left and not partition.asked
    if ask and partition.at is not None:
        work.effects.append(Send(reserved(work.entry.partition), WorkRemains(partition.at)))
    work.partition = replace(partition, pending=left, asked=partition.asked or ask)


def _load(work: _Work, subject: str) -> Customer:
    row = work.rows.get(CUSTOMERS, subject)
    work.before.setdefault(subject, row)
    return row or Customer()


def _keep(work: _Work, unit: fold.Unit, customer: Customer, decisions: list[Decision]) -> None:
    """Write the customer as the unit left it, with the timers that it now waits for."""
    subject = unit.subject
    customer = replace(customer, policy_version=unit.policy.version)
    customer = timers.arm(work.rows, customer, subject, fold.wanted(customer, unit.policy))
    work.rows.put(CUSTOMERS, customer, subject)
    work.effects += decisions
    if timers.next_due(customer, subject, work.partition):
        work.partition = replace(work.partition, pending=True)


def _log_time(work: _Work) -> int:
    """The log's time at this record: the clock, or the event itself where it is ahead."""
    clock = work.partition.at or 0
    return max(clock, work.entry.event.occurred_at) if isinstance(work.entry.event, SourceEvent) else clock


def _unit(work: _Work, subject: str, cause: str, now: int, policy: Policy) -> fold.Unit:
    because = Because(
        customer_id=subject,
        cause=cause,
        decided_at=max(now, work.partition.at or 0),
        origin=_origin(work.entry),
        generation=work.generation,
        policy_version=policy.version,
        rules_version=work.partition.rules_version,
    )
    return fold.Unit(work.rows, work.partition, now, policy, because)


def _origin(entry: Entry) -> Origin:
    return Origin(entry.topic, entry.partition, entry.offset)


def _quarantine(work: _Work, reason: str, detail: str) -> None:
    entry = work.entry
    work.effects.append(
        Quarantined(reason=reason, detail=detail, customer_id=entry.subject, origin=_origin(entry), record=entry.value)
    )


def _profiles(work: _Work) -> list[CustomerProfile]:
    """The public profile of each customer whom this step changed, once."""
    changed = []
    for subject, before in work.before.items():
        customer = work.rows.get(CUSTOMERS, subject)
        if customer is None or customer == before:
            continue
        policy = named(work.rows, customer.policy_version)
        after = profile(subject, customer, policy, _log_time(work))
        if (
            before is None
            or before.policy_version != customer.policy_version
            or differs(profile(subject, before, policy, after.as_of), after)
        ):
            changed.append(after)
    return changed
