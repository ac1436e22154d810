"""Anniversaries and birthdays: on the right day in the right zone, once, and never those long past (R-RISK-06, R-RISK-07, T-41)."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.celebrations import anniversary_on, years_on
from schemas.decisions import NotificationRequested
from tests.processors.story import Story, parsed_with


def told(story: Story, notice: str) -> list[tuple[str, int | None]]:
    """Local day on which each was asked for, and the years."""
    return [
        (story.local(int(each.cause.rpartition("/")[2])), each.years)
        for each in story.decided(NotificationRequested)
        if each.notice == notice
    ]


def vip(first_order: str, policy: dict[str, Any] | None = None, *, birth_month: int | None = None) -> Story:
    story = Story({"notifications": "shipped", "at_risk": {"silent_days": 3000}} | (policy or {}))
    story.register("2014-03-31 23:30", birth_month=birth_month)
    story.consent("2014-04-01")
    story.order(first_order, "1000.00")
    return story


def test_an_anniversary_is_of_vip_since_in_the_programmes_zone_t_41() -> None:
    story = vip("2024-01-31 23:30", {"time_zone": "America/New_York"})
    story.tick("2026-12-31")
    assert told(story, "anniversary") == [("2025-01-31", 1), ("2026-01-31", 2)]


def test_or_of_customer_since_and_those_before_they_were_a_vip_are_past_t_41() -> None:
    story = vip("2024-01-31", {"celebrations": {"anniversary_of": "customer_since"}})
    story.tick("2025-12-31")
    assert told(story, "anniversary") == [("2024-03-31", 10), ("2025-03-31", 11)]


@pytest.mark.parametrize(("rule", "day"), [("last_of_month", "2025-02-28"), ("first_of_next", "2025-03-01")])
def test_29_february_t_09_t_41(rule: str, day: str) -> None:
    story = vip("2024-02-29 12:00", {"missing_day": rule})
    story.tick("2028-12-31")
    days = told(story, "anniversary")
    assert (days[0], days[3]) == ((day, 1), ("2028-02-29", 4))


def test_a_new_grant_counts_anew_c_11() -> None:
    story = vip("2024-01-10", {"grace_days": 0})
    story.refund("2024-02-01", "1000.00")
    story.tick("2024-02-02")
    story.order("2024-06-10", "1000.00", "o2")
    story.tick("2025-12-31")
    assert told(story, "anniversary") == [("2025-06-10", 1)]


def test_who_is_known_for_some_hours_longer_is_not_greeted_again() -> None:
    story = vip("2024-01-31", {"celebrations": {"anniversary_of": "customer_since"}})
    story.tick("2024-03-31 12:00")
    story.register("2014-03-31 22:00", event="known-longer")
    assert story.local(story.row().since) == "2014-03-31 22:00"
    story.tick("2025-12-31")
    assert told(story, "anniversary") == [("2024-03-31", 10), ("2025-03-31", 11)]


def test_what_is_learned_late_of_since_when_repeats_no_anniversary() -> None:
    story = vip("2024-01-31", {"celebrations": {"anniversary_of": "customer_since"}})
    story.tick("2024-04-02")
    story.register("2013-03-20")
    story.tick("2025-12-31")
    assert told(story, "anniversary") == [("2024-03-31", 10), ("2025-03-20", 12)]


def test_who_cancelled_is_not_congratulated() -> None:
    story = vip("2024-01-10")
    story.subscribe("2024-01-10")
    story.leave("2025-01-01")
    story.tick("2025-01-20")
    story.resume("2025-01-20")
    story.tick("2026-01-20")
    assert told(story, "anniversary") == [("2026-01-10", 2)]


def test_a_birthday_is_told_once_a_year_when_its_month_begins_r_risk_07() -> None:
    story = vip("2024-01-10", birth_month=3)
    story.tick("2026-02-01")
    assert told(story, "birthday") == [("2024-03-01", None), ("2025-03-01", None)]


def test_who_becomes_a_vip_within_the_month_is_congratulated_then_and_others_next_year() -> None:
    within, after = vip("2024-03-10", birth_month=3), vip("2024-04-10", birth_month=3)
    for story in (within, after):
        story.tick("2025-12-31")
    assert told(within, "birthday") == [("2024-03-10", None), ("2025-03-01", None)]
    assert told(after, "birthday") == [("2025-03-01", None)]


def test_a_corrected_month_gives_no_second_birthday_in_one_year() -> None:
    story = vip("2024-01-10", birth_month=3)
    story.tick("2024-04-01")
    story.register("2024-04-02", birth_month=6)
    story.register("2024-04-01", birth_month=9)  # came late, and was corrected since
    story.tick("2025-12-31")
    assert told(story, "birthday") == [("2024-03-01", None), ("2025-06-01", None)]


@given(
    st.dates(date(1990, 1, 2), date(2050, 1, 1)),
    st.integers(0, 40_000),
    st.sampled_from(["last_of_month", "first_of_next"]),
)
def test_years_are_those_whose_anniversary_has_come_t_08_t_09(since: date, days: int, missing: str) -> None:
    policy = parsed_with({"missing_day": missing, "time_zone": "Asia/Tokyo"})
    story = Story({"time_zone": "Asia/Tokyo"}, started=False)
    instant = story.at(since.isoformat())
    day = date.fromordinal(since.toordinal() + days)
    years = years_on(instant, day, policy)
    assert anniversary_on(instant, years, policy) <= day < anniversary_on(instant, years + 1, policy)
