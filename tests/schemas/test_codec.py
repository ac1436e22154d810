"""Bytes of the contracts: what goes in comes out, other libraries agree, and nothing that comes in raises."""

import io
import json
from typing import Any

import avro.io
import avro.schema
import msgspec
import pytest
from fastavro.schema import fingerprint
from hypothesis import given
from hypothesis import strategies as st

from schemas import codec, wire
from schemas import decisions as d
from schemas import events as e
from schemas.codec import HEADER_BYTES, MARKER, Rejected, decode, encode, encode_fields, from_json, to_json
from schemas.fields import EARLIEST_MS, LARGEST_MINOR, LATEST_MS
from tests.schemas.records import records, records_of

ORDER = {
    "event_id": "e1",
    "customer_id": "ada",
    "occurred_at": 1_700_000_000_000,
    "order_id": "o1",
    "currency": "EUR",
    "rate_ppm": 1_000_000,
    "lines": [
        {"line_id": "l1", "quantity": 1, "goods_minor": 1999, "discount_minor": 0, "tax_minor": 0, "shipping_minor": 0}
    ],
}
LINE = ORDER["lines"][0]
CONTRACT = pytest.mark.parametrize("kind", codec.TYPES, ids=lambda kind: kind.__name__)


def order(line: dict[str, Any] | None = None, **changed: Any) -> dict[str, Any]:
    """The fields of an order, some of them changed."""
    return ORDER | {"lines": [LINE | (line or {})]} | changed


def schema_of(kind: type) -> avro.schema.Schema:
    """The contract as the independent library reads it, as plain longs: its instants would be `datetime`."""

    def plain(node: Any) -> Any:
        if isinstance(node, list):
            return [plain(each) for each in node]
        if isinstance(node, dict):
            return node["type"] if "logicalType" in node else {key: plain(value) for key, value in node.items()}
        return node

    return avro.schema.parse(json.dumps(plain(codec.load_schema(kind.__name__))))


def as_fields(record: Any) -> Any:
    """A record as the independent library gives and takes it: arrays are lists."""

    def lists(node: Any) -> Any:
        if isinstance(node, dict):
            return {key: lists(value) for key, value in node.items()}
        return [lists(each) for each in node] if isinstance(node, tuple) else node

    return lists(msgspec.to_builtins(record, builtin_types=(bytes,)))


SCHEMAS = {kind: schema_of(kind) for kind in codec.TYPES}


@given(records())
def test_what_is_encoded_is_decoded(record: Any) -> None:
    assert decode(encode(record)) == record


@given(records())
def test_a_record_survives_json(record: Any) -> None:
    assert from_json(json.loads(json.dumps(to_json(record)))) == record


@given(records())
def test_the_independent_library_reads_what_we_write(record: Any) -> None:
    value = encode(record)
    assert value[:2] == MARKER
    body = io.BytesIO(value[HEADER_BYTES:])
    read = avro.io.DatumReader(SCHEMAS[type(record)]).read(avro.io.BinaryDecoder(body))
    assert read == as_fields(record)
    assert not body.read()


@given(records())
def test_we_read_what_the_independent_library_writes(record: Any) -> None:
    body = io.BytesIO()
    avro.io.DatumWriter(SCHEMAS[type(record)]).write(as_fields(record), avro.io.BinaryEncoder(body))
    assert decode(codec.CONTRACTS[type(record)].header + body.getvalue()) == record


@CONTRACT
def test_the_fingerprint_is_the_one_that_the_independent_library_computes(kind: type) -> None:
    """Of the schema without logical types, which the parsing form leaves out; that library's own form keeps a trace."""
    assert codec.CONTRACTS[kind].header == MARKER + SCHEMAS[kind].fingerprint("CRC-64-AVRO")
    assert len(codec.CONTRACTS[kind].header) == HEADER_BYTES


