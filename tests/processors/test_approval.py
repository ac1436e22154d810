"""Automatic qualification: on or off, and with a person's approval before it takes effect (R-TIER-08, R-TIER-10, R-UI-06)."""

from typing import Any

import pytest

from processors.tiers import qualify
from schemas.decisions import CommandAnswered, QualificationProposed, TierChanged
from tests.processors.story import Story, none_of, only
from tests.processors.test_subscriptions import parse_policy


def veteran(approval: str = "every_rise", goods: str = "1000.00", **policy: Any) -> Story:
    """A customer of ten years who qualifies by an order at the start of 2024."""
    story = Story({"automatic": {"approval": approval}} | policy)
    story.register("2014-01-01")
    story.order("2024-01-01", goods, event="bought")
    return story


def holding(conditions: Any, tier: str) -> dict[str, bool]:
    return {each.name: each.holds for each in conditions if each.of == tier}


def test_a_rise_is_proposed_and_takes_effect_when_a_person_approves_r_tier_10() -> None:
    story = veteran()
    assert story.row().tier is None
    proposed = only(story.effects, QualificationProposed)
    assert (proposed.tier, proposed.from_tier, proposed.cause) == ("gold", None, "orders/bought")
    assert holding(proposed.conditions, "gold") == {
        "lifetime_value_minor": True, "tenure_12_months_on": True, "approval": False,
    }  # fmt: skip
    assert story.profiles["ada"].proposed_tier == "gold"
    effects = story.review("2024-02-01", "gold", event="yes")
    changed = only(effects, TierChanged)
    assert (changed.to_tier, changed.reason, changed.vip_since) == ("gold", "upgrade", story.at("2024-02-01"))
    (word,) = [each for each in changed.conditions if each.name == "approval" and each.of == "gold"]
    assert (word.value, word.moved_by) == ("approved", "operations/yes")
    assert story.profiles["ada"].proposed_tier is None


def test_it_is_proposed_once_whatever_happens_meanwhile() -> None:
    story = veteran()
    story.order("2024-01-02", "10.00", "o2")
    story.contact("2024-01-03")
    story.tick("2024-06-01")
    assert len(story.decided(QualificationProposed)) == 1


def test_time_alone_leads_to_a_proposal_once_and_nothing_runs_in_circles_t_11() -> None:
    story = Story({"automatic": {"approval": "every_rise"}})
    story.order("2023-01-01", "3000.00")
    assert none_of(story.tick("2023-12-31 23:59"), QualificationProposed)
    assert only(story.tick("2024-01-01"), QualificationProposed).tier == "gold"
    story.tick("2024-06-01")
    assert only(story.tick("2025-01-01"), QualificationProposed).tier == "platinum"
    assert none_of(story.tick("2030-01-01"), QualificationProposed)


def test_a_refusal_stands_until_the_facts_lead_to_another_tier() -> None:
    story = veteran()
    effects = story.review("2024-02-01", "gold", "refused")
    assert only(effects, CommandAnswered).verdict == "accepted"
    assert none_of(effects, TierChanged)
    story.refund("2024-02-02", "1.00", event="down")
    assert none_of(story.order("2024-02-03", "1.00", "o2"), QualificationProposed), "below and back is nothing new"
    assert only(story.order("2024-02-04", "1500.00", "o3"), QualificationProposed).tier == "platinum"
    assert only(story.review("2024-02-05", "platinum"), TierChanged).to_tier == "platinum"


def test_after_a_refusal_of_a_higher_tier_a_lower_one_is_another_tier() -> None:
    story = veteran(goods="3000.00")
    story.review("2024-02-01", "platinum", "refused")
    assert only(story.refund("2024-02-02", "1000.00"), QualificationProposed).tier == "gold"


def test_a_refused_one_can_be_approved_later() -> None:
    story = veteran()
    story.review("2024-02-01", "gold", "refused")
    assert only(story.review("2024-03-01", "gold"), TierChanged).to_tier == "gold"


def test_a_refusal_holds_when_the_policy_asks_nobody_any_more_t_42() -> None:
    story = veteran()
    story.review("2024-02-01", "gold", "refused")
    story.activate(story.document | {"version": "v2", "automatic": {"approval": "none"}}, "2024-02-02")
    assert none_of(story.order("2024-02-03", "1.00", "o2"), TierChanged)
    assert only(story.order("2024-02-04", "1500.00", "o3"), TierChanged).to_tier == "platinum"


