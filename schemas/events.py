"""What happened: the records that upstream systems publish, and those that laurel sends itself.

Each type mirrors the file of its name in `schemas/avsc`, which documents every field; a test keeps them equal.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from schemas.commands import Personal
from schemas.directives import ForEverybody
from schemas.fields import Currency, Id, Millis, Minor, Month, Quantity, RatePpm, Score, Sealed, Sequence, Word
from schemas.messages import ToSubject
from schemas.rewards import RewardStocked
from schemas.source import CustomerEvent


class OrderLine(Struct, frozen=True):
    line_id: Id
    quantity: Quantity
    goods_minor: Minor
    discount_minor: Minor = 0
    tax_minor: Minor = 0
    shipping_minor: Minor = 0
    reward_id: Id | None = None
    launch_id: Id | None = None


class OrderPlaced(CustomerEvent, frozen=True, kw_only=True):
    order_id: Id
    currency: Currency
    rate_ppm: RatePpm = 1_000_000
    lines: Annotated[tuple[OrderLine, ...], Meta(min_length=1)]
    channel: Word | None = None


class Units(Struct, frozen=True):
    line_id: Id
    quantity: Quantity


class OrderShipped(CustomerEvent, frozen=True, kw_only=True):
    order_id: Id
    shipment_id: Id
    lines: Annotated[tuple[Units, ...], Meta(min_length=1)]
    expected_at: Millis | None = None


class OrderDelayed(CustomerEvent, frozen=True, kw_only=True):
    order_id: Id
    promised_at: Millis
    expected_at: Millis | None = None
    reason: Word


class OrderFailed(CustomerEvent, frozen=True, kw_only=True):
    order_id: Id
    shipment_id: Id | None = None
    reason: Word


class OrderDelivered(CustomerEvent, frozen=True, kw_only=True):
    order_id: Id
    shipment_id: Id | None = None


class OrderCancelled(CustomerEvent, frozen=True, kw_only=True):
    order_id: Id


class OrderRefunded(CustomerEvent, frozen=True, kw_only=True):
    order_id: Id
    refund_id: Id
    goods_minor: Minor
    line_id: Id | None = None


class SubscriptionStarted(CustomerEvent, frozen=True, kw_only=True):
    subscription_id: Id
    currency: Currency
    rate_ppm: RatePpm = 1_000_000
    monthly_minor: Minor


class SubscriptionChanged(CustomerEvent, frozen=True, kw_only=True):
    subscription_id: Id
    currency: Currency
    rate_ppm: RatePpm = 1_000_000
    monthly_minor: Minor


class SubscriptionPaused(CustomerEvent, frozen=True, kw_only=True):
    subscription_id: Id
    resumes_at: Millis | None = None


class SubscriptionResumed(CustomerEvent, frozen=True, kw_only=True):
    subscription_id: Id


class SubscriptionCancelled(CustomerEvent, frozen=True, kw_only=True):
    subscription_id: Id
    reason: Word
    for_good: bool = False


class ReturnLine(Struct, frozen=True):
    line_id: Id
    quantity: Quantity


class ReturnRequested(CustomerEvent, frozen=True, kw_only=True):
    return_id: Id
    order_id: Id
    lines: Annotated[tuple[ReturnLine, ...], Meta(min_length=1)]


class ReturnReceived(CustomerEvent, frozen=True, kw_only=True):
    return_id: Id
    order_id: Id
    lines: Annotated[tuple[ReturnLine, ...], Meta(min_length=1)]


class ReturnInspected(CustomerEvent, frozen=True, kw_only=True):
    return_id: Id
    order_id: Id
    accepted: tuple[ReturnLine, ...]
    refused: tuple[ReturnLine, ...] = ()
    reason: Word | None = None


class ReturnDisputed(CustomerEvent, frozen=True, kw_only=True):
    return_id: Id
    order_id: Id
    reason: Word
    note_sealed: Sealed = b""


class ReturnSettled(CustomerEvent, frozen=True, kw_only=True):
    return_id: Id
    order_id: Id
    settled_as: Literal["refund", "exchange", "store_credit"]
    currency: Currency
    amount_minor: Minor


class CustomerRegistered(CustomerEvent, frozen=True, kw_only=True):
    birth_month: Month | None = None


class CustomerReferred(CustomerEvent, frozen=True, kw_only=True):
    referred_customer_id: Id


class CustomerVisited(CustomerEvent, frozen=True, kw_only=True):
    channel: Word


class SurveyAnswered(CustomerEvent, frozen=True, kw_only=True):
    survey_id: Id
    question_id: Id
    score: Score
    answer_sealed: Sealed = b""


class ConsentChanged(CustomerEvent, frozen=True, kw_only=True):
    purpose: Word
    granted: bool


class IdsLinked(CustomerEvent, frozen=True, kw_only=True):
    other_customer_id: Id


class IdsUnlinked(CustomerEvent, frozen=True, kw_only=True):
    other_customer_id: Id


class RewardRequested(CustomerEvent, frozen=True, kw_only=True):
    request_id: Id
    reward_id: Id
    quantity: Quantity = 1


class RewardFulfilled(CustomerEvent, frozen=True, kw_only=True):
    request_id: Id


class RewardCancelled(CustomerEvent, frozen=True, kw_only=True):
    request_id: Id


class SubstituteAnswered(CustomerEvent, frozen=True, kw_only=True):
    request_id: Id
    verdict: Literal["approved", "refused"]


class ContactOpened(CustomerEvent, frozen=True, kw_only=True):
    case_id: Id
    channel: str
    topic: str = "general"


class ContactWaiting(CustomerEvent, frozen=True, kw_only=True):
    case_id: Id
    queue: Word


class ContactAssigned(CustomerEvent, frozen=True, kw_only=True):
    case_id: Id
    agent_id: Id
    queue: Word


class ContactPaused(CustomerEvent, frozen=True, kw_only=True):
    case_id: Id
    reason: Word


class ContactResumed(CustomerEvent, frozen=True, kw_only=True):
    case_id: Id


class ContactResolved(CustomerEvent, frozen=True, kw_only=True):
    case_id: Id
    agent_id: Id | None = None


class ContactReopened(CustomerEvent, frozen=True, kw_only=True):
    case_id: Id


class ContactEscalated(CustomerEvent, frozen=True, kw_only=True):
    case_id: Id
    reason: Word
    agent_id: Id | None = None


class StatusReported(CustomerEvent, frozen=True, kw_only=True):
    system: Word
    tier: Word | None = None
    seen_sequence: Sequence | None = None


class ClockTicked(Struct, frozen=True):
    at: Millis
    sources_behind_ms: int
    partitions: int = 0


class PolicyActivated(Struct, frozen=True):
    activation_id: Id
    version: Id
    effective_from: Millis
    document: str


class RulesChanged(Struct, frozen=True):
    rules_version: int


class WorkRemains(Struct, frozen=True):
    at: Millis


Message = ClockTicked | PolicyActivated | RulesChanged | WorkRemains | ToSubject
Event = (
    Personal | ForEverybody | RewardStocked | Message
    | OrderPlaced | OrderShipped | OrderDelayed | OrderFailed | OrderDelivered | OrderCancelled | OrderRefunded
    | SubscriptionStarted | SubscriptionChanged | SubscriptionPaused | SubscriptionResumed | SubscriptionCancelled
    | ReturnRequested | ReturnReceived | ReturnInspected | ReturnDisputed | ReturnSettled
    | CustomerRegistered | CustomerReferred | CustomerVisited | SurveyAnswered | ConsentChanged | IdsLinked | IdsUnlinked
    | RewardRequested | RewardFulfilled | RewardCancelled | SubstituteAnswered | StatusReported
    | ContactOpened | ContactWaiting | ContactAssigned | ContactPaused | ContactResumed | ContactResolved | ContactReopened
    | ContactEscalated
)  # fmt: skip
