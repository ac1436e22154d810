"""The policy document: what is refused, where, and what would be right (errors are values)."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from processors.discretion import ROLES
from processors.policy import Policy, parse, rank
from processors.policy_errors import PolicyInvalid
from tests.processors.story import parsed_with, policy_with


def refused(changes: dict[str, Any]) -> PolicyInvalid:
    found = parse(json.dumps(policy_with(changes)))
    assert isinstance(found, PolicyInvalid)
    return found


@pytest.mark.parametrize("path", ["processors/default_policy.yaml", "deploy/demo/policy.yaml"])
def test_the_policies_in_the_repository_are_valid(path: str) -> None:
    document = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    assert isinstance(parse(json.dumps(document)), Policy)


def test_the_shipped_tiers_are_the_sources_r_tier_01_r_tier_02_r_tier_03() -> None:
    policy = parsed_with()
    tiers = [(tier.label, tier.lifetime_value_minor, tier.tenure_months) for tier in policy.tiers]
    assert tiers == [("Gold", 100_000, 12), ("Platinum", 250_000, 24), ("Diamond", 500_000, 36)]
    assert policy.at_risk.silent_days == 45  # R-RISK-01


def test_what_is_wrong_is_named_with_what_was_found_and_what_is_allowed() -> None:
    found = refused({"grace_days": -1})
    assert found == PolicyInvalid("$.grace_days", "-1", "Expected `int` >= 0")
    assert str(found) == "$.grace_days: found -1; allowed is Expected `int` >= 0"


"""The start of the mapping: whose entry it is, no path tells."""


@pytest.mark.parametrize(
    ("changes", "path", "found"),
    [
        ({"time_zone": "Mars/Olympus"}, "$.time_zone", "'Mars/Olympus'"),
        ({"time_zone": "../../etc/passwd"}, "$.time_zone", "'../../etc/passwd'"),
        ({"currency": "GLD"}, "$.currency", '"GLD"'),
        ({"missing_day": "never"}, "$.missing_day", '"never"'),
        ({"returns": {"tier_at": "delivery"}}, "$.returns.tier_at", '"delivery"'),
        ({"tiers": []}, "$.tiers", "[]"),
        (
            {"routing": {"tiers": {"bronze": {"queue": "q", "priority": 1, "response_minutes": 1}}}},
            "$.routing.tiers",
            "bronze",
        ),
        ({"lifetime_value": {"goods": 1}}, "$.lifetime_value.goods", "1"),
        ({"routing": {"tiers": {"gold": {"priority": -1}}}}, "$.routing.tiers.gold.priority", "-1"),
        ({"max_ahead_hours": 1.5}, "$.max_ahead_hours", "1.5"),
        ({"benefits": {"tiers": {"bronze": ["x"]}}}, "$.benefits.tiers", "bronze"),
        ({"labels": {"bronze": {"icon": "x"}}}, "$.labels", "bronze"),
        ({"roles": {"manager": ["fly"]}}, "$.roles.manager[0]", '"fly"'),
        ({"automatic": {"approval": "sometimes"}}, "$.automatic.approval", '"sometimes"'),
        ({"designations": {"review_days": 0}}, "$.designations.review_days", "0"),
    ],
)
def test_refused(changes: dict[str, Any], path: str, found: str) -> None:
    error = refused(changes)
    assert (error.path, error.found[: len(found)]) == (path, found)


def tier(name: str, floor: int) -> dict[str, Any]:
    return {"name": name, "label": name, "lifetime_value_minor": floor, "tenure_months": 0}


def test_tiers_ascend_and_have_names_of_their_own() -> None:
    per_tier = {"returns": {"rights": {"tiers": {}}}, "routing": {"tiers": {}}}
    double = refused({"tiers": [tier("gold", 1), tier("gold", 2)]} | per_tier)
    assert (double.path, double.found) == ("$.tiers[1].name", "gold")
    falling = refused({"tiers": [tier("gold", 2), tier("iron", 1)]} | per_tier)
    assert (falling.path, falling.found) == ("$.tiers[1].lifetime_value_minor", "1")


def test_an_unknown_field_is_a_mistake_not_a_comment() -> None:
    assert "grace_day" in str(refused({"grace_day": 3}))


def test_what_is_no_json_is_refused() -> None:
    assert isinstance(parse("name: yaml"), PolicyInvalid)
    assert isinstance(parse("[]"), PolicyInvalid)


def test_ranks() -> None:
    policy = parsed_with()
    assert [rank(policy, tier) for tier in (None, "gone", "gold", "platinum", "diamond")] == [0, 1, 2, 3, 4]


def test_a_document_from_before_people_decided_has_the_shipped_matrix_and_rules_c_05() -> None:
    sections = ("automatic", "roles", "designations", "benefits", "labels")
    shipped = policy_with()
    before = {name: section for name, section in shipped.items() if name not in sections}
    old, new = parse(json.dumps(before)), parse(json.dumps(shipped))
    assert isinstance(old, Policy)
    assert isinstance(new, Policy)
    assert old.roles == {role: tuple(actions) for role, actions in new.roles.items()} == dict(ROLES)
    assert old.automatic == new.automatic
    assert old.designations.review_days == new.designations.review_days
    assert old.benefits.tiers == {}


def test_who_may_what_is_c_05() -> None:
    policy = parsed_with()
    may = {role: set(actions) for role, actions in policy.roles.items()}
    assert may["manager"] < may["administrator"] < may["platform_admin"]
    assert may["manager"] >= {"add_designation", "change_designation", "remove_designation"}
    assert may["administrator"] - may["manager"] == {"configure_tiers"}
    assert may["platform_admin"] - may["administrator"] == {"change_automatic_rules"}
