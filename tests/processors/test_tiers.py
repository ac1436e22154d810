"""Tiers: floors, tenure by the calendar, rises by time alone, grace before a fall, VIP Since."""

import pytest

from processors.step import UNITS_PER_RECORD
from schemas.decisions import TierChanged
from schemas.profiles import CustomerProfile
from tests.processors.story import NO_STAGES, Story, none_of, only, policy_with


def veteran(goods: str, *, policy: dict[str, object] | None = None) -> Story:
    """A customer of ten years with one order, at the start of 2024."""
    story = Story(policy)
    story.register("2014-01-01")
    story.tick("2024-01-01")
    story.order("2024-01-01", goods)
    return story


@pytest.mark.parametrize(
    ("goods", "tier"),
    [
        ("999.99", None),
        ("1000.00", "gold"),
        ("1000.01", "gold"),
        ("2499.00", "gold"),
        ("2499.99", "gold"),
        ("2500.00", "platinum"),
        ("4999.50", "platinum"),  # in no printed range (C-01)
        ("4999.99", "platinum"),
        ("5000.00", "diamond"),
        ("5000.01", "diamond"),
    ],
)
def test_floors_one_minor_unit_either_side_t_06_c_01(goods: str, tier: str | None) -> None:
    assert veteran(goods).row().tier == tier


@pytest.mark.parametrize(
    ("day", "tier"),
    [
        ("2024-12-31 23:59", None),
        ("2025-01-01", "gold"),
        ("2025-12-31 23:59", "gold"),
        ("2026-01-01", "platinum"),
        ("2026-12-31 23:59", "platinum"),
        ("2027-01-01", "diamond"),
    ],
)
def test_value_alone_is_not_enough_c_02(day: str, tier: str | None) -> None:
    story = Story()
    story.order("2024-01-01 17:30", "9000.00")
    story.tick(day)
    assert story.row().tier == tier


def test_the_highest_tier_whose_conditions_all_hold_t_07() -> None:
    """Diamond's value, Gold's tenure."""
    story = Story()
    story.register("2022-06-01")
    story.tick("2024-01-01")
    changed = only(story.order("2024-01-01", "6000.00"), TierChanged)
    assert (changed.from_tier, changed.to_tier, changed.reason) == (None, "gold", "upgrade")
    failed = [(each.of, each.name, each.threshold) for each in changed.conditions if not each.holds]
    assert failed == [
        ("platinum", "tenure_24_months_on", "2024-06-01"),
        ("diamond", "tenure_36_months_on", "2025-06-01"),
    ]
    assert [each.of for each in changed.conditions] == ["gold", "gold", "platinum", "platinum", "diamond", "diamond"]


def test_a_tier_rises_by_time_alone_t_11() -> None:
    story = Story()
    story.order("2023-03-15 20:00", "1000.00")
    assert none_of(story.tick("2024-03-14 23:59"), TierChanged)
    changed = only(story.tick("2024-03-15"), TierChanged)
    assert (changed.to_tier, changed.vip_since) == ("gold", story.at("2024-03-15"))
    assert changed.cause == f"timer/tenure/tier/{story.at('2024-03-15')}"


def test_years_are_calendar_years_in_the_programmes_zone_t_08() -> None:
    """23:30 on 31 December in New York is the next year in UTC."""
    story = Story({"time_zone": "America/New_York"})
    story.order("2022-12-31 23:30", "1000.00")
    assert none_of(story.tick("2023-12-30 23:59"), TierChanged)
    assert only(story.tick("2023-12-31"), TierChanged).vip_since == story.at("2023-12-31")


def test_a_leap_year_is_a_year_t_08() -> None:
    story = Story()
    story.order("2023-06-01", "1000.00")
    assert none_of(story.tick("2024-05-31"), TierChanged)  # 365 days
    assert not none_of(story.tick("2024-06-01"), TierChanged)


@pytest.mark.parametrize(("rule", "day"), [("last_of_month", "2025-02-28"), ("first_of_next", "2025-03-01")])
def test_29_february_t_09(rule: str, day: str) -> None:
    story = Story({"missing_day": rule})
    story.order("2024-02-29 12:00", "1000.00")
    story.tick("2025-03-05")
    assert story.row().vip_since == story.at(day)


