"""Designation by people: add, edit, extend, end, remove, expire; who may; two who edit at once; what it does to the tier."""

from typing import Any

import pytest

from processors.designation import ENDED
from schemas import commands as c
from schemas.decisions import CommandAnswered, DesignationReached, TierChanged
from schemas.profiles import CustomerProfile
from tests.processors.story import Story, none_of, only


def answer(effects: Any) -> CommandAnswered:
    return only(effects, CommandAnswered)


def refused(effects: Any) -> list[str]:
    """Nothing was done, and these conditions say why."""
    told = answer(effects)
    assert told.verdict == "refused"
    assert none_of(effects, TierChanged)
    return [each.name for each in told.conditions if not each.holds]


def newcomer(policy: dict[str, object] | None = None) -> Story:
    """Half a year a customer, and far from Gold: a stage for a designation (C-03)."""
    story = Story(policy)
    story.register("2024-01-01")
    story.order("2024-06-01", "300.00")
    assert story.row().tier is None
    return story


def gold(policy: dict[str, object] | None = None) -> Story:
    """A customer of ten years whom rules made Gold at the start of 2024."""
    story = Story(policy)
    story.register("2014-01-01")
    story.order("2024-01-01", "1000.00")
    assert story.row().tier == "gold"
    return story


# Adding


def test_a_manager_makes_somebody_a_vip_before_a_year_has_passed_r_man_01_c_03() -> None:
    story = newcomer()
    effects = story.designate("2024-06-10 09:00", "platinum", event="c1", reason="influencer", author_id="mia")
    told = answer(effects)
    assert (told.verdict, told.command, told.event_id) == ("accepted", "DesignationAdded", "c1")
    assert (told.designation_id, told.designation_version, told.author_id, told.role) == ("d1", 1, "mia", "manager")
    changed = only(effects, TierChanged)
    assert (changed.from_tier, changed.to_tier, changed.reason) == (None, "platinum", "designated")
    assert changed.vip_since == story.at("2024-06-10 09:00")
    assert changed.cause == told.cause == "operations/c1"
    assert [each.sequence for each in (told, changed)] == [1, 2]
    given = {each.name: each for each in changed.conditions if each.of == "designation"}
    assert given["tier_designated"].value == "platinum"
    assert given["designated_until_at"].moved_by == "operations/c1"
    assert all(each.holds for each in given.values())


def test_the_profile_says_what_stands_until_when_and_what_an_edit_must_have_seen() -> None:
    story = newcomer()
    story.designate("2024-06-10", "gold", ends_at="2024-12-01")
    profile = story.profiles["ada"]
    assert (profile.designation_id, profile.designation_version, profile.designation_tier) == ("d1", 1, "gold")
    assert (profile.designation_state, profile.designation_ends_at) == ("active", story.at("2024-12-01"))


def test_a_start_in_the_future_is_kept_by_time_alone() -> None:
    story = newcomer()
    assert none_of(story.designate("2024-06-10", "gold", starts_at="2024-07-01"), TierChanged)
    assert story.profiles["ada"].designation_state == "scheduled"
    assert none_of(story.tick("2024-06-30 23:59"), TierChanged)
    effects = story.tick("2024-07-01")
    assert only(effects, DesignationReached).stage == "active"
    changed = only(effects, TierChanged)
    assert (changed.to_tier, changed.reason, changed.vip_since) == ("gold", "designated", story.at("2024-07-01"))


def test_a_start_in_the_past_is_when_the_status_was_granted_r_cust_04() -> None:
    story = newcomer()
    changed = only(story.designate("2024-06-10", "gold", starts_at="2024-06-03"), TierChanged)
    assert changed.vip_since == story.at("2024-06-03")


def test_vip_since_is_kept_when_a_person_lifts_a_vip_c_11_t_24() -> None:
    story = gold()
    changed = only(story.designate("2024-06-01", "diamond"), TierChanged)
    assert (changed.from_tier, changed.to_tier, changed.vip_since) == ("gold", "diamond", story.at("2024-01-01"))


