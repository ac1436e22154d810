"""Seeded histories: what upstream systems may publish, with duplicates, reversals before their orders, and poison."""

from __future__ import annotations

import time
from collections import deque
from random import Random
from typing import Any, NamedTuple

from schemas import events as e
from schemas.codec import decode, encode, encode_fields

DAY_MS = 86_400_000
HOT = 5
REMEMBERED = 100_000
"""Orders that may still be spoken of, at least."""
CURRENCIES = (("USD", 1_000_000), ("EUR", 1_083_700), ("JPY", 6_713), ("GBP", 1_254_321))
TOPICS = {e.ReturnRequested: "returns", e.CustomerRegistered: "interactions", e.ContactOpened: "support"}


class Published(NamedTuple):
    """One record for a source topic; `reason` says that it is poison, and as what laurel must name it."""

    topic: str
    key: bytes | None
    value: bytes | None
    event: Any = None
    reason: str | None = None
    headers: tuple[tuple[str, bytes | None], ...] = ()

    @property
    def said(self) -> Any:
        """The event, also where it is not kept."""
        return decode(self.value) if self.event is None else self.event


class History:
    """An endless history. One event in three brings a new customer; a handful of customers gets a fifth of the rest."""

    def __init__(self, seed: int, *, poison: bool = True, prefix: str = "") -> None:
        self._random = Random(seed)
        self._prefix = prefix or f"s{seed}"
        self._poison = poison
        self._now = int(time.time() * 1000)
        self._count = 0
        self._customers: list[str] = []
        self._orders: list[e.OrderPlaced] = []
        self._held: list[e.OrderPlaced] = []
        self._past: deque[Published] = deque(maxlen=500)

    def next(self) -> Published:
        """The next record."""
        self._count += 1
        chance = self._random.random()
        if self._poison and chance < 0.03:
            return self._bad()
        if self._past and chance < 0.08:
            return self._random.choice(self._past)
        if self._held and chance < 0.13:
            return self._say(self._held.pop(0))
        made = self._say(self._happening())
        self._past.append(made)
        return made

    def rest(self) -> list[Published]:
        """Orders whose reversals are already out: without them the recount would not see that they are worth nothing."""
        held, self._held = self._held, []
        return [self._say(order) for order in held]

    def _say(self, event: Any) -> Published:
        topic = TOPICS.get(type(event), "orders")
        return Published(topic, event.customer_id.encode(), encode(event), event)

    def _happening(self) -> Any:
        if self._count % 3 == 1:
            customer = f"{self._prefix}-c{len(self._customers)}"
            self._customers.append(customer)
            if self._random.random() < 0.5:
                return e.CustomerRegistered(**self._head(customer, 1500))
            return self._order(customer)
        customer = self._somebody()
        kinds = (self._order, self._refund, self._cancel, self._deliver, self._return, self._contact, self._early)
        return self._random.choices(kinds, (40, 14, 5, 8, 14, 12, 7))[0](customer)

    def _somebody(self) -> str:
        if self._random.random() < 0.2:
            return self._customers[self._random.randrange(min(HOT, len(self._customers)))]
        return self._random.choice(self._customers)

    def _head(self, customer: str, days: int) -> dict[str, Any]:
        occurred_at = self._now - self._random.randrange(days * DAY_MS)
        return {"event_id": f"{self._prefix}-e{self._count}", "customer_id": customer, "occurred_at": occurred_at}

    def _order(self, customer: str) -> e.OrderPlaced:
        currency, rate = self._random.choice(CURRENCIES)
        lines = tuple(
            e.OrderLine(
                line_id=f"l{number}",
                quantity=self._random.randint(1, 5),
                goods_minor=(goods := self._random.choice((0, 1, 999, self._random.randrange(400_000)))),
                discount_minor=self._random.choice((0, 0, goods // 3, goods + 5)),
                tax_minor=self._random.randrange(5000),
                shipping_minor=self._random.randrange(900),
            )
            for number in range(self._random.randint(1, 4))
        )
        order = e.OrderPlaced(
            **self._head(customer, 400),
            order_id=f"{self._prefix}-o{self._count}",
            currency=currency,
            rate_ppm=rate,
            lines=lines,
        )
        self._orders.append(order)
        if len(self._orders) > 2 * REMEMBERED:
            del self._orders[:REMEMBERED]
        return order

    def _early(self, customer: str) -> Any:
        """A reversal whose order follows some records later."""
        order = self._order(customer)
        self._held.append(order)
        return self._random.choice((self._refund_of, self._cancel_of))(order)

    def _known(self, customer: str) -> e.OrderPlaced:
        """An order of theirs if a look at some finds one; else anybody's, which is as good."""
        some = self._random.choices(self._orders, k=20)
        return next((order for order in some if order.customer_id == customer), some[0])

    def _refund(self, customer: str) -> Any:
        return self._refund_of(self._known(customer)) if self._orders else self._order(customer)

    def _refund_of(self, order: e.OrderPlaced) -> e.OrderRefunded:
        goods = sum(line.goods_minor for line in order.lines)
        return e.OrderRefunded(
            **self._head(order.customer_id, 300),
            order_id=order.order_id,
            refund_id=f"{self._prefix}-r{self._count}",
            goods_minor=self._random.choice((1, goods // 2, goods, 2 * goods)),
        )

    def _cancel(self, customer: str) -> Any:
        return self._cancel_of(self._known(customer)) if self._orders else self._order(customer)

    def _cancel_of(self, order: e.OrderPlaced) -> e.OrderCancelled:
        return e.OrderCancelled(**self._head(order.customer_id, 300), order_id=order.order_id)

    def _deliver(self, customer: str) -> Any:
        if not self._orders:
            return self._order(customer)
        order = self._known(customer)
        return e.OrderDelivered(**self._head(order.customer_id, 300), order_id=order.order_id)

    def _return(self, customer: str) -> Any:
        if not self._orders:
            return self._order(customer)
        order = self._known(customer)
        lines = tuple(e.ReturnLine(line.line_id, self._random.randint(1, line.quantity)) for line in order.lines)
        return e.ReturnRequested(
            **self._head(order.customer_id, 60),
            return_id=f"{self._prefix}-q{self._count}",
            order_id=order.order_id,
            lines=lines[: self._random.randint(1, len(lines))],
        )

    def _contact(self, customer: str) -> e.ContactOpened:
        return e.ContactOpened(**self._head(customer, 5), case_id=f"{self._prefix}-k{self._count}", channel="mail")

    def _bad(self) -> Published:
        return self._random.choice(poison(f"{self._prefix}-p{self._count}", self._now))


class Generations:
    """One history over and over, each time of other customers: what next to nothing is spent on."""

    def __init__(self, seed: int, size: int) -> None:
        self._first = b"g0000"
        history = History(seed, poison=False, prefix=self._first.decode())
        self._records = [history.next() for _ in range(size)]
        self._count = 0

    def next(self) -> Published:
        """The next record."""
        generation, number = divmod(self._count, len(self._records))
        self._count += 1
        record, name = self._records[number], b"g%04d" % generation
        key, value = (part and part.replace(self._first, name) for part in (record.key, record.value))
        return Published(record.topic, key, value)

    def rest(self) -> list[Published]:
        """Nothing is owed."""
        return []


def poison(name: str, now: int) -> list[Published]:
    """Records that must end as dead letters, of every kind, with the reason that each must have."""
    head = {"event_id": name, "customer_id": f"{name}-customer", "occurred_at": now}
    order = e.OrderPlaced(**head, order_id=name, currency="USD", lines=(e.OrderLine("l0", 1, 100),))
    line = {"line_id": "l0", "quantity": 1, "goods_minor": 1, "discount_minor": 0, "tax_minor": 0, "shipping_minor": 0}
    fields = head | {"order_id": name, "currency": "USD", "rate_ppm": 1_000_000, "lines": [line]}
    good = encode(order)

    def wrong(changes: dict[str, Any]) -> bytes:
        return encode_fields(e.OrderPlaced, fields | changes)

    cases: list[tuple[str, bytes | None, str]] = [
        ("orders", name.encode(), "undecodable"),
        ("support", b"\xff\xfe\x00", "undecodable"),
        ("orders", good[:-3], "undecodable"),
        ("orders", good + b"!", "undecodable"),
        ("orders", good[:10], "undecodable"),
        ("orders", good.replace(name.encode(), b"\xff" * len(name)), "undecodable"),
        ("returns", b"\xc3\x01" + b"\x07" * 8 + name.encode(), "unknown_schema"),
        ("interactions", b"", "empty"),
        ("interactions", None, "empty"),
        ("orders", wrong({"lines": [line | {"goods_minor": -1}]}), "invalid_amount"),
        ("orders", wrong({"lines": [line | {"tax_minor": 10**16}]}), "invalid_amount"),
        ("orders", wrong({"currency": "ZZZ"}), "unknown_currency"),
        ("orders", wrong({"occurred_at": 0}), "implausible_date"),
        ("orders", wrong({"occurred_at": -(10**15)}), "implausible_date"),
        ("orders", wrong({"occurred_at": now + 40 * DAY_MS}), "implausible_date"),
        ("orders", wrong({"occurred_at": 10**15}), "implausible_date"),
        ("orders", wrong({"customer_id": ""}), "invalid_id"),
        ("orders", wrong({"customer_id": "#1"}), "invalid_id"),
        ("orders", wrong({"customer_id": "a\x1fb"}), "invalid_id"),
        ("orders", wrong({"customer_id": "agent/mia"}), "invalid_id"),
        ("orders", wrong({"customer_id": "programme"}), "invalid_id"),
        ("orders", wrong({"event_id": ""}), "invalid_id"),
        ("orders", wrong({"order_id": "x" * 201}), "invalid_id"),
        ("orders", wrong({"lines": []}), "invalid"),
        ("orders", wrong({"rate_ppm": 0}), "invalid"),
        ("returns", good, "wrong_topic"),
        ("operations", good, "wrong_topic"),
        ("orders", encode(e.ClockTicked(now, 0)), "wrong_topic"),
        ("orders", encode(e.PolicyActivated("a", "b", now, "{}")), "wrong_topic"),
    ]
    return [Published(topic, name.encode(), value, None, reason) for topic, value, reason in cases]
