"""The publishing library: an event leaves it checked, sealed, encoded and addressed, or it is said why not (D11)."""

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import events as e
from schemas.codec import Rejected, decode, to_json
from schemas.examples import example
from schemas.partitions import partition_of
from schemas.publishing import LONGEST_BYTES, SEALED_FIELDS, Publication, Publisher, prepare, read_text
from schemas.sealing import Key, key_id
from schemas.source import CustomerEvent, SourceEvent
from schemas.topics import TOPIC_OF

KINDS = sorted((kind for kind, fields in SEALED_FIELDS.items() if fields), key=lambda kind: kind.__name__)
SAID = "Wants no calls about the divorce, прошу"


class Keys:
    """A key store in memory; `made` says for whom."""

    def __init__(self) -> None:
        self.made: dict[str, Key] = {}

    def key_of(self, person: str) -> Key:
        return self.made.setdefault(person, Key(person, len(self.made).to_bytes(16), b"s" * 32))


def prepared(fields: dict[str, Any], keys: Keys | None = None) -> Publication | Rejected:
    return prepare(
        fields,
        {"operations": 7, "interactions": 5, "returns": 3, "orders": 2}.__getitem__,
        keys or Keys(),
        lambda: b"n" * 12,
    )


def plain(kind: type[SourceEvent], text: object = SAID, **more: object) -> dict[str, Any]:
    """An example as a line has it, its text under the field's plain name."""
    (name,) = SEALED_FIELDS[kind]
    fields = to_json(example(kind))
    del fields[name]
    return fields | {name.removesuffix("_sealed"): text} | more


def test_every_sealed_field_of_every_event_is_known_and_no_other() -> None:
    by_name = {
        kind: tuple(name for name in kind.__struct_fields__ if name.endswith("_sealed"))
        for kind in get_args(e.Event)
        if issubclass(kind, SourceEvent)
    }
    assert by_name == SEALED_FIELDS
    assert len(KINDS) > 10


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_text_leaves_sealed_and_opens_for_its_person_only(kind: type[SourceEvent]) -> None:
    keys, (name,) = Keys(), SEALED_FIELDS[kind]
    record = prepared(plain(kind), keys)
    assert isinstance(record, Publication)
    assert SAID.encode() not in record.value
    event = decode(record.value)
    key = keys.made[event.subject]
    assert key_id(getattr(event, name)) == key.id
    assert read_text(event, name, key) == SAID
    assert read_text(event, name, key._replace(owner="c-1")) is None
    if not isinstance(event, CustomerEvent):
        assert list(keys.made) == ["programme"]
        return
    other = to_json(event) | {"customer_id": "c-1"}
    moved = prepared(other)
    assert isinstance(moved, Publication)
    assert read_text(decode(moved.value), name, key) is None
    assert read_text(decode(moved.value), name, key._replace(owner="c-1")) is None


def test_a_record_goes_to_its_topic_and_the_partition_of_its_customer_at_its_own_time() -> None:
    for kind in (e.OrderPlaced, e.SurveyAnswered, e.ReturnDisputed):
        event = example(kind)
        record = prepared(to_json(event))
        assert isinstance(record, Publication)
        count = {"orders": 2, "interactions": 5, "returns": 3}[TOPIC_OF[kind]]
        assert record == (TOPIC_OF[kind], partition_of("c-4711", count), b"c-4711", record.value, event.occurred_at)
        assert decode(record.value) == event, "what is sealed already stays as it is"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (plain(e.ReturnDisputed, 5), "note: found int; text is needed"),
        (plain(e.ReturnDisputed, None), "note: found NoneType"),
        (plain(e.ReturnDisputed, note_sealed="AXNlYWxlZA=="), "note: found beside note_sealed"),
        (plain(e.ReturnDisputed, "ü" * (LONGEST_BYTES // 2 + 1)), f"; {LONGEST_BYTES} are allowed"),
        (plain(e.ReturnDisputed, "half \ud800"), "surrogate"),
        (plain(e.ReturnDisputed, customer_id="#3"), "customer_id"),
        (
            plain(e.ReturnDisputed, customer_id="agent/mia"),
            "customer_id: found 'agent/mia', the name of another subject",
        ),
        (plain(e.ReturnDisputed, reason=""), "reason"),
        ({"type": "Nonsense", "note": SAID}, "known are"),
        (to_json(e.RulesChanged(2)), "laurel's own"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_what_is_refused_is_not_sent_makes_no_key_and_its_text_is_not_told(fields: dict[str, Any], said: str) -> None:
    keys, sent = Keys(), list[Publication]()
    refused = Publisher(sent.append, lambda _: 4, keys, lambda: b"n" * 12).publish(fields)
    assert refused is not None
    assert said in refused.detail
    assert SAID not in refused.detail
    assert (sent, keys.made) == ([], {})


def test_the_longest_text_fits_and_no_text_needs_no_key() -> None:
    keys, sent = Keys(), list[Publication]()
    publisher = Publisher(sent.append, lambda _: 4, keys, lambda: b"n" * 12)
    assert publisher.publish(plain(e.ReturnDisputed, "")) is None
    assert (decode(sent[0].value).note_sealed, keys.made) == (b"", {})
    assert publisher.publish(plain(e.ReturnDisputed, "x" * LONGEST_BYTES)) is None
    assert read_text(decode(sent[1].value), "note_sealed", keys.made["c-4711"]) == "x" * LONGEST_BYTES


@given(st.text())
def test_any_text_comes_back_or_is_refused(text: str) -> None:
    keys = Keys()
    record = prepared(plain(e.SurveyAnswered, text), keys)
    if isinstance(record, Rejected):
        assert not text.isprintable()
    elif text:
        assert read_text(decode(record.value), "answer_sealed", keys.made["c-4711"]) == text
