"""Avro single-object encoding of every contract: two marker bytes, the schema's fingerprint, the record.

The files in `schemas/avsc` are the contract. They are read without their logical types, which change nothing on the
wire and cost 1.2 microseconds an instant to turn into `datetime` and back.
"""

import io
import json
import re
from collections.abc import Iterator
from importlib.resources import files
from typing import Any, NamedTuple, get_args

import fastavro
import msgspec
from fastavro.read import SchemaResolutionError
from fastavro.schema import fingerprint, parse_schema, to_parsing_canonical_form

from schemas import decisions, events
from schemas.source import SourceEvent
from schemas.subjects import misnamed
from schemas.wire import check_wire, has_choices

MARKER = b"\xc3\x01"
HEADER_BYTES = 10
CONFLUENT_MAGIC = b"\0"
CONFLUENT_BYTES = 5
"""What a record in Confluent's wire format opens with: this byte, and the schema's id in a registry."""
TYPES: tuple[type, ...] = (*get_args(events.Event), *get_args(decisions.Output))
"""Every record that travels on its own; the other files in `schemas/avsc` are parts of these."""

REASONS = (
    ("_minor", "invalid_amount"),
    ("_at", "implausible_date"),
    ("_id", "invalid_id"),
    ("currency", "unknown_currency"),
)
"""Why a value is refused, by the ending of its field's name: names carry their unit, so the ending tells."""


class Rejected(NamedTuple):
    """A record that cannot be taken: `reason` counts it, `detail` says what was found and what would be right."""

    reason: str
    detail: str


def _load(name: str, inlined: set[str]) -> dict[str, Any]:
    """The schema of one file, with the files that it names put where it names them first."""

    def inline(node: Any) -> Any:
        if isinstance(node, str) and node.startswith("laurel."):
            return node if node in inlined else _load(node.removeprefix("laurel."), inlined)
        if isinstance(node, list):
            return [inline(item) for item in node]
        if isinstance(node, dict):
            return {key: inline(value) for key, value in node.items()}
        return node

    inlined.add(f"laurel.{name}")
    schema: dict[str, Any] = json.loads(files("schemas").joinpath("avsc", f"{name}.avsc").read_text(encoding="utf-8"))
    return schema | {"fields": [field | {"type": inline(field["type"])} for field in schema["fields"]]}


def without_logical_types(node: Any) -> Any:
    """A schema as it is on the wire; see above for why."""
    if isinstance(node, list):
        return [without_logical_types(item) for item in node]
    if isinstance(node, dict):
        return {key: without_logical_types(value) for key, value in node.items() if key != "logicalType"}
    return node


class Contract(NamedTuple):
    """A record type with its schema, as `fastavro` wants it, and the ten bytes that announce it.

    `written` is the schema of an older version, whose records are read as the present one's: what was added since has its
    default. None for the present version. `choices`: others write it, and not all that its bytes may be is allowed.
    """

    type: type
    schema: Any
    header: bytes
    choices: bool
    written: Any = None


def load_schema(name: str) -> dict[str, Any]:
    """The whole schema of a contract, parts inlined, as a registry or another language would take it."""
    return _load(name, set())


def _contract(kind: type) -> Contract:
    schema = load_schema(kind.__name__)
    crc = bytes.fromhex(fingerprint(to_parsing_canonical_form(schema), "CRC-64-AVRO"))
    plain = without_logical_types(schema)
    return Contract(kind, parse_schema(plain), MARKER + crc, _is_foreign(kind) and has_choices(plain))


def _is_foreign(kind: type) -> bool:
    """Whether others write it: what laurel wrote is as it should be."""
    return issubclass(kind, SourceEvent)


def _older(present: Contract) -> Iterator[Contract]:
    """The other versions that were ever committed: the timeline is for ever (D9)."""
    folder = files("schemas").joinpath("history", present.type.__name__)
    for file in folder.iterdir() if folder.is_dir() else ():  # a new contract has none until it is added
        header = MARKER + bytes.fromhex(file.name.removesuffix(".avsc"))
        if header != present.header:
            form = json.loads(file.read_text(encoding="utf-8"))
            choices = _is_foreign(present.type) and has_choices(form)
            yield Contract(present.type, present.schema, header, choices, parse_schema(form))


CONTRACTS = {kind: _contract(kind) for kind in TYPES}
_BY_HEADER = {each.header: each for present in CONTRACTS.values() for each in (present, *_older(present))}
BY_NAME = {kind.__name__: kind for kind in TYPES}


def of_header(header: bytes) -> Contract | None:
    """The contract whose records open with these ten bytes."""
    return _BY_HEADER.get(header)


def encode(record: Any) -> bytes:
    """The record's bytes. Raises `KeyError` for a type that is no contract."""
    return encode_fields(type(record), msgspec.to_builtins(record, builtin_types=(bytes,)))


