"""Words for points: what moved, what a condition is about, and how their owner hears of an answer."""

from collections.abc import Mapping

from schemas.ledger import PointsMoved, RewardAnswered

NAMES: Mapping[str, str] = {
    "purchase_minor": "what counts of the purchase",
    "tier_when_earned": "tier that multiplies points",
    "channel": "channel that multiplies points",
    "refunded_minor": "refunded of the order",
    "window_ended_at": "time to return the goods was over at",
    "expired_at": "points expired at",
    "deficit": "points owed",
    "balance": "points to spend",
    "reward": "reward of the programme",
    "cancelled": "the request was cancelled",
    "ended_as": "what became of the request",
    "reserved_until_at": "points were held until",
    "points_adjusted": "points with one command",
    "points_asked": "points to give or take",
    "ids": "ids of the customer",
    "adjustment_used_before": "an adjustment of this id was made",
}
"""What a condition is about."""
OF: Mapping[str, str] = {"times_before_in_": "times before in {of}"}
"""Names of conditions that end with what they are about."""
REASONS: Mapping[str, tuple[str, str]] = {
    "reward": ("It is one of our rewards.", "It is not one of our rewards."),
    "deficit": ("You owe no points.", "You owe {found} points; what you earn pays for them first."),
    "balance": ("You have {found} points; it costs {asked}.", "You have {found} points; it costs {asked}."),
    "cancelled": ("", "It was called off."),
    "tier": ("It is for {asked}.", "It is only for {asked}."),
}
"""A condition as a customer hears of it where it holds, and where it fails."""
MOVED: Mapping[str, str] = {
    "earned": "earned {n} points",
    "given": "was given {n} points",
    "matured": "can spend {n} points more",
    "released": "has {n} points back that were reserved",
    "reserved": "has {n} points reserved",
    "captured": "spent {n} points",
    "expired": "lost {n} points that nobody spent in time",
    "clawed_back": "lost {n} points of what was sent back or cancelled",
    "repaid": "paid {n} points for what was owed",
    "taken": "had {n} points taken",
    "restored": "has {n} points back that were counted twice or taken for another id",
    "joined": "has {n} points of an id that came",
    "parted": "has {n} points less, of an id that left",
}
"""A movement, after its customer."""


def moved(it: PointsMoved, who: str) -> str:
    """An entry of the ledger."""
    owed = f", {it.deficit} owed" if it.deficit else ""
    return f"{who} {MOVED[it.movement].format(n=it.points)}: {it.balance} to spend, {it.pending} pending{owed}"


def answered(it: RewardAnswered, who: str) -> str:
    """The answer to a request for a reward."""
    verdict = f"is reserved for {it.points} points" if it.verdict == "reserved" else "was refused"
    return f"reward {it.reward_id} for {who} (request {it.request_id}) {verdict}"


def to_customer(it: RewardAnswered) -> str:
    """The answer as who asked hears it."""
    return (
        f"{it.reward_id} is yours for {it.points} points."
        if it.verdict == "reserved"
        else f"{it.reward_id} is not yours yet."
    )
