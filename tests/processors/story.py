"""Tell a partition what happened, and see what it decides: given events, when an event, then decisions."""

import json
from collections import deque
from collections.abc import Collection, Mapping
from copy import deepcopy
from datetime import datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import yaml
from msgspec import Struct

from processors.customer import CUSTOMERS, Customer
from processors.policy import Policy, parse
from processors.step import Effect, Entry, Send, step
from schemas import commands as c
from schemas import events as e
from schemas.decided import Decided
from schemas.directives import PolicyPublished, PolicyWithdrawn
from schemas.partitions import EVERYWHERE
from schemas.profiles import CustomerProfile
from schemas.rewards import RewardStocked
from schemas.source import SourceEvent
from schemas.topics import TOPIC_OF
from state.memory import MemoryStore
from state.overlay import Overlay

T = TypeVar("T")
Document = dict[str, Any]
EARLY = "1995-01-01"
NO_STAGES: Document = {"lifecycle": {"designation_months": 0, "engagement_months": 0, "retention_months": 0}}
"""Changes of the policy under which everybody is in the last stage from their first day on: no timer but those looked at."""


@cache
def _shipped() -> Document:
    text = Path("processors/default_policy.yaml").read_text(encoding="utf-8")
    document: Document = yaml.safe_load(text)
    return document


def policy_with(changes: Mapping[str, Any] | None = None) -> Document:
    """The shipped policy with some fields changed: mappings are merged, empty ones and everything else replaced.

    Requests to notify, flags of orders and points are left out, so that a story is about what it is about;
    `notifications: shipped`, `fulfilment: shipped` and `points: shipped`, or changes of them, bring them in.
    """

    def merge(document: Document, changed: Mapping[str, Any]) -> Document:
        for key, value in changed.items():
            both = value and isinstance(value, Mapping) and isinstance(document.get(key), dict)
            document[key] = merge(document[key], value) if both else value
        return document

    changes = dict(changes or {})
    asked = {part: changes.pop(part, None) for part in ("notifications", "fulfilment", "points")}
    document = merge(deepcopy(_shipped()), changes)
    for part, changed in asked.items():
        if changed is None:
            del document[part]
        elif changed != "shipped":
            merge(document[part], changed)
    names = {tier["name"] for tier in document["tiers"]}
    if "tiers" in changes:  # what the shipped tiers are entitled to goes with them
        for holder, field in (
            (document["returns"]["rights"], "tiers"),
            (document["routing"], "tiers"),
            (document, "early_access"),
            (document["benefits"], "tiers"),
            (document["recovery"]["amends"], "tiers"),
            (document["recovery"]["caps"], "tiers"),
            (document, "labels"),
            *([(document["fulfilment"]["handling"], "tiers")] if "fulfilment" in document else []),
            *([(document["points"], "tiers_percent")] if "points" in document else []),
        ):
            holder[field] = {tier: entry for tier, entry in holder[field].items() if tier in names}
    return document


def parsed_with(changes: Mapping[str, Any] | None = None) -> Policy:
    """The policy that `policy_with` describes, as rules see it."""
    policy = parse(json.dumps(policy_with(changes)))
    assert isinstance(policy, Policy), policy
    return policy


def minor(amount: str | int) -> int:
    """Minor units of an amount as people write it, "12.50"."""
    return int(Decimal(amount).scaleb(2))


