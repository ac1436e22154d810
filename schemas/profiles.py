"""Each customer as other systems need to know them: what laurel publishes beside its decisions, compacted.

Each type mirrors the file of its name in `schemas/avsc`, which documents every field; a test keeps them equal.
"""

from msgspec import Struct

from schemas.decided import Condition


class BenefitDelivery(Struct, frozen=True):
    """How often a customer got a benefit that people give, and when last (R-TIER-25)."""

    benefit: str
    times: int
    last_at: int


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
    at_risk_since: int | None = None
    follow_up_by: int | None = None
    outcome_by: int | None = None
    outreach: str | None = None
    escalated: bool = False
    win_back_since: int | None = None
    kept_until: int | None = None
    contact_purposes: tuple[str, ...] = ()
    early_access_days: int = 0
    early_access_discount_percent: int = 0
    birth_month: int | None = None
    designation_id: str | None = None
    designation_version: int | None = None
    designation_tier: str | None = None
    designation_state: str | None = None
    designation_ends_at: int | None = None
    benefits: tuple[str, ...] = ()
    benefits_kept_until: int | None = None
    deliveries: tuple[BenefitDelivery, ...] = ()
    label_icon: str | None = None
    handling_note: str | None = None
    tags: tuple[str, ...] = ()
    notes: int = 0
    proposed_tier: str | None = None
    automatic_blocked: bool = False
    automatic_again_at: int | None = None
    journey_stage: str | None = None
    never_cancelled: bool = True
    referrals: int = 0
    complaints: int = 0
    answers: int = 0
    order_months: int | None = None
    interaction_days: int | None = None
    orders_awaited: int = 0
    next_tier_require: str | None = None
    missing: tuple[Condition, ...] = ()
    in_doubt: tuple[str, ...] = ()
    points_balance: int = 0
    points_pending: int = 0
    points_reserved: int = 0
    points_deficit: int = 0
    points_expire_at: int | None = None
    linked_to: str | None = None
