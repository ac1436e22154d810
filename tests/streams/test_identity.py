"""Ids that are linked over several partitions, as the engine moves them: whatever the batches, exactly one customer (T-24, D6)."""

from collections import Counter
from collections.abc import Iterator
from functools import cache
from random import Random
from typing import Any

import pytest

from processors.customer import CUSTOMERS, Customer
from schemas import decisions as d
from schemas import events as e
from schemas import messages as m
from schemas.codec import decode, kind_of
from schemas.partitions import partition_of
from schemas.topics import TOPICS
from state.encoding import decode_row
from streams.driver import Driver
from streams.records import HOPS, Outgoing
from streams.refolding import Refold
from tests.streams.engines import decoded, ran
from tests.streams.history import HOUR, ms, placed, published, registered

IDS = tuple(f"c{number}" for number in range(12))
START = ms("2024-01-01")


def merging(seed: int) -> Iterator[Outgoing]:
    """Orders of a dozen ids, half of which turn out to be one customer while they go on ordering; some of it comes twice."""
    chance, at = Random(seed), START
    for each in IDS:
        yield published(registered(each, at - 800 * 24 * HOUR, f"r-{each}"))
    for number in range(300):
        at += chance.randrange(2 * HOUR)
        event = placed(chance.choice(IDS), at, chance.randrange(1, 9_000), f"o{number}")
        yield published(event)
        if chance.random() < 0.1:
            yield published(event, at + HOUR)
        if number % 12 == 5 and number < 200:
            one, other = chance.sample(IDS[:6], 2)
            yield published(
                e.IdsLinked(event_id=f"l{number}", customer_id=one, occurred_at=at, other_customer_id=other)
            )
        if number % 40 == 30 and number < 200:
            one, other = chance.sample(IDS[:6], 2)
            yield published(
                e.IdsUnlinked(event_id=f"u{number}", customer_id=one, occurred_at=at, other_customer_id=other)
            )
    for number, each in enumerate(IDS[1:6]):
        yield published(
            e.IdsLinked(
                event_id=f"last{number}", customer_id=each, occurred_at=at + HOUR, other_customer_id=IDS[number]
            )
        )


@cache
def merged(seed: int, partitions: int, batch_size: int) -> Driver:
    """To look at, not to change."""
    return ran(merging(seed), partitions=partitions, batch_size=batch_size)


def row_of(driver: Driver, customer: str) -> Customer:
    partition = partition_of(customer, driver.logs.partitions)
    data = driver.customers.states[partition].store.get(CUSTOMERS.key(customer))
    return decode_row(CUSTOMERS, data) if data else Customer()


def recounted(seed: int) -> tuple[int, int]:
    """Orders and value of the ids that are one customer, from what was published."""
    orders = {
        event.order_id: event.lines[0].goods_minor
        for record in merging(seed)
        if isinstance(event := decode(record.value), e.OrderPlaced) and event.customer_id in IDS[:6]
    }
    return len(orders), sum(orders.values())


RUNS = pytest.mark.parametrize(
    ("seed", "partitions", "batch_size"), [(1, 4, 1_000), (1, 4, 7), (1, 1, 50), (2, 3, 1), (3, 8, 20), (4, 2, 100)]
)


@RUNS
def test_exactly_one_customer_is_left_and_nothing_is_lost_or_doubled_t_24(
    seed: int, partitions: int, batch_size: int
) -> None:
    driver = merged(seed, partitions, batch_size)
    row = row_of(driver, "c0")
    assert row.family == IDS[:6]
    assert (row.orders, row.value_minor) == recounted(seed)
    assert [row_of(driver, each).host for each in IDS] == [None] + ["c0"] * 5 + [None] * 6
    profiles: dict[str, d.CustomerProfile] = {each.customer_id: each for each in decoded(driver, "customer-profiles")}
    assert {each: profile.linked_to for each, profile in profiles.items() if profile.linked_to} == dict.fromkeys(
        IDS[1:6], "c0"
    )


@RUNS
def test_decisions_are_told_once_each_in_order_i_3_i_4(seed: int, partitions: int, batch_size: int) -> None:
    driver = merged(seed, partitions, batch_size)
    numbers: dict[str, list[int]] = {}
    ids = Counter[str]()
    for topic in (each.name for each in TOPICS if any(issubclass(kind, d.Decided) for kind in each.types)):
        for decision in decoded(driver, topic):
            numbers.setdefault(decision.customer_id, []).append(decision.sequence)
            ids[decision.decision_id] += 1
    assert all(sorted(each) == list(range(1, len(each) + 1)) for each in numbers.values())
    assert max(ids.values()) == 1
    assert {each.customer_id for each in decoded(driver, "tier-changes")} >= {"c0", "c7"}
    assert not list(driver.logs.all("dead-letters")), "nothing goes round in circles"


@RUNS
def test_an_id_alone_comes_to_the_same_as_among_all_d8(seed: int, partitions: int, batch_size: int) -> None:
    """What `laurel why` stands on: whatever concerns an id is in its own records, also what others told it."""
    driver = merged(seed, partitions, batch_size)
    for customer in IDS[:7]:
        partition = partition_of(customer, partitions)
        alone = Refold(partition, partitions, {})
        own = (customer.encode(), f"#{partition}".encode())
        alone.fold([r for r in driver.logs.since(("timeline", partition), 0) if r.key in own])
        key = CUSTOMERS.key(customer)
        assert alone.state.store.get(key) == driver.customers.states[partition].store.get(key)


def test_hops_are_counted_for_what_is_passed_on_and_begin_anew_for_what_is_new_d6() -> None:
    hops: dict[type, set[int]] = {}
    for record in merged(3, 8, 20).logs.all("messages"):
        kind: Any = kind_of(record.value)
        hops.setdefault(kind, set()).add(int(record.header(HOPS) or 0))
    assert hops[m.RowsMoved] == hops[m.MoveOffered] == {1}
    assert max(hops[m.EventPassed]) > 1
    assert max(max(each) for each in hops.values()) <= 8
