"""Launches: who is told of one and when, once or again, and what the report makes of purchases (R-RISK-08, R-ANL-17)."""

import json
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from processors.launch_figures import by_launch
from processors.policy import parse
from processors.policy_errors import PolicyInvalid
from schemas.decisions import NotificationRequested
from schemas.events import OrderLine
from schemas.examples import example
from schemas.launches import EarlyAccessOpened, LaunchBought
from tests.processors.story import Story, minor, only, policy_with

RELEASED = "2024-03-08 10:00"


def policy(**launches: str) -> dict[str, Any]:
    named = {name.replace("_", "-"): {"released": at.replace(" ", "T") + ":00"} for name, at in launches.items()}
    return {"notifications": "shipped", "launches": named}


def of_ada(**launches: str) -> Story:
    """Ada is Gold, and agreed to letters."""
    story = Story(policy(**launches))
    story.register("2020-01-01")
    story.consent("2020-01-01", "email")
    story.order("2024-01-01", "1500.00", "o1")
    return story


def buy(story: Story, date: str, order: str, *launches: str | None, **given: Any) -> list[LaunchBought]:
    lines = [OrderLine(f"l{n}", 1, minor("10.00"), launch_id=each) for n, each in enumerate(launches)]
    return [each for each in story.order(date, order=order, lines=lines, **given) if isinstance(each, LaunchBought)]


def opened(story: Story) -> list[tuple[str, str, int]]:
    return [(each.customer_id, each.launch_id, each.discount_percent) for each in story.decided(EarlyAccessOpened)]


def test_two_launches_that_open_at_once_are_two_decisions_with_their_prices_and_two_requests_d7_r_ful_13() -> None:
    story = of_ada(spring_box=RELEASED, autumn_box=RELEASED)
    story.tick("2024-03-07 10:00")
    assert opened(story) == [("ada", "spring-box", 5), ("ada", "autumn-box", 5)]
    told = [each for each in story.decided(NotificationRequested) if each.notice == "early_access"]
    assert [each.launch_id for each in told] == ["spring-box", "autumn-box"]
    assert [each.follows for each in told] == [each.decision_id for each in story.decided(EarlyAccessOpened)]
    assert len({each.decision_id for each in told}) == 2
    assert [each.launch_id for each in story.row().opened] == ["autumn-box", "spring-box"]


def test_one_that_is_put_off_is_told_again_and_one_that_is_taken_out_is_forgotten_t_32() -> None:
    story = of_ada(spring_box=RELEASED, autumn_box=RELEASED)
    story.tick("2024-03-07 10:00")
    story.activate(policy_with(policy(spring_box="2024-04-08 10:00") | {"version": "later"}), "2024-03-07 11:00")
    story.tick("2024-04-07 09:59")
    assert len(opened(story)) == 2
    story.tick("2024-04-07 10:00")
    assert opened(story)[2:] == [("ada", "spring-box", 5)]
    assert [each.launch_id for each in story.row().opened] == ["spring-box"]
    (early,) = buy(story, "2024-03-07 10:30", "o2", "spring-box")
    (too_early,) = buy(story, "2024-03-07 12:00", "o3", "spring-box")
    assert (early.phase, early.policy_version) == ("early", "later")
    assert too_early.phase == "too_early"


def test_who_cancelled_keeps_access_and_is_not_written_to() -> None:
    story = of_ada(spring_box=RELEASED)
    story.subscribe("2024-01-01")
    story.leave("2024-03-01")
    story.tick("2024-03-07 10:00")
    assert opened(story) == [("ada", "spring-box", 5)]
    assert not [each for each in story.decided(NotificationRequested) if each.notice == "early_access"]


def test_who_falls_and_rises_again_is_not_told_again_and_late_risers_are_told_only_before_the_release() -> None:
    story = of_ada(spring_box=RELEASED)
    story.tick("2024-03-07 10:00")
    story.designate("2024-03-07 11:00", "platinum", ends_at="2024-03-07 12:00")
    story.tick("2024-03-07 13:00")
    story.designate("2024-03-07 14:00", "platinum", "d2")
    assert opened(story) == [("ada", "spring-box", 5), ("ada", "spring-box", 10)]
    for each in ("bob", "eve"):
        story.register("2020-01-01", customer=each)
    story.order("2024-03-08 09:59", "1500.00", "b1", customer="bob")
    story.order("2024-03-08 10:00", "1500.00", "e1", customer="eve")
    story.tick("2024-03-09")
    assert opened(story)[2:] == [("bob", "spring-box", 5)]
    assert [each.launch_id for each in story.row("eve").opened] == ["spring-box"]


