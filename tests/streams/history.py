"""Records for tests of the stages: single ones, and seeded histories in which many timers fall due at once."""

from collections.abc import Iterator
from datetime import UTC, datetime
from random import Random
from typing import Any

from msgspec.structs import replace

from schemas import events as e
from schemas.codec import TYPES, encode
from schemas.examples import example
from schemas.topics import TOPIC_OF
from streams.records import Outgoing, Record

DAY = 86_400_000
HOUR = 3_600_000


def ms(date: str) -> int:
    """The instant of "2024-01-31" or "2024-01-31 17:30" UTC, milliseconds."""
    return int(datetime.fromisoformat(date).replace(tzinfo=UTC).timestamp() * 1000)


NOON = ms("2024-01-31 12:00")


def registered(customer: str = "ada", at: int = NOON, event: str = "e-registered") -> e.CustomerRegistered:
    """A person became a customer."""
    return e.CustomerRegistered(event_id=event, customer_id=customer, occurred_at=at)


def placed(customer: str = "ada", at: int = NOON, goods: int = 1_000, order: str = "o1") -> e.OrderPlaced:
    """An order of one line."""
    lines = (e.OrderLine("l1", 1, goods),)
    return e.OrderPlaced(
        event_id=f"e-{order}", customer_id=customer, occurred_at=at, order_id=order, currency="USD", lines=lines
    )


ONE_OF_EACH: tuple[e.SourceEvent, ...] = tuple(
    replace(example(kind), customer_id="ada", occurred_at=NOON) for kind in TYPES if issubclass(kind, e.SourceEvent)
)
"""Every event that upstream systems publish."""


def record(
    event: Any, topic: str | None = None, place: tuple[int, int] = (0, 0), at: int | None = None, **given: Any
) -> Record:
    """A record as intake reads it; `place` is partition and offset. Bytes go in as they are."""
    value = event if isinstance(event, bytes | None) else encode(event)
    stamp = at if at is not None else getattr(event, "occurred_at", NOON)
    return Record(
        topic or TOPIC_OF[type(event)], *place, stamp, given.get("key", b"any"), value, given.get("headers", ())
    )


def published(event: e.SourceEvent, at: int | None = None) -> Outgoing:
    """An event as an upstream system publishes it."""
    return Outgoing(TOPIC_OF[type(event)], event.customer_id.encode(), encode(event), None, at or event.occurred_at)


def history(seed: int, customers: int = 150, days: int = 120, events: int = 600) -> Iterator[Outgoing]:
    """Most become VIPs within days of one another and fall silent together, so that many timers fall due at one tick."""
    chance = Random(seed)
    start = ms("2022-06-01")
    for n in range(customers):
        yield published(registered(f"c{n}", start + n * HOUR // 10, f"r{n}"))
        yield published(placed(f"c{n}", start + 365 * DAY + n * HOUR // 10, 120_000 + n, f"first-{n}"))
    ats = sorted(start + (365 + chance.randrange(days)) * DAY + chance.randrange(DAY) for _ in range(events))
    for n, at in enumerate(ats):
        who = f"c{chance.randrange(customers // 3)}"
        about: dict[str, Any] = {"event_id": f"h{n}", "customer_id": who, "occurred_at": at}
        order = f"first-{who[1:]}" if chance.random() < 0.4 else f"o{chance.randrange(n + 1)}"
        match chance.randrange(7):
            case 0:
                yield published(
                    e.OrderRefunded(**about, order_id=order, refund_id=f"f{n}", goods_minor=chance.randrange(90_000))
                )
            case 1:
                yield published(e.OrderCancelled(**about, order_id=order))
            case 2:
                yield published(
                    e.ReturnRequested(**about, return_id=f"b{n}", order_id=order, lines=(e.ReturnLine("l1", 1),))
                )
            case 3:
                yield published(e.ContactOpened(**about, case_id=f"k{n}", channel="mail"))
            case 4:
                yield Outgoing("orders", who.encode(), chance.randbytes(chance.randrange(30)), None, at)
            case _:
                yield published(placed(who, at, chance.randrange(80_000), f"o{n}"))
    yield published(registered("last", start, "last"))
    told: dict[str, Any] = {"customer_id": "last", "occurred_at": start}
    plan: dict[str, Any] = {"subscription_id": "s", "currency": "USD", "monthly_minor": 1_000}
    yield published(e.SubscriptionStarted(event_id="plan", **told, **plan))
    yield published(e.CustomerReferred(event_id="friend", **told, referred_customer_id="c0"))
    yield published(placed("last", start + 600 * DAY, 120_000, "last"))
