"""A batch is as large as what is waited for it allows."""

import pytest

from streams.pace import FEWEST, LONGEST_S, Pace


def taken(pace: Pace, each_s: float, waiting: int = 1_000_000) -> float:
    """Take one batch of what waits, of records that cost so much each; returns how long it took."""
    records = min(pace.limit, waiting)
    pace.took(records, seconds := records * each_s)
    return seconds


@pytest.mark.parametrize("each_s", [0.0005, 0.002, 0.01])
def test_where_records_are_dear_a_batch_takes_as_long_as_may_be_waited_for(each_s: float) -> None:
    pace = Pace(4_000)
    assert taken(pace, each_s) > LONGEST_S
    assert taken(pace, each_s) <= LONGEST_S
    later = [taken(pace, each_s) for _ in range(20)]
    assert max(later) <= 2 * LONGEST_S
    assert min(later) >= LONGEST_S / 2


def test_where_they_are_cheap_it_is_what_the_setting_says() -> None:
    pace = Pace(4_000)
    assert [taken(pace, 0.0001) for _ in range(3)] == [0.4] * 3
    assert taken(pace, 0.0001, waiting=3) < 0.001
    assert pace.limit == 4_000


def test_after_an_interruption_it_is_soon_as_it_was_and_few_that_wait_tell_nothing() -> None:
    pace = Pace(4_000)
    pace.took(1_000, 300.0)
    assert pace.limit == FEWEST
    taken(pace, 0.0001, waiting=FEWEST - 1)
    assert pace.limit == FEWEST
    for _ in range(7):
        taken(pace, 0.0001)
    assert pace.limit == 4_000


def test_a_setting_below_the_fewest_is_kept() -> None:
    pace = Pace(7)
    pace.took(7, 60.0)
    assert pace.limit == 7