def test_one_customer_has_one_designation_at_a_time() -> None:
    story = newcomer()
    story.designate("2024-06-10", "gold", event="first")
    assert refused(story.designate("2024-06-11", "platinum", "d2")) == ["designation"]
    (why,) = [each for each in story.decided(CommandAnswered)[-1].conditions if not each.holds]
    assert (why.value, why.threshold, why.moved_by) == ("d1", "none", "operations/first")
    assert story.row().tier == "gold"


def test_a_designation_below_what_rules_give_is_no_loss() -> None:
    story = gold()
    story.order("2024-01-02", "4000.00", "o2")
    assert none_of(story.designate("2024-06-01", "gold"), TierChanged)
    assert story.row().tier == "diamond"


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"tier": "ruby"}, ["tier_designated"]),
        ({"reason": "sympathy"}, ["reason"]),
        ({"benefits": ("free_car",)}, ["benefit"]),
        ({"without": ("free_car",)}, ["benefit"]),
        ({"ends_at": "2024-06-10"}, ["ends_at"]),
        ({"starts_at": "2024-07-01", "ends_at": "2024-06-30"}, ["ends_at"]),
        ({"review_at": "2024-06-10"}, ["review_at"]),
        ({"role": "agent"}, ["role"]),
        ({"role": "owner", "tier": "ruby"}, ["role", "tier_designated"]),
    ],
)
def test_what_cannot_be_is_refused_with_every_reason_r_man_04_r_man_10(given: dict[str, Any], why: list[str]) -> None:
    story = newcomer()
    assert refused(story.designate("2024-06-10", **given)) == why
    assert story.row().tier is None
    assert story.row().people.designation is None


def test_an_id_of_a_designation_that_is_over_is_not_used_again_t_15() -> None:
    story = newcomer()
    story.designate("2024-06-10", ends_at="2024-06-20")
    story.tick("2024-06-20")
    assert refused(story.designate("2024-06-21", event="again")) == ["id_used_before"]
    assert answer(story.designate("2024-06-22", designation="d2")).verdict == "accepted"


# Nobody stays a VIP by accident (T-42)


def test_an_end_is_kept_to_the_millisecond_without_grace_r_tier_17_t_42() -> None:
    story = newcomer()
    story.designate("2024-06-10", "gold", ends_at="2024-09-01")
    assert none_of(story.tick("2024-08-31 23:59"), TierChanged)
    effects = story.tick("2024-09-01")
    assert only(effects, DesignationReached).stage == "expired"
    changed = only(effects, TierChanged)
    assert (changed.from_tier, changed.to_tier, changed.reason, changed.vip_since) == ("gold", None, "expired", None)
    assert ("designated_until_at", False) in [(each.name, each.holds) for each in changed.conditions]
    assert story.profiles["ada"].designation_id is None
    ended = story.rows.get(ENDED, "ada", "d1")
    assert ended is not None
    assert (ended.designation.state, ended.author_id) == ("expired", None)


def test_at_its_end_the_tier_of_the_rules_holds_which_they_gave_meanwhile() -> None:
    story = gold()
    story.designate("2024-02-01", "diamond", ends_at="2024-09-01")
    assert none_of(story.order("2024-03-01", "1500.00", "o2"), TierChanged), "platinum by rules, diamond by a person"
    changed = only(story.tick("2024-09-01"), TierChanged)
    assert (changed.from_tier, changed.to_tier, changed.reason) == ("diamond", "platinum", "expired")
    assert changed.vip_since == story.at("2024-01-01")


def test_rules_lift_above_a_designation_and_say_so_t_42() -> None:
    story = gold()
    story.designate("2024-02-01", "platinum")
    changed = only(story.order("2024-03-01", "4000.00", "o2"), TierChanged)
    assert (changed.from_tier, changed.to_tier, changed.reason) == ("platinum", "diamond", "upgrade")
    assert "designation" in {each.of for each in changed.conditions}


def test_a_drop_of_the_rules_below_a_designation_is_not_felt_before_its_end_t_42_c_07() -> None:
    story = gold()
    story.designate("2024-02-01", "gold", ends_at="2024-09-01")
    story.refund("2024-03-01", "900.00")
    assert none_of(story.tick("2024-05-01"), TierChanged), "the grace is over, and a person's word holds"
    assert only(story.tick("2024-09-01"), TierChanged).to_tier is None


