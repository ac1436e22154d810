"""The policy document: every number that a programme may choose, with its unit in its name and its bounds."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct, field

from processors.discretion import ROLES, Action, Automatic, Benefits, Designations, Label
from processors.facts_policy import Lifecycle, VipShare, Windows, descending
from processors.fulfilment_policy import Fulfilment
from processors.local_time import MissingDay, zones
from processors.points_policy import Points, catalogue
from processors.policy_errors import PolicyInvalid, found, named
from processors.policy_fields import Count, Days, Minutes, Name, PerTier
from processors.recovery_policy import Recovery
from processors.retention_policy import AtRisk, Celebrations, HeadStart, Launches, Notifications, Panel, WinBack, dated
from processors.service_policy import Service
from processors.synchronisation_policy import Synchronisation
from schemas.fields import Currency, Id, Minor

Settlement = Literal["refund", "exchange", "store_credit"]


class Components(Struct, frozen=True, forbid_unknown_fields=True):
    """Which parts of an order count towards lifetime value (C-10, T-02). Refunds are of goods: they count with them."""

    goods: bool
    discount: bool
    tax: bool
    shipping: bool


class Tier(Struct, frozen=True, forbid_unknown_fields=True, cache_hash=True):
    """A tier is a floor (C-01, C-09): all of its conditions must hold (C-02), or any one; what is absent is not asked (R-TIER-07).

    `order_months` are local calendar months with an order among the last whole ones, `interaction_days` local days with a
    visit, contact or answer among the last whole ones; how many are looked at is `windows`.
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


class ReturnRight(Struct, frozen=True, forbid_unknown_fields=True):
    """What a customer may send back without being asked: for how many local days, up to which amount; and how it is done.

    `settle_as` is what they may choose from. Goods worth at most `keep_below_minor` in all need not come back. `lane` is
    who handles the parcel, `exchange_first` whether an exchange leaves before the goods are back (R-RET-02, R-RET-16).
    """

    window_days: Days
    auto_approve_limit_minor: Minor
    free_label: bool = False
    settle_as: Annotated[tuple[Settlement, ...], Meta(min_length=1)] = ("refund",)
    keep_below_minor: Minor = 0
    lane: Name = "standard"
    exchange_first: bool = False


class Serial(Struct, frozen=True, forbid_unknown_fields=True):
    """Who asked for more returns than `most` within so many local calendar months is looked at by a person (T-45)."""

    months: Annotated[int, Meta(ge=1, le=12)] = 6
    most: Annotated[int, Meta(ge=0, le=10_000)] = 10_000


class Authority(Struct, frozen=True, forbid_unknown_fields=True):
    """What people in a role may decide about returns: up to which amount, and by how many days they may extend a window."""

    approve_limit_minor: Minor
    extend_days: Days


class ReturnReview(Struct, frozen=True, forbid_unknown_fields=True):
    """Who looks at what no rule decides: their queue, how soon, and what each role may decide (R-RET-06, R-RET-07)."""

    queue: Name = "returns-review"
    within_hours: Annotated[int, Meta(ge=0, le=8760)] = 48
    authority: dict[Name, Authority] = {}


class Returns(Struct, frozen=True, forbid_unknown_fields=True):
    """Return rights by tier; whose tier counts, the order's or the request's, is a choice (T-31).

    The window of a line begins with its own delivery or the order's last one (T-28), and is never shorter than
    `statutory_days`. `later_policy` says whether a policy in force at the request that is kinder governs it (T-30).
    """

    tier_at: Literal["order", "request"]
    assumed_delivery_days: Days
    rights: PerTier[ReturnRight]
    window_from: Literal["line", "order"] = "order"
    statutory_days: Days = 0
    later_policy: Literal["ignored", "if_kinder"] = "ignored"
    serial: Serial = Serial()
    review: ReturnReview = ReturnReview()


class Step(Struct, frozen=True, forbid_unknown_fields=True):
    """So many minutes after a contact came in that is not settled, it is due with somebody else."""

    after_minutes: Minutes
    to: Name


