"""A step under way: units of work on customers' rows, and what has come of them so far (D8)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from processors import fold, timers
from processors.customer import CUSTOMERS, Customer
from processors.effects import Effect, Entry, origin, quarantined
from processors.explanation import Because
from processors.partition import Partition, current
from processors.plausibility import implausible
from processors.policy import Policy
from processors.rows import Rows
from processors.timers import Timer
from processors.unit import Unit
from schemas.decisions import Decision
from schemas.source import SourceEvent


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


def log_time(work: Work, subject: str) -> int:
    """The log's time at this record: the clock, or for the event's own subject the event where it is ahead."""
    clock, event = work.partition.at or 0, work.entry.event
    if isinstance(event, SourceEvent) and subject == work.entry.subject:
        return max(clock, event.occurred_at)
    return clock


def fold_event(work: Work, name: str, event: SourceEvent) -> None:
    """A customer's record. An implausible one changes nothing (T-19)."""
    policy, subject, at = current(work.rows, work.partition), work.entry.subject, work.partition.at
    # After an outage what waited comes before the first tick: its own stamps tell how far time had gone meanwhile.
    if wrong := implausible(event, policy, None if at is None else max(at, work.entry.timestamp)):
        work.effects.append(quarantined(work.entry, wrong.reason, wrong.detail))
        return
    unit = _unit(work, subject, f"{work.entry.source}/{event.event_id}", log_time(work, subject), policy)
    _keep(work, name, unit, *fold.fold_event(unit, load(work, subject), event))


def fold_timer(work: Work, name: str, timer: Timer) -> None:
    """A timer is judged as of its due instant, so that the granularity of ticks does not show in state (T-21)."""
    unit = _unit(work, timer.subject, timers.cause(timer), timer.due, current(work.rows, work.partition))
    customer = timers.disarm(work.rows, load(work, timer.subject), timer)
    _keep(work, name, unit, *fold.fold_timer(unit, customer, timer.kind))


def drop_timer(work: Work, timer: Timer) -> None:
    """Remove a timer without effect. Whatever the customer still waits for is armed again by the next record."""
    customer = timers.disarm(work.rows, load(work, timer.subject), timer)
    work.rows.put(CUSTOMERS, customer, timer.subject)


def _unit(work: Work, subject: str, cause: str, now: int, policy: Policy) -> Unit:
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
    return Unit(work.rows, work.partition, now, policy, because)


def _keep(work: Work, name: str, unit: Unit, customer: Customer, decisions: Sequence[Decision]) -> None:
    """Write the customer as the unit left it, with the timers that it now waits for."""
    subject = unit.subject
    customer = timers.arm(work.rows, customer, subject, fold.wanted(customer, unit.policy, unit.now))
    work.rows.put(CUSTOMERS, customer, subject)
    work.kept[subject] = (name, customer)
    work.effects += decisions
    if timers.next_due(customer, subject, work.partition):
        work.partition = replace(work.partition, pending=True)
