"""Whole systems on a real broker: topics of their own, a worker as a process, and what they hold."""

import base64
import json
import os
import signal
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from deploy.broker.local import free_port
from schemas.codec import decode, to_json
from schemas.source import SourceEvent
from streams import policies, topics
from streams.kafka import TIMEOUT_S, Place, admin, client, patiently
from streams.progressing import wait_until_idle
from streams.publishing import publish
from streams.reading import bounds, read_all
from streams.records import Outgoing, Record
from streams.settings import Settings
from streams.transactions import send
from tests.streams.commands import START, Answer, environment, run

PARTITIONS = 2


MADE: list[tuple[str, str]] = []
"""Brokers and namespaces of this module's tests; the topics go with it."""


def own_namespace(bootstrap: str) -> str:
    """A prefix for topics, groups and transactional ids that nobody else has; for what several tests share."""
    MADE.append((bootstrap, f"t{os.urandom(4).hex()}-"))
    return MADE[-1][1]


def clear() -> None:
    """Delete the topics that were made: thousands of partitions would slow down whoever follows."""
    for bootstrap in {bootstrap for bootstrap, _ in MADE}:
        asking = AdminClient({"bootstrap.servers": bootstrap})
        prefixes = tuple(namespace for _, namespace in MADE)
        if ours := [name for name in asking.list_topics(timeout=30).topics if name.startswith(prefixes)]:
            for future in asking.delete_topics(ours, operation_timeout=30).values():
                future.exception()
    MADE.clear()


def as_line(record: Outgoing) -> str:
    """A record for a source, as `laurel publish` takes it."""
    event = decode(record.value)
    if isinstance(event, SourceEvent):
        return json.dumps(to_json(event))
    raw = base64.b64encode(record.value or b"").decode()
    key = (record.key or b"").decode()
    return json.dumps({"topic": record.topic, "raw": raw, "key": key, "timestamp": record.timestamp})


class System:
    """Topics in a namespace of their own, and one worker."""

    def __init__(self, bootstrap: str, folder: Path, **settings: Any) -> None:
        self.folder = folder
        self.log = folder / "worker.log"
        self.given = {
            "bootstrap": bootstrap,
            "namespace": own_namespace(bootstrap),
            "data_dir": str(folder / "data"),
            "instance": "one",
            "health_port": str(free_port()),
        } | {name: str(value) for name, value in settings.items()}
        self.settings = Settings(**self.given)
        self._worker: subprocess.Popen[bytes] | None = None
        topics.create(self.settings, PARTITIONS, 1, policies.activation(policies.default_file()))
        while not patiently("every partition's leader", self._is_settled):
            """The mark that ends a transaction reaches each partition a moment after its commit."""

    def _is_settled(self) -> bool:
        topics = admin(self.settings).list_topics(timeout=TIMEOUT_S).topics
        ours = [
            (name, n) for name in topics if name.startswith(self.settings.namespace) for n in topics[name].partitions
        ]
        return bounds(self.settings, ours) == bounds(self.settings, ours, committed=False)

    def laurel(self, *words: str) -> Answer:
        """The command, with this system's settings."""
        return run(*words, **self.given)

    def publish(self, records: Iterable[Outgoing]) -> int:
        """Put records on the sources; how many."""
        return publish(self.settings, records, lambda _: None)

    @contextmanager
    def working(self, **settings: str) -> Iterator[None]:
        """A worker runs; at the end it is told to stop, and does so in order."""
        with self.log.open("ab") as log:
            worker = subprocess.Popen(
                [*START, "worker"], env=environment(**(self.given | settings)), stdout=log, stderr=log, cwd=self.folder
            )
        self._worker = worker
        try:
            yield
            worker.send_signal(signal.SIGTERM)
            assert worker.wait() == 0, self.log.read_text()
        finally:
            worker.kill()
            worker.wait()

    def wait_until_idle(self) -> None:
        """Until nothing waits for intake or customers."""
        wait_until_idle(self.settings, self.still_working)

    def still_working(self, _: int = 0) -> None:
        """Fail where the worker that is waited for is gone."""
        assert self._worker is not None
        assert self._worker.poll() is None, f"the worker ended:\n{self.log.read_text()}"

    def records(self, topic: str) -> list[Record]:
        """Every committed record of a topic."""
        return list(read_all(self.settings, topic))

    def contents(self, topic: str) -> list[Any]:
        """What a topic's records say."""
        return [decode(record.value) for record in self.records(topic)]

    def write(self, records: Sequence[Outgoing]) -> None:
        """Write records where nobody but laurel should: with a plain producer."""
        producer = Producer(client(self.settings, "forger") | {"partitioner": "murmur2_random"})
        for record in records:
            send(producer, record, self.settings.topic(record.topic))
        assert producer.flush(30) == 0

    def commit(self, agent: str, place: Place, position: int) -> None:
        """An agent's group is at a position of a topic, by its bare name."""
        consumer = Consumer(client(self.settings, "forger") | {"group.id": self.settings.group(agent)})
        offset = TopicPartition(self.settings.topic(place[0]), place[1], position)
        consumer.commit(offsets=[offset], asynchronous=False)
        consumer.close()

    def said(self, event: str) -> list[dict[str, Any]]:
        """The worker's log lines of an event."""
        lines = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [line for line in lines if line["event"] == event]
