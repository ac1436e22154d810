"""What a tier entitles a customer to: the tier's entry, or the base for everyone else (R-RET-02, R-RTE-01)."""

from typing import TypeVar

from processors.explanation import compare
from processors.policy_fields import PerTier
from schemas.decided import Condition

E = TypeVar("E")


def entitlement(entries: PerTier[E], tier: str | None, of: str, name: str, moved_by: str | None) -> tuple[E, Condition]:
    """The entry that governs, and the condition that chose it."""
    own = compare(of, name, tier, "in", ", ".join(entries.tiers), moved_by)
    return (entries.tiers[own.value] if own.holds and isinstance(own.value, str) else entries.base), own
