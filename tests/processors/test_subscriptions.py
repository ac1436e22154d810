"""Subscriptions: status, amount, the ninety days, gaps in tenure, silence while paused; in any order of arrival."""

import json
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors import subscriptions
from processors.customer import Customer
from processors.membership import Membership, never_cancelled
from processors.policy import Policy, parse
from processors.subscriptions import MOST, MOST_MARKS, Subscriptions
from processors.tenure import began
from schemas import events as e
from schemas.decisions import AtRiskRaised, TierChanged
from tests.processors.story import Story, none_of, only, policy_with

DAY = 86_400_000
BEGIN = 1_700_000_000_000


def gold(policy: dict[str, object] | None = None) -> Story:
    """A Gold customer of ten years who subscribes since 2020, and ordered on 1 January 2024."""
    story = Story(policy)
    story.register("2014-01-01")
    story.subscribe("2020-01-01", "25.00")
    story.order("2024-01-01", "1000.00")
    assert story.row().tier == "gold"
    return story


# Facts


def test_the_profile_says_status_since_and_amount_r_cust_05_r_cust_07() -> None:
    story = gold()
    profile = story.profiles["ada"]
    assert (profile.status, profile.status_since) == ("active", story.at("2020-01-01"))
    assert profile.monthly_subscription_minor == 2500
    story.pause("2024-02-01")
    profile = story.profiles["ada"]
    assert (profile.status, profile.status_since) == ("paused", story.at("2024-02-01"))
    assert profile.monthly_subscription_minor == 0
    story.resume("2024-03-01")
    story.leave("2024-04-01")
    profile = story.profiles["ada"]
    assert (profile.status, profile.status_since) == ("cancelled", story.at("2024-04-01"))


def test_who_has_no_subscription_is_active() -> None:
    story = Story()
    story.order("2024-01-01", "1.00")
    assert (story.profiles["ada"].status, story.profiles["ada"].status_since) == ("active", None)


def test_the_last_price_counts_whichever_comes_first_t_16() -> None:
    story = Story()
    story.reprice("2024-03-01", "30.00")
    story.subscribe("2024-01-01", "10.00")
    story.reprice("2024-02-01", "20.00")
    assert story.profiles["ada"].monthly_subscription_minor == 3000


def test_an_amount_is_converted_at_its_own_rate_t_05() -> None:
    story = Story()
    at = story.at("2024-01-01")
    event = e.SubscriptionStarted(
        event_id="e", customer_id="ada", occurred_at=at, subscription_id="s", currency="EUR", rate_ppm=1_100_000,
        monthly_minor=1999,
    )  # fmt: skip
    story.tell("ada", event)
    assert story.profiles["ada"].monthly_subscription_minor == 2199


def test_who_still_has_one_has_not_left() -> None:
    story = gold()
    story.subscribe("2024-01-02", "5.00", "s2")
    story.leave("2024-01-03")
    assert story.profiles["ada"].status == "active"
    assert story.profiles["ada"].monthly_subscription_minor == 500
    story.pause("2024-01-04", "s2")
    assert story.profiles["ada"].status == "paused"
    story.leave("2024-01-05", "s2")
    assert (story.profiles["ada"].status, story.profiles["ada"].status_since) == ("cancelled", story.at("2024-01-05"))
    assert not never_cancelled(story.row().membership)


def test_a_subscription_is_activity_as_a_customer_r_cust_04() -> None:
    story = Story()
    story.subscribe("2023-01-01", "10.00")
    story.order("2023-12-01", "1000.00")
    assert story.row().tier is None
    changed = only(story.tick("2024-01-01"), TierChanged)
    assert changed.to_tier == "gold"


# The ninety days


def test_the_tier_is_kept_for_ninety_days_both_edges_of_the_last_t_13_r_tier_15() -> None:
    story = gold({"time_zone": "America/New_York"})
    assert none_of(story.leave("2024-01-10 15:00", event="left"), TierChanged)
    # 9 April is the ninetieth day after 10 January, and it is kept to its end.
    assert none_of(story.tick("2024-04-09 23:59"), TierChanged)
    changed = only(story.tick("2024-04-10"), TierChanged)
    assert (changed.from_tier, changed.to_tier, changed.reason, changed.vip_since) == ("gold", None, "cancelled", None)
    (left,) = [each for each in changed.conditions if each.of == "gold" and each.name == "days_cancelled"]
    assert (left.value, left.operator, left.threshold, left.holds) == (91, "<=", 90, False)
    assert left.moved_by == "orders/left"


