"""The policy document: every number that a programme may choose, with its unit in its name and its bounds."""

from functools import lru_cache
from itertools import pairwise
from typing import Annotated, Generic, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from processors.local_time import MissingDay, zones
from processors.policy_errors import PolicyInvalid, found, named
from processors.span import WIDTH
from schemas.fields import Currency, Id, Minor

Days = Annotated[int, Meta(ge=0, le=3650)]
Name = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,49}$")]
"""A tier's or queue's id: what decisions carry. What people read is the label."""
Count = Annotated[int, Meta(ge=0, le=1_000_000)]
Percent = Annotated[int, Meta(ge=0, le=100)]
E = TypeVar("E")


class Components(Struct, frozen=True, forbid_unknown_fields=True):
    """Which parts of an order count towards lifetime value (C-10, T-02). Refunds are of goods: they count with them."""

    goods: bool
    discount: bool
    tax: bool
    shipping: bool


class Tier(Struct, frozen=True, forbid_unknown_fields=True):
    """A tier is a floor (C-01, C-09): all of its conditions must hold (C-02), or any one; what is absent is not asked (R-TIER-07).

    `order_months` are local calendar months with an order among the last whole ones, `interaction_days` local days with a
    visit, contact or answer among the last whole ones; how many are looked at is `windows`. `benefits` are names that other
    systems know, `icon` is printed on shipping labels (R-TIER-04..06).
    """

    name: Name
    label: str
    lifetime_value_minor: Minor | None = None
    tenure_months: Annotated[int, Meta(ge=0, le=1200)] | None = None
    require: Literal["all", "any"] = "all"
    orders: Count | None = None
    orders_per_year_milli: Count | None = None
    order_months: Count | None = None
    referrals: Count | None = None
    most_cancellations: Count | None = None
    most_complaints: Count | None = None
    answers: Count | None = None
    interaction_days: Count | None = None
    monthly_subscription_minor: Minor | None = None
    benefits: tuple[Name, ...] = ()
    icon: Name | None = None


class PerTier(Struct, Generic[E], frozen=True, forbid_unknown_fields=True):
    """What customers are entitled to: an entry for some tiers, `base` for everyone else."""

    base: E
    tiers: dict[Name, E]


class ReturnRight(Struct, frozen=True, forbid_unknown_fields=True):
    """What a customer may send back without being asked: for how many local days, up to which amount."""

    window_days: Days
    auto_approve_limit_minor: Minor


class Returns(Struct, frozen=True, forbid_unknown_fields=True):
    """Return rights by tier; whose tier counts, the order's or the request's, is a choice (T-31)."""

    tier_at: Literal["order", "request"]
    assumed_delivery_days: Days
    rights: PerTier[ReturnRight]


class Route(Struct, frozen=True, forbid_unknown_fields=True):
    """Where a contact goes; `priority` is a head start in the queue, 0 for none."""

    queue: Name
    priority: Annotated[int, Meta(ge=0, le=1_000_000)]
    response_minutes: Annotated[int, Meta(ge=0, le=525_600)]


class AtRisk(Struct, frozen=True, forbid_unknown_fields=True):
    """A VIP is at risk after more than so many local days without an order (R-RISK-01)."""

    silent_days: Annotated[int, Meta(ge=1, le=3650)]


class Cancellation(Struct, frozen=True, forbid_unknown_fields=True):
    """What leaving does: the tier is kept for some local days, and tenure may not run while somebody is gone for long."""

    kept_days: Days = 90
    gap_days: Days = 90
    tenure_in_gap: Literal["stops", "restarts", "counts"] = "stops"


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


class Policy(Struct, frozen=True, forbid_unknown_fields=True):
    """One version of a programme. `tiers` are ordered from the lowest to the highest."""

    name: str
    version: Id
    currency: Currency
    time_zone: str
    missing_day: MissingDay
    lifetime_value: Components
    tiers: Annotated[tuple[Tier, ...], Meta(min_length=1)]
    grace_days: Days
    returns: Returns
    routing: PerTier[Route]
    at_risk: AtRisk
    max_ahead_hours: Annotated[int, Meta(ge=0, le=8760)]
    sources_behind_limit_s: Annotated[int, Meta(ge=0, le=86_400)]
    cancellation: Cancellation = Cancellation()
    windows: Windows = Windows()
    complaint_topics: tuple[str, ...] = ("complaint",)
    lifecycle: Lifecycle | None = None
    vip_share: VipShare = VipShare()


