"""Decisions in plain words: what was decided, under which conditions, and where it stands. All from the decision itself."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

Json = dict[str, Any]
OPERATORS = {
    ">=": ("at least", "below"),
    ">": ("more than", "not more than"),
    "<=": ("at most", "above"),
    "<": ("before", "not before"),
    "=": ("", "not"),
    "in": ("one of", "none of"),
}
"""How a comparison reads where it holds, and where it fails."""
NAMES = {
    "lifetime_value_minor": "lifetime value",
    "tier_at_request": "tier when the return was asked for",
    "tier_at_order": "tier when the order was placed",
    "order_known": "the order is known",
    "order_cancelled": "the order was cancelled",
    "requested_at": "asked for on",
    "amount_minor": "goods asked to return",
    "tier": "tier",
    "silent_days": "days without an order",
}


class Shop(NamedTuple):
    """What words need to know of the programme."""

    name: str
    currency: str
    zone: ZoneInfo
    labels: dict[str, str]
    order: tuple[str, ...]

    def label(self, tier: str | None) -> str:
        """What people call a tier."""
        return "no tier" if tier is None else self.labels.get(tier, tier)


def shop(policy: Json) -> Shop:
    """From the policy document."""
    tiers = policy["tiers"]
    labels = {tier["name"]: tier["label"] for tier in tiers}
    return Shop(policy["name"], policy["currency"], ZoneInfo(policy["time_zone"]), labels, tuple(labels))


def money(minor: int, currency: str = "") -> str:
    """An amount for people, from whole cents."""
    return f"{minor // 100:,}.{minor % 100:02d} {currency}".rstrip()


def day(instant: int | None, zone: ZoneInfo) -> str:
    """A local day."""
    return (
        "never" if instant is None else datetime.fromtimestamp(instant / 1000, UTC).astimezone(zone).date().isoformat()
    )


def moment(instant: int, zone: ZoneInfo) -> str:
    """A local instant, to the minute."""
    return datetime.fromtimestamp(instant / 1000, UTC).astimezone(zone).strftime("%Y-%m-%d %H:%M")


def fact(condition: Json, value: float | str | None, about: Shop) -> str:
    """A value of a condition, in the unit that its name tells."""
    if value is None:
        return "none" if condition["name"].startswith("tier") else "unknown"
    if condition["name"].endswith("_minor"):
        return money(int(value), about.currency)
    if condition["name"].endswith("_at"):
        return moment(int(value), about.zone)
    return str(value)


def name(condition: Json, about: Shop) -> str:
    """What a condition is about."""
    key = condition["name"]
    if key.startswith("tenure_"):
        text = f"{key.split('_')[1]} months as a customer"
    elif key.startswith("units_left_of_"):
        text = f"units left of line {key.removeprefix('units_left_of_')}"
    else:
        text = NAMES.get(key, key.replace("_", " "))
    return f"{about.labels[condition['of']]}: {text}" if condition["of"] in about.labels else text


def comparison(condition: Json, about: Shop) -> str:
    """What was found and what was asked, in words: "612.34 USD, at least 500.00 USD"."""
    found, asked = (fact(condition, condition[side], about) for side in ("value", "threshold"))
    if condition["name"].startswith("tenure_"):
        return f"reached on {asked}" if condition["holds"] else f"not before {asked}"
    words = OPERATORS[condition["operator"]][0 if condition["holds"] else 1]
    return f"{found}, {words} {asked}".replace(",  ", ", ")


def why(decision: Json, about: Shop) -> str:
    """The conditions that gave a tier, in short: "10,053.53 >= 1,000.00; 12 months on 1998-01-14"."""
    own = [condition for condition in decision["conditions"] if condition["of"] == decision["to_tier"]]
    return "; ".join(_short(condition, about._replace(currency="")) for condition in own)


def _short(condition: Json, about: Shop) -> str:
    if condition["name"].startswith("tenure_"):
        return f"{condition['name'].split('_')[1]} months on {condition['threshold']}"
    found, asked = (fact(condition, condition[side], about) for side in ("value", "threshold"))
    return f"{found} {condition['operator']} {asked}"


def sentence(decision: Json, about: Shop) -> str:
    """What was decided."""
    who = f"customer {decision['customer_id']}"
    on = moment(decision["decided_at"], about.zone)
    match decision["type"]:
        case "TierChanged":
            change = "rose" if decision["reason"] == "upgrade" else "fell"
            before, after = about.label(decision["from_tier"]), about.label(decision["to_tier"])
            text = f"{who} {change} from {before} to {after}"
        case "ReturnDecided":
            verdict = {"approve": "was approved", "review": "goes to a person for review", "deny": "was denied"}
            text = f"return {decision['return_id']} of order {decision['order_id']} by {who} {verdict[decision['verdict']]}"
        case "ContactRouted":
            text = f"case {decision['case_id']} of {who} goes to queue {decision['queue']}"
        case "AtRiskRaised":
            text = f"{who} ({about.label(decision['tier'])}) is at risk after {decision['silent_days']} days"
        case _:
            text = f"{decision['type']} about {who}"
    return f"On {on}, {text}."


def cause(decision: Json, about: Shop) -> str:
    """What made laurel decide."""
    kind, _, rest = decision["cause"].partition("/")
    if kind != "timer":
        return f"event {rest}, published on {kind}"
    timer, _, due = rest.partition("/")
    reason = {"tenure": "an anniversary", "grace": "the end of the days of grace", "at_risk": "a silence"}
    return f"time alone: {reason.get(timer, timer)}, due {moment(int(due.rpartition('/')[2]), about.zone)}; nobody sent an event"