def test_the_days_are_a_field_of_the_policy() -> None:
    story = gold({"cancellation": {"kept_days": 10}})
    story.leave("2024-02-01")
    assert none_of(story.tick("2024-02-11 23:59"), TierChanged)
    assert only(story.tick("2024-02-12"), TierChanged).reason == "cancelled"


@pytest.mark.parametrize("again", ["resume", "subscribe"])
def test_who_comes_back_within_them_keeps_tier_and_vip_since_c_11(again: str) -> None:
    story = gold()
    since = story.row().vip_since
    story.leave("2024-01-10")
    back: Any = story.resume if again == "resume" else story.subscribe
    assert none_of(back("2024-04-09 23:59"), TierChanged)
    assert none_of(story.tick("2024-12-31"), TierChanged)
    assert (story.row().tier, story.row().vip_since) == ("gold", since)


def test_who_comes_back_after_them_is_granted_anew_c_11() -> None:
    story = gold()
    story.leave("2024-01-10")
    story.tick("2024-06-01")
    assert story.row().tier is None
    changed = only(story.resume("2024-06-02"), TierChanged)
    assert (changed.to_tier, changed.vip_since) == ("gold", story.at("2024-06-02"))


def test_a_second_cancellation_has_days_of_its_own_t_13() -> None:
    story = gold()
    story.leave("2024-01-10")
    story.resume("2024-03-01")
    story.leave("2024-03-02")
    assert none_of(story.tick("2024-05-31 23:59"), TierChanged)
    assert only(story.tick("2024-06-01"), TierChanged).reason == "cancelled"


def test_who_leaves_for_good_keeps_nothing_r_tier_15() -> None:
    story = gold()
    changed = only(story.leave("2024-01-10", for_good=True), TierChanged)
    assert (changed.to_tier, changed.reason) == (None, "cancelled")
    assert ("gold", "cancelled_for_good", False) in [(each.of, each.name, each.holds) for each in changed.conditions]


def test_leaving_for_good_counts_no_more_for_who_came_back_r_tier_15() -> None:
    story = Story()
    story.register("2014-01-01")
    story.subscribe("2015-01-01", "10.00", plan="s1")
    story.leave("2020-01-10", plan="s1", for_good=True)
    story.subscribe("2021-01-01", "10.00", plan="s2")
    story.order("2024-01-01", "1000.00")
    assert story.row().tier is not None
    assert none_of(story.leave("2024-02-02", plan="s2"), TierChanged)
    assert not story.row().membership.for_good


def test_leaving_for_good_counts_also_when_it_is_told_after_a_cancellation() -> None:
    story = gold()
    story.leave("2024-01-10")
    assert only(story.leave("2024-01-20", for_good=True), TierChanged).reason == "cancelled"


def test_who_left_does_not_rise() -> None:
    story = gold()
    story.leave("2024-01-10")
    assert none_of(story.order("2024-01-11", "4000.00", "o2"), TierChanged)
    assert story.row().tier == "gold"
    changed = only(story.resume("2024-01-12"), TierChanged)
    assert changed.to_tier == "diamond"


def test_who_left_does_not_rise_by_time_alone() -> None:
    story = Story()
    story.subscribe("2023-01-01", "10.00")
    story.order("2023-12-01", "2000.00")
    story.leave("2023-12-15")
    assert none_of(story.tick("2024-02-01"), TierChanged)
    assert story.row().tier is None


def test_a_drop_in_value_has_its_grace_also_while_the_tier_is_kept_c_07() -> None:
    story = gold()
    story.refund("2024-01-05", "500.00")
    story.leave("2024-01-10")
    assert none_of(story.tick("2024-02-04 23:59"), TierChanged)
    assert only(story.tick("2024-02-05"), TierChanged).reason == "downgrade"


