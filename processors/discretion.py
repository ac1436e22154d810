"""What a programme leaves to people: who may do what, how long a designation lasts, and which benefits there are."""

from collections.abc import Collection, Mapping
from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from processors.policy_fields import Days, Name
from schemas.fields import Word

Action = Literal[
    "add_designation",
    "change_designation",
    "remove_designation",
    "review_qualification",
    "add_note",
    "change_tags",
    "change_label_icon",
    "record_benefit",
    "configure_tiers",
    "configure_returns",
    "configure_rewards",
    "change_automatic_rules",
    "change_stock",
]
_DESK: tuple[Action, ...] = ("add_note", "change_tags", "change_label_icon", "record_benefit")
_MANAGER: tuple[Action, ...] = (
    "add_designation",
    "change_designation",
    "remove_designation",
    "review_qualification",
    *_DESK,
)
ROLES: Mapping[str, tuple[Action, ...]] = {
    "agent": _DESK,
    "manager": (*_MANAGER, "change_stock"),
    "operations_manager": (*_DESK, "configure_returns"),
    "marketing": ("configure_rewards",),
    "administrator": (*_MANAGER, "change_stock", "configure_tiers"),
    "platform_admin": (*_MANAGER, "change_stock", "configure_tiers", "change_automatic_rules"),
    "warehouse": ("change_stock",),
}
"""Who may do what where a policy does not say it (C-05, R-MAN-05..09)."""
SECTIONS: Mapping[str, Action] = {
    "returns": "configure_returns",
    **dict.fromkeys(
        ("points", "early_access", "launches", "celebrations", "win_back", "panel", "notifications"),
        "configure_rewards",
    ),
}
"""Parts of a policy that may be left to others than who configures all of it (R-MAN-09)."""


class Automatic(Struct, frozen=True, forbid_unknown_fields=True):
    """Whether rules lift customers by themselves (R-TIER-08), and which rises a person approves first (R-TIER-10).

    A first grant is that of somebody to whom rules gave no tier yet. Without automatic rules nobody rises or falls but by people and by
    leaving.
    """

    enabled: bool = True
    approval: Literal["none", "first_grant", "every_rise"] = "none"


class Designations(Struct, frozen=True, forbid_unknown_fields=True):
    """No designation is for ever (T-42): without an end it is reviewed after some days, and unreviewed it expires.

    A removal keeps automatic rules away for some days; None: until a person allows it.
    """

    review_days: Annotated[int, Meta(ge=1, le=3650)] = 365
    unreviewed_days: Days = 30
    automatic_again_days: Days | None = 365
    single_benefits: Literal["must_end", "may_stay"] = "must_end"
    reasons: tuple[Word, ...] = ()
    removal_reasons: tuple[Word, ...] = ()


class Benefits(Struct, frozen=True, forbid_unknown_fields=True):
    """Benefits of each tier (R-TIER-04..06), and single ones that people give besides (R-MAN-11)."""

    tiers: dict[Name, tuple[Name, ...]] = field(default_factory=dict)
    single: tuple[Name, ...] = ()


class Label(Struct, frozen=True, forbid_unknown_fields=True):
    """What a shipping label says of a tier."""

    icon: Name | None = None
    handling_note: str | None = None


def who_may(roles: Mapping[str, Collection[Action]], *needs: Collection[Action]) -> tuple[str, ...]:
    """The roles that may do one of each of these."""
    return tuple(sorted(role for role, may in roles.items() if all(set(need).intersection(may) for need in needs)))


def known_benefits(benefits: Benefits) -> tuple[str, ...]:
    """Every benefit that the policy names, once."""
    return tuple(dict.fromkeys((*(name for own in benefits.tiers.values() for name in own), *benefits.single)))