@pytest.mark.parametrize("rule", ["last_of_month", "first_of_next"])
def test_29_february_does_not_drift_t_09(rule: str) -> None:
    """After common years between, the fourth anniversary is the 29th again."""
    tier = {"name": "gold", "label": "Gold", "lifetime_value_minor": 0, "tenure_months": 48}
    story = Story(
        {"missing_day": rule, "tiers": [tier], "returns": {"rights": {"tiers": {}}}, "routing": {"tiers": {}}}
    )
    story.order("2020-02-29 12:00", "1.00")
    for day in ("2021-03-05", "2022-03-05", "2023-03-05", "2024-02-28 23:59"):
        story.tick(day)
        assert story.row().tier is None
    story.tick("2024-02-29")
    assert story.row().tier == "gold"


def test_an_earlier_registration_brings_the_anniversary_forward_t_11() -> None:
    story = Story()
    story.order("2023-06-01", "1000.00")
    story.register("2023-02-01")
    story.tick("2024-02-10")
    assert story.row().vip_since == story.at("2024-02-01")


def test_no_timer_for_a_tier_that_value_is_missing_for_t_11() -> None:
    story = Story(NO_STAGES)
    story.order("2023-06-01", "999.99")
    assert story.row().timers == ()
    story.order("2023-06-02", "0.01", "o2")
    assert story.row().timers == (("tenure", story.at("2024-06-01")),)


def test_a_drop_waits_for_the_grace_period_c_07() -> None:
    story = veteran("1000.00")
    assert none_of(story.refund("2024-01-10 15:00", "0.01"), TierChanged)
    assert story.row().tier == "gold"
    assert none_of(story.tick("2024-02-09 23:59"), TierChanged)  # the thirtieth day, to its end
    changed = only(story.tick("2024-02-10"), TierChanged)
    assert (changed.from_tier, changed.to_tier, changed.reason, changed.vip_since) == ("gold", None, "downgrade", None)
    assert [each.name for each in changed.conditions if each.of == "gold" and not each.holds] == [
        "lifetime_value_minor"
    ]


def test_recovery_within_the_grace_period_says_nothing_at_all_t_12() -> None:
    story = veteran("1000.00")
    vip_since = story.row().vip_since
    story.refund("2024-01-10", "500.00")
    story.order("2024-02-09 23:59", "500.00", "o2")
    story.tick("2024-06-01")
    assert len(story.decided(TierChanged)) == 1
    assert (story.row().tier, story.row().vip_since, story.row().falls_at) == ("gold", vip_since, None)


def test_a_second_drop_has_a_grace_period_of_its_own_t_12() -> None:
    story = veteran("1000.00")
    story.refund("2024-01-10", "500.00")
    story.order("2024-01-20", "500.00", "o2")
    story.refund("2024-01-25", "400.00", "o2", "f2")
    assert none_of(story.tick("2024-02-24 23:59"), TierChanged)
    assert only(story.tick("2024-02-25"), TierChanged).to_tier is None


def test_a_rise_within_the_grace_period_ends_it_t_12() -> None:
    """The next drop, soon after, waits for all of its own days."""
    story = veteran("1000.00")
    story.refund("2024-01-10", "0.01")
    story.order("2024-01-15", "2000.00", "o2")
    story.refund("2024-01-25", "2000.00", "o2", "f2")
    assert none_of(story.tick("2024-02-24 23:59"), TierChanged)
    assert only(story.tick("2024-02-25"), TierChanged).from_tier == "platinum"


def test_a_further_drop_does_not_prolong_the_grace_period() -> None:
    story = veteran("5000.00")
    story.refund("2024-01-10", "100.00", refund="f1")
    story.refund("2024-02-01", "2500.00", refund="f2")
    changed = only(story.tick("2024-02-10"), TierChanged)
    assert (changed.from_tier, changed.to_tier) == ("diamond", "gold")


def test_a_partial_recovery_falls_only_as_far_as_it_must() -> None:
    story = veteran("5000.00")
    story.refund("2024-01-10", "4500.00")
    story.order("2024-01-20", "2000.00", "o2")
    changed = only(story.tick("2024-02-10"), TierChanged)
    assert (changed.to_tier, changed.vip_since) == ("platinum", story.at("2024-01-01"))


def test_tenure_that_completes_within_the_grace_period_recovers_under_a_stricter_policy_t_12() -> None:
    """The policy asks for more tenure than before; the anniversary comes before the grace period is over."""
    story = Story()
    story.order("2023-01-20", "1000.00")
    story.tick("2024-01-20")
    stricter = policy_with({"version": "stricter"})
    stricter["tiers"][0]["tenure_months"] = 13
    story.activate(stricter, "2024-02-01")
    story.tick("2024-02-01")
    story.contact("2024-02-01")
    assert story.row().falls_at is not None
    story.tick("2024-04-01")
    assert [each.to_tier for each in story.decided(TierChanged)] == ["gold"]
    assert (story.row().tier, story.row().falls_at) == ("gold", None)


