"""Those who judge the others: what a source holds beyond the journal is told apart, and is not let pass."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from schemas import events as e
from schemas.codec import encode
from schemas.decisions import AtRiskRaised, TierChanged
from schemas.examples import example
from schemas.topics import TOPIC_OF
from tests.faults.events import Published
from tests.faults.oracle import DECISIONS
from tests.faults.publisher import Publisher
from tests.faults.system import System

if TYPE_CHECKING:
    from collections.abc import Iterable


def test_a_record_kept_twice_is_owed_once_more_and_one_that_nobody_published_is_found(system: System) -> None:
    system.start("a")
    known = system.publisher
    known.publish([known.history.next() for _ in range(50)])
    once = next(record for record in known.journal.values() if record.reason is None)
    stranger = e.CustomerRegistered(event_id="nobody", customer_id="nobody", occurred_at=1_700_000_000_000)
    other = Publisher(system.bootstrap, system.namespace, known.history)

    other.publish([once])
    system.wait(lambda: not system.oracle.read() and system.oracle.unknown(known.journal), "the second copy")
    before = len(known.journal)
    system.finish()
    assert (system.kept_twice, len(known.journal)) == (1, before + 1)

    other.publish([Published("interactions", b"nobody", encode(stranger), stranger)])
    system.wait(lambda: not system.oracle.read() and system.oracle.unknown(known.journal), "the stranger")
    (place,) = system.oracle.unknown(known.journal)
    assert f"nobody published {'/'.join(map(str, place))}" in system.violations()
    assert (system.kept_twice, len(known.journal)) == (1, before + 1)


def test_where_acknowledged_records_stand_is_found_though_the_broker_did_not_say_it(system: System) -> None:
    """As it does not of a repetition of what it had taken already."""
    known = system.publisher
    known.publish([known.history.next() for _ in range(40)])
    told = dict(known.journal)
    for topic, partition, offset in list(told)[::3]:
        known._unplaced.append((topic, partition, known.journal.pop((topic, partition, offset))))
    known.publish([])
    assert known.journal == told
    known._unplaced.append(("orders", 0, Published("orders", b"nowhere", b"", None, "undecodable")))
    with pytest.raises(AssertionError, match="acknowledged, but not in orders/0"):
        known.publish([])


def test_a_number_that_is_missing_is_found_and_one_that_came_while_others_were_read_is_not(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = count()
    first, later = sorted((TierChanged, AtRiskRaised), key=lambda kind: DECISIONS.index(TOPIC_OF[kind]))

    def decide(kind: type, sequence: int) -> None:
        decision = replace(example(kind), customer_id="ada", sequence=sequence, decision_id=f"d{next(ids)}")
        system.write(TOPIC_OF[kind], b"ada", encode(decision))

    def judged() -> list[str]:
        return [each for each in system.oracle.violations({}) if each.startswith("ada")]

    decide(first, 1)
    decide(later, 3)
    assert judged() == ["ada lacks the sequence numbers [2], and has [] too often"]

    decide(first, 2)
    everything, seen = system.oracle._all, set[str]()

    def late(topic: str) -> Iterable[object]:
        """What a topic had before the second decision was made, when it is read first."""
        messages = list(everything(topic))
        fresh = topic == TOPIC_OF[first] and topic not in seen
        seen.add(topic)
        return messages[:-1] if fresh else messages

    monkeypatch.setattr(system.oracle, "_all", late)
    assert judged() == []
    assert TOPIC_OF[first] in seen

    decide(later, 3)
    decide(later, 0)
    assert judged() == ["ada lacks the sequence numbers [], and has [0, 3] too often"]
