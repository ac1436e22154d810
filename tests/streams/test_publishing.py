"""Lines that people publish: what is right goes to its source, what is wrong is named (R: line, field, found, allowed)."""

import base64
import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import events as e
from schemas.codec import Rejected, decode, encode, kind_of, to_json
from schemas.commands import NoteAdded
from schemas.examples import example
from schemas.partitions import partition_of
from schemas.rewards import RewardStocked
from schemas.source import CustomerEvent, SourceEvent
from schemas.topics import BY_NAME, TOPIC_OF
from streams import publishing, simulating
from streams.publishing import BadLineError
from streams.records import Outgoing
from streams.settings import Settings
from tests.schemas.records import records
from tests.streams.commands import Answer
from tests.streams.history import NOON, ONE_OF_EACH, placed
from tests.streams.systems import System

PREPARE = simulating.prepare()


def parse_line(text: str, number: int) -> Outgoing:
    return publishing.parse_line(text, number, PREPARE)


def parse(lines: Iterable[str]) -> Iterator[Outgoing]:
    return publishing.parse(lines, PREPARE)


ORDER: dict[str, Any] = to_json(placed())
REGISTERED: dict[str, Any] = {"type": "CustomerRegistered", "event_id": "e", "customer_id": "ada", "occurred_at": NOON}


@pytest.mark.parametrize("event", ONE_OF_EACH, ids=lambda event: type(event).__name__)
def test_an_event_goes_to_its_topic_keyed_by_subject_at_its_own_time(event: SourceEvent) -> None:
    line = json.dumps(to_json(event))
    subject = event.subject
    elsewhere = "reward/tote-bag" if isinstance(event, RewardStocked) else "programme"
    assert subject == ("ada" if isinstance(event, CustomerEvent) else elsewhere)
    partition = partition_of(subject, simulating.PARTITIONS)
    assert parse_line(line, 1) == Outgoing(TOPIC_OF[type(event)], subject.encode(), encode(event), partition, NOON)


LINES = [
    ("{", ["no JSON"]),
    ("", ["no JSON"]),
    ("5", ["JSON object", "5"]),
    ("null", ["JSON object", "null"]),
    ('["OrderPlaced"]', ["JSON object"]),
    ('"raw"', ["JSON object"]),
    ("{}", ["type", "OrderPlaced"]),
    ('{"type": "OrderPlacd"}', ["OrderPlacd", "OrderPlaced"]),
    ('{"type": ["OrderPlaced"]}', ["type", "OrderPlaced"]),
    (REGISTERED | {"customer_id": ""}, ["customer_id", "length >= 1", "''"]),
    (REGISTERED | {"customer_id": "#3"}, ["customer_id", "#3"]),
    (REGISTERED | {"customer_id": 5}, ["customer_id", "`str`", "5"]),
    (REGISTERED | {"customer_id": "\ud800"}, ["customer_id", "UTF-8"]),
    (REGISTERED | {"occurred_at": "2024-01-01"}, ["occurred_at", "`int`", "2024-01-01"]),
    (REGISTERED | {"occurred_at": 0}, ["occurred_at", ">= 631152000000", "found 0"]),
    ({k: v for k, v in REGISTERED.items() if k != "occurred_at"}, ["occurred_at", "missing"]),
    (ORDER | {"currency": "EURO"}, ["currency", "EURO"]),
    (ORDER | {"lines": []}, ["lines", "length >= 1", "[]"]),
    (ORDER | {"lines": [ORDER["lines"][0] | {"goods_minor": -7}]}, ["lines[0].goods_minor", ">= 0", "-7"]),
    (ORDER | {"lines": [ORDER["lines"][0] | {"quantity": 1.5}]}, ["lines[0].quantity", "`int`", "1.5"]),
    (to_json(e.ClockTicked(NOON, 0)), ["ClockTicked", "laurel's own"]),
    (to_json(e.RulesChanged(2)), ["RulesChanged", "laurel's own"]),
    # unchecked values
    ({"type": "Nope", "unchecked": True}, ["Nope", "OrderPlaced"]),
    ({"unchecked": True}, ["type", "OrderPlaced"]),
    ({"type": "CustomerRegistered", "unchecked": True}, ["CustomerRegistered", "event_id"]),
    (REGISTERED | {"occurred_at": "soon", "unchecked": True}, ["CustomerRegistered", "integer", "occurred_at"]),
    (REGISTERED | {"occurred_at": 2**70, "timestamp": NOON, "unchecked": True}, ["CustomerRegistered"]),
    (REGISTERED | {"timestamp": "soon", "unchecked": True}, ["timestamp", "soon"]),
    (to_json(e.RulesChanged(2)) | {"unchecked": True}, ["RulesChanged", "laurel's own"]),
    # bytes as they are
    ({"raw": "AAAA"}, ["topic", "None"]),
    ({"topic": "timeline", "raw": "AAAA"}, ["topic", "timeline", "source"]),
    ({"topic": "tier-changes", "raw": "AAAA"}, ["topic", "tier-changes", "source"]),
    ({"topic": ["orders"], "raw": "AAAA"}, ["topic", "orders"]),
    ({"topic": "orders", "raw": "A"}, ["raw", "base64"]),
    ({"topic": "orders", "raw": 5}, ["raw", "base64", "5"]),
    ({"topic": "orders", "raw": None}, ["raw", "base64"]),
    ({"topic": "orders", "raw": "AAAA", "timestamp": "soon"}, ["timestamp", "soon"]),
]


