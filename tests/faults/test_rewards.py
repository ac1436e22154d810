"""The last units of a reward on a real broker, with two workers, of which one dies in the middle of it (R-PTS-05, I-6)."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, TypeVar

from schemas.codec import decode, to_json
from schemas.ledger import PointsMoved, RewardAnswered
from schemas.rewards import RewardStockMoved
from streams import crash
from streams.clock import now_ms
from streams.reading import read_all
from tests.streams.rush import before, wishes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from schemas.source import SourceEvent
    from tests.faults.system import System

T = TypeVar("T")
CUSTOMERS, UNITS = 24, 5


def test_as_many_have_it_as_there_are_whoever_dies(system: System) -> None:
    def published(topic: str, kind: type[T]) -> list[T]:
        said = (decode(record.value) for record in read_all(system.settings, topic))
        return [each for each in said if isinstance(each, kind)]

    def publish(events: Iterable[SourceEvent]) -> None:
        file = system.directory / "rush.jsonl"
        file.write_text("\n".join(json.dumps(to_json(each)) for each in events))
        assert system.laurel("publish", str(file)).returncode == 0

    system.start("a")
    publish(before(CUSTOMERS, UNITS, now_ms()))
    system.wait(lambda: len(published("points", PointsMoved)) >= CUSTOMERS, "points for everybody")
    system.wait(lambda: bool(published("rewards", RewardStockMoved)), "units")
    victim = system.worker("b").start(LAUREL_CRASH_AT="before-commit:4", LAUREL_BATCH_SIZE=3)
    # Not until it runs: with a tick a second it may be at its fourth commit before anybody looks.
    system.wait(
        lambda: not victim.running or any(victim.ready().get("partitions", {}).values()), "b to have partitions"
    )
    publish(wishes(CUSTOMERS, now_ms()))
    assert victim.ended() == crash.EXIT_CODE
    victim.start()
    system.wait(lambda: len(published("points", RewardAnswered)) >= CUSTOMERS, "an answer to everybody")
    answers = Counter(each.verdict for each in published("points", RewardAnswered))
    assert answers == {"reserved": UNITS, "offered": CUSTOMERS - UNITS}
    moved = [(each.change, each.free) for each in published("rewards", RewardStockMoved)]
    assert moved == [("added", UNITS), *(("held", left) for left in reversed(range(UNITS)))]
    assert system.verify() == []
