"""A batch is as large as what is waited for it allows."""

import pytest

from streams.pace import COMMITS, FEWEST, LONG_S, SHORT_S, Pace


def taken(pace: Pace, each_s: float, waiting: int = 1_000_000, commit_s: float = 0.02) -> float:
    """Take one batch of what waits, of records that cost so much each; returns how long it was folded."""
    records = min(pace.limit, waiting)
    pace.took(records, seconds := records * each_s, commit_s)
    return seconds


@pytest.mark.parametrize(
    ("commit_s", "longest_s"),
    [(0.0, SHORT_S), (0.02, SHORT_S), (0.5, 0.5 * COMMITS), (2.0, LONG_S), (60.0, LONG_S)],
)
@pytest.mark.parametrize("each_s", [0.001, 0.002, 0.01])
def test_where_records_are_dear_a_batch_takes_as_long_as_may_be_waited_for(
    each_s: float, commit_s: float, longest_s: float
) -> None:
    pace = Pace(4_000)
    assert taken(pace, each_s, commit_s=commit_s) > longest_s
    assert [taken(pace, each_s, commit_s=commit_s) for _ in range(9)] == pytest.approx([longest_s] * 9, rel=0.02)


def test_where_they_are_cheap_it_is_what_the_setting_says_however_slow_the_broker() -> None:
    pace = Pace(4_000)
    for commit_s in (0.02, 1.5, 30.0):
        assert taken(pace, 0.0001, commit_s=commit_s) == pytest.approx(0.4)
        assert taken(pace, 0.0001, waiting=3, commit_s=commit_s) < 0.001
        assert taken(pace, 0.0001, waiting=0, commit_s=commit_s) == 0.0
    assert pace.limit == 4_000


def test_after_an_interruption_it_is_soon_as_it_was_and_few_that_wait_tell_nothing() -> None:
    pace = Pace(4_000)
    pace.took(1_000, 300.0, 0.02)
    assert pace.limit == FEWEST
    taken(pace, 0.0001, waiting=FEWEST - 1)
    assert pace.limit == FEWEST
    for _ in range(7):
        taken(pace, 0.0001)
    assert pace.limit == 4_000


def test_a_setting_below_the_fewest_is_kept() -> None:
    pace = Pace(7)
    pace.took(7, 60.0, 0.02)
    assert pace.limit == 7
