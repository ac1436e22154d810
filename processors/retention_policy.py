"""What a programme chooses about keeping its VIPs: episodes, celebrations, early access, panels, and what is told to whom."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from processors.policy_errors import PolicyInvalid
from processors.policy_fields import Days, Name, SomeDays

Consent = Literal["not_needed", "unless_refused", "needed"]
"""What a purpose asks of the customer before anything is sent (R-CUST-13)."""
Kind = Literal[
    "welcome",
    "upgrade",
    "downgrade_warning",
    "downgrade",
    "removal",
    "benefits_waiting",
    "anniversary",
    "birthday",
    "outreach",
    "early_access",
    "return_decided",
    "substitute_offered",
]
"""What a customer may be told."""


class AtRisk(Struct, frozen=True, forbid_unknown_fields=True):
    """A VIP is at risk after more than so many local days without an order (R-RISK-01).

    Somebody follows up within `follow_up_days` (R-RISK-03). Who orders within `horizon_days` of the alert was retained
    (R-RISK-04, T-40).
    """

    silent_days: SomeDays
    follow_up_days: SomeDays = 7
    horizon_days: SomeDays = 90


class WinBack(Struct, frozen=True, forbid_unknown_fields=True):
    """On which local days after a cancellation a VIP is reminded of the benefits that wait (R-RISK-05)."""

    reminder_days: tuple[SomeDays, ...] = (7, 45, 80)


class Celebrations(Struct, frozen=True, forbid_unknown_fields=True):
    """Which of the two clocks an anniversary is of (T-41)."""

    anniversary_of: Literal["vip_since", "customer_since"] = "vip_since"


class HeadStart(Struct, frozen=True, forbid_unknown_fields=True):
    """How many local days before everyone else a tier may buy, and for how much less (R-RISK-08)."""

    days: Days
    discount_percent: Annotated[int, Meta(ge=0, le=100)]


class Launch(Struct, frozen=True, forbid_unknown_fields=True):
    """Something that everybody may buy from a local date and time on, and tiers with a head start before."""

    released: Annotated[datetime, Meta(tz=False)]


Launches = Annotated[dict[Name, Launch], Meta(max_length=50)]
"""By name. A customer's row keeps what was told of each, so those that are long over are taken out."""


FIRST_YEAR, LAST_YEAR = 2000, 2099
"""Of a launch."""


class Panel(Struct, frozen=True, forbid_unknown_fields=True):
    """How many VIPs a feedback session invites (R-RISK-09), and the purpose that they must have agreed to."""

    seats: Annotated[int, Meta(ge=10, le=20)] = 15
    purpose: Name = "feedback"


class Notice(Struct, frozen=True, forbid_unknown_fields=True):
    """What telling something is for, and for how many local days it is worth telling."""

    purpose: Name
    valid_days: SomeDays


class Notifications(Struct, frozen=True, forbid_unknown_fields=True):
    """What customers are told. A kind without an entry is not asked for; a purpose without one needs consent."""

    purposes: dict[Name, Consent] = {}
    kinds: dict[Kind, Notice] = {}


def dated(launches: Mapping[str, Launch]) -> PolicyInvalid | None:
    """Launches are at instants that events may have, and so are the longest head starts before them, of ten years."""
    for name, launch in launches.items():
        if not FIRST_YEAR <= launch.released.year <= LAST_YEAR:
            allowed = f"a year from {FIRST_YEAR} to {LAST_YEAR}"
            return PolicyInvalid(f"$.launches.{name}.released", str(launch.released), allowed)
    return None
