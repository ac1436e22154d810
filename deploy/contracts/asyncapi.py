"""The AsyncAPI 3 document of laurel's topics, from their registry. `python -m deploy.contracts.asyncapi` writes it."""

from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml
from msgspec import to_builtins

from schemas.codec import load_schema
from schemas.examples import example
from schemas.topics import PUBLIC, Topic

PAGE = Path(__file__).with_name("asyncapi.yaml")
HEAD = "# Made from schemas/topics.py and schemas/avsc by `uv run python -m deploy.contracts.asyncapi`.\n"
AVRO = "application/vnd.apache.avro+json;version=1.9.0"
"""Avro as AsyncAPI 3.0 names it; the schemas use nothing that is newer."""


def document() -> dict[str, Any]:
    """The document, as JSON would have it."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "laurel",
            "version": version("laurel-streams"),
            "description": (
                "Events that laurel takes and decisions that it publishes. Records are Avro single-object encoded (two "
                "marker bytes, the schema's CRC-64-AVRO fingerprint, the record) and keyed by customer id with Kafka's "
                "murmur2 partitioner. Read decisions with isolation.level=read_committed. Topics may carry a "
                "deployment's namespace before their names. Fields that end in _sealed hold free text under a key of its "
                "person: a byte of version (1), 16 of key id, 12 of nonce, AES-256-GCM's ciphertext and tag; the additional "
                "data are the version, the key id, the customer id, a zero byte, and the record's name, a dot and the "
                "field's. Examples show bytes as base64."
            ),
        },
        "defaultContentType": "avro/binary",
        "channels": {topic.name: _channel(topic) for topic in PUBLIC},
        "operations": {
            ("take-" if topic.writer == "upstream" else "publish-") + topic.name: {
                "action": "receive" if topic.writer == "upstream" else "send",
                "channel": {"$ref": f"#/channels/{topic.name}"},
                "summary": topic.about,
            }
            for topic in PUBLIC
        },
        "components": {"messages": {kind.__name__: _message(kind) for topic in PUBLIC for kind in topic.types}},
    }


def _channel(topic: Topic) -> dict[str, Any]:
    names = [kind.__name__ for kind in topic.types]
    return {
        "address": topic.name,
        "description": topic.about,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
    }


def _message(kind: type) -> dict[str, Any]:
    schema = load_schema(kind.__name__)
    return {
        "name": kind.__name__,
        "summary": schema["doc"],
        "bindings": {
            "kafka": {
                "key": {
                    "type": "string",
                    "description": (
                        "the customer id; programme for a command that concerns everybody, reward/ and its id for a reward's "
                        "stock. No customer is called so, or by a name that opens with agent/ or reward/"
                    ),
                },
                "bindingVersion": "0.5.0",
            }
        },
        "payload": {"schemaFormat": AVRO, "schema": schema},
        "examples": [{"name": "everything", "payload": to_builtins(example(kind))}],
    }


def page() -> str:
    """The document as YAML."""
    return HEAD + yaml.safe_dump(document(), sort_keys=False, allow_unicode=True, width=120)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
