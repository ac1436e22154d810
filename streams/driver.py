"""Both stages over logs in memory: the whole engine without a broker, for simulation, tests and verification (D10).

The same `Intake`, the same `Partitions`, the same fold; only the log is another.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from schemas.codec import encode
from schemas.events import PolicyActivated
from schemas.partitions import murmur2, reserved
from schemas.topics import INTAKE
from state.memory import MemoryStore
from state.partition import PartitionState
from streams.batches import Folded
from streams.clock import EventsClock, WallClock
from streams.customers import Fold, Partitions
from streams.folding import fold
from streams.intake import Intake
from streams.kafka import Place
from streams.keychain import MemoryKeys
from streams.records import Outgoing, Record
from streams.restoring import Tables
from streams.translation import Schemas


class FoldStoppedError(Exception):
    """A rule raised, and the message names record and unit; or a schema is not known yet."""


class Logs:
    """Topics as lists; offsets are places in them."""

    def __init__(self, partitions: int) -> None:
        self.partitions = partitions
        self._records: defaultdict[Place, list[Record]] = defaultdict(list)

    def append(self, record: Outgoing) -> int:
        """Write a record where its key belongs, or where it says; returns its offset."""
        partition = record.partition
        if partition is None:
            # By its bytes, as a producer does it: upstream's keys need not be text, or subjects.
            partition = (murmur2(record.key or b"") & 0x7FFFFFFF) % self.partitions
        log = self._records[record.topic, partition]
        log.append(
            Record(
                record.topic,
                partition,
                len(log),
                record.timestamp or 0,
                record.key,
                record.value,
                tuple(record.headers),
            )
        )
        return len(log) - 1

    def since(self, place: Place, offset: int, limit: int | None = None) -> list[Record]:
        """Records of a partition from an offset on."""
        return self._records[place][offset : None if limit is None else offset + limit]

    def all(self, topic: str) -> Iterator[Record]:
        """Every record of a topic, partition by partition."""
        for partition in range(self.partitions):
            yield from self._records[topic, partition]


class Driver:
    """A whole laurel in memory. Publish into it, `run` it, read its logs."""

    def __init__(
        self,
        policy: PolicyActivated,
        clock: EventsClock | WallClock,
        partitions: int = 4,
        batch_size: int = 1_000,
        fold: Fold = fold,
        schemas: Schemas | None = None,
    ) -> None:
        self.logs = Logs(partitions)
        self.keys = MemoryKeys()
        self.intake = Intake(clock, partitions, batch_size, self.keys, schemas=schemas)
        self.customers = Partitions(Tables(), fold, partitions)
        self._given: dict[Place, int] = {(topic, n): 0 for topic in INTAKE for n in range(partitions)}
        self._folded = dict.fromkeys(range(partitions), 0)
        self._batch_size = batch_size
        for place in self._given:
            self.intake.begin(place, 0)
        self.intake.merge.at_end = set(self._given)
        for partition in range(partitions):
            self.customers.states[partition] = PartitionState(MemoryStore())
            self.logs.append(
                Outgoing("timeline", reserved(partition).encode(), encode(policy), partition, policy.effective_from)
            )

    def publish(self, records: Iterable[Outgoing]) -> None:
        """Put records on the sources."""
        for record in records:
            self.logs.append(record)

    def run(self) -> int:
        """Fold until nothing moves any more; returns how many records were appended to timeline and dead letters."""
        appended = 0
        while True:
            taken = self._commit(_unstopped(self.intake.fold(self._fresh())))
            appended += taken
            folded = [self._fold_timeline(partition) for partition in self._folded]
            if not taken and not any(folded):
                return appended

    def _fresh(self) -> list[Record]:
        fresh = []
        for place, given in self._given.items():
            records = self.logs.since(place, given)
            self._given[place] = given + len(records)
            fresh += records
        return fresh

    def _fold_timeline(self, partition: int) -> int:
        moved = 0
        while records := self.logs.since(("timeline", partition), self._folded[partition], self._batch_size):
            self._commit(_unstopped(self.customers.fold(records)))
            self._folded[partition] += len(records)
            moved += len(records)
        return moved

    def _commit(self, folded: Folded | None) -> int:
        if folded is None:
            return 0
        for record in folded.outgoing:
            self.logs.append(record)
        folded.settle({partition: self.logs.append(record) for partition, record in folded.markers.items()})
        return len(folded.outgoing)


def _unstopped(folded: Folded | None) -> Folded | None:
    if folded is not None and folded.stopped:
        raise FoldStoppedError(next(iter(folded.stopped.values())))
    return folded
