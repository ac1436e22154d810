"""Anniversaries on their day and birthdays in their month: once a year, and never one that is long past (R-RISK-06, R-RISK-07).

An anniversary is counted from the original date, so that it cannot drift (T-09, T-41). Of a birthday laurel knows no more
than the month: whoever sends the card knows the day (D11).
"""

from datetime import date
from typing import NamedTuple

from msgspec.structs import replace

from processors.customer import Customer
from processors.episodes import Birth
from processors.explanation import Because, compare
from processors.local_time import add_months, date_of, start_of
from processors.notices import Asked, request
from processors.policy import Policy
from schemas.decisions import NotificationRequested
from schemas.events import CustomerRegistered
from schemas.profiles import CustomerProfile


def celebrated_since(customer: Customer, policy: Policy) -> int | None:
    """The instant that anniversaries are counted from; None for who is no VIP (T-41)."""
    if customer.tier is None:
        return None
    return customer.vip_since if policy.celebrations.anniversary_of == "vip_since" else customer.since


def anniversary_on(since: int, years: int, policy: Policy) -> date:
    """The local day on which so many years are complete."""
    return add_months(date_of(since, policy.time_zone), 12 * years, policy.missing_day)


def years_on(since: int, day: date, policy: Policy) -> int:
    """Complete years between an instant and a local day."""
    years = max(day.year - date_of(since, policy.time_zone).year, 0)
    return years if years == 0 or anniversary_on(since, years, policy) <= day else years - 1


def anniversary_at(customer: Customer, policy: Policy) -> int | None:
    """When the next anniversary begins; in the past for who has them to catch up with."""
    since = celebrated_since(customer, policy)
    if since is None:
        return None
    counted = customer.celebrated.since
    # Whoever is known for some hours longer than was thought has no other anniversaries.
    same = counted is not None and date_of(counted, policy.time_zone) == date_of(since, policy.time_zone)
    passed = customer.celebrated.years if same else 0
    return start_of(anniversary_on(since, passed + 1, policy), policy.time_zone)


def celebrate_anniversary(
    customer: Customer, policy: Policy, now: int, because: Because
) -> tuple[Customer, list[NotificationRequested]]:
    """On the day itself. Those that passed before the customer was a VIP, or known since then, are past."""
    since = celebrated_since(customer, policy)
    if since is None:
        return customer, []
    today = date_of(now, policy.time_zone)
    years = years_on(since, today, policy)
    customer = replace(customer, celebrated=replace(customer.celebrated, since=since, years=years))
    reached = compare("anniversary", "today", today.isoformat(), "=", anniversary_on(since, years, policy).isoformat())
    if not reached.holds or _absent(customer):
        return customer, []
    asked = Asked("anniversary", customer.tier, years=years, conditions=(reached,))
    return request(customer, policy, now, because, asked)


def tell_birth(customer: Customer, event: CustomerRegistered) -> Customer:
    """The last month told counts, of two of one instant the earlier (T-16)."""
    if event.birth_month is None:
        return customer
    told, known = Birth(event.birth_month, event.occurred_at), customer.birth
    if known is not None and (known.told_at, -known.month) >= (told.told_at, -told.month):
        return customer
    return replace(customer, birth=told)


def birthday_at(customer: Customer, policy: Policy) -> int | None:
    """When the next month of birth begins; in the past where it has begun."""
    if customer.tier is None or customer.birth is None:
        return None
    month, told = customer.birth.month, date_of(customer.birth.told_at, policy.time_zone)
    first = told.year if month >= told.month else told.year + 1
    return start_of(date(max(first, customer.celebrated.birthday + 1), month, 1), policy.time_zone)


def celebrate_birthday(
    customer: Customer, policy: Policy, now: int, because: Because
) -> tuple[Customer, list[NotificationRequested]]:
    """When the month begins, or within it for who becomes a VIP then; once a year."""
    if customer.birth is None:
        return customer, []
    month, today = customer.birth.month, date_of(now, policy.time_zone)
    year = today.year if today.month >= month else today.year - 1
    customer = replace(customer, celebrated=replace(customer.celebrated, birthday=year))
    born = compare("birthday", "month", today.month, "=", month)
    if not born.holds or _absent(customer):
        return customer, []
    return request(customer, policy, now, because, Asked("birthday", customer.tier, conditions=(born,)))


def _absent(customer: Customer) -> bool:
    """Who cancelled is written to about that alone."""
    return customer.membership.status == "cancelled"


class Celebration(NamedTuple):
    """What falls into a month; `on` is a local day, or the month of a birthday."""

    kind: str
    on: str
    years: int | None = None


def falls_into(profile: CustomerProfile, month: date, policy: Policy) -> tuple[Celebration, ...]:
    """What is celebrated in the month of a day: the filter "VIP anniversary this month", by the rules of the requests, for who has a tier and has not left (R-RISK-06)."""
    if profile.tier is None or profile.status == "cancelled":
        return ()
    of_vip = policy.celebrations.anniversary_of == "vip_since"
    since = profile.vip_since if of_vip else profile.customer_since
    found: list[Celebration] = []
    if since is not None and (years := month.year - date_of(since, policy.time_zone).year) > 0:
        day = anniversary_on(since, years, policy)
        if (day.year, day.month) == (month.year, month.month):
            found.append(Celebration("anniversary", day.isoformat(), years))
    if profile.birth_month == month.month:
        found.append(Celebration("birthday", f"{month:%Y-%m}"))
    return tuple(found)
