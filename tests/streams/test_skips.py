"""Units that every fold leaves out (D12): what the topic says, and what is written to it."""

from pathlib import Path

import pytest
from confluent_kafka import KafkaException
from hypothesis import given
from hypothesis import strategies as st

from streams import skips
from streams.records import Record
from streams.settings import Settings
from tests.streams.systems import System

UNIT = st.sampled_from(["record", "timer/at_risk/ada/silence/5", "timer/grace/a/b c/9/tier/7"])
PLACE = st.tuples(st.integers(0, 2), st.integers(0, 3))


def said(key: str, value: bytes | None) -> Record:
    return Record("skips", 0, 0, 0, key.encode(), value)


@given(st.lists(st.tuples(PLACE, UNIT, st.booleans()), max_size=12))
def test_the_last_word_on_a_unit_holds(words: list[tuple[tuple[int, int], str, bool]]) -> None:
    records = [said(f"{p}/{offset}/{unit}", b"why" if out else None) for (p, offset), unit, out in words]
    last = {(place, unit): out for place, unit, out in words}
    expected: dict[int, dict[int, set[str]]] = {}
    for ((partition, offset), unit), out in last.items():
        if out:
            expected.setdefault(partition, {}).setdefault(offset, set()).add(unit)
    assert skips.parse(records) == expected


def test_an_empty_reason_is_a_skip_and_only_no_value_takes_it_back_t_23() -> None:
    assert skips.parse([said("0/5/record", b"")]) == {0: {5: {"record"}}}
    assert skips.parse([said("0/5/record", b""), said("0/5/record", None)]) == {}


def test_what_is_published_is_what_every_fold_loads(bootstrap: str, tmp_path: Path) -> None:
    system = System(bootstrap, tmp_path)
    assert skips.load(system.settings) == {}
    skips.publish(system.settings, 1, 5, "timer/at_risk/ada/silence/5", "ticket 4711")
    skips.publish(system.settings, 1, 5, "record", "ticket 4711")
    skips.publish(system.settings, 0, 7, "record", "")
    assert skips.load(system.settings) == {
        1: {5: {"timer/at_risk/ada/silence/5", "record"}},
        0: {7: {"record"}},
    }
    answer = system.laurel("skip", "1", "999", "--unit", "record", "--reason", "ticket 4712")
    assert answer.code == 0
    assert "timeline/1 leaves out record at 999" in answer.out
    assert skips.load(system.settings)[1][999] == {"record"}
    assert system.records("skips")[-1].value == b"ticket 4712"


def test_a_skip_that_nobody_took_is_not_called_one() -> None:
    nobody = Settings(bootstrap="127.0.0.1:1", kafka={"message.timeout.ms": "300"})
    with pytest.raises(KafkaException, match="timed out"):
        skips.publish(nobody, 0, 5, "record", "ticket 4711")