def test_a_fingerprint_is_written_with_its_lowest_byte_first() -> None:
    """Java's `SchemaNormalization.parsingFingerprint64` of "int" is 0x7275d51a3f395c8f; the encoding is little-endian."""
    assert fingerprint('"int"', "CRC-64-AVRO") == (0x7275D51A3F395C8F).to_bytes(8, "little").hex()


def test_no_two_contracts_have_one_fingerprint() -> None:
    assert len({contract.header for contract in codec.CONTRACTS.values()}) == len(codec.TYPES)


def test_a_type_that_is_no_contract_is_not_encoded() -> None:
    with pytest.raises(KeyError):
        encode(d.Origin("timeline", 0, 0))


# What is refused, and why


@given(st.binary(max_size=200))
def test_garbage_is_refused_and_never_raises(value: bytes) -> None:
    assert isinstance(decode(value), Rejected)


@given(st.sampled_from(codec.TYPES), st.binary(max_size=200))
def test_garbage_behind_a_known_fingerprint_never_raises(kind: type, body: bytes) -> None:
    assert isinstance(decode(codec.CONTRACTS[kind].header + body), Rejected | kind)


@given(records(), st.data())
def test_damage_anywhere_never_raises(record: Any, data: st.DataObject) -> None:
    value = bytearray(encode(record))
    for at in data.draw(st.lists(st.integers(0, len(value) - 1), max_size=5)):
        value[at] = data.draw(st.integers(0, 255))
    assert isinstance(decode(bytes(value)), Rejected | type(record))


@given(records())
def test_every_truncation_is_refused(record: Any) -> None:
    value = encode(record)
    for length in range(len(value)):
        refused = decode(value[:length])
        assert isinstance(refused, Rejected), length
        if length == 0:
            assert refused.reason == "empty"
        elif 2 <= length < HEADER_BYTES:
            assert refused.reason == "unknown_schema"
        else:
            assert refused.reason == "undecodable"


@given(records(), st.binary(min_size=1, max_size=20))
def test_bytes_behind_the_record_are_refused(record: Any, more: bytes) -> None:
    refused = decode(encode(record) + more)
    assert isinstance(refused, Rejected)
    assert refused.reason == "undecodable"
    assert f"{len(more)} bytes follow" in refused.detail


@pytest.mark.parametrize(
    ("value", "reason", "found"),
    [
        (None, "empty", "no bytes"),
        (b"", "empty", "no bytes"),
        (b"{}", "undecodable", "7b7d"),
        (b'{"type": "OrderPlaced"}', "undecodable", "c301"),
        (b"\x00\x00\x00\x00\x01abc", "unknown_schema", "schema id 1, and no registry to ask: set LAUREL_REGISTRY_URL"),
        (b"\x00\x00\x00\x01", "undecodable", "0000"),
        (MARKER, "unknown_schema", "fingerprint"),
        (MARKER + bytes(8), "unknown_schema", "0000000000000000"),
        (codec.CONTRACTS[e.ClockTicked].header, "undecodable", "ClockTicked"),
        (encode_fields(e.OrderPlaced, order(line={"goods_minor": -1})), "invalid_amount", "goods_minor"),
        (encode_fields(e.OrderPlaced, order(line={"tax_minor": LARGEST_MINOR + 1})), "invalid_amount", "tax_minor"),
        (encode_fields(e.OrderPlaced, order(currency="EURO")), "unknown_currency", "EURO"),
        (encode_fields(e.OrderPlaced, order(currency="")), "unknown_currency", "currency"),
        (encode_fields(e.OrderPlaced, order(occurred_at=0)), "implausible_date", "occurred_at"),
        (encode_fields(e.OrderPlaced, order(customer_id="")), "invalid_id", "customer_id"),
        (encode_fields(e.OrderPlaced, order(line={"line_id": ""})), "invalid_id", "line_id"),
        (encode_fields(e.OrderPlaced, order(line={"quantity": 0})), "invalid", "quantity"),
        (encode_fields(e.OrderPlaced, order(lines=[])), "invalid", "lines"),
    ],
)
def test_each_refusal_has_its_reason_and_says_what_was_found(value: bytes | None, reason: str, found: str) -> None:
    refused = decode(value)
    assert isinstance(refused, Rejected)
    assert refused.reason == reason
    assert found in refused.detail


