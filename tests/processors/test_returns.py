"""Verdicts on returns: window, units, amount, tier, and the policy of the order's date."""

import pytest
from msgspec.structs import replace

from processors.order import ORDERS
from schemas.decisions import ReturnDecided
from schemas.events import OrderLine
from tests.processors.story import Story, minor, none_of, only, policy_with

SMALL = "60.00"


def delivered(goods: str = SMALL, quantity: int = 1, policy: dict[str, object] | None = None) -> Story:
    """An order of 1 March 2024, delivered on the 5th."""
    story = Story(policy)
    story.order("2024-03-01 10:00", goods, quantity=quantity)
    story.deliver("2024-03-05 16:20")
    return story


def failed(decision: ReturnDecided) -> list[str]:
    return [each.name for each in decision.conditions if not each.holds and not each.name.startswith("tier_at")]


def test_within_the_window_and_the_limit_is_approved_r_ret_01() -> None:
    decision = only(delivered().send_back("2024-03-20"), ReturnDecided)
    assert (decision.verdict, decision.amount_minor, decision.tier) == ("approve", 6000, None)
    assert failed(decision) == []


@pytest.mark.parametrize(
    ("when", "verdict"), [("2024-04-04 23:59", "approve"), ("2024-04-05", "deny"), ("2024-04-05 00:01", "deny")]
)
def test_the_window_ends_with_the_thirtieth_local_day_after_delivery_t_28_t_29(when: str, verdict: str) -> None:
    story = delivered()
    decision = only(story.send_back(when), ReturnDecided)
    assert (decision.verdict, decision.window_ends_at) == (verdict, story.at("2024-04-05"))


def test_the_window_ends_at_local_midnight_across_daylight_saving_t_29() -> None:
    story = delivered(policy={"time_zone": "America/New_York"})
    decision = only(story.send_back("2024-04-04 23:59"), ReturnDecided)
    assert decision.verdict == "approve"
    assert decision.window_ends_at == 1_712_289_600_000  # 2024-04-05 04:00 UTC: summer time began on 10 March


def test_not_delivered_is_not_an_endless_window_t_28() -> None:
    """30 days from the fourteenth day after the order, on which it counts as delivered."""
    for when, verdict in (("2024-04-14 23:59", "approve"), ("2024-04-15", "deny")):
        story = Story()
        story.order("2024-03-01 10:00", SMALL)
        decision = only(story.send_back(when), ReturnDecided)
        assert (decision.verdict, decision.window_ends_at) == (verdict, story.at("2024-04-15"))


def test_a_delivery_that_is_known_replaces_the_assumed_one_t_28() -> None:
    story = Story()
    story.order("2024-03-01", SMALL)
    story.deliver("2024-05-01")
    assert only(story.send_back("2024-05-20"), ReturnDecided).verdict == "approve"


def test_the_last_delivery_counts_whichever_comes_first_t_28_t_16() -> None:
    ends = set()
    for days in (("2024-03-05", "2024-03-09"), ("2024-03-09", "2024-03-05")):
        story = Story()
        story.order("2024-03-01", SMALL)
        for day in days:
            story.deliver(day)
        ends.add(only(story.send_back("2024-03-20"), ReturnDecided).window_ends_at)
    assert ends == {story.at("2024-04-09")}


def test_a_delivery_before_its_order_waits_for_it_t_17() -> None:
    story = Story()
    story.deliver("2024-03-05")
    story.order("2024-03-01", SMALL)
    assert only(story.send_back("2024-03-20"), ReturnDecided).window_ends_at == story.at("2024-04-05")


@pytest.mark.parametrize(("goods", "verdict"), [("99.99", "approve"), ("100.00", "approve"), ("100.01", "review")])
def test_the_limit_is_inclusive_t_06(goods: str, verdict: str) -> None:
    assert only(delivered(goods).send_back("2024-03-20"), ReturnDecided).verdict == verdict


def test_a_tier_has_rights_of_its_own_r_ret_02() -> None:
    """Gold: 45 days, up to 250.00."""
    story = Story()
    story.register("2014-01-01")
    story.order("2024-02-28", "1000.00", "big")
    story.order("2024-03-01", "200.00")
    story.deliver("2024-03-05")
    decision = only(story.send_back("2024-04-19 23:59"), ReturnDecided)
    assert (decision.verdict, decision.tier, decision.window_ends_at) == ("approve", "gold", story.at("2024-04-20"))
    assert only(story.send_back("2024-04-20", order="big", back="b2"), ReturnDecided).verdict == "review"


