"""Confluent's wire format: a zero byte, the schema's id in a registry (four bytes), the record (D9).

The ids mean something only to whoever has the registry. So nothing here asks one: intake does, and puts what it takes on the
timeline in single-object encoding, which needs nobody.
"""

import json
from collections.abc import Sequence
from typing import Any

from fastavro.schema import fingerprint, parse_schema, to_parsing_canonical_form

from schemas.codec import (
    BY_NAME,
    CONFLUENT_BYTES,
    CONFLUENT_MAGIC,
    CONTRACTS,
    HEADER_BYTES,
    MARKER,
    Contract,
    Rejected,
    encode,
    load_schema,
    of_header,
    read,
    without_logical_types,
)
from schemas.resolution import Resolution, aliased, self_contained
from schemas.wire import has_choices


def understand(schema: str, references: Sequence[str] = ()) -> Contract | Rejected:
    """How to read what was written with a schema: as the contract of its name.

    `references` are the schemas that it names, each after those that it names itself. A schema that puts on the wire
    what a version of a contract does that was ever committed has that version's header.
    """
    named: dict[str, Any] = {}
    try:
        for each in dict.fromkeys(references):
            parse_schema(json.loads(each), named_schemas=named)
        given = parse_schema(json.loads(schema), named_schemas=named)
        if not isinstance(given, dict) or given["type"] != "record":
            return Rejected("unknown_schema", f"it is {str(schema)[:80]}; a record is needed")
        written = self_contained(given)
        form = to_parsing_canonical_form(written)
        parsed = parse_schema(written)
    except Exception as error:  # noqa: BLE001 - the parser raises whatever the schema provokes
        return Rejected("incompatible_schema", f"it is no Avro schema: {type(error).__name__}: {error}"[:500])
    kind = BY_NAME.get(parsed["name"].rpartition(".")[2])
    if kind is None:
        return Rejected("unknown_schema", f"it is {parsed['name']}; no contract has that name")
    resolution = Resolution(parsed, parse_schema(load_schema(kind.__name__)))
    if resolution.misfits:
        told = "; ".join(resolution.misfits[:5])
        return Rejected("incompatible_schema", f"{parsed['name']} cannot be read as {kind.__name__}: {told}")
    if known := of_header(MARKER + bytes.fromhex(fingerprint(form, "CRC-64-AVRO"))):
        return known
    plain = without_logical_types(written)
    schema = aliased(CONTRACTS[kind].schema, resolution.aliases)
    return Contract(kind, schema, b"", has_choices(plain), parse_schema(plain))


def single_object(contract: Contract, value: bytes) -> bytes | Rejected:
    """A value in Confluent's format as one in single-object encoding.

    Where the contract has a header, only the frame is another and the record stays as it is, right or wrong; else it is read
    with its writer's schema and written as the contract is now.
    """
    if contract.header:
        return contract.header + value[CONFLUENT_BYTES:]
    event = read(contract, value, CONFLUENT_BYTES)
    return event if isinstance(event, Rejected) else encode(event)


def framed(value: bytes, schema_id: int) -> bytes:
    """A value in single-object encoding as Confluent's clients read it."""
    return CONFLUENT_MAGIC + schema_id.to_bytes(CONFLUENT_BYTES - 1, "big") + value[HEADER_BYTES:]