BOUNDS = [
    # T-19: 1970 is what a missing date looks like
    ("occurred_at", EARLIEST_MS, EARLIEST_MS - 1, "implausible_date"),
    ("occurred_at", LATEST_MS, LATEST_MS + 1, "implausible_date"),
    ("occurred_at", EARLIEST_MS, 0, "implausible_date"),
    ("occurred_at", LATEST_MS, -1, "implausible_date"),
    # T-01, T-06: one minor unit either side
    ("goods_minor", 0, -1, "invalid_amount"),
    ("goods_minor", LARGEST_MINOR, LARGEST_MINOR + 1, "invalid_amount"),
    ("discount_minor", 0, -1, "invalid_amount"),
    ("tax_minor", LARGEST_MINOR, LARGEST_MINOR + 1, "invalid_amount"),
    ("shipping_minor", 0, -(2**63), "invalid_amount"),
    ("quantity", 1, 0, "invalid"),
    ("quantity", 1_000_000, 1_000_001, "invalid"),
    ("rate_ppm", 1, 0, "invalid"),
    ("rate_ppm", 10**12, 10**12 + 1, "invalid"),
    ("currency", "ZWG", "ZWL", "unknown_currency"),
    ("currency", "USD", "usd", "unknown_currency"),
    ("customer_id", "a", "", "invalid_id"),
    ("customer_id", "ä" * 200, "ä" * 201, "invalid_id"),
    ("customer_id", "a#", "#a", "invalid_id"),  # reserved subjects (D6)
    ("customer_id", "a b", "a\x00b", "invalid_id"),  # the separator of row keys
    ("customer_id", "a", "a\n", "invalid_id"),
    ("customer_id", "a", "\na", "invalid_id"),
    ("event_id", "a\x20", "a\x1f", "invalid_id"),
    ("order_id", "x", "", "invalid_id"),
]


@pytest.mark.parametrize(("field", "inside", "outside", "reason"), BOUNDS)
def test_bounds_hold_at_their_edges_t_01_t_19(field: str, inside: Any, outside: Any, reason: str) -> None:
    def given(value: Any) -> Any:
        fields = order(line={field: value}) if field in LINE else order(**{field: value})
        return decode(encode_fields(e.OrderPlaced, fields))

    assert isinstance(given(inside), e.OrderPlaced)
    refused = given(outside)
    assert isinstance(refused, Rejected)
    assert refused.reason == reason
    assert field in refused.detail


@pytest.mark.parametrize(("field", "inside", "outside", "reason"), BOUNDS)
def test_json_has_the_same_bounds(field: str, inside: Any, outside: Any, reason: str) -> None:
    def given(value: Any) -> Any:
        return from_json(
            {"type": "OrderPlaced"} | (order(line={field: value}) if field in LINE else order(**{field: value}))
        )

    assert isinstance(given(inside), e.OrderPlaced)
    refused = given(outside)
    assert isinstance(refused, Rejected)
    assert refused.reason == reason


def test_a_refusal_says_what_was_found_and_what_is_allowed() -> None:
    refused = decode(encode_fields(e.OrderPlaced, order(line={"goods_minor": -5})))
    assert isinstance(refused, Rejected)
    for said in ("OrderPlaced", "lines[0].goods_minor", "-5", ">= 0"):
        assert said in refused.detail


@pytest.mark.parametrize("value", [1.5, "12", True, None, 2**63], ids=str)
def test_an_amount_in_json_is_an_integer_and_nothing_that_looks_like_one_t_01(value: Any) -> None:
    refused = from_json({"type": "OrderPlaced"} | order(line={"goods_minor": value}))
    assert isinstance(refused, Rejected)
    assert refused.reason == "invalid_amount"


