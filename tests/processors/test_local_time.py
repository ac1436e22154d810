"""Local days and months: leap days, month ends, daylight saving."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.local_time import MissingDay, add_months, date_of, end_of, start_of, zones

NEW_YORK = "America/New_York"


def utc(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("months", "last_of_month", "first_of_next"),
    [
        (12, date(2025, 2, 28), date(2025, 3, 1)),
        (24, date(2026, 2, 28), date(2026, 3, 1)),
        (48, date(2028, 2, 29), date(2028, 2, 29)),  # from the original date: no drift over three common years
        (1200, date(2124, 2, 29), date(2124, 2, 29)),
        (912, date(2100, 2, 28), date(2100, 3, 1)),  # 2100 is no leap year
    ],
)
def test_29_february_t_09(months: int, last_of_month: date, first_of_next: date) -> None:
    born = date(2024, 2, 29)
    assert add_months(born, months, "last_of_month") == last_of_month
    assert add_months(born, months, "first_of_next") == first_of_next


def test_month_ends_t_41() -> None:
    assert add_months(date(2023, 1, 31), 1, "last_of_month") == date(2023, 2, 28)
    assert add_months(date(2023, 1, 31), 1, "first_of_next") == date(2023, 3, 1)
    assert add_months(date(2023, 1, 31), 3, "last_of_month") == date(2023, 4, 30)
    assert add_months(date(2023, 10, 31), 1, "first_of_next") == date(2023, 12, 1)
    assert add_months(date(2023, 12, 31), 2, "last_of_month") == date(2024, 2, 29)


@given(
    st.dates(date(1990, 1, 1), date(2100, 1, 1)),
    st.integers(0, 1200),
    st.sampled_from(["last_of_month", "first_of_next"]),
)
def test_adding_months_never_goes_back(day: date, months: int, rule: MissingDay) -> None:
    assert add_months(day, 0, rule) == day
    assert add_months(day, months, rule) < add_months(day, months + 1, rule) or day.day > 28
    assert add_months(day, months, rule) <= add_months(day, months + 1, rule)


def test_days_are_local() -> None:
    assert date_of(utc("2024-01-01 04:59:59"), NEW_YORK) == date(2023, 12, 31)
    assert date_of(utc("2024-01-01 05:00:00"), NEW_YORK) == date(2024, 1, 1)
    assert start_of(date(2024, 1, 1), NEW_YORK) == utc("2024-01-01 05:00")
    assert start_of(date(2024, 7, 1), NEW_YORK) == utc("2024-07-01 04:00")


def test_windows_end_with_a_local_day_whatever_daylight_saving_does_t_29() -> None:
    """New York: 10 March 2024 has 23 hours, 3 November 2024 has 25."""
    assert end_of(utc("2024-03-09 17:00"), 1, NEW_YORK) == utc("2024-03-11 04:00")
    assert end_of(utc("2024-11-02 17:00"), 1, NEW_YORK) == utc("2024-11-04 05:00")
    assert end_of(utc("2024-03-09 17:00"), 0, NEW_YORK) == utc("2024-03-10 05:00")


def test_a_day_whose_midnight_is_skipped_starts_when_its_first_minute_does() -> None:
    assert start_of(date(2018, 11, 4), "America/Sao_Paulo") == utc("2018-11-04 03:00")
    assert date_of(utc("2018-11-04 03:00") - 1000, "America/Sao_Paulo") == date(2018, 11, 3)


@given(st.dates(date(1990, 1, 1), date(2099, 1, 1)), st.sampled_from([NEW_YORK, "Europe/Berlin", "Asia/Tokyo", "UTC"]))
def test_the_start_of_a_day_is_in_it_and_the_instant_before_is_not(day: date, zone: str) -> None:
    start = start_of(day, zone)
    assert date_of(start, zone) == day
    assert date_of(start - 1000, zone) < day


def test_zones_are_those_of_the_package() -> None:
    assert {"UTC", NEW_YORK, "Europe/Berlin"} <= zones()
    assert "posixrules" not in zones()
