"""A warehouse that keeps a view of its own from the topic `fulfilment` alone: it is what a recount of the events says (I-3)."""

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from processors.undispatched import UNDISPATCHED
from schemas import commands as c
from schemas import events as e
from schemas.codec import decode
from schemas.decisions import OrderFlagged
from schemas.profiles import CustomerProfile
from schemas.source import SourceEvent
from state.encoding import decode_row
from streams.driver import Driver
from streams.records import Record
from tests.streams.engines import compacted, ran
from tests.streams.history import DAY, HOUR, ms, placed, published, registered

PARTITIONS, CUSTOMERS, EVENTS = 3, 9, 400
START = ms("2024-03-01")
Orders = dict[tuple[str, str], OrderFlagged]


def shop(seed: int) -> Iterator[SourceEvent]:
    """Ten days of orders that are shipped, cancelled or still there, of customers whose status goes up and down."""
    chance = Random(seed)
    for n in range(CUSTOMERS):
        yield registered(f"c{n}", ms("2018-01-01"), f"r{n}")
        started: dict[str, Any] = {"event_id": f"s{n}", "customer_id": f"c{n}", "occurred_at": START - DAY}
        yield e.SubscriptionStarted(**started, subscription_id="box", currency="USD", monthly_minor=990)
    for n in range(EVENTS):
        who, at = f"c{chance.randrange(CUSTOMERS)}", START + n * 10 * DAY // EVENTS
        about: dict[str, Any] = {"event_id": f"e{n}", "customer_id": who, "occurred_at": at}
        person = about | {"author_id": "p-1", "role": "manager", "reason": "referrer"}
        order = f"{who}-{chance.randrange(12)}"
        match chance.randrange(10):
            case 0 | 1 | 2 | 3:
                yield placed(who, at, chance.choice((900, 40_000, 150_000)), order)
            case 4 | 5:
                lines = (e.Units("l1", 1),)
                yield e.OrderShipped(**about, order_id=order, shipment_id=f"p{n}", lines=lines)
            case 6:
                yield e.OrderCancelled(**about, order_id=order)
            case 7:
                tier = chance.choice(("gold", "platinum", "diamond"))
                yield c.DesignationAdded(**person, designation_id=f"d{n}", tier=tier, starts_at=at, ends_at=at + DAY)
            case 8:
                yield c.LabelIconChanged(**person, printed=chance.random() < 0.5)
            case _:
                kind: Any = chance.choice((e.SubscriptionPaused, e.SubscriptionResumed))
                yield kind(**about, subscription_id="box")


def read(view: Orders, records: list[Record], done: set[str]) -> None:
    """What a consumer does: each decision once, and it takes the place of the one that it names."""
    for record in records:
        flag = decode(record.value)
        assert isinstance(flag, OrderFlagged)
        if flag.decision_id in done:
            continue
        done.add(flag.decision_id)
        before = view.get((flag.customer_id, flag.order_id))
        assert flag.supersedes == (before.decision_id if before else None)
        view[flag.customer_id, flag.order_id] = flag


def waiting(events: list[SourceEvent]) -> set[tuple[str, str]]:
    """By the events alone: orders that were placed, and of which nothing left and nothing was cancelled."""
    there, gone = set[tuple[str, str]](), set[tuple[str, str]]()
    for event in events:
        if isinstance(event, e.OrderPlaced):
            there.add((event.customer_id, event.order_id))
        elif isinstance(event, e.OrderShipped | e.OrderCancelled):
            gone.add((event.customer_id, event.order_id))
    return there - gone


def kept(driver: Driver) -> dict[tuple[str, str], str | None]:
    """The orders that wait, with their flags, as laurel's own rows have them."""
    return {
        (UNDISPATCHED.parts(key)[0], order.order_id): order.flagged_id
        for state in driver.customers.states.values()
        for key, row in state.store.scan(*UNDISPATCHED.bounds(None, None))
        for order in decode_row(UNDISPATCHED, row).orders
    }


@pytest.mark.parametrize("seed", range(3))
def test_the_view_is_the_recount_also_after_being_killed_r_ful_05(seed: int) -> None:
    events = list(shop(seed))
    last = max(event.occurred_at for event in events)
    # Time goes on, so that designations end; nothing is old enough to count as dispatched.
    late = registered("late", last + 2 * DAY + HOUR, "late")
    driver = ran([published(event) for event in (*events, late)], partitions=PARTITIONS)
    view, done, chance = Orders(), set[str](), Random(seed)
    for partition in range(PARTITIONS):
        records, at = driver.logs.since(("fulfilment", partition), 0), 0
        assert len(records) > 30
        while at < len(records):  # killed after it acted, and before Kafka heard of its position
            step = chance.randrange(1, 20)
            read(view, records[max(0, at - chance.randrange(10)) : at + step], done)
            at += step
    wait = waiting(events)
    assert len(wait) > 15
    assert wait <= view.keys()
    assert kept(driver) == {order: view[order].decision_id for order in wait}
    profiles: dict[str, Any] = {
        profile.customer_id: profile
        for table in compacted(driver.logs.all("customer-profiles"))
        for profile in map(decode, table.values())
        if isinstance(profile, CustomerProfile)
    }
    for customer, order in wait:
        flag, profile = view[customer, order], profiles[customer]
        assert (flag.tier, flag.label_icon) == (profile.tier, profile.label_icon)
        assert flag.handling_note == profile.handling_note
    assert any(each.supersedes for each in view.values())