def test_the_tier_at_order_or_at_request_is_a_choice_of_the_policy_t_31() -> None:
    """No tier at the order, Gold at the request; and the verdict names which of them governed."""
    for choice, verdict, tier in (("order", "review", None), ("request", "approve", "gold")):
        story = Story({"returns": {"tier_at": choice}})
        story.register("2014-01-01")
        story.order("2024-03-01", "200.00")
        story.order("2024-03-02", "1000.00", "o2")
        decision = only(story.send_back("2024-03-05"), ReturnDecided)
        assert (decision.verdict, decision.tier) == (verdict, tier)
        assert decision.conditions[0].name == f"tier_at_{choice}"
        assert decision.conditions[0].value == tier


def test_the_policy_at_the_orders_date_governs_t_30() -> None:
    story = delivered()
    generous = policy_with({"version": "generous", "returns": {"rights": {"base": {"window_days": 300}}}})
    story.activate(generous, "2024-03-10")
    old = only(story.send_back("2024-04-05"), ReturnDecided)
    assert (old.verdict, old.policy_version) == ("deny", "default-1")
    story.order("2024-04-10", SMALL, "new")
    new = only(story.send_back("2024-09-01", order="new", back="b2"), ReturnDecided)
    assert (new.verdict, new.policy_version) == ("approve", "generous")


def test_a_late_order_is_governed_by_the_policy_of_its_own_date_t_30_t_18() -> None:
    story = Story()
    story.activate(policy_with({"version": "new", "returns": {"rights": {"base": {"window_days": 300}}}}), "2024-03-10")
    story.order("2024-03-09", SMALL)
    assert only(story.send_back("2024-03-11"), ReturnDecided).policy_version == "default-1"


def test_the_same_units_are_returned_once_t_27() -> None:
    story = delivered(quantity=3)
    assert only(story.send_back("2024-03-20", 2, back="b1"), ReturnDecided).verdict == "approve"
    second = only(story.send_back("2024-03-21", 2, back="b2"), ReturnDecided)
    assert (second.verdict, failed(second)) == ("deny", ["units_left_of_l1"])
    assert only(story.send_back("2024-03-22", 1, back="b3"), ReturnDecided).verdict == "approve"
    assert only(story.send_back("2024-03-23", 1, back="b4"), ReturnDecided).verdict == "deny"


def test_units_under_review_are_spoken_for_too_t_27() -> None:
    story = delivered("500.00", quantity=2)
    assert only(story.send_back("2024-03-20", 2, back="b1"), ReturnDecided).verdict == "review"
    assert only(story.send_back("2024-03-21", 1, back="b2"), ReturnDecided).verdict == "deny"


def test_a_denied_request_reserves_nothing_t_27() -> None:
    story = delivered(quantity=2)
    assert only(story.send_back("2024-03-20", 3, back="b1"), ReturnDecided).verdict == "deny"
    assert only(story.send_back("2024-03-21", 2, back="b2"), ReturnDecided).verdict == "approve"


def test_one_line_asked_for_twice_is_one_line_t_27() -> None:
    story = delivered(quantity=2)
    units = {"l1": 2}
    assert only(story.send_back("2024-03-20", units), ReturnDecided).conditions[3].threshold == 2


def test_lines_that_share_an_id_are_one_line_t_27() -> None:
    story = Story()
    story.order("2024-03-01", lines=[OrderLine("l1", 1, 4000), OrderLine("l1", 1, 2000)])
    assert only(story.send_back("2024-03-20", 1, back="b1"), ReturnDecided).amount_minor == 3000
    assert only(story.send_back("2024-03-20", 1, back="b2"), ReturnDecided).amount_minor == 3000
    assert only(story.send_back("2024-03-20", 1, back="b3"), ReturnDecided).verdict == "deny"