@pytest.mark.parametrize(("line", "said"), LINES, ids=lambda each: str(each)[:60] if not isinstance(each, list) else "")
def test_a_line_that_is_wrong_is_refused_with_line_field_found_and_allowed(line: Any, said: list[str]) -> None:
    with pytest.raises(BadLineError) as refused:
        parse_line(line if isinstance(line, str) else json.dumps(line), 7)
    for each in ("line 7:", *said):
        assert each in str(refused.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
FIELDS = ["type", "topic", "raw", "key", "timestamp", "unchecked", *ORDER]


@given(
    st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=4),
    st.sampled_from([{}, ORDER, REGISTERED, {"topic": "orders"}]),
)
def test_a_line_is_a_record_for_a_source_or_refused_and_nothing_else(
    fields: dict[str, Any], base: dict[str, Any]
) -> None:
    try:
        record = parse_line(json.dumps(base | fields), 1)
    except BadLineError:
        return
    assert BY_NAME[record.topic].writer == "upstream"
    assert isinstance(record.value, bytes)
    assert record.timestamp is None or isinstance(record.timestamp, int)


@given(st.text() | JSON.map(json.dumps))
def test_any_text_is_a_line_or_refused(text: str) -> None:
    with suppress(BadLineError):
        parse_line(text, 1)


@given(records())
def test_every_contract_is_published_or_is_laurels_own(record: Any) -> None:
    line = json.dumps(to_json(record))
    if isinstance(record, SourceEvent):
        assert decode(parse_line(line, 1).value) == record
    else:
        with pytest.raises(BadLineError, match="laurel's own"):
            parse_line(line, 1)


def test_text_in_a_line_is_sealed_on_the_way_and_never_told_d11() -> None:
    told, line = "prefers to be called Countess", to_json(example(NoteAdded))
    del line["note_sealed"]
    record = parse_line(json.dumps(line | {"note": told}), 1)
    assert decode(record.value).note_sealed
    assert told.encode() not in (record.value or b"")
    with pytest.raises(BadLineError, match="line 7: NoteAdded: note: found list; text is needed") as refused:
        parse_line(json.dumps(line | {"note": [told]}), 7)
    assert told not in str(refused.value)


def test_unchecked_values_are_published_as_they_are_and_refused_by_intake() -> None:
    line = REGISTERED | {"occurred_at": 5, "timestamp": NOON, "unchecked": True}
    record = parse_line(json.dumps(line), 1)
    assert (record.topic, record.key, record.timestamp) == ("interactions", b"ada", NOON)
    assert kind_of(record.value) is e.CustomerRegistered
    refused = decode(record.value)
    assert isinstance(refused, Rejected)
    assert refused.reason == "implausible_date"


def test_bytes_are_published_as_they_are() -> None:
    raw = base64.b64encode(b"\xff\x00").decode()
    line = {"topic": "returns", "raw": raw, "key": "ada", "timestamp": NOON}
    assert parse_line(json.dumps(line), 1) == Outgoing("returns", b"ada", b"\xff\x00", None, NOON)
    assert parse_line(json.dumps({"topic": "returns", "raw": ""}), 1).value == b""


def test_lines_are_counted_as_an_editor_does_and_empty_ones_passed_over() -> None:
    good = json.dumps(REGISTERED)
    assert len(list(parse(["\n", good + "\n", "   \n", good]))) == 2
    parsed = parse([good, "", "", "oops"])
    next(parsed)
    with pytest.raises(BadLineError, match="line 4:"):
        next(parsed)


def publish(system: System, *last: str) -> Answer:
    """500 good lines, and then these, from a file."""
    path = system.folder / "events.jsonl"
    path.write_text(
        "".join(json.dumps(REGISTERED | {"event_id": f"e{n}"}) + "\n" for n in range(500)) + "\n".join(last)
    )
    return system.laurel("publish", str(path))


LARGE = base64.b64encode(bytes(2_600_000)).decode()


@pytest.mark.parametrize(
    ("last", "code", "said"),
    [("oops", 2, "line 501: found no JSON"), (json.dumps({"topic": "orders", "raw": LARGE}), 3, "too large")],
    ids=["bad", "too large"],
)
def test_the_lines_before_a_bad_one_are_published_and_counted(
    bootstrap: str, tmp_path: Path, last: str, code: int, said: str
) -> None:
    system = System(bootstrap, tmp_path)
    answer = publish(system, last)
    assert answer.code == code
    assert said in answer.err
    assert answer.err.endswith("; 500 of the 500 records before it are published\n")
    assert len(system.records("interactions")) == 500


def test_what_the_broker_did_not_take_is_not_called_published() -> None:
    nobody = Settings(bootstrap="127.0.0.1:1", kafka={"message.timeout.ms": "300", "linger.ms": "5"})
    records = parse([json.dumps(REGISTERED), json.dumps(REGISTERED), "oops"])
    with pytest.raises(BadLineError) as refused:
        publishing.publish(nobody, records, lambda _: None)
    assert refused.value.__notes__ == ["0 of the 2 records before it are published"]
