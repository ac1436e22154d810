"""A contract may change, but what was ever written stays readable (D9, T-47)."""

import json
from collections.abc import Callable
from typing import Any

import avro.schema
import pytest
from avro.compatibility import ReaderWriterCompatibilityChecker, SchemaCompatibilityType
from fastavro.schema import fingerprint, to_parsing_canonical_form

from schemas import codec
from schemas.codec import MARKER, load_schema
from tests.contracts.history import committed, present

VERSIONS = [
    pytest.param(name, mark, form, id=f"{name}-{mark}")
    for name, versions in committed().items()
    for mark, form in versions.items()
]
VERSION = pytest.mark.parametrize(("name", "mark", "form"), VERSIONS)


def can_read(reader: Any, writer: Any) -> bool:
    """Whether whoever has the one schema can read what the other wrote."""
    schemas = (avro.schema.parse(json.dumps(schema)) for schema in (reader, writer))
    found = ReaderWriterCompatibilityChecker().get_compatibility(*schemas)
    return found.compatibility is SchemaCompatibilityType.compatible


@pytest.mark.parametrize("kind", codec.TYPES, ids=lambda kind: kind.__name__)
def test_the_present_version_is_in_the_history(kind: type) -> None:
    """If not: `python -m tests.contracts.history`, and commit what it wrote."""
    mark, form = present(kind.__name__)
    assert committed().get(kind.__name__, {}).get(mark) == form


def test_no_contract_was_removed() -> None:
    assert set(committed()) == {kind.__name__ for kind in codec.TYPES}


@VERSION
def test_a_committed_version_is_as_it_was(name: str, mark: str, form: Any) -> None:
    assert fingerprint(to_parsing_canonical_form(form), "CRC-64-AVRO") == mark
    assert form["name"] == f"laurel.{name}"


@VERSION
def test_the_present_schema_reads_what_a_committed_one_wrote(name: str, mark: str, form: Any) -> None:
    assert can_read(load_schema(name), form), mark


@VERSION
def test_laurel_knows_the_bytes_that_open_a_record_of_a_committed_version(name: str, mark: str, form: Any) -> None:
    """The timeline is for ever: a version that its reader forgets would stop every partition that holds it."""
    kind = codec.kind_of(MARKER + bytes.fromhex(mark))
    assert kind is codec.BY_NAME[name], form["name"]


def changed(change: Callable[[list[dict[str, Any]]], Any]) -> dict[str, Any]:
    """The schema of an order, its fields changed."""
    schema = load_schema("OrderPlaced")
    change(schema["fields"])
    return schema


@pytest.mark.parametrize(
    ("reads", "change"),
    [
        (True, lambda fields: fields.append({"name": "note", "type": "string", "default": ""})),
        (True, lambda fields: fields.pop(0)),
        (False, lambda fields: fields.append({"name": "note", "type": "string"})),
        (False, lambda fields: fields[0].update(name="id")),
        (False, lambda fields: fields[0].update(type="long")),
        (False, lambda fields: fields[2].update(type="string")),
        (False, lambda fields: fields[6]["type"].update(items="string")),
    ],
    ids=["new with default", "removed", "new without default", "renamed", "id as long", "instant as string", "lines"],
)
def test_this_check_tells_a_change_that_can_be_read_from_one_that_cannot(
    reads: bool, change: Callable[[list[dict[str, Any]]], Any]
) -> None:
    assert can_read(changed(change), load_schema("OrderPlaced")) is reads
