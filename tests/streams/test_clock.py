"""The log's time: midnights of real zones, ticks between events, jumps, and this machine's clock (D4, T-19, T-21)."""

import time
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.clock import DAY_MS, HOUR_MS, EventsClock, WallClock, midnights, now_ms
from tests.streams.history import ms

ZONES = (
    "UTC",
    "America/New_York",
    "America/Havana",  # daylight saving skips and repeats midnight
    "Asia/Beirut",  # skips midnight
    "America/Santiago",  # skips midnight; the other half of the year
    "Asia/Kolkata",
    "Pacific/Kiritimati",
    "Australia/Lord_Howe",  # half an hour of daylight saving
)


@pytest.mark.parametrize(
    ("zone", "after", "expected"),
    [
        ("UTC", "2024-02-27 12:00", ["2024-02-28 00:00", "2024-02-29 00:00", "2024-03-01 00:00"]),
        ("America/New_York", "2024-03-09 12:00", ["2024-03-10 05:00", "2024-03-11 04:00", "2024-03-12 04:00"]),
        ("America/New_York", "2024-11-02 12:00", ["2024-11-03 04:00", "2024-11-04 05:00", "2024-11-05 05:00"]),
        # 00:00 does not exist: the day starts at 01:00
        ("America/Havana", "2024-03-09 12:00", ["2024-03-10 05:00", "2024-03-11 04:00", "2024-03-12 04:00"]),
        ("Asia/Beirut", "2024-03-30 12:00", ["2024-03-30 22:00", "2024-03-31 21:00", "2024-04-01 21:00"]),
        # 00:00 exists twice: the day starts at the first
        ("America/Havana", "2024-11-02 12:00", ["2024-11-03 04:00", "2024-11-04 05:00", "2024-11-05 05:00"]),
        ("Pacific/Kiritimati", "2024-01-01 09:59", ["2024-01-01 10:00", "2024-01-02 10:00", "2024-01-03 10:00"]),
        ("Pacific/Kiritimati", "2024-01-01 10:00", ["2024-01-02 10:00", "2024-01-03 10:00", "2024-01-04 10:00"]),
    ],
)
def test_midnights_of_three_days(zone: str, after: str, expected: list[str]) -> None:
    found = midnights(ms(after), ms(expected[-1]), ZoneInfo(zone))
    assert list(found) == [ms(each) for each in expected]


def local_date(instant: int, zone: str) -> date:
    return datetime.fromtimestamp(instant / 1000, UTC).astimezone(ZoneInfo(zone)).date()


@given(st.sampled_from(ZONES), st.integers(ms("2020-01-01"), ms("2026-01-01")), st.integers(0, 200 * DAY_MS))
def test_every_local_day_begins_at_one_midnight(zone: str, after: int, length: int) -> None:
    found = list(midnights(after, after + length, ZoneInfo(zone)))
    first, last = local_date(after, zone), local_date(after + length, zone)
    assert [local_date(each, zone) for each in found] == [
        first + timedelta(days=n) for n in range(1, (last - first).days + 1)
    ]
    for each in found:
        assert after < each <= after + length
        assert local_date(each - 1, zone) < local_date(each, zone), "one millisecond earlier it was the day before"


def test_the_first_event_starts_the_clock() -> None:
    clock = EventsClock("UTC", 31)
    assert clock.before(ms("2024-01-31 12:00")) == [ms("2024-01-31 12:00")]


def test_within_an_hour_time_does_not_move_and_beyond_it_does() -> None:
    clock = EventsClock("UTC", 31)
    start = ms("2024-01-31 12:00")
    clock.before(start)
    assert clock.before(start + HOUR_MS) == []
    assert clock.before(start + HOUR_MS + 1) == [start + HOUR_MS + 1]
    assert clock.before(start + HOUR_MS + 2) == []


def test_midnight_is_ticked_exactly_and_the_event_only_if_it_is_an_hour_after_it() -> None:
    clock = EventsClock("America/New_York", 31)
    clock.before(ms("2024-03-09 23:30"))
    assert clock.before(ms("2024-03-10 05:10")) == [ms("2024-03-10 05:00")]
    assert clock.before(ms("2024-03-12 12:00")) == [
        ms("2024-03-11 04:00"), ms("2024-03-12 04:00"), ms("2024-03-12 12:00"),
    ]  # fmt: skip
    assert clock.before(ms("2024-03-13 04:00")) == [ms("2024-03-13 04:00")], "an event at midnight itself"


def test_a_late_event_does_not_turn_time_back() -> None:
    clock = EventsClock("UTC", 31)
    clock.before(ms("2024-01-31 12:00"))
    assert clock.before(ms("2020-01-01")) == []
    assert clock.before(ms("2024-01-31 13:00")) == []
    assert clock.last == ms("2024-01-31 12:00")


@given(st.sampled_from(ZONES), st.lists(st.integers(0, 40 * DAY_MS), min_size=1, max_size=30))
def test_ticks_only_rise_reach_every_midnight_and_are_never_an_hour_behind(zone: str, afters: list[int]) -> None:
    clock, ticks, newest = EventsClock(zone, 31), list[int](), 0
    start = ms("2024-03-01")
    for after in afters:
        at = start + after
        new = clock.before(at)
        ticks += new
        newest = max(newest, at)
        assert all(tick <= at for tick in new)
        assert at - ticks[-1] <= HOUR_MS
    assert ticks == sorted(set(ticks))
    assert set(midnights(ticks[0], newest, ZoneInfo(zone))) <= set(ticks)


def test_an_event_too_far_ahead_is_a_jump_t_19() -> None:
    clock = EventsClock("UTC", 31)
    assert not clock.jumps(ms("2024-01-01")), "there is nothing to be ahead of"
    clock.before(ms("2024-01-01"))
    assert not clock.jumps(ms("2024-02-01"))
    assert clock.jumps(ms("2024-02-01") + 1)
    assert not clock.jumps(ms("1997-01-01"))
    assert clock.last == ms("2024-01-01"), "asking does not move time"


def test_the_wall_clock_ticks_at_once_then_every_while_sooner_where_events_come() -> None:
    clock = WallClock(every_s=10, idle_s=60)
    assert clock.due({0, 1}, 1_000_000) == {0, 1}
    clock.ticked({0, 1}, 1_000_000)
    assert clock.due({0, 1}, 1_000_000 + 59_999) == set()
    assert clock.due({0, 1}, 1_000_000 + 60_000) == {0, 1}
    clock.saw_events()
    assert clock.due({0, 1}, 1_000_000 + 9_999) == set()
    assert clock.due({0, 1}, 1_000_000 + 10_000) == {0, 1}
    assert clock.due({1, 2}, 1_000_000 + 10_000) == {1, 2}, "a partition that is new here is due at once"
    clock.ticked({0}, 1_010_000)
    assert clock.due({0, 1}, 1_020_000) == {1}, "idle again after its tick"


def test_now_is_milliseconds_of_this_machine() -> None:
    before = time.time()
    assert before * 1000 - 1 <= now_ms() <= time.time() * 1000 + 1
