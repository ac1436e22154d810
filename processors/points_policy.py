"""What a programme chooses about points: what earns them, for how long they last, and what they are worth (C-12)."""

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from processors.policy_fields import Count, Name
from schemas.fields import Id, Word

Percent = Annotated[int, Meta(ge=0, le=10_000)]
Activity = Literal["registration", "referral", "answer", "visit"]


class Purchases(Struct, frozen=True, forbid_unknown_fields=True):
    """So many points for each `per_minor` of what counts towards lifetime value, programme minor units.

    Rounded down once for the whole order; what its lines earn adds up to that.
    """

    points: Count = 1
    per_minor: Annotated[int, Meta(ge=1, le=10**9)] = 100


class Interaction(Struct, frozen=True, forbid_unknown_fields=True):
    """So many points each time, `most` times at most in a local calendar month, a year, or ever."""

    points: Count
    most: Count
    within: Literal["month", "year", "ever"] = "year"


class Expiry(Struct, frozen=True, forbid_unknown_fields=True):
    """Points last so many calendar months from what earned them, to the end of that day, month or year (T-36); None: for ever."""

    months: Annotated[int, Meta(ge=1, le=600)] | None = None
    end_of: Literal["day", "month", "year"] = "day"


class Reward(Struct, frozen=True, forbid_unknown_fields=True):
    """What one costs, and whose it is; without tiers everybody's."""

    points: Annotated[int, Meta(ge=1, le=10**9)]
    tiers: tuple[Name, ...] = ()


class Adjustments(Struct, frozen=True, forbid_unknown_fields=True):
    """How many points a role may give or take with one command (R-PTS-09), and why; without reasons any will do."""

    authority: dict[Name, Annotated[int, Meta(ge=0, le=10**9)]] = field(default_factory=dict)
    reasons: tuple[Word, ...] = ()


class Points(Struct, frozen=True, forbid_unknown_fields=True):
    """The points of a programme. A policy without any gives none; those that there are stay what they are.

    What a purchase earns is pending until its `return_window` closes, or is there `at_once`. What is taken back after it was
    spent is owed: the whole `balance` pays for it at once, or `future_earnings` do; nothing is redeemed meanwhile (T-33).
    """

    purchases: Purchases = Purchases()
    interactions: dict[Activity, Interaction] = field(default_factory=dict)
    tiers_percent: dict[Name, Percent] = field(default_factory=dict)
    channels_percent: dict[Word, Percent] = field(default_factory=dict)
    available: Literal["after_return_window", "at_once"] = "after_return_window"
    expiry: Expiry = Expiry()
    owed_from: Literal["balance", "future_earnings"] = "future_earnings"
    reserved_hours: Annotated[int, Meta(ge=1, le=8760)] = 72
    rewards: dict[Id, Reward] = field(default_factory=dict)
    adjustments: Adjustments = Adjustments()
