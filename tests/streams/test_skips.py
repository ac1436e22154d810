"""Units that every fold leaves out (D12): what the topic says, and what is written to it."""

import json
from pathlib import Path

import pytest
from confluent_kafka import KafkaException
from hypothesis import given
from hypothesis import strategies as st

from state.encoding import encode_row
from state.partition import POSITION, Position
from streams import skips
from streams.records import Outgoing, Record
from streams.settings import Settings
from tests.streams.commands import Answer
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


def skip(system: System, offset: int, unit: str = "record", *more: str) -> Answer:
    return system.laurel("skip", "1", str(offset), "--unit", unit, "--reason", "ticket 4712", *more)


def test_only_the_place_where_a_partition_stopped_is_skipped_d12(bootstrap: str, tmp_path: Path) -> None:
    """A skip ahead of the fold would leave out, whenever it is folded again, what the worker has folded meanwhile."""
    system = System(bootstrap, tmp_path)  # record 0 is the policy, and 1 the mark of its transaction
    system.write([Outgoing("timeline", b"ada", b"x", 1) for _ in range(3)])
    system.commit("customers", ("timeline", 1), 1)
    assert "timeline/1 is at 1, past 0" in skip(system, 0).err
    for offset in (1, 3, 999):
        refused = skip(system, offset)
        assert refused.code == 2
        assert f"timeline/1 is at 1 and its next record is 2: nothing stopped at {offset}" in refused.err
    assert system.records("skips") == []

    dry = skip(system, 2, "record", "--dry-run", "--json")
    assert json.loads(dry.out) == {"partition": 1, "offset": 2, "unit": "record", "skipped": False}
    assert system.records("skips") == []

    answer = skip(system, 2)
    assert answer.code == 0
    assert "timeline/1 leaves out record at 2" in answer.out
    assert skip(system, 2, "timer/grace/a/b c/9/tier/7").code == 0
    assert skips.load(system.settings) == {1: {2: {"record", "timer/grace/a/b c/9/tier/7"}}}
    assert system.records("skips")[0].value == b"ticket 4712"

    system.commit("customers", ("timeline", 1), 5)
    refused = skip(system, 5)
    assert refused.code == 2
    assert "timeline/1 is at 5 and has no record after it: nothing stopped at 5" in refused.err


def test_where_positions_expired_the_tables_tell_how_far_the_fold_is(bootstrap: str, tmp_path: Path) -> None:
    system = System(bootstrap, tmp_path)
    system.write([Outgoing("timeline", b"ada", b"x", 1) for _ in range(3)])
    row = encode_row(POSITION, Position(3))
    system.write([Outgoing("customer-state", POSITION.key(), row, 1)])
    assert "timeline/1 is at 3 and its next record is 3: nothing stopped at 4" in skip(system, 4).err
    assert skip(system, 3).code == 0


@pytest.mark.parametrize("key", [None, b"", b"0/5", b"one/5/record", b"0/x/record", b"\xff/5/record"], ids=repr)
def test_a_record_that_is_no_skip_says_nothing_and_is_told(
    key: bytes | None, capfd: pytest.CaptureFixture[str]
) -> None:
    wrong = Record("skips", 0, 7, 0, key, b"why")
    assert skips.parse([said("0/5/record", b"why"), wrong]) == {0: {5: {"record"}}}
    (line,) = capfd.readouterr().err.splitlines()
    assert json.loads(line) | {"event": "skip_not_understood", "offset": 7, "key": repr(key)} == json.loads(line)


def test_a_skip_that_nobody_took_is_not_called_one() -> None:
    nobody = Settings(bootstrap="127.0.0.1:1", kafka={"message.timeout.ms": "300"})
    with pytest.raises(KafkaException, match="timed out"):
        skips.publish(nobody, 0, 5, "record", "ticket 4711")
