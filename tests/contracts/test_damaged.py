"""A damaged record is a valid event or a dead letter that says why: never a crash, never a silent default."""

import json
from typing import Any

import pytest
from msgspec import NODEFAULT, inspect

from schemas import codec
from schemas.codec import Rejected, decode, encode, from_json, to_json
from schemas.examples import example
from schemas.source import SourceEvent
from schemas.topics import TOPIC_OF
from tests.faults.judging import reason_of

KINDS = [kind for kind in codec.TYPES if issubclass(kind, SourceEvent)]
KIND = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
OF_ANOTHER_TYPE: tuple[Any, ...] = (None, True, 7, -1, 2**70, 1.5, "", "x", "\x00", [], [7], {}, {"x": 1})


@KIND
def test_a_byte_that_is_another_is_judged_as_avro_and_the_contract_say(kind: type) -> None:
    """By a reader of its own: the same verdict, for the same reason, for each byte and each of its bits."""
    good = encode(example(kind))
    changes = [1 << bit for bit in range(8)] + [0xFF, 0x81]
    for at in range(len(good)):
        for change in changes:
            value = good[:at] + bytes([good[at] ^ change]) + good[at + 1 :]
            told = decode(value)
            wanted = reason_of(TOPIC_OF[kind], b"k", value, 1 << 62)
            assert (told.reason if isinstance(told, Rejected) else None) == wanted, (at, value)


@KIND
def test_a_field_that_is_dropped_is_refused_or_has_the_default_that_its_contract_states(kind: type) -> None:
    whole = to_json(example(kind))
    described = inspect.type_info(kind)
    assert isinstance(described, inspect.StructType)
    for field in described.fields:
        told = from_json({name: value for name, value in whole.items() if name != field.name})
        if field.default is NODEFAULT:
            assert isinstance(told, Rejected), field.name
            assert field.name in told.detail
        else:
            assert getattr(told, field.name) == field.default


@KIND
def test_a_field_of_another_type_is_refused_and_named_or_is_what_was_said(kind: type) -> None:
    whole = to_json(example(kind))
    for name in whole.keys() - {"type"}:
        for other in OF_ANOTHER_TYPE:
            told = from_json(whole | {name: other})
            if isinstance(told, Rejected):
                assert name in told.detail, told
            else:
                assert json.dumps(to_json(told)[name]) == json.dumps(other), name
