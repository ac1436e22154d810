"""Types that fields of a policy share, with their bounds."""

from typing import Annotated, Generic, TypeVar

from msgspec import Meta, Struct

Days = Annotated[int, Meta(ge=0, le=3650)]
SomeDays = Annotated[int, Meta(ge=1, le=3650)]
Count = Annotated[int, Meta(ge=0, le=1_000_000)]
Name = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,49}$")]
"""A tier's, queue's, purpose's or benefit's id: what decisions carry. What people read is the label."""

E = TypeVar("E")


class PerTier(Struct, Generic[E], frozen=True, forbid_unknown_fields=True):
    """What customers are entitled to: an entry for some tiers, `base` for everyone else."""

    base: E
    tiers: dict[Name, E]
