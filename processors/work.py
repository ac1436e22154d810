"""A step under way: units of work on customers' rows, and what has come of them so far (D8)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from processors import fold, timers
from processors.customer import CUSTOMERS, Customer
from processors.effects import Effect, Entry, origin, quarantined
from processors.explanation import Because
from processors.partition import Partition, current
from processors.policy import Policy
from processors.rows import Rows
from processors.timers import Timer
from schemas.decisions import Decision
from schemas.events import SourceEvent

HOUR_MS = 3_600_000


@dataclass(slots=True)
class Work:
    """One record's step. `before` holds each customer touched as the row was; `kept` as the last unit left it."""

    rows: Rows
    entry: Entry
    skipped: Collection[str]
    generation: str
    partition: Partition
    effects: list[Effect] = field(default_factory=list)
    before: dict[str, Customer | None] = field(default_factory=dict)
    kept: dict[str, tuple[str, Customer]] = field(default_factory=dict)


def load(work: Work, subject: str) -> Customer:
    """The customer's row; an empty one for a stranger."""
    row = work.rows.get(CUSTOMERS, subject)
    work.before.setdefault(subject, row)
    return row or Customer()


def log_time(work: Work) -> int:
    """The log's time at this record: the clock, or the event itself where it is ahead."""
    clock = work.partition.at or 0
    return max(clock, work.entry.event.occurred_at) if isinstance(work.entry.event, SourceEvent) else clock


def fold_event(work: Work, name: str, event: SourceEvent) -> None:
    """A customer's record. One too far ahead of the clock changes nothing (T-19)."""
    policy = current(work.rows, work.partition)
    ahead_ms = 0 if work.partition.at is None else event.occurred_at - work.partition.at
    if ahead_ms > policy.max_ahead_hours * HOUR_MS:
        found = f"found occurred_at {event.occurred_at}, {ahead_ms} ms ahead of the clock"
        allowed = f"at most {policy.max_ahead_hours} h are taken"
        work.effects.append(quarantined(work.entry, "ahead_of_clock", f"{found}; {allowed}"))
        return
    unit = _unit(work, work.entry.subject, f"{work.entry.source}/{event.event_id}", log_time(work), policy)
    _keep(work, name, unit, *fold.fold_event(unit, load(work, unit.subject), event))


def fold_timer(work: Work, name: str, timer: Timer) -> None:
    """A timer is judged as of its due instant, so that the granularity of ticks does not show in state (T-21)."""
    unit = _unit(work, timer.subject, timers.cause(timer), timer.due, current(work.rows, work.partition))
    customer = timers.disarm(work.rows, load(work, timer.subject), timer)
    _keep(work, name, unit, *fold.fold_timer(unit, customer, timer.kind))


def drop_timer(work: Work, timer: Timer) -> None:
    """Remove a timer without effect. The customer's next record may arm it again, for its own instant."""
    customer = timers.disarm(work.rows, load(work, timer.subject), timer)
    work.rows.put(CUSTOMERS, customer, timer.subject)


def _unit(work: Work, subject: str, cause: str, now: int, policy: Policy) -> fold.Unit:
    because = Because(
        customer_id=subject,
        cause=cause,
        decided_at=max(now, work.partition.at or 0),
        origin=origin(work.entry),
        generation=work.generation,
        policy_version=policy.version,
        rules_version=work.partition.rules_version,
    )
    return fold.Unit(work.rows, work.partition, now, policy, because)


def _keep(work: Work, name: str, unit: fold.Unit, customer: Customer, decisions: Sequence[Decision]) -> None:
    """Write the customer as the unit left it, with the timers that it now waits for."""
    subject = unit.subject
    customer = timers.arm(work.rows, customer, subject, fold.wanted(customer, unit.policy, unit.now))
    work.rows.put(CUSTOMERS, customer, subject)
    work.kept[subject] = (name, customer)
    work.effects += decisions
    if timers.next_due(customer, subject, work.partition):
        work.partition = replace(work.partition, pending=True)
