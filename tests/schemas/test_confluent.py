"""Confluent's wire format: what other schemas wrote is read as a contract, or refused with the field that does not fit (D9)."""

from typing import Any

import msgspec
import pytest
from hypothesis import given

from schemas import codec
from schemas import events as e
from schemas.codec import Contract, Rejected, decode, encode, encode_fields, load_schema
from schemas.confluent import framed, single_object, understand
from schemas.examples import example
from tests.contracts.history import committed
from tests.schemas.records import records as any_record
from tests.schemas.upstream import CENTURY, Fields, changed, field, fields_of, text, written

ORDER: e.OrderPlaced = example(e.OrderPlaced)
VERSIONS = [(name, mark, form) for name, versions in committed().items() for mark, form in versions.items()]
PRESENT = {kind: understand(text(load_schema(kind.__name__))) for kind in codec.TYPES}
NAMED = {"type": "record", "name": "Position", "namespace": "com.shop"}


def read(schema: Any, value: bytes, *references: Any) -> bytes | Rejected:
    contract = understand(text(schema), [text(each) for each in references])
    assert isinstance(contract, Contract), contract
    return single_object(contract, value)


def refused(schema: Any, *references: Any) -> Rejected:
    found = understand(schema if isinstance(schema, str) else text(schema), [text(each) for each in references])
    assert isinstance(found, Rejected), found
    return found


# The same record in another frame


@given(any_record())
def test_of_a_contract_as_it_is_now_only_the_frame_is_another(record: Any) -> None:
    value = encode(record)
    sent = framed(value, 4711)
    assert sent[:5] == b"\0\0\0\x12\x67"
    contract = PRESENT[type(record)]
    assert isinstance(contract, Contract)
    assert single_object(contract, sent) == value


@pytest.mark.parametrize(("name", "mark", "form"), VERSIONS, ids=[f"{name}-{mark}" for name, mark, _ in VERSIONS])
def test_of_each_version_that_was_committed_too(name: str, mark: str, form: Any) -> None:
    assert read(form, b"\0\0\0\0\1 whatever it holds") == bytes.fromhex(f"c301{mark}") + b" whatever it holds"


def test_what_says_nothing_on_the_wire_makes_no_other_schema() -> None:
    schema = changed("OrderPlaced", lambda fields: [each.pop("doc") for each in fields], doc="ours", owner="shop team")
    assert read(schema, framed(encode(ORDER), 1)) == encode(ORDER)


def test_a_body_that_is_broken_is_passed_on_as_it_is() -> None:
    refused = decode(read(load_schema("OrderPlaced"), framed(encode(ORDER)[:-1], 1)))  # type: ignore[arg-type]
    assert isinstance(refused, Rejected)
    assert refused.reason == "undecodable"


# Another schema of a contract's name


