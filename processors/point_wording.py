"""Words for points and rewards: what moved, what a condition is about, and how their owner hears of an answer."""

from collections.abc import Callable, Mapping

from schemas.ledger import PointsMoved, RewardAnswered
from schemas.rewards import ReplenishmentDue, RewardStockMoved

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
    "offered_until_at": "the offer was not taken in time, until",
    "substitute": "the customer takes what was offered",
    "units": "units of the reward",
    "free_units": "units that nobody holds",
    "points_adjusted": "points with one command",
    "points_asked": "points to give or take",
    "ids": "ids of the customer",
    "adjustment_used_before": "an adjustment of this id was made",
}
"""What a condition is about."""
OF: Mapping[str, str] = {"times_before_in_": "times before in {of}", "stock_of_": "units of {of} that nobody held"}
"""Names of conditions that end with what they are about."""
REASONS: Mapping[str, tuple[str, str]] = {
    "reward": ("It is one of our rewards.", "It is not one of our rewards."),
    "deficit": ("You owe no points.", "You owe {found} points; what you earn pays for them first."),
    "balance": ("You have {found} points; it costs {asked}.", "You have {found} points; it costs {asked}."),
    "cancelled": ("", "It was called off."),
    "tier": ("It is for {asked}.", "It is only for {asked}."),
    "stock_of": ("{about} is in stock.", "{about} is out of stock: {found} left, and you asked for {asked}."),
    "offered_until_at": ("", "You did not tell us by {asked} whether you take it instead."),
    "ended_as": ("You have it.", ""),
    "substitute": ("You take it instead.", "You did not want it instead."),
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
STOCK: Mapping[str, str] = {
    "added": "came into stock",
    "removed": "are missing from stock",
    "held": "are held",
    "released": "are free again",
    "given": "were handed over",
}
"""What became of units."""


def moved(it: PointsMoved, who: str) -> str:
    """An entry of the ledger."""
    owed = f", {it.deficit} owed" if it.deficit else ""
    return f"{who} {MOVED[it.movement].format(n=it.points)}: {it.balance} to spend, {it.pending} pending{owed}"


def answered(it: RewardAnswered, who: str) -> str:
    """The answer to a request for a reward."""
    instead = f" instead of {it.instead_of}" if it.instead_of else ""
    verdict = {"reserved": f"is reserved for {it.points} points", "offered": f"is offered for {it.points} points"}
    return (
        f"reward {it.reward_id}{instead} for {who} (request {it.request_id}) {verdict.get(it.verdict, 'was refused')}"
    )


def to_customer(it: RewardAnswered, moment: Callable[[int], str]) -> str:
    """The answer as who asked hears it."""
    match it.verdict:
        case "reserved":
            return f"{it.reward_id} is yours for {it.points} points."
        case "offered":
            until = moment(it.reserved_until or 0)
            return (
                f"We can give you {it.reward_id} for {it.points} points instead of {it.instead_of}: tell us by {until}."
            )
        case _:
            return f"{it.instead_of or it.reward_id} is not yours yet."


def stocked(it: RewardStockMoved) -> str:
    """An entry of a reward's stock."""
    whose = f" for request {it.request_id}" if it.request_id else ""
    return f"{it.units} units of reward {it.reward_id} {STOCK[it.change]}{whose}: {it.free} free, {it.held} held, {it.given} given"


def due(it: ReplenishmentDue) -> str:
    """A call for more."""
    return f"reward {it.reward_id} should be ordered again: {it.free} units are free, {it.held} held"
