"""Episodes and requests to notify in plain words; `wording` knows how tiers and instants are called."""

from collections.abc import Callable, Mapping

from schemas.decided import Decided
from schemas.decisions import AtRiskClosed, AtRiskEscalated, NotificationRequested, WinBackClosed, WinBackStarted

Label = Callable[[str | None], str]
Moment = Callable[[int], str]

ENDED: Mapping[str, str] = {
    "ordered": "order {order_id} came in time",
    "horizon": "the time to order is over",
    "cancelled": "they cancelled",
    "no_vip": "the tier is gone",
}
"""Why an at-risk episode ended."""
OVERDUE: Mapping[str, str] = {
    "overdue": "nobody followed up by {by}",
    "asked": "a person who spoke with them asks for it",
}
"""Why an episode needs the owner."""
TOLD: Mapping[str, tuple[str, str]] = {
    "welcome": ("that they are {tier} now", "Welcome: you are {tier} now."),
    "upgrade": ("that they rose from {from_tier} to {tier}", "You are {tier} now."),
    "downgrade_warning": ("that {tier} will be lost on {until}", "You stay {tier} until {until}; an order keeps it."),
    "downgrade": ("that they fell from {from_tier} to {tier}", "You are {tier} now, and {from_tier} no more."),
    "removal": ("that they are {from_tier} no more", "You are {from_tier} no more."),
    "benefits_waiting": (
        "that {tier} is kept until {until}",
        "Your {tier} benefits are waiting for you until {until}.",
    ),
    "anniversary": ("that they complete {years} years", "Thank you for {years} years with us."),
    "birthday": ("a happy birthday this month", "Happy birthday, whenever it is this month."),
    "return_decided": ("what became of a return", "We have looked at what you sent back, or wish to."),
    "early_access": (
        "that they may buy launch {launch_id} before everybody else, until {until}",
        "You may buy {launch_id} before everybody else, until {until}.",
    ),
    "outreach": ("by a person, that they are missed", "Somebody of ours would like to speak with you."),
    "substitute_offered": (
        "what is offered instead of a reward that is out of stock, until {until}",
        "What you asked for is out of stock; we hold something else for you until {until}.",
    ),
}
"""What a customer should be told, as agents read it and as the customer does."""


def sentence(decision: Decided, who: str, label: Label, moment: Moment) -> str:
    """What was decided of an episode, or that somebody should be told."""
    match decision:
        case AtRiskEscalated():
            why = OVERDUE[decision.reason].format(by=moment(decision.follow_up_by))
            return f"{who} ({label(decision.tier)}) at risk needs the owner: {why}"
        case AtRiskClosed():
            why = ENDED[decision.reason].format(order_id=decision.order_id)
            return f"{who} ({label(decision.tier)}) at risk was {decision.outcome}: {why}"
        case WinBackStarted():
            return f"{who} cancelled, and stays {label(decision.tier)} until {moment(decision.kept_until)}"
        case WinBackClosed():
            return f"{who} {'came back' if decision.outcome == 'won_back' else 'did not come back'}"
        case NotificationRequested():
            return f"{who} should be told {told(decision, label, moment, 0)}"
        case _:
            return f"{type(decision).__name__} about {who}"


def told(decision: NotificationRequested, label: Label, moment: Moment, reader: int) -> str:
    """What should be told, as agents (0) or the customer (1) read it."""
    return TOLD[decision.notice][reader].format(
        tier=label(decision.tier),
        from_tier=label(decision.from_tier),
        until="" if decision.until is None else moment(decision.until),
        years=decision.years,
        launch_id=decision.launch_id,
    )