def test_a_field_without_default_must_be_in_json_and_one_with_may_be_left_out() -> None:
    short = {key: value for key, value in order().items() if key != "rate_ppm"}
    assert from_json({"type": "OrderPlaced"} | short) == from_json({"type": "OrderPlaced"} | order())
    for left_out, reason in (("occurred_at", "implausible_date"), ("customer_id", "invalid_id"), ("lines", "invalid")):
        refused = from_json({"type": "OrderPlaced"} | {k: v for k, v in order().items() if k != left_out})
        assert isinstance(refused, Rejected)
        assert refused.reason == reason
        assert left_out in refused.detail


@pytest.mark.parametrize("kind", ["Nope", "", None, 5, "OrderLine", "SourceEvent", ["OrderPlaced"]], ids=repr)
def test_json_of_an_unknown_type_is_refused_with_those_that_are_known(kind: Any) -> None:
    refused = from_json({"type": kind} | order())
    assert isinstance(refused, Rejected)
    assert refused.reason == "unknown_schema"
    assert "OrderPlaced" in refused.detail


@given(records_of(e.OrderPlaced))
def test_kind_of_reads_no_more_than_the_header(record: e.OrderPlaced) -> None:
    assert codec.kind_of(encode(record)[:HEADER_BYTES]) is e.OrderPlaced


@pytest.mark.parametrize(
    ("number", "fits"),
    [
        (b"\xfe" + b"\xff" * 8 + b"\x01", True),  # the most that 64 bits hold
        (b"\xfe" + b"\xff" * 8 + b"\x02", False),  # a bit more
        (b"\x82\x80\x80\x80\x80\x80\x80\x80\x80\x00", True),  # 1, as long as may be
        (b"\x82\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", False),
        (b"\x82" + b"\x80" * 30 + b"\x00", False),
    ],
)
def test_a_number_has_64_bits_as_avro_says(number: bytes, *, fits: bool) -> None:
    """What `fastavro` makes of more is another number on another machine."""
    tick = decode(encode(e.ClockTicked(EARLIEST_MS, 0))[:-1] + number)
    assert isinstance(tick, e.ClockTicked if fits else Rejected)
    assert fits or "more than 64 bits" in tick.detail


def test_text_that_looks_like_a_number_that_is_too_long() -> None:
    contact = e.ContactOpened(
        event_id="e", customer_id="客服", occurred_at=EARLIEST_MS, case_id="k", channel="客服热线"
    )
    assert decode(encode(contact)) == contact


@given(records())
def test_numbers_are_walked_through_as_they_were_written(record: Any) -> None:
    """Every record, as if its text looked like a number that is too long."""
    value, schema = encode(record), codec.CONTRACTS[type(record)].schema
    assert wire._walk(schema, value, HEADER_BYTES, schema["__named_schemas"]) == len(value)


CONSENT = e.ConsentChanged(event_id="e", customer_id="c", occurred_at=EARLIEST_MS, purpose="email", granted=True)
FAILURE = e.OrderFailed(event_id="e", customer_id="c", occurred_at=EARLIEST_MS, order_id="o", reason="lost")


@pytest.mark.parametrize("byte", [2, 3, 0x7F, 0xFF])
def test_a_boolean_is_0_or_1_as_avro_says(byte: int) -> None:
    """`fastavro` takes any other for true."""
    told = decode(encode(CONSENT)[:-1] + bytes([byte]))
    assert isinstance(told, Rejected)
    assert (told.reason, f"is {byte}" in told.detail) == ("undecodable", True)


@pytest.mark.parametrize("branch", [b"\x01", b"\x03", b"\x04"], ids=["-1", "-2", "2"])
def test_a_branch_is_one_of_its_union_as_avro_says(branch: bytes) -> None:
    """`fastavro` counts those below 0 from the end: -2 of two would be null, silently."""
    good = encode(FAILURE)
    at = good.index(b"\x02o") + 2
    assert good[at : at + 1] == b"\x00"
    told = decode(good[:at] + branch + good[at + 1 :])
    assert isinstance(told, Rejected)
    assert told.reason == "undecodable"
    assert branch != b"\x03" or "branch -2 of 2" in told.detail
