"""Several partitions that tell each other things: what one tells another keeps its order, all else comes as it likes."""

import json
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from processors.customer import CUSTOMERS, Customer
from processors.effects import Effect, Entry, Send
from processors.rows import Table
from processors.step import step
from schemas import events as e
from schemas.codec import decode, encode
from schemas.profiles import CustomerProfile
from schemas.source import SourceEvent
from schemas.topics import TOPIC_OF
from state.memory import MemoryStore
from state.overlay import Overlay
from tests.processors.story import policy_with

T = TypeVar("T")
START = 788_918_400_000
"""1995: the policy is in force since then."""


class Network:
    """`home` says on which partition a subject is. Sources and messages are queues; `move` takes from one of them."""

    def __init__(self, home: Mapping[str, int], policy: Mapping[str, Any] | None = None) -> None:
        self.home = home
        self.stores = {number: MemoryStore() for number in sorted({*home.values()})}
        self.queues: defaultdict[tuple[int, int], deque[tuple[str, Any, int]]] = defaultdict(deque)
        self.offsets = dict.fromkeys(self.stores, 0)
        self.effects: list[Effect] = []
        self.most_hops = 0
        document = policy_with(policy)
        for number in self.stores:
            activated = e.PolicyActivated("first", document["version"], START, json.dumps(document))
            self._fold(number, f"#{number}", activated, 0)

    def publish(self, events: Iterable[SourceEvent]) -> None:
        """Upstream publishes: events of one partition stay in order."""
        for event in events:
            number = self.home[event.subject]
            self.queues[-1, number].append((event.subject, event, 0))

    def tick(self, at: int) -> None:
        """The clock of every partition is there."""
        for number in self.stores:
            self._fold(number, f"#{number}", e.ClockTicked(at, 0), 0)

    def waiting(self) -> list[tuple[int, int]]:
        """Queues that hold something."""
        return sorted(queue for queue, records in self.queues.items() if records)

    def move(self, queue: tuple[int, int]) -> list[Effect]:
        """The first of a queue is folded."""
        subject, event, hops = self.queues[queue].popleft()
        self.most_hops = max(self.most_hops, hops)
        return self._fold(queue[1], subject, event, hops)

    def run(self, choose: Callable[[Sequence[tuple[int, int]]], tuple[int, int]] = lambda queues: queues[0]) -> None:
        """Until nothing waits."""
        while queues := self.waiting():
            self.move(choose(queues))

    def _fold(self, number: int, subject: str, event: Any, hops: int) -> list[Effect]:
        rows = Overlay(self.stores[number])
        event, source = decode(encode(event)), TOPIC_OF.get(type(event), "messages")
        entry = Entry("timeline", number, self.offsets[number], 0, subject, event, encode(event), source)
        self.offsets[number] += 1
        effects = step(rows, entry)
        rows.keep()
        self.stores[number].write(rows.changes())
        self.effects += effects
        for each in effects:
            if isinstance(each, Send) and not each.subject.startswith("#"):
                onward = 1 if each.new else hops + 1
                self.queues[number, self.home[each.subject]].append((each.subject, each.event, onward))
        return effects

    def all(self, kind: type[T]) -> list[T]:
        """All decisions of a kind so far."""
        return [each for each in self.effects if isinstance(each, kind)]

    def row(self, customer: str) -> Customer:
        """A customer's row."""
        return self.get(CUSTOMERS, customer) or Customer()

    def get(self, table: Table[Any], *key: str) -> Any:
        """A row of the partition on which its customer is at home."""
        return Overlay(self.stores[self.home[key[0]]]).get(table, *key)

    def profiles(self) -> dict[str, CustomerProfile]:
        """What `customer-profiles` comes to."""
        return {each.customer_id: each for each in self.all(CustomerProfile)}
