"""librdkafka as laurel uses it: client settings with their reasons, waiting for what is missing."""

import time
from collections.abc import Callable, Iterable
from operator import methodcaller
from typing import Any, TypeVar

import structlog
from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from streams.records import Headers, Record, restored
from streams.settings import Settings

log = structlog.get_logger()
T = TypeVar("T")
Place = tuple[str, int]
"""Topic on the broker, and partition."""
TIMEOUT_S = 10.0
BACKOFF_S = (0.2, 0.5, 1, 2, 5)
LOOK_S = 0.1

_ask_headers = methodcaller("headers")
"""Not `message.headers()`: the client returns from it with an exception pending (2.16), which the interpreter raises
wherever it next looks for one. Whoever calls from C looks at once."""


class Calls:
    """The calls of a client that one thread makes, one after another; another thread looks whether one does not return."""

    def __init__(self) -> None:
        self.made = 0
        self.under_way = False

    def __enter__(self) -> None:
        """A call begins."""
        self.made += 1
        self.under_way = True

    def __exit__(self, *_: object) -> None:
        """It returned, or raised."""
        self.under_way = False


def client(settings: Settings, name: str) -> dict[str, Any]:
    """What every client is told."""
    return {
        "bootstrap.servers": settings.bootstrap,
        "client.id": f"laurel-{settings.instance}-{name}",
        # The default of 100 ms is what a transaction waits between its first produce and its offsets (stack.md).
        "retry.backoff.ms": 5,
        "retry.backoff.max.ms": 500,
        # A broker that comes back must be noticed within the time that people watch.
        "reconnect.backoff.max.ms": 2000,
        "log_level": 2,
        **settings.kafka,
    }


def consuming(settings: Settings, name: str) -> dict[str, Any]:
    """What every client is told that reads."""
    return client(settings, name) | {
        "enable.auto.commit": False,
        # A position that expired must never mean "from the beginning" (D2).
        "auto.offset.reset": "error",
        "enable.partition.eof": True,
        # Whoever found its queue full asks again soon. By default that is after a second: of 24 s that four partitions took to
        # catch up, one stood still for 16; and who reads alone has used up what there was long before (16 MB a second, seen).
        "fetch.queue.backoff.ms": 20,
    }


