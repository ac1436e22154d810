"""What happened to a customer lately, and what is not settled: what an agent sees beside the standing (R-RTE-09).

Both are small parts of the customer's row. Of each order, return, case and the like the last that happened counts, and of these
the latest few: so it does not matter in which order they are told, or how often (T-15, T-16). Of what is not settled that holds up to
`MOST_OPEN` things at once.
"""

from collections.abc import Iterable, Mapping

from msgspec import Struct

from schemas import events as e
from schemas.messages import Told
from schemas.source import CustomerEvent, SourceEvent

MOST = 6
"""Things of which the last that happened is remembered."""
MOST_OPEN = 8
"""Things that are not settled; of more, those that began last. One that gave way to them is not shown again when they are settled."""
WHAT: Mapping[type, tuple[str, str]] = {
    e.OrderPlaced: ("order_placed", "order_id"),
    e.OrderShipped: ("order_shipped", "order_id"),
    e.OrderDelayed: ("order_delayed", "order_id"),
    e.OrderFailed: ("order_failed", "order_id"),
    e.OrderDelivered: ("order_delivered", "order_id"),
    e.OrderCancelled: ("order_cancelled", "order_id"),
    e.OrderRefunded: ("order_refunded", "order_id"),
    e.ReturnRequested: ("return_requested", "return_id"),
    e.ReturnReceived: ("return_received", "return_id"),
    e.ReturnDisputed: ("return_disputed", "return_id"),
    e.ReturnSettled: ("return_settled", "return_id"),
    e.ContactOpened: ("contact_opened", "case_id"),
    e.ContactResolved: ("contact_resolved", "case_id"),
    e.ContactReopened: ("contact_reopened", "case_id"),
    e.SubscriptionStarted: ("subscription_started", "subscription_id"),
    e.SubscriptionPaused: ("subscription_paused", "subscription_id"),
    e.SubscriptionResumed: ("subscription_resumed", "subscription_id"),
    e.SubscriptionCancelled: ("subscription_cancelled", "subscription_id"),
    e.SurveyAnswered: ("survey_answered", "survey_id"),
    e.RewardRequested: ("reward_requested", "request_id"),
    e.RewardFulfilled: ("reward_fulfilled", "request_id"),
    e.RewardCancelled: ("reward_cancelled", "request_id"),
}
"""How an event is called, and what it is about; of two at one instant, the one further down counts as later.

Rows have the places of names: what is new comes last.
"""
NAMES = tuple(name for name, _ in WHAT.values())


class Happened(Struct, frozen=True, array_like=True):
    """Something happened, or began, at an instant; `place` is that of its name."""

    place: int
    about: str
    at: int

    @property
    def what(self) -> str:
        """Its name, which opens with what it is about: order, return, contact..."""
        return NAMES[self.place]

    @property
    def thing(self) -> tuple[str, str]:
        """The order, return, case and the like."""
        return self.what.partition("_")[0], self.about


def happened(what: str, about: str, at: int) -> Happened:
    """Something by its name."""
    return Happened(NAMES.index(what), about, at)


def of(event: SourceEvent | Told) -> Happened | None:
    """What an event says; None for one that agents need not see."""
    if not isinstance(event, CustomerEvent) or type(event) not in WHAT:
        return None
    what, about = WHAT[type(event)]
    return happened(what, getattr(event, about), event.occurred_at)


def _later(one: Happened) -> tuple[int, int, str]:
    return one.at, one.place, one.about


def latest(known: Iterable[Happened]) -> tuple[Happened, ...]:
    """Of each thing the last, and of these the latest few, the last one first."""
    last = {each.thing: each for each in sorted(known, key=_later)}
    return tuple(sorted(last.values(), key=_later, reverse=True)[:MOST])


def unsettled(known: tuple[Happened, ...], one: Happened, *, is_open: bool) -> tuple[Happened, ...]:
    """What is not settled, after one thing is or is not; the earliest first."""
    if (one in known) == is_open:
        return known
    others = [each for each in known if each.thing != one.thing]
    return together([*others, one] if is_open else others)


def together(known: Iterable[Happened]) -> tuple[Happened, ...]:
    """What is not settled of several ids of one customer."""
    return tuple(sorted(set(known), key=_later)[-MOST_OPEN:])
