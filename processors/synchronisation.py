"""Synchronisation: a status that another system holds otherwise, and for too long, is a discrepancy (R-SYNC-01..03).

They differ from the instant at which laurel knows it: its own change, or the report that says something else. For the
policy's minutes what a system holds has merely not arrived. A system that never reports after a change is found all the same.
"""

from collections.abc import Iterable
from typing import Literal

from msgspec.structs import replace

from processors.customer import Customer
from processors.explanation import Because, compare, head
from processors.local_time import MINUTE_MS
from processors.policy import Policy
from processors.synchrony import Held, Report, Synchrony, heard, same
from schemas.decided import Condition
from schemas.decisions import Decision, TierChanged
from schemas.discrepancies import DiscrepancyFound, DiscrepancyResolved
from schemas.events import StatusReported

OF = "synchronisation"


def hear(customer: Customer, event: StatusReported, cause: str) -> Customer:
    """The customer with what a system reports; `follow` compares."""
    report = Report(event.occurred_at, event.tier, event.seen_sequence, cause)
    synchrony = heard(customer.synchrony, event.system, report, customer.tier)
    return customer if synchrony is customer.synchrony else replace(customer, synchrony=synchrony)


def follow(
    customer: Customer, decisions: Iterable[Decision], policy: Policy, now: int, because: Because
) -> tuple[Customer, list[DiscrepancyResolved]]:
    """Compare what systems said last with the tier after a unit: since when they differ, and what is over.

    As every timer, a change that time made counts from its own instant, however late its turn comes (D8).
    """
    rule, synchrony = policy.synchronisation.systems, customer.synchrony
    changed = next((each for each in decisions if isinstance(each, TierChanged)), None)
    if not synchrony.systems and not (rule and changed):
        return customer, []
    if changed is not None:
        synchrony = replace(synchrony, sequence=changed.sequence, at=now)
    resolved, systems = list[DiscrepancyResolved](), list[Held]()
    for held in synchrony.systems:
        outcome: Outcome | None = None
        if held.system not in rule:
            outcome = "not_compared"
        elif held.report.tier == customer.tier:
            outcome = "changed" if changed else "reported"
            systems.append(replace(held, since=None, agreed=True, shared=customer.tier, found_id=None))
        else:
            begins = held.since is None or (changed is not None and held.found_id is None)
            systems.append(replace(held, since=now if begins else held.since))
        if outcome and held.found_id:
            resolved.append(_resolved(customer, held, outcome, policy, now, because))
            customer = replace(customer, sequence=resolved[-1].sequence)
    after = replace(synchrony, systems=tuple(systems))
    return customer if after == customer.synchrony else replace(customer, synchrony=after), resolved


Outcome = Literal["reported", "changed", "not_compared"]


def _resolved(
    customer: Customer, held: Held, outcome: Outcome, policy: Policy, now: int, because: Because
) -> DiscrepancyResolved:
    conditions = (same(OF, held, customer.tier),)
    if outcome == "not_compared":
        conditions = (compare(OF, "system", held.system, "in", ", ".join(policy.synchronisation.systems)),)
    return DiscrepancyResolved(
        **head(because, customer.sequence + 1, DiscrepancyResolved, held.system, conditions),
        system=held.system,
        tier=customer.tier,
        discrepancy_id=held.found_id or "",
        outcome=outcome,
        minutes_differing=_minutes(held, now),
    )


def _minutes(held: Held, now: int) -> int:
    return (now - (held.since or now)) // MINUTE_MS


def _limit(held: Held, policy: Policy) -> int | None:
    """When what has merely not arrived becomes a discrepancy; None where nothing differs, or it is known."""
    rule = policy.synchronisation.systems.get(held.system)
    if held.since is None or held.found_id is not None or rule is None:
        return None
    return held.since + rule.limit_minutes * MINUTE_MS


def due_at(customer: Customer, policy: Policy) -> int | None:
    """When the first difference will have lasted too long."""
    return min((at for held in customer.synchrony.systems if (at := _limit(held, policy)) is not None), default=None)


def find(customer: Customer, policy: Policy, now: int, because: Because) -> tuple[Customer, list[DiscrepancyFound]]:
    """Decide each difference that has lasted too long, once."""
    found, systems = list[DiscrepancyFound](), list[Held]()
    for held in customer.synchrony.systems:
        at, kept = _limit(held, policy), held
        if at is not None and at <= now:
            found.append(_found(customer, held, policy, now, because))
            customer = replace(customer, sequence=found[-1].sequence)
            kept = replace(held, found_id=found[-1].decision_id)
        systems.append(kept)
    return replace(customer, synchrony=replace(customer.synchrony, systems=tuple(systems))), found


def _found(customer: Customer, held: Held, policy: Policy, now: int, because: Because) -> DiscrepancyFound:
    synchrony, report, minutes = customer.synchrony, held.report, _minutes(held, now)
    reason, known = _reason(synchrony, report, customer.moved.tier)
    limit = policy.synchronisation.systems[held.system].limit_minutes
    began = customer.moved.tier if held.since == synchrony.at else report.cause
    lasts = compare(OF, "minutes_differing", minutes, ">=", limit, began)
    return DiscrepancyFound(
        **head(
            because,
            customer.sequence + 1,
            DiscrepancyFound,
            held.system,
            (same(OF, held, customer.tier), *known, lasts),
        ),
        system=held.system,
        tier=customer.tier,
        reported_tier=report.tier,
        reason=reason,
        differs_since=held.since or now,
        minutes_differing=minutes,
        reported_at=report.at,
    )


Reason = Literal["silent", "behind", "differs"]
REASONS: tuple[Reason, ...] = ("silent", "behind", "differs")
"""A system said nothing since our change, or what it says does not know of it, or it could know and says otherwise."""


def _reason(synchrony: Synchrony, report: Report, moved_by: str | None) -> tuple[Reason, tuple[Condition, ...]]:
    if not synchrony.at:
        return "differs", ()
    spoke = compare(OF, "reported_at", report.at, ">=", synchrony.at, report.cause)
    if not spoke.holds:
        return "silent", (spoke,)
    if report.sequence is None:
        return "differs", (spoke,)
    knows = compare(OF, "seen_sequence", report.sequence, ">=", synchrony.sequence, moved_by)
    return "differs" if knows.holds else "behind", (spoke, knows)
