"""Each file in `schemas/avsc` and the Python type of its name say the same, both ways."""

import json
from pathlib import Path
from typing import Any, get_args

import pytest
from msgspec import NODEFAULT, Struct, inspect, structs

from schemas import (
    codec,
    commands,
    decided,
    decisions,
    directives,
    discrepancies,
    events,
    launches,
    ledger,
    messages,
    profiles,
    rewards,
    source,
)
from schemas.fields import Millis

FILES = {path.stem: json.loads(path.read_text()) for path in Path("schemas/avsc").glob("*.avsc")}
ABSTRACT = {
    source.SourceEvent,
    source.CustomerEvent,
    commands.Command,
    directives.Directive,
    decided.Decided,
    messages.Told,
    messages.OfUnits,
}
"""What other types inherit from; no record is of these."""
INSTANTS = (Millis, Millis | None)


def avro(of: inspect.Type) -> Any:  # noqa: PLR0911 - a table
    """The Avro type that a Python type must have in its file, without logical types."""
    match of:
        case inspect.IntType():
            return "long"
        case inspect.StrType() | inspect.LiteralType():
            return "string"
        case inspect.BoolType():
            return "boolean"
        case inspect.BytesType():
            return "bytes"
        case inspect.NoneType():
            return "null"
        case inspect.StructType():
            return f"laurel.{of.cls.__name__}"
        case inspect.VarTupleType():
            return {"type": "array", "items": avro(of.item_type)}
        case inspect.UnionType():
            # A default must be of the first branch (Avro 1.12, "Unions"), and the default of what may be null is null.
            branches = [avro(each) for each in of.types]
            return ["null", *(each for each in branches if each != "null")] if "null" in branches else branches
        case _:
            raise TypeError(of)


def plain(node: Any) -> Any:
    """A type as a file has it, without logical types."""
    if isinstance(node, list):
        return [plain(each) for each in node]
    if isinstance(node, dict) and "logicalType" in node:
        return node["type"]
    return node


def in_avro(default: Any) -> Any:
    """A default as a file has it: Avro writes bytes as text of the same code points."""
    match default:
        case bytes():
            return default.decode("latin-1")
        case tuple():
            return list(default)
        case _:
            return "none" if default is NODEFAULT else default


def structs_in(of: inspect.Type) -> set[type]:
    """The records that a type is made of, itself included."""
    match of:
        case inspect.StructType():
            return {of.cls}.union(*(structs_in(field.type) for field in of.fields))
        case inspect.VarTupleType():
            return structs_in(of.item_type)
        case inspect.UnionType():
            return set().union(*(structs_in(each) for each in of.types))
        case _:
            return set()


EVERY = sorted(
    set().union(*(structs_in(inspect.type_info(kind)) for kind in codec.TYPES)), key=lambda kind: kind.__name__
)


def test_every_type_has_a_file_and_every_file_is_a_type_or_a_part_of_one() -> None:
    assert {kind.__name__ for kind in EVERY} == set(FILES)


def test_every_record_in_the_modules_is_a_contract_a_part_of_one_or_what_they_inherit() -> None:
    declared = {
        each
        for module in (
            source,
            events,
            commands,
            directives,
            messages,
            decided,
            decisions,
            discrepancies,
            launches,
            ledger,
            profiles,
            rewards,
        )
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, Struct) and each is not Struct
    }
    assert declared == set(EVERY) | ABSTRACT


def test_the_unions_list_each_contract_once() -> None:
    assert len(codec.TYPES) == len(set(codec.TYPES))
    assert set(get_args(events.Message)) < set(get_args(events.Event))


@pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.__name__)
def test_file_and_type_agree_in_names_order_types_and_defaults(kind: type) -> None:
    """The order is the file's: fields that are inherited come first in a type, and are given by their names."""
    described = inspect.type_info(kind)
    assert isinstance(described, inspect.StructType)
    file = FILES[kind.__name__]
    assert (file["type"], file["name"], file["namespace"]) == ("record", kind.__name__, "laurel")
    in_python = [(field.name, avro(field.type), in_avro(field.default)) for field in described.fields]
    in_file = [(field["name"], plain(field["type"]), field.get("default", "none")) for field in file["fields"]]
    by_name = issubclass(kind, source.SourceEvent | decided.Decided)
    assert (sorted(in_file, key=str) if by_name else in_file) == (sorted(in_python, key=str) if by_name else in_python)


@pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.__name__)
def test_what_the_file_calls_an_instant_is_bounded_as_one_in_events(kind: type) -> None:
    computed = {each.__name__ for each in (decided, decisions, discrepancies, launches, ledger, profiles)}
    if kind.__module__ in computed or issubclass(kind, decided.Decided):
        return  # what laurel computes has no bounds
    instants = {f["name"] for f in FILES[kind.__name__]["fields"] if "timestamp-millis" in json.dumps(f["type"])}
    assert instants == {field.name for field in structs.fields(kind) if field.type in INSTANTS}


@pytest.mark.parametrize("name", FILES)
def test_the_record_and_every_field_are_documented(name: str) -> None:
    file = FILES[name]
    for documented in (file, *file["fields"]):
        assert documented.get("doc", "").endswith("."), documented["name"]
        assert set(documented) <= {"type", "name", "namespace", "doc", "fields", "default"}
    names = [field["name"] for field in file["fields"]]
    assert len(names) == len(set(names))


def test_names_of_amounts_and_instants_carry_their_unit_so_that_a_refusal_knows_its_reason() -> None:
    """`codec.REASONS` reads the reason from the ending of a name."""
    for kind in EVERY:
        if not issubclass(kind, source.SourceEvent):
            continue
        for field in structs.fields(kind):
            assert (field.type in INSTANTS) == field.name.endswith("_at"), field.name
