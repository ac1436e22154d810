"""The stock of a reward: each reward is a subject of its own, so that its last unit goes to one customer only (R-PTS-05, D6).

    added - removed = free + held + given

holds after each of its records, and no number is below zero. A request asks for units; they are held for it until it ends, which
its customer tells once (T-38). So a row of a few numbers is enough: who holds what is in the rows of customers.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from processors.answering import Asked, answered, permitted, say
from processors.discretion import Action, who_may
from processors.effects import Send
from processors.explanation import compare, head
from processors.partition import in_force_at
from processors.policy import Policy
from processors.rows import Table
from processors.unit import Unit
from schemas.decided import Condition
from schemas.decisions import Decision
from schemas.messages import UnitsAnswered, UnitsAsked, UnitsEnded
from schemas.rewards import OPENING, ReplenishmentDue, RewardStocked, RewardStockMoved, subject_of

MAY_CHANGE: tuple[Action, ...] = ("change_stock",)
Change = Literal["added", "removed", "held", "released", "given"]


class Stock(Struct, frozen=True, array_like=True):
    """Units of a reward that nobody holds, that requests hold, and that were handed over.

    `low`: somebody was told that more are needed, and it was not refilled since.
    """

    free: int = 0
    held: int = 0
    given: int = 0
    low: bool = False
    sequence: int = 0
    timers: tuple[tuple[str, int], ...] = ()


Outcome = tuple[Stock, Sequence[Decision | Send]]
STOCKS = Table("reward-stock", b"S", Stock, "units of each reward that has a stock: free, held and given; by reward")


def enough(reward_id: str, free: int, quantity: int, cause: str) -> Condition:
    """Whether so many units can be had at this instant."""
    return compare("reward", f"stock_of_{reward_id}", free, ">=", quantity, cause)


def lend(unit: Unit, stock: Stock, asked: UnitsAsked) -> Outcome:
    """Hold units for a request where enough of them are free; the customer hears how many were."""
    answer = UnitsAnswered(
        **unit.message(UnitsAnswered, asked.customer_id, asked.request_id),
        reward_id=asked.reward_id,
        customer_id=asked.customer_id,
        request_id=asked.request_id,
        quantity=asked.quantity,
        free=stock.free,
    )
    told = Send(asked.customer_id, answer, new=True)
    there = enough(asked.reward_id, stock.free, asked.quantity, unit.because.cause)
    if not there.holds:
        stock, due = _watch(unit, stock)
        return stock, (*due, told)
    after = replace(stock, free=stock.free - asked.quantity, held=stock.held + asked.quantity)
    after, moved = _move(unit, after, "held", asked.quantity, (there,), asked.request_id)
    return after, (*moved, told)


def take_back(unit: Unit, stock: Stock, ended: UnitsEnded) -> Outcome:
    """What a request held was handed over, or is free again."""
    many = ended.quantity
    after = replace(stock, held=stock.held - many)
    after = replace(after, given=after.given + many) if ended.handed_over else replace(after, free=after.free + many)
    change: Change = "given" if ended.handed_over else "released"
    told = compare("reward", "ended_as", change, "in", "given, released", unit.because.cause)
    return _move(unit, after, change, many, (told,), ended.request_id)


def restock(unit: Unit, stock: Stock, command: RewardStocked) -> Outcome:
    """Units came, or are missing: once, by who may say so, and never more than are free (T-15, T-43)."""
    if answered(unit.rows, unit.subject, command):
        return stock, ()
    cause, many = unit.because.cause, abs(command.units)
    roles = in_force_at(unit.rows, unit.partition, command.occurred_at).roles
    conditions = [
        permitted(command.role, who_may(roles, MAY_CHANGE), cause),
        compare("command", "units", many, ">", 0, cause),
    ]
    if command.units < 0:
        conditions.append(enough(command.reward_id, stock.free, many, cause))
    said = say(unit.rows, unit.now, unit.because, stock.sequence, Asked.of(command), conditions)
    stock = replace(stock, sequence=said.sequence)
    if said.verdict == "refused":
        return stock, (said,)
    after = replace(stock, free=stock.free + command.units)
    after, moved = _move(unit, after, "added" if command.units > 0 else "removed", many, conditions)
    return after, (said, *moved)


def _move(
    unit: Unit, stock: Stock, change: Change, many: int, conditions: Sequence[Condition], request_id: str | None = None
) -> tuple[Stock, list[Decision]]:
    """An entry that says where the stock stands now. Raises `ArithmeticError` for one below zero: units would be promised twice."""
    if min(stock.free, stock.held) < 0:
        raise ArithmeticError(f"{unit.subject} would have {stock.free} units free and {stock.held} held")
    entry = RewardStockMoved(
        **head(unit.because, stock.sequence + 1, RewardStockMoved, change, tuple(conditions)),
        reward_id=_reward_id(unit),
        change=change,
        units=many,
        free=stock.free,
        held=stock.held,
        given=stock.given,
        request_id=request_id,
    )
    after, due = _watch(unit, replace(stock, sequence=entry.sequence), refilled=change == "added")
    return after, [entry, *due]


def _reward_id(unit: Unit) -> str:
    return unit.subject.removeprefix(OPENING)


def _watch(unit: Unit, stock: Stock, *, refilled: bool = False) -> tuple[Stock, list[Decision]]:
    """Say once that more are needed, and again only after it was refilled above the level (R-FUL-08)."""
    points, reward_id = unit.policy.points, _reward_id(unit)
    reward = points.rewards.get(reward_id) if points else None
    level = reward.reorder_level if reward else None
    few = compare("reward", "free_units", stock.free, "<=", level, unit.because.cause)
    if not few.holds:
        return replace(stock, low=stock.low and not refilled), []
    if stock.low:
        return stock, []
    due = ReplenishmentDue(
        **head(unit.because, stock.sequence + 1, ReplenishmentDue, "", (few,)),
        reward_id=reward_id,
        free=stock.free,
        held=stock.held,
        given=stock.given,
        reorder_level=level or 0,
    )
    return replace(stock, low=True, sequence=due.sequence), [due]


def watched(policy: Policy) -> Sequence[str]:
    """The rewards, as subjects, whose stock a policy has watched."""
    rewards = policy.points.rewards if policy.points else {}
    return [subject_of(name) for name, reward in sorted(rewards.items()) if reward.reorder_level is not None]


def fold_activation(unit: Unit, stock: Stock) -> Outcome:
    """A version that came into force may have another level (R-FUL-08)."""
    return _watch(unit, stock)


RULES: Mapping[type, Callable[[Unit, Stock, Any], Outcome]] = {
    UnitsAsked: lend,
    UnitsEnded: take_back,
    RewardStocked: restock,
}
"""What a reward is told."""


def fold_event(unit: Unit, stock: Stock, event: UnitsAsked | UnitsEnded | RewardStocked) -> Outcome:
    """The stock after an event or a message, and what was decided."""
    return RULES[type(event)](unit, stock, event)
