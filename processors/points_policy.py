"""What a programme chooses about points: what earns them, for how long they last, and what they are worth (C-12)."""

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from processors.policy_errors import PolicyInvalid
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
    """What one costs the customer and the programme, and whose it is; without tiers everybody's (R-PTS-04).

    One that is `stocked` is there as long as its stock lasts. At `reorder_level` free units more are called for (R-FUL-08); where there
    are too few, the `substitute` is offered (R-FUL-10).
    """

    points: Annotated[int, Meta(ge=1, le=10**9)]
    tiers: tuple[Name, ...] = ()
    cost_minor: Annotated[int, Meta(ge=0, le=10**9)] = 0
    stocked: bool = False
    reorder_level: Count | None = None
    substitute: Id | None = None


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
    offered_hours: Annotated[int, Meta(ge=1, le=8760)] = 48


def catalogue(points: Points | None) -> PolicyInvalid | None:
    """What of a reward contradicts the others: points that are held for one pay for its substitute."""
    rewards = points.rewards if points else {}
    for name, reward in rewards.items():
        path, other = f"$.points.rewards.{name}", rewards.get(reward.substitute or "")
        if ", " in name:  # conditions list the catalogue so
            return PolicyInvalid(path, name, "a name without a comma and a space")
        if not reward.stocked and (reward.substitute is not None or reward.reorder_level is not None):
            allowed = "true: a reward with a substitute or a reorder level has a stock"
            return PolicyInvalid(f"{path}.stocked", "false", allowed)
        if reward.substitute is None:
            continue
        if other is None or reward.substitute == name:
            others = ", ".join(sorted(rewards.keys() - {name}))
            return PolicyInvalid(f"{path}.substitute", reward.substitute, f"another reward: {others}")
        if other.points > reward.points:
            allowed = f"a reward of at most {reward.points} points: those that are held pay for it"
            return PolicyInvalid(f"{path}.substitute", f"{reward.substitute}, of {other.points} points", allowed)
    return None