def test_an_order_is_judged_once_for_each_launch_also_when_it_is_told_twice_t_15() -> None:
    story = of_ada(spring_box=RELEASED, autumn_box=RELEASED)
    found = buy(story, "2024-03-07 12:00", "o2", "spring-box", None, "autumn-box", "spring-box")
    assert [(each.launch_id, each.units, each.amount_minor) for each in found] == [
        ("spring-box", 2, 2000),
        ("autumn-box", 1, 1000),
    ]
    assert [each.sequence for each in found] == [found[0].sequence, found[0].sequence + 1]
    assert buy(story, "2024-03-07 12:00", "o2", "spring-box") == []
    assert buy(story, "2024-03-07 12:30", "o4", None) == []


def test_linked_ids_know_what_one_of_them_was_told_and_a_shared_order_is_told_once_t_24() -> None:
    story = of_ada(spring_box=RELEASED)
    story.register("2021-01-01", customer="bob")
    story.tick("2024-03-07 10:00")
    assert buy(story, "2024-03-07 11:00", "o2", "spring-box", customer="bob")[0].phase == "too_early"
    story.link("2024-03-07 12:00", "bob")
    assert buy(story, "2024-03-07 11:00", "o2", "spring-box") == []
    assert [each.phase for each in buy(story, "2024-03-07 13:00", "o3", "spring-box", customer="bob")] == ["early"]
    story.unlink("2024-03-07 14:00", "bob")
    story.tick("2024-03-07 15:00")
    assert opened(story) == [("ada", "spring-box", 5)]


@given(st.lists(st.sampled_from(["tick", "gold", "platinum", "diamond", "end", "later"]), max_size=12))
def test_a_customer_is_told_again_only_of_something_better_or_later(happened: list[str]) -> None:
    story, versions = of_ada(spring_box=RELEASED), 0
    for number, each in enumerate(happened):
        date = f"2024-03-0{1 + number // 2} {8 + number % 2 * 6:02}:00"
        if each == "later":
            versions += 1
            put_off = policy(spring_box=f"2024-03-{8 + versions:02} 10:00")
            story.activate(policy_with(put_off | {"version": f"v{versions}"}), date)
        elif each == "end":
            story.undesignate(date, None)
        elif each != "tick":
            story.designate(date, each, f"d{number}")
        story.tick(date)
    story.tick("2024-04-30")
    told = [(each.released_at, each.discount_percent) for each in story.decided(EarlyAccessOpened)]
    assert told == sorted(set(told))
    for each in story.decided(EarlyAccessOpened):
        judged_at = int(each.cause.rpartition("/")[2])
        assert each.opens_at <= judged_at < each.released_at
        assert each.opens_at <= each.decided_at


def test_the_response_is_counted_by_the_tier_that_let_in_and_orders_by_their_own_r_anl_17() -> None:
    let_in, order = example(EarlyAccessOpened), replace(example(LaunchBought), amount_minor=1000)
    invited = [replace(let_in, customer_id=each, tier="gold") for each in ("ada", "bob", "eve", "eve")]
    told = [
        *invited,
        replace(order, customer_id="ada", order_id="o1", tier="gold"),
        replace(order, customer_id="ada", order_id="o2", tier="gold"),
        replace(let_in, customer_id="bob", tier="platinum", discount_percent=10),
        replace(order, customer_id="bob", order_id="o2", tier="platinum"),
        replace(order, customer_id="bob", order_id="o3", tier="gold", phase="released"),
        replace(order, customer_id="kim", order_id="o4", tier=None, phase="too_early"),
        replace(let_in, launch_id="other", customer_id="ada", tier="diamond"),
    ]
    found = by_launch(told, {})
    gold, none, platinum = found["spring-box"]
    assert (len(gold.invited), gold.buyers, gold.response_permille()) == (3, {"ada", "bob"}, 666)
    assert (platinum.invited, platinum.counts()["orders_early"], platinum.response_permille()) == (set(), 1, None)
    counts = {name: count for name, count in gold.counts().items() if count}
    assert counts == {"orders_early": 2, "early_minor": 2000, "orders_released": 1, "released_minor": 1000}
    assert (none.tier, none.response_permille(), none.counts()["orders_too_early"]) == ("none", None, 1)
    assert [(each.tier, each.response_permille()) for each in found["other"]] == [("diamond", 0)]


