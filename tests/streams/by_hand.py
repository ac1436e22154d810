"""Intake and customers by hand, on a real broker, so that a test decides what they write and when they stop."""

from collections import defaultdict
from collections.abc import Callable, Iterable

from schemas.codec import Rejected
from schemas.topics import INTAKE
from state.memory import MemoryStore
from state.partition import PartitionState
from streams.batches import Folded
from streams.burying import bury
from streams.customers import Partitions
from streams.folding import fold
from streams.intake import append, subject_of
from streams.kafka import Place
from streams.records import Outgoing, Record
from streams.restoring import Tables
from tests.streams.broker_keys import BrokerKeys
from tests.streams.systems import PARTITIONS, System

Edit = Callable[[list[Outgoing]], Iterable[Outgoing]]


class ByHand:
    """Both agents of a system whose worker never runs."""

    def __init__(self, system: System) -> None:
        self.system = system
        self._at: defaultdict[Place, int] = defaultdict(int)
        self._keys = BrokerKeys(system.settings)
        self._partitions = Partitions(Tables(), fold, PARTITIONS)
        self._partitions.states |= {n: PartitionState(MemoryStore()) for n in range(PARTITIONS)}

    def work(self, edit: Edit = list) -> None:
        """Take and fold until nothing is left; `edit` makes something else of what the fold publishes."""
        moved = True
        while moved:
            self.take()
            moved = self._fold(edit)

    def take(self, edit: Edit = list) -> None:
        """What intake does."""
        fresh = [record for topic in INTAKE for record in self._fresh(topic)]
        told = [(record, subject_of(record)) for record in fresh]
        self.system.write(
            list(
                edit([bury(r, what, self._keys) if isinstance(what, Rejected) else append(r, what) for r, what in told])
            )
        )
        self._commit("intake", {record.place for record in fresh})

    def _fold(self, edit: Edit) -> bool:
        folded = self._partitions.fold(self._fresh("timeline"))
        if folded is None:
            return False
        assert isinstance(folded, Folded)
        assert not folded.stopped
        self.system.write([*edit(folded.outgoing), *folded.markers.values()])
        folded.settle(dict.fromkeys(folded.markers, 0))
        self._commit("customers", set(folded.offsets))
        return True

    def _fresh(self, topic: str) -> list[Record]:
        fresh = [record for record in self.system.records(topic) if record.offset >= self._at[record.place]]
        self._at.update({record.place: record.offset + 1 for record in fresh})
        return fresh

    def _commit(self, agent: str, places: Iterable[Place]) -> None:
        for place in places:
            self.system.commit(agent, place, self._at[place])
