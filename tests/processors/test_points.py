"""Points: what earns them and how many, until when they last, and what becomes of them when goods come back."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from processors.customer import CUSTOMERS
from processors.lots import LOTS, Wallet
from processors.statement import statement
from schemas.commands import ReturnWindowExtended
from schemas.decisions import CommandAnswered
from schemas.events import OrderLine
from schemas.ledger import PointsMoved, PointsUntil, RewardAnswered
from tests.processors.story import Story, none_of, only, policy_with
from tests.processors.touched import Counting

AT_ONCE: Mapping[str, Any] = {"available": "at_once"}
SHORT: Mapping[str, Any] = {
    "returns": {"assumed_delivery_days": 5, "statutory_days": 0, "rights": {"base": {"window_days": 10}}},
}


def with_points(points: Mapping[str, Any] | str = "shipped", **policy: Any) -> Story:
    return Story({"points": points, **policy})


def movements(effects: Iterable[Any]) -> list[tuple[str, int]]:
    return [(each.movement, each.points) for each in effects if isinstance(each, PointsMoved)]


def wallet(story: Story) -> tuple[int, int, int, int]:
    """Balance, pending, reserved and deficit; the lots add up to them."""
    account = statement(story.rows, "ada", story.document["time_zone"])
    assert account.accurate
    points = account.wallet
    return points.available, points.pending, points.reserved, points.deficit


# Accrual


@pytest.mark.parametrize(("goods", "points"), [("0.99", []), ("1.00", [1]), ("1.99", [1]), ("2.00", [2])])
def test_so_many_points_for_each_so_much_rounded_down_r_pts_01_t_06(goods: str, points: list[int]) -> None:
    story = with_points(AT_ONCE)
    assert [many for _, many in movements(story.order("2024-01-01", goods))] == points


def test_lines_earn_what_the_order_earns_however_it_is_divided_t_26() -> None:
    story = with_points(AT_ONCE)
    lines = [OrderLine(f"l{n}", 1, 150) for n in range(4)]
    assert movements(story.order("2024-01-01", lines=lines)) == [("earned", 6)]
    lots = [lot.earned for _, lot in statement(story.rows, "ada", "UTC").lots]
    assert lots == [1, 2, 1, 2]


def test_what_counts_towards_lifetime_value_earns_points_t_02() -> None:
    lines = [OrderLine("l1", 1, 10_000, discount_minor=2_000, tax_minor=500, shipping_minor=300)]
    assert movements(with_points(AT_ONCE).order("2024-01-01", lines=lines)) == [("earned", 80)]
    all_of_it = {"goods": True, "discount": False, "tax": True, "shipping": True}
    story = with_points(AT_ONCE, lifetime_value=all_of_it)
    assert movements(story.order("2024-01-01", lines=lines)) == [("earned", 108)]


def test_points_are_of_the_programmes_currency_at_the_orders_rate_t_05() -> None:
    story = with_points(AT_ONCE)
    assert movements(story.order("2024-01-01", "100.00", rate_ppm=1_500_000, currency="EUR")) == [("earned", 150)]


def test_a_tier_and_a_channel_multiply_r_pts_02_r_pts_03() -> None:
    story = with_points(AT_ONCE | {"channels_percent": {"app": 110}})
    story.register("2014-01-01")
    story.order("2024-01-01", "1000.00", "first")
    entry = only(story.order("2024-01-02", "100.00", channel="app"), PointsMoved)
    assert entry.points == 137  # 100 x 125 % x 110 %, rounded down
    told = {each.name: (each.value, each.holds) for each in entry.conditions}
    assert told["tier_when_earned"] == ("gold", True)
    assert told["channel"] == ("app", True)
    other = only(story.order("2024-01-03", "100.00", "o2", channel="store"), PointsMoved)
    assert other.points == 125


def test_the_policy_of_the_orders_date_counts_t_30() -> None:
    story = with_points(AT_ONCE)
    dearer = policy_with({"points": AT_ONCE | {"purchases": {"points": 3}}, "version": "v2"})
    story.tick("2024-06-01")
    story.activate(dearer, "2024-06-01")
    assert movements(story.order("2024-05-31", "10.00", "late")) == [("earned", 10)]
    entry = only(story.order("2024-06-01", "10.00"), PointsMoved)
    assert (entry.points, entry.policy_version) == (30, "v2")


def test_an_order_earns_once_however_often_it_is_told_of_t_15() -> None:
    story = with_points(AT_ONCE)
    story.order("2024-01-01", "10.00")
    assert story.order("2024-01-01", "10.00", event="again") == []
    assert story.order("2024-01-01", lines=[OrderLine("l2", 1, 5000)], event="other") == []
    assert wallet(story) == (10, 0, 0, 0)


def test_a_policy_without_points_gives_none_and_refuses_every_request() -> None:
    story = Story()
    assert none_of(story.order("2024-01-01", "1000.00"), PointsMoved)
    assert none_of(story.register("2024-01-01"), PointsMoved)
    assert only(story.want("2024-01-02"), RewardAnswered).verdict == "refused"
    assert only(story.adjust("2024-01-02", 5), CommandAnswered).verdict == "refused"


def test_interactions_earn_up_to_their_cap_in_a_calendar_period_r_pts_01() -> None:
    visits = {"interactions": {"visit": {"points": 3, "most": 2, "within": "month"}}}
    story = with_points(visits)
    assert movements(story.visit("2024-01-30 10:00")) == [("earned", 3)]
    assert movements(story.visit("2024-01-30 22:00")) == []  # the same day and channel
    assert movements(story.visit("2024-01-31")) == [("earned", 3)]
    assert movements(story.visit("2024-01-29")) == []  # late, and January has its two
    assert movements(story.visit("2024-02-01")) == [("earned", 3)]


def test_what_counts_once_earns_once_t_15() -> None:
    story = with_points()
    assert movements(story.register("2024-01-01")) == [("earned", 100)]
    assert movements(story.register("2024-01-01", event="again")) == []
    assert movements(story.refer("2024-01-02", "bob")) == [("earned", 250)]
    assert movements(story.refer("2024-01-03", "bob")) == []
    assert movements(story.refer("2024-01-03", "ada")) == []  # nobody refers themselves
    assert movements(story.reply("2024-01-04")) == [("earned", 10)]
    assert movements(story.reply("2024-01-05")) == []
    assert wallet(story) == (360, 0, 0, 0)


# Maturing


def test_points_wait_until_the_return_window_closes() -> None:
    story = with_points(**SHORT)
    entry = only(story.order("2024-01-01", "10.00"), PointsMoved)
    assert (entry.balance, entry.pending, entry.matures_at) == (0, 10, story.at("2024-01-17"))  # never delivered yet
    assert story.deliver("2024-01-10 18:00") == []
    assert wallet(story) == (0, 10, 0, 0)
    assert movements(story.tick("2024-01-20 23:59")) == []
    matured = only(story.tick("2024-01-21"), PointsMoved)
    assert (matured.movement, matured.balance, matured.pending) == ("matured", 10, 0)
    assert story.deliver("2024-01-25") == []  # what matured stays so
    assert wallet(story) == (10, 0, 0, 0)


def test_points_wait_for_an_extended_window_r_ret_07() -> None:
    story = with_points(**SHORT)
    story.order("2024-01-01", "10.00")
    story.command("2024-01-02", ReturnWindowExtended, order_id="o1", until_at="2024-02-01")
    assert movements(story.tick("2024-01-31 23:59")) == []
    assert movements(story.tick("2024-02-01")) == [("matured", 10)]


def test_points_do_not_mature_while_sources_are_behind_t_52() -> None:
    story = with_points(**SHORT)
    story.order("2024-01-01", "10.00")
    assert movements(story.tick("2024-02-01", behind_s=3600)) == []
    assert movements(story.refund("2024-01-03", "10.00")) == [("clawed_back", 10)]
    assert movements(story.tick("2024-02-02")) == []


# Expiry


@pytest.mark.parametrize(
    ("at", "months", "end_of", "last"),
    [
        ("2024-01-31 12:00", 13, "day", "2025-02-28"),
        ("2024-02-29 23:59", 12, "day", "2025-02-28"),
        ("2024-02-29", 48, "day", "2028-02-29"),
        ("2024-01-15", 2, "month", "2024-03-31"),
        ("2024-12-31", 2, "month", "2025-02-28"),
        ("2024-01-15", 12, "year", "2025-12-31"),
    ],
)
def test_points_last_calendar_months_to_the_end_of_a_local_day_t_36(
    at: str, months: int, end_of: str, last: str
) -> None:
    story = with_points(AT_ONCE | {"expiry": {"months": months, "end_of": end_of}}, time_zone="America/New_York")
    story.order(at, "10.00")
    assert statement(story.rows, "ada", "America/New_York").forecast == {last[:7]: 10}
    assert movements(story.tick(f"{last} 23:59:59")) == []
    (expired,) = movements(story.tick(f"{date.fromisoformat(last) + timedelta(days=1)} 00:00"))
    assert expired == ("expired", 10)


def test_only_the_unspent_rest_expires_the_first_to_expire_was_spent_first_t_36() -> None:
    story = with_points(AT_ONCE | {"expiry": {"months": 1}, "rewards": {"cup": {"points": 12}}})
    story.order("2024-01-10", "10.00")
    story.order("2024-01-05", "10.00", "o2")  # told later, and expires earlier
    story.want("2024-01-11", "cup")
    story.hand_over("2024-01-12")
    assert movements(story.tick("2024-02-06")) == []
    assert movements(story.tick("2024-02-11")) == [("expired", 8)]
    assert wallet(story) == (0, 0, 0, 0)


def test_points_of_a_late_event_expire_from_its_date_not_from_the_import_t_36() -> None:
    story = with_points(AT_ONCE | {"expiry": {"months": 1}})
    story.tick("2024-06-01")
    assert movements(story.order("2024-03-01", "10.00")) == [("earned", 10), ("expired", 10)]


def test_points_may_last_for_ever() -> None:
    story = with_points(AT_ONCE | {"expiry": {"months": None}})
    assert only(story.order("2024-01-01", "10.00"), PointsMoved).by_expiry == (PointsUntil(10, None),)
    assert movements(story.tick("2090-01-01")) == []
    assert statement(story.rows, "ada", "UTC").forecast == {"never": 10}


def test_expiry_can_be_foretold_by_month_r_pts_08() -> None:
    story = with_points(AT_ONCE | {"expiry": {"months": 6}})
    story.order("2024-01-31", "10.00")
    story.order("2024-02-01", "5.00", "o2")
    story.order("2024-02-28", "2.00", "o3")
    assert statement(story.rows, "ada", "UTC").forecast == {"2024-07": 10, "2024-08": 7}
    assert story.profiles["ada"].points_expire_at == story.at("2024-08-01")


# Clawback


def test_a_refund_takes_points_back_by_line_once_t_34() -> None:
    story = with_points(AT_ONCE)
    story.order("2024-01-01", lines=[OrderLine("l1", 1, 1000), OrderLine("l2", 1, 3000)])
    assert movements(story.refund("2024-01-02", "10.00", line="l1")) == [("clawed_back", 10)]
    assert story.refund("2024-01-02", "10.00", line="l1", event="again") == []  # odoo#212922
    assert movements(story.refund("2024-01-03", "15.00", refund="f2")) == [("clawed_back", 15)]
    lots = {name[2]: lot.clawed_back for name, lot in statement(story.rows, "ada", "UTC").lots}
    assert lots == {"l1": 10, "l2": 15}
    assert movements(story.cancel("2024-01-04")) == [("clawed_back", 15)]  # odoo#257854: none is missing
    assert movements(story.refund("2024-01-05", "40.00", refund="f3")) == []
    assert wallet(story) == (0, 0, 0, 0)


def test_reversals_before_their_order_take_back_as_much_t_17() -> None:
    for reverse in (
        lambda story: story.refund("2024-01-02", "4.00"),
        lambda story: story.cancel("2024-01-02"),
        lambda story: story.refund("2024-01-02", "4.00", line="l1"),
    ):
        early, late = with_points(AT_ONCE), with_points(AT_ONCE)
        reverse(early)
        early.order("2024-01-01", "10.00")
        late.order("2024-01-01", "10.00")
        reverse(late)
        assert wallet(early) == wallet(late)
        assert early.rows.get(LOTS, "ada", "purchase", "o1", "l1") == late.rows.get(LOTS, "ada", "purchase", "o1", "l1")


def spent(owed_from: str) -> Story:
    """Two orders of ten points; twelve are spent, so that two of the second are."""
    story = with_points(AT_ONCE | {"owed_from": owed_from, "rewards": {"cup": {"points": 12}}})
    story.order("2024-01-01", "10.00")
    story.order("2024-01-02", "10.00", "o2")
    story.want("2024-01-03", "cup")
    story.hand_over("2024-01-03")
    assert wallet(story) == (8, 0, 0, 0)
    return story


def test_what_was_spent_is_owed_and_repaid_from_future_earnings_t_33() -> None:
    story = spent("future_earnings")
    entry = only(story.cancel("2024-01-04"), PointsMoved)
    assert (entry.movement, entry.points, entry.balance, entry.deficit) == ("clawed_back", 10, 8, 10)
    refused = only(story.want("2024-01-05", "cup", "q2"), RewardAnswered)
    assert refused.verdict == "refused"
    assert {each.name for each in refused.conditions if not each.holds} == {"deficit", "balance"}
    assert movements(story.order("2024-01-06", "6.00", "o3")) == [("earned", 6), ("repaid", 6)]
    assert wallet(story) == (8, 0, 0, 4)
    assert movements(story.order("2024-01-07", "6.00", "o4")) == [("earned", 6), ("repaid", 4)]
    assert wallet(story) == (10, 0, 0, 0)


def test_or_the_whole_balance_pays_at_once_and_goes_below_zero_t_33() -> None:
    story = spent("balance")
    assert movements(story.cancel("2024-01-04")) == [("clawed_back", 10), ("repaid", 8)]
    assert wallet(story) == (0, 0, 0, 2)  # a balance of -2, as such a programme shows it


def test_what_expired_unused_is_not_owed_t_33() -> None:
    story = with_points(AT_ONCE | {"expiry": {"months": 1}})
    story.order("2024-01-01", "10.00")
    story.tick("2024-02-02")
    assert movements(story.cancel("2024-02-03")) == []
    assert wallet(story) == (0, 0, 0, 0)


# Redemption


def rich(points: Mapping[str, Any] | None = None) -> Story:
    """A customer with a hundred points that expire on 2 April 2024 and fifty that expire on 3 April."""
    rules = AT_ONCE | {"expiry": {"months": 3}, "rewards": {"cup": {"points": 60}}, "reserved_hours": 24}
    story = with_points(rules | (points or {}))
    story.order("2024-01-01", "100.00")
    story.order("2024-01-02", "50.00", "o2")
    return story


def test_a_reward_reserves_points_and_handing_it_over_spends_them_r_pts_05() -> None:
    story = rich()
    answer = only(effects := story.want("2024-01-03", "cup", quantity=2), RewardAnswered)
    assert (answer.verdict, answer.points, answer.reserved_until) == ("reserved", 120, story.at("2024-01-04"))
    reserved = only(effects, PointsMoved)
    assert (reserved.balance, reserved.reserved) == (30, 120)
    assert reserved.by_expiry == (PointsUntil(100, story.at("2024-04-02")), PointsUntil(20, story.at("2024-04-03")))
    assert movements(story.hand_over("2024-01-03")) == [("captured", 120)]
    assert movements(story.call_off("2024-01-03")) == []
    assert movements(story.tick("2024-01-05")) == []
    assert wallet(story) == (30, 0, 0, 0)


@pytest.mark.parametrize(("goods", "verdict"), [("59.99", "refused"), ("60.00", "reserved")])
def test_the_balance_is_never_below_zero_t_37_t_06(goods: str, verdict: str) -> None:
    story = with_points(AT_ONCE | {"rewards": {"cup": {"points": 60}}})
    story.order("2024-01-01", goods)
    assert only(story.want("2024-01-02", "cup"), RewardAnswered).verdict == verdict
    assert only(story.want("2024-01-02", "cup", "q2"), RewardAnswered).verdict == "refused"


def test_the_same_request_has_one_answer_t_37() -> None:
    story = rich()
    story.want("2024-01-03", "cup")
    assert story.want("2024-01-03", "cup", event="again") == []
    story.call_off("2024-01-03")
    assert story.want("2024-01-03", "cup", event="and again") == []
    assert [each.verdict for each in story.decided(RewardAnswered)] == ["reserved"]


@pytest.mark.parametrize("how", ["call_off", "time"])
def test_released_points_expire_when_they_would_have_t_35_t_38(how: str) -> None:
    story = rich()
    story.want("2024-01-03", "cup")
    released = story.call_off("2024-01-03") if how == "call_off" else story.tick("2024-01-04")
    assert movements(released) == [("released", 60)]
    assert wallet(story) == (150, 0, 0, 0)
    assert movements(story.hand_over("2024-01-04")) == []  # it ended once
    assert statement(story.rows, "ada", "UTC").forecast == {"2024-04": 150}
    assert movements(story.tick("2024-04-02")) == [("expired", 100)]


def test_points_that_a_request_holds_over_their_expiry_are_gone_when_it_gives_them_back_t_35() -> None:
    story = rich({"reserved_hours": 48})
    story.want("2024-04-01", "cup", quantity=2)
    assert movements(story.tick("2024-04-02 23:00")) == []
    assert movements(story.call_off("2024-04-02 23:30")) == [("released", 120), ("expired", 100)]
    assert wallet(story) == (50, 0, 0, 0)


def test_the_end_of_a_request_may_come_before_it_t_16() -> None:
    story = rich()
    story.hand_over("2024-01-03")
    assert movements(story.want("2024-01-03", "cup")) == [("reserved", 60), ("captured", 60)]
    story.call_off("2024-01-03", "q2")
    refused = only(story.want("2024-01-03", "cup", "q2"), RewardAnswered)
    assert [each.name for each in refused.conditions if not each.holds] == ["cancelled"]


def test_a_reward_may_be_for_some_tiers_only_r_pts_04() -> None:
    story = rich({"rewards": {"pass": {"points": 1, "tiers": ["platinum"]}}})
    refused = only(story.want("2024-01-03", "pass"), RewardAnswered)
    assert [each.name for each in refused.conditions if not each.holds] == ["tier"]


# Adjustment by people


@pytest.mark.parametrize(("role", "points", "verdict"), [
    ("agent", 500, "accepted"), ("agent", 501, "refused"), ("agent", -100, "accepted"), ("agent", -101, "refused"),
    ("manager", 5000, "accepted"), ("stranger", 1, "refused"), ("manager", 0, "refused"),
])  # fmt: skip
def test_people_give_and_take_points_within_their_authority_r_pts_09_t_43(role: str, points: int, verdict: str) -> None:
    story = with_points()
    story.register("2024-01-01")
    assert only(story.adjust("2024-01-02", points, role=role), CommandAnswered).verdict == verdict
    assert wallet(story)[0] == 100 + (points if verdict == "accepted" else 0)


def test_an_adjustment_is_made_once_under_one_id_t_15() -> None:
    story = with_points()
    story.adjust("2024-01-01", 50, event="once")
    assert story.adjust("2024-01-01", 50, event="once") == []
    refused = only(story.adjust("2024-01-02", 50), CommandAnswered)
    assert [each.name for each in refused.conditions if not each.holds] == ["adjustment_used_before"]
    assert wallet(story) == (50, 0, 0, 0)


def test_an_idea_that_was_implemented_is_credited_r_pts_11() -> None:
    story = with_points()
    entry = only(story.adjust("2024-01-02", 300, reason="idea_implemented"), PointsMoved)
    assert (entry.movement, entry.points, entry.adjustment_id) == ("given", 300, "a1")
    assert entry.next_expiry_at == story.at("2026-01-03")
    because = only(story.adjust("2024-01-02", 300, "a2", reason="whim"), CommandAnswered).conditions
    assert [each.name for each in because if not each.holds] == ["reason"]


def test_what_is_given_pays_a_deficit_first_t_33() -> None:
    story = spent("future_earnings")
    story.cancel("2024-01-04")
    assert movements(story.adjust("2024-01-05", 15)) == [("given", 15), ("repaid", 10)]
    assert wallet(story) == (13, 0, 0, 0)


# What others see, and what it costs


def test_the_profile_tells_where_points_stand_r_pts_07() -> None:
    story = with_points(**SHORT)
    story.register("2024-01-01")
    story.order("2024-01-01", "20.00")
    told = story.profiles["ada"]
    assert (told.points_balance, told.points_pending, told.points_reserved, told.points_deficit) == (100, 20, 0, 0)


def test_an_event_touches_as_many_rows_after_thousands_of_lots_as_after_some_d8(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def costs(lots: int) -> list[int]:
        story = with_points(AT_ONCE | {"expiry": {"months": 1}, "rewards": {"cup": {"points": 12}}})
        for n in range(lots):
            story.order(f"2024-01-{1 + n % 28:02}", "3.00", f"o{n}")
        touched = []
        for act in (
            lambda: story.order("2024-01-29", "3.00", "new"),
            lambda: story.refund("2024-01-29", "1.00", "new"),
            lambda: story.want("2024-01-29", "cup"),
            lambda: story.hand_over("2024-01-29"),
            lambda: story.adjust("2024-01-29", 7),
            lambda: story.visit("2024-01-29"),
        ):
            story.tick("2024-01-29")
            story.rows = counting = Counting(story.store)
            monkeypatch.setattr("tests.processors.story.Overlay", Counting)
            act()
            monkeypatch.undo()
            touched.append(counting.touched)
        return touched

    assert costs(600) == costs(40)


def test_the_recount_finds_a_point_too_many_r_pts_06() -> None:
    story = rich()
    row = story.row()
    assert statement(story.rows, "ada", "UTC").accurate
    story.rows.put(CUSTOMERS, replace(row, points=replace(row.points, available=151)), "ada")
    account = statement(story.rows, "ada", "UTC")
    assert not account.accurate
    assert account.recounted == Wallet(available=150, expires_at=story.at("2024-04-02"))