def test_rules_give_less_at_the_end_also_while_their_grace_runs_c_07() -> None:
    story = gold()
    story.designate("2024-02-01", "diamond", ends_at="2024-03-10")
    story.refund("2024-03-01", "900.00")
    assert only(story.tick("2024-03-10"), TierChanged).to_tier == "gold"
    assert only(story.tick("2024-04-01"), TierChanged).to_tier is None


def test_a_grace_that_runs_when_a_person_gives_a_tier_goes_on_beneath_it_c_07() -> None:
    story = gold()
    story.refund("2024-03-01", "900.00")
    story.designate("2024-03-05", "diamond", ends_at="2024-03-10")
    assert only(story.tick("2024-03-10"), TierChanged).to_tier == "gold"
    assert none_of(story.tick("2024-03-31 23:59"), TierChanged)
    assert only(story.tick("2024-04-01"), TierChanged).reason == "downgrade"


def test_without_end_or_review_date_it_is_reviewed_after_a_year_and_expires_unreviewed_t_42() -> None:
    story = newcomer()
    story.designate("2024-06-10 12:00", "gold")
    assert story.local(story.profiles["ada"].designation_ends_at or 0) == "2025-07-12"
    assert none_of(story.tick("2025-06-10 23:59"), DesignationReached)
    due = only(story.tick("2025-06-11"), DesignationReached)
    assert (due.stage, story.local(due.ends_at)) == ("review_due", "2025-07-12")
    assert story.profiles["ada"].designation_state == "review_due"
    assert none_of(story.tick("2025-07-11 23:59"), TierChanged)
    assert only(story.tick("2025-07-12"), TierChanged).reason == "expired"


def test_an_edit_is_a_review_t_42() -> None:
    story = newcomer()
    story.designate("2024-06-10", "gold", review_at="2024-07-01")
    assert only(story.tick("2024-07-02"), DesignationReached).stage == "review_due"
    story.redesignate("2024-07-03", 1, "gold")
    assert story.profiles["ada"].designation_state == "active"
    assert none_of(story.tick("2025-06-01"), TierChanged)


def test_expiry_waits_while_sources_are_behind_an_extension_may_be_among_what_waits_d4() -> None:
    story = newcomer()
    story.designate("2024-06-10", "gold", ends_at="2024-09-01")
    assert none_of(story.tick("2024-09-02", behind_s=3600), TierChanged)
    story.keeps_time = False
    assert answer(story.redesignate("2024-08-31", 1, "gold", ends_at="2025-01-01")).verdict == "accepted"
    assert none_of(story.tick("2024-09-03"), TierChanged)
    assert story.row().tier == "gold"


# Editing


def test_the_tier_is_changed_up_and_down_at_once_r_man_02() -> None:
    story = newcomer()
    story.designate("2024-06-10", "gold")
    up = only(story.redesignate("2024-06-11", 1, "diamond"), TierChanged)
    assert (up.to_tier, up.reason) == ("diamond", "designated")
    down = only(story.redesignate("2024-06-12", 2, "platinum"), TierChanged)
    assert (down.to_tier, down.reason, down.vip_since) == ("platinum", "designated", story.at("2024-06-10"))
    assert story.profiles["ada"].designation_version == 3


def test_it_is_extended_r_tier_17() -> None:
    story = newcomer()
    story.designate("2024-06-10", "gold", ends_at="2024-09-01")
    told = answer(story.redesignate("2024-08-01", 1, "gold", ends_at="2024-12-01"))
    assert (told.verdict, told.designation_version) == ("accepted", 2)
    assert none_of(story.tick("2024-11-30 23:59"), TierChanged)
    assert only(story.tick("2024-12-01"), TierChanged).reason == "expired"


def test_it_is_shortened_and_the_timer_comes_earlier() -> None:
    story = newcomer()
    story.designate("2024-06-10", "gold", ends_at="2024-12-01")
    story.redesignate("2024-06-11", 1, "gold", ends_at="2024-07-01")
    assert only(story.tick("2024-07-01"), TierChanged).reason == "expired"


