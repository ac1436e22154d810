"""A rush on a reward of the shipped policy: many customers, on all partitions, want what there are few of."""

from collections.abc import Iterator

from schemas.commands import PointsAdjusted
from schemas.events import RewardRequested
from schemas.rewards import RewardStocked
from schemas.source import SourceEvent
from tests.streams.history import HOUR, ms

AT = ms("2024-01-31")
REWARD = "gift-box"
"""Of it there is a stock, and a substitute that has none."""


def rush(customers: int, units: int) -> Iterator[SourceEvent]:
    """Everybody has points for one, and asks for it; so many come into stock before."""
    yield RewardStocked(
        event_id="stock",
        occurred_at=AT,
        author_id="w-1",
        role="warehouse",
        reason="delivery",
        reward_id=REWARD,
        units=units,
    )
    for n in range(customers):
        person = {"author_id": "p-1", "role": "administrator", "reason": "goodwill"}
        about = {"customer_id": f"c{n}", "occurred_at": AT}
        yield PointsAdjusted(**about, **person, event_id=f"p{n}", adjustment_id=f"a{n}", points=1_200)
    for n in range(customers):
        yield RewardRequested(
            event_id=f"q{n}", customer_id=f"c{n}", occurred_at=AT + HOUR, request_id=f"q{n}", reward_id=REWARD
        )
