"""The stock of a reward, with many customers on many partitions: the last units go to as many, whoever is folded first (R-PTS-05)."""

from collections import Counter

import pytest

from processors.stock import STOCKS, Stock
from schemas.ledger import RewardAnswered
from schemas.partitions import partition_of
from schemas.rewards import RewardStockMoved, subject_of
from state.overlay import Overlay
from streams.driver import Driver
from tests.streams.engines import decoded, ran
from tests.streams.history import HOUR, published
from tests.streams.rush import AT, REWARD, before, wishes


def stock(driver: Driver) -> Stock | None:
    """Where it stands, on the one partition that has it."""
    partition = partition_of(subject_of(REWARD), driver.logs.partitions)
    return Overlay(driver.customers.states[partition].store).get(STOCKS, subject_of(REWARD))


@pytest.mark.parametrize("partitions", [1, 4, 7])
@pytest.mark.parametrize("units", [1, 6])
def test_as_many_have_it_as_there_are_r_pts_05(partitions: int, units: int) -> None:
    driver = ran(map(published, (*before(40, units), *wishes(40, AT + HOUR))), partitions=partitions, batch_size=9)
    answers = [each for each in decoded(driver, "points") if isinstance(each, RewardAnswered)]
    assert Counter(each.verdict for each in answers) == {"reserved": units, "offered": 40 - units}
    assert {each.customer_id for each in answers} == {f"c{n}" for n in range(40)}
    row = stock(driver)
    assert row is not None
    assert (row.free, row.held, row.given) == (0, units, 0)
    entries = [each for each in decoded(driver, "rewards") if isinstance(each, RewardStockMoved)]
    assert min(each.free for each in entries) == 0
    assert sorted(each.request_id or "" for each in entries if each.change == "held") == sorted(
        each.request_id for each in answers if each.verdict == "reserved"
    )