def test_an_end_that_is_not_ahead_ends_it_at_once_and_rules_hold_again() -> None:
    story = gold()
    story.designate("2024-02-01", "diamond")
    effects = story.redesignate("2024-03-01", 1, "diamond", ends_at="2024-03-01", event="end")
    assert (answer(effects).verdict, answer(effects).designation_id) == ("accepted", None)
    changed = only(effects, TierChanged)
    assert (changed.to_tier, changed.reason) == ("gold", "expired")
    ended = story.rows.get(ENDED, "ada", "d1")
    assert ended is not None
    assert (ended.designation.state, ended.author_id, ended.cause) == ("ended", "mia", "operations/end")
    assert not story.profiles["ada"].automatic_blocked


def test_of_two_who_edit_at_once_the_second_is_refused_and_told_of_the_first_t_52() -> None:
    story = newcomer()
    story.designate("2024-06-10", "gold")
    assert answer(story.redesignate("2024-06-11", 1, "platinum", author_id="mia", event="mias")).verdict == "accepted"
    effects = story.redesignate("2024-06-11", 1, "diamond", author_id="tom")
    assert refused(effects) == ["seen_version"]
    (why,) = [each for each in answer(effects).conditions if not each.holds]
    assert (why.value, why.threshold, why.moved_by) == (1, 2, "operations/mias")
    assert answer(effects).designation_version == 2
    assert story.row().tier == "platinum"


def test_an_edit_of_what_is_not_there_is_refused() -> None:
    story = newcomer()
    assert refused(story.redesignate("2024-06-11", 1)) == ["designation"]
    story.designate("2024-06-12")
    assert refused(story.redesignate("2024-06-13", 1, designation="d7")) == ["designation"]


# Removing


def test_a_removal_takes_the_status_the_customer_stays_and_the_next_order_does_not_undo_it_t_42_r_man_03() -> None:
    story = gold()
    story.designate("2024-02-01", "diamond")
    effects = story.undesignate("2024-03-01", reason="policy_violation", event="out")
    assert answer(effects).verdict == "accepted"
    changed = only(effects, TierChanged)
    assert (changed.from_tier, changed.to_tier, changed.reason) == ("diamond", None, "removed")
    blocked = [each for each in changed.conditions if each.name == "automatic_again_at"]
    assert [(each.of, each.holds, each.moved_by) for each in blocked] == [
        (tier, False, "operations/out") for tier in ("gold", "platinum", "diamond")
    ]
    assert none_of(story.order("2024-03-02", "9000.00", "o2"), TierChanged)
    assert story.row().value_minor == 1_000_000
    profile = story.profiles["ada"]
    assert (profile.tier, profile.automatic_blocked, profile.designation_id) == (None, True, None)
    assert story.local(profile.automatic_again_at or 0) == "2025-03-02"


def test_a_tier_that_rules_gave_is_removed_without_a_designation() -> None:
    story = gold()
    effects = story.undesignate("2024-03-01", None, None, reason="moved_to_competitor")
    assert only(effects, TierChanged).reason == "removed"


def test_after_the_policys_days_rules_lift_again_by_time_alone_t_42() -> None:
    story = gold({"designations": {"automatic_again_days": 10}})
    story.undesignate("2024-03-01 15:00", None, None)
    assert none_of(story.tick("2024-03-11 23:59"), TierChanged)
    changed = only(story.tick("2024-03-12"), TierChanged)
    assert (changed.to_tier, changed.reason, changed.vip_since) == ("gold", "upgrade", story.at("2024-03-12"))
    assert not story.profiles["ada"].automatic_blocked


def test_or_only_a_person_allows_it_again_t_42() -> None:
    story = gold({"designations": {"automatic_again_days": None}})
    story.undesignate("2024-03-01", None, None)
    assert none_of(story.tick("2034-03-01"), TierChanged)
    assert (story.profiles["ada"].automatic_blocked, story.profiles["ada"].automatic_again_at) == (True, None)
    changed = only(story.review("2034-03-02", "gold"), TierChanged)
    assert changed.to_tier == "gold"
    assert not story.profiles["ada"].automatic_blocked


