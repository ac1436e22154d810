"""Schemas as upstream systems have them, and records in Confluent's wire format that were written with them."""

import io
import json
from collections.abc import Callable
from typing import Any

import fastavro
import msgspec

from schemas.codec import load_schema, without_logical_types
from schemas.confluent import framed

Fields = list[dict[str, Any]]
CENTURY = {"name": "century", "type": "double"}


def changed(contract: str, change: Callable[[Fields], object] = lambda _: None, /, **top: Any) -> dict[str, Any]:
    """A contract's schema with other fields, or another name."""
    schema = load_schema(contract) | top
    change(schema["fields"])
    return schema


def field(fields: Fields, name: str) -> dict[str, Any]:
    """The field of a name."""
    return next(each for each in fields if each["name"] == name)


def written(schema: dict[str, Any], fields: dict[str, Any], number: int = 7) -> bytes:
    """A record as Confluent's serializers write it."""
    body = io.BytesIO(bytes(10))
    body.seek(10)
    fastavro.schemaless_writer(body, fastavro.parse_schema(without_logical_types(schema)), fields)
    return framed(body.getvalue(), number)


def fields_of(event: Any) -> dict[str, Any]:
    """An event's values."""
    fields: dict[str, Any] = msgspec.to_builtins(event, builtin_types=(bytes,))
    return fields


def text(schema: Any) -> str:
    """As a registry holds it."""
    return json.dumps(schema)
