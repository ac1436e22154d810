"""What every decision carries, so that it explains itself and can be found again (D7).

Each type mirrors the file of its name in `schemas/avsc`, which documents every field; a test keeps them equal.
"""

from msgspec import Struct


class Condition(Struct, frozen=True):
    """One condition as the decision evaluated it: fact, value, operator, threshold and whether it holds (T-48).

    `moved_by` names what last moved the fact, as `Decided.cause` does.
    """

    of: str
    name: str
    value: int | str | None
    operator: str
    threshold: int | str | None
    holds: bool
    moved_by: str | None = None


class Origin(Struct, frozen=True):
    topic: str
    partition: int
    offset: int


class Decided(Struct, frozen=True, kw_only=True):
    """What every decision carries, so that it explains itself and can be found again (D7)."""

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
    currency: str | None = None
