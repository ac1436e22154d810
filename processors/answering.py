"""Answers to commands of people: once each, accepted or refused, with every condition (T-15, T-43, R-MAN-05..08)."""

from collections.abc import Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from processors.customer import Customer
from processors.designation import Designation
from processors.explanation import Because, compare, head
from processors.rows import Rows, Table
from schemas.commands import Command
from schemas.decided import Condition
from schemas.decisions import CommandAnswered
from schemas.rewards import RewardStocked


class Answered(Struct, frozen=True, array_like=True):
    """A command that was answered: recognises a repeated one for ever (T-15)."""

    at: int
    verdict: str


class Asked(Struct, frozen=True, array_like=True):
    """Of a command what its answer says: some are answered later than they are heard."""

    command: str
    event_id: str
    author_id: str
    role: str

    @classmethod
    def of(cls, command: Command | RewardStocked) -> "Asked":
        """Of a command that was just given."""
        return cls(type(command).__name__, command.event_id, command.author_id, command.role)


def permitted(role: str, allowed: Iterable[str], cause: str) -> Condition:
    """Whether a command's role is one of those that may give it (T-43)."""
    return compare("permission", "role", role, "in", ", ".join(allowed), cause)


COMMANDS = Table(
    "commands", b"n", Answered, "each command of a person that was answered, by whom it is about and event id"
)


def answered(rows: Rows, subject: str, command: Command | RewardStocked) -> bool:
    """Whether the command was answered before."""
    return rows.get(COMMANDS, subject, command.event_id) is not None


def answer(
    rows: Rows,
    now: int,
    because: Because,
    customer: Customer,
    asked: Asked,
    conditions: Sequence[Condition],
    stands: Designation | None = None,
) -> tuple[Customer, CommandAnswered]:
    """The answer: accepted if all that must hold does. The customer is the one that the command leaves behind.

    `stands` is the designation that holds after it.
    """
    decision = say(rows, now, because, customer.sequence, asked, conditions, stands)
    return replace(customer, sequence=decision.sequence), decision


def say(
    rows: Rows,
    now: int,
    because: Because,
    sequence: int,
    asked: Asked,
    conditions: Sequence[Condition],
    stands: Designation | None = None,
) -> CommandAnswered:
    """The answer of any subject, whose decisions so far are `sequence` in number."""
    accepted = all(condition.holds for condition in conditions)
    verdict = "accepted" if accepted else "refused"
    rows.put(COMMANDS, Answered(now, verdict), because.customer_id, asked.event_id)
    return CommandAnswered(
        **head(because, sequence + 1, CommandAnswered, asked.event_id, tuple(conditions)),
        command=asked.command,
        event_id=asked.event_id,
        author_id=asked.author_id,
        role=asked.role,
        verdict=verdict,
        designation_id=stands.designation_id if stands else None,
        designation_version=stands.version if stands else None,
    )
