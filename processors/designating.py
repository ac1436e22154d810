"""How people add, change and remove a designation: what must hold, and what it does (R-MAN-01..04, T-42)."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from msgspec.structs import replace

from processors.customer import Customer
from processors.designation import (
    ENDED,
    Designation,
    Ended,
    Removal,
    State,
    kept_conditions,
    next_state,
    until,
)
from processors.discretion import known_benefits
from processors.explanation import Because, compare, head
from processors.local_time import end_of
from processors.people import Kept
from processors.policy import Policy
from processors.rows import Rows
from schemas.commands import DesignationAdded, DesignationChanged, DesignationRemoved
from schemas.decided import Condition
from schemas.decisions import DesignationReached

NONE = "none"
"""Stands for no designation in conditions."""


class Hearing(NamedTuple):
    """Where a command is heard: the rows to look at, the policy in force, the log's time, and what the answer carries."""

    rows: Rows
    policy: Policy
    now: int
    because: Because


class Judged(NamedTuple):
    """What must hold, and the customer if it all does. `ended` is a designation that is over then."""

    conditions: tuple[Condition, ...]
    after: Customer
    ended: Ended | None = None


def among(of: str, name: str, value: str, allowed: Iterable[str], cause: str) -> Iterator[Condition]:
    """The value is one that the policy names; where it names none, every value will do."""
    if names := ", ".join(allowed):
        yield compare(of, name, value, "in", names, cause)


def _wished(command: DesignationAdded | DesignationChanged, hearing: Hearing) -> Iterator[Condition]:
    """What holds for the content of an addition and of a change: names of the policy."""
    policy, cause = hearing.policy, hearing.because.cause
    yield from among("command", "reason", command.reason, policy.designations.reasons, cause)
    yield from among("designation", "tier_designated", command.tier, (tier.name for tier in policy.tiers), cause)
    known = known_benefits(policy.benefits)
    for benefit in (*command.benefits, *command.without):
        yield from among("designation", "benefit", benefit, known, cause)
    if command.review_at is not None:
        yield compare("designation", "review_at", command.review_at, ">", hearing.now, cause)


def _is(customer: Customer, designation_id: str) -> Condition:
    """Which designation there is. Another one than the author speaks of is a mistake, not a wish."""
    found = customer.people.designation
    name, cause = (found.designation_id, found.cause) if found else (NONE, None)
    return compare("designation", "designation", name, "=", designation_id, cause)


def _seen(customer: Customer, version: int | None) -> Iterator[Condition]:
    """Of two edits of one version the second is refused, and told what the first one was (T-52)."""
    if found := customer.people.designation:
        yield compare("designation", "seen_version", version, "=", found.version, found.cause)


def _review_at(command: DesignationAdded | DesignationChanged, begins: int, policy: Policy) -> int | None:
    """A designation without end or review date gets a review date (T-42)."""
    if command.review_at is not None or command.ends_at is not None:
        return command.review_at
    return end_of(begins, policy.designations.review_days, policy.time_zone)


def add(customer: Customer, command: DesignationAdded, hearing: Hearing) -> Judged:
    """A customer has one designation at most. A new one allows automatic rules again after a removal."""
    policy, now, because = hearing.policy, hearing.now, hearing.because
    begins = max(command.starts_at, now)
    earlier = hearing.rows.get(ENDED, because.customer_id, command.designation_id)
    conditions = [
        *_wished(command, hearing),
        _is(customer, NONE),
        compare(
            "designation", "id_used_before", "yes" if earlier else "no", "=", "no", earlier.cause if earlier else None
        ),
        *kept_conditions("designation", customer.membership, policy, now),
    ]
    if command.ends_at is not None:
        conditions.append(compare("designation", "ends_at", command.ends_at, ">", begins, because.cause))
    designation = Designation(
        designation_id=command.designation_id,
        version=1,
        tier=command.tier,
        starts_at=command.starts_at,
        ends_at=command.ends_at,
        review_at=_review_at(command, begins, policy),
        benefits=tuple(sorted(set(command.benefits))),
        without=tuple(sorted(set(command.without))),
        author_id=command.author_id,
        role=command.role,
        reason=command.reason,
        cause=because.cause,
        state="active" if command.starts_at <= now else "scheduled",
        earned=customer.tier,
    )
    people = replace(customer.people, designation=designation, removal=None, kept=None)
    return Judged(tuple(conditions), replace(customer, people=people))


