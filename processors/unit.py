"""What a unit of work comes upon: rows, clock, policy, and why it is done (D8)."""

from typing import Any

from msgspec import Struct

from processors.explanation import Because, identify
from processors.partition import Partition, named
from processors.policy import Policy
from processors.rows import Rows


class Unit(Struct, frozen=True):
    """One unit of work on one subject: `now` is the instant that rules evaluate, `policy` the version in force.

    It came into force with so many `activations`.
    """

    rows: Rows
    partition: Partition
    now: int
    policy: Policy
    activations: int
    because: Because

    @property
    def subject(self) -> str:
        """The subject whose rows this unit may write."""
        return self.because.customer_id

    def message(self, kind: type, *about: str) -> dict[str, Any]:
        """What every message to another subject carries: an id that follows from its cause, and the time (D6, D7)."""
        return {"message_id": identify(self.subject, self.because.cause, kind, "\x1f".join(about)), "at": self.now}

    def policy_of(self, version: str) -> Policy:
        """The policy that a row names as the one it was made under; the one in force where it names none."""
        return named(self.rows, version) if version else self.policy
