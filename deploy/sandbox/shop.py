"""A shop that never was, for the sandbox: years of history, and what happens in it from now on, without an end.

Everything follows from the seed, so that two sandboxes of one seed differ in nothing but their times.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import ClassVar, NamedTuple

from deploy.demo import events as said
from deploy.demo.events import Event
from deploy.demo.history import Purchase
from deploy.demo.synthetic import CHANNELS, DAY_MS, TOPICS, Dice, Rates, Times, synthetic

CUSTOMERS = 300
RECENT = 200
"""Of so many latest orders somebody may still want to send goods back."""
BEFORE = Rates(registered=0.4, delivered=0.9, returned=0.04, contacted=0.0)
"""What became of the orders of the history. Whoever called years ago is not routed now."""
AGENTS = ("agent-1", "agent-2", "agent-3")


class Habit(NamedTuple):
    """How some customers buy. Ranges include both ends; days are counted back from today."""

    orders: tuple[int, int]
    amount_minor: tuple[int, int]
    first_days_ago: tuple[int, int]
    last_days_ago: tuple[int, int]


HABITS = (
    (50, Habit((1, 4), (1_500, 9_000), (30, 900), (1, 29))),  # now and then
    (28, Habit((5, 14), (4_000, 16_000), (200, 1_400), (1, 40))),  # regulars; some are near a tier
    (12, Habit((10, 24), (12_000, 40_000), (380, 1_500), (1, 40))),  # who spends most
    (10, Habit((6, 16), (12_000, 40_000), (500, 1_500), (46, 200))),  # spent much, and is silent
)


def purchases(seed: int, today: date) -> list[Purchase]:
    """What the shop sold up to yesterday, in the order of time."""
    dice = Dice(f"purchases/{seed}")
    sold: list[tuple[date, str, int, int]] = []
    for number in range(1, CUSTOMERS + 1):
        habit = dice.weighted(HABITS)
        first, last = dice.between(*habit.first_days_ago), dice.between(*habit.last_days_ago)
        for count in range(dice.between(*habit.orders)):
            ago = last if count == 0 else dice.between(last, first)
            sold.append(
                (today - timedelta(ago), customer(number), dice.between(1, 4), dice.between(*habit.amount_minor))
            )
    return [Purchase(line, who, day, items, minor) for line, (day, who, items, minor) in enumerate(sorted(sold), 1)]


def customer(number: int) -> str:
    """A customer's id."""
    return f"c-{number:04d}"