def test_the_end_of_the_days_waits_while_sources_are_behind_d4() -> None:
    story = gold()
    story.leave("2024-01-10")
    assert none_of(story.tick("2024-04-12", behind_s=3600), TierChanged)
    story.keeps_time = False
    assert none_of(story.resume("2024-04-01"), TierChanged)
    assert none_of(story.tick("2024-04-13"), TierChanged)
    assert story.row().tier == "gold"


# Tenure


@pytest.mark.parametrize(
    ("rule", "began_on"), [("stops", "2022-04-11"), ("restarts", "2023-04-11"), ("counts", "2022-01-01")]
)
def test_what_a_long_cancellation_does_to_tenure_is_a_rule_t_10(rule: str, began_on: str) -> None:
    story = Story({"cancellation": {"tenure_in_gap": rule}})
    story.subscribe("2022-01-01", "10.00", event="began")
    story.leave("2023-01-01")
    story.resume("2023-04-11", event="back")
    policy = parse_policy(story)
    assert str(began(story.row(), policy)) == began_on
    story.order("2023-04-12", "1000.00")
    (tenure,) = [each for each in only_conditions(story, "gold") if each.name.startswith("tenure")]
    assert tenure.moved_by == ("orders/began" if rule == "counts" else "orders/back")


@pytest.mark.parametrize(("back", "gap"), [("2023-04-01", 0), ("2023-04-02", 91)])
def test_an_absence_of_ninety_days_is_no_gap_and_one_more_is_t_10(back: str, gap: int) -> None:
    story = Story()
    story.subscribe("2022-01-01", "10.00")
    story.leave("2023-01-01")
    story.resume(back)
    moved = began(story.row(), parse_policy(story))
    assert moved is not None
    assert moved.toordinal() - 738156 == gap  # 1 January 2022


def test_a_pause_keeps_tenure_running_c_06() -> None:
    story = Story()
    story.subscribe("2022-01-01", "10.00")
    story.pause("2022-02-01")
    story.order("2022-06-01", "1000.00")
    assert only(story.tick("2023-01-01"), TierChanged).to_tier == "gold"


# Silence


def test_no_alert_while_paused_and_the_silence_stops_meanwhile_t_14() -> None:
    story = gold()
    story.pause("2024-01-31")  # thirty days of silence
    assert none_of(story.tick("2024-06-01"), AtRiskRaised)
    story.resume("2024-06-01")
    assert none_of(story.tick("2024-06-16 23:59"), AtRiskRaised)
    alert = only(story.tick("2024-06-17"), AtRiskRaised)
    assert alert.silent_days == 46


def test_a_pause_before_the_last_order_is_forgotten_t_14() -> None:
    story = gold()
    story.pause("2024-01-05")
    story.order("2024-01-10", "1.00", "o2")
    story.resume("2024-01-20")
    assert none_of(story.tick("2024-03-05 23:59"), AtRiskRaised)
    assert not none_of(story.tick("2024-03-06"), AtRiskRaised)


def test_no_alert_for_who_left() -> None:
    story = gold()
    story.leave("2024-01-10")
    assert none_of(story.tick("2024-04-01"), AtRiskRaised)


# Laws

EVENT = st.tuples(
    st.integers(0, 40), st.sampled_from(["start", "pause", "resume", "cancel", "price"]), st.integers(0, 2)
)


def event_of(number: int, kind: str, plan: int) -> Any:
    source = {"event_id": f"{kind}{number}{plan}", "customer_id": "ada", "occurred_at": BEGIN + number * 10 * DAY}
    about = source | {"subscription_id": f"s{plan}"}
    match kind:
        case "start":
            return e.SubscriptionStarted(**about, currency="USD", monthly_minor=100 + number)
        case "price":
            return e.SubscriptionChanged(**about, currency="USD", monthly_minor=200 + number)
        case "pause":
            return e.SubscriptionPaused(**about)
        case "resume":
            return e.SubscriptionResumed(**about)
        case _:
            return e.SubscriptionCancelled(**about, reason="r", for_good=number % 7 == 0)