def test_a_new_designation_allows_it_again_t_42() -> None:
    story = gold()
    story.undesignate("2024-03-01", None, None)
    assert only(story.designate("2024-03-05", "gold", ends_at="2024-03-20"), TierChanged).to_tier == "gold"
    story.order("2024-03-06", "9000.00", "o2")
    assert story.row().tier == "diamond"


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"role": "agent"}, ["role"]),
        ({"reason": "bad_mood"}, ["reason"]),
        ({"confirmed_at": "2024-03-01 00:01"}, ["confirmed_at"]),
        ({"seen": 2}, ["seen_version"]),
        ({"seen": None, "designation": None}, ["designation", "seen_version"]),
        ({"designation": "d9"}, ["designation"]),
    ],
)
def test_cannot_remove_vip_status_says_why_r_man_04_r_ui_06(given: dict[str, Any], why: list[str]) -> None:
    story = gold()
    story.designate("2024-02-01", "diamond")
    assert refused(story.undesignate("2024-03-01", **given)) == why
    assert story.row().tier == "diamond"


def test_who_is_no_vip_cannot_lose_it() -> None:
    assert refused(newcomer().undesignate("2024-07-01", None, None)) == ["vip"]


def test_of_two_who_remove_at_once_one_does_it() -> None:
    story = gold()
    assert answer(story.undesignate("2024-03-01", None, None, author_id="mia")).verdict == "accepted"
    assert refused(story.undesignate("2024-03-01", None, None, author_id="tom")) == ["vip"]


def test_single_benefits_must_be_ended_first_r_man_04() -> None:
    story = newcomer()
    story.designate("2024-06-10", "gold", benefits=("birthday_card",))
    assert refused(story.undesignate("2024-07-01")) == ["single_benefits_in_use"]
    effects = story.undesignate("2024-07-02", benefits_end=True)
    assert answer(effects).verdict == "accepted"
    assert story.profiles["ada"].benefits == ()


def test_or_they_stay_for_the_designations_time_where_the_policy_says_so_r_man_04() -> None:
    story = newcomer({"designations": {"single_benefits": "may_stay"}})
    story.designate("2024-06-10", "gold", benefits=("birthday_card",), ends_at="2024-12-01")
    story.undesignate("2024-07-01")
    profile = story.profiles["ada"]
    assert (profile.tier, profile.benefits) == (None, ("birthday_card",))
    assert profile.benefits_kept_until == story.at("2024-12-01")
    assert only(story.tick("2024-12-01"), CustomerProfile).benefits == ()
    story.designate("2025-01-01", "gold", "d2", benefits=("birthday_card",))
    story.undesignate("2025-01-02", designation="d2", benefits_end=True)
    assert story.profiles["ada"].benefits == ()


# Permissions


@pytest.mark.parametrize(("role", "may"), [("agent", False), ("manager", True), ("administrator", True)])
def test_the_matrix_is_checked_here_and_not_only_in_a_console_c_05_t_43(role: str, may: bool) -> None:
    story = newcomer()
    assert (answer(story.designate("2024-06-10", role=role)).verdict == "accepted") is may


def test_the_role_is_judged_by_the_matrix_in_force_when_the_command_was_given_t_43() -> None:
    """Managers lost the right on 1 July; one of their commands of June comes late."""
    story = newcomer()
    story.keeps_time = False
    strict = story.document | {"version": "strict", "roles": {"administrator": ["add_designation"]}}
    story.tick("2024-07-01")
    story.activate(strict, "2024-07-01")
    assert refused(story.designate("2024-07-02", designation="d1")) == ["role"]
    assert answer(story.designate("2024-06-30", designation="d2")).verdict == "accepted"


def test_a_role_that_no_policy_names_may_nothing() -> None:
    assert refused(newcomer().designate("2024-06-10", role="intern")) == ["role"]


# Answers


def test_every_command_has_one_answer_t_15() -> None:
    story = newcomer()
    first = story.designate("2024-06-10", event="c1")
    assert len([each for each in first if isinstance(each, CommandAnswered)]) == 1
    before = story.stored()
    assert none_of(story.designate("2024-06-10", event="c1"), CommandAnswered)
    assert story.stored() == before
    story.redesignate("2024-06-11", 1, "gold", ends_at="2024-06-11", event="end")
    assert none_of(story.designate("2024-06-10", event="c1"), CommandAnswered), "also after it is over"


