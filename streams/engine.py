"""One worker's engine: its stages, from waiting for the broker to having drained."""

import asyncio
import faulthandler
import os
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Any

import structlog
from confluent_kafka import KafkaException

from schemas.topics import INTAKE, TOPICS
from streams import framing
from streams.backlog import Backlog
from streams.batches import BatchTopic, Stage, run
from streams.clock import EventsClock, WallClock
from streams.customers import CustomersWork, Fold
from streams.day_keys import DayKeys
from streams.health import Health
from streams.intake import Intake
from streams.kafka import TIMEOUT_S, admin, partitions_of, patiently, shown
from streams.lag import SourceLag
from streams.memory import collect_seldom
from streams.metrics import STATES, Metrics, Sample
from streams.positions import IntakeWork
from streams.presence import Presence
from streams.replicas import Replicas
from streams.restoring import Tables
from streams.samples import of_backlog, of_customers, of_keys, of_presence, of_replicas, of_stage
from streams.settings import Settings
from streams.topics import without_records

if TYPE_CHECKING:
    from streams.registry import Registry

log = structlog.get_logger()
STDERR = 2
"""Faust's worker has put its own log in the place of `sys.stderr`."""


class NotThereError(KafkaException):
    """Something that laurel needs is not on the broker yet."""

    class _Cause:
        def __init__(self, text: str) -> None:
            self._text = text

        def str(self) -> str:
            return self._text

    def __init__(self, text: str) -> None:
        super().__init__(self._Cause(text))


