"""All that people decided of a customer, as their row holds it."""

from functools import reduce
from typing import Literal

from msgspec import Struct

from processors.designation import Designation, Removal, merge, merge_removals
from processors.markings import Delivered, Icon, Tag, delivered, last_icon, tagged
from processors.policy import Policy, rank


class Proposal(Struct, frozen=True, array_like=True):
    """A tier that a person approves or refuses (R-TIER-10). `current`: the facts still lead to it and to none above."""

    tier: str
    verdict: Literal["awaited", "approved", "refused"]
    cause: str
    current: bool = True


class Kept(Struct, frozen=True, array_like=True):
    """Single benefits that outlast the removal of their designation, until an instant (R-MAN-04)."""

    benefits: tuple[str, ...]
    until: int


class People(Struct, frozen=True, array_like=True):
    """A customer has one designation at most: another one waits until it is over."""

    designation: Designation | None = None
    removal: Removal | None = None
    proposal: Proposal | None = None
    kept: Kept | None = None
    icon: Icon | None = None
    tags: tuple[Tag, ...] = ()
    notes: int = 0
    deliveries: tuple[Delivered, ...] = ()


def merged(one: People, other: People, policy: Policy) -> People:
    """What two customers who turn out to be one have together (T-25): see each part. Notes and deliveries add up."""

    def order(each: Proposal) -> tuple[int, str, str]:
        return (rank(policy, each.tier), each.verdict, each.cause)

    proposals = [each.proposal for each in (one, other) if each.proposal]
    kept = [each.kept for each in (one, other) if each.kept]
    benefits = sorted({name for each in kept for name in each.benefits})
    return People(
        designation=merge(one.designation, other.designation, policy),
        removal=merge_removals(one.removal, other.removal),
        proposal=max(proposals, key=order, default=None),
        kept=Kept(tuple(benefits), max(each.until for each in kept)) if kept else None,
        icon=last_icon(one.icon, other.icon),
        tags=tagged(one.tags, other.tags),
        notes=one.notes + other.notes,
        deliveries=reduce(delivered, other.deliveries, one.deliveries),
    )
