"""What laurel decided: the records that downstream systems act on.

Each type mirrors the file of its name in `schemas/avsc`, which documents every field; a test keeps them equal.
"""

from msgspec import Struct


class Condition(Struct, frozen=True):
    """One condition as the decision evaluated it: fact, value, operator, threshold and whether it holds (T-48).

    `moved_by` names what last moved the fact, as `Decided.cause` does.
    """

    of: str
    name: str
    value: int | str | None
    operator: str
    threshold: int | str | None
    holds: bool
    moved_by: str | None = None


class Origin(Struct, frozen=True):
    topic: str
    partition: int
    offset: int


class Decided(Struct, frozen=True, kw_only=True):
    """What every decision carries, so that it explains itself and can be found again (D7)."""

    decision_id: str
    customer_id: str
    sequence: int
    decided_at: int
    cause: str
    origin: Origin
    generation: str
    policy_version: str
    rules_version: int
    conditions: tuple[Condition, ...]
    currency: str | None = None


class TierChanged(Decided, frozen=True, kw_only=True):
    from_tier: str | None = None
    to_tier: str | None = None
    reason: str
    vip_since: int | None = None


class ReturnDecided(Decided, frozen=True, kw_only=True):
    return_id: str
    order_id: str
    verdict: str
    tier: str | None = None
    amount_minor: int
    window_ends_at: int | None = None


class ContactRouted(Decided, frozen=True, kw_only=True):
    case_id: str
    queue: str
    priority: int
    respond_by: int
    tier: str | None = None


class AtRiskRaised(Decided, frozen=True, kw_only=True):
    tier: str
    last_order_at: int
    silent_days: int


class AtRiskRetracted(Decided, frozen=True, kw_only=True):
    retracts: str
    order_id: str


class CustomerProfile(Struct, frozen=True, kw_only=True):
    customer_id: str
    as_of: int
    sequence: int
    tier: str | None = None
    vip_since: int | None = None
    lifetime_value_minor: int
    currency: str
    orders: int
    orders_per_year_milli: int
    customer_since: int | None = None
    last_order_at: int | None = None
    at_risk: bool
    next_tier: str | None = None
    missing_value_minor: int | None = None
    tenure_suffices_at: int | None = None
    policy_version: str
    status: str = "active"
    status_since: int | None = None
    monthly_subscription_minor: int = 0
    stage: str | None = None
    never_cancelled: bool = True
    referrals: int = 0
    complaints: int = 0
    answers: int = 0
    order_months: int | None = None
    interaction_days: int | None = None
    orders_awaited: int = 0
    next_tier_require: str | None = None
    missing: tuple[Condition, ...] = ()


class Quarantined(Struct, frozen=True, kw_only=True):
    reason: str
    detail: str
    customer_id: str
    origin: Origin
    record: bytes


Decision = TierChanged | ReturnDecided | ContactRouted | AtRiskRaised | AtRiskRetracted
Output = Decision | CustomerProfile | Quarantined
