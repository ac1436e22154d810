"""Lists of customers for people who review them: who deserves a tier, who is near one, who falls silent (R-MAN-12, R-TIER-12, R-RISK-01, R-ANL-15)."""

from collections.abc import Callable, Iterable, Mapping

from msgspec import Struct

from processors.membership import days_between
from schemas.profiles import CustomerProfile

AFTER_ALL = 2**63
"""Stands for an instant or a sum that is not known, behind all others."""


class Wanted(Struct, frozen=True):
    """Whom a list is about; None asks nothing.

    `vip` is whether they have a tier. `status` may be `inactive`, every one but active (C-14). `value_minor` and the local
    `silent_days` are what there must be more of.
    """

    tier: str | None = None
    vip: bool | None = None
    status: str | None = None
    value_minor: int | None = None
    silent_days: int | None = None


ORDERS: Mapping[str, Callable[[CustomerProfile], int]] = {
    "value": lambda each: -each.lifetime_value_minor,
    "longest": lambda each: each.customer_since if each.customer_since is not None else AFTER_ALL,
    "nearest": lambda each: each.missing_value_minor if each.missing_value_minor is not None else AFTER_ALL,
    "silent": lambda each: each.last_order_at if each.last_order_at is not None else AFTER_ALL,
}
"""What a list begins with: the largest lifetime value, the longest customer, whom least is missing for a tier, the longest silence."""


def _is(profile: CustomerProfile, wanted: Wanted, now: int, zone: str) -> bool:
    silent = 0 if profile.last_order_at is None else days_between((profile.last_order_at, now), zone)
    return (
        profile.linked_to is None
        and wanted.tier in (None, profile.tier)
        and wanted.vip in (None, profile.tier is not None)
        and (wanted.status in (None, profile.status) or (wanted.status == "inactive" and profile.status != "active"))
        and (wanted.value_minor is None or profile.lifetime_value_minor > wanted.value_minor)
        and (wanted.silent_days is None or silent > wanted.silent_days)
    )


def listed(
    profiles: Iterable[CustomerProfile], wanted: Wanted, order: str, now: int, zone: str
) -> list[CustomerProfile]:
    """Those who are wanted, in an order that is the same every time; an id that another one stands for is none of them."""
    found = (each for each in profiles if _is(each, wanted, now, zone))
    return sorted(found, key=lambda each: (ORDERS[order](each), each.customer_id))