def test_vip_since_is_kept_on_a_change_and_new_on_a_later_grant_c_11() -> None:
    story = veteran("1000.00")
    first = story.at("2024-01-01")
    story.order("2024-03-01", "4000.00", "o2")
    assert (story.row().tier, story.row().vip_since) == ("diamond", first)
    story.cancel("2024-04-01", "o2")
    story.tick("2024-06-01")
    assert (story.row().tier, story.row().vip_since) == ("gold", first)
    story.cancel("2024-07-01", "o1")
    story.tick("2024-09-01")
    assert (story.row().tier, story.row().vip_since) == (None, None)
    story.order("2024-10-01", "1000.00", "o3")
    assert (story.row().tier, story.row().vip_since) == ("gold", story.at("2024-10-01"))


def test_a_fall_waits_while_sources_are_behind_t_12() -> None:
    """The order that recovers the tier is in a queue while the grace period runs out."""
    story = veteran("1000.00")
    story.refund("2024-01-10", "500.00")
    assert none_of(story.tick("2024-02-15", behind_s=500_000), TierChanged)
    story.order("2024-02-01", "500.00", "o2")
    story.tick("2024-02-16")
    assert (story.row().tier, len(story.decided(TierChanged))) == ("gold", 1)


def test_a_fall_that_waited_happens_when_sources_caught_up() -> None:
    story = veteran("1000.00")
    story.refund("2024-01-10", "500.00")
    story.tick("2024-02-15", behind_s=61)
    changed = only(story.tick("2024-02-15 00:01", behind_s=60), TierChanged)
    assert (changed.reason, changed.decided_at) == ("downgrade", story.at("2024-02-15 00:01"))
    assert changed.cause.endswith(str(story.at("2024-02-10")))


def test_a_new_policy_lifts_at_once_d5_d8() -> None:
    story = veteran("1000.00")
    cheaper = policy_with({"version": "cheaper"})
    cheaper["tiers"][1]["lifetime_value_minor"] = 100_000
    changed = only(story.activate(cheaper, "2024-02-01"), TierChanged)
    assert (changed.to_tier, changed.policy_version) == ("platinum", "cheaper")


def test_a_tier_that_the_new_policy_lacks_is_left_at_once_for_one_that_is_deserved() -> None:
    story = veteran("1000.00")
    nobody = {"returns": {"rights": {"tiers": {}}}, "routing": {"tiers": {}}, "benefits": {"tiers": {}}, "labels": {}}
    nobody |= {"early_access": {}, "recovery": {"amends": {"tiers": {}}, "caps": {"tiers": {}}}}
    renamed = policy_with({"version": "renamed"} | nobody)
    renamed["tiers"][0]["name"] = "amber"
    changed = only(story.activate(renamed, "2024-02-01"), TierChanged)
    assert (changed.from_tier, changed.to_tier, changed.vip_since) == ("gold", "amber", story.at("2024-01-01"))


def test_the_profile_shows_the_path_to_the_next_tier_r_tier_20() -> None:
    story = Story()
    seen = only(story.order("2024-03-01", "900.00"), CustomerProfile)
    assert (seen.next_tier, seen.missing_value_minor, seen.tenure_suffices_at) == (
        "gold",
        10_000,
        story.at("2025-03-01"),
    )
    seen = only(story.order("2024-03-02", "9000.00", "o2"), CustomerProfile)
    assert (seen.next_tier, seen.missing_value_minor) == ("gold", 0)
    for day, ahead in (("2025-03-01", "platinum"), ("2026-03-01", "diamond"), ("2027-03-01", None)):
        assert only(story.tick(day), CustomerProfile).next_tier == ahead
    assert story.profiles["ada"].missing_value_minor is None
    assert story.profiles["ada"].tenure_suffices_at is None


def test_many_anniversaries_on_one_day_all_come_t_11() -> None:
    story = Story()
    for n in range(UNITS_PER_RECORD * 2 + 1):
        story.order("2023-01-01", "1000.00", customer=f"c{n}")
    story.tick("2024-01-01")
    assert len(story.decided(TierChanged)) == UNITS_PER_RECORD * 2 + 1
