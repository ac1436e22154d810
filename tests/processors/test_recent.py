"""What an agent sees beside a contact: what happened lately, what is not settled, what may be granted, who answers for it (R-RTE-09)."""

from itertools import permutations

import pytest
from msgspec.structs import replace

from processors.recent import MOST, MOST_OPEN, NAMES, WHAT, Happened, happened, latest, unsettled
from schemas import commands as c
from schemas.decisions import ContactClosed, ContactRouted, OrderFlagged, ReturnDecided
from schemas.events import OrderLine
from tests.processors.story import Story, none_of, only
from tests.processors.test_cases import MONDAY, gold

RICH = [OrderLine("l1", 1, 900_000)]


def seen(routed: ContactRouted) -> list[tuple[str, str]]:
    return [(each.what, each.about) for each in routed.recent]


def open_still(routed: ContactRouted) -> list[tuple[str, str]]:
    return [(each.what, each.about) for each in routed.issues]


def calls(story: Story, date: str, case: str = "call", customer: str = "ada") -> ContactRouted:
    return only(story.contact(date, case, customer=customer), ContactRouted)


def test_the_agent_sees_what_happened_lately_the_last_of_each_thing_r_rte_09_r_rte_13() -> None:
    story = Story()
    story.order("2024-05-01", "10.00", "o1")
    story.deliver("2024-05-04", "o1")
    story.order("2024-05-05", "500.00", "o2")
    story.contact("2024-05-06", "k1")
    story.case("2024-05-07", "resolved", "k1")
    story.send_back("2024-05-08", 1, "o1", "b1")
    story.visit("2024-05-08")
    routed = calls(story, "2024-05-09")
    assert seen(routed) == [
        ("return_requested", "b1"), ("contact_resolved", "k1"), ("order_placed", "o2"), ("order_delivered", "o1"),
    ]  # fmt: skip
    assert [story.local(each.at) for each in routed.recent] == ["2024-05-08", "2024-05-07", "2024-05-05", "2024-05-04"]


def test_every_name_opens_with_what_it_is_about_and_every_event_has_that_id() -> None:
    for kind, (what, about) in WHAT.items():
        assert about in kind.__struct_fields__
        assert about.startswith(what.partition("_")[0].replace("contact", "case").replace("reward", "request"))


def test_it_does_not_matter_in_which_order_or_how_often_it_is_told_t_15_t_16() -> None:
    told = [happened("order_placed", "o1", 1), happened("order_delivered", "o1", 1), happened("contact_opened", "k1", 5),
            happened("order_cancelled", "o2", 3), happened("order_placed", "o2", 2)]  # fmt: skip
    ends = set()
    for order in permutations(told):
        known: tuple[Happened, ...] = ()
        for each in (*order, order[0]):
            known = latest((*known, each))
        ends.add(known)
    assert ends == {(told[2], told[3], told[1])}


def test_rows_have_the_places_of_names_so_these_are_for_ever() -> None:
    """Whoever adds one adds it here, at the end."""
    assert NAMES == (
        "order_placed", "order_shipped", "order_delayed", "order_failed", "order_delivered", "order_cancelled", "order_refunded",
        "return_requested", "return_received", "return_disputed", "return_settled",
        "contact_opened", "contact_resolved", "contact_reopened",
        "subscription_started", "subscription_paused", "subscription_resumed", "subscription_cancelled",
        "survey_answered", "reward_requested", "reward_fulfilled", "reward_cancelled",
    )  # fmt: skip


def test_it_is_bounded_and_so_is_the_row_d8() -> None:
    story = Story()
    for n in range(60):
        story.order(f"2024-05-01 {n // 60:02d}:{n % 60:02d}", "1.00", f"o{n:02d}")
        story.fail("2024-05-02", order=f"o{n:02d}")
    row = story.row()
    assert [each.about for each in row.recent] == [f"o{n}" for n in range(59, 59 - MOST, -1)]
    assert [each.about for each in row.unsettled] == [f"o{n}" for n in range(60 - MOST_OPEN, 60)]
    assert len(calls(story, "2024-05-03").issues) == MOST_OPEN


def test_the_agent_sees_what_is_not_settled_until_it_is_r_rte_09() -> None:
    story = Story()
    story.order("2024-05-01", "10.00", "late")
    story.order("2024-05-01 01:00", "500.00", "dear")
    story.deliver("2024-05-02", "dear")
    story.delay("2024-05-03", "2024-05-04", "2024-05-20", order="late")
    story.send_back("2024-05-04", 1, "dear", "b1")
    story.contact("2024-05-05", "k1")
    first = calls(story, "2024-05-06")
    assert open_still(first) == [("order_placed", "late"), ("return_requested", "b1"), ("contact_opened", "k1")]
    assert first.open_cases == 1
    story.case("2024-05-07", "resolved", "k1")
    story.case("2024-05-07", "resolved", "call")
    assert open_still(calls(story, "2024-05-08", "second"))[:2] == [
        ("order_placed", "late"),
        ("return_requested", "b1"),
    ]
    story.case("2024-05-08", "resolved", "second")
    story.deliver("2024-05-09", "late")
    story.command("2024-05-09", c.ReturnReviewed, return_id="b1", order_id="dear", verdict="approved", reason="kind")
    third = calls(story, "2024-05-10", "third")
    assert (open_still(third), third.open_cases) == ([], 0)
    assert [each.about for each in story.row().unsettled] == ["third"]
    story.case("2024-05-10", "resolved", "third")
    story.case("2024-05-11", "reopened", "k1")
    assert open_still(calls(story, "2024-05-12", "fourth")) == [("contact_opened", "k1")]


