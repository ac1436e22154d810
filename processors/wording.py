"""Decisions in plain words for customers, agents and auditors: all from the decision and the policy it names (T-48).

What words say of a condition follows from `holds`, and that from the comparison; nothing is evaluated here.
"""

from collections.abc import Mapping
from functools import partial
from typing import Literal

from processors import point_wording, retention_wording, vocabulary
from processors.amounts import money
from processors.local_time import date_of, local
from processors.policy import Policy, rank
from processors.sentences import VERDICTS, Terms, said, verdict_of
from schemas.decided import Condition, Decided
from schemas.decisions import ContactRouted, NotificationRequested, OrderFlagged, ReturnDecided, TierChanged
from schemas.ledger import RewardAnswered

Audience = Literal["customer", "agent", "auditor"]
HOLDS: Mapping[str, tuple[str, str]] = {
    ">=": ("at least", "below"),
    ">": ("more than", "not more than"),
    "<=": ("at most", "above"),
    "<": ("before", "not before"),
    "=": ("as it must be:", "but must be"),
    "in": ("one of", "none of"),
}
"""How a comparison reads where it holds, and where it fails."""
NAMES: Mapping[str, str] = {
    "lifetime_value_minor": "lifetime value",
    "tier_at_request": "tier when the return was asked for",
    "tier_at_order": "tier when the order was placed",
    "order_known": "the order is known",
    "order_cancelled": "the order was cancelled",
    "requested_at": "asked for on",
    "amount_minor": "goods asked to return",
    "left_to_refund_minor": "left to pay back of it",
    "silent_days": "days without an order",
    "minutes_open": "minutes since it came in",
    "answered_at": "answered on",
    "resolved_at": "settled on",
    "reopened": "times the customer came back with it",
    "escalated": "passed on to somebody else",
    "disputed": "the customer objects",
    "status": "subscriptions",
    "orders_per_year_milli": "orders a year, thousandths",
    "answers": "answers to surveys",
    "monthly_subscription_minor": "subscriptions a month",
    "conditions_met": "conditions that hold, of which one is enough",
    "days_cancelled": "days since the cancellation",
    "cancelled_for_good": "cancelled for good",
    "ordered_at": "the order",
    "horizon_over_at": "the time to order was over",
    "late_hours": "hours later than promised",
    "goodwill_minor": "goodwill of the window with this",
    "given_by_agent_minor": "what the person gave within the window with this",
    "own_compensation": "asked for it themselves",
    "beyond_cap": "may go beyond what a customer may be given",
    "overdue_at": "when it was too late to follow up",
    "outreach": "what a person recorded",
    "sources_behind": "events may be missing",
    "before_release_at": "told on",
    "launch": "launch of the order",
    "placed_at": "ordered on",
    "seen_sequence": "last number that the system knew",
    "minutes_differing": "minutes for which they differed",
    "reported_at": "last report of the system",
    **vocabulary.NAMES,
    **point_wording.NAMES,
}
OF: Mapping[str, str] = {
    "tier_in_": "tier in {of}",
    "units_left_of_": "units left of line {of}",
    "units_accepted_of_": "units accepted of line {of}",
    "requested_at_for_": "line {of} asked for on",
    "order_months_of_": "months with an order among the last {of}",
    "interaction_days_of_": "days with a contact among the last {of}",
    **point_wording.OF,
    "vips_against_percent_": "VIPs, against {of} % of all customers and the margin",
}
"""Names of conditions that end with what they are about."""
REASONS: Mapping[str, tuple[str, str]] = {
    "lifetime_value_minor": (
        "What you bought comes to {found}; {asked} is needed.",
        "What you bought comes to {found}; {asked} would be needed.",
    ),
    "tenure": (
        "You completed {about} months as our customer on {asked}.",
        "You complete {about} months as our customer on {asked}.",
    ),
    "units_left_of": (
        "You asked for {asked} of line {about}, and {found} can come back.",
        "You asked for {asked} of line {about}, and only {found} can come back.",
    ),
    "returns_in": (
        "You asked for {found} returns lately.",
        "You asked for {found} returns lately; above {asked} somebody looks at it first.",
    ),
    "disputed": ("You did not object.", "You objected to what was decided."),
    "requested_at_for": ("Line {about} can be returned until {last}.", "Line {about} could be returned until {last}."),
    "requested_at": ("It can be returned until {last}.", "It could be returned until {last}."),
    "amount_minor": ("It is worth {found}.", "It is worth {found}; above {asked} somebody looks at it first."),
    "left_to_refund_minor": (
        "All of it can be paid back.",
        "It is worth {asked}, of which {found} can still be paid back: the rest was before.",
    ),
    "order_known": ("We know its order.", "We do not know its order yet."),
    "days_cancelled": (
        "You cancelled {found} days ago; for {asked} days nothing changes.",
        "You cancelled {found} days ago, and did not come back within {asked} days.",
    ),
    "cancelled_for_good": ("You did not cancel for good.", "You cancelled for good."),
    "order_cancelled": ("Its order was not cancelled.", "Its order was cancelled."),
    **vocabulary.REASONS,
}
"""A condition, by how its name begins, as its customer hears of it where it holds, and where it fails."""


