"""The JSON schema of policy files says what the type says, so that editors agree with `laurel policy check`."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from deploy.contracts import policy_schema
from processors.policy import Policy, parse
from tests.processors.story import policy_with

VALIDATOR = Draft202012Validator(json.loads(policy_schema.PAGE.read_text(encoding="utf-8")))
FILES = ("processors/default_policy.yaml", "deploy/demo/policy.yaml")


def test_the_schema_is_that_of_the_type() -> None:
    """If not: `uv run python -m deploy.contracts.policy_schema`."""
    assert policy_schema.PAGE.read_text(encoding="utf-8") == policy_schema.page()
    Draft202012Validator.check_schema(VALIDATOR.schema)


@pytest.mark.parametrize("name", FILES)
def test_our_files_fulfil_it_and_name_it(name: str) -> None:
    text = Path(name).read_text(encoding="utf-8")
    VALIDATOR.validate(yaml.safe_load(text))
    head, _, path = text.splitlines()[0].partition("$schema=")
    assert head == "# yaml-language-server: "
    assert (Path(name).parent / path).resolve() == policy_schema.PAGE


@pytest.mark.parametrize(
    "changes",
    [
        {"version": ""},
        {"version": "#1"},
        {"currency": "GLD"},
        {"missing_day": "never"},
        {"grace_days": -1},
        {"grace_days": 1.5},
        {"tiers": []},
        {"lifetime_value": {"goods": 1}},
        {"routing": {"tiers": {"gold": {"priority": -1}}}},
        {"routing": {"tiers": {"gold": {"queues": "x"}}}},
        {"surplus": 1},
    ],
)
def test_it_refuses_what_the_type_refuses(changes: dict[str, Any]) -> None:
    document = policy_with(changes)
    assert not isinstance(parse(json.dumps(document)), Policy)
    assert not VALIDATOR.is_valid(document)
