"""THE entry point: one record of the timeline folds into a partition's rows, and decisions come out.

The one `step` serves live processing, replay, what-if, tests and benchmark. It reads no clock: time is in the log (D4).
Units of work and their order (D8): the subject's own due timers, the record, then up to `UNITS_PER_RECORD` due timers
of the partition. Each has a name, so that a broken one can be skipped (D12).
"""

from collections.abc import Callable, Collection
from typing import TypeVar

from msgspec.structs import replace

from processors import timers
from processors.effects import Effect, Entry, Send, quarantined
from processors.partition import HERE, PARTITION, Partition, activate, current, named, tick
from processors.policy_errors import PolicyInvalid
from processors.public_profile import public_facts, public_profile
from processors.rows import Rows
from processors.timers import Timer
from processors.vip_share import CENSUS, Census, counts_otherwise, moved
from processors.work import Work, drop_timer, fold_event, fold_timer, load, log_time
from schemas.events import ClockTicked, Event, PolicyActivated, RulesChanged, WorkRemains
from schemas.partitions import reserved
from schemas.source import SourceEvent

__all__ = ["RULES_VERSION", "UNITS_PER_RECORD", "Effect", "Entry", "NewerRules", "Send", "UnitFailed", "step"]

RULES_VERSION = 1
"""Version of the rules in this code; a change that alters decisions is a new one (D12)."""
UNITS_PER_RECORD = 100
"""Due timers of the partition that run after each record, at most (D8)."""
RECORD = "record"
"""Name of the unit that folds the record itself."""
A = TypeVar("A")


class UnitFailed(Exception):  # noqa: N818 - says what happened, to be read after `except`
    """A bug in a unit: "record", or "timer/<kind>/<subject>/<about>/<due>". The partition stops there (D12)."""

    def __init__(self, unit: str) -> None:
        super().__init__(unit)
        self.unit = unit


class NewerRules(Exception):  # noqa: N818 - likewise
    """The log asks for rules that this code does not have: the partition pauses until the worker is upgraded (D12)."""


def step(rows: Rows, entry: Entry, skipped: Collection[str] = (), generation: str = "live") -> list[Effect]:
    """Fold one record: write its rows, return what follows, in order.

    `skipped` names units to leave out (D12). Raises `UnitFailed` from a bug's exception and `NewerRules`; the caller
    then drops what was written.
    """
    found = rows.get(PARTITION, HERE) or Partition()
    work = Work(rows, entry, skipped, generation, found)
    event = entry.event
    if isinstance(event, SourceEvent):
        _run_own_timers(work)
        if RECORD not in skipped:
            _attempt(work, RECORD, fold_event, event)
    elif RECORD not in skipped:
        _attempt(work, RECORD, _fold_message, event)
    if work.partition.pending:
        _run_due_timers(work)
    for subject, (name, _) in work.kept.items():
        _attempt(work, name, _publish, subject)
    _count(work)
    if work.partition != found:
        rows.put(PARTITION, work.partition, HERE)
    return work.effects


def _attempt(work: Work, name: str, unit: Callable[[Work, str, A], None], about: A) -> None:
    """Run a unit; what it raises becomes a failure that names it."""
    try:
        unit(work, name, about)
    except NewerRules:
        raise
    except Exception as error:
        raise UnitFailed(name) from error


def _fold_message(work: Work, _name: str, event: Event) -> None:
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
                work.effects.append(quarantined(work.entry, "invalid_policy", str(told)))
            else:
                work.partition = told
        case _:
            raise TypeError(f"no rule folds {type(event).__name__}")


def _run_timer(work: Work, timer: Timer) -> None:
    name = timers.unit_name(timer)
    if name in work.skipped:
        drop_timer(work, timer)
    else:
        _attempt(work, name, fold_timer, timer)


def _run_own_timers(work: Work) -> None:
    """Whatever became due before the record comes before it."""
    subject = work.entry.subject
    while timer := timers.next_due(load(work, subject), subject, work.partition):
        _run_timer(work, timer)


def _run_due_timers(work: Work) -> None:
    """Some of the partition's due timers; while any are left, one `WorkRemains` is on its way.

    One that fires too early may be armed again before the next in the list. So the list says whose turn it is, and the
    customer's row which timer: a customer's timers always run in their own order, however the work is cut.
    """
    rows, most = work.rows, UNITS_PER_RECORD
    while most > 0 and (due := timers.due_timers(rows, work.partition, most)):
        most -= len(due)
        for each in due:
            timer = timers.next_due(load(work, each.subject), each.subject, work.partition)
            if timer:
                _run_timer(work, timer)
    partition = work.partition
    left = most == 0 and bool(timers.due_timers(rows, partition, 1))
    if left and not partition.asked and partition.at is not None:
        work.effects.append(Send(reserved(work.entry.partition), WorkRemains(partition.at)))
    work.partition = replace(partition, pending=left, asked=partition.asked or left)


def _count(work: Work) -> None:
    """The partition's census, with whom this step made a customer or moved to another tier."""
    changes = [(work.before[subject], customer) for subject, (_, customer) in work.kept.items()]
    if not any(counts_otherwise(before, after) for before, after in changes):
        return
    census = work.rows.get(CENSUS, HERE) or Census()
    for before, after in changes:
        census = moved(census, before, after)
    work.rows.put(CENSUS, census, HERE)


def _publish(work: Work, _name: str, subject: str) -> None:
    """The public profile of a customer whom this step changed, once; a bug here is the last unit's."""
    before, (_, customer) = work.before[subject], work.kept[subject]
    if before is None or public_facts(before) != public_facts(customer):
        policy = named(work.rows, customer.policy_version)
        work.effects.append(public_profile(subject, customer, policy, log_time(work, subject)))
