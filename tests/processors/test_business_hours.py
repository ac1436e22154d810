"""Business hours: nights, weekends, holidays, pauses and daylight saving stop the clock; against a count minute by minute."""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.business_hours import MINUTE_MS, Calendar, after, minutes_between

BERLIN = "Europe/Berlin"
OFFICE = Calendar(
    **dict.fromkeys(("monday", "tuesday", "wednesday", "thursday", "friday"), ("09:00-12:00", "13:00-17:00")),
    saturday=("10:00-14:00",),
    holidays=(date(2024, 5, 1), date(2024, 12, 25)),
)


def at(text: str, zone: str = BERLIN) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


@pytest.mark.parametrize(
    ("since", "minutes", "by"),
    [
        ("2024-05-06 09:00", 60, "2024-05-06 10:00"),
        ("2024-05-06 11:30", 60, "2024-05-06 13:30"),  # over lunch
        ("2024-05-06 07:00", 60, "2024-05-06 10:00"),  # before it opens
        ("2024-05-06 16:30", 60, "2024-05-07 09:30"),  # over night
        ("2024-05-10 16:30", 60, "2024-05-11 10:30"),  # into Saturday
        ("2024-05-11 13:30", 60, "2024-05-13 09:30"),  # over Sunday
        ("2024-04-30 16:30", 60, "2024-05-02 09:30"),  # over a holiday
        ("2024-05-06 16:00", 60, "2024-05-06 17:00"),  # to the last minute of the day
        ("2024-05-06 09:00", 0, "2024-05-06 09:00"),
    ],
)
def test_only_business_minutes_count_t_44(since: str, minutes: int, by: str) -> None:
    assert after(OFFICE, at(since), minutes, BERLIN) == at(by)
    assert minutes_between(OFFICE, at(since), at(by), BERLIN) == minutes


def test_day_and_night_is_plain_minutes() -> None:
    assert after(Calendar(), at("2024-05-06 16:30"), 1440, BERLIN) == at("2024-05-07 16:30")


def test_a_day_of_twenty_three_hours_has_twenty_three() -> None:
    """Summer time began in Berlin on 31 March 2024."""
    assert minutes_between(Calendar(), at("2024-03-31"), at("2024-04-01"), BERLIN) == 23 * 60
    sunday = Calendar(sunday=("01:00-05:00",))
    assert minutes_between(sunday, at("2024-03-31"), at("2024-04-01"), BERLIN) == 3 * 60


def test_pauses_stop_the_clock_t_44() -> None:
    pause = (at("2024-05-06 09:30"), at("2024-05-06 11:00"))
    assert after(OFFICE, at("2024-05-06 09:00"), 60, BERLIN, (pause,)) == at("2024-05-06 11:30")
    overnight = (at("2024-05-06 16:30"), at("2024-05-07 10:00"))
    assert after(OFFICE, at("2024-05-06 16:00"), 60, BERLIN, (overnight,)) == at("2024-05-07 10:30")


def test_who_never_opens_has_an_end_too() -> None:
    never = Calendar(monday=("09:00-10:00",), holidays=tuple(date(2024, 1, 1) + timedelta(days=n) for n in range(5000)))
    assert after(never, at("2024-05-06 09:00"), 60, BERLIN) == at("2024-05-06 09:00")


PART = st.tuples(st.integers(0, 4000), st.integers(1, 600))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 20_000), st.integers(0, 900), st.lists(PART, max_size=4), st.sampled_from([OFFICE, Calendar()]))
def test_both_agree_with_a_count_minute_by_minute(
    start: int, minutes: int, parts: list[tuple[int, int]], calendar: Calendar
) -> None:
    since = at("2024-03-25") + start * MINUTE_MS
    pauses = apart([(since + begin * MINUTE_MS, since + (begin + long) * MINUTE_MS) for begin, long in parts])
    by = after(calendar, since, minutes, BERLIN, pauses)
    assert minutes_between(calendar, since, by, BERLIN, pauses) == minutes
    counted, instant = 0, since
    while counted < minutes:
        counted += counts(calendar, instant, pauses)
        instant += MINUTE_MS
    assert by == instant or minutes == 0


def apart(spells: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    found: list[tuple[int, int]] = []
    for begin, end in sorted(spells):
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((begin, end))
    return tuple(found)


def counts(calendar: Calendar, instant: int, pauses: Any) -> bool:
    when = datetime.fromtimestamp(instant / 1000, ZoneInfo(BERLIN))
    if any(begin <= instant < end for begin, end in pauses):
        return False
    if calendar == Calendar():
        return True
    if when.date() in calendar.holidays or when.weekday() == 6:
        return False
    clock = f"{when:%H:%M}"
    hours = ("10:00-14:00",) if when.weekday() == 5 else ("09:00-12:00", "13:00-17:00")
    return any(each.split("-")[0] <= clock < each.split("-")[1] for each in hours)
