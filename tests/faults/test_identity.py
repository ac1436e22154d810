"""Ids are linked over all partitions while workers are killed and frozen: exactly one customer is left, and nothing twice (T-24)."""

from __future__ import annotations

import time
from random import Random
from typing import TYPE_CHECKING, Any

from schemas import events as e
from schemas.codec import encode
from schemas.topics import TOPIC_OF
from streams.reading import bounds
from tests.faults.events import Published
from tests.faults.system import PARTITIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.system import System

IDS = tuple(f"merged-{number:02d}" for number in range(16))


def said(event: Any) -> Published:
    return Published(TOPIC_OF[type(event)], event.customer_id.encode(), encode(event), event)


def shopping(chance: Random, about: int) -> Iterator[Published]:
    """What some ids do at a time; of some it turns out that they are one customer."""
    now = int(time.time() * 1000) - 1000
    for number in range(200):
        common = {
            "event_id": f"merge-{about}-{number}",
            "customer_id": chance.choice(IDS),
            "occurred_at": now + number,
        }
        match number % 8:
            case 0:
                other = chance.choice([each for each in IDS if each != common["customer_id"]])
                yield said(e.IdsLinked(**common, other_customer_id=other))
            case 1:
                yield said(e.ContactOpened(**common, case_id=f"k-{about}-{number}", channel="mail"))
            case _:
                lines = (e.OrderLine("l1", 1, chance.randrange(50_000)),)
                order = f"mo-{about}-{number}"
                yield said(e.OrderPlaced(**common, order_id=order, currency="USD", lines=lines))


def settle(system: System) -> None:
    """Wait until ids tell each other nothing more: what was published is folded by then, what they then told may not be."""
    places = [(system.settings.topic("messages"), partition) for partition in range(PARTITIONS)]
    before, ends = None, bounds(system.settings, places)
    while ends != before:
        time.sleep(5)
        before, ends = ends, bounds(system.settings, places)
    system.await_idle()


def test_ids_come_together_over_partitions_whatever_happens_to_workers(system: System, seed: int) -> None:
    chance = Random(seed)
    workers = system.start("a", "b")
    system.publisher.start()
    system.await_progress()
    for about in range(4):
        system.publisher.besides(list(shopping(chance, about)))
        victim = chance.choice(workers)
        time.sleep(chance.random())  # anywhere in a move
        if about % 2:
            victim.freeze()
            time.sleep(3.5)  # beyond its session and its transaction
            system.await_progress()
            victim.thaw()
        else:
            victim.kill()
            victim.start()
        system.await_progress()
    system.publisher.stop()
    system.await_idle()
    settle(system)
    system.finish()
