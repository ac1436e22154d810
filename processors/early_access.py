"""Early access: when each tier may buy what is released later, and for how much less (R-RISK-08)."""

from datetime import timedelta
from typing import NamedTuple

from processors.local_time import local
from processors.policy import Policy


class Access(NamedTuple):
    """From `opens_at` on a tier may buy, at so much less until the general release."""

    opens_at: int
    discount_percent: int


def early_access(policy: Policy, tier: str | None, released_at: int) -> Access:
    """A tier's days are local ones: it opens at the same time of day, however clocks are set between.

    Who has no tier, or one without an entry, buys when it is released.
    """
    start = policy.early_access.get(tier or "")
    if start is None:
        return Access(released_at, 0)
    opens = local(released_at, policy.time_zone) - timedelta(days=start.days)
    return Access(int(opens.timestamp()) * 1000 + released_at % 1000, start.discount_percent)