@pytest.mark.parametrize("ends", ["deliver", "cancel"])
def test_an_order_that_went_wrong_before_it_was_told_of_is_an_issue_too_t_17(ends: str) -> None:
    story = Story()
    story.fail("2024-05-03", order="o1")
    assert open_still(calls(story, "2024-05-03 12:00", "k0")) == []
    story.order("2024-05-01", "10.00", "o1")
    assert ("order_placed", "o1") in open_still(calls(story, "2024-05-04", "k1"))
    getattr(story, ends)("2024-05-05", "o1")
    assert ("order_placed", "o1") not in open_still(calls(story, "2024-05-06", "k2"))


def test_the_agent_sees_what_they_may_grant_and_what_is_left_of_it_by_tier_r_rte_09_r_rec_05() -> None:
    story = Story({"recovery": {"caps": {"base": {"most_minor": 2_500}}}, "points": "shipped"})
    story.register("2014-01-01")
    story.order("2024-01-01", lines=RICH)
    vip, plain = calls(story, "2024-06-02"), calls(story, "2024-06-02", customer="bob")
    assert (vip.goodwill_left_minor, plain.goodwill_left_minor) == (40_000, 2_500)
    assert vip.gestures == plain.gestures == ("credit", "shipping_waived", "replacement")
    assert (vip.points_balance, plain.points_balance) == (story.row().points.available, 0)
    assert vip.points_balance == 9_000
    story.compensate("2024-06-03", "25.00", customer="bob")
    spent = calls(story, "2024-06-04", "again", customer="bob")
    assert (spent.goodwill_left_minor, spent.gestures) == (0, ())


def test_status_routes_to_the_concierge_the_moment_it_is_there_r_rte_14() -> None:
    story = Story()
    story.register("2014-01-01")
    assert calls(story, "2024-05-01 09:00", "k1").queue == "general"
    story.order("2024-05-01 09:01", lines=RICH)
    routed = calls(story, "2024-05-01 09:01", "k2")
    assert (routed.tier, routed.queue, routed.skills) == ("diamond", "vip-dedicated", ("loyalty",))
    story.command("2024-05-01 09:02", c.DesignationRemoved, confirmed_at="2024-05-01 09:02", reason="policy_violation")
    assert calls(story, "2024-05-01 09:03", "k3").queue == "general"


def test_every_promise_names_its_time_and_the_function_that_answers_for_it_r_rte_04_r_rte_06() -> None:
    names = {"contact": "care", "picking": "hall-2", "review": "back-office"}
    story = Story({"service": {"accountable": names}, "fulfilment": "shipped"})
    flag = only(story.order("2024-05-01", "500.00"), OrderFlagged)
    story.deliver("2024-05-02")
    review = only(story.send_back("2024-05-03"), ReturnDecided)
    routed = calls(story, "2024-05-04")
    assert (flag.accountable, review.accountable, routed.accountable) == ("hall-2", "back-office", "care")
    assert min(flag.pick_by, review.review_by or 0, routed.respond_by, routed.resolve_by or 0) > 0
    reviewed = story.command("2024-05-05", c.ReturnReviewed, return_id="b1", order_id="o1", verdict="refused")
    assert only(reviewed, ReturnDecided).accountable is None, "nothing is promised any more"


def test_a_case_that_is_settled_does_not_come_into_the_queue_again_by_what_is_told_of_it_t_44() -> None:
    """Whoever reads the topic alone would have it wait for ever."""
    story = gold()
    story.contact(f"{MONDAY} 10:00")
    story.case(f"{MONDAY} 11:00", "resolved")
    assert none_of(story.case(f"{MONDAY} 12:00", "assigned"), ContactRouted)
    back = story.case(f"{MONDAY} 13:00", "reopened")
    assert only(back, ContactRouted).resolve_by == story.at(f"{MONDAY} 15:00"), (
        "the hour until somebody was on it again"
    )
    assert none_of(back, ContactClosed)


def test_linked_ids_are_one_customer_to_an_agent_and_others_when_they_part_t_24() -> None:
    story = Story()
    for customer, order in (("ada", "a1"), ("bob", "b1")):
        story.order("2024-05-01", "10.00", order, customer=customer)
        story.fail("2024-05-02", order=order, customer=customer)
    story.contact("2024-05-02", "kb", customer="bob")
    story.link("2024-05-03", "bob")
    story.order("2024-05-04", "10.00", "b2", customer="bob")
    both = calls(story, "2024-05-05", "k1", customer="bob")
    assert both.customer_id == "ada"
    assert open_still(both) == [("order_placed", "a1"), ("order_placed", "b1"), ("contact_opened", "kb")]
    assert set(seen(both)) == {
        ("order_failed", "a1"),
        ("order_failed", "b1"),
        ("contact_opened", "kb"),
        ("order_placed", "b2"),
    }
    story.unlink("2024-05-06", "bob")
    alone, other = calls(story, "2024-05-07", "k2"), calls(story, "2024-05-07", "k3", customer="bob")
    assert open_still(alone) == [("order_placed", "a1")]
    assert seen(alone) == [("order_failed", "a1")]
    assert open_still(other) == [("order_placed", "b1"), ("contact_opened", "kb"), ("contact_opened", "k1")]
    assert ("order_placed", "b2") in seen(other)


def test_what_is_not_settled_is_a_set_of_things() -> None:
    one, other = happened("contact_opened", "k1", 5), happened("contact_opened", "k2", 3)
    known = unsettled(unsettled((), one, is_open=True), other, is_open=True)
    assert known == (other, one)
    assert unsettled(known, one, is_open=True) is known
    assert unsettled(known, replace(one, at=9), is_open=True) == (other, replace(one, at=9))
    assert unsettled(known, one, is_open=False) == (other,)
