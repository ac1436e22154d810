"""A rush on a reward of the shipped policy: many customers, on all partitions, want what there are few of."""

from collections.abc import Iterator
from typing import Any

from schemas.commands import PointsAdjusted
from schemas.events import RewardRequested
from schemas.rewards import RewardStocked
from schemas.source import SourceEvent
from tests.streams.history import ms

AT = ms("2024-01-31")
REWARD = "gift-box"
"""Of it there is a stock, and a substitute that has none."""


def before(customers: int, units: int, at: int = AT) -> Iterator[SourceEvent]:
    """So many units come into stock, and everybody has points for one."""
    by: dict[str, Any] = {"author_id": "p-1", "role": "administrator"}
    about: dict[str, Any] = {"event_id": "stock", "occurred_at": at, "reason": "delivery"}
    yield RewardStocked(**about, **by, reward_id=REWARD, units=units)
    for n in range(customers):
        about = {"event_id": f"p{n}", "occurred_at": at, "reason": "goodwill"}
        yield PointsAdjusted(**about, **by, customer_id=f"c{n}", adjustment_id=f"a{n}", points=1_200)


def wishes(customers: int, at: int = AT) -> Iterator[SourceEvent]:
    """Everybody asks for one."""
    for n in range(customers):
        about: dict[str, Any] = {"event_id": f"q{n}", "occurred_at": at, "customer_id": f"c{n}"}
        yield RewardRequested(**about, request_id=f"q{n}", reward_id=REWARD)
