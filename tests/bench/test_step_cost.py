"""The guard: an event of the whole job must not come to cost much more, by a ratio of two CPU times and never by a time.

The yardstick is work of the same kind that no change of laurel makes cheaper or dearer: Avro read, values copied and written
by Python itself, bytes packed. It takes turns with the engine in one process, some events at a time, and the median counts.
So it matters little how fast a machine is, and how busy.
"""

import gc
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from itertools import islice
from statistics import median
from typing import Any

import msgspec
import pytest

from processors.step import step
from schemas.source import SourceEvent
from streams import folding
from tests.bench import orders, shop
from tests.streams.engines import engine

EVENTS, AT_ONCE, CUSTOMERS = 4_000, 250, 500
BEGIN, EVERY = 1_700_000_000_000, 300_000
YARDSTICKS = 3
"""So many go to an event: enough for their own noise to be small."""
USUAL, MARGIN = 5.8, 1.25
"""What was found, and what may come on top of it: more than other work on the machine made of it (`deploy/bench.md`)."""


@contextmanager
def uncollected() -> Iterator[None]:
    """What else this process holds is no event's doing."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def cpu(work: Callable[[], Any]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def yardstick(values: list[bytes]) -> None:
    for value in values:
        for _ in range(YARDSTICKS):
            order = deepcopy(orders.decode(value))
            msgspec.msgpack.encode(json.dumps(order, indent=1, default=str))


def cost() -> float:
    """How many times the yardstick's CPU an event costs."""
    driver, story = engine(partitions=4), shop.happenings(CUSTOMERS, BEGIN, EVERY)
    values, found = [orders.encode(each) for each in orders.orders(AT_ONCE)], []
    with uncollected():
        for _ in range(EVENTS // AT_ONCE):
            driver.publish(islice(story, AT_ONCE))
            before, folded, after = cpu(lambda: yardstick(values)), cpu(driver.run), cpu(lambda: yardstick(values))
            found.append(2 * folded / (before + after))
    return median(found)


def test_an_event_costs_no_more_than_it_did() -> None:
    assert cost() <= USUAL * MARGIN, "see what became dearer: uv run python tests/bench/step_cost.py --beside CHECKOUT"


def test_it_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rules that take twice as long make an event cost half as much again."""

    def twice(rows: Any, entry: Any, *more: Any) -> Any:
        if isinstance(entry.event, SourceEvent):
            step(rows, entry, *more)
            rows.undo()
        return step(rows, entry, *more)

    monkeypatch.setattr(folding, "step", twice)
    assert cost() > USUAL * MARGIN
