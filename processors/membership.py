"""Whether a customer is active, paused or cancelled, since when, and what that does to tier, tenure and silence (R-CUST-07).

A customer without subscriptions is active. Of several subscriptions the best counts: somebody who still receives one parcel
has not left.
"""

from datetime import date, timedelta
from typing import Literal

from msgspec import Struct

from processors.local_time import date_of, end_of
from processors.policy import Policy

Status = Literal["active", "paused", "cancelled"]
Spell = tuple[int, int]
"""From an instant until another."""


class Membership(Struct, frozen=True, array_like=True):
    """`since` is None while no subscription was ever told of. `cancelled` and `paused` are the spells that are over.

    `cause` told of the status, `monthly_minor` is what the active subscriptions cost a month, programme minor units.
    """

    status: Status = "active"
    since: int | None = None
    for_good: bool = False
    cause: str | None = None
    monthly_minor: int = 0
    cancelled: tuple[Spell, ...] = ()
    paused: tuple[Spell, ...] = ()


def never_cancelled(membership: Membership) -> bool:
    """Whether the customer never left (R-CUST-08)."""
    return membership.status != "cancelled" and not membership.cancelled


def cancellations(membership: Membership) -> int:
    """How often the customer left, as far as it is remembered (R-CUST-08)."""
    return len(membership.cancelled) + (membership.status == "cancelled")


def days_between(spell: Spell, zone: str) -> int:
    """Local days from the one instant to the other."""
    return (date_of(spell[1], zone) - date_of(spell[0], zone)).days


def days_cancelled(membership: Membership, policy: Policy, now: int) -> int:
    """Local days since the cancellation; 0 for who has not left."""
    if membership.status != "cancelled" or membership.since is None:
        return 0
    return days_between((membership.since, max(now, membership.since)), policy.time_zone)


def lapses_at(membership: Membership, policy: Policy) -> int | None:
    """The first instant at which a cancelled customer's tier is kept no longer (R-TIER-15, T-13); None for who has not left."""
    if membership.status != "cancelled" or membership.since is None:
        return None
    if membership.for_good:
        return membership.since
    return end_of(membership.since, policy.cancellation.kept_days, policy.time_zone)


def tenure_began(membership: Membership, policy: Policy, since: int) -> date:
    """The local day that tenure is counted from, after what cancellations of more than some days did to it (T-10)."""
    zone, rule = policy.time_zone, policy.cancellation
    began = date_of(since, zone)
    if not membership.cancelled:
        return began
    gaps = [spell for spell in membership.cancelled if days_between(spell, zone) > rule.gap_days and spell[1] > since]
    match rule.tenure_in_gap:
        case "stops":
            # A gap before all that is known of the customer is none: somebody told of it late.
            return began + timedelta(days=sum(days_between((max(since, gap[0]), gap[1]), zone) for gap in gaps))
        case "restarts":
            return max((began, *(date_of(gap[1], zone) for gap in gaps)))
        case "counts":
            return began


def days_away(membership: Membership, since: int, until: int, zone: str) -> int:
    """Local days between two instants on which silence does not count: spells of a pause or of absence that are over (T-14)."""
    overlaps = ((max(start, since), min(end, until)) for start, end in (*membership.paused, *membership.cancelled))
    return sum(days_between(spell, zone) for spell in overlaps if spell[0] < spell[1])
