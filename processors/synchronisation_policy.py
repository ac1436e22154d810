"""What a programme chooses about other systems that hold a status: who is compared, how long, and what is honoured meanwhile."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from processors.policy_fields import Name

MOST_SYSTEMS = 16
"""A customer's row has an entry for each."""


class System(Struct, frozen=True, forbid_unknown_fields=True):
    """For so many minutes after a change what a system does not know yet is no discrepancy."""

    limit_minutes: Annotated[int, Meta(ge=0, le=525_600)]


class ReturnsMeanwhile(Struct, frozen=True, forbid_unknown_fields=True):
    """Which status counts for a return: `ours`, the `last_known` that all held, or a person's `review` (R-SYNC-02, T-52).

    While sources are behind, ours is the last known one.
    """

    differing: Literal["ours", "last_known", "review"] = "ours"
    behind: Literal["last_known", "review"] = "last_known"


class RoutingMeanwhile(Struct, frozen=True, forbid_unknown_fields=True):
    """Which status counts for a contact; nobody waits for a review of it."""

    differing: Literal["ours", "last_known"] = "ours"


class Meanwhile(Struct, frozen=True, forbid_unknown_fields=True):
    """What is honoured while a status is in doubt, by kind of decision."""

    returns: ReturnsMeanwhile = ReturnsMeanwhile()
    routing: RoutingMeanwhile = RoutingMeanwhile()


class Synchronisation(Struct, frozen=True, forbid_unknown_fields=True):
    """Whose reports are compared with our status, and what counts meanwhile."""

    systems: Annotated[dict[Name, System], Meta(max_length=MOST_SYSTEMS)] = {}
    meanwhile: Meanwhile = Meanwhile()
