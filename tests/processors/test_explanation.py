"""Conditions are what was evaluated, and decisions can be found again."""

import ast
from pathlib import Path
from uuid import UUID, uuid5

import pytest

from processors.explanation import Fact, Operator, compare
from schemas.decided import Decided
from schemas.decisions import AtRiskRetracted, ContactRouted, ReturnDecided
from tests.processors.story import Story, only


@pytest.mark.parametrize(
    ("value", "how", "threshold", "holds"),
    [
        (1, ">=", 1, True), (0, ">=", 1, False),
        (1, "<=", 1, True), (2, "<=", 1, False),
        (2, ">", 1, True), (1, ">", 1, False),
        (0, "<", 1, True), (1, "<", 1, False),
        ("a", "=", "a", True), ("a", "=", "b", False),
        ("gold", "in", "gold, platinum", True), ("gol", "in", "gold, platinum", False), ("gold", "in", "", False),
        ("2024-02-29", ">=", "2024-02-28", True),
        (None, "<", 1, False), (1, "<", None, False), (None, "=", None, False),
    ],
)  # fmt: skip
def test_a_condition_is_created_by_comparing_t_48(value: Fact, how: Operator, threshold: Fact, holds: bool) -> None:
    condition = compare("gold", "fact", value, how, threshold)
    assert (condition.of, condition.name, condition.value, condition.operator, condition.threshold) == (
        "gold", "fact", value, how, threshold,
    )  # fmt: skip
    assert condition.holds is holds


def test_nobody_else_creates_a_condition_t_48() -> None:
    """An explanation cannot drift from the evaluation if only `compare` makes conditions."""
    makers = [
        path.name
        for path in Path("processors").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Condition"
    ]
    assert makers == ["explanation.py"]


def told() -> list[Decided]:
    story = Story()
    story.register("2014-01-01")
    story.order("2024-01-01", "2000.00")
    story.send_back("2024-01-02")
    story.contact("2024-01-03")
    story.tick("2024-06-01")
    return story.decided()


def moved(decision: Decided) -> dict[str, str | None]:
    return {each.name: each.moved_by for each in decision.conditions}


def test_the_conditions_of_a_return_name_what_told_of_the_order_t_48() -> None:
    story = Story()
    story.order("2024-01-01", "20.00", event="placed", quantity=3)
    first = only(story.send_back("2024-01-02", 1, back="b1", event="first"), ReturnDecided)
    assert moved(first) == {
        "tier_at_request": None,
        "order_known": "orders/placed",
        "order_cancelled": "orders/placed",
        "units_left_of_l1": "orders/placed",
        "requested_at": "returns/first",
        "amount_minor": "returns/first",
        "returns_in_6_months": "returns/first",
    }
    story.cancel("2024-01-03", event="cancelled")
    second = only(story.send_back("2024-01-04", 9, back="b2", event="second"), ReturnDecided)
    assert second.verdict == "deny", "what was denied reserves nothing"
    third = only(story.send_back("2024-01-05", 1, back="b3", event="third"), ReturnDecided)
    for each in (second, third):
        assert moved(each)["units_left_of_l1"] == "returns/first"
        assert moved(each)["order_cancelled"] == "orders/cancelled"


def test_the_tier_at_the_order_was_moved_by_the_order_t_48() -> None:
    story = Story({"returns": {"tier_at": "order"}})
    story.order("2024-01-01", "20.00", event="placed")
    decision = only(story.send_back("2024-01-02"), ReturnDecided)
    assert moved(decision)["tier_at_order"] == "orders/placed"


def test_a_retraction_names_the_order_that_broke_the_silence_t_48() -> None:
    story = Story()
    story.register("2014-01-01")
    story.order("2024-01-01", "2000.00")
    story.tick("2024-06-01")
    retraction = only(story.order("2024-02-10", "1.00", "o2", event="late"), AtRiskRetracted)
    assert moved(retraction) == {"silent_days": "orders/late"}


def test_a_decision_names_the_currency_of_its_amounts() -> None:
    story = Story({"currency": "EUR"})
    story.order("2024-01-01", "20.00")
    assert {each.currency for each in [*told(), *story.send_back("2024-01-02")] if isinstance(each, Decided)} == {
        "USD",
        "EUR",
    }


def test_a_decision_has_the_same_id_in_every_replay_d7() -> None:
    assert [each.decision_id for each in told()] == [each.decision_id for each in told()]
    assert len({each.decision_id for each in told()}) == len(told()) == 6


def test_the_id_is_made_of_customer_cause_kind_and_object_d7() -> None:
    """Ids are for ever: whoever changes how they are made breaks every consumer that stored one."""
    routed = only(Story().contact("2024-01-01", "k1", event="c7"), ContactRouted)
    namespace = UUID("73b459ea-8a46-5d11-8799-6d390b1ae461")
    assert routed.decision_id == str(uuid5(namespace, "ada\x1fsupport/c7\x1fContactRouted\x1fk1"))


def test_a_decision_names_its_cause_and_origin_d7() -> None:
    story = Story()
    story.order("2024-01-01", "20.00")
    offset = story.offset + 1  # after the tick
    decision = only(story.send_back("2024-01-02", event="r7"), ReturnDecided)
    assert decision.cause == "returns/r7"
    assert (decision.origin.topic, decision.origin.partition, decision.origin.offset) == ("timeline", 0, offset)
    assert (decision.generation, decision.policy_version, decision.rules_version) == ("live", "default-1", 1)
    assert decision.decided_at == story.at("2024-01-02")
