"""The kinds of subjects: whose rows a unit of work may write, and by which rules (D6).

Customers are one, the programme is another, each agent whose grants are counted, and each reward that has a stock.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from processors import agents, family, fold, identity, programme, stock
from processors.agents import AGENTS, Agent
from processors.customer import CUSTOMERS, Customer
from processors.effects import Effect, Refused
from processors.partition import Partition
from processors.policy import Policy
from processors.programme import PROGRAMMES, Programme
from processors.rows import Table
from processors.stock import STOCKS, Stock
from processors.unit import Unit
from schemas import directives, rewards
from schemas import subjects as names
from schemas.directives import Directive
from schemas.messages import GoodwillAsked, PartitionCounted, Told, UnitsAsked, UnitsEnded
from schemas.rewards import RewardStocked
from schemas.source import SourceEvent

Row = Customer | Programme | Agent | Stock
Outcome = tuple[Any, Sequence[Effect | Refused]]


class Kind(NamedTuple):
    """One kind. Rows are its own: `new` is a stranger's, and the row's `timers` are those named here.

    `fold_activation` is what a policy that comes into force does to each of them; None where it does nothing. A kind that waits
    for no instant has no timers.
    """

    table: Table[Any]
    new: Callable[[], Row]
    fold_event: Callable[[Unit, Any, Any], Outcome]
    timers: tuple[str, ...] = ()
    fold_timer: Callable[[Unit, Any, str], Outcome] | None = None
    wanted: Callable[[Any, Policy, int], Mapping[str, int]] | None = None
    fold_activation: Callable[[Unit, Any], Outcome] | None = None
    named: str | None = None
    """What such a subject is called, or how its name opens; None where upstream names it."""


CUSTOMER = Kind(
    CUSTOMERS,
    Customer,
    identity.fold_event,
    tuple(fold.TIMERS),
    identity.fold_timer,
    family.wanted,
    identity.fold_activation,
)
PROGRAMME = Kind(
    PROGRAMMES,
    Programme,
    programme.fold_event,
    (programme.TIMER,),
    programme.activate,
    programme.wanted,
    named=directives.PROGRAMME,
)
AGENT = Kind(AGENTS, Agent, agents.fold_event, named=names.AGENTS)
REWARD = Kind(STOCKS, Stock, stock.fold_event, fold_activation=stock.fold_activation, named=rewards.OPENING)
KINDS = (CUSTOMER, PROGRAMME, AGENT, REWARD)
OF_TIMER = {timer: kind for kind in KINDS for timer in kind.timers}


def of_event(event: SourceEvent | Told) -> Kind:
    """The kind of subject that an event from outside, or a message, is told to."""
    match event:
        case Directive() | PartitionCounted():
            return PROGRAMME
        case GoodwillAsked():
            return AGENT
        case UnitsAsked() | UnitsEnded() | RewardStocked():
            return REWARD
        case _:
            return CUSTOMER


def activations(row: Row, partition: Partition) -> int:
    """How many of the partition's activations a subject has gone through: strangers, and who goes through them at once, all."""
    if not isinstance(row, Customer) or not row.policy_version:
        return len(partition.versions)
    if row.activations:
        return row.activations
    # A row from before activations were counted knows its version by name only.
    names = [each.version for each in partition.versions]
    return len(names) - names[::-1].index(row.policy_version)
