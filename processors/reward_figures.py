"""How often each reward is asked for, had, replaced and refused, and what its redemptions cost (R-PTS-10, R-ANL-01, R-ANL-08).

They are sums over decisions, whoever's came first. So the figures of a partition, and what anybody counts who reads `points`, are
one function.
"""

from collections.abc import Iterable, Mapping

from msgspec import Struct
from msgspec.structs import asdict, replace

from processors.partition import HERE
from processors.rows import Rows, Table
from schemas.ledger import PointsMoved, RewardAnswered
from schemas.rewards import RewardStockMoved

UNKNOWN = "#unknown"
"""What requests for rewards that the catalogue does not have are counted under, whatever they name. No id begins so."""
EVERYTHING = "#all"


class Redeemed(Struct, frozen=True, array_like=True):
    """Of one reward: requests for it, and how many were granted, led to an offer of a substitute, that was taken, or were refused.

    `redeemed` are requests that it was handed over for, also as a substitute, and `cost_minor` what that cost the programme.
    """

    reward_id: str
    asked: int = 0
    granted: int = 0
    offered: int = 0
    substituted: int = 0
    refused: int = 0
    redeemed: int = 0
    cost_minor: int = 0

    def counts(self) -> dict[str, int]:
        """How many of each."""
        return {name: value for name, value in asdict(self).items() if name not in {"reward_id", "cost_minor"}}

    def cost_per_redemption_minor(self) -> int | None:
        """On average, rounded down; None before the first."""
        return self.cost_minor // self.redeemed if self.redeemed else None


REWARDS = Table("reward-figures", b"R", Redeemed, "how redemptions of each reward went; one row a reward")


def _answered(answer: RewardAnswered) -> tuple[str, dict[str, int]]:
    """Which reward an answer counts for, the one asked for, and what.

    The first answer to a request compares it with the catalogue; one after an offer is of a request that was counted.
    """
    first = [each.holds for each in answer.conditions if each.name == "reward"]
    what = {"reserved": "substituted" if answer.instead_of else "granted"}.get(answer.verdict, answer.verdict)
    return (answer.instead_of or answer.reward_id) if all(first) else UNKNOWN, {"asked": len(first), what: 1}


def _of(decision: object) -> tuple[str, dict[str, int]] | None:
    """What a decision adds to which reward's figures."""
    match decision:
        case RewardAnswered():
            return _answered(decision)
        case PointsMoved(movement="captured", reward_id=str() as reward_id):
            return reward_id, {"redeemed": 1, "cost_minor": decision.cost_minor or 0}
        case _:
            return None


def _with(before: Redeemed, more: Mapping[str, int]) -> Redeemed:
    return replace(before, **{name: getattr(before, name) + number for name, number in more.items()})


def by_reward(decisions: Iterable[object]) -> dict[str, Redeemed]:
    """The figures of each reward, by name, from all decisions on points."""
    found = dict[str, Redeemed]()
    for each in decisions:
        if counted := _of(each):
            name, more = counted
            found[name] = _with(found.get(name, Redeemed(name)), more)
    return dict(sorted(found.items()))


def total(figures: Iterable[Redeemed]) -> Redeemed:
    """The sum over all rewards."""
    rows = [asdict(each) for each in figures]
    return Redeemed(EVERYTHING, **{name: sum(row[name] for row in rows) for name in Redeemed.__struct_fields__[1:]})


def left(decisions: Iterable[object]) -> dict[str, dict[str, int]]:
    """Where the stock of each reward stands after all decisions on stock, in their order."""
    return {
        each.reward_id: {"free": each.free, "held": each.held, "given": each.given}
        for each in decisions
        if isinstance(each, RewardStockMoved)
    }


def keep(rows: Rows, decisions: Iterable[object]) -> None:
    """Count decisions with the partition's figures: one small row a reward, and no more rows than the catalogue ever had rewards."""
    for each in decisions:
        if counted := _of(each):
            name, more = counted
            rows.put(REWARDS, _with(rows.get(REWARDS, HERE, name) or Redeemed(name), more), HERE, name)


def kept(rows: Rows, most: int) -> tuple[Redeemed, ...]:
    """The partition's figures of the first so many rewards, by name."""
    return tuple(row for _, row in rows.first(REWARDS, most, below=f"{HERE}\x01", above=HERE))
