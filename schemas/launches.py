"""What laurel decides about launches: who may buy early, and who bought (R-RISK-08, R-ANL-17).

Each type mirrors the file of its name in `schemas/avsc`, which documents every field; a test keeps them equal.
"""

from schemas.decided import Decided


class EarlyAccessOpened(Decided, frozen=True, kw_only=True):
    launch_id: str
    tier: str
    opens_at: int
    released_at: int
    discount_percent: int


class LaunchBought(Decided, frozen=True, kw_only=True):
    launch_id: str
    order_id: str
    placed_at: int
    phase: str
    tier: str | None = None
    units: int
    amount_minor: int
    discount_percent: int


OfLaunch = EarlyAccessOpened | LaunchBought
