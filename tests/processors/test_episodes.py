"""At-risk episodes from alert to outcome, and winning back who cancelled (R-RISK-02 to R-RISK-05, T-13, T-40)."""

from itertools import permutations
from typing import Any

import msgspec
import pytest

from processors.customer import CUSTOMERS, Customer
from processors.figures import FIGURES, Kept
from processors.partition import HERE
from schemas.decisions import (
    AtRiskClosed,
    AtRiskEscalated,
    AtRiskRaised,
    AtRiskRetracted,
    NotificationRequested,
    TierChanged,
    WinBackClosed,
    WinBackStarted,
)
from state.encoding import decode_row
from tests.processors.story import Story, none_of, only

DAY_46 = "2024-02-16"
"""The forty-sixth day after 1 January 2024."""


def silent(policy: dict[str, Any] | None = None) -> Story:
    """A Gold customer whose alert was raised on day 46."""
    story = Story(policy)
    story.register("2014-01-01")
    story.subscribe("2014-01-01", "10.00")
    story.order("2024-01-01 18:00", "1000.00")
    only(story.tick(DAY_46), AtRiskRaised)
    return story


def figures(story: Story) -> Kept:
    return story.rows.get(FIGURES, HERE) or Kept()


def test_nobody_followed_up_within_a_week_so_the_owner_is_told_once_r_risk_03() -> None:
    story = silent()
    alert = only(story.decided(), AtRiskRaised)
    assert alert.follow_up_by == story.at("2024-02-24")
    assert none_of(story.tick("2024-02-23 23:59"), AtRiskEscalated)
    escalated = only(story.tick("2024-02-24"), AtRiskEscalated)
    assert (escalated.alert_id, escalated.reason, escalated.tier) == (alert.decision_id, "overdue", "gold")
    assert [each.holds for each in escalated.conditions] == [True, False]
    assert none_of(story.reach("2024-02-25") + story.tick("2024-05-01"), AtRiskEscalated)


def test_a_call_in_time_asks_for_another_within_a_week_or_when_it_says_r_risk_02() -> None:
    story = silent()
    story.reach("2024-02-20")
    assert none_of(story.tick("2024-02-27 23:59"), AtRiskEscalated)
    story.reach("2024-02-27 12:00", again="2024-04-01")
    assert none_of(story.tick("2024-03-31 23:59"), AtRiskEscalated)
    assert only(story.tick("2024-04-01"), AtRiskEscalated).follow_up_by == story.at("2024-04-01")


@pytest.mark.parametrize("outcome", ["retained", "lost"])
def test_what_a_person_hopes_ends_the_calls_but_not_the_episode_t_40(outcome: str) -> None:
    story = silent()
    story.reach("2024-02-20", outcome)
    assert story.profiles["ada"].at_risk
    assert story.profiles["ada"].follow_up_by is None
    assert none_of(story.tick("2024-05-16 23:59"), AtRiskEscalated)
    closed = only(story.tick("2024-05-17"), AtRiskClosed)
    assert (closed.outcome, closed.said) == ("lost", outcome)


def test_a_person_asks_for_the_owner_r_risk_03() -> None:
    story = silent()
    assert only(story.reach("2024-02-20", "escalated"), AtRiskEscalated).reason == "asked"
    assert none_of(story.reach("2024-02-21", "escalated"), AtRiskEscalated)
    assert none_of(story.tick("2024-03-01"), AtRiskEscalated)


def test_outreach_before_the_alert_or_of_another_one_answers_nothing() -> None:
    story = silent()
    story.reach("2024-02-15 23:59", "retained")
    story.reach("2024-02-17", "retained", "another-alert")
    assert story.profiles["ada"].outreach is None
    story.reach("2024-02-17", "retained", only(story.decided(), AtRiskRaised).decision_id)
    assert story.profiles["ada"].outreach == "retained"


def test_the_last_outreach_counts_in_whichever_order_they_arrive_t_16() -> None:
    found = set()
    calls = [("2024-02-17", "follow_up"), ("2024-02-18", "lost"), ("2024-02-19", "retained"), ("2024-02-19", "lost")]
    for arrival in permutations(calls):
        story = silent()
        for day, outcome in (*arrival, *arrival):
            story.reach(day, outcome)
        alert = story.row().alert
        assert alert is not None
        found.add(alert.outreach)
    assert len(found) == 1


