"""What a programme chooses about facts over time: windows, the stages of a journey, and the share of VIPs."""

from itertools import pairwise
from typing import Annotated

from msgspec import Meta, Struct

from processors.policy_errors import PolicyInvalid
from processors.policy_fields import Count
from processors.span import WIDTH

Percent = Annotated[int, Meta(ge=0, le=100)]


class Windows(Struct, frozen=True, forbid_unknown_fields=True):
    """How many whole local months and days "consistent" looks back on, without the present one (R-CUST-02, R-CUST-08)."""

    months: Annotated[int, Meta(ge=1, le=WIDTH - 1)] = 6
    days: Annotated[int, Meta(ge=1, le=WIDTH - 1)] = 30


class Lifecycle(Struct, frozen=True, forbid_unknown_fields=True):
    """From how many months of tenure on each stage after identification begins (R-TIER-11).

    A policy that says nothing of it has no stages, and needs no timer for them.
    """

    designation_months: Annotated[int, Meta(ge=0, le=1200)] = 6
    engagement_months: Annotated[int, Meta(ge=0, le=1200)] = 12
    retention_months: Annotated[int, Meta(ge=0, le=1200)] = 36


class VipShare(Struct, frozen=True, forbid_unknown_fields=True):
    """The share of customers who are VIPs that a programme aims at, and when to advise (R-TIER-18).

    A share leaves a band only when it is beyond its bound by the margin, so that the advice does not flap (T-49).
    """

    low_percent: Percent = 5
    high_percent: Percent = 10
    too_high_percent: Percent = 20
    margin_permille: Annotated[int, Meta(ge=0, le=1000)] = 5
    least_customers: Count = 100


ASCENDING = {
    Lifecycle: ("designation_months", "engagement_months", "retention_months"),
    VipShare: ("low_percent", "high_percent", "too_high_percent"),
}
"""Fields that follow one another."""


def descending(path: str, rule: Lifecycle | VipShare | None) -> PolicyInvalid | None:
    """The first bound below the one before it."""
    for before, name in pairwise(ASCENDING[type(rule)] if rule else ()):
        least, found = getattr(rule, before), getattr(rule, name)
        if found < least:
            return PolicyInvalid(f"$.{path}.{name}", str(found), f"at least {least}, which is {before}")
    return None
