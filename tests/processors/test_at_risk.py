"""VIPs who fell silent: day 46, once a silence, re-armed, retracted, held."""

import pytest

from processors.episodes import open_alert
from schemas.decisions import AtRiskRaised, AtRiskRetracted, TierChanged
from tests.processors.story import Story, none_of, only, policy_with

DAY_46 = "2024-02-16"
"""The forty-sixth day after 1 January 2024."""


def vip(first_order: str = "2024-01-01 18:00", policy: dict[str, object] | None = None) -> Story:
    story = Story(policy)
    story.register("2014-01-01")
    story.order(first_order, "1000.00")
    return story


def test_more_than_45_days_starts_on_day_46_t_39_r_risk_01() -> None:
    story = vip()
    assert none_of(story.tick("2024-02-15 23:59"), AtRiskRaised)
    alert = only(story.tick(DAY_46), AtRiskRaised)
    assert (alert.tier, alert.silent_days, alert.last_order_at) == ("gold", 46, story.at("2024-01-01 18:00"))
    (silence,) = alert.conditions
    assert (silence.value, silence.operator, silence.threshold, silence.holds) == (46, ">", 45, True)
    assert story.profiles["ada"].at_risk


def test_days_are_local_days_t_39() -> None:
    story = vip("2024-01-01 23:30", {"time_zone": "America/New_York"})
    assert none_of(story.tick("2024-02-15 23:59"), AtRiskRaised)
    assert not none_of(story.tick(DAY_46), AtRiskRaised)


def test_one_alert_for_each_silence_t_39() -> None:
    story = vip()
    for day in (DAY_46, "2024-02-17", "2024-12-31"):
        story.tick(day)
    story.contact("2025-01-01")
    assert len(story.decided(AtRiskRaised)) == 1


def test_the_next_order_ends_the_episode_and_arms_the_next_t_39() -> None:
    story = vip()
    story.tick(DAY_46)
    assert none_of(story.order("2024-03-01", "1.00", "o2"), AtRiskRetracted)
    assert not story.profiles["ada"].at_risk
    assert none_of(story.tick("2024-04-15 23:59"), AtRiskRaised)
    assert only(story.tick("2024-04-16"), AtRiskRaised).last_order_at == story.at("2024-03-01")


def test_an_order_in_time_means_no_alert_t_39() -> None:
    story = vip()
    story.order("2024-02-15 23:59", "1.00", "o2")
    assert none_of(story.tick("2024-03-31 23:59"), AtRiskRaised)
    assert not none_of(story.tick("2024-04-01"), AtRiskRaised)


def test_a_late_order_retracts_the_alert_that_it_disproves_t_39_t_18() -> None:
    story = vip()
    alert = only(story.tick(DAY_46), AtRiskRaised)
    retraction = only(story.order("2024-02-10", "1.00", "late"), AtRiskRetracted)
    assert (retraction.retracts, retraction.order_id) == (alert.decision_id, "late")
    assert [each.holds for each in retraction.conditions] == [False]
    assert not story.profiles["ada"].at_risk
    assert only(story.tick("2024-03-27"), AtRiskRaised).last_order_at == story.at("2024-02-10")


def test_a_late_order_from_before_the_silence_changes_nothing_t_39() -> None:
    story = vip()
    story.tick(DAY_46)
    assert none_of(story.order("2023-12-24", "1.00", "late"), AtRiskRetracted)
    assert open_alert(story.row().alert)


def test_a_late_order_from_before_the_silence_changes_nothing_under_a_new_policy_either_t_39() -> None:
    """By the new policy's measure that order would not have been too long ago; but it is not the one that counts."""
    story = vip()
    story.tick(DAY_46)
    story.activate(policy_with({"version": "patient", "at_risk": {"silent_days": 90}}), DAY_46)
    assert none_of(story.order("2023-12-24", "1.00", "late"), AtRiskRetracted)


