"""What moves points, and when time alone does: the rules of the ledger, in two literal tables (R-PTS-01..11)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from processors import adjusting, point_rules, redemption
from processors.customer import Customer
from processors.effects import Send
from processors.policy import Policy
from processors.unit import Unit
from schemas.commands import PointsAdjusted
from schemas.decisions import Decision

Outcome = tuple[Customer, Sequence[Decision | Send]]

RULES: Mapping[type, Callable[[Unit, Customer, Any], Outcome]] = {
    **point_rules.RULES,
    **redemption.RULES,
    PointsAdjusted: adjusting.adjust,
}
"""Events that move points. They come last, at the tier and under the verdicts that the event led to."""

TIMERS: Mapping[str, tuple[Callable[[Customer, Policy], int | None], Callable[[Unit, Customer], Outcome]]] = {
    "maturity": (point_rules.matures_at, point_rules.ripen),
    "points_expiry": (point_rules.expires_next, point_rules.lapse),
    "reservation": (redemption.releases_at, redemption.time_out),
}
"""What waits for an instant: a return window, an expiry, the end of a reservation."""