class Shop:
    """The shop of a seed. `history` is what happened up to yesterday; each `happens` is one event more, now."""

    def __init__(self, seed: int, today: date, zone: str, currency: str) -> None:
        self._seed, self._today, self._zone, self._currency = seed, today, zone, currency
        self._dice = Dice(f"live/{seed}")
        self._sold = purchases(seed, today)
        self._customers = CUSTOMERS
        self._registered: deque[str] = deque()
        self._underway: deque[Purchase] = deque()
        self._coming: deque[Event] = deque()
        self._arrived: deque[Event] = deque()
        self._cases: deque[tuple[Purchase, str]] = deque()
        self._counts = Counter[str]()

    def history(self) -> list[Event]:
        """All that happened up to yesterday, in the order of time."""
        times = Times(self._zone, self._today - timedelta(1))
        orders = [said.placed(each, times.order(each.day), self._currency) for each in self._sold]
        aftermath = synthetic(self._sold, self._currency, times, self._seed, BEFORE)
        return sorted([*orders, *aftermath], key=lambda event: int(event["occurred_at"]))

    def happens(self, mix: Mapping[str, int], now: int) -> Event:
        """The next event; topics come as often as the mix says. `now` is milliseconds since 1970 UTC."""
        topic = self._dice.weighted([(weight, topic) for topic, weight in mix.items()])
        return self._dice.weighted(self.HAPPENINGS[topic])(self, now)

    def _sell(self, who: str, minor: int) -> Purchase:
        purchase = Purchase(len(self._sold) + 1, who, self._today, self._dice.between(1, 4), minor)
        self._sold.append(purchase)
        return purchase

    def _any(self) -> Purchase:
        """Whoever bought more often is met more often."""
        return self._dice.one_of(self._sold)

    def _newcomer(self) -> str:
        self._customers += 1
        return customer(self._customers)

    def _number(self, of: str) -> int:
        self._counts[of] += 1
        return self._counts[of]

    def _buy(self, now: int) -> Event:
        """Somebody orders about as much as once before; who has registered, about as much as somebody else."""
        earlier = self._any()
        who = self._registered.popleft() if self._registered else earlier.customer_id
        bought = self._sell(who, earlier.amount_minor * self._dice.between(50, 150) // 100)
        self._underway.append(bought)
        return said.placed(bought, now, self._currency)

    def _deliver(self, now: int) -> Event:
        return said.delivered(self._underway.popleft(), now) if self._underway else self._buy(now)

    def _cancel(self, now: int) -> Event:
        return said.cancelled(self._underway.pop(), now) if self._underway else self._buy(now)

    def _refund(self, now: int) -> Event:
        order = self._any()
        part, percent = self._number(f"refund {order.line}"), self._dice.one_of((10, 25, 100))
        return said.refunded(order, now, f"live-{part}", order.amount_minor * percent // 100)

    def _hand_in_late(self, now: int) -> Event:
        """A branch hands in an old order: of somebody laurel has not heard of, or of whom it may think silent."""
        if self._dice.falls(0.6):
            order, days = (
                self._sell(self._newcomer(), self._dice.between(100_000, 600_000)),
                self._dice.between(370, 1_400),
            )
        else:
            earlier = self._any()
            order, days = self._sell(earlier.customer_id, earlier.amount_minor), self._dice.between(5, 44)
        return said.placed(order, now - days * DAY_MS, self._currency)

    def _ask_back(self, now: int) -> Event:
        order = self._dice.one_of(self._sold[-RECENT:])
        count = 10 + self._number(f"return {order.line}")  # the history may have asked already
        asked = said.requested(order, now, count, self._dice.between(1, order.items))
        self._coming.append(asked)
        return asked

    def _receive(self, now: int) -> Event:
        if not self._coming:
            return self._ask_back(now)
        asked = self._coming.popleft()
        self._arrived.append(asked)
        return self._returned("ReturnReceived", asked, now, lines=asked["lines"])

    def _inspect(self, now: int) -> Event:
        if not self._arrived:
            return self._receive(now)
        asked = self._arrived.popleft()
        return self._returned("ReturnInspected", asked, now, accepted=asked["lines"])

    def _returned(self, kind: str, asked: Event, now: int, **told: object) -> Event:
        """What becomes of goods that somebody sends back."""
        told |= {"return_id": asked["return_id"], "order_id": asked["order_id"]}
        return said.event(kind, f"{kind}-{asked['return_id']}", asked["customer_id"], now, **told)

    def _register(self, now: int) -> Event:
        who = self._newcomer()
        self._registered.append(who)
        return said.event("CustomerRegistered", f"registered-{who}", who, now)

    def _visit(self, now: int) -> Event:
        name = f"visit-{self._number('visit')}"
        return said.event(
            "CustomerVisited", name, self._any().customer_id, now, channel=self._dice.one_of(("web", "app", "branch"))
        )

    def _answer(self, now: int) -> Event:
        name, score = f"survey-{self._number('survey')}", self._dice.between(0, 10)
        told = {"survey_id": "how-likely", "question_id": "recommend", "score": score}
        return said.event("SurveyAnswered", name, self._any().customer_id, now, **told)

    def _consent(self, now: int) -> Event:
        name, granted = f"consent-{self._number('consent')}", self._dice.falls(0.7)
        return said.event("ConsentChanged", name, self._any().customer_id, now, purpose="marketing", granted=granted)

    def _call(self, now: int) -> Event:
        caller, name = self._any(), f"live-{self._number('case')}"
        self._cases.append((caller, name))
        return said.contacted(caller, now, name, self._dice.one_of(CHANNELS), self._dice.one_of(TOPICS))

    def _resolve(self, now: int) -> Event:
        if not self._cases:
            return self._call(now)
        caller, name = self._cases.popleft()
        told = {"case_id": f"k-{name}", "agent_id": self._dice.one_of(AGENTS)}
        return said.event("ContactResolved", f"resolved-{name}", caller.customer_id, now, **told)

    HAPPENINGS: ClassVar[Mapping[str, Sequence[tuple[int, Callable[[Shop, int], Event]]]]] = {
        "orders": ((66, _buy), (20, _deliver), (4, _refund), (2, _cancel), (8, _hand_in_late)),
        "returns": ((3, _ask_back), (1, _receive), (1, _inspect)),
        "interactions": ((2, _register), (6, _visit), (1, _answer), (1, _consent)),
        "support": ((2, _call), (1, _resolve)),
    }
    """What may happen on each topic, and how often beside the others of the topic."""