def also(fields: Fields) -> None:
    """Fields that only they have, of every type that Avro knows."""
    fields.insert(0, {"name": "flags", "type": {"type": "map", "values": ["null", "boolean"]}})
    fields.insert(2, CENTURY)
    fields.insert(3, {"name": "ratio", "type": "float"})
    fields.append({"name": "mark", "type": {"type": "fixed", "name": "Mark", "size": 3}})
    fields.append({"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["A", "B"]}})
    fields.append({"name": "again", "type": ["null", "Mark"]})


MORE = {"flags": {"x": None, "y": True}, "century": 1.5, "ratio": 0.5, "mark": b"abc", "kind": "B", "again": b"xyz"}


def test_fields_of_theirs_are_left_out() -> None:
    schema = changed("OrderPlaced", also)
    assert read(schema, written(schema, fields_of(ORDER) | MORE)) == encode(ORDER)


@pytest.mark.parametrize("name", ["rate_ppm"])
def test_fields_that_they_do_not_have_get_the_contracts_default(name: str) -> None:
    schema = changed("OrderPlaced", lambda fields: fields.remove(field(fields, name)))
    (expected,) = [each["default"] for each in load_schema("OrderPlaced")["fields"] if each["name"] == name]
    assert read(schema, written(schema, fields_of(ORDER))) == encode_fields(
        e.OrderPlaced, fields_of(ORDER) | {name: expected}
    )


def test_records_may_have_names_of_their_own() -> None:
    schema = changed("OrderPlaced", also, namespace="com.shop")
    field(schema["fields"], "lines")["type"]["items"] |= NAMED
    assert read(schema, written(schema, fields_of(ORDER) | MORE)) == encode(ORDER)


def test_a_record_may_stand_in_a_schema_of_its_own() -> None:
    """A registry gives such schemas as references, each after those that it names itself."""
    line = field(load_schema("OrderPlaced")["fields"], "lines")["type"]["items"]
    amount = {"type": "record", "name": "Amount", "namespace": "com.shop", "fields": [CENTURY]}
    position = line | NAMED | {"fields": [*line["fields"], {"name": "more", "type": "com.shop.Amount"}]}
    schema = changed("OrderPlaced", namespace="com.shop")
    whole = changed("OrderPlaced", namespace="com.shop")
    field(schema["fields"], "lines")["type"]["items"] = "com.shop.Position"
    more = {"name": "more", "type": amount}
    field(whole["fields"], "lines")["type"]["items"] = position | {"fields": [*line["fields"], more]}
    fields = fields_of(ORDER)
    fields["lines"] = [each | {"more": {"century": 2.0}} for each in fields["lines"]]
    assert read(schema, written(whole, fields), amount, position) == encode(ORDER)
    assert read(schema, written(whole, fields), amount, position, amount) == encode(ORDER), "two of them name the same"


def test_narrower_numbers_and_texts_as_bytes_are_read() -> None:
    schema = changed("OrderPlaced")
    field(schema["fields"], "rate_ppm")["type"] = "int"
    field(schema["fields"], "order_id")["type"] = "bytes"
    fields = fields_of(ORDER) | {"order_id": ORDER.order_id.encode()}
    assert read(schema, written(schema, fields)) == encode(ORDER)


def test_what_may_be_null_is_read_where_it_is_not() -> None:
    schema = changed("OrderPlaced")
    field(schema["fields"], "currency")["type"] = ["null", "string"]
    assert read(schema, written(schema, fields_of(ORDER))) == encode(ORDER)
    found = read(schema, written(schema, fields_of(ORDER) | {"currency": None}))
    assert isinstance(found, Rejected)
    assert found.reason == "unknown_currency"
    assert "$.currency" in found.detail
    assert "null" in found.detail


def test_whatever_is_damaged_is_a_record_or_refused() -> None:
    """Never an error: it would end the worker. A null where the contract has none is read twice."""
    schema = changed("OrderPlaced", also)
    field(schema["fields"], "currency")["type"] = ["null", "string"]
    contract = understand(text(schema))
    assert isinstance(contract, Contract)
    for currency in (None, "EUR"):
        good = written(schema, fields_of(ORDER) | MORE | {"currency": currency})
        for at in range(5, len(good)):
            for damaged in (good[:at], *(good[:at] + bytes([byte]) + good[at + 1 :] for byte in (0, 1, 2, 127, 255))):
                assert isinstance(single_object(contract, damaged), bytes | Rejected)


def test_the_bounds_of_the_contract_hold() -> None:
    schema = changed("OrderPlaced", also)
    found = read(schema, written(schema, fields_of(ORDER) | MORE | {"occurred_at": -1}))
    assert isinstance(found, Rejected)
    assert found.reason == "implausible_date"


@pytest.mark.parametrize("length", range(5, 40))
def test_what_ends_too_early_is_refused(length: int) -> None:
    schema = changed("OrderPlaced", also)
    found = read(schema, written(schema, fields_of(ORDER) | MORE)[:length])
    assert isinstance(found, Rejected)
    assert found.reason == "undecodable"


def test_what_avro_forbids_is_refused_in_fields_of_theirs_too() -> None:
    """A branch of a union below 0, which `fastavro` counts from the end; in a map, behind numbers of fixed size."""
    schema = changed("OrderPlaced", also)
    good = written(schema, fields_of(ORDER) | MORE | {"flags": {"x": None}})
    assert good[5:9] == b"\x02\x02x\x00"
    for branch in (b"\x03", b"\x04"):  # -2 and 2 of two
        found = read(schema, good[:8] + branch + good[9:])
        assert isinstance(found, Rejected)
        assert found.reason == "undecodable"
    found = read(schema, good[: -len(b"abc\x02\x02xyz")] + b"abc\x02\x03xyz")
    assert isinstance(found, Rejected), "the last field of all"
    assert found.reason == "undecodable"


def test_a_choice_in_a_map_of_theirs_is_looked_at_though_nothing_else_is_one() -> None:
    flags = {"name": "flags", "type": {"type": "map", "values": ["null", "long"]}}
    schema = changed("OrderPlaced", lambda fields: fields.insert(0, flags))
    good = written(schema, fields_of(ORDER) | {"flags": {"x": None}})
    assert read(schema, good) == encode(ORDER)
    assert isinstance(read(schema, good[:8] + b"\x03" + good[9:]), Rejected)


# What cannot be read, told by field


def without(name: str) -> Any:
    return lambda fields: fields.remove(field(fields, name))


def retyped(name: str, kind: Any) -> Any:
    return lambda fields: field(fields, name).update(type=kind)


def line(change: Any) -> Any:
    return lambda fields: change(field(fields, "lines")["type"]["items"]["fields"])


MICROS = {"type": "long", "logicalType": "timestamp-micros"}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (without("order_id"), "order_id is missing; the contract has it, and no default"),
        (line(without("goods_minor")), "lines[].goods_minor is missing"),
        (retyped("order_id", "long"), "order_id is long; the contract has string"),
        (retyped("rate_ppm", "double"), "rate_ppm is double; the contract has long"),
        (retyped("occurred_at", MICROS), "occurred_at is timestamp-micros; the contract has timestamp-millis"),
        (retyped("occurred_at", "string"), "occurred_at is string; the contract has timestamp-millis"),
        (line(retyped("quantity", ["null", "string"])), "lines[].quantity is null or string; the contract has long"),
        (retyped("lines", "string"), "lines is string; the contract has array"),
        (
            retyped("lines", {"type": "array", "items": "string"}),
            "lines[] is string; the contract has laurel.OrderLine",
        ),
        (
            retyped("currency", {"type": "enum", "name": "C", "symbols": ["EUR"]}),
            "currency is C; the contract has string",
        ),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_a_schema_that_can_never_be_read_is_refused_with_the_field(change: Any, told: str) -> None:
    found = refused(changed("OrderPlaced", change, namespace="com.shop"))
    assert found.reason == "incompatible_schema"
    assert "com.shop.OrderPlaced cannot be read as OrderPlaced" in found.detail
    assert told in found.detail.replace("com.shop.C", "C")


def test_every_field_that_does_not_fit_is_told() -> None:
    detail = refused(
        changed("OrderPlaced", lambda fields: [without("order_id")(fields), without("currency")(fields)])
    ).detail
    assert "order_id" in detail
    assert "currency" in detail


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("double", "expected_at is double; the contract has null or timestamp-millis"),
        (MICROS, "expected_at is timestamp-micros; the contract has timestamp-millis"),
        (["null", MICROS], "expected_at is null or timestamp-micros; the contract has null or timestamp-millis"),
        (["null", "string"], "expected_at is null or string; the contract has null or timestamp-millis"),
    ],
    ids=str,
)
def test_a_field_that_may_be_null_here_must_fit_where_it_is_not(kind: Any, told: str) -> None:
    def change(fields: Fields) -> None:
        fields[:] = [each for each in fields if each["name"] != "expected_at"] + [{"name": "expected_at", "type": kind}]

    found = refused(changed("OrderShipped", change))
    assert found.reason == "incompatible_schema"
    assert told in found.detail


