"""Feedback panels and early access: pure functions of the policy (R-RISK-08, R-RISK-09)."""

import json
from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.early_access import access
from processors.panel import Candidate, choose
from processors.policy import parse
from processors.policy_errors import PolicyInvalid
from tests.processors.story import Story, policy_with
from tests.processors.story import parsed_with as in_force


def members(**tiers: int) -> list[Candidate]:
    return [Candidate(f"{tier}-{n}", tier) for tier, number in tiers.items() for n in range(number)]


def chosen(seats: int = 15, session: str = "2024-q1", **tiers: int) -> Counter[str]:
    policy = in_force({"panel": {"seats": seats}})
    return Counter(each.tier for each in choose(members(**tiers), session, policy))


def test_every_tier_is_heard_whatever_its_size_r_risk_09() -> None:
    assert chosen(gold=900, platinum=90, diamond=9) == {"diamond": 5, "platinum": 5, "gold": 5}
    assert chosen(20, gold=900, platinum=90, diamond=9) == {"diamond": 7, "platinum": 7, "gold": 6}


def test_a_small_tier_gives_its_seats_on_r_risk_09() -> None:
    assert chosen(gold=900, platinum=3, diamond=1) == {"diamond": 1, "platinum": 3, "gold": 11}
    assert chosen(gold=2, platinum=0, diamond=1) == {"diamond": 1, "gold": 2}


@given(st.randoms(use_true_random=False), st.text(min_size=1, max_size=20))
def test_it_is_the_same_whoever_asks_and_in_whatever_order_r_risk_09(random: Random, session: str) -> None:
    everyone = members(gold=60, platinum=20, diamond=6)
    policy, shuffled = in_force(), random.sample(everyone, len(everyone))
    assert choose(everyone, session, policy) == choose(shuffled, session, policy)


def test_another_session_hears_others_and_one_who_leaves_moves_one_seat() -> None:
    everyone, policy = members(gold=600, platinum=200, diamond=60), in_force()
    panel = choose(everyone, "q1", policy)
    assert set(panel) != set(choose(everyone, "q2", policy))
    without = choose([each for each in everyone if each != panel[3]], "q1", policy)
    assert len(set(panel) - set(without)) == len(set(without) - set(panel)) == 1


def test_who_has_no_tier_of_the_policy_is_no_candidate() -> None:
    assert choose([Candidate("a", "bronze")], "q1", in_force()) == []


@pytest.mark.parametrize("seats", [9, 21])
def test_ten_to_twenty_r_risk_09(seats: int) -> None:
    assert isinstance(parse(json.dumps(policy_with({"panel": {"seats": seats}}))), PolicyInvalid)


@pytest.mark.parametrize(
    ("tier", "opens", "discount"),
    [
        ("diamond", "2024-03-28 10:00", 15),
        ("platinum", "2024-04-01 10:00", 10),
        ("gold", "2024-04-03 10:00", 5),
        (None, "2024-04-04 10:00", 0),
        ("unknown", "2024-04-04 10:00", 0),
    ],
)
def test_a_tier_buys_days_earlier_at_the_same_time_of_day_r_risk_08(
    tier: str | None, opens: str, discount: int
) -> None:
    """Clocks were set forward on 31 March."""
    zone = {"time_zone": "Europe/Berlin"}
    story = Story(zone, started=False)
    granted = access(
        in_force(zone),
        tier,
        in_force(zone | {"launches": {"box": {"released": "2024-04-04T10:00:00"}}}).launches["box"],
    )
    assert (story.local(granted.opens_at), granted.discount_percent) == (opens, discount)
    assert granted.released_at == story.at("2024-04-04 10:00")


def test_early_access_is_for_tiers_that_there_are() -> None:
    wrong = parse(json.dumps(policy_with() | {"early_access": {"bronze": {"days": 1, "discount_percent": 5}}}))
    assert isinstance(wrong, PolicyInvalid)
    assert (wrong.path, wrong.found) == ("$.early_access", "bronze")
