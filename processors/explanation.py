"""Why: conditions that are created by comparing, and what every decision carries (D7, T-48).

There is no other comparison than `compare`: a rule asks the condition whether it holds, so that an explanation cannot
say anything else than the evaluation did.
"""

import operator
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypedDict
from uuid import UUID, uuid5

from msgspec import Struct

from schemas.decided import Condition, Decided, Origin

NAMESPACE = UUID("73b459ea-8a46-5d11-8799-6d390b1ae461")
"""Of decision ids, for ever: another one would give every past decision another id."""
Fact = int | str | None
Operator = Literal[">=", "<=", ">", "<", "=", "in"]
_OPERATORS: Mapping[Operator, Callable[[Any, Any], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "=": operator.eq,
    "in": lambda value, among: value in among.split(", "),
}


def compare(of: str, name: str, value: Fact, how: Operator, threshold: Fact, moved_by: str | None = None) -> Condition:
    """Compare a fact with a threshold. What is unknown (None) fulfils nothing.

    `moved_by` is the cause that last moved the fact, in the words of `Because.cause`; None where nothing ever did.
    """
    holds = value is not None and threshold is not None and _OPERATORS[how](value, threshold)
    return Condition(of, name, value, how, threshold, holds, moved_by)


class Because(Struct, frozen=True):
    """Who, when, where and from what a unit of work decides. `decided_at` is the log's time, not the rule's instant."""

    customer_id: str
    cause: str
    decided_at: int
    origin: Origin
    generation: str
    policy_version: str
    rules_version: int
    currency: str


class Head(TypedDict):
    """The fields that all decisions have in common."""

    decision_id: str
    customer_id: str
    sequence: int
    decided_at: int
    cause: str
    origin: Origin
    generation: str
    policy_version: str
    rules_version: int
    conditions: tuple[Condition, ...]
    currency: str


def identify(subject: str, cause: str, kind: type, about: str) -> str:
    """The id of what a cause leads to: the same in every replay, backfill and partition layout (D7)."""
    return str(uuid5(NAMESPACE, f"{subject}\x1f{cause}\x1f{kind.__name__}\x1f{about}"))


def head(because: Because, sequence: int, kind: type[Decided], about: str, conditions: tuple[Condition, ...]) -> Head:
    """The common fields of a decision; `about` is the object decided on (order, return, case, tier, silence)."""
    return {
        "decision_id": identify(because.customer_id, because.cause, kind, about),
        "customer_id": because.customer_id,
        "sequence": sequence,
        "decided_at": because.decided_at,
        "cause": because.cause,
        "origin": because.origin,
        "generation": because.generation,
        "policy_version": because.policy_version,
        "rules_version": because.rules_version,
        "conditions": conditions,
        "currency": because.currency,
    }
