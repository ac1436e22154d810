"""How many VIPs at risk were kept: the figure of R-RISK-04, counted from the decisions that anybody can read (T-40)."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from schemas.decisions import AtRiskClosed, AtRiskRaised, AtRiskRetracted

ENDS = ("retained", "lost", "retracted", "open")


def ends_by_tier(decisions: Iterable[Any]) -> dict[str, Counter[str]]:
    """Episodes by the tier at the alert and by how they ended; of several ends of one the last counts (T-18)."""
    tiers, ends = dict[str, str](), dict[str, str]()
    for each in decisions:
        match each:
            case AtRiskRaised():
                tiers[each.decision_id] = each.tier
            case AtRiskClosed():
                ends[each.alert_id] = each.outcome
            case AtRiskRetracted():
                ends[each.retracts] = "retracted"
            case _:
                pass
    counted: dict[str, Counter[str]] = {}
    for alert, tier in sorted(tiers.items()):
        counted.setdefault(tier, Counter())[ends.get(alert, "open")] += 1
    return counted


def retained_permille(counted: Counter[str]) -> int | None:
    """Of a thousand closed episodes so many were retained; None before the first is closed. 800 is the aim (R-RISK-04)."""
    closed = counted["retained"] + counted["lost"]
    return 1000 * counted["retained"] // closed if closed else None
