"""What laurel decided of differences between its status of a customer and that of other systems (R-SYNC-02).

Each type mirrors the file of its name in `schemas/avsc`, which documents every field; a test keeps them equal.
"""

from schemas.decided import Decided


class DiscrepancyFound(Decided, frozen=True, kw_only=True):
    system: str
    tier: str | None = None
    reported_tier: str | None = None
    reason: str
    differs_since: int
    minutes_differing: int
    reported_at: int


class DiscrepancyResolved(Decided, frozen=True, kw_only=True):
    system: str
    tier: str | None = None
    discrepancy_id: str
    outcome: str
    minutes_differing: int


Discrepancy = DiscrepancyFound | DiscrepancyResolved
