"""The guard: an event of the whole job must not come to cost much more, by a ratio of two CPU times and never by a time.

The yardstick is work of the same kind that no change of laurel makes cheaper or dearer: Avro read, text made and parsed by
Python itself, bytes packed. It takes turns with the engine in one process, some events at a time, several times over.
So it matters little how fast a machine is, and how busy.
"""

import gc
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

import msgspec
import pytest
import yaml

from processors.step import step
from schemas.source import SourceEvent
from streams import folding
from tests.bench import orders, shop
from tests.streams.engines import engine

EVENTS, AT_ONCE, PASSES, CUSTOMERS = 1_500, 50, 3, 200
BEGIN, EVERY = 1_700_000_000_000, 300_000
YARDSTICKS = 10
"""Orders of a turn."""
USUAL, MARGIN = 0.73, 1.25
"""What was found, and what may come on top of it. It was 0.72 to 0.76 on a machine to itself, which is how `deploy/test.sh` asks,
and 0.75 to 0.81 with eight others on two cores; with rules twice as slow, which is half as much again for an event, 1.10."""


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
    """PyYAML is written in Python, and of a size that no cache of a processor holds: so is laurel."""
    for value in values:
        msgspec.msgpack.encode(yaml.safe_load(yaml.safe_dump(orders.decode(value))))


def cost() -> float:
    """How many times the yardstick's CPU an event costs. What disturbs a measurement makes it dearer, so the least counts,

    of both alike: the least of many and the least of few would differ by what disturbs.
    """
    story = list(islice(shop.happenings(CUSTOMERS, BEGIN, EVERY), EVENTS))
    values = [orders.encode(each) for each in orders.orders(YARDSTICKS)]
    parts, ideals = [math.inf] * (EVENTS // AT_ONCE), [math.inf] * (EVENTS // AT_ONCE)
    for _ in range(PASSES):
        driver = engine(partitions=4)
        with uncollected():
            for place in range(len(parts)):
                driver.publish(story[place * AT_ONCE : (place + 1) * AT_ONCE])
                parts[place] = min(parts[place], cpu(driver.run))
                ideals[place] = min(ideals[place], cpu(lambda: yardstick(values)))
    return (sum(parts) / EVENTS) / (sum(ideals) / len(ideals) / YARDSTICKS)


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
