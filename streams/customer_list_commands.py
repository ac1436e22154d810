"""`laurel report customers`: who is looked at when VIPs are reviewed, for people, programs and spreadsheets."""

import csv
import sys
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter
from cyclopts.types import NonNegativeInt

from streams.console import BAD_INPUT, NOT_THERE, OK, Json, emit, fail, out, progress, table
from streams.settings import Settings

if TYPE_CHECKING:
    from schemas.profiles import CustomerProfile

Order = Literal["value", "longest", "nearest", "silent"]
Status = Literal["active", "paused", "cancelled", "inactive"]
HEAD = (
    "customer", "tier", "VIP since", "customer since", "lifetime value", "orders", "monthly", "last order", "status", "next tier",
    "missing", "complaints", "benefits", "contact for",
)  # fmt: skip
MONEY = tuple(n for n, name in enumerate(HEAD) if name in {"lifetime value", "monthly", "missing"})


def customers(
    *,
    tier: str | None = None,
    vip: Annotated[bool | None, Parameter(negative="--no-vip")] = None,
    status: Status | None = None,
    more_than: str | None = None,
    silent_days: NonNegativeInt | None = None,
    by: Order = "value",
    as_csv: Annotated[bool, Parameter(name="--csv")] = False,
    as_json: Json = False,
) -> int:
    """List customers for a review: who deserves a tier and has none, who is near one, who falls silent, who has been with us longest.

    The monthly review asks `--status active --more-than 1000 --no-vip`. Money is in the programme's currency.

    Example: laurel report customers --tier gold --silent-days 45 --csv

    Parameters
    ----------
    tier
        Only who has this one.
    vip
        Only who has a tier; with --no-vip only who has none.
    status
        `inactive` is every one but active.
    more_than
        Only whose lifetime value is more than this, as 1000 or 1000.50.
    silent_days
        Only whose last order was more than so many days ago.
    by
        What the list begins with: the largest value, the longest customer, whom least is missing for the next tier, the
        longest silence.
    as_csv
        With a head, for a spreadsheet.
    as_json
        Whole profiles as JSON lines.
    """
    from msgspec import to_builtins

    from processors.customer_list import Wanted, listed
    from streams.activations import NO_POLICY, in_force
    from streams.clock import now_ms
    from streams.profiles import last_profiles

    settings, policy = Settings(), in_force()
    if policy is None:
        return fail(NO_POLICY, NOT_THERE)
    if tier is not None and tier not in (names := [each.name for each in policy.tiers]):
        return fail(f"found tier {tier}; the policy in force has {', '.join(names)}", BAD_INPUT)
    try:
        value_minor = None if more_than is None else minor(more_than, policy.currency)
    except ValueError as error:
        return fail(error, BAD_INPUT)
    with progress("profiles read", None) as advance:
        profiles = last_profiles(settings, advance).values()
    wanted = Wanted(tier, vip, status, value_minor, silent_days)
    found = listed(profiles, wanted, by, now_ms(), policy.time_zone)
    rows = (_row(each, policy.time_zone) for each in found)
    if as_json:
        for each in found:
            emit(to_builtins(each))
    elif as_csv:
        # A spreadsheet takes 1,012.50 for text, or for two columns.
        plain = ([each if n not in MONEY else each.replace(",", "") for n, each in enumerate(row)] for row in rows)
        csv.writer(sys.stdout, lineterminator="\n").writerows([HEAD, *plain])
    else:
        _draw(rows)
    return OK


def minor(amount: str, currency: str) -> int:
    """An amount that a person typed, in minor units. Raises `ValueError` for what is none, or finer than the currency is."""
    from processors.amounts import DIGITS

    digits = DIGITS.get(currency, 2)
    try:
        found = Decimal(amount).scaleb(digits)
    except InvalidOperation:
        found = Decimal("NaN")
    if not found.is_finite() or found < 0 or found != found.to_integral_value():
        raise ValueError(f"found {amount!r}; an amount of {currency} as 1000 is needed, with at most {digits} decimals")
    return int(found)


def _row(profile: "CustomerProfile", zone: str) -> tuple[str, ...]:
    from processors.amounts import amount
    from processors.local_time import date_of

    def day(instant: int | None) -> str:
        return "" if instant is None else date_of(instant, zone).isoformat()

    def money(value_minor: int | None) -> str:
        return "" if value_minor is None else amount(value_minor, profile.currency)

    return (
        profile.customer_id,
        profile.tier or "",
        day(profile.vip_since),
        day(profile.customer_since),
        money(profile.lifetime_value_minor),
        str(profile.orders),
        money(profile.monthly_subscription_minor),
        day(profile.last_order_at),
        profile.status,
        profile.next_tier or "",
        money(profile.missing_value_minor),
        str(profile.complaints),
        " ".join(profile.benefits),
        " ".join(profile.contact_purposes),
    )


def _draw(rows: Iterable[tuple[str, ...]]) -> None:
    drawn = table(*HEAD)
    for row in rows:
        drawn.add_row(*row)
    out().print(drawn)