class Story:
    """One partition, folded record by record over a store in memory. Dates are local to the policy's zone."""

    def __init__(self, policy: Mapping[str, Any] | None = None, *, started: bool = True) -> None:
        self.document = policy_with(policy)
        self.store = MemoryStore()
        self.rows = Overlay(self.store)
        self.offset = 0
        self.effects: list[Effect] = []
        self.profiles: dict[str, CustomerProfile] = {}
        self.answers_itself = True
        """Whether `WorkRemains` comes back at once, as intake would bring it."""
        self.keeps_time = True
        """Whether the clock reaches an event's instant before the event comes, as in an import (D4)."""
        self.dies_every = 0
        """Of so many records one is folded by a worker that dies before its commit, and then again."""
        self.clock = 0
        self.last: e.SourceEvent | None = None
        """The last event that was told, to be told again."""
        if started:
            assert self.activate(self.document, EARLY) == []

    def at(self, date: str) -> int:
        """The instant of "2024-01-31" or "2024-01-31 17:30", milliseconds."""
        zone = ZoneInfo(self.document["time_zone"])
        return int(datetime.fromisoformat(date).replace(tzinfo=zone).timestamp() * 1000)

    def local(self, instant: int) -> str:
        """An instant as `at` takes it."""
        when = datetime.fromtimestamp(instant / 1000, ZoneInfo(self.document["time_zone"]))
        return when.strftime("%Y-%m-%d %H:%M").removesuffix(" 00:00")

    def tell(
        self,
        subject: str,
        event: e.Event,
        *,
        skipped: Collection[str] = (),
        source: str | None = None,
        stamp: int = 0,
    ) -> list[Effect]:
        """Fold one record, and the messages that follow from it, in their order. Rows go through bytes."""
        effects = self._fold(subject, event, skipped, source, stamp)
        left = deque(effects)
        while self.answers_itself and left:
            if isinstance(each := left.popleft(), Send):
                then = self._fold(self._addressee(each), each.event)
                effects += then
                left += then
        return effects

    def _fold(
        self, subject: str, event: e.Event, skipped: Collection[str] = (), source: str | None = None, stamp: int = 0
    ) -> list[Effect]:
        source = source or TOPIC_OF.get(type(event), "messages")
        entry = Entry("timeline", 0, self.offset, stamp, subject, event, b"original", source)
        self.offset += 1
        lost = []
        if self.dies_every and self.offset % self.dies_every == 0:
            lost = step(Overlay(self.store), entry, skipped)
        try:
            effects = step(self.rows, entry, skipped)
        except Exception:
            self.rows.undo()
            raise
        assert not lost or lost == effects, "whoever folds it again decides the same"
        self.rows.keep()
        self.store.write(self.rows.changes())
        self.rows = Overlay(self.store)
        self.effects += effects
        self.profiles |= {each.customer_id: each for each in effects if isinstance(each, CustomerProfile)}
        return list(effects)

    def answer(self, message: Send) -> list[Effect]:
        """A message comes back, as intake would bring it; this partition is every partition."""
        return self.tell(self._addressee(message), message.event)

    def _addressee(self, message: Send) -> str:
        return "#0" if message.subject == EVERYWHERE else message.subject

    def stored(self) -> dict[bytes, bytes]:
        """Every row, as the store holds it."""
        return dict(self.store.scan())

    def rows_of(self, *prefixes: bytes) -> dict[bytes, bytes]:
        """The rows of some tables, by their prefix."""
        return {key: row for key, row in self.stored().items() if key[:1] in prefixes}

    def row(self, customer: str = "ada") -> Customer:
        """A customer's row; an empty one for a stranger."""
        return self.rows.get(CUSTOMERS, customer) or Customer()

    def decided(self, kind: type[T] = Decided) -> list[T]:  # type: ignore[assignment]
        """All decisions of a kind so far."""
        return [each for each in self.effects if isinstance(each, kind)]

    # What happens

    def activate(self, document: Document, effective_from: str, **given: Any) -> list[Effect]:
        """A policy is in force from this record on."""
        version = document["version"]
        event = e.PolicyActivated(
            f"activation-{version}-{effective_from}", version, self.at(effective_from), json.dumps(document)
        )
        return self.tell("#0", event, **given)

    def publish(
        self,
        document: Document,
        effective: str | None = None,
        *,
        date: str | None = None,
        event: str | None = None,
        role: str = "administrator",
        **given: Any,
    ) -> list[Effect]:
        """A person publishes a policy version, for an instant or at once."""
        at = None if effective is None else self.at(effective)
        command = PolicyPublished(
            **self._command(date, event, role),
            version=document["version"],
            effective_at=at,
            document=json.dumps(document),
        )
        return self.happen(command, **given)

    def withdraw(
        self,
        version: str,
        *,
        date: str | None = None,
        event: str | None = None,
        role: str = "administrator",
        **given: Any,
    ) -> list[Effect]:
        """A person withdraws a policy version."""
        return self.happen(PolicyWithdrawn(**self._command(date, event, role), version=version), **given)

    def _command(self, date: str | None, event: str | None, role: str) -> dict[str, Any]:
        occurred_at = self.clock if date is None else self.at(date)
        about = {"author_id": "p-1", "role": role, "reason": "programme_choice"}
        return {"event_id": event or f"e{self.offset}", "occurred_at": occurred_at, **about}

    def tick(self, date: str, *, behind_s: int = 0, partitions: int = 0, **given: Any) -> list[Effect]:
        """The log's time reaches an instant."""
        self.clock = max(self.clock, self.at(date))
        return self.tell("#0", e.ClockTicked(self.at(date), behind_s * 1000, partitions), **given)

    def happen(self, event: SourceEvent, **given: Any) -> list[Effect]:
        """Tell an event of a customer: what it leads to, without what its instant led to before."""
        if self.keeps_time and event.occurred_at > self.clock:
            self.clock = event.occurred_at
            self.tell("#0", e.ClockTicked(event.occurred_at, 0))
        self.last = event
        return self.tell(event.subject, event, **given)

    def _source(self, customer: str, date: str, event: str | None) -> dict[str, Any]:
        return {"event_id": event or f"e{self.offset}", "customer_id": customer, "occurred_at": self.at(date)}

    def register(
        self,
        date: str,
        *,
        birth_month: int | None = None,
        customer: str = "ada",
        event: str | None = None,
        **given: Any,
    ) -> list[Effect]:
        """A person becomes a customer."""
        source = self._source(customer, date, event)
        return self.happen(e.CustomerRegistered(**source, birth_month=birth_month), **given)

    def consent(
        self,
        date: str,
        purpose: str = "email",
        *,
        granted: bool = True,
        customer: str = "ada",
        event: str | None = None,
        **given: Any,
    ) -> list[Effect]:
        """The customer agrees to something, or does so no longer."""
        source = self._source(customer, date, event)
        return self.happen(e.ConsentChanged(**source, purpose=purpose, granted=granted), **given)

    def reach(
        self,
        date: str,
        outcome: Any = "follow_up",
        alert: str | None = None,
        *,
        again: str | None = None,
        customer: str = "ada",
        event: str | None = None,
        **given: Any,
    ) -> list[Effect]:
        """A person speaks with a customer at risk."""
        recorded = c.OutreachRecorded(
            **self._source(customer, date, event),
            author_id="p-1",
            role="manager",
            reason="at_risk",
            alert_id=alert,
            channel="phone",
            outcome=outcome,
            follow_up_at=self.at(again) if again else None,
        )
        return self.happen(recorded, **given)

    def order(
        self,
        date: str,
        goods: str = "0",
        order: str = "o1",
        *,
        customer: str = "ada",
        event: str | None = None,
        quantity: int = 1,
        lines: Collection[e.OrderLine] = (),
        rate_ppm: int = 1_000_000,
        currency: e.Currency = "USD",
        channel: str | None = None,
        **given: Any,
    ) -> list[Effect]:
        """An order is placed: one line, unless lines are given."""
        lines = tuple(lines) or (e.OrderLine("l1", quantity, minor(goods)),)
        about = self._source(customer, date, event) | {"order_id": order, "channel": channel}
        placed = e.OrderPlaced(**about, currency=currency, rate_ppm=rate_ppm, lines=lines)
        return self.happen(placed, **given)

    def deliver(
        self,
        date: str,
        order: str = "o1",
        *,
        shipment: str | None = None,
        customer: str = "ada",
        event: str | None = None,
        **given: Any,
    ) -> list[Effect]:
        """The last item of an order arrives, or one of its shipments."""
        source = self._source(customer, date, event)
        return self.happen(e.OrderDelivered(**source, order_id=order, shipment_id=shipment), **given)

    def delay(
        self,
        date: str,
        promised: str,
        expected: str | None = None,
        *,
        order: str = "o1",
        customer: str = "ada",
        event: str | None = None,
        **given: Any,
    ) -> list[Effect]:
        """An order will come later than promised."""
        source, at = self._source(customer, date, event), None if expected is None else self.at(expected)
        late = e.OrderDelayed(**source, order_id=order, promised_at=self.at(promised), expected_at=at, reason="carrier")
        return self.happen(late, **given)

    def fail(
        self,
        date: str,
        shipment: str | None = None,
        *,
        order: str = "o1",
        customer: str = "ada",
        event: str | None = None,
        **given: Any,
    ) -> list[Effect]:
        """A delivery failed."""
        source = self._source(customer, date, event)
        return self.happen(e.OrderFailed(**source, order_id=order, shipment_id=shipment, reason="carrier"), **given)

    def compensate(self, date: str, amount: str, compensation: str = "k1", **given: Any) -> list[Effect]:
        """A person wants to give something, as an agent unless `role` says otherwise."""
        about = {"role": "agent", "kind": "credit", "currency": "USD", "compensation_id": compensation}
        return self.command(date, c.CompensationGranted, amount_minor=minor(amount), **(about | given))

    def approve(self, date: str, compensation: str = "k1", verdict: str = "approved", **given: Any) -> list[Effect]:
        """A person with more authority decides about a compensation."""
        about = {"author_id": "bea", "compensation_id": compensation, "verdict": verdict}
        return self.command(date, c.CompensationReviewed, **(about | given))

    def cancel(
        self, date: str, order: str = "o1", *, customer: str = "ada", event: str | None = None, **given: Any
    ) -> list[Effect]:
        """An order is cancelled whole."""
        return self.happen(e.OrderCancelled(**self._source(customer, date, event), order_id=order), **given)

    def refund(
        self,
        date: str,
        goods: str,
        order: str = "o1",
        refund: str = "f1",
        *,
        line: str | None = None,
        customer: str = "ada",
        event: str | None = None,
        **given: Any,
    ) -> list[Effect]:
        """Money of an order goes back, or of one of its lines."""
        source = self._source(customer, date, event)
        refunded = e.OrderRefunded(**source, order_id=order, refund_id=refund, goods_minor=minor(goods), line_id=line)
        return self.happen(refunded, **given)

    def send_back(
        self,
        date: str,
        units: Mapping[str, int] | int = 1,
        order: str = "o1",
        back: str = "b1",
        *,
        customer: str = "ada",
        event: str | None = None,
        **given: Any,
    ) -> list[Effect]:
        """A return is requested: so many units of line l1, or of the lines named."""
        asked = {"l1": units} if isinstance(units, int) else units
        lines = tuple(e.ReturnLine(line, quantity) for line, quantity in asked.items())
        source = self._source(customer, date, event)
        request = e.ReturnRequested(**source, order_id=order, return_id=back, lines=lines)
        return self.happen(request, **given)

    def ship(
        self,
        date: str,
        lines: Collection[str] = ("l1",),
        order: str = "o1",
        shipment: str = "p1",
        *,
        customer: str = "ada",
        event: str | None = None,
        **given: Any,
    ) -> list[Effect]:
        """Lines of an order leave the warehouse together."""
        units = tuple(e.Units(line, 1) for line in lines)
        source = self._source(customer, date, event)
        return self.happen(e.OrderShipped(**source, order_id=order, shipment_id=shipment, lines=units), **given)

    def _back(self, date: str, back: str, order: str, customer: str, event: str | None) -> dict[str, Any]:
        return self._source(customer, date, event) | {"return_id": back, "order_id": order}

    def receive(
        self,
        date: str,
        units: int = 1,
        back: str = "b1",
        order: str = "o1",
        *,
        line: str = "l1",
        customer: str = "ada",
        event: str | None = None,
        **given: Any,
    ) -> list[Effect]:
        """Goods of a return arrive."""
        lines = (e.ReturnLine(line, units),)
        return self.happen(e.ReturnReceived(**self._back(date, back, order, customer, event), lines=lines), **given)

    def inspect(
        self,
        date: str,
        accepted: int = 1,
        back: str = "b1",
        order: str = "o1",
        *,
        line: str = "l1",
        customer: str = "ada",
        event: str | None = None,
        **given: Any,
    ) -> list[Effect]:
        """Goods of a return are looked at, and so many are as they should be."""
        lines = (e.ReturnLine(line, accepted),) if accepted else ()
        told = e.ReturnInspected(**self._back(date, back, order, customer, event), accepted=lines)
        return self.happen(told, **given)

    def dispute(
        self,
        date: str,
        back: str = "b1",
        order: str = "o1",
        *,
        customer: str = "ada",
        event: str | None = None,
        **given: Any,
    ) -> list[Effect]:
        """The customer objects to a verdict."""
        told = e.ReturnDisputed(**self._back(date, back, order, customer, event), reason="unfair")
        return self.happen(told, **given)

    def subscribe(
        self,
        date: str,
        monthly: str = "0",
        plan: str = "s1",
        *,
        customer: str = "ada",
        event: str | None = None,
        **given: Any,
    ) -> list[Effect]:
        """A subscription begins."""
        source = self._source(customer, date, event)
        started = e.SubscriptionStarted(**source, subscription_id=plan, currency="USD", monthly_minor=minor(monthly))
        return self.happen(started, **given)

    def reprice(
        self,
        date: str,
        monthly: str,
        plan: str = "s1",
        *,
        customer: str = "ada",
        event: str | None = None,
        **given: Any,
    ) -> list[Effect]:
        """A subscription costs something else."""
        source = self._source(customer, date, event)
        changed = e.SubscriptionChanged(**source, subscription_id=plan, currency="USD", monthly_minor=minor(monthly))
        return self.happen(changed, **given)

    def pause(
        self, date: str, plan: str = "s1", *, customer: str = "ada", event: str | None = None, **given: Any
    ) -> list[Effect]:
        """A subscription pauses."""
        return self.happen(e.SubscriptionPaused(**self._source(customer, date, event), subscription_id=plan), **given)

    def resume(
        self, date: str, plan: str = "s1", *, customer: str = "ada", event: str | None = None, **given: Any
    ) -> list[Effect]:
        """A subscription goes on, also after a cancellation."""
        return self.happen(e.SubscriptionResumed(**self._source(customer, date, event), subscription_id=plan), **given)

    def leave(
        self,
        date: str,
        plan: str = "s1",
        *,
        for_good: bool = False,
        customer: str = "ada",
        event: str | None = None,
        **given: Any,
    ) -> list[Effect]:
        """A subscription is cancelled."""
        source = self._source(customer, date, event)
        left = e.SubscriptionCancelled(**source, subscription_id=plan, reason="too_much", for_good=for_good)
        return self.happen(left, **given)

    def command(
        self, date: str, kind: type[T], /, *, customer: str = "ada", event: str | None = None, **given: Any
    ) -> list[Effect]:
        """A person decides something, as a manager unless `role` says otherwise."""
        command: dict[str, Any] = {"author_id": "mia", "role": "manager", "reason": "programme_choice"}
        told = {name: given.pop(name) for name in ("skipped", "source", "stamp") if name in given}
        instants = {
            name: self.at(each) for name, each in given.items() if name.endswith("_at") and isinstance(each, str)
        }
        made: Any = kind(**self._source(customer, date, event), **(command | given | instants))
        return self.happen(made, **told)

    def designate(self, date: str, tier: str = "gold", designation: str = "d1", **given: Any) -> list[Effect]:
        """A person makes the customer a VIP, from that day on unless `starts_at` says otherwise."""
        given = {"starts_at": date, "ends_at": None} | given
        return self.command(date, c.DesignationAdded, designation_id=designation, tier=tier, **given)

    def redesignate(
        self, date: str, seen: int, tier: str = "gold", designation: str = "d1", **given: Any
    ) -> list[Effect]:
        """A person changes a designation of which they saw a version."""
        about = {"designation_id": designation, "seen_version": seen, "tier": tier}
        return self.command(date, c.DesignationChanged, **(about | given))

    def undesignate(
        self, date: str, seen: int | None = 1, designation: str | None = "d1", **given: Any
    ) -> list[Effect]:
        """A person takes the status away; without a designation, what automatic rules gave."""
        about = {"designation_id": designation, "seen_version": seen, "confirmed_at": date}
        return self.command(date, c.DesignationRemoved, **(about | given))

    def review(self, date: str, tier: str, verdict: str = "approved", **given: Any) -> list[Effect]:
        """A person approves or refuses a tier that the customer qualifies for."""
        return self.command(date, c.QualificationReviewed, tier=tier, verdict=verdict, **given)

    def want(
        self,
        date: str,
        reward: str = "tote-bag",
        request: str = "q1",
        *,
        quantity: int = 1,
        customer: str = "ada",
        event: str | None = None,
        **given: Any,
    ) -> list[Effect]:
        """The customer wants a reward for points."""
        about = self._source(customer, date, event) | {"request_id": request, "reward_id": reward}
        return self.happen(e.RewardRequested(**about, quantity=quantity), **given)

    def hand_over(
        self, date: str, request: str = "q1", *, customer: str = "ada", event: str | None = None, **given: Any
    ) -> list[Effect]:
        """A reward leaves."""
        return self.happen(e.RewardFulfilled(**self._source(customer, date, event), request_id=request), **given)

    def call_off(
        self, date: str, request: str = "q1", *, customer: str = "ada", event: str | None = None, **given: Any
    ) -> list[Effect]:
        """A request for a reward comes to nothing."""
        return self.happen(e.RewardCancelled(**self._source(customer, date, event), request_id=request), **given)

    def choose(
        self,
        date: str,
        verdict: Any = "approved",
        request: str = "q1",
        *,
        customer: str = "ada",
        event: str | None = None,
        **given: Any,
    ) -> list[Effect]:
        """The customer takes the substitute that was offered, or does not."""
        about = self._source(customer, date, event) | {"request_id": request, "verdict": verdict}
        return self.happen(e.SubstituteAnswered(**about), **given)

    def restock(
        self,
        date: str,
        units: int,
        reward: str = "gift-box",
        *,
        role: str = "warehouse",
        event: str | None = None,
        **given: Any,
    ) -> list[Effect]:
        """Units of a reward come into stock, or are missing from it."""
        about = {"event_id": event or f"e{self.offset}", "occurred_at": self.at(date), "author_id": "w-1"}
        return self.happen(RewardStocked(**about, role=role, reason="delivery", reward_id=reward, units=units), **given)

    def adjust(self, date: str, points: int, adjustment: str = "a1", **given: Any) -> list[Effect]:
        """A person gives or takes points."""
        return self.command(date, c.PointsAdjusted, points=points, adjustment_id=adjustment, **given)

    def contact(
        self,
        date: str,
        case: str = "k1",
        *,
        customer: str = "ada",
        event: str | None = None,
        channel: str = "chat",
        topic: str = "general",
        **given: Any,
    ) -> list[Effect]:
        """The customer contacts support."""
        source = self._source(customer, date, event)
        return self.happen(e.ContactOpened(**source, case_id=case, channel=channel, topic=topic), **given)

    def refer(
        self, date: str, referred: str, *, customer: str = "ada", event: str | None = None, **given: Any
    ) -> list[Effect]:
        """The customer refers somebody."""
        source = self._source(customer, date, event)
        return self.happen(e.CustomerReferred(**source, referred_customer_id=referred), **given)

    def link(
        self, date: str, other: str, *, customer: str = "ada", event: str | None = None, **given: Any
    ) -> list[Effect]:
        """Two ids turn out to be of one customer."""
        return self.happen(e.IdsLinked(**self._source(customer, date, event), other_customer_id=other), **given)

    def unlink(
        self, date: str, other: str, *, customer: str = "ada", event: str | None = None, **given: Any
    ) -> list[Effect]:
        """Two ids turn out to be of different customers."""
        return self.happen(e.IdsUnlinked(**self._source(customer, date, event), other_customer_id=other), **given)

    def visit(self, date: str, *, customer: str = "ada", event: str | None = None, **given: Any) -> list[Effect]:
        """The customer comes to the shop, or to its pages."""
        return self.happen(e.CustomerVisited(**self._source(customer, date, event), channel="web"), **given)

    def report(
        self,
        date: str,
        tier: str | None,
        system: str = "crm",
        seen: int | None = None,
        *,
        customer: str = "ada",
        event: str | None = None,
        **given: Any,
    ) -> list[Effect]:
        """Another system says which status it holds of the customer."""
        source = self._source(customer, date, event)
        return self.happen(e.StatusReported(**source, system=system, tier=tier, seen_sequence=seen), **given)

    def reply(
        self, date: str, question: str = "q1", *, customer: str = "ada", event: str | None = None, **given: Any
    ) -> list[Effect]:
        """The customer answers a question of a survey."""
        source = self._source(customer, date, event)
        return self.happen(e.SurveyAnswered(**source, survey_id="spring", question_id=question, score=9), **given)

    def case(
        self,
        date: str,
        what: str,
        case: str = "k1",
        *,
        customer: str = "ada",
        event: str | None = None,
        agent: str | None = "agent-1",
        **given: Any,
    ) -> list[Effect]:
        """What becomes of a case: waiting, assigned, paused, resumed, escalated, resolved or reopened."""
        about = self._source(customer, date, event) | {"case_id": case}
        told: SourceEvent
        match what:
            case "waiting":
                told = e.ContactWaiting(**about, queue="vip")
            case "assigned":
                told = e.ContactAssigned(**about, agent_id=agent or "agent-1", queue="vip")
            case "paused":
                told = e.ContactPaused(**about, reason="customer")
            case "resumed":
                told = e.ContactResumed(**about)
            case "escalated":
                told = e.ContactEscalated(**about, reason="authority", agent_id=agent)
            case "resolved":
                told = e.ContactResolved(**about, agent_id=agent)
            case _:
                told = e.ContactReopened(**about)
        return self.happen(told, **given)


def only(effects: Collection[Effect], kind: type[T]) -> T:
    """The one effect of a kind."""
    found = [each for each in effects if isinstance(each, kind)]
    assert len(found) == 1, f"found {len(found)} of {kind.__name__}: {found}"
    return found[0]


def none_of(effects: Collection[Effect], kind: type[Struct]) -> bool:
    """Whether no effect is of a kind."""
    return not any(isinstance(each, kind) for each in effects)