class Route(Struct, frozen=True, forbid_unknown_fields=True):
    """Where a contact goes. `priority` is a head start in the queue, in minutes; 0 for none (R-RTE-03, T-44).

    Minutes of targets and steps are those of the calendar. `authority_minor` is what its agent should be able to decide.
    """

    queue: Name
    priority: Annotated[int, Meta(ge=0, le=1_000_000)]
    response_minutes: Minutes
    resolution_minutes: Minutes | None = None
    skills: tuple[Name, ...] = ()
    authority_minor: Minor = 0
    calendar: Name = "always"
    escalation: tuple[Step, ...] = ()


class Cancellation(Struct, frozen=True, forbid_unknown_fields=True):
    """What leaving does: the tier is kept for some local days, and tenure may not run while somebody is gone for long."""

    kept_days: Days = 90
    gap_days: Days = 90
    tenure_in_gap: Literal["stops", "restarts", "counts"] = "stops"


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
    service: Service = Service()
    win_back: WinBack = WinBack()
    celebrations: Celebrations = Celebrations()
    early_access: dict[Name, HeadStart] = {}
    launches: Launches = {}
    panel: Panel = Panel()
    notifications: Notifications = Notifications()
    automatic: Automatic = Automatic()
    roles: dict[Name, tuple[Action, ...]] = field(default_factory=lambda: dict(ROLES))
    designations: Designations = Designations()
    benefits: Benefits = Benefits()
    labels: dict[Name, Label] = field(default_factory=dict)
    windows: Windows = Windows()
    complaint_topics: tuple[str, ...] = ("complaint",)
    lifecycle: Lifecycle | None = None
    vip_share: VipShare = VipShare()
    synchronisation: Synchronisation = Synchronisation()
    fulfilment: Fulfilment | None = None
    points: Points | None = None
    recovery: Recovery = Recovery()


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
    checks = (_zone, _tiers, _calendars, _entitled, _bounds)
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


def _calendars(policy: Policy) -> PolicyInvalid | None:
    """Only calendars that there are say when somebody works."""
    calendars, used = ("always", *policy.service.calendars), {"routing.base": policy.routing.base.calendar}
    used |= {f"routing.tiers.{tier}": route.calendar for tier, route in policy.routing.tiers.items()}
    if policy.fulfilment is not None:
        used["fulfilment"] = policy.fulfilment.calendar
    for path, calendar in used.items():
        if calendar not in calendars:
            return PolicyInvalid(f"$.{path}.calendar", calendar, f"one of {', '.join(calendars)}")
    return None


def _entitled(policy: Policy) -> PolicyInvalid | None:
    """Only tiers that there are entitle to something."""
    names = [tier.name for tier in policy.tiers]
    per_tier: dict[str, Iterable[str]] = {
        "returns.rights.tiers": policy.returns.rights.tiers,
        "routing.tiers": policy.routing.tiers,
        "early_access": policy.early_access,
        "benefits.tiers": policy.benefits.tiers,
        "labels": policy.labels,
        "fulfilment.handling.tiers": policy.fulfilment.handling.tiers if policy.fulfilment else (),
        "recovery.amends.tiers": policy.recovery.amends.tiers,
        "recovery.caps.tiers": policy.recovery.caps.tiers,
    }
    if points := policy.points:
        per_tier |= {f"points.rewards.{name}.tiers": reward.tiers for name, reward in points.rewards.items()}
        per_tier["points.tiers_percent"] = points.tiers_percent
    for path, entries in per_tier.items():
        if unknown := sorted(set(entries) - set(names)):
            return PolicyInvalid(f"$.{path}", unknown[0], f"a tier: {', '.join(names)}")
    return None


def _bounds(policy: Policy) -> PolicyInvalid | None:
    """What must follow one another, and a catalogue of rewards."""
    bounds = descending("lifecycle", policy.lifecycle) or descending("vip_share", policy.vip_share)
    return bounds or dated(policy.launches) or catalogue(policy.points)
