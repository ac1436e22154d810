"""What was decided, in one sentence: one row for each kind of decision; `wording` knows how tiers and instants are called."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from processors import point_wording, retention_wording, vocabulary
from schemas.decided import Decided
from schemas.decisions import (
    AtRiskRaised,
    AtRiskRetracted,
    CommandAnswered,
    CompensationDecided,
    ContactClosed,
    ContactRouted,
    DesignationReached,
    EscalationDue,
    OrderFlagged,
    QualificationProposed,
    RecoveryDecided,
    ReturnDecided,
    StockReleased,
    TierChanged,
    VipShareJudged,
)
from schemas.discrepancies import DiscrepancyFound, DiscrepancyResolved
from schemas.launches import EarlyAccessOpened, LaunchBought
from schemas.ledger import PointsMoved, RewardAnswered
from schemas.rewards import ReplenishmentDue, RewardStockMoved

VERDICTS: Mapping[str, tuple[str, str]] = {
    "approve": ("was approved", "We take your return {return_id} back."),
    "review": ("goes to a person for review", "We will look at your return {return_id} and come back to you."),
    "partly": ("was approved in part", "We take a part of your return {return_id} back."),
    "deny": ("was denied", "We cannot take your return {return_id} back."),
}
"""A verdict as agents and as customers hear of it."""


ADVICE: Mapping[str | None, str] = {
    None: "too few customers for a share to say anything",
    "few": "fewer than the programme aims at; a lower criterion would let more in",
    "fit": "as many as the programme aims at",
    "many": "more than the programme aims at; look at who comes in before there are too many",
    "too_many": "too many to be something special; raise the criteria or add a tier",
}
"""What the share of VIPs advises (R-TIER-18)."""


AMENDS = {"granted": "gets", "review": "would get, and a person is asked,"}
OCCASIONS = {"delay": "a delay", "failure": "a failed delivery"}
WHEN_BOUGHT = {
    "early": "before everybody else",
    "too_early": "before the tier was let in",
    "released": "after its release",
    "unknown": "which no policy names",
}
"""When something of a launch was bought (R-ANL-17)."""
GRANTS = {"granted": "was granted by", "approval_needed": "waits for one of", "refused": "was refused by"}


class Terms(NamedTuple):
    """How a programme calls a tier, an instant and a day."""

    label: Callable[[str | None], str]
    moment: Callable[[int], str]
    day: Callable[[int], str]


def verdict_of(decision: ReturnDecided) -> str:
    """How its verdict reads: one that approves some lines and denies others is one in part."""
    verdicts = {line.verdict for line in decision.lines}
    return "partly" if decision.verdict == "approve" and "deny" in verdicts else decision.verdict


def _units(decision: StockReleased) -> str:
    return ", ".join(f"{each.quantity} of line {each.line_id}" for each in decision.lines)


def _remedies(decision: RecoveryDecided) -> str:
    return " and ".join(each.kind.replace("_", " ") for each in decision.remedies)


SENTENCES: Mapping[type, Callable[[Any, str, Terms], str]] = {
    ReturnDecided: lambda it, who, _: (
        f"return {it.return_id} of order {it.order_id} by {who} {VERDICTS[verdict_of(it)][0]}"
    ),
    StockReleased: lambda it, who, _: f"goods of return {it.return_id} by {who} may go back into stock: {_units(it)}",
    ContactRouted: lambda it, who, terms: (
        f"case {it.case_id} of {who} goes to queue {it.queue}, to be answered by {terms.moment(it.respond_by)}"
    ),
    OrderFlagged: lambda it, who, terms: (
        f"order {it.order_id} of {who} ({terms.label(it.tier)}) is to be picked by {terms.moment(it.pick_by)}"
    ),
    EscalationDue: lambda it, who, _: (
        f"case {it.case_id} of {who} is due with {it.to}, {it.minutes_open} minutes after it came in"
    ),
    ContactClosed: lambda it, who, _: f"case {it.case_id} of {who} was settled within {it.resolution_minutes} minutes",
    AtRiskRaised: lambda it, who, terms: f"{who} ({terms.label(it.tier)}) is at risk after {it.silent_days} days",
    AtRiskRetracted: lambda it, who, _: f"{who} was not at risk: order {it.order_id} was on its way",
    CommandAnswered: lambda it, who, _: (
        f"{it.command} {it.event_id} about {who}, given by {it.author_id} as {it.role}, {vocabulary.DONE[it.verdict]}"
    ),
    QualificationProposed: lambda it, who, terms: (
        f"{who} ({terms.label(it.from_tier)}) qualifies for {terms.label(it.tier)}, and a person is asked"
    ),
    PointsMoved: lambda it, who, _: point_wording.moved(it, who),
    RewardAnswered: lambda it, who, _: point_wording.answered(it, who),
    RewardStockMoved: lambda it, *_: point_wording.stocked(it),
    ReplenishmentDue: lambda it, *_: point_wording.due(it),
    DesignationReached: lambda it, who, terms: (
        f"designation {it.designation_id} of {who} as {terms.label(it.tier)}"
        f" {vocabulary.STAGES[it.stage]} {terms.day(it.ends_at)}"
    ),
    VipShareJudged: lambda it, *_: (
        f"{it.vips} of {it.customers} customers are VIPs as {it.day} begins: {ADVICE[it.level]}"
    ),
    DiscrepancyFound: lambda it, who, terms: (
        f"{who} ({terms.label(it.tier)}) has been {terms.label(it.reported_tier)} in {it.system}"
        f" for {it.minutes_differing} minutes{vocabulary.WHY_DIFFERENT[it.reason]}"
    ),
    DiscrepancyResolved: lambda it, who, terms: (
        f"{who} ({terms.label(it.tier)}) differed in {it.system} for {it.minutes_differing} minutes"
        f"{vocabulary.WHY_OVER[it.outcome]}"
    ),
    EarlyAccessOpened: lambda it, who, terms: (
        f"{who} ({terms.label(it.tier)}) may buy launch {it.launch_id} at {it.discount_percent} % less"
        f" until {terms.moment(it.released_at)}, when everybody may"
    ),
    LaunchBought: lambda it, who, terms: (
        f"{who} ({terms.label(it.tier)}) bought {it.units} of launch {it.launch_id} with order {it.order_id},"
        f" {WHEN_BOUGHT[it.phase]}"
    ),
    RecoveryDecided: lambda it, who, _: (
        f"{who} {AMENDS[it.verdict]} {_remedies(it)} for {OCCASIONS[it.occasion]} of order {it.order_id}"
    ),
    CompensationDecided: lambda it, who, _: (
        f"compensation {it.compensation_id} of {who}, {it.kind.replace('_', ' ')}, {GRANTS[it.verdict]}"
        f"{f' {it.decided_by}' if it.decided_by else f' {it.approvers}'}"
    ),
}
"""By kind of decision; those of episodes and of requests to notify are in `retention_wording`."""


def said(decision: Decided, terms: Terms, *, rises: bool) -> str:
    """The sentence, without its date. `rises` is whether a change of tier leads upwards."""
    who = f"customer {decision.customer_id}"
    if isinstance(decision, TierChanged):
        change = f"{who} {'rose' if rises else 'fell'}"
        of, to = terms.label(decision.from_tier), terms.label(decision.to_tier)
        return f"{change} from {of} to {to}{vocabulary.BY.get(decision.reason, '')}"
    if row := SENTENCES.get(type(decision)):
        return row(decision, who, terms)
    return retention_wording.sentence(decision, who, terms.label, terms.moment)
