"""How much waits in this worker's partitions, and since when: measured beside the work, for whoever watches."""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

import structlog
from confluent_kafka import Consumer, KafkaException

from streams.clock import now_ms
from streams.kafka import Place, member, positions, reader
from streams.reading import first, watermarks
from streams.settings import Settings
from streams.watch import Watch

if TYPE_CHECKING:
    from streams.batches import Stage

log = structlog.get_logger()
LOOK_S = 5.0


class Waiting(NamedTuple):
    """What an agent has before it in a partition: offsets, and a timestamp that nothing of it is older than."""

    agent: str
    topic: str
    offsets: int
    since: int


class Backlog:
    """Looks again and again, in a thread of its own. While the broker is away, `waiting` is as it was."""

    def __init__(self, settings: Settings, stages: Callable[[], Mapping[str, "Stage"]]) -> None:
        self._settings = settings
        self._stages = stages
        self._consumers: dict[str, Consumer] = {}
        self._since: dict[tuple[str, Place], int] = {}
        """For each partition claimed: what waits is not older, ms."""
        self._beyond: dict[tuple[str, Place], int] = {}
        """Ends that readers had been told of, beyond which the last look found more."""
        self._watch = Watch("backlog", self._try, LOOK_S, LOOK_S)
        self.waiting: list[Waiting] = []
        """Of each partition claimed."""

    def start(self) -> None:
        """Look at once, and go on until `stop`."""
        self._watch.start()

    def stop(self) -> None:
        """Stop looking."""
        self._watch.stop()

    def _try(self) -> None:
        try:
            self.look()
        except KafkaException as error:
            log.debug("backlog_unknown", because=str(error))
            for stage in self._stages().values():
                stage.membership.ends = {}
            self._consumers.clear()  # a new one asks anew who has what

    def look(self) -> None:
        """Measure once. Raises `KafkaException`."""
        found = [waiting for stage in self._stages().values() for waiting in self._of(stage)]
        claimed = {(stage.name, place) for stage in self._stages().values() for place in stage.membership.claims.copy()}
        self._since = {key: since for key, since in self._since.items() if key in claimed}
        self.waiting = found

    def _of(self, stage: "Stage") -> Iterator[Waiting]:
        asked, places = now_ms(), list(stage.membership.claims.copy())
        if not places:
            return
        # In this order: whoever was seen with nothing left had committed before its position was asked for.
        emptied = stage.emptied()
        full = [self._full(place) for place in places]
        committed, ends = self._positions(stage.name, full), self._ends(full)
        stage.membership.ends = {place: end for place, (_, end) in zip(places, ends, strict=True)}
        for place, (low, end), passed in zip(places, ends, committed, strict=True):
            position = max(low, passed)  # what is gone waits for nobody
            offsets = 0 if self._ended(stage.name, place, emptied.get(place), end) else max(0, end - position)
            if not offsets:
                self._since[stage.name, place] = asked
            elif (stage.name, place) not in self._since:
                self._since[stage.name, place] = self._first(place, position)
            since = max(self._since[stage.name, place], stage.counts.taken_at.get(place, 0))
            yield Waiting(stage.name, place[0], offsets, since)

    def _ended(self, agent: str, place: Place, told: int | None, end: int) -> bool:
        """Whether a partition has no more than its reader was told of an end, which it may be told of a little later."""
        if told is None or told >= end:
            return told is not None
        before, self._beyond[agent, place] = self._beyond.get((agent, place)), told
        return before != told

    def _full(self, place: Place) -> Place:
        return self._settings.topic(place[0]), place[1]

    def _positions(self, agent: str, places: list[Place]) -> list[int]:
        # As last committed, whatever transaction is pending: what is asked for stable positions waits for it.
        told = member(self._settings, agent) | {"isolation.level": "read_uncommitted"}
        found = positions(self._kept(agent, lambda: Consumer(told)), places)
        return [found[place] or 0 for place in places]

    def _ends(self, places: list[Place]) -> list[tuple[int, int]]:
        consumer = self._kept("ends", lambda: reader(self._settings))
        return [watermarks(consumer, place) for place in places]

    def _kept(self, name: str, make: Callable[[], Consumer]) -> Consumer:
        """A consumer that only asks, from look to look the same."""
        if name not in self._consumers:
            self._consumers[name] = make()
        return self._consumers[name]

    def _first(self, place: Place, position: int) -> int:
        """The timestamp of the first record that waits; of a partition that is new here, and has not moved yet."""
        found = first(self._settings, self._full(place), position)
        return now_ms() if found is None else found.timestamp