def told(events: Any) -> Subscriptions:
    after = Subscriptions()
    for event in events:
        after = subscriptions.tell(after, event, f"orders/{event.event_id}")
    return after


@settings(max_examples=200)
@given(st.lists(EVENT, max_size=9), st.randoms(use_true_random=False))
def test_the_order_of_arrival_and_repetitions_make_no_difference_t_15_t_16(parts: list[Any], chance: Any) -> None:
    events = [event_of(*each) for each in parts]
    again = events + events[: len(events) // 2]
    chance.shuffle(again)
    assert told(again) == told(sorted(events, key=lambda each: each.occurred_at))


@settings(max_examples=200)
@given(st.lists(EVENT, max_size=9))
def test_the_membership_is_what_a_plain_recount_day_by_day_finds(parts: list[Any]) -> None:
    """Against the definition: at each instant the best status that any subscription has by then."""
    events = sorted((event_of(*each) for each in parts), key=lambda each: each.occurred_at)
    found = subscriptions.membership(told(events))
    strength = {"cancelled": 0, "paused": 1, "active": 2}
    seen: list[str] = []
    for day in range(0, 401, 10):
        status: dict[str, str] = {}
        for instant in sorted({each.occurred_at for each in events if each.occurred_at <= BEGIN + day * DAY}):
            for plan in ("s0", "s1", "s2"):
                now = [
                    subscriptions.STATUS_OF[type(each)]
                    for each in events
                    if each.occurred_at == instant
                    and each.subscription_id == plan
                    and type(each) in subscriptions.STATUS_OF
                ]
                if now:
                    status[plan] = min(now, key=strength.__getitem__)
        seen.append(max(status.values(), key=strength.__getitem__, default="none"))
    assert found.status == ("active" if seen[-1] == "none" else seen[-1])
    assert len(found.cancelled) + (found.status == "cancelled") == len(spells_of(seen, "cancelled"))
    assert never_cancelled(found) == ("cancelled" not in seen)


def spells_of(seen: list[str], status: str) -> list[int]:
    return [at for at, each in enumerate(seen) if each == status and (at == 0 or seen[at - 1] != status)]


def test_every_order_of_one_customers_year_ends_in_the_same_tier() -> None:
    """Start, order, cancellation, return and second order: 120 ways to arrive."""
    found = set()
    for arrival in permutations(range(5)):
        story = Story()
        story.keeps_time = False
        story.register("2014-01-01")
        ways: list[Any] = [
            lambda story=story: story.subscribe("2024-01-01", "10.00", event="a"),
            lambda story=story: story.order("2024-01-02", "900.00", "o1", event="b"),
            lambda story=story: story.leave("2024-01-03", event="c"),
            lambda story=story: story.resume("2024-01-04", event="d"),
            lambda story=story: story.order("2024-01-05", "100.00", "o2", event="e"),
        ]
        for each in arrival:
            ways[each]()
        story.tick("2024-01-06")
        story.tick("2024-12-30")
        found.add((story.row().tier, story.row().membership))
    assert len(found) == 1
    assert next(iter(found))[0] == "gold"


def test_the_row_does_not_grow_for_ever_d8() -> None:
    after = Subscriptions()
    for number in range(500):
        for plan in range(MOST + 3):
            event = event_of(number, ("resume", "cancel")[number % 2], plan)
            after = subscriptions.tell(after, event, "c")
        if number == 5:
            number_then = sum(len(each.marks) for each in after.each)
    assert len(after.each) == MOST
    assert number_then < sum(len(each.marks) for each in after.each) <= MOST * MOST_MARKS
    assert len(subscriptions.membership(after).cancelled) <= subscriptions.MOST_SPELLS


def parse_policy(story: Story) -> Policy:
    policy = parse(json.dumps(story.document))
    assert isinstance(policy, Policy)
    return policy


def only_conditions(story: Story, tier: str) -> Any:
    changed = story.decided(TierChanged) or [only(story.tick("2030-01-01"), TierChanged)]
    return [each for each in changed[0].conditions if each.of == tier]


def test_an_old_row_has_nobody_cancelled() -> None:
    assert Customer().membership == Membership()
    assert policy_with()["cancellation"]["kept_days"] == 90