class Engine:
    """The stages that this worker runs, and what it says of itself."""

    def __init__(self, settings: Settings, fold: Fold, tables: Tables | None = None) -> None:
        self.settings = settings
        self.health = Health(self.state, Metrics(self.samples).page)
        self.stages: dict[str, Stage] = {}
        self._fold = fold
        self._tables = tables or Tables()
        self._customers: CustomersWork | None = None
        self._presence: Presence | None = None
        self._lag: SourceLag | None = None
        self._keys: DayKeys | None = None
        self._backlog: Backlog | None = None
        self._replicas: Replicas | None = None
        self._schemas: Registry | None = None
        self._everything = 0
        self._draining = False
        self.drained = asyncio.Event()

    def state(self) -> tuple[bool, str, dict[str, Any]]:
        """Whether this worker does its work, what it is doing, and the details."""
        stages = self.stages.copy()
        memberships = [stage.membership for stage in stages.values()]
        details: dict[str, Any] = {
            "partitions": {name: len(stage.membership.working) for name, stage in stages.items()}
        }
        stopped = {f"{topic}/{n}": why for m in memberships for (topic, n), why in m.stopped.items()}
        restoring = self._customers.restoring if self._customers else {}
        failing = [name for name, stage in stages.items() if stage.failing]
        presence = self._presence
        # The first that holds is what a person must know first. Each batch that fails has its partitions prepared again: were
        # that told first, nobody would hear of the failing for as long as an alert waits.
        troubles: tuple[tuple[bool, str, dict[str, Any]], ...] = (
            (self._draining, "draining", {}),
            (not memberships or not all(m.seat.taken for m in memberships), "waiting for broker", {}),
            (bool(stopped), "partitions stopped", {"stopped": stopped}),
            (bool(failing), "transactions failing", {"failing": failing}),
            (
                any(m.preparing for m in memberships),
                "restoring",
                {"rows": {n: {"done": p.done, "to_do": p.to_do} for n, p in restoring.copy().items()}},
            ),
            (
                self.settings.clock == "events" and "intake" in stages and not self._complete(),
                "waiting for every partition of the sources",
                {"because": "by the clock `events` one worker runs intake"},
            ),
            (
                presence is not None and not presence.clock_is_right,
                "clock is off",
                {"ahead_of_broker_ms": presence.drift_ms if presence else None},
            ),
        )
        for holds, state, more in troubles:
            if holds:
                return False, state, details | more
        return True, "running", details

    def samples(self) -> Iterator[Sample]:
        """Every metric as it is now."""
        stages = self.stages.copy()
        ready, state, _ = self.state()
        yield Sample("laurel_worker_ready", (), ready)
        for each in (*STATES, state):
            yield Sample("laurel_worker_state", (each,), each == state)
        for stage in stages.values():
            yield from of_stage(stage)
        if self._customers is not None:
            claims = stages["customers"].membership.claims.copy() if "customers" in stages else {}
            yield from of_customers(self._customers, {partition for _, partition in claims})
        if self._backlog is not None:
            yield from of_backlog(self._backlog)
        if self._presence is not None:
            yield from of_presence(self._presence)
        if self._keys is not None:
            yield from of_keys(self._keys)
        if self._replicas is not None:
            yield from of_replicas(self._replicas)

    async def work(self, topics: dict[str, BatchTopic]) -> None:
        """Run until `drain`. An error that nothing below handles ends the process: half a worker helps nobody (D1)."""
        threading.excepthook = lambda raised: self.die(raised.exc_value)
        collect_seldom()
        try:
            if self.settings.health_port:
                self.health.serve(self.settings.health_host, self.settings.health_port)
            saying = asyncio.create_task(self._attempt(self._keep_saying()))
            await self._attempt(asyncio.to_thread(self._build), self._is_draining)
            await asyncio.gather(*(self._attempt(run(stage, topics[name])) for name, stage in self.stages.items()))
            saying.cancel()
            await asyncio.to_thread(self._stop_measuring)
        except Exception as error:  # noqa: BLE001 - see above
            self.die(error)
        self.drained.set()

    def _stop_measuring(self) -> None:
        """Stop what runs beside the stages. It may take as long as a broker is silent; `drain` waits no longer than it may."""
        warm = self._customers.warm if self._customers else None
        for beside in (self._presence, self._keys, self._lag, self._backlog, self._replicas, warm):
            if beside is not None:
                beside.stop()
        if self._schemas is not None:
            self._schemas.close()

    async def _attempt(self, part: Awaitable[None], no_matter: Callable[[], bool] = lambda: False) -> None:
        """One of the engine's parts; what it raises ends all, but where a broker that is away does not matter any more."""
        try:
            await part
        except KafkaException as error:
            if not no_matter():
                self.die(error)
        except Exception as error:  # noqa: BLE001 - see `work`
            self.die(error)

    @staticmethod
    def die(error: BaseException | None) -> None:
        """End the process at once, as a crash would: nothing uncommitted can survive it, nothing committed is lost."""
        log.critical("worker_ends", exc_info=error)
        os._exit(70)

    async def drain(self) -> None:
        """Commit what is in hand, leave the groups, close the stores.

        Whoever asked for it soon kills: what cannot be finished in time ends as in a crash, which loses nothing either.
        """
        self._draining = True
        if self._customers is not None and self._customers.warm is not None:
            self._customers.warm.stopping.set()
        self.health.say()
        try:
            await asyncio.wait_for(self.drained.wait(), self.settings.drain_s)
        except TimeoutError:
            self.die(TimeoutError(f"not drained within {self.settings.drain_s} s"))

    def _complete(self) -> bool:
        """Whether this worker has every partition that intake reads."""
        return len(self.stages["intake"].membership.working) >= self._everything

    def _is_draining(self) -> bool:
        return self._draining

    async def _keep_saying(self) -> None:
        while True:
            self.health.say()
            for name, stage in self.stages.copy().items():
                if stage.hangs():
                    faulthandler.dump_traceback(STDERR)  # at what it stands still: nobody can ask it afterwards
                    self.die(
                        TimeoutError(
                            f"the agent {name} stands still: it takes no turn, and no call of Kafka's client returns"
                        )
                    )
            await asyncio.sleep(0.5)

    def _build(self) -> None:
        settings = self.settings
        # First: what is waited for below may be a broker that does not answer.
        self._replicas = Replicas(settings)
        self._replicas.start()
        asking = admin(settings)
        wanted = [settings.topic(topic.name) for topic in TOPICS]

        def look() -> str:
            there = shown(asking)
            if missing := [topic for topic in wanted if topic not in there]:
                raise NotThereError(
                    f"no such topics, or no right to them: {', '.join(missing)}; `laurel topics create`"
                )
            # A tick before the first policy would stand before it for ever, and no fold could get past.
            timeline = settings.topic("timeline")
            if without_records(settings, {(timeline, n) for n in range(there[timeline])}):
                raise NotThereError("no policy is in force yet: `laurel topics create` has not got so far")
            return str(asking.list_topics(timeout=TIMEOUT_S).cluster_id)

        cluster = patiently(f"topics at {settings.bootstrap}", look, self._is_draining)
        count = partitions_of(asking, settings.topic("timeline"))
        agents = settings.agents.split(",")
        if "intake" in agents:
            # Before there is a stage: what is waited for may be a broker that does not answer, and then nothing is left open.
            keys = DayKeys(settings, self._broker_ms)
            keys.start(self._is_draining)
            self._keys = keys
            self.stages["intake"] = self._intake(count, keys)
        if "customers" in agents:
            self._customers = CustomersWork(settings, cluster, self._tables, self._fold, count)
            if self._customers.warm is not None:
                self._customers.warm.start()
            frame = patiently(f"contracts at {settings.registry_url}", self._frame, self._is_draining)
            self.stages["customers"] = Stage(
                settings, "customers", [self._tables.source], self._customers, self._is_draining, frame
            )
        self._presence = Presence(
            settings,
            lambda: sum(stage.membership.rebalances for stage in self.stages.copy().values()),
            lambda: all(stage.membership.seat.taken for stage in self.stages.copy().values()),
        )
        self._presence.start()
        self._backlog = Backlog(settings, self.stages.copy)
        self._backlog.start()

    def _frame(self) -> framing.Frame:
        try:
            return framing.of_decisions(self.settings)
        except framing.RegistryError as error:
            raise NotThereError(str(error)) from error

    def _broker_ms(self) -> int | None:
        return None if self._presence is None else self._presence.broker_ms()

    def _intake(self, partitions: int, keys: DayKeys) -> Stage:
        settings = self.settings
        clock: EventsClock | WallClock
        if settings.clock == "events":
            clock = EventsClock(settings.time_zone, settings.max_jump_days)
        else:
            clock = WallClock(settings.tick_every_s, settings.tick_idle_s)
            self._lag = SourceLag(settings)
            self._lag.start()
        lag = self._lag
        self._schemas = framing.schemas(settings)
        intake = Intake(
            clock,
            partitions,
            settings.batch_size,
            keys,
            may_tick=lambda: self._presence is not None and self._presence.clock_is_right,
            behind_ms=lag.behind_ms if lag else lambda: 0,
            schemas=self._schemas,
        )
        asking = admin(settings)
        self._everything = sum(partitions_of(asking, settings.topic(topic)) for topic in INTAKE)
        work = IntakeWork(settings, intake, self._complete)
        stage = Stage(settings, "intake", list(INTAKE), work, self._is_draining)
        intake.merge.at_end = stage.membership.at_end
        return stage
