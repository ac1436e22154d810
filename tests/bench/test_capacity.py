"""The capacity page: what is multiplied was measured, and a programme that is larger in one way costs more in that way."""

from dataclasses import replace

import pytest

from deploy import capacity
from deploy.capacity import FIGURES, PAGE, REPLICAS, RESTORED, ROOM, Figure, Load, need

MEASURED = PAGE.with_name("bench.md").read_text(encoding="utf-8")
LOAD = Load(200, 1_000_000, 5)


def test_the_page_is_the_code_s() -> None:
    assert PAGE.read_text(encoding="utf-8") == capacity.page(), "python -m deploy.capacity writes it anew"


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.what)
def test_every_figure_stands_among_the_measurements(figure: Figure) -> None:
    assert figure.written
    assert [each for each in figure.written if each not in MEASURED] == []


def test_twice_the_events_take_twice_the_network_and_no_more_disk() -> None:
    once, twice = need(LOAD), need(replace(LOAD, events_per_s=400))
    assert twice.network_mb_s == 2 * once.network_mb_s
    assert 1.5 * once.cores < twice.cores <= 2 * once.cores
    assert (twice.tables_gb, twice.topics_gb) == (once.tables_gb, once.topics_gb)


def test_twice_the_customers_take_twice_the_disk_and_the_time() -> None:
    once, twice = need(LOAD), need(replace(LOAD, customers=2_000_000))
    assert (twice.tables_gb, twice.topics_gb) == (2 * once.tables_gb, 2 * once.topics_gb)
    assert (twice.restore_s, twice.replay_h) == (2 * once.restore_s, 2 * once.replay_h)
    assert twice.network_mb_s == once.network_mb_s


def test_the_sum_of_a_small_programme_done_by_hand() -> None:
    found = need(Load(10, 100_000, 2, orders_per_year=5))  # ten orders each
    assert found.tables_gb == pytest.approx(100_000 * (700 + 206 * 10) * 1.5 / 1e9)
    assert found.restore_s == pytest.approx(100_000 * (9 + 3 * 10) / 2 / RESTORED.value)
    assert found.topics_gb == pytest.approx(REPLICAS * (100_000 * 10 * 3 * 470 / 1e9 + found.tables_gb))
    assert (found.workers, found.partitions, ROOM) == (2, 4, 1.5)
    assert found.memory_gb == pytest.approx((2 * 370 + 4 * 8) / 1_000 + 100_000 * (9 + 3 * 10) * 2.4 / 1e9)
    assert found.replay_h == pytest.approx(100_000 * 10 * 3 * 0.6 / 1_000 / 2 / 3_600)


@pytest.mark.parametrize("load", capacity.SIZES)
def test_no_partition_has_more_to_do_or_to_restore_than_one_thread_can(load: Load) -> None:
    found = need(load)
    assert load.events_per_s / found.partitions * capacity.EVENT_CPU_MS.value / 1_000 <= capacity.BUSY
    assert found.restore_s * found.workers / found.partitions <= capacity.RESTORE_S
    assert found.partitions <= 1_000
