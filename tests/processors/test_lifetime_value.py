"""Lifetime value and orders: components, currencies, reversals, repeats, late and early arrivals."""

from decimal import Decimal
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.events import OrderLine
from tests.processors.story import NO_STAGES, Story, minor, policy_with

LINES = (
    OrderLine("l1", 2, minor("100.00"), minor("10.00"), minor("7.20"), minor("4.00")),
    OrderLine("l2", 1, minor("50.00"), minor("0.00"), minor("4.00"), minor("0.99")),
)


def value(story: Story, customer: str = "ada") -> int:
    return story.row(customer).value_minor


def test_250_times_1999_and_250_is_500000_exactly_t_01() -> None:
    story = Story()
    for n in range(250):
        story.order("2024-01-01", "19.99", f"o{n}")
    story.order("2024-01-01", "2.50", "last")
    assert value(story) == 500_000
    assert type(value(story)) is int


AMOUNT = st.integers(0, 99_999)
LINE = st.builds(
    OrderLine, st.uuids().map(str), st.integers(1, 9), goods_minor=AMOUNT, discount_minor=AMOUNT, tax_minor=AMOUNT,
    shipping_minor=AMOUNT,
)  # fmt: skip


@given(st.lists(LINE, max_size=9), *[st.booleans()] * 4, AMOUNT)
def test_every_part_counts_to_the_last_minor_unit_t_01_t_02_t_03(
    lines: list[OrderLine], goods: bool, discount: bool, tax: bool, shipping: bool, refund: int
) -> None:
    """A recount in decimals, part by part; what is below nothing is nothing."""
    story = Story({"lifetime_value": {"goods": goods, "discount": discount, "tax": tax, "shipping": shipping}})
    story.order("2024-01-01", lines=lines)
    story.refund("2024-01-02", str(Decimal(refund) / 100))
    parts = (
        (goods, [each.goods_minor for each in lines]),
        (discount, [-min(each.discount_minor, each.goods_minor) for each in lines]),
        (tax, [each.tax_minor for each in lines]),
        (shipping, [each.shipping_minor for each in lines]),
    )
    added = max(sum((Decimal(sum(amounts)) / 100 for counts, amounts in parts if counts), Decimal()), Decimal())
    left = max(added - (Decimal(refund) / 100 if goods else 0), Decimal())
    assert (value(story), type(value(story))) == (left * 100, int)


@pytest.mark.parametrize(
    ("components", "expected"),
    [
        ({}, "140.00"),  # C-10: goods after discount
        ({"discount": False}, "150.00"),
        ({"tax": True}, "151.20"),
        ({"shipping": True}, "144.99"),
        ({"goods": False, "discount": False, "shipping": True}, "4.99"),
        ({"goods": False}, "0.00"),  # discounts alone are nobody's debt
    ],
)
def test_each_component_is_a_switch_t_02_c_10_r_cust_03(components: dict[str, bool], expected: str) -> None:
    story = Story({"lifetime_value": components} if components else None)
    story.order("2024-01-01", lines=LINES)
    assert value(story) == minor(expected)


def test_a_discount_beyond_its_goods_does_not_eat_other_lines() -> None:
    story = Story()
    story.order("2024-01-01", lines=(OrderLine("l1", 1, 100, 900), OrderLine("l2", 1, 500)))
    assert value(story) == 500


def test_refunds_reduce_value_t_03() -> None:
    story = Story()
    story.order("2024-01-01", "100.00")
    story.refund("2024-01-02", "30.00")
    assert value(story) == minor("70.00")
    assert story.row().orders == 1


def test_reversals_never_exceed_what_the_order_added_t_04() -> None:
    story = Story()
    story.order("2024-01-01", "500.00", "other")
    story.order("2024-01-01", "100.00")
    story.refund("2024-01-02", "80.00", refund="f1")
    story.refund("2024-01-02", "80.00", refund="f2")
    assert value(story) == minor("500.00")
    story.cancel("2024-01-03")
    assert value(story) == minor("500.00")
    assert story.row().orders == 1


def test_refunds_are_of_goods_and_reverse_nothing_where_goods_do_not_count_t_02() -> None:
    story = Story({"lifetime_value": {"goods": False, "discount": False, "shipping": True}})
    story.order("2024-01-01", lines=LINES)
    story.refund("2024-01-02", "100.00")
    assert value(story) == minor("4.99")


def test_a_refund_uses_the_rate_of_its_order_t_05() -> None:
    story = Story()
    story.order("2024-01-01", "100.00", "o1", currency="EUR", rate_ppm=1_084_500)
    story.order("2024-06-01", "100.00", "o2", currency="EUR", rate_ppm=900_000)
    assert value(story) == minor("108.45") + minor("90.00")
    story.refund("2024-06-02", "50.00", "o1")
    assert value(story) == minor("54.22") + minor("90.00")  # 54.225 went back, rounded half up
    story.refund("2024-06-02", "50.00", "o1", "f2")
    assert value(story) == minor("90.00")


def test_many_small_refunds_round_as_one_t_05() -> None:
    story = Story()
    story.order("2024-01-01", "10.00", currency="EUR", rate_ppm=1_004_000)
    for n in range(1000):
        story.refund("2024-01-02", "0.01", refund=f"f{n}")
    assert value(story) == 0


