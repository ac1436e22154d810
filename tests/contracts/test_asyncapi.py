"""The AsyncAPI document is that of the registry, and its examples are records that laurel takes."""

import json
from base64 import b64decode
from typing import Any

import pytest
import yaml
from fastavro import parse_schema
from fastavro.validation import validate

from deploy.contracts import asyncapi
from schemas import codec
from schemas.topics import BY_NAME, SOURCES

PAGE = yaml.safe_load(asyncapi.PAGE.read_text(encoding="utf-8"))
MESSAGES = PAGE["components"]["messages"]


def test_the_page_is_what_the_registry_says() -> None:
    """If not: `uv run python -m deploy.contracts.asyncapi`."""
    assert asyncapi.PAGE.read_text(encoding="utf-8") == asyncapi.page()


def test_every_contract_that_others_see_is_in_it_once() -> None:
    shown = [name for channel in PAGE["channels"].values() for name in channel["messages"]]
    inner = {"ClockTicked", *(kind.__name__ for kind in BY_NAME["messages"].types)}
    assert sorted(shown) == sorted({kind.__name__ for kind in codec.TYPES} - inner)
    assert set(shown) == set(MESSAGES)


def test_laurel_receives_what_others_write_and_sends_the_rest() -> None:
    for operation in PAGE["operations"].values():
        name = operation["channel"]["$ref"].removeprefix("#/channels/")
        assert (operation["action"] == "receive") == (name in SOURCES), name


def test_every_reference_leads_somewhere() -> None:
    def follow(path: str) -> Any:
        node = PAGE
        for part in path.removeprefix("#/").split("/"):
            node = node[part]
        return node

    found = [line for line in json.dumps(PAGE).split('"') if line.startswith("#/")]
    assert len(found) == len(PAGE["operations"]) + len(MESSAGES)
    assert all(follow(path) for path in found)


@pytest.mark.parametrize("name", MESSAGES)
def test_an_example_is_of_its_schema_and_is_taken(name: str) -> None:
    """By fastavro's own validation against the schema that the page shows, and by the codec."""
    (given,) = MESSAGES[name]["examples"]
    record = codec.from_json({"type": name, **given["payload"]})
    assert codec.decode(codec.encode(record)) == record
    schema = MESSAGES[name]["payload"]["schema"]
    sealed = {field["name"] for field in schema["fields"] if field["type"] == "bytes"}
    fields = {field: b64decode(value) if field in sealed else value for field, value in given["payload"].items()}
    assert validate(fields, parse_schema(schema))