@pytest.mark.parametrize(
    ("day", "outcome"),
    [("2024-02-16 00:00", "retained"), ("2024-05-16 23:59", "retained"), ("2024-05-17 00:00", "lost")],
)
def test_an_order_within_the_horizon_retains_t_40(day: str, outcome: str) -> None:
    story = silent()
    story.reach("2024-02-17", "lost")
    assert only(story.order(day, "1.00", "o2"), AtRiskClosed).outcome == outcome if outcome == "retained" else True
    story.tick("2024-05-18")
    assert [each.outcome for each in story.decided(AtRiskClosed)] == [outcome]


def test_one_alert_a_silence_also_after_it_was_lost_t_39() -> None:
    story = silent()
    story.tick("2025-12-31")
    assert len(story.decided(AtRiskRaised)) == len(story.decided(AtRiskClosed)) == 1
    story.order("2026-01-01", "1.00", "o2")
    assert not none_of(story.tick("2026-02-16"), AtRiskRaised)


def test_a_pause_moves_the_horizon_on_and_no_silence_passes_in_it_t_14_c_06() -> None:
    story = silent()
    story.reach("2024-02-16", "retained")
    story.pause("2024-03-01")
    assert story.profiles["ada"].outcome_by is None
    assert none_of(story.tick("2025-03-01"), AtRiskClosed)
    story.resume("2025-03-01")
    assert story.profiles["ada"].outcome_by == story.at("2025-05-17")
    assert none_of(story.tick("2025-05-16 23:59"), AtRiskClosed)
    assert only(story.tick("2025-05-17"), AtRiskClosed).outcome == "lost"


def test_who_orders_while_pausing_is_retained_t_14() -> None:
    story = silent()
    story.pause("2024-03-01")
    assert only(story.order("2024-12-01", "1.00", "o2"), AtRiskClosed).outcome == "retained"


def test_who_cancels_is_lost_and_who_orders_in_time_after_all_is_not_t_18() -> None:
    story = silent()
    lost = only(story.leave("2024-03-01"), AtRiskClosed)
    assert (lost.outcome, lost.reason) == ("lost", "cancelled")
    kept = only(story.order("2024-03-02", "1.00", "o2"), AtRiskClosed)
    assert (kept.outcome, kept.supersedes, kept.replaced_outcome) == ("retained", lost.decision_id, "lost")
    assert (figures(story).retained, figures(story).lost, figures(story).open) == (1, 0, 0)


def test_who_loses_the_tier_is_lost() -> None:
    story = silent({"grace_days": 5})
    story.refund("2024-02-17", "1000.00")
    effects = story.tick("2024-02-23")
    assert only(effects, TierChanged).to_tier is None
    assert only(effects, AtRiskClosed).reason == "no_vip"


def test_the_end_of_an_episode_does_not_depend_on_which_order_arrived_first_t_16() -> None:
    """Of orders in the silence, within the horizon and after it, however they arrive and whatever was said meanwhile."""
    orders = {"a": "2024-02-10", "b": "2024-03-01", "c": "2024-03-10"}
    for told, outcome in (("ab", "retracted"), ("bc", "retained"), ("ac", "retracted"), ("c", "lost")):
        for arrival in permutations(told):
            story = silent({"at_risk": {"horizon_days": 20}})
            story.keeps_time = False
            story.tick("2024-03-12")
            for order in arrival:
                story.order(orders[order], "1.00", order)
            ends = [
                getattr(each, "outcome", "retracted")
                for each in story.decided()
                if isinstance(each, AtRiskClosed | AtRiskRetracted)
                and first_alert(story) in (getattr(each, "alert_id", None), getattr(each, "retracts", None))
            ]
            assert ends[-1] == outcome, arrival


def first_alert(story: Story) -> str:
    return story.decided(AtRiskRaised)[0].decision_id