def change(customer: Customer, command: DesignationChanged, hearing: Hearing) -> Judged:
    """An edit is also a review. An end that is not ahead ends it at once, and what rules give holds again."""
    policy, now, because = hearing.policy, hearing.now, hearing.because
    conditions = (
        *_wished(command, hearing),
        _is(customer, command.designation_id),
        *_seen(customer, command.seen_version),
    )
    before = customer.people.designation
    if before is None:
        return Judged(conditions, customer)
    begins = max(before.starts_at, now)
    after = replace(
        before,
        version=before.version + 1,
        tier=command.tier,
        ends_at=command.ends_at,
        review_at=_review_at(command, begins, policy),
        benefits=tuple(sorted(set(command.benefits))),
        without=tuple(sorted(set(command.without))),
        author_id=command.author_id,
        role=command.role,
        reason=command.reason,
        cause=because.cause,
        state="scheduled" if before.state == "scheduled" else "active",
    )
    if until(after, policy) <= begins:
        return _over(customer, conditions, after, "ended", command)
    return Judged(conditions, replace(customer, people=replace(customer.people, designation=after)))


def remove(customer: Customer, command: DesignationRemoved, hearing: Hearing) -> Judged:
    """The status goes, whoever gave it, and automatic rules do not give it back for a while (T-42).

    Without a designation it is a tier that automatic rules gave: `designation_id` is null then.
    """
    policy, now, because = hearing.policy, hearing.now, hearing.because
    rule, before = policy.designations, customer.people.designation
    vip = "yes" if before or customer.tier else "no"
    single = before.benefits if before else ()
    conditions = [
        *among("command", "reason", command.reason, rule.removal_reasons, because.cause),
        compare("removal", "confirmed_at", command.confirmed_at, "<=", command.occurred_at, because.cause),
        compare("removal", "vip", vip, "=", "yes", customer.moved.tier),
        _is(customer, command.designation_id or NONE),
        *_seen(customer, command.seen_version),
    ]
    if rule.single_benefits == "must_end" and not command.benefits_end:
        conditions.append(
            compare("removal", "single_benefits_in_use", len(single), "=", 0, before.cause if before else None)
        )
    days = rule.automatic_again_days
    removal = Removal(now, None if days is None else end_of(now, days, policy.time_zone), because.cause)
    stay = before is not None and single and not command.benefits_end
    people = replace(
        customer.people,
        removal=removal,
        kept=Kept(single, until(before, policy)) if before and stay else None,
    )
    after = replace(customer, people=people)
    return _over(after, tuple(conditions), before, "removed", command) if before else Judged(tuple(conditions), after)


def _over(
    customer: Customer,
    conditions: tuple[Condition, ...],
    designation: Designation,
    state: State,
    command: DesignationChanged | DesignationRemoved,
) -> Judged:
    """The designation as it ends; it goes when the tier is compared next."""
    ended = replace(designation, state=state)
    cause = f"operations/{command.event_id}"
    after = replace(customer, people=replace(customer.people, designation=ended))
    return Judged(conditions, after, Ended(ended, cause, command.author_id, command.reason))


def moves_at(customer: Customer, policy: Policy) -> int | None:
    """When time alone next changes what people decided."""
    people = customer.people
    dues = [next_state(people.designation, policy)[0]] if people.designation else []
    if people.removal and people.removal.until is not None:
        dues.append(people.removal.until)
    if people.kept:
        dues.append(people.kept.until)
    return min(dues, default=None)


def move(customer: Customer, hearing: Hearing) -> tuple[Customer, list[DesignationReached]]:
    """What has become of it by now: it begins, is to be reviewed, or is over; a removal and kept benefits end silently."""
    people, policy, now = customer.people, hearing.policy, hearing.now
    if people.removal and people.removal.until is not None and people.removal.until <= now:
        people = replace(people, removal=None)
    if people.kept and people.kept.until <= now:
        people = replace(people, kept=None)
    designation, decisions = people.designation, []
    while designation and (coming := next_state(designation, policy))[0] <= now and designation.state != "expired":
        designation = replace(designation, state=coming[1])
        decision = _reached(customer, designation, hearing)
        customer = replace(customer, sequence=decision.sequence)
        decisions.append(decision)
    if designation and designation.state == "expired":
        hearing.rows.put(
            ENDED, Ended(designation, hearing.because.cause), hearing.because.customer_id, designation.designation_id
        )
    return replace(customer, people=replace(people, designation=designation)), decisions


def _reached(customer: Customer, designation: Designation, hearing: Hearing) -> DesignationReached:
    last, at = until(designation, hearing.policy), hearing.now
    names = {
        "active": ("designated_from_at", designation.starts_at),
        "review_due": ("review_at", designation.review_at),
    }
    name, due = names.get(designation.state, ("designated_until_at", last))
    reached = compare("designation", name, at, ">=", due, designation.cause)
    about = f"{designation.designation_id}/{designation.state}"
    return DesignationReached(
        **head(hearing.because, customer.sequence + 1, DesignationReached, about, (reached,)),
        designation_id=designation.designation_id,
        designation_version=designation.version,
        tier=designation.tier,
        stage=designation.state,
        ends_at=last,
    )
