"""What laurel decided: the records that downstream systems act on.

Each type mirrors the file of its name in `schemas/avsc`, which documents every field; a test keeps them equal.
"""

from msgspec import Struct

from schemas.decided import Condition, Decided, Origin
from schemas.discrepancies import Discrepancy
from schemas.events import Units
from schemas.ledger import PointsMoved, RewardAnswered
from schemas.messages import TierCount


class TierChanged(Decided, frozen=True, kw_only=True):
    from_tier: str | None = None
    to_tier: str | None = None
    reason: str
    vip_since: int | None = None


class ReturnedLine(Struct, frozen=True):
    line_id: str
    quantity: int
    verdict: str
    amount_minor: int


class ReturnDecided(Decided, frozen=True, kw_only=True):
    return_id: str
    order_id: str
    verdict: str
    tier: str | None = None
    amount_minor: int
    window_ends_at: int | None = None
    lines: tuple[ReturnedLine, ...] = ()
    label_free: bool = False
    settle_as: tuple[str, ...] = ()
    keep_goods: bool = False
    lane: str = "standard"
    exchange_first: bool = False
    review_queue: str | None = None
    review_by: int | None = None
    supersedes: str | None = None
    decided_by: str | None = None
    in_doubt: tuple[str, ...] = ()
    requested_at: int | None = None
    objection: str | None = None


class StockReleased(Decided, frozen=True, kw_only=True):
    return_id: str
    order_id: str
    lines: tuple[Units, ...]


class ContactRouted(Decided, frozen=True, kw_only=True):
    case_id: str
    queue: str
    priority: int
    respond_by: int
    tier: str | None = None
    rank_at: int | None = None
    wait_until: int | None = None
    resolve_by: int | None = None
    skills: tuple[str, ...] = ()
    authority_minor: int = 0
    status: str = "active"
    vip_since: int | None = None
    lifetime_value_minor: int = 0
    at_risk: bool = False
    open_cases: int = 0
    supersedes: str | None = None
    in_doubt: tuple[str, ...] = ()


class OrderFlagged(Decided, frozen=True, kw_only=True):
    order_id: str
    tier: str | None = None
    priority: int
    rank_at: int
    pick_by: int
    lane: str = "standard"
    label_icon: str | None = None
    badge: str | None = None
    handling_note: str | None = None
    packing: tuple[str, ...] = ()
    inserts: tuple[str, ...] = ()
    supersedes: str | None = None


class EscalationDue(Decided, frozen=True, kw_only=True):
    case_id: str
    queue: str
    to: str
    step: int
    tier: str | None = None
    minutes_open: int


class ContactClosed(Decided, frozen=True, kw_only=True):
    case_id: str
    tier: str | None = None
    queue: str
    answer_minutes: int
    resolution_minutes: int
    answered_in_time: bool
    resolved_in_time: bool
    first_contact: bool
    supersedes: str | None = None


class AtRiskRaised(Decided, frozen=True, kw_only=True):
    tier: str
    last_order_at: int
    silent_days: int
    follow_up_by: int | None = None
    outcome_by: int | None = None


class AtRiskRetracted(Decided, frozen=True, kw_only=True):
    retracts: str
    order_id: str
    supersedes: str | None = None
    replaced_outcome: str | None = None


class AtRiskEscalated(Decided, frozen=True, kw_only=True):
    alert_id: str
    tier: str
    reason: str
    follow_up_by: int


class AtRiskClosed(Decided, frozen=True, kw_only=True):
    alert_id: str
    tier: str
    outcome: str
    reason: str
    order_id: str | None = None
    said: str | None = None
    supersedes: str | None = None
    replaced_outcome: str | None = None


class WinBackStarted(Decided, frozen=True, kw_only=True):
    tier: str
    cancelled_at: int
    kept_until: int


class WinBackClosed(Decided, frozen=True, kw_only=True):
    win_back_id: str
    tier: str | None = None
    outcome: str


class NotificationRequested(Decided, frozen=True, kw_only=True):
    notice: str
    purpose: str
    tier: str | None = None
    from_tier: str | None = None
    until: int | None = None
    years: int | None = None
    follows: str | None = None
    expires_at: int


class CommandAnswered(Decided, frozen=True, kw_only=True):
    command: str
    event_id: str
    author_id: str
    role: str
    verdict: str
    designation_id: str | None = None
    designation_version: int | None = None


class QualificationProposed(Decided, frozen=True, kw_only=True):
    from_tier: str | None = None
    tier: str


class DesignationReached(Decided, frozen=True, kw_only=True):
    designation_id: str
    designation_version: int
    tier: str
    stage: str
    ends_at: int


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


class Quarantined(Struct, frozen=True, kw_only=True):
    reason: str
    detail: str
    customer_id: str
    origin: Origin
    record: bytes


class VipShareJudged(Decided, frozen=True, kw_only=True):
    day: str
    customers: int
    vips: int
    tiers: tuple[TierCount, ...] = ()
    level: str | None = None
    level_before: str | None = None


Decision = (
    TierChanged
    | ReturnDecided
    | StockReleased
    | ContactRouted
    | EscalationDue
    | ContactClosed
    | AtRiskRaised
    | AtRiskRetracted
    | AtRiskEscalated
    | AtRiskClosed
    | WinBackStarted
    | WinBackClosed
    | NotificationRequested
    | CommandAnswered
    | QualificationProposed
    | DesignationReached
    | OrderFlagged
    | VipShareJudged
    | Discrepancy
    | PointsMoved
    | RewardAnswered
)
Output = Decision | CustomerProfile | Quarantined
