"""Which policies the timeline says were put in force, and where."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from processors.policy import Policy, parse
from schemas.codec import decode, kind_of
from schemas.events import PolicyActivated
from schemas.partitions import reserved
from streams.console import progress
from streams.kafka import admin, partitions_of
from streams.reading import read_partitions
from streams.records import Record
from streams.settings import Settings

NO_POLICY = "no policy is in force; laurel topics create"
Advance = Callable[[int], None]


class Activation(NamedTuple):
    """A version that a partition's fold is under from this record on."""

    record: Record
    event: PolicyActivated

    @property
    def policy(self) -> Policy | None:
        """What it says; None where this code cannot read it, which the fold quarantines."""
        policy = parse(self.event.document)
        return policy if isinstance(policy, Policy) else None


def activations(settings: Settings, partition: int, advance: Advance) -> Iterator[Activation]:
    """Every activation on a partition, in order. It reads the whole partition."""
    own = reserved(partition).encode()
    for record in read_partitions(settings, "timeline", [partition]):
        advance(1)
        if record.key == own and kind_of(record.value) is PolicyActivated:
            event = decode(record.value)
            if isinstance(event, PolicyActivated):
                yield Activation(record, event)


def everywhere(settings: Settings, advance: Advance) -> dict[int, list[Activation]]:
    """The activations on each partition."""
    count = partitions_of(admin(settings), settings.topic("timeline"))
    return {partition: list(activations(settings, partition, advance)) for partition in range(count)}


def in_force() -> Policy | None:
    """The policy in force on partition 0, for a command: people see how far it has read."""
    with progress("records looked at", None) as advance:
        return next((each.policy for each in reversed(list(activations(Settings(), 0, advance)))), None)
