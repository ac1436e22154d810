"""THE entry point: one record of the timeline folds into a partition's rows, and decisions come out.

The one `step` serves live processing, replay, what-if, tests and benchmark. It reads no clock: time is in the log (D4).
Units of work and their order (D8): what is due for the subject itself, the record, the stocks that a new policy watches
(no more than its catalogue has), then up to `UNITS_PER_RECORD` due timers of the partition, and behind the partition's own
records up to `COMPARED_PER_RECORD` customers under a new policy. Each has a name, so that a broken one can be skipped (D12).
"""

from collections.abc import Collection

from msgspec.structs import replace

from processors import subjects, timers, vip_share
from processors.customer import CUSTOMERS, Customer
from processors.effects import Effect, Entry, Send, quarantined
from processors.partition import HERE, PARTITION, Partition, activate, current, named, tick
from processors.policy import Policy
from processors.policy_errors import PolicyInvalid
from processors.public_profile import is_told, public_profile
from processors.rows import Rows
from processors.stock import watched
from processors.vip_share import CENSUS, Census, counts_otherwise, moved
from processors.work import Kept, NewerRules, UnitFailed, Work, attempt, fold_event, log_time, look_at_policy, run_next
from schemas.codec import Rejected, decode
from schemas.directives import PROGRAMME
from schemas.events import ClockTicked, Event, PolicyActivated, RulesChanged, WorkRemains
from schemas.messages import EventPassed, Told
from schemas.partitions import reserved
from schemas.source import SourceEvent

__all__ = ["RULES_VERSION", "UNITS_PER_RECORD", "Effect", "Entry", "NewerRules", "Send", "UnitFailed", "step"]

RULES_VERSION = 1
"""Version of the rules in this code; a change that alters decisions is a new one (D12)."""
UNITS_PER_RECORD = 100
"""Due timers of the partition that run after each record, at most (D8)."""
COMPARED_PER_RECORD = 100
"""Customers who are looked at after each of the partition's own records while a new policy is on its way to everyone.

Behind a customer's record they are not: it waits for nobody but its own customer."""
RECORD = "record"
"""Name of the unit that folds the record itself."""


def step(rows: Rows, entry: Entry, skipped: Collection[str] = (), generation: str = "live") -> list[Effect]:
    """Fold one record: write its rows, return what follows, in order.

    `skipped` names units to leave out (D12). Raises `UnitFailed` from a bug's exception and `NewerRules`; the caller
    then drops what was written.
    """
    found = rows.get(PARTITION, HERE) or Partition()
    work = Work(rows, _unwrapped(entry), skipped, generation, found)
    event = work.entry.event
    if isinstance(event, SourceEvent | Told):
        kind = subjects.of_event(event)
        while run_next(work, kind, entry.subject):
            """Whatever became due before the record comes before it."""
        if RECORD not in skipped:
            attempt(work, RECORD, fold_event, event)
    elif RECORD not in skipped:
        attempt(work, RECORD, _fold_message, event)
    _look_at_stocks(work, found)
    if work.partition.pending:
        _run_due_timers(work)
    if work.partition.compared is not None and not isinstance(event, SourceEvent | Told):
        _compare_customers(work)
    _ask_for_more(work)
    for kept in work.kept.values():
        if isinstance(kept.row, Customer):
            attempt(work, kept.name, _publish, kept)
            _count(work, kept)
    if work.partition != found:
        rows.put(PARTITION, work.partition, HERE)
    return work.effects


def _unwrapped(entry: Entry) -> Entry:
    """Of an event that was passed on the event itself: its cause stays what it was, and it counts once (D6, T-15)."""
    passed = entry.event
    if not isinstance(passed, EventPassed):
        return entry
    event = decode(passed.record, taken=True)
    if isinstance(event, Rejected):
        raise TypeError(f"an event was passed on that nobody can read: {event.detail}")
    return replace(entry, event=event, value=passed.record, source=passed.source)


def _fold_message(work: Work, _name: str, event: Event) -> None:
    """What the partition itself is told."""
    partition = work.partition
    match event:
        case ClockTicked():
            policy = current(work.rows, partition) if partition.versions else None
            work.partition = tick(partition, event, policy.sources_behind_limit_s if policy else 0)
            if policy and event.partitions:
                work.effects += _counted(work, partition, event, policy)
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


def _counted(work: Work, before: Partition, event: ClockTicked, policy: Policy) -> list[Send]:
    """The partition's census for the programme, with the first tick of a local day (R-TIER-18)."""
    day = vip_share.day_begun(before.at, work.partition.at, policy.time_zone)
    if day is None:
        return []
    return [Send(PROGRAMME, vip_share.told(work.rows.get(CENSUS, HERE) or Census(), day, work.entry.partition, event))]


def _look_at_stocks(work: Work, before: Partition) -> None:
    """The stocks of this partition under the levels of a version that came into force with this record."""
    if len(work.partition.versions) > len(before.versions):
        for subject in watched(current(work.rows, work.partition)):
            look_at_policy(work, subjects.REWARD, subject)


def _run_due_timers(work: Work) -> None:
    """Some of the partition's due timers.

    One that fires too early may be armed again before the next in the list. So the list says whose turn it is, and the
    subject's row what: a subject's units always run in their own order, however the work is cut.
    """
    rows, most = work.rows, UNITS_PER_RECORD
    while most > 0 and (due := timers.due_timers(rows, work.partition, most)):
        most -= len(due)
        for timer in due:
            run_next(work, subjects.OF_TIMER[timer.kind], timer.subject)
    left = most == 0 and bool(timers.due_timers(rows, work.partition, 1))
    work.partition = replace(work.partition, pending=left)


def _compare_customers(work: Work) -> None:
    """Some more customers under the version in force, in the order of their ids; who went through it already is passed by."""
    found = work.rows.first(CUSTOMERS, COMPARED_PER_RECORD, above=work.partition.compared)
    for (subject,), row in found:
        if row.activations < len(work.partition.versions):
            while run_next(work, subjects.CUSTOMER, subject):
                """With the timers that come before it."""
    last = found[-1][0][0] if len(found) == COMPARED_PER_RECORD else None
    work.partition = replace(work.partition, compared=last)


def _ask_for_more(work: Work) -> None:
    """While any work is left, one `WorkRemains` is on its way."""
    partition = work.partition
    left = partition.pending or partition.compared is not None
    if left and not partition.asked and partition.at is not None:
        work.effects.append(Send(reserved(work.entry.partition), WorkRemains(partition.at)))
        work.partition = replace(partition, asked=True)


def _publish(work: Work, _name: str, kept: Kept) -> None:
    """The public profile of a customer whom this step changed, once; a bug here is the last unit's."""
    before, customer = kept.before, kept.row
    policy = earlier = _under(work, customer)
    if before is not None and before.policy_version != customer.policy_version:
        earlier = _under(work, before)
    if before is None or is_told(before, customer, earlier, policy):
        work.effects.append(public_profile(kept.subject, customer, policy, log_time(work, kept.subject)))


def _under(work: Work, customer: Customer) -> Policy:
    """The version that a customer stands under. Whose state is elsewhere is under none."""
    version = customer.policy_version
    return named(work.rows, version) if version else current(work.rows, work.partition)


def _count(work: Work, kept: Kept) -> None:
    """The partition's census, where this step made a customer or moved one to another tier."""
    if counts_otherwise(kept.before, kept.row):
        census = work.rows.get(CENSUS, HERE) or Census()
        work.rows.put(CENSUS, moved(census, kept.before, kept.row), HERE)