def test_who_waits_rises_when_the_policy_asks_nobody_any_more() -> None:
    story = veteran()
    nobody_asked = story.document | {"version": "v2", "automatic": {"approval": "none"}}
    assert only(story.activate(nobody_asked, "2024-02-02"), TierChanged).to_tier == "gold"


def test_only_the_first_grant_is_approved_where_the_policy_says_so() -> None:
    story = veteran("first_grant")
    assert story.row().tier is None
    story.review("2024-01-02", "gold")
    assert only(story.order("2024-01-03", "1500.00", "o2"), TierChanged).to_tier == "platinum"
    assert len(story.decided(QualificationProposed)) == 1


def test_a_proposal_falls_when_the_facts_lead_there_no_more() -> None:
    story = veteran()
    story.refund("2024-01-02", "1.00")
    assert story.profiles["ada"].proposed_tier is None
    effects = story.review("2024-01-03", "gold")
    (failed,) = [each.name for each in only(effects, CommandAnswered).conditions if not each.holds]
    assert (failed, story.row().tier) == ("tier_to_review", None)
    assert only(story.order("2024-01-04", "1.00", "o2"), QualificationProposed).tier == "gold"


def test_one_that_qualifies_for_more_meanwhile_is_not_approved_for_less() -> None:
    story = veteran()
    assert only(story.order("2024-01-02", "1500.00", "o2"), QualificationProposed).tier == "platinum"
    assert only(story.review("2024-01-03", "gold"), CommandAnswered).verdict == "refused"
    assert only(story.review("2024-01-04", "platinum"), TierChanged).to_tier == "platinum"


def test_what_rules_gave_already_is_not_reviewed() -> None:
    story = veteran("none")
    assert story.row().tier == "gold"
    assert only(story.review("2024-01-03", "gold", "refused"), CommandAnswered).verdict == "refused"
    assert story.row().tier == "gold"


def test_a_fall_needs_no_approval_c_07() -> None:
    story = veteran(grace_days=0)
    story.review("2024-01-02", "gold")
    story.refund("2024-01-03", "900.00")
    assert only(story.tick("2024-01-04"), TierChanged).to_tier is None


def test_an_approval_needs_the_right_r_man_05() -> None:
    story = veteran()
    assert only(story.review("2024-01-03", "gold", role="agent"), CommandAnswered).verdict == "refused"
    assert story.row().tier is None


# Off


def test_customer_qualified_but_not_auto_added_says_why_r_tier_08_r_ui_06() -> None:
    story = veteran("none", automatic={"enabled": False})
    assert story.row().tier is None
    assert story.decided(QualificationProposed) == []
    found = qualify(story.row(), parse_policy(story), story.at("2024-02-01"))
    assert found.tier is None
    assert holding(found.conditions, "gold") == {
        "lifetime_value_minor": True, "tenure_12_months_on": True, "automatic_rules": False,
    }  # fmt: skip
    assert only(story.designate("2024-02-02", "gold"), TierChanged).to_tier == "gold", "manually add customer"


def test_off_nobody_falls_by_rules_but_by_leaving_r_tier_15() -> None:
    story = veteran("none", grace_days=5)
    story.subscribe("2024-01-02")
    story.activate(story.document | {"version": "off", "automatic": {"enabled": False}}, "2024-01-03")
    story.refund("2024-01-04", "900.00")
    assert none_of(story.tick("2024-03-01"), TierChanged)
    story.leave("2024-03-02")
    assert only(story.tick("2024-06-01"), TierChanged).reason == "cancelled"


def test_off_while_a_grace_period_runs_ends_it() -> None:
    story = veteran("none", grace_days=5)
    story.refund("2024-01-04", "900.00")
    story.activate(story.document | {"version": "off", "automatic": {"enabled": False}}, "2024-01-05")
    assert none_of(story.tick("2024-03-01"), TierChanged)
    assert story.row().falls_at is None


def test_off_time_alone_lifts_nobody() -> None:
    story = Story({"automatic": {"enabled": False}})
    story.order("2023-01-01", "3000.00")
    assert none_of(story.tick("2026-01-01"), TierChanged)


@pytest.mark.parametrize("approval", ["every_rise", "first_grant"])
def test_nothing_is_proposed_while_a_removal_keeps_rules_away_t_42(approval: str) -> None:
    story = veteran(approval)
    story.review("2024-01-02", "gold")
    story.undesignate("2024-01-03", None, None)
    assert none_of(story.order("2024-01-04", "4000.00", "o2"), QualificationProposed)
    effects = story.tick("2025-01-04")
    assert only(effects, QualificationProposed).tier == "diamond"
