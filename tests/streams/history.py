"""Records for tests of the stages: single ones, and seeded histories in which many timers fall due at once."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from random import Random
from typing import Any

import yaml
from msgspec.structs import replace

from schemas import commands as c
from schemas import events as e
from schemas.codec import TYPES, encode
from schemas.directives import Directive, PolicyPublished, PolicyWithdrawn
from schemas.examples import example
from schemas.source import CustomerEvent, SourceEvent
from schemas.topics import TOPIC_OF
from streams import policies
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


ONE_OF_EACH: tuple[SourceEvent, ...] = tuple(
    replace(example(kind), **({"customer_id": "ada"} if issubclass(kind, CustomerEvent) else {}), occurred_at=NOON)
    for kind in TYPES
    if issubclass(kind, SourceEvent)
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


def published(event: SourceEvent, at: int | None = None) -> Outgoing:
    """An event as an upstream system publishes it."""
    return Outgoing(TOPIC_OF[type(event)], event.subject.encode(), encode(event), None, at or event.occurred_at)


def command(kind: type[Directive], at: int, version: str, **given: Any) -> Outgoing:
    """What an administrator decides for everybody."""
    about = {"author_id": "p-1", "role": "administrator", "reason": "programme_choice"}
    event_id = f"{kind.__name__}-{version}"
    return published(kind(event_id=event_id, occurred_at=at, version=version, **about, **given))


def policy(version: str, factor: float = 1.0, **changes: Any) -> str:
    """The shipped policy under another name, as a document, whose tiers ask for so many times as much of value and tenure."""
    content = yaml.safe_load(policies.default_file().read_text()) | {"version": version} | changes
    for tier in content["tiers"]:
        tier |= {name: int(tier[name] * factor) for name in ("lifetime_value_minor", "tenure_months")}
    return json.dumps(content)


def policy_changes(start: int) -> Iterator[Outgoing]:
    """A version that comes at its instant, one that is withdrawn before, one at once, and one that is refused."""
    yield command(PolicyPublished, start, "half", effective_at=start + 2 * DAY, document=policy("half", 0.4))
    yield command(PolicyPublished, start + HOUR, "never", effective_at=start + 5 * DAY, document=policy("never", 0.1))
    yield command(PolicyPublished, start + 2 * HOUR, "clash", effective_at=start + 2 * DAY, document=policy("clash"))
    yield command(PolicyWithdrawn, start + 3 * DAY, "never")
    yield command(PolicyPublished, start + 20 * DAY, "dearer", document=policy("dearer", 0.9, grace_days=3))


def history(seed: int, customers: int = 150, days: int = 120, events: int = 600) -> Iterator[Outgoing]:
    """Most become VIPs within days of one another and fall silent together, so that many timers fall due at one tick."""
    chance = Random(seed)
    start = ms("2022-06-01")
    for n in range(customers):
        yield published(registered(f"c{n}", start + n * HOUR // 10, f"r{n}"))
        yield published(placed(f"c{n}", start + 365 * DAY + n * HOUR // 10, 120_000 + n, f"first-{n}"))
        if n % 10 == 0:
            at = start + 366 * DAY + n * HOUR // 10
            about: dict[str, Any] = {"event_id": f"s{n}", "customer_id": f"c{n}", "occurred_at": at}
            plan: dict[str, Any] = about | {"subscription_id": f"plan-{n}"}
            yield published(e.SubscriptionStarted(**plan, currency="USD", monthly_minor=990))
            person: dict[str, Any] = {"author_id": "p-1", "role": "manager"}
            made = about | person | {"event_id": f"d{n}", "reason": "referrer", "designation_id": f"d{n}"}
            yield published(c.DesignationAdded(**made, tier="platinum", starts_at=at))
            over = made | {"event_id": f"u{n}", "reason": "cancelled", "occurred_at": at + HOUR}
            yield published(c.DesignationRemoved(**over, seen_version=1, confirmed_at=at))
    ats = sorted(start + (365 + chance.randrange(days)) * DAY + chance.randrange(DAY) for _ in range(events))
    for n, at in enumerate(ats):
        who = f"c{chance.randrange(customers // 3)}"
        about = {"event_id": f"h{n}", "customer_id": who, "occurred_at": at}
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
    about = {"event_id": "plan", "customer_id": "last", "occurred_at": start + 600 * DAY}
    yield published(e.SubscriptionStarted(**about, subscription_id="s1", currency="USD", monthly_minor=1_000))
    yield from links(start + 601 * DAY)


def links(start: int) -> Iterator[Outgoing]:
    """Some turn out to be one customer, over several partitions, and one of them not; what they share counts once."""

    def about(event: str, customer: str, hours: int) -> dict[str, Any]:
        return {"event_id": f"link-{event}", "customer_id": customer, "occurred_at": start + hours * HOUR}

    pairs = (("c2", "c1"), ("c3", "c4"), ("c5", "last"), ("c3", "c2"), ("last", "c4"))
    for number, (one, other) in enumerate(pairs):
        yield published(e.IdsLinked(**about(f"l{number}", one, number), other_customer_id=other))
        yield published(placed(other, start + number * HOUR, 1_000 + number, f"shared-{number}"))
        yield published(placed(one, start + number * HOUR + 1, 1_000 + number, f"shared-{number}"))
    yield published(e.OrderCancelled(**about("c", "c4", 6), order_id="shared-0"))
    yield published(
        e.ReturnRequested(**about("b", "c3", 7), return_id="b", order_id="shared-2", lines=(e.ReturnLine("l1", 1),))
    )
    yield published(e.IdsUnlinked(**about("u", "c2", 8), other_customer_id="c3"))
    yield published(e.ContactOpened(**about("k", "c4", 9), case_id="k-linked", channel="mail"))
    yield published(e.IdsUnlinked(**about("v", "c2", 10), other_customer_id="c9"))
