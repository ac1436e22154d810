"""What of an order's refunds pays no return: known refund by refund, so that what two ids know is their union (T-04, T-24, T-26)."""

from hypothesis import given
from hypothesis import strategies as st

from processors.money import PPM, convert
from processors.order import ORDERS
from processors.refunds import ALL, Beside, Refund, beside_either, beside_minor, set_apart, total_minor, went_back
from schemas.decisions import ReturnDecided
from tests.processors.story import Story, only

REFUNDS = st.lists(st.tuples(st.integers(0, 500), st.sampled_from([None, "l1", "l2"])), max_size=6).map(
    lambda told: tuple(Refund(f"f{number}", *each) for number, each in enumerate(told))
)
LINE = st.sampled_from([ALL, "l1", "l2"])
SHARES = st.lists(st.tuples(LINE, st.fractions(0, 1)), max_size=5)


@given(REFUNDS, SHARES, st.sampled_from([PPM, 730_000, 1_300_001]))
def test_parts_add_up_to_what_is_set_apart_and_no_refund_is_exceeded(
    refunds: tuple[Refund, ...], shares: list[tuple[str, float]], rate_ppm: int
) -> None:
    known, most = tuple[Beside, ...](), dict.fromkeys((ALL, "l1", "l2"), 0)
    for line, share in shares:
        worth = convert(total_minor(went_back(refunds, line)), rate_ppm)
        most[line] = max(most[line], int(worth * share))
        known = set_apart(refunds, known, line, most[line], rate_ppm)
        assert {each: beside_minor(refunds, known, each) for each in most} == most
    for each in known:
        there = {refund.refund_id: refund for refund in refunds}[each.refund_id]
        assert each.line_id in {ALL, there.line_id}
        assert 0 < each.minor <= convert(there.minor, rate_ppm) + 1  # parts of a rounded sum


PARTS = st.dictionaries(st.tuples(st.sampled_from("fgh"), LINE), st.integers(1, 9)).map(
    lambda parts: tuple(Beside(*each, parts[each]) for each in sorted(parts))
)


@given(PARTS, PARTS)
def test_of_what_two_know_the_larger_part_holds_the_smaller_one(
    one: tuple[Beside, ...], other: tuple[Beside, ...]
) -> None:
    both = beside_either(one, other)
    assert both == beside_either(other, one) == beside_either(both, one)
    sizes = [{(each.refund_id, each.line_id): each.minor for each in some} for some in (one, other)]
    assert both == tuple(
        Beside(*each, max(size.get(each, 0) for size in sizes)) for each in sorted(sizes[0].keys() | sizes[1].keys())
    )


def test_what_pays_a_return_is_not_set_apart_by_the_next_decision_r_ret_03_t_04() -> None:
    story = Story()
    story.order("2024-03-01", "100.00", quantity=10)
    story.deliver("2024-03-05")
    story.refund("2024-03-07", "30.00", refund="sorry")
    story.send_back("2024-03-08", 1, back="b1")
    story.refund("2024-03-09", "10.00", refund="pays-b1")
    story.send_back("2024-03-10", 1, back="b2")
    row = story.rows.get(ORDERS, "ada", "o1")
    assert row is not None
    assert row.beside == (Beside("sorry", ALL, 3_000),)
    assert only(story.send_back("2024-03-11", 8, back="b3"), ReturnDecided).amount_minor == 5_000
