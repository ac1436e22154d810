"""The policy's part on making good what went wrong: what a customer gets by rule, and what people may grant (R-REC-01..05)."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from processors.policy_fields import Name, PerTier
from schemas.fields import Minor

RemedyKind = Literal["credit", "shipping_waived", "replacement"]


class Remedy(Struct, frozen=True, forbid_unknown_fields=True):
    """What makes something good: a credit of an amount, the shipping of the order, or the goods again."""

    kind: RemedyKind
    amount_minor: Minor = 0


class Amends(Struct, frozen=True, forbid_unknown_fields=True):
    """What a customer gets by rule: for an order that comes so many hours late, and for a delivery that failed."""

    late_hours: Annotated[int, Meta(ge=0, le=8760)] = 48
    on_delay: tuple[Remedy, ...] = ()
    on_failure: tuple[Remedy, ...] = ()


class Cap(Struct, frozen=True, forbid_unknown_fields=True):
    """How much goodwill one customer gets at most within the window, by rule and by people together (T-45)."""

    most_minor: Minor = 0


class Authority(Struct, frozen=True, forbid_unknown_fields=True):
    """What people in a role may grant: each time, each of them within the window, and beyond a customer's cap or not."""

    each_minor: Minor
    window_minor: Minor
    beyond_cap: bool = False


class Recovery(Struct, frozen=True, forbid_unknown_fields=True):
    """Amends by rule and goodwill by people. Windows are the last `window_days` local days, today among them."""

    amends: PerTier[Amends] = PerTier(Amends(), {})
    window_days: Annotated[int, Meta(ge=1, le=366)] = 365
    agent_window_days: Annotated[int, Meta(ge=1, le=366)] = 30
    caps: PerTier[Cap] = PerTier(Cap(), {})
    kinds: tuple[Name, ...] = ("credit", "shipping_waived", "replacement")
    authority: dict[Name, Authority] = {}
