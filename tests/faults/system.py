"""A laurel of its own on a real broker: topics in a namespace, worker processes that can be hurt, a publisher."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from prometheus_client.parser import text_string_to_metric_families

from deploy.broker import local, runs
from schemas.topics import INTAKE, TOPICS
from streams import policies, topics
from streams.kafka import patiently
from streams.settings import Settings
from tests.faults.events import History
from tests.faults.oracle import Oracle
from tests.faults.publisher import Publisher

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

ROOT = Path(__file__).parents[2]
PARTITIONS = 4
PATIENCE_S = 180
"""When a wait is given up; no measure of anything, and far more than a loaded machine needs."""
LAUREL = (sys.executable, "-c", "from streams.cli import main; main()")
HURT = (sys.executable, "-m", "tests.faults.hurt_worker")
"""The same worker, with a fault inside: see that module."""
FULL = ("bash", "-c", 'ulimit -f 96; exec "$@"', "-", *LAUREL)
"""No file may grow beyond 96 KiB: RocksDB's log cannot be written on."""
Positions = dict[tuple[str, int], int]


class StuckError(AssertionError):
    """What was waited for did not come; the message ends with what the workers last said."""


class Worker:
    """One worker process under a name of its own; it may be started again and again."""

    def __init__(self, system: System, name: str) -> None:
        self.name = name
        self.log = system.directory / f"{name}.log"
        self._system = system
        self._process: subprocess.Popen[bytes] | None = None
        self.port = local.free_port()
        """Where it answers, however often it is started."""
        self._record = runs.own_run() / f"{system.namespace}{name}.pid"

    def start(self, command: tuple[str, ...] = (), **environment: object) -> Worker:
        """Start the process. Keyword arguments become its environment."""
        own = {"LAUREL_INSTANCE": self.name, "LAUREL_HEALTH_PORT": self.port, **environment}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*(command or self._system.command), "worker"],
                cwd=self._system.code,
                env=self._system.environment | to_text(own),
                stdout=log,
                stderr=log,
                # As a service manager starts it: Linux deals CPU to sessions, and each broker has one of its own. In one with this
                # process three workers and their load had a quarter of the machine, however much they had to do.
                start_new_session=True,
            )
        # The run's end ends it, even if this process is killed.
        runs.register(self._record, self._process.pid)
        return self

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The process that was started last."""
        assert self._process is not None
        return self._process

    @property
    def running(self) -> bool:
        """Whether it is up, or frozen."""
        return self._process is not None and self._process.poll() is None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to a process that must be there."""
        assert self.running, f"{self.name} ended by itself with {self.process.returncode}:\n{self.tail()}"
        self.process.send_signal(number)

    def kill(self) -> None:
        """`kill -9`."""
        self.signal(signal.SIGKILL)
        self.process.wait()

    def freeze(self) -> None:
        """Stop it where it stands; connections stay open and silent."""
        self.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self.signal(signal.SIGCONT)

    def terminate(self) -> int:
        """Ask it to drain; its exit code."""
        self.signal(signal.SIGTERM)
        return self.ended()

    def ended(self) -> int:
        """The exit code, once it has ended by itself; what it said last is shown where a test fails."""
        self._system.wait(lambda: not self.running, f"the end of {self.name}")
        print(f"{self.name} ended with {self.process.returncode}:\n{self.tail()}")
        return self.process.returncode

    def wipe(self) -> None:
        """Its disk is gone."""
        for folder in self.copies():
            shutil.rmtree(folder)

    def copies(self) -> list[Path]:
        """The folders of its tables, one a partition."""
        return sorted(self._system.data.glob(f"*/{self._system.namespace}-{self.name}/p*"))

    def said(self, event: str, after: int = 0) -> list[dict[str, Any]]:
        """Its log's lines of an event, from an offset of the file on."""
        lines = self.log.read_bytes()[after:].splitlines() if self.log.exists() else []
        found = (json.loads(line) for line in lines if line.startswith(b"{") and line.endswith(b"}"))
        return [line for line in found if line.get("event") == event]

    def mark(self) -> int:
        """Where its log ends now."""
        return self.log.stat().st_size if self.log.exists() else 0

    def turn_log(self) -> None:
        """Begin its log anew; what was said stays beside it."""
        old = sum(1 for _ in self.log.parent.glob(f"{self.log.name}.*"))
        self.log.rename(self.log.with_name(f"{self.log.name}.{old}"))

    def ready(self) -> dict[str, Any]:
        """What it answers on /ready; empty while it does not."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/ready", timeout=5) as answer:
                return dict(json.load(answer))
        except urllib.error.HTTPError as refusal:
            with refusal:
                return dict(json.load(refusal))
        except OSError:
            return {}

    def counted(self, metric: str) -> dict[str, int]:
        """What it answers on /metrics for a counter with one label: its value for each."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=30) as answer:
            families = text_string_to_metric_families(answer.read().decode())
        samples = (sample for family in families for sample in family.samples if sample.name == metric)
        return {next(iter(sample.labels.values())): int(sample.value) for sample in samples}

    def tail(self, lines: int = 25) -> str:
        """The end of its log."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(f"  {self.name}: {line[:600]}" for line in text.splitlines()[-lines:])

    def last_words(self) -> str:
        """What it answers, the end of its log, and at what each of its threads was; it ends with that."""
        answers, mark = self.ready(), self.mark()
        if self.running:
            self.process.send_signal(signal.SIGABRT)
            with contextlib.suppress(subprocess.TimeoutExpired):  # frozen
                self.process.wait(5)
        threads = self.log.read_bytes()[mark:].decode(errors="replace") if self.log.exists() else ""
        return f"  {self.name} answered {answers}\n{self.tail()}\n{threads}"

    def stop(self) -> None:
        """End it, whatever state it is in."""
        if self.running:
            self.process.kill()
        if self._process is not None:
            self._process.wait()
        self._record.unlink(missing_ok=True)


class System:
    """Topics, publisher, workers; and the oracle that judges them."""

    def __init__(self, bootstrap: str, namespace: str, directory: Path, seed: int, **environment: object) -> None:
        self.bootstrap, self.namespace, self.directory = bootstrap, namespace, directory
        self.command = LAUREL
        """How a worker is started where nothing else is said."""
        self.code = ROOT
        """Where the code is that runs."""
        self.data = directory / "data"
        given = {
            "LAUREL_BOOTSTRAP": bootstrap,
            "LAUREL_NAMESPACE": namespace,
            "LAUREL_CONFIG": os.devnull,
            "LAUREL_DATA_DIR": self.data,
            "LAUREL_TICK_EVERY_S": 1,
            "LAUREL_TICK_IDLE_S": 1,
            "LAUREL_BATCH_SIZE": 200,
            "LAUREL_SESSION_TIMEOUT_MS": 2000,
            "LAUREL_TRANSACTION_TIMEOUT_MS": 3000,
            "NO_COLOR": 1,
            **environment,
        }
        others = {name: value for name, value in os.environ.items() if not name.startswith("LAUREL_")}
        self.environment = others | to_text(given)
        self.settings = Settings(bootstrap=bootstrap, namespace=namespace, data_dir=self.data)
        self.publisher = Publisher(bootstrap, namespace, History(seed))
        self.kept_twice = 0
        """Records that the broker keeps twice of one that it acknowledged once."""
        self.workers: dict[str, Worker] = {}
        self.oracle = Oracle(bootstrap, namespace, PARTITIONS)
        self._admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 2})

    def create(self) -> System:
        """Create the topics."""
        replicas = min(3, len(self._admin.list_topics(timeout=10).brokers))
        topics.create(self.settings, PARTITIONS, replicas, policies.activation(policies.default_file()))
        return self

    def worker(self, name: str) -> Worker:
        """The worker of a name; not started."""
        return self.workers.setdefault(name, Worker(self, name))

    def start(self, *names: str, **environment: object) -> list[Worker]:
        """Start workers and wait until they do their work."""
        started = [self.worker(name).start(**environment) for name in names]
        self.await_running(*started)
        return started

    def laurel(self, *words: object) -> subprocess.CompletedProcess[str]:
        """Run the command."""
        command = [*LAUREL, *map(str, words)]
        return subprocess.run(command, cwd=self.code, env=self.environment, capture_output=True, text=True, check=False)

    def wait(self, done: Callable[[], bool], what: str | Callable[[], str], every_s: float = 0.1) -> None:
        """Wait until something is so. Raises `StuckError`, which says what has not come."""
        deadline = time.monotonic() + PATIENCE_S
        while not done():
            if time.monotonic() > deadline:
                told = what if isinstance(what, str) else what()
                words = "\n".join(worker.last_words() for worker in self.workers.values())
                raise StuckError(f"waited in vain for {told}\n{words}")
            time.sleep(every_s)

    def await_running(self, *workers: Worker) -> None:
        """Wait until workers say that they are running, each with partitions of its own."""

        def runs(worker: Worker) -> bool:
            said = worker.ready()
            return said.get("state") == "running" and all(said["partitions"].values())

        for worker in workers:
            self.wait(lambda worker=worker: runs(worker), f"{worker.name} to be running")

    def positions(self, agent: str) -> Positions:
        """The committed positions of an agent's group, by bare topic and partition."""
        topics = ("timeline",) if agent == "customers" else INTAKE
        places = [TopicPartition(self.namespace + topic, n) for topic in topics for n in range(PARTITIONS)]

        def ask() -> list[TopicPartition]:
            # Not the admin client: after a broker's restart it asks its coordinator in vain for ever, or crashes.
            client = {
                "bootstrap.servers": self.bootstrap,
                "group.id": f"{self.namespace}laurel-{agent}",
                "log_level": 2,
            }
            consumer = Consumer(client | {"isolation.level": "read_uncommitted"})
            try:
                return consumer.committed(places, timeout=2)  # it measures: what it waits would be added
            finally:
                consumer.close()

        return {
            (place.topic.removeprefix(self.namespace), place.partition): place.offset
            for place in patiently("positions", ask)
            if place.offset >= 0
        }

    def await_progress(self, before: Positions | None = None, meanwhile: Callable[[], None] = lambda: None) -> None:
        """Wait until every partition of the timeline was written to and folded further; ticks see that there is more."""
        before = self.positions("customers") if before is None else before
        behind = {("timeline", partition) for partition in range(PARTITIONS)}

        def moved() -> bool:
            meanwhile()
            now = self.positions("customers")
            behind.difference_update([place for place in behind if now.get(place, 0) > before.get(place, 0) + 2])
            return not behind

        self.wait(moved, lambda: f"progress of {sorted(behind)}", 0.5)

    def await_idle(self, unless: Collection[int] = ()) -> None:
        """Wait until all that was acknowledged is on the timeline and folded, or in the dead letters.

        Partitions in `unless` are not waited for.
        """

        def taken() -> bool:
            self.oracle.read()
            return not self.oracle.missing(self.publisher.journal)

        def untaken() -> str:
            missing = sorted(self.oracle.missing(self.publisher.journal))
            return f"intake of {len(missing)} records, the first of them {missing[:5]}, from {self.positions('intake')}"

        self.wait(taken, untaken, 0.2)
        last = self.oracle.last_offsets()

        at: Positions = {}

        def behind() -> dict[int, int]:
            at.update(self.positions("customers"))
            return {n: end for n, end in last.items() if n not in unless and at.get(("timeline", n), 0) <= end}

        self.wait(lambda: not behind(), lambda: f"the fold beyond {behind()}, it stands at {at}", 0.2)

    def finish(self, **judged: Any) -> None:
        """Stop publishing, see that every partition still works, and let the oracle and `laurel verify` judge."""
        self.publisher.stop()
        self.await_idle()
        found = self.violations(**judged)
        assert found == [], found

    def violations(self, **judged: Any) -> list[str]:
        """What is wrong, according to the oracle and to `laurel verify`."""
        with ThreadPoolExecutor(1) as beside:
            verified = beside.submit(self.verify)
            self.oracle.read()
            self.kept_twice += self.publisher.recognize(self.oracle.unknown(self.publisher.journal))
            return self.oracle.violations(self.publisher.journal, **judged) + verified.result()

    def verify(self) -> list[str]:
        """What `laurel verify` finds wrong, with the tables of every worker."""
        done = self.laurel("verify", "--json")
        if done.returncode not in (0, 1) or not done.stdout:
            return [f"verify ended with {done.returncode}: {done.stderr[-2000:]}"]
        report = json.loads(done.stdout)
        return [] if report["verified"] else [f"verify: {line}" for line in report["first_differences"] or ["nothing"]]

    def forget_positions(self) -> None:
        """Remove both groups and so their positions, as the broker does when nobody came for a week."""
        for agent in ("intake", "customers"):
            group = f"{self.namespace}laurel-{agent}"

            refused: list[object] = []

            def removed(group: str = group, refused: list[object] = refused) -> bool:
                # A client of its own: the other asks whoever was coordinator when it asked last.
                asking = AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 2})
                refused[:] = [asking.delete_consumer_groups([group])[group].exception()]
                return refused == [None]  # refused while members that died are still counted

            self.wait(removed, lambda group=group, refused=refused: f"the end of group {group}: {refused}")

    def truncate(self, topic: str, offsets: dict[int, int]) -> None:
        """Remove a topic's records before some offsets, as retention does."""
        name = self.namespace + topic
        places = [TopicPartition(name, partition, offset) for partition, offset in offsets.items()]
        for future in self._admin.delete_records(places).values():
            future.result()

    def write(self, topic: str, key: bytes, value: bytes) -> None:
        """Write where nobody but laurel should."""
        producer = Producer({"bootstrap.servers": self.bootstrap, "log_level": 2})
        producer.produce(self.namespace + topic, value, key)
        assert producer.flush(30) == 0

    def leader(self, topic: str, partition: int) -> int:
        """The node that leads a partition."""
        name, node = self.namespace + topic, -1
        while node < 0:  # while none is elected
            node = self._admin.list_topics(name, timeout=10).topics[name].partitions[partition].leader
        return node

    def coordinator(self, agent: str) -> int:
        """The node that coordinates an agent's group; asked again while another is taking over."""
        group = self.settings.group(agent)

        def ask() -> int:
            described = self._admin.describe_consumer_groups([group], request_timeout=10)[group]
            return int(described.result().coordinator.id)

        return patiently(group, ask)

    def close(self) -> None:
        """End all that runs, and leave the broker as it was: thousands of partitions would slow down whoever follows."""
        for worker in self.workers.values():
            worker.stop()
        self.publisher.abandon()
        self.oracle.close()
        ours = [self.settings.topic(topic.name) for topic in TOPICS]
        for future in self._admin.delete_topics(ours, operation_timeout=30).values():
            future.exception()


def to_text(environment: dict[str, object]) -> dict[str, str]:
    """An environment as processes take it."""
    return {name: str(value) for name, value in environment.items()}
