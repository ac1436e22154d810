"""Dates and instants of the programme's time zone: calendar days and months, never 24 hours or 365 days (T-08, T-29).

Instants are milliseconds since 1970 UTC. Zones come from the `tzdata` package alone, never from the machine, so that
two machines agree (I-5). Caches here are memos of pure functions; a programme has few days.
"""

from datetime import date, datetime, timedelta
from functools import lru_cache
from importlib.resources import files
from typing import Literal
from zoneinfo import ZoneInfo

MINUTE_MS = 60_000
HOUR_MS = 3_600_000
MissingDay = Literal["last_of_month", "first_of_next"]
"""Where an anniversary falls whose day the month lacks: 29 February becomes 28 February or 1 March (T-09)."""


@lru_cache(maxsize=1)
def zones() -> frozenset[str]:
    """Every zone name that a policy may use."""
    return frozenset(files("tzdata").joinpath("zones").read_text(encoding="utf-8").split())


@lru_cache(maxsize=32)
def zone_of(name: str) -> ZoneInfo:
    """The rules of a zone."""
    with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as rules:
        return ZoneInfo.from_file(rules, key=name)


def local(instant: int, zone: str) -> datetime:
    """The local date and time at `instant`, to the second."""
    return datetime.fromtimestamp(instant // 1000, zone_of(zone))


@lru_cache(maxsize=4096)
def date_of(instant: int, zone: str) -> date:
    """The local date at `instant`."""
    return local(instant, zone).date()


@lru_cache(maxsize=4096)
def start_of(day: date, zone: str) -> int:
    """The first instant of a local day, also where daylight saving skips midnight."""
    return int(datetime(day.year, day.month, day.day, tzinfo=zone_of(zone)).timestamp()) * 1000


@lru_cache(maxsize=4096)
def instant_of(clock: datetime, zone: str) -> int:
    """The instant at which clocks of the zone first show a date and time; one that they skip is as much later (T-08)."""
    return int(clock.replace(tzinfo=zone_of(zone)).timestamp()) * 1000


def end_of(instant: int, days: int, zone: str) -> int:
    """The first instant after the local day that lies `days` after the local day of `instant` (T-29)."""
    return start_of(date_of(instant, zone) + timedelta(days=days + 1), zone)


@lru_cache(maxsize=4096)
def add_months(day: date, months: int, missing_day: MissingDay) -> date:
    """The day `months` calendar months after `day`; always from the original date, so it cannot drift (T-09)."""
    year, month0 = divmod(day.year * 12 + day.month - 1 + months, 12)
    try:
        return date(year, month0 + 1, day.day)
    except ValueError:  # the month has no such day; February, April, June, September and November have a successor
        following = date(year, month0 + 2, 1)
    return following - timedelta(days=1) if missing_day == "last_of_month" else following