def currency_of(decision: Decided, policy: Policy) -> str:
    """The currency of a decision's amounts."""
    return decision.currency or policy.currency


def label(tier: str | None, policy: Policy) -> str:
    """What people call a tier; its name where this policy has it no more."""
    if tier is None:
        return "no tier"
    return next((each.label for each in policy.tiers if each.name == tier), tier)


def day(instant: int, policy: Policy) -> str:
    """A local day of the programme."""
    return date_of(instant, policy.time_zone).isoformat()


def moment(instant: int, policy: Policy) -> str:
    """A local instant of the programme, to the minute."""
    return f"{local(instant, policy.time_zone):%Y-%m-%d %H:%M}"


def fact(condition: Condition, value: int | str | None, currency: str, policy: Policy) -> str:
    """A value of a condition, in the unit that the condition's name tells."""
    if value is None:
        return "none" if condition.name.startswith(("tier", "units")) else "unknown"
    if condition.name.endswith("_minor"):
        return money(int(value), currency)
    if condition.name.endswith("_at"):
        # To the second: that is as close as an instant can come to the end of a day.
        return f"{local(int(value), policy.time_zone):%Y-%m-%d %H:%M:%S}"
    if condition.name.startswith("tier"):
        return ", ".join(label(tier, policy) for tier in str(value).split(", "))
    return str(value)


def subject(condition: Condition, policy: Policy) -> str:
    """What a condition is about: "Gold: lifetime value"."""
    name = condition.name
    if name.startswith("tenure_"):
        text = f"{name.split('_')[1]} months as a customer"
    elif name.startswith("returns_in_"):
        text = f"returns asked for in {name.split('_')[2]} months"
    elif stem := next((each for each in OF if name.startswith(each)), None):
        text = OF[stem].format(of=name.removeprefix(stem))
    else:
        text = NAMES.get(name, name.replace("_", " "))
    tiers = {tier.name: tier.label for tier in policy.tiers}
    return f"{tiers[condition.of]}: {text}" if condition.of in tiers else text


def comparison(condition: Condition, currency: str, policy: Policy) -> str:
    """What was found and what was asked: "612.34 USD, at least 500.00 USD"."""
    found, asked = (fact(condition, value, currency, policy) for value in (condition.value, condition.threshold))
    if condition.name.startswith("tenure_"):
        return f"reached on {asked}" if condition.holds else f"not before {asked}; it was {found}"
    return f"{found}, {HOLDS[condition.operator][0 if condition.holds else 1]} {asked}"


def evaluated(condition: Condition, currency: str, policy: Policy) -> str:
    """A condition with its result: "no  Gold: lifetime value: 612.34 USD, below 1,000.00 USD"."""
    holds = "yes" if condition.holds else "no"
    return f"{holds:<4}{subject(condition, policy)}: {comparison(condition, currency, policy)}"


def cause(decision: Decided, policy: Policy) -> str:
    """What made laurel decide."""
    source, _, rest = decision.cause.partition("/")
    if source == "activation":
        return f"policy {decision.policy_version}, which came into force for everybody; nobody sent an event"
    if source == "message":
        return f"message {rest}, which another part of laurel sent; nobody sent an event"
    if source != "timer":
        return f"event {rest}, published on {source}"
    timer, _, due = rest.partition("/")
    at = moment(int(due.rpartition("/")[2]), policy)
    return f"time alone: {vocabulary.TIMERS.get(timer, timer)}, due {at}; nobody sent an event"


