"""What laurel decided about points: every movement of them, and answers to requests for rewards.

Each type mirrors the file of its name in `schemas/avsc`, which documents every field; a test keeps them equal.
"""

from msgspec import Struct

from schemas.decided import Decided


class PointsUntil(Struct, frozen=True):
    """Points by the instant at which they expire (T-36)."""

    points: int
    expires_at: int | None = None


class PointsMoved(Decided, frozen=True, kw_only=True):
    """An entry of a customer's ledger, with the sums after it (R-PTS-07)."""

    movement: str
    points: int
    by_expiry: tuple[PointsUntil, ...]
    activity: str | None = None
    order_id: str | None = None
    request_id: str | None = None
    adjustment_id: str | None = None
    matures_at: int | None = None
    balance: int
    pending: int
    reserved: int
    deficit: int
    next_expiry_at: int | None = None
    reward_id: str | None = None
    cost_minor: int | None = None


class RewardAnswered(Decided, frozen=True, kw_only=True):
    """The answer to a request for a reward: the final one once for ever (T-37), an offer of a substitute before it (R-FUL-10)."""

    request_id: str
    reward_id: str
    quantity: int
    verdict: str
    points: int
    reserved_until: int | None = None
    tier: str | None = None
    balance: int
    deficit: int
    cost_minor: int = 0
    instead_of: str | None = None