def test_repeats_count_once_for_ever_t_15() -> None:
    story = Story(NO_STAGES)
    story.order("2020-01-01", "100.00")
    story.refund("2020-01-02", "30.00")
    story.deliver("2020-01-03")
    story.register("2014-01-01")
    before = story.rows_of(b"c", b"o")
    story.tick("2029-01-01")
    story.order("2020-01-01", "100.00", event="published again")
    story.refund("2020-01-02", "30.00")
    story.deliver("2020-01-03")
    story.register("2014-01-01")
    assert story.rows_of(b"c", b"o") == before


def test_a_repeat_with_other_content_changes_nothing_t_15() -> None:
    story = Story()
    story.order("2024-01-01", "100.00")
    story.order("2020-01-01", "999.00", event="edited")
    assert (value(story), story.row().orders, story.row().since) == (10_000, 1, story.at("2024-01-01"))


def test_a_reversal_before_its_order_waits_for_it_t_17() -> None:
    story = Story()
    story.refund("2024-01-02", "30.00")
    assert (value(story), story.row().orders) == (0, 0)
    story.order("2024-01-01", "100.00")
    assert value(story) == minor("70.00")
    story.cancel("2024-01-05", "o2")
    assert (value(story), story.row().orders) == (minor("70.00"), 1)
    story.order("2024-01-04", "900.00", "o2")
    assert (value(story), story.row().orders) == (minor("70.00"), 1)


def test_every_arrival_order_of_one_history_ends_alike_t_16() -> None:
    events = (
        lambda story: story.order("2024-01-01", "100.00"),
        lambda story: story.refund("2024-01-02", "30.00"),
        lambda story: story.refund("2024-01-03", "20.00", refund="f2"),
        lambda story: story.order("2024-01-04", "55.00", "o2"),
        lambda story: story.cancel("2024-01-05", "o2"),
    )
    ends = set()
    for arrival in permutations(events):
        story = Story()
        for tell in arrival:
            tell(story)
        row = story.row()
        ends.add((row.value_minor, row.orders, row.since, row.first_order_at, row.last_order_at))
    assert ends == {(5000, 1, *(story.at(day) for day in ("2024-01-01", "2024-01-01", "2024-01-04")))}


def test_a_late_order_counts_for_the_time_it_happened_t_18() -> None:
    story = Story()
    story.order("2024-05-01", "10.00", "o2")
    story.tick("2024-06-01")
    story.order("2024-01-01", "10.00", "o1")
    row = story.row()
    assert [row.since, row.first_order_at, row.last_order_at] == [
        story.at("2024-01-01"),
        story.at("2024-01-01"),
        story.at("2024-05-01"),
    ]


def test_tenure_starts_at_the_earliest_registration_or_order_r_cust_04() -> None:
    story = Story()
    story.order("2024-05-01", "10.00")
    story.register("2024-06-01")
    assert story.row().since == story.at("2024-05-01")
    story.register("2023-06-01")
    assert story.row().since == story.at("2023-06-01")


def test_an_order_of_zero_counts_as_an_order() -> None:
    story = Story()
    story.order("2024-01-01", "0.00")
    assert (value(story), story.row().orders) == (0, 1)


def test_a_cancelled_order_was_activity_but_is_no_order() -> None:
    story = Story()
    story.order("2024-01-01", "10.00", "o1")
    story.order("2024-02-01", "10.00", "o2")
    story.cancel("2024-02-02", "o2")
    assert (story.row().orders, story.row().last_order_at) == (1, story.at("2024-02-01"))


def test_the_same_order_id_under_another_customer_is_another_order() -> None:
    story = Story()
    story.order("2024-01-01", "10.00", customer="ada")
    story.order("2024-01-01", "20.00", customer="bob")
    story.refund("2024-01-02", "20.00", customer="bob")
    assert (value(story, "ada"), value(story, "bob")) == (1000, 0)


def test_an_order_counts_by_the_policy_of_its_own_date_t_30() -> None:
    story = Story()
    taxed = policy_with({"version": "taxed", "lifetime_value": {"tax": True}})
    story.activate(taxed, "2024-06-01")
    story.order("2024-05-31 23:59", lines=LINES, order="before")
    assert value(story) == minor("140.00")
    story.order("2024-06-01", lines=LINES, order="after")
    assert value(story) == minor("140.00") + minor("151.20")


@given(st.lists(st.integers(0, 100_000), max_size=20), st.integers(0, 100_000), st.integers(1, 3_000_000))
def test_what_is_left_of_an_order_is_never_negative_t_04(refunds: list[int], goods: int, rate: int) -> None:
    story = Story()
    for n, amount in enumerate(refunds):
        story.refund("2024-01-02", f"{amount / 100:.2f}", refund=f"f{n}")
        assert value(story) == 0
    story.order("2024-01-01", f"{goods / 100:.2f}", rate_ppm=rate)
    left = max(goods * rate - sum(refunds) * rate, 0) / 1_000_000
    assert value(story) >= 0
    assert abs(value(story) - left) <= 1
