"""Business hours: instants and minutes that count, by local weekdays, hours and holidays (T-44).

A target in minutes of a calendar never falls outside its hours, and a night, a weekend or a holiday does not use it up.
"""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Annotated

from msgspec import Meta, Struct

from processors.local_time import MINUTE_MS, date_of, start_of, zone_of

Hours = Annotated[str, Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00)$")]
"""From and until, as "09:00-17:30", within one local day."""
MOST_DAYS = 3660
"""Days that are looked through; a calendar that is closed for longer has no hours at all."""
Spell = tuple[int, int]


class Calendar(Struct, frozen=True, forbid_unknown_fields=True):
    """When somebody works: hours for each weekday that has any, and days off. Without hours: day and night."""

    monday: tuple[Hours, ...] = ()
    tuesday: tuple[Hours, ...] = ()
    wednesday: tuple[Hours, ...] = ()
    thursday: tuple[Hours, ...] = ()
    friday: tuple[Hours, ...] = ()
    saturday: tuple[Hours, ...] = ()
    sunday: tuple[Hours, ...] = ()
    holidays: tuple[date, ...] = ()

    def of_weekday(self, number: int) -> tuple[Hours, ...]:
        """The hours of a weekday, 0 for Monday."""
        week = (self.monday, self.tuesday, self.wednesday, self.thursday, self.friday, self.saturday, self.sunday)
        return week[number]

    @property
    def always(self) -> bool:
        """Whether it is open day and night."""
        return not any(map(self.of_weekday, range(7)))


@lru_cache(maxsize=4096)
def _open_on(calendar: Calendar, day: date, zone: str) -> tuple[Spell, ...]:
    """The spells of a local day that count."""
    if calendar.always:
        return ((start_of(day, zone), start_of(day + timedelta(days=1), zone)),)
    if day in calendar.holidays:
        return ()
    spells = (
        tuple(_instant(day, part, zone) for part in hours.split("-")) for hours in calendar.of_weekday(day.weekday())
    )
    return tuple(sorted((begin, end) for begin, end in spells if begin < end))


def _instant(day: date, clock: str, zone: str) -> int:
    if clock == "24:00":
        return start_of(day + timedelta(days=1), zone)
    return int(datetime.combine(day, time.fromisoformat(clock), zone_of(zone)).timestamp()) * 1000


def _spells(calendar: Calendar, since: int, zone: str) -> Iterator[Spell]:
    """What counts from an instant on."""
    first = date_of(since, zone)
    for number in range(MOST_DAYS):
        for begin, end in _open_on(calendar, first + timedelta(days=number), zone):
            if end > since:
                yield max(begin, since), end


def after(calendar: Calendar, since: int, minutes: int, zone: str, pauses: tuple[Spell, ...] = ()) -> int:
    """The instant by which so many minutes have counted since another, but for pauses, which are sorted and apart.

    Of a calendar that has no hours for ten years: the end of what was looked through.
    """
    left, at = minutes * MINUTE_MS, since
    for begin, end in _without(_spells(calendar, since, zone), pauses):
        if end - begin >= left:
            return begin + left
        left, at = left - (end - begin), end
    return at


def minutes_between(calendar: Calendar, since: int, until: int, zone: str, pauses: tuple[Spell, ...] = ()) -> int:
    """Whole minutes that counted between two instants."""
    counted = 0
    for begin, end in _without(_spells(calendar, since, zone), pauses):
        if begin >= until:
            break
        counted += min(end, until) - begin
    return counted // MINUTE_MS


def _without(spells: Iterator[Spell], pauses: tuple[Spell, ...]) -> Iterator[Spell]:
    for begin, end in spells:
        at = begin
        for pause_begin, pause_end in pauses:
            if pause_end <= at or pause_begin >= end:
                continue
            if pause_begin > at:
                yield at, pause_begin
            at = min(max(pause_end, at), end)
        if at < end:
            yield at, end