def sentence(decision: Decided, policy: Policy) -> str:
    """What was decided."""
    terms = Terms(partial(label, policy=policy), partial(moment, policy=policy), partial(day, policy=policy))
    return f"On {moment(decision.decided_at, policy)}, {said(decision, terms, rises=_rises(decision, policy))}."


def _rises(decision: Decided, policy: Policy) -> bool:
    return isinstance(decision, TierChanged) and rises(decision, policy)


def rises(decision: TierChanged, policy: Policy) -> bool:
    """Whether the tier is a higher one than before."""
    return rank(policy, decision.to_tier) > rank(policy, decision.from_tier)


def explain(decision: Decided, policy: Policy, audience: Audience) -> list[str]:
    """The decision in lines for one audience.

    Customers read what it means for them and why. Agents read every condition. Auditors read besides what moved each
    fact, and where and under which versions it was decided.
    """
    if audience == "customer":
        return _to_customer(decision, policy)
    currency = currency_of(decision, policy)
    lines = [sentence(decision, policy), f"Because of {cause(decision, policy)}. Every condition that was looked at:"]
    for condition in decision.conditions:
        line = evaluated(condition, currency, policy)
        if audience == "auditor":
            line += f" [{condition.value} {condition.operator} {condition.threshold}"
            line += f"; last moved by {condition.moved_by}]" if condition.moved_by else "; nothing ever moved it]"
        lines.append(line)
    if audience == "auditor":
        at = decision.origin
        lines += [
            f"Decision {decision.decision_id}, number {decision.sequence} of this customer, {decision.generation}.",
            f"Decided under policy {decision.policy_version} and rules {decision.rules_version}.",
            f"Decided by the fold of {at.topic}/{at.partition} offset {at.offset}.",
        ]
    return lines


def _to_customer(decision: Decided, policy: Policy) -> list[str]:
    match decision:
        case TierChanged() if rises(decision, policy):
            of = decision.to_tier if decision.reason == "upgrade" else "designation"
            own = [each for each in decision.conditions if each.of == of]
            own = [each for each in own if of != "designation" or each.name == "designated_until_at"]
            opening = f"You are {label(decision.to_tier, policy)} now."
        case TierChanged():
            about = ("designation", decision.from_tier)
            own = [each for each in decision.conditions if each.of in about and not each.holds]
            if decision.reason == "removed":
                own = [each for each in own if each.name == "automatic_again_at"]
            opening = (
                f"You are {label(decision.to_tier, policy)} now, and {label(decision.from_tier, policy)} no more."
                if decision.to_tier
                else f"You are {label(decision.from_tier, policy)} no more."
            )
        case ReturnDecided():
            failed = [each for each in decision.conditions if not each.holds and each.of != "status"]
            own = [each for each in failed if not each.name.startswith("tier_at")]
            opening = VERDICTS[verdict_of(decision)][1].format(return_id=decision.return_id)
        case RewardAnswered():
            own = [each for each in decision.conditions if not each.holds]
            opening = point_wording.to_customer(decision, partial(moment, policy=policy))
        case ContactRouted():
            return [f"We answer by {moment(decision.respond_by, policy)}."]
        case OrderFlagged():
            return [f"We pack your order {decision.order_id} by {moment(decision.pick_by, policy)}."]
        case NotificationRequested():
            return [retention_wording.told(decision, partial(label, policy=policy), partial(moment, policy=policy), 1)]
        case _:
            return ["This concerns how we look after you. Nothing has changed for you."]
    return [opening, *(reason(each, currency_of(decision, policy), policy) for each in own)]


def reason(condition: Condition, currency: str, policy: Policy) -> str:
    """A condition as its customer is told of it."""
    reasons = point_wording.REASONS if condition.of == "reward" else REASONS
    stem = next((each for each in reasons if condition.name.startswith(each)), None)
    if stem is None:
        return f"{subject(condition, policy)}: {comparison(condition, currency, policy)}."
    found, asked = (fact(condition, value, currency, policy) for value in (condition.value, condition.threshold))
    dated = stem.startswith("requested_at") or stem == "designated_until_at"
    last = day(int(condition.threshold or 0) - 1, policy) if dated else asked
    about = condition.name.removeprefix(stem).strip("_").partition("_months")[0]
    return reasons[stem][0 if condition.holds else 1].format(found=found, asked=asked, last=last, about=about)