def test_who_buys_under_an_id_that_is_linked_with_the_one_let_in_is_one_of_them_r_anl_17_t_24() -> None:
    """Ada stands for both: what bob was told, ada knows; whichever id is on the order, the decision is hers."""
    story = Story(policy(spring_box=RELEASED))
    story.register("2020-01-01", customer="bob")
    story.order("2024-01-01", "1500.00", "o1", customer="bob")
    story.tick("2024-03-07 10:00")
    assert opened(story) == [("bob", "spring-box", 5)]
    story.link("2024-03-07 11:00", "bob")
    (bought,) = buy(story, "2024-03-07 12:00", "o2", "spring-box", customer="bob")
    assert (bought.customer_id, bought.phase) == ("ada", "early")
    linked = {each.customer_id: each.linked_to for each in story.profiles.values() if each.linked_to}
    for decisions in (story.decided(), story.decided()[::-1]):
        (gold,) = by_launch(decisions, linked)["spring-box"]
        assert (gold.tier, gold.invited, gold.buyers, gold.response_permille()) == ("gold", {"ada"}, {"ada"}, 1000)


def test_who_was_let_in_under_two_ids_is_one_customer_and_a_shared_order_is_one_order_r_anl_17_t_24() -> None:
    let_in, order = example(EarlyAccessOpened), replace(example(LaunchBought), order_id="o1", amount_minor=1000)
    told = [
        replace(let_in, customer_id="bob", tier="gold", decided_at=1),
        replace(let_in, customer_id="ada", tier="platinum", decided_at=2),
        replace(order, customer_id="bob", tier="gold", placed_at=3),
        replace(order, customer_id="ada", tier="platinum", placed_at=4),
    ]
    for decisions in permutations(told):
        (gold,) = by_launch(decisions, {"bob": "ada"})["spring-box"]
        assert (gold.tier, gold.invited, gold.buyers) == ("gold", {"ada"}, {"ada"})
        assert (gold.counts()["orders_early"], gold.counts()["early_minor"]) == (1, 1000)
    apart = by_launch(told, {})["spring-box"]
    assert [(each.tier, each.buyers, each.counts()["early_minor"]) for each in apart] == [
        ("gold", {"bob"}, 1000),
        ("platinum", {"ada"}, 1000),
    ]


def test_access_explains_itself_t_48() -> None:
    told = only(of_ada(spring_box=RELEASED).tick("2024-03-07 10:00"), EarlyAccessOpened)
    assert [(each.name, each.holds) for each in told.conditions] == [("tier", True), ("before_release_at", True)]


@pytest.mark.parametrize(
    "released", ["0001-01-01T00:00:00", "1999-12-31T23:59:59", "2100-01-01T00:00:00", "2290-01-01T00:00:00"]
)
def test_a_launch_is_within_the_instants_of_events(released: str) -> None:
    """A far one would stand before everything in the index of timers; a first one has no days before it."""
    wrong = parse(json.dumps(policy_with({"launches": {"box": {"released": released}}})))
    assert isinstance(wrong, PolicyInvalid)
    assert wrong.path == "$.launches.box.released"


def test_an_order_that_is_told_again_with_a_launch_is_judged_by_its_own_date_t_15() -> None:
    story = of_ada(spring_box=RELEASED)
    assert buy(story, "2024-03-06 12:00", "o2", None) == []
    assert [each.phase for each in buy(story, "2024-03-07 12:00", "o2", "spring-box")] == ["too_early"]