def member(settings: Settings, agent: str) -> dict[str, Any]:
    """A consumer that shares the partitions of an agent with other workers."""
    return consuming(settings, agent) | {
        "group.id": settings.group(agent),
        "partition.assignment.strategy": "cooperative-sticky",
        "isolation.level": "read_committed",
        "enable.auto.offset.store": False,
        "session.timeout.ms": settings.session_timeout_ms,
        "heartbeat.interval.ms": max(100, settings.session_timeout_ms // 6),
        "fetch.wait.max.ms": 50,
        # One queue for all partitions, first come, first served: what a backlog of one puts into it, the others wait for. It
        # holds a batch or two, and no more (tried with 32 MB: a partition stood still for minutes behind its neighbour), and
        # each fetch is a part of it.
        "queued.max.messages.kbytes": 1_024,
        "fetch.message.max.bytes": 262_144,
    }


def joining(settings: Settings, agent: str) -> dict[str, Any]:
    """A consumer that joins its group; with static membership under its worker's name, and so in that name's place."""
    static = {"group.instance.id": f"laurel-{settings.instance}-{agent}"} if settings.static_membership else {}
    return member(settings, agent) | static


def reader(settings: Settings, *, committed: bool = True, more: dict[str, Any] | None = None) -> Consumer:
    """A consumer that belongs to no group: it is given partitions and reports their ends."""
    return Consumer(
        consuming(settings, "reader")
        | {
            "group.id": f"{settings.namespace}laurel-reader",
            "isolation.level": "read_committed" if committed else "read_uncommitted",
            # An end is told when the fetch that found nothing returns; one that waits half a second never comes back empty
            # while others write (tried).
            "fetch.wait.max.ms": 10,
            # What is read ahead: those who fold need the memory more.
            "queued.max.messages.kbytes": 16_384,
        }
        | (more or {})
    )


def transactional(settings: Settings, transactional_id: str) -> dict[str, Any]:
    """A producer of transactions. Keys decide partitions as every Java client decides (D3)."""
    return client(settings, "producer") | {
        "transactional.id": transactional_id,
        "transaction.timeout.ms": settings.transaction_timeout_ms,
        "partitioner": "murmur2_random",
        "linger.ms": 5,
        "message.max.bytes": 2_500_000,
        # Once a broker was away, send_offsets_to_transaction may wait for ever, whatever its time-out, until any connection
        # changes its state (librdkafka 5511 and 5456): those that fall idle do.
        "connections.max.idle.ms": 5000,
        # The client would wait for one answer as long as a transaction may last, and a transaction may be set to last long:
        # what became of it must be known, or given up, in the time that `Transactions` promises.
        "socket.timeout.ms": min(int(TIMEOUT_S * 1000), settings.transaction_timeout_ms) - 100,
        "queue.buffering.max.messages": 1_000_000,
        "queue.buffering.max.kbytes": 1_048_576,
    }


def admin(settings: Settings) -> AdminClient:
    """A client for topics, groups and rights; keep it until its futures are done, they die with it."""
    return AdminClient(client(settings, "admin"))


def groups(asking: AdminClient, name: str) -> list[Any]:
    """A consumer group, with its state and members; none where there never was one.

    By the client's older call: what has replaced it ends the process when a broker goes away while it is asked
    (librdkafka 4605 and 3663, open in 2.12: an assertion in whatever asks a group's coordinator for an admin client).
    """
    return list(asking.list_groups(name, timeout=TIMEOUT_S))


def place_of(message: Any, settings: Settings) -> Place:
    """Partition of a message or of a report about one, by its topic's bare name."""
    return settings.bare(message.topic()), message.partition()


def to_record(message: Any, bare: Callable[[str], str]) -> Record:
    """A message with its topic's bare name. Any: the client's types allow None for what a message always has."""
    topic, headers = bare(message.topic()), headers_of(message)
    return Record(
        topic,
        message.partition(),
        message.offset(),
        message.timestamp()[1],
        message.key(),
        restored(topic, message.value(), headers),
        headers,
    )


def headers_of(message: Any) -> Headers:
    """The headers; none where a name is no UTF-8, for then the client gives none of them."""
    try:
        return _ask_headers(message) or ()
    except (UnicodeDecodeError, SystemError):
        return ()


def patiently(what: str, attempt: Callable[[], T], give_up: Callable[[], bool] = lambda: False) -> T:
    """The result of `attempt`, tried again with a growing pause and a clear message while the broker refuses.

    Raises the last error once `give_up` says so.
    """
    tries = 0
    while True:
        try:
            return attempt()
        except KafkaException as error:
            cause = error.args[0]
            if give_up():
                raise
            log.warning("waiting", what=what, because=cause.str() or cause.name())
            time.sleep(BACKOFF_S[min(tries, len(BACKOFF_S) - 1)])
            tries += 1


def shown(client: AdminClient) -> dict[str, int]:
    """How many partitions each topic has, of those that the broker shows us."""
    found = client.list_topics(timeout=TIMEOUT_S).topics
    return {name: len(topic.partitions) for name, topic in found.items() if topic.error is None}


def partitions_of(client: AdminClient, topic: str) -> int:
    """How many partitions a topic has; 0 for one that the broker does not show us."""
    return shown(client).get(topic, 0)


def committed(settings: Settings, agent: str, places: Iterable[Place]) -> dict[Place, int | None]:
    """The group's positions, once no transaction that could still move them is pending; None where there is none.

    A consumer that reads committed records asks the broker for stable offsets (KIP-447), so a transaction that is open
    is waited for.
    """
    consumer = Consumer(member(settings, agent) | {"client.id": "laurel-positions"})
    try:
        return positions(consumer, places)
    finally:
        consumer.close()


def standing(settings: Settings, agent: str, place: Place) -> tuple[int | None, int, int]:
    """The group's position in a partition, as `committed` gives it, and the partition's bounds."""
    consumer = Consumer(member(settings, agent) | {"client.id": "laurel-positions"})
    try:
        position = positions(consumer, [place])[place]
        low, high = consumer.get_watermark_offsets(TopicPartition(*place), timeout=TIMEOUT_S)
    finally:
        consumer.close()
    return position, low, high


def positions(consumer: Consumer, places: Iterable[Place]) -> dict[Place, int | None]:
    """Its group's positions as the consumer sees them: stable ones, or as last committed."""
    found = consumer.committed([TopicPartition(*place) for place in places], timeout=TIMEOUT_S)
    for position in found:
        if position.error is not None:
            raise KafkaException(position.error)
    return {(p.topic, p.partition): p.offset if p.offset >= 0 else None for p in found}
