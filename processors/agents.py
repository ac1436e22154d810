"""What one person gives over all customers: an agent is a subject of its own, since only one place can count it (D6, T-45)."""

from collections.abc import Sequence

from msgspec import Struct

from processors.effects import Send
from processors.goodwill import Given, give, within
from processors.rows import Table
from processors.unit import Unit
from schemas import subjects
from schemas.messages import GoodwillAnswered, GoodwillAsked


class Agent(Struct, frozen=True, array_like=True):
    """What an agent gave within the window."""

    given: Given = Given()
    timers: tuple[tuple[str, int], ...] = ()


AGENTS = Table("agents", b"a", Agent, "what each person who grants goodwill gave within the window")


def subject_of(agent_id: str) -> str:
    """Under which subject an agent stands in the timeline."""
    return subjects.AGENTS + agent_id


def fold_event(unit: Unit, agent: Agent, asked: GoodwillAsked) -> tuple[Agent, Sequence[Send]]:
    """Whether a compensation is within what the agent may give; if so, it counts from now on. The answer goes back."""
    zone = unit.policy.time_zone
    with_it = within(agent.given, unit.now, asked.window_days, zone) + asked.amount_minor
    if with_it <= asked.most_minor:
        agent = Agent(give(agent.given, asked.amount_minor, unit.now, asked.window_days, zone), agent.timers)
    answer = GoodwillAnswered(
        **unit.message(GoodwillAnswered, asked.compensation_id),
        agent_id=asked.agent_id,
        customer_id=asked.customer_id,
        compensation_id=asked.compensation_id,
        given_minor=with_it,
        most_minor=asked.most_minor,
    )
    return agent, (Send(asked.customer_id, answer, new=True),)