def test_a_field_that_may_be_null_here_need_not_be_there() -> None:
    def change(fields: Fields) -> None:
        fields[:] = [each for each in fields if each["name"] != "expected_at"] + [
            {"name": "expected_at", "type": "long"}
        ]

    schema, shipped = changed("OrderShipped", change), example(e.OrderShipped)
    at = shipped.occurred_at
    assert decode(read(schema, written(schema, fields_of(shipped) | {"expected_at": at}))) == msgspec.structs.replace(  # type: ignore[arg-type]
        shipped, expected_at=at
    )


def test_a_record_within_itself_is_read() -> None:
    tree = {"type": "record", "name": "Tree", "fields": [{"name": "inner", "type": ["null", "Tree"], "default": None}]}
    schema = changed("OrderPlaced", lambda fields: fields.append({"name": "tree", "type": tree}))
    assert read(schema, written(schema, fields_of(ORDER) | {"tree": {"inner": {"inner": None}}})) == encode(ORDER)


@pytest.mark.parametrize(
    ("schema", "reason", "told"),
    [
        (changed("OrderPlaced", name="Basket"), "unknown_schema", "laurel.Basket; no contract has that name"),
        ('"string"', "unknown_schema", "a record is needed"),
        ('["null", "string"]', "unknown_schema", "a record is needed"),
        ("{", "incompatible_schema", "no Avro schema"),
        ('{"type": "record", "name": "OrderPlaced"}', "incompatible_schema", "event_id is missing"),
        (changed("OrderPlaced", retyped("lines", "com.shop.Nowhere")), "incompatible_schema", "com.shop.Nowhere"),
    ],
    ids=["another name", "a string", "a union", "no JSON", "no fields", "an unknown name"],
)
def test_what_is_no_schema_of_a_contract_is_refused(schema: Any, reason: str, told: str) -> None:
    found = refused(schema)
    assert found.reason == reason
    assert told in found.detail
