"""A designation: the tier that a person gave, from when, until when, with which benefits, and why (R-MAN-01, T-42).

It is a floor for its time. The tier in force is the higher one of it and what automatic rules give; they neither take it
away, nor does it outlast its end, or a review that nobody did.
"""

from typing import Literal

from msgspec import Struct

from processors.explanation import compare
from processors.local_time import end_of
from processors.membership import Membership, days_cancelled, lapses_at
from processors.policy import Policy, rank
from processors.rows import Table
from schemas.decided import Condition

State = Literal["scheduled", "active", "review_due", "expired", "ended", "removed"]
OVER: frozenset[State] = frozenset(("expired", "ended", "removed"))


class Designation(Struct, frozen=True, array_like=True):
    """`version` counts its edits from 1. `cause` is the command that made it so, `author_id`, `role` and `reason` are its.

    `earned` is the tier that automatic rules alone give meanwhile. It does not `stand` while the customer has left for
    longer than a tier is kept (R-TIER-15).
    """

    designation_id: str
    version: int
    tier: str
    starts_at: int
    ends_at: int | None
    review_at: int | None
    benefits: tuple[str, ...]
    without: tuple[str, ...]
    author_id: str
    role: str
    reason: str
    cause: str
    state: State = "scheduled"
    earned: str | None = None
    stands: bool = True


class Ended(Struct, frozen=True, array_like=True):
    """A designation that is over: how, by which cause, and who said so with which reason; None for time alone."""

    designation: Designation
    cause: str
    author_id: str | None = None
    reason: str | None = None


class Removal(Struct, frozen=True, array_like=True):
    """A person took the status away: automatic rules stay away `until` then; None: until a person allows it (T-42)."""

    at: int
    until: int | None
    cause: str


ENDED = Table("ended-designations", b"j", Ended, "each designation that is over, by customer and designation id")


def until(designation: Designation, policy: Policy) -> int:
    """The first instant at which it holds no more if nobody changes it: its end, or a review that was not done."""
    ends = [designation.ends_at] if designation.ends_at is not None else []
    if designation.review_at is not None:
        ends.append(end_of(designation.review_at, policy.designations.unreviewed_days, policy.time_zone))
    # Whoever makes one sees that it has one of both: see `designating`.
    return min(ends, default=designation.starts_at)


def next_state(designation: Designation, policy: Policy) -> tuple[int, State]:
    """What time alone makes of it next, and when."""
    last, review_at = until(designation, policy), designation.review_at
    if designation.state == "scheduled":
        return designation.starts_at, "active"
    if designation.state == "active" and review_at is not None and review_at < last:
        return review_at, "review_due"
    return last, "expired"


def counts(designation: Designation) -> bool:
    """Whether its tier and benefits are in force."""
    return designation.stands and designation.state in ("active", "review_due")


def lapsed(membership: Membership, policy: Policy, now: int) -> bool:
    """Whether the customer has left for longer than a tier is kept (R-TIER-15)."""
    at = lapses_at(membership, policy)
    return at is not None and at <= now


def kept_conditions(of: str, membership: Membership, policy: Policy, now: int) -> tuple[Condition, ...]:
    """Who left keeps what they have for a while (R-TIER-15, T-13). Of others nothing is asked."""
    if membership.status != "cancelled":
        return ()
    if membership.for_good:
        return (compare(of, "cancelled_for_good", "yes", "=", "no", membership.cause),)
    days = days_cancelled(membership, policy, now)
    return (compare(of, "days_cancelled", days, "<=", policy.cancellation.kept_days, membership.cause),)


def conditions(
    designation: Designation | None, membership: Membership, policy: Policy, now: int
) -> tuple[Condition, ...]:
    """Whether the designation is in force, for whoever asks why somebody has a tier; nothing where there is none."""
    if designation is None:
        return ()
    of, cause, names = "designation", designation.cause, ", ".join(tier.name for tier in policy.tiers)
    ended = (compare(of, "designation_state", designation.state, "in", "scheduled, active, review_due", cause),)
    return (
        compare(of, "tier_designated", designation.tier, "in", names, cause),
        compare(of, "designated_from_at", now, ">=", designation.starts_at, cause),
        compare(of, "designated_until_at", now, "<", until(designation, policy), cause),
        *(ended if designation.state in ("ended", "removed") else ()),
        *kept_conditions(of, membership, policy, now),
    )


def merge(one: Designation | None, other: Designation | None, policy: Policy) -> Designation | None:
    """Which of two designations stands when two customers turn out to be one (T-25).

    The one with the higher tier; of equal ones the one that holds longer, then the one that began earlier, then the one of
    the smaller id. It stands as it is: what the other one gave beside is over, as after any end. It is no sum, so that it
    does not matter in which order customers are linked, nor how often the same two are.
    """
    if one is None or other is None:
        return one or other

    def order(each: Designation) -> tuple[int, int, int, int]:
        return (rank(policy, each.tier), until(each, policy), -each.starts_at, each.version)

    # `max` takes the first of equals.
    return max(sorted((one, other), key=lambda each: each.designation_id), key=order)


def merge_removals(one: Removal | None, other: Removal | None) -> Removal | None:
    """Of two removals the one that keeps automatic rules away longer: a link does not undo what a person did (T-25)."""
    if one is None or other is None:
        return one or other
    return max(one, other, key=lambda each: (each.until is None, each.until or 0, each.at, each.cause))
