"""The last units of a reward on a real broker, with two workers, of which one dies in the middle of it (R-PTS-05, I-6)."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

from schemas.codec import decode, to_json
from schemas.ledger import RewardAnswered
from schemas.rewards import RewardStockMoved
from streams import crash
from streams.reading import read_all
from tests.streams.rush import rush

if TYPE_CHECKING:
    from tests.faults.system import System

CUSTOMERS, UNITS = 24, 5


def test_as_many_have_it_as_there_are_whoever_dies(system: System) -> None:
    system.start("a")
    (victim,) = system.start("b", LAUREL_CRASH_AT="before-commit:4", LAUREL_BATCH_SIZE=3)
    file = system.directory / "rush.jsonl"
    file.write_text("\n".join(json.dumps(to_json(each)) for each in rush(CUSTOMERS, UNITS)))
    assert system.laurel("publish", str(file)).returncode == 0
    assert victim.ended() == crash.EXIT_CODE
    victim.start()

    def answers() -> list[RewardAnswered]:
        said = (decode(record.value) for record in read_all(system.settings, "points"))
        return [each for each in said if isinstance(each, RewardAnswered)]

    system.wait(lambda: len(answers()) >= CUSTOMERS, "an answer to everybody")
    assert Counter(each.verdict for each in answers()) == {"reserved": UNITS, "offered": CUSTOMERS - UNITS}
    entries = [decode(record.value) for record in read_all(system.settings, "rewards")]
    moved = [each for each in entries if isinstance(each, RewardStockMoved)]
    assert [(each.change, each.free) for each in moved] == [
        ("added", UNITS),
        *(("held", n) for n in range(UNITS)[::-1]),
    ]
    assert system.verify() == []