def test_a_refused_command_is_not_answered_twice_either() -> None:
    story = newcomer()
    assert refused(story.designate("2024-06-10", "ruby", event="c1")) == ["tier_designated"]
    assert none_of(story.designate("2024-06-10", "ruby", event="c1"), CommandAnswered)


# Leaving


def test_who_leaves_keeps_a_designation_for_ninety_days_too_r_tier_15() -> None:
    story = newcomer()
    story.subscribe("2024-06-02", "10.00")
    story.designate("2024-06-10", "gold", ends_at="2026-01-01")
    story.leave("2024-07-01")
    assert none_of(story.tick("2024-09-29 23:59"), TierChanged)
    changed = only(story.tick("2024-09-30"), TierChanged)
    assert (changed.to_tier, changed.reason) == (None, "cancelled")
    assert story.profiles["ada"].designation_state == "suspended"
    back = only(story.resume("2024-11-01"), TierChanged)
    assert (back.to_tier, back.reason) == ("gold", "designated")
    assert back.vip_since == story.at("2024-11-01"), "a later grant has a new date (C-11)"


def test_who_left_for_good_loses_it_at_once_r_tier_15() -> None:
    story = newcomer()
    story.subscribe("2024-06-02", "10.00")
    story.designate("2024-06-10", "gold")
    assert only(story.leave("2024-07-01", for_good=True), TierChanged).reason == "cancelled"
    assert story.row().tier is None
    assert refused(story.undesignate("2024-07-02", 9)) == ["seen_version"]


def test_nobody_is_designated_who_has_left_for_too_long() -> None:
    story = newcomer()
    story.subscribe("2024-06-02", "10.00")
    story.leave("2024-06-03")
    assert refused(story.designate("2024-12-01")) == ["days_cancelled"]


def test_a_designation_that_begins_after_its_customer_left_gives_nothing() -> None:
    story = newcomer()
    story.subscribe("2024-06-02", "10.00")
    story.designate("2024-06-10", "gold", starts_at="2024-12-01")
    story.leave("2024-06-11")
    assert none_of(story.tick("2024-12-02"), TierChanged)
    assert only(story.resume("2024-12-03"), TierChanged).to_tier == "gold"


# A policy that changes under it


def test_a_tier_that_the_policy_has_no_more_lifts_nobody() -> None:
    story = newcomer()
    story.designate("2024-06-10", "gold")
    without = {"version": "v2", "tiers": [tier for tier in story.document["tiers"] if tier["name"] != "gold"]}
    renamed = story.document | without
    for entries in (renamed["returns"]["rights"], renamed["routing"], renamed["benefits"]):
        entries["tiers"].pop("gold")
    renamed["labels"].pop("gold")
    renamed["early_access"].pop("gold")
    for entries in renamed["recovery"]["amends"], renamed["recovery"]["caps"]:
        entries["tiers"].pop("gold")
    changed = only(story.activate(renamed, "2024-06-11"), TierChanged)
    assert changed.to_tier is None
    assert ("tier_designated", False) in [(each.name, each.holds) for each in changed.conditions]


def test_commands_are_what_the_matrix_is_about() -> None:
    """Each command that people give of a customer is answered; those of other subjects are not here yet."""
    story = newcomer()
    told = [
        story.designate("2024-06-10"),
        story.redesignate("2024-06-11", 1),
        story.undesignate("2024-06-12", 2),
        story.review("2024-06-13", "gold"),
        story.command("2024-06-14", c.NoteAdded, kind="review"),
        story.command("2024-06-15", c.TagsChanged, added=("vegan",)),
        story.command("2024-06-16", c.LabelIconChanged, printed=False),
        story.command("2024-06-17", c.BenefitDelivered, benefit="birthday_card"),
    ]
    verdicts = [answer(each).verdict for each in told]
    assert verdicts == [*["accepted"] * 3, "refused", *["accepted"] * 4]
