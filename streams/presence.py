"""Who runs: workers tell each other on the topic `workers`, learn the broker's clock from it, and fence the dead.

A dead worker's open transaction hides everything written after it until the broker times it out, 16 to 20 seconds
later. Whoever is left asks for the dead one's transactional id: the broker then aborts at once (D2, 0.7 s).
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

import msgspec
import structlog
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from schemas.topics import AGENTS
from streams.clock import now_ms
from streams.kafka import TIMEOUT_S, admin, client, groups, transactional
from streams.reading import read_all
from streams.settings import Settings
from streams.watch import Watch

log = structlog.get_logger()
ARRANGED = {"Stable", "Empty", "Dead"}
"""States of a group in which its members are those that there are."""
EVERY_S = 10.0
LOOK_S = 0.5


class Entry(msgspec.Struct):
    """What a worker writes of itself."""

    agents: list[str]


ENTRY = msgspec.json.Decoder(Entry)


def drift(asked: int, stamped: int, answered: int) -> int:
    """How far a clock is ahead of the broker's at least, from its stamp between our question and its answer, in ms."""
    if asked <= stamped <= answered:
        return 0
    return asked - stamped if stamped < asked else answered - stamped


class Presence:
    """This worker's entry among the workers; runs in a thread of its own."""

    def __init__(self, settings: Settings, rebalances: Callable[[], int], settled: Callable[[], bool]) -> None:
        self._settings = settings
        self._agents = settings.agents.split(",")
        self._rebalances = rebalances
        self._settled = settled
        # A worker that announced itself longer ago than a session may be fenced.
        self._every_s = min(EVERY_S, settings.session_timeout_ms / 2000)
        self._producer = Producer(client(settings, "presence") | {"enable.idempotence": True})
        self._watch = Watch("presence", self._look, LOOK_S, TIMEOUT_S)
        self._arranged, self._waited_s = 0, 0.0
        """The rebalances after which the absent were fenced; the time since this worker announced itself."""
        self.drift_ms: int | None = None
        """How far this machine's clock is ahead of the broker's, as last measured; None before."""
        self.fenced = Counter[str]()
        """How many transactional ids of absent workers this one has fenced, by agent."""

    @property
    def clock_is_right(self) -> bool:
        """Whether this worker may write ticks (D4)."""
        return self.drift_ms is not None and abs(self.drift_ms) <= self._settings.max_clock_drift_s * 1000

    def broker_ms(self) -> int | None:
        """The broker's clock, from this machine's and how far that is ahead; None before that was measured."""
        return None if self.drift_ms is None else now_ms() - self.drift_ms

    def start(self) -> None:
        """Announce this worker, and go on doing so."""
        self._announce()
        self._watch.start(LOOK_S)

    def stop(self) -> None:
        """Take this worker's entry back: it has nothing open that somebody would have to fence."""
        self._watch.stop()
        self._write(self._settings.instance, None)
        self._producer.flush(TIMEOUT_S)

    def _look(self) -> None:
        self._waited_s += LOOK_S
        try:
            if self._waited_s >= self._every_s:
                self._waited_s = 0
                self._announce()
            rebalances = self._rebalances()
            if rebalances != self._arranged and self._settled() and self._fence_absent():
                self._arranged = rebalances
        except KafkaException as error:
            log.warning("presence_postponed", because=error.args[0].str())

    def _announce(self) -> None:
        asked = now_ms()

        def delivered(error: KafkaError | None, message: Message) -> None:
            if error is None:
                self.drift_ms = drift(asked, message.timestamp()[1], now_ms())
                if not self.clock_is_right:
                    log.error("clock_is_off", ahead_of_broker_ms=self.drift_ms, effect="this worker writes no ticks")

        self._write(self._settings.instance, msgspec.json.encode(Entry(self._agents)), delivered)
        self._producer.flush(TIMEOUT_S)

    def _write(self, instance: str, value: bytes | None, delivered: Callable[..., None] | None = None) -> None:
        arguments: dict[str, Any] = {"on_delivery": delivered} if delivered else {}
        self._producer.produce(self._settings.topic("workers"), value, instance.encode(), **arguments)

    def _fence_absent(self) -> bool:
        """Fence every listed worker that is in no group; False if one of them, or of the groups, is to be looked at again."""
        present = {self._settings.instance}
        asking = admin(self._settings)
        for agent in AGENTS:
            for group in groups(asking, self._settings.group(agent)):
                if group.state not in ARRANGED:
                    return False
                present |= {member.client_id.removeprefix("laurel-").rpartition("-")[0] for member in group.members}
        done = True
        for instance in self._listed().keys() - present:
            # Anew for each: to fence takes its time, and meanwhile whoever is missed may have come back.
            entry = self._listed().get(instance)
            if entry is None:  # it took its leave, or another worker has fenced it
                continue
            agents, announced = entry
            # Whoever announced itself just now may be about to join, or have died right after it.
            if announced < now_ms() - self._settings.session_timeout_ms:
                self._fence(instance, agents)
            else:
                done = False
        return done

    def _listed(self) -> dict[str, tuple[list[str], int]]:
        listed: dict[str, tuple[list[str], int]] = {}
        for record in read_all(self._settings, "workers"):
            instance = (record.key or b"").decode(errors="replace")
            try:
                entry = record.value and ENTRY.decode(record.value)
            except msgspec.DecodeError as error:
                log.warning("worker_unreadable", worker=instance, because=str(error))
                entry = None
            if entry:
                listed[instance] = (entry.agents, record.timestamp)
            else:
                listed.pop(instance, None)
        return listed

    def _fence(self, instance: str, agents: list[str]) -> None:
        for agent in agents:
            transactional_id = self._settings.transactional_id(agent, instance)
            producer = Producer(transactional(self._settings, transactional_id))
            producer.init_transactions(TIMEOUT_S)
            self.fenced[agent] += 1
            log.warning("fenced", worker=instance, agent=agent)
        self._write(instance, None)
        self._producer.flush(TIMEOUT_S)