def test_the_figure_counts_episodes_and_leaves_open_ones_out_t_40_r_risk_04() -> None:
    story = Story()
    for customer in ("kept", "gone", "late", "open"):
        story.register("2014-01-01", customer=customer)
        story.order("2024-01-01", "1000.00", customer=customer)
    story.tick(DAY_46)
    story.order("2024-02-20", "1.00", "o2", customer="kept")
    story.order("2024-02-14", "1.00", "o2", customer="late")
    story.tick("2024-05-17")
    story.order("2024-05-17", "1.00", "o3", customer="late")
    story.register("2014-01-01", customer="next")
    story.order("2024-04-03", "1000.00", customer="next")
    story.tick("2024-05-19")
    sums = figures(story)
    assert (sums.retracted, sums.retained, sums.lost) == (1, 2, 2)
    assert sums.open == len(story.decided(AtRiskRaised)) - 5 == 2


def test_a_win_back_begins_when_a_vip_cancels_and_ends_when_they_are_back_r_risk_05() -> None:
    story = silent()
    started = only(story.leave("2024-03-01 12:00"), WinBackStarted)
    assert (started.cancelled_at, started.kept_until) == (story.at("2024-03-01 12:00"), story.at("2024-05-31"))
    closed = only(story.resume("2024-05-30 23:59"), WinBackClosed)
    assert (closed.win_back_id, closed.outcome, closed.tier) == (started.decision_id, "won_back", "gold")
    assert (figures(story).cancelled, figures(story).won_back, figures(story).leaving) == (1, 1, 0)


def test_a_win_back_is_lost_with_the_tier_t_13() -> None:
    story = silent()
    story.leave("2024-03-01 12:00")
    assert none_of(story.tick("2024-05-30 23:59"), WinBackClosed)
    effects = story.tick("2024-05-31")
    assert (only(effects, TierChanged).reason, only(effects, WinBackClosed).outcome) == ("cancelled", "lost")
    assert none_of(story.resume("2024-06-01"), WinBackClosed)


def test_nobody_is_won_back_who_left_for_good_or_was_no_vip() -> None:
    story = silent()
    assert none_of(story.leave("2024-03-01", for_good=True), WinBackStarted)
    story.subscribe("2024-01-01", customer="bob")
    assert none_of(story.leave("2024-03-01", customer="bob"), WinBackStarted)


def test_a_second_cancellation_has_reminders_of_its_own_t_13() -> None:
    story = silent({"notifications": "shipped"})
    story.consent("2024-02-17")
    story.leave("2024-03-01")
    only(story.tick("2024-03-08"), NotificationRequested)
    story.resume("2024-03-09")
    story.leave("2024-03-10")
    assert none_of(story.tick("2024-03-16 23:59"), NotificationRequested)
    assert only(story.tick("2024-03-17"), NotificationRequested).notice == "benefits_waiting"


def test_no_reminder_once_they_are_back_or_gone() -> None:
    story = silent({"notifications": "shipped"})
    story.consent("2024-02-17")
    story.leave("2024-03-01")
    story.resume("2024-03-07")
    story.tick("2025-01-01")
    assert "benefits_waiting" not in {each.notice for each in story.decided(NotificationRequested)}


def test_a_reminder_comes_once_however_late_the_news_of_the_cancellation_came() -> None:
    """They cancelled fifty days ago: of days 7 and 45 only the last is worth a letter."""
    story = silent({"notifications": "shipped"})
    story.consent("2024-02-17")
    story.keeps_time = False
    story.tick("2024-04-20")
    effects = story.leave("2024-03-01") + story.tick("2024-04-21")
    reminders = [each for each in effects if isinstance(each, NotificationRequested)]
    assert [each.conditions[0].threshold for each in reminders] == [45]


def test_an_episode_of_a_row_of_version_3_goes_on_with_its_tier() -> None:
    story = silent()
    fields = msgspec.to_builtins(story.row())[: Customer.__struct_fields__.index("win_back")]
    place = Customer.__struct_fields__.index("alert")
    fields[place] = fields[place][:3]
    upgraded = decode_row(CUSTOMERS, b"\x03" + msgspec.msgpack.encode(fields))
    assert upgraded.alert == story.row().alert
    assert upgraded.membership == story.row().membership
