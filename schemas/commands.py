"""What people decided: the records that a console publishes, each with author, role and reason.

Each type mirrors the file of its name in `schemas/avsc`, which documents every field; a test keeps them equal.
"""

from typing import Literal

from schemas.fields import Currency, Id, Millis, Minor, Points, Sealed, Version, Word
from schemas.source import CustomerEvent


class Command(CustomerEvent, frozen=True, kw_only=True):
    """What every command of a person carries: who, in which role, and why (R-AUD-04)."""

    author_id: Id
    role: Word
    reason: Word
    note_sealed: Sealed = b""


class ReturnReviewed(Command, frozen=True, kw_only=True):
    return_id: Id
    order_id: Id
    verdict: Literal["approved", "refused"]


class ReturnWindowExtended(Command, frozen=True, kw_only=True):
    order_id: Id
    until_at: Millis


class DesignationAdded(Command, frozen=True, kw_only=True):
    designation_id: Id
    tier: Word
    starts_at: Millis
    ends_at: Millis | None = None
    benefits: tuple[Word, ...] = ()
    review_at: Millis | None = None
    without: tuple[Word, ...] = ()


class DesignationChanged(Command, frozen=True, kw_only=True):
    designation_id: Id
    seen_version: Version
    tier: Word
    ends_at: Millis | None = None
    benefits: tuple[Word, ...] = ()
    review_at: Millis | None = None
    without: tuple[Word, ...] = ()


class DesignationRemoved(Command, frozen=True, kw_only=True):
    designation_id: Id | None = None
    seen_version: Version | None = None
    confirmed_at: Millis
    benefits_end: bool = False


class QualificationReviewed(Command, frozen=True, kw_only=True):
    tier: Word
    verdict: Literal["approved", "refused"]


class OutreachRecorded(Command, frozen=True, kw_only=True):
    alert_id: Id | None = None
    channel: Word
    outcome: Literal["follow_up", "escalated", "retained", "lost"]
    follow_up_at: Millis | None = None


class NoteAdded(Command, frozen=True, kw_only=True):
    kind: Word


class TagsChanged(Command, frozen=True, kw_only=True):
    added: tuple[Word, ...] = ()
    removed: tuple[Word, ...] = ()


class LabelIconChanged(Command, frozen=True, kw_only=True):
    printed: bool


class BenefitDelivered(Command, frozen=True, kw_only=True):
    benefit: Word
    order_id: Id | None = None


class PointsAdjusted(Command, frozen=True, kw_only=True):
    adjustment_id: Id
    points: Points
    case_id: Id | None = None


class CompensationGranted(Command, frozen=True, kw_only=True):
    compensation_id: Id
    kind: Word
    currency: Currency
    amount_minor: Minor
    order_id: Id | None = None
    case_id: Id | None = None
    approved_by_id: Id | None = None


class CompensationReviewed(Command, frozen=True, kw_only=True):
    compensation_id: Id
    verdict: Literal["approved", "refused"]


class PersonalTextErased(Command, frozen=True, kw_only=True):
    pass


Personal = (
    ReturnReviewed
    | ReturnWindowExtended
    | DesignationAdded
    | DesignationChanged
    | DesignationRemoved
    | QualificationReviewed
    | OutreachRecorded
    | NoteAdded
    | TagsChanged
    | LabelIconChanged
    | BenefitDelivered
    | PointsAdjusted
    | CompensationGranted
    | CompensationReviewed
    | PersonalTextErased
)