def test_a_late_order_retracts_and_a_new_silence_alerts_at_once_t_39() -> None:
    """By 1 June the silence after the late order is too long as well."""
    story = vip()
    story.tick("2024-06-01")
    effects = story.order("2024-02-10", "1.00", "late")
    only(effects, AtRiskRetracted)
    assert only(effects, AtRiskRaised).last_order_at == story.at("2024-02-10")


def test_a_late_order_that_leaves_the_silence_too_long_retracts_nothing_t_39() -> None:
    """VIP status came after months of silence: one order early in it does not disprove the alert."""
    story = Story()
    story.order("2023-06-01", "1000.00")
    alert = only(story.tick("2024-06-01") + story.tick("2024-06-01 00:01"), AtRiskRaised)
    assert alert.silent_days == 366
    assert none_of(story.order("2024-01-10", "1.00", "late"), AtRiskRetracted)
    assert open_alert(story.row().alert)
    assert only(story.order("2024-05-20", "1.00", "later"), AtRiskRetracted).retracts == alert.decision_id


def test_an_order_after_the_alert_only_ends_it_even_if_it_comes_late() -> None:
    story = vip()
    story.tick("2024-03-01")
    assert none_of(story.order("2024-02-16", "1.00", "late"), AtRiskRetracted)
    assert open_alert(story.row().alert) is None


def test_who_is_no_vip_has_no_alert_r_risk_01() -> None:
    story = Story()
    story.order("2024-01-01", "10.00")
    story.tick("2024-06-01")
    assert story.decided(AtRiskRaised) == []


def test_who_becomes_a_vip_in_silence_is_alerted_at_once_r_risk_01() -> None:
    story = Story()
    story.order("2023-01-01", "1000.00")
    effects = story.tick("2024-01-01")
    assert only(effects, TierChanged).to_tier == "gold"
    assert only(effects, AtRiskRaised).silent_days == 365


def test_losing_vip_status_closes_the_episode_r_risk_01() -> None:
    story = vip()
    story.tick(DAY_46)
    story.refund("2024-02-17", "1000.00")
    story.tick("2024-03-19")
    assert story.row().tier is None
    assert open_alert(story.row().alert) is None
    assert not story.profiles["ada"].at_risk
    story.tick("2024-12-31")
    assert len(story.decided(AtRiskRaised)) == 1


def test_alerts_wait_while_sources_are_behind_t_39_t_52() -> None:
    """An outage must not raise alerts before the queued orders arrive (D4)."""
    story = vip()
    assert none_of(story.tick(DAY_46, behind_s=7200), AtRiskRaised)
    assert none_of(story.tick("2024-02-16 06:00", behind_s=7200), AtRiskRaised)
    story.order("2024-02-14", "1.00", "queued")
    assert none_of(story.tick("2024-02-16 07:00"), AtRiskRaised)


def test_alerts_that_waited_come_when_sources_caught_up() -> None:
    story = vip()
    story.tick(DAY_46, behind_s=7200)
    alert = only(story.tick("2024-02-16 07:00"), AtRiskRaised)
    assert (alert.silent_days, alert.decided_at) == (46, story.at("2024-02-16 07:00"))


@pytest.mark.parametrize("ticks", [[DAY_46], ["2024-02-20"], ["2024-01-20", "2024-02-15", "2024-02-17 03:00"]])
def test_the_granularity_of_ticks_does_not_show_in_state_t_21(ticks: list[str]) -> None:
    story = vip()
    for tick in ticks:
        story.tick(tick)
    assert open_alert(story.row().alert)
    assert story.row().alert.at == story.at(DAY_46)


def test_a_cancelled_order_broke_the_silence_all_the_same() -> None:
    story = vip()
    story.order("2024-02-10", "1.00", "o2")
    story.cancel("2024-02-11", "o2")
    assert none_of(story.tick(DAY_46), AtRiskRaised)
    assert not none_of(story.tick("2024-03-27"), AtRiskRaised)
