"""Lists of customers for reviews: whom they hold, and in which order (R-MAN-12, R-TIER-12, R-RISK-01, R-ANL-15, C-14)."""

from typing import Any

import pytest
from msgspec.structs import replace

from processors.customer_list import Wanted, listed
from schemas.examples import example
from schemas.profiles import CustomerProfile
from tests.processors.story import Story

ZONE = "America/New_York"
STORY = Story({"time_zone": ZONE}, started=False)
NOW = STORY.at("2024-06-15 00:30")


def profile(customer: str, value_minor: int, **fields: Any) -> CustomerProfile:
    """Without a tier, active, known since 2020, last order on 1 June, and 100 short of Gold."""
    known = {"customer_since": STORY.at("2020-01-01"), "last_order_at": STORY.at("2024-06-01"), "linked_to": None}
    standing = {"tier": None, "status": "active", "missing_value_minor": 10_000}
    return replace(
        example(CustomerProfile), customer_id=customer, lifetime_value_minor=value_minor, **known | standing | fields
    )


PROFILES = [
    profile("bob", 150_000),
    profile("ada", 150_000, missing_value_minor=5_000),
    profile("eve", 100_000, customer_since=STORY.at("2019-12-31"), missing_value_minor=None),
    profile("gus", 300_000, tier="gold", last_order_at=STORY.at("2024-05-01 23:59")),
    profile("kim", 300_001, tier="gold", status="paused", last_order_at=None),
    profile("lea", 90_000, status="cancelled", customer_since=None),
    profile("alias", 999_999, linked_to="ada"),
]


def names(wanted: Wanted, order: str = "value") -> list[str]:
    return [each.customer_id for each in listed(PROFILES, wanted, order, NOW, ZONE)]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Wanted(), ["kim", "gus", "ada", "bob", "eve", "lea"]),
        (
            Wanted(vip=False, status="active", value_minor=100_000),
            ["ada", "bob"],
        ),  # "LTV > $1,000 + Active", not yet VIP
        (Wanted(vip=True), ["kim", "gus"]),
        (Wanted(tier="gold", status="active"), ["gus"]),
        (Wanted(status="inactive"), ["kim", "lea"]),
        (Wanted(status="cancelled"), ["lea"]),
        (Wanted(silent_days=44), ["gus"]),
        (Wanted(silent_days=45), []),
    ],
)
def test_a_review_finds_whom_it_asks_for_r_man_12_r_risk_01_c_14(wanted: Wanted, found: list[str]) -> None:
    """Days are local: the first of May to the fifteenth of June are 45."""
    assert names(wanted) == found


@pytest.mark.parametrize(
    ("order", "found"),
    [
        ("value", ["kim", "gus", "ada", "bob", "eve", "lea"]),
        ("longest", ["eve", "ada", "bob", "gus", "kim", "lea"]),
        ("nearest", ["ada", "bob", "gus", "kim", "lea", "eve"]),
        ("silent", ["gus", "ada", "bob", "eve", "lea", "kim"]),
    ],
)
def test_who_deserves_it_most_who_is_nearest_and_who_stayed_longest_comes_first_r_tier_12_r_anl_15(
    order: str, found: list[str]
) -> None:
    assert names(Wanted(), order) == found