def test_a_repeated_request_is_answered_once_t_15() -> None:
    story = delivered(quantity=2)
    story.send_back("2024-03-20")
    before = story.rows_of(b"o"), replace(story.row(), recent=())
    assert none_of(story.send_back("2024-03-21"), ReturnDecided)
    assert (story.rows_of(b"o"), replace(story.row(), recent=())) == before


def test_partial_returns_add_up_to_the_discounted_line_t_26() -> None:
    """10.00 off three units at 33.33: 29.99, 30.00, 30.00 or another order, but 89.99 in all."""
    story = Story()
    story.order("2024-03-01", lines=[OrderLine("l1", 3, minor("99.99"), minor("10.00"))])
    amounts = [only(story.send_back("2024-03-20", back=f"b{n}"), ReturnDecided).amount_minor for n in range(3)]
    assert sum(amounts) == minor("89.99")
    assert max(amounts) - min(amounts) <= 1


def test_partial_returns_of_all_lines_add_up_to_the_order_in_programme_currency_t_26_t_05() -> None:
    story = Story()
    lines = [OrderLine("l1", 3, 1000, 1), OrderLine("l2", 7, 5001, 3), OrderLine("l3", 1, 1)]
    story.order("2024-03-01", lines=lines, currency="EUR", rate_ppm=1_084_533)
    total = 0
    for n, (line, quantity) in enumerate((line.line_id, line.quantity) for line in lines):
        for unit in range(quantity):
            total += only(story.send_back("2024-03-20", {line: 1}, back=f"{n}-{unit}"), ReturnDecided).amount_minor
    order = story.rows.get(ORDERS, "ada", "o1")
    assert order is not None
    assert total == order.added_minor


def test_an_unknown_order_goes_to_review_r_ret_06() -> None:
    decision = only(Story({"returns": {"tier_at": "order"}}).send_back("2024-03-20"), ReturnDecided)
    assert decision.conditions[0].name == "tier_at_request", "there is no order to take the tier from"
    assert (decision.verdict, decision.amount_minor, decision.window_ends_at) == ("review", 0, None)
    assert failed(decision) == ["order_known"]


def test_units_of_an_order_that_came_after_its_return_are_spoken_for_t_17() -> None:
    story = Story()
    story.send_back("2024-03-20", back="b1")
    story.order("2024-03-01", SMALL)
    assert only(story.send_back("2024-03-21", back="b2"), ReturnDecided).verdict == "deny"


def test_a_line_that_the_order_does_not_have_goes_to_review_r_ret_06() -> None:
    decision = only(delivered().send_back("2024-03-20", {"l1": 1, "l9": 1}), ReturnDecided)
    assert (decision.verdict, failed(decision)) == ("review", ["units_left_of_l9"])
    assert decision.amount_minor == 6000


def test_a_cancelled_order_goes_to_review_r_ret_06() -> None:
    story = delivered()
    story.cancel("2024-03-06")
    decision = only(story.send_back("2024-03-20"), ReturnDecided)
    assert (decision.verdict, failed(decision)) == ("review", ["order_cancelled"])


def test_denial_is_stronger_than_review() -> None:
    decision = only(delivered("500.00").send_back("2024-09-20"), ReturnDecided)
    assert decision.verdict == "deny"
    assert failed(decision) == ["requested_at", "amount_minor"]


def test_every_condition_is_in_the_verdict_with_value_and_threshold_t_48() -> None:
    story = delivered(quantity=2)
    decision = only(story.send_back("2024-03-20"), ReturnDecided)
    shown = [(each.name, each.value, each.operator, each.threshold, each.holds) for each in decision.conditions]
    assert shown == [
        ("tier_at_request", None, "in", "gold, platinum, diamond", False),
        ("order_known", "yes", "=", "yes", True),
        ("order_cancelled", "no", "=", "no", True),
        ("units_left_of_l1", 2, ">=", 1, True),
        ("requested_at", story.at("2024-03-20"), "<", story.at("2024-04-05"), True),
        ("amount_minor", 3000, "<=", 10_000, True),
        ("returns_in_6_months", 1, "<=", 12, True),
    ]


def test_a_request_that_comes_late_is_judged_by_its_own_time() -> None:
    story = delivered()
    story.tick("2024-08-01")
    assert only(story.send_back("2024-04-04"), ReturnDecided).verdict == "approve"