@lru_cache(maxsize=32)
def parse(document: str) -> Policy | PolicyInvalid:
    """The policy that a JSON document holds. The cache is a pure memo: a document never changes its meaning."""
    try:
        content = msgspec.json.decode(document)
    except msgspec.DecodeError as error:
        return PolicyInvalid("$", f"no JSON ({error})", "a JSON object")
    try:
        policy = msgspec.convert(content, Policy)
    except msgspec.ValidationError as error:
        allowed, _, path = str(error).partition(" - at `")
        path = named(content, path.rstrip("`") or "$", Policy)
        return PolicyInvalid(path, found(content, path), allowed)
    return _contradiction(policy) or policy


IDEAL_TIERS = 3
"""More are allowed, and warned of (R-TIER-19, C-13)."""
CONDITIONS = (
    "lifetime_value_minor", "tenure_months", "orders", "orders_per_year_milli", "order_months", "referrals",
    "most_cancellations", "most_complaints", "answers", "interaction_days", "monthly_subscription_minor",
)  # fmt: skip
"""The fields of a tier that ask for something (R-TIER-09)."""


def asked(tier: Tier) -> list[str]:
    """What a tier asks for."""
    return [name for name in CONDITIONS if getattr(tier, name) is not None]


def warnings(policy: Policy) -> list[str]:
    """What a valid policy had better not say."""
    if len(policy.tiers) <= IDEAL_TIERS:
        return []
    return [f"found {len(policy.tiers)} tiers; 2-3 are ideal (R-TIER-19)"]


def rank(policy: Policy, tier: str | None) -> int:
    """0 without a tier, 1 for a tier that this version does not have, then upwards."""
    if tier is None:
        return 0
    return next((place for place, each in enumerate(policy.tiers, start=2) if each.name == tier), 1)


def _contradiction(policy: Policy) -> PolicyInvalid | None:
    """What no single field shows to be wrong."""
    checks = (_zone, _tiers, _entitled, _bounds)
    return next((wrong for check in checks if (wrong := check(policy))), None)


def _zone(policy: Policy) -> PolicyInvalid | None:
    if policy.time_zone in zones():
        return None
    return PolicyInvalid("$.time_zone", repr(policy.time_zone), "a zone of the IANA database, as Europe/Berlin")


def _tiers(policy: Policy) -> PolicyInvalid | None:
    """Tiers have names of their own, ascend, and ask for something."""
    names = [tier.name for tier in policy.tiers]
    for at, tier in enumerate(policy.tiers):
        if tier.name in names[:at]:
            return PolicyInvalid(f"$.tiers[{at}].name", tier.name, "a name that no other tier has")
        if not asked(tier):
            allowed = "at least one condition; `lifetime_value_minor: 0` is a tier for everybody"
            return PolicyInvalid(f"$.tiers[{at}]", "no condition", allowed)
        floor, below = tier.lifetime_value_minor, policy.tiers[max(at - 1, 0)]
        if floor is not None and below.lifetime_value_minor is not None and floor < below.lifetime_value_minor:
            allowed = f"at least {below.lifetime_value_minor}, the floor of {below.name}: tiers ascend"
            return PolicyInvalid(f"$.tiers[{at}].lifetime_value_minor", str(floor), allowed)
    return None


def _entitled(policy: Policy) -> PolicyInvalid | None:
    """Only tiers that there are entitle to something."""
    names = [tier.name for tier in policy.tiers]
    for path, entries in (("returns.rights", policy.returns.rights.tiers), ("routing", policy.routing.tiers)):
        if unknown := sorted(set(entries) - set(names)):
            return PolicyInvalid(f"$.{path}.tiers", unknown[0], f"a tier: {', '.join(names)}")
    return None


def _bounds(policy: Policy) -> PolicyInvalid | None:
    """Bounds that must follow one another."""
    shares = ("low_percent", "high_percent", "too_high_percent")
    for path, of, names in (
        ("lifecycle", policy.lifecycle, Lifecycle.__struct_fields__ if policy.lifecycle else ()),
        ("vip_share", policy.vip_share, shares),
    ):
        for before, name in pairwise(names):
            least, found = getattr(of, before), getattr(of, name)
            if found < least:
                return PolicyInvalid(f"$.{path}.{name}", str(found), f"at least {least}, which is {before}")
    return None
