"""The JSON schema of a policy file, from its type: `python -m deploy.contracts.policy_schema` writes it anew.

Editors that know YAML's language server read the line at the head of a policy file, and complete and check as one types.
"""

import json
from pathlib import Path

import msgspec

from processors.policy import Policy

PAGE = Path(__file__).with_name("policy.schema.json")


def page() -> str:
    """The schema as it stands in the file."""
    schema = msgspec.json.schema(Policy)
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "A policy of laurel"}
    text = json.dumps(head | schema, indent=2, ensure_ascii=False) + "\n"
    # Python's end of a text is not ECMA's, which JSON schemas are in.
    return text.replace(r'\\Z"', '$"')


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
