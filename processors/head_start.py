"""Priority without starvation: a head start in a queue, and a longest wait for everybody (R-RTE-03, R-FUL-01, T-44).

Whoever has a head start stands where somebody stands who came so much earlier. So nobody starves, however many VIPs come:
who came earlier than a head start ago stays in front.
"""

from typing import NamedTuple

from processors.business_hours import Calendar, after
from processors.local_time import MINUTE_MS
from processors.policy import Policy

ALWAYS = Calendar()


class Clock(NamedTuple):
    """Whose minutes count."""

    calendar: Calendar
    zone: str


def clock(policy: Policy, calendar: str) -> Clock:
    """The clock of a calendar that the policy names."""
    return Clock(policy.service.calendars.get(calendar, ALWAYS), policy.time_zone)


def rank_of(came_at: int, head_start_minutes: int) -> int:
    """Place in the queue: whoever has the smallest is next."""
    return came_at - head_start_minutes * MINUTE_MS


def waits_until(came_at: int, longest_wait_minutes: int, ticking: Clock) -> int:
    """From when on whoever came then goes before everybody who has not waited so long."""
    return after(ticking.calendar, came_at, longest_wait_minutes, ticking.zone)


def turn(rank_at: int, wait_until: int, now: int) -> tuple[bool, int]:
    """Whose turn it is: the smallest. Who waits for too long goes before everybody who does not."""
    return now < wait_until, rank_at
