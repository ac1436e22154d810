"""An example of every contract, as one customer's story would have it: for documentation, tests and whoever starts."""

from collections.abc import Mapping
from typing import Any

from msgspec import inspect

VALUES: Mapping[str, Any] = {
    # who, when, from where
    "customer_id": "c-4711",
    "event_id": "evt-7f3a",
    "occurred_at": 1_790_000_000_000,
    "author_id": "p-12",
    "role": "manager",
    "reason": "programme_choice",
    "note_sealed": b"\x01sealed",
    "agent_id": "p-31",
    "approved_by_id": "p-2",
    # orders and subscriptions
    "order_id": "o-20451",
    "line_id": "1",
    "quantity": 1,
    "currency": "EUR",
    "rate_ppm": 1_083_700,
    "goods_minor": 12_900,
    "discount_minor": 900,
    "tax_minor": 2_280,
    "shipping_minor": 490,
    "shipment_id": "s-881",
    "promised_at": 1_790_200_000_000,
    "expected_at": 1_790_300_000_000,
    "refund_id": "f-77",
    "subscription_id": "sub-9",
    "monthly_minor": 3_900,
    "resumes_at": 1_792_000_000_000,
    "for_good": False,
    # goods sent back
    "return_id": "r-300",
    "verdict": "approved",
    "settled_as": "refund",
    "amount_minor": 12_000,
    "window_ends_at": 1_793_000_000_000,
    # interactions
    "referred_customer_id": "c-9000",
    "other_customer_id": "c-4712",
    "channel": "phone",
    "survey_id": "spring",
    "question_id": "delivery",
    "score": 9,
    "answer_sealed": b"\x01sealed",
    "purpose": "email",
    "granted": True,
    "request_id": "q-5",
    "reward_id": "tote-bag",
    # support
    "case_id": "case-88",
    "topic": "delivery",
    "queue": "priority",
    "priority": 1,
    "respond_by": 1_790_000_900_000,
    # commands
    "designation_id": "d-1",
    "tier": "gold",
    "starts_at": 1_790_000_000_000,
    "ends_at": 1_821_000_000_000,
    "benefits": ("birthday_card",),
    "benefit": "birthday_card",
    "benefits_end": True,
    "seen_version": 3,
    "confirmed_at": 1_789_999_990_000,
    "alert_id": "5e2b1f6c-7f4e-5f5e-9a55-0d8a4f3c2b10",
    "outcome": "retained",
    "follow_up_at": 1_790_600_000_000,
    "kind": "credit",
    "added": ("newsletter",),
    "removed": ("trial",),
    "printed": True,
    "adjustment_id": "a-14",
    "points": 250,
    "compensation_id": "k-6",
    # decisions
    "decision_id": "5e2b1f6c-7f4e-5f5e-9a55-0d8a4f3c2b10",
    "sequence": 7,
    "decided_at": 1_790_000_000_000,
    "cause": "orders/evt-7f3a",
    "partition": 3,
    "offset": 120_934,
    "generation": "live",
    "policy_version": "2026-01",
    "rules_version": 1,
    "of": "gold",
    "name": "lifetime_value_minor",
    "value": 101_250,
    "operator": ">=",
    "threshold": 100_000,
    "holds": True,
    "moved_by": "orders/evt-7f3a",
    "from_tier": None,
    "to_tier": "gold",
    "vip_since": 1_790_000_000_000,
    "last_order_at": 1_786_000_000_000,
    "silent_days": 46,
    "retracts": "5e2b1f6c-7f4e-5f5e-9a55-0d8a4f3c2b10",
    "as_of": 1_790_000_000_000,
    "lifetime_value_minor": 101_250,
    "orders": 8,
    "orders_per_year_milli": 5_300,
    "customer_since": 1_740_000_000_000,
    "at_risk": False,
    "next_tier": "platinum",
    "missing_value_minor": 148_750,
    "status": "active",
    "status_since": 1_770_000_000_000,
    "monthly_subscription_minor": 2_500,
    "stage": "engagement",
    "never_cancelled": True,
    "referrals": 3,
    "complaints": 0,
    "answers": 5,
    "order_months": 4,
    "interaction_days": 12,
    "orders_awaited": 0,
    "next_tier_require": "all",
    "tenure_suffices_at": 1_803_000_000_000,
    "detail": "found an order of 2000000000000000 minor units; at most 1000000000000000 are taken",
    "record": b"\xc3\x01",
    # what laurel tells itself
    "at": 1_790_000_000_000,
    "sources_behind_ms": 0,
    "activation_id": "act-1",
    "version": "2026-01",
    "effective_from": 1_790_000_000_000,
    "document": "name: standard",
}
"""By the field's name: a name means the same in every contract."""


def example(kind: type) -> Any:
    """A record of a contract, every field filled. Raises `KeyError` for a field that `VALUES` does not know."""
    return _value("", inspect.type_info(kind))


def _value(name: str, of: inspect.Type) -> Any:
    match of:
        case inspect.StructType():
            return of.cls(**{field.name: _value(field.name, field.type) for field in of.fields})
        case inspect.VarTupleType(item_type=inspect.StructType() as inner):
            return (_value(name, inner),)
        case _:
            return VALUES[name]
