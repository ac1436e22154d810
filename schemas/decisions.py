"""What laurel decided: the records that downstream systems act on.

Each type mirrors the file of its name in `schemas/avsc`, which documents every field; a test keeps them equal.
"""

from msgspec import Struct

from schemas.decided import Decided, Origin
from schemas.discrepancies import Discrepancy
from schemas.events import Units
from schemas.launches import OfLaunch
from schemas.ledger import PointsMoved, RewardAnswered
from schemas.messages import TierCount
from schemas.profiles import CustomerProfile
from schemas.rewards import OfRewards


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
    accountable: str | None = None


class StockReleased(Decided, frozen=True, kw_only=True):
    return_id: str
    order_id: str
    lines: tuple[Units, ...]


class Happening(Struct, frozen=True):
    what: str
    about: str
    at: int


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
    goodwill_left_minor: int = 0
    recent: tuple[Happening, ...] = ()
    issues: tuple[Happening, ...] = ()
    gestures: tuple[str, ...] = ()
    points_balance: int = 0
    accountable: str | None = None


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
    accountable: str | None = None


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
    launch_id: str | None = None


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


class Remedied(Struct, frozen=True):
    kind: str
    amount_minor: int


class RecoveryDecided(Decided, frozen=True, kw_only=True):
    order_id: str
    occasion: str
    shipment_id: str | None = None
    verdict: str
    tier: str | None = None
    remedies: tuple[Remedied, ...]
    amount_minor: int
    goodwill_left_minor: int
    approvers: str = ""


class CompensationDecided(Decided, frozen=True, kw_only=True):
    compensation_id: str
    kind: str
    verdict: str
    amount_minor: int
    order_id: str | None = None
    case_id: str | None = None
    author_id: str
    decided_by: str | None = None
    approvers: str
    goodwill_left_minor: int


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
    | RecoveryDecided
    | CompensationDecided
    | Discrepancy
    | PointsMoved
    | RewardAnswered
    | OfLaunch
    | OfRewards
)
Output = Decision | CustomerProfile | Quarantined
