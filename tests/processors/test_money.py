"""Money: integers, half up, and parts that add up."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from processors.money import convert, half_up, share

AMOUNTS = st.integers(0, 10**12)
RATES = st.integers(1, 10**9)


def test_a_half_is_rounded_up() -> None:
    assert [half_up(n, 2) for n in (0, 1, 2, 3)] == [0, 1, 1, 2]
    assert half_up(49, 100) == 0
    assert half_up(50, 100) == 1


def test_conversion_is_in_millionths_t_05() -> None:
    assert convert(1999, 1_000_000) == 1999
    assert convert(1999, 1_084_500) == 2168  # 2167.9155
    assert convert(100_000, 6_700) == 670  # yen to cents
    assert convert(1, 500_000) == 1  # exactly half a cent


@given(AMOUNTS, RATES)
def test_conversion_is_off_by_no_more_than_half_a_unit(amount: int, rate: int) -> None:
    assert abs(convert(amount, rate) * 1_000_000 - amount * rate) * 2 <= 1_000_000


@given(st.lists(st.tuples(AMOUNTS, st.integers(1, 50)), min_size=1, max_size=5), RATES, st.data())
def test_shares_of_all_units_add_up_to_the_converted_order_t_26(
    lines: list[tuple[int, int]], rate: int, data: st.DataObject
) -> None:
    total = before = 0
    for whole, quantity in lines:
        inner = data.draw(st.lists(st.integers(0, quantity), max_size=4))
        cuts = [0, *sorted(inner), quantity]
        parts = [share(before, whole, part, quantity, rate) for part in pairwise(cuts)]
        assert min(parts) >= 0
        total += sum(parts)
        before += whole
    assert total == convert(sum(whole for whole, _ in lines), rate)
