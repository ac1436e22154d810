"""What a customer's row keeps of staying and leaving: the last silence, the win-back under way, consents, celebrations.

All of it is bounded (D8): an episode that another one follows is history, and history is in the decisions.
"""

from msgspec import Struct

from processors.local_time import end_of
from processors.membership import Membership, days_between
from processors.policy import Policy


class Outreach(Struct, frozen=True, array_like=True):
    """The last that a person recorded of an episode."""

    at: int
    outcome: str
    follow_up_at: int | None = None


class Alert(Struct, frozen=True, array_like=True):
    """The last at-risk episode: its alert, the instant that it holds for, and the order that it counts from.

    `outcome` is None while the episode is open, and `closed_by` the decision that said it.
    """

    decision_id: str
    at: int
    last_order_at: int
    tier: str = ""
    outreach: Outreach | None = None
    escalated: bool = False
    outcome: str | None = None
    closed_by: str | None = None


class WinBack(Struct, frozen=True, array_like=True):
    """A VIP who cancelled and still has the tier. `reminded` is the day of the last reminder after the cancellation."""

    decision_id: str
    reminded: int = 0


class Consent(Struct, frozen=True, array_like=True):
    """What a customer last said of a purpose."""

    purpose: str
    granted: bool
    at: int
    cause: str


class Opened(Struct, frozen=True, array_like=True):
    """A launch that somebody was told of: until when it is theirs before others, and how much less it costs them."""

    launch_id: str
    released_at: int
    discount_percent: int


class Birth(Struct, frozen=True, array_like=True):
    """Month of birth, 1 to 12, and when it was told."""

    month: int
    told_at: int


class Celebrated(Struct, frozen=True, array_like=True):
    """How many anniversaries of `since` have passed, and the year of the last birthday; nothing of them comes again."""

    since: int | None = None
    years: int = 0
    birthday: int = 0


def open_alert(alert: Alert | None) -> Alert | None:
    """The episode, where it has not ended."""
    return alert if alert is not None and alert.outcome is None else None


def outcome_by(alert: Alert, membership: Membership, policy: Policy) -> int | None:
    """The first instant after the horizon of an episode (T-40); days of a pause do not count. None while one lasts (T-14)."""
    end = end_of(alert.at, policy.at_risk.horizon_days, policy.time_zone)
    for start, until in membership.paused:
        if start < end and until > alert.at:
            paused = (max(start, alert.at), until)
            end = end_of(end, days_between(paused, policy.time_zone) - 1, policy.time_zone)
    if membership.status == "paused" and (membership.since or 0) < end:
        return None
    return end


def follow_up_by(alert: Alert, policy: Policy) -> int | None:
    """By when somebody has to speak with the customer (R-RISK-03); None where nobody needs to any more."""
    if alert.outcome is not None or alert.escalated:
        return None
    spoken = alert.outreach
    if spoken is not None and spoken.outcome != "follow_up":
        return None
    if spoken is not None and spoken.follow_up_at is not None:
        return spoken.follow_up_at
    return end_of(spoken.at if spoken else alert.at, policy.at_risk.follow_up_days, policy.time_zone)
