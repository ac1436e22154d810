"""What is told of the stock of rewards, and what laurel publishes of it: each reward is a subject of its own (D6, R-PTS-05).

Each type mirrors the file of its name in `schemas/avsc`, which documents every field; a test keeps them equal.
"""

from schemas.decided import Decided
from schemas.fields import Id, SomeUnits, Word
from schemas.source import SourceEvent

OPENING = "reward/"


def subject_of(reward_id: str) -> str:
    """Under which subject a reward stands in the timeline."""
    return OPENING + reward_id


class RewardStocked(SourceEvent, frozen=True, kw_only=True):
    """Units of a reward came, or are missing: a command, with who says so."""

    author_id: Id
    role: Word
    reason: Word
    reward_id: Id
    units: SomeUnits

    @property
    def subject(self) -> str:
        """The reward."""
        return subject_of(self.reward_id)


class RewardStockMoved(Decided, frozen=True, kw_only=True):
    """An entry of a reward's stock, with where it stands after it."""

    reward_id: str
    change: str
    units: int
    free: int
    held: int
    given: int
    request_id: str | None = None


class ReplenishmentDue(Decided, frozen=True, kw_only=True):
    """More units should be ordered (R-FUL-08)."""

    reward_id: str
    free: int
    held: int
    given: int
    reorder_level: int


OfRewards = RewardStockMoved | ReplenishmentDue