def encode_fields(kind: type, fields: dict[str, Any]) -> bytes:
    """The bytes of a record given as builtins; only its shape is checked, not the bounds of its values."""
    contract = CONTRACTS[kind]
    buffer = io.BytesIO()
    buffer.write(contract.header)
    fastavro.schemaless_writer(buffer, contract.schema, fields)
    return buffer.getvalue()


def kind_of(value: bytes | None) -> type | Rejected:
    """Which contract the bytes announce."""
    if not value:
        return Rejected("empty", "found no bytes; a record needs a value")
    if value[:1] == CONFLUENT_MAGIC and len(value) >= CONFLUENT_BYTES:
        number = int.from_bytes(value[1:CONFLUENT_BYTES], "big")
        return Rejected(
            "unknown_schema",
            f"found Confluent's wire format, schema id {number}, and no registry to ask: set LAUREL_REGISTRY_URL",
        )
    if value[:2] != MARKER:
        return Rejected(
            "undecodable", f"found the first bytes {value[:2].hex()}; Avro single-object records open with c301"
        )
    contract = _BY_HEADER.get(value[:HEADER_BYTES])
    if contract is None:
        return Rejected(
            "unknown_schema", f"found the schema fingerprint {value[2:HEADER_BYTES].hex()}, which no contract has"
        )
    return contract.type


def decode(value: bytes | None, *, taken: bool = False) -> Any | Rejected:
    """The typed record that the bytes hold, or why they hold none; bounds of `schemas.fields` are checked.

    What was `taken` is on the timeline: whoever put it there has seen to it that Avro allows its bytes.
    """
    kind = kind_of(value)
    if isinstance(kind, Rejected) or value is None:
        return kind
    return read(_BY_HEADER[value[:HEADER_BYTES]], value, HEADER_BYTES, taken=taken)


def read(contract: Contract, value: bytes, start: int, *, taken: bool = False) -> Any | Rejected:
    """The typed record that the bytes hold from `start` to their end, or why they hold none."""
    kind = contract.type
    buffer = io.BytesIO(value)
    buffer.seek(start)
    written = contract.written or contract.schema
    try:
        try:
            fields = fastavro.schemaless_reader(buffer, written, None if contract.written is None else contract.schema)
        except SchemaResolutionError:
            # A null, say, where the contract has none. Read as it was written, its type tells which field is wrong.
            buffer.seek(start)
            fields = fastavro.schemaless_reader(buffer, written)
        if not taken:
            check_wire(written, value, start, choices=contract.choices)
    except Exception as error:  # noqa: BLE001 - the reader raises whatever the bytes provoke
        # What the reader says of an end too early may name an object in memory: another in each process.
        told = "" if isinstance(error, EOFError) else error
        return Rejected("undecodable", f"{kind.__name__}: {type(error).__name__}: {told}"[:500])
    if buffer.tell() != len(value):
        return Rejected("undecodable", f"{kind.__name__}: {len(value) - buffer.tell()} bytes follow the record")
    return _typed(fields, kind)


def from_json(fields: dict[str, Any]) -> Any | Rejected:
    """The typed record of a JSON object whose `type` names the contract."""
    kind = BY_NAME.get(str(fields.get("type")))
    if kind is None:
        return Rejected("unknown_schema", f"found type {fields.get('type')!r}; known are {', '.join(sorted(BY_NAME))}")
    return admitted(_typed({key: value for key, value in fields.items() if key != "type"}, kind))


def admitted(event: Any) -> Any | Rejected:
    """What was read, unless it comes from outside and takes another subject for a customer.

    What is on a timeline already is not asked: a fold reads what was taken when this was not looked at.
    """
    wrong = misnamed(event) if isinstance(event, SourceEvent) else None
    return Rejected("invalid_id", wrong) if wrong else event


def to_json(record: Any) -> dict[str, Any]:
    """The record as a JSON object that names its contract; bytes become base64."""
    return {"type": type(record).__name__, **msgspec.to_builtins(record)}


def _typed(fields: Any, kind: type) -> Any | Rejected:
    try:
        return msgspec.convert(fields, kind)
    except msgspec.ValidationError as error:
        path = str(error).rpartition("`$.")[2].rstrip("`")
        reason = next((reason for ending, reason in REASONS if path.endswith(ending)), "invalid")
        return Rejected(reason, f"{kind.__name__}: {error}{_found(fields, str(error))}")


def _found(fields: Any, error: str) -> str:
    """What stands where a validation error points to, `$.lines[0].goods_minor`; nothing for a field that is missing."""
    if " - at `$." not in error:
        return ""
    for name, index in re.findall(r"\.(\w+)|\[(\d+)\]", error.rpartition("`$")[2]):
        fields = fields[name or int(index)]
    return f"; found {repr(fields)[:200]}"
