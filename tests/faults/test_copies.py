"""The tables on a worker's disk: behind the broker or equal, never ahead (D2); trusted only while they may be (D8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from confluent_kafka import TopicPartition

from schemas import events as e
from schemas.codec import encode
from state.partition import read_position, state_of
from state.rocks import RocksStore
from streams import crash
from streams.kafka import reader
from tests.faults.events import Published
from tests.faults.system import PARTITIONS

if TYPE_CHECKING:
    from tests.faults.system import System, Worker


def test_cold_key_of_a_batch_that_never_committed_is_not_on_disk(system: System) -> None:
    """The case of Kafka Streams' EosIntegrationTest: Faust's own tables keep such a key."""
    # No ticks but the first: whatever a batch then holds of what is new, it is a cold key.
    system.start("intake", LAUREL_AGENTS="intake", LAUREL_TICK_EVERY_S=3600, LAUREL_TICK_IDLE_S=3600)
    folder = system.worker("folder")
    folder.start(LAUREL_AGENTS="customers")
    system.publisher.publish([registered(f"warm-{n}") for n in range(100)])
    system.await_idle()
    assert folder.terminate() == 0
    warm = on_disk(folder)
    system.publisher.publish([registered(f"cold-{n}") for n in range(400)])
    system.wait(lambda: system.oracle.read() or not system.oracle.missing(system.publisher.journal), "intake")

    def crashed_with_a_cold_key() -> bool:
        folder.start(LAUREL_AGENTS="customers", LAUREL_CRASH_AT="before-commit:1")
        assert folder.ended() == crash.EXIT_CODE
        assert on_disk(folder) == warm
        return any(b"cold-" in key for key in ever_sent(system))

    # A process may end before its client has sent what it was given.
    system.wait(crashed_with_a_cold_key, "a crash after which the broker has a cold key")
    folder.start(LAUREL_AGENTS="customers")
    system.finish()


def test_copy_that_may_have_missed_tombstones_is_wiped(system: System) -> None:
    (worker,) = system.start("a")
    system.publisher.publish([system.publisher.history.next() for _ in range(500)])
    system.await_idle()
    assert worker.terminate() == 0
    mark = worker.mark()
    worker.start(LAUREL_MAX_COPY_AGE_S=0.001)
    system.await_running(worker)
    assert len(worker.said("local_copy_too_old", mark)) == PARTITIONS
    system.finish()


def registered(customer: str) -> Published:
    event = e.CustomerRegistered(event_id=customer, customer_id=customer, occurred_at=1_700_000_000_000)
    return Published("interactions", customer.encode(), encode(event), event)


def on_disk(worker: Worker) -> dict[str, dict[bytes, bytes]]:
    found = {}
    for path in worker.copies():
        store = RocksStore(path, read_only=True)
        found[path.name] = dict(state_of(store))
        assert read_position(store)
        store.close()
    assert len(found) == PARTITIONS
    return found


def ever_sent(system: System) -> set[bytes]:
    """Keys on the changelog, those of transactions that were aborted or are open among them."""
    consumer = reader(system.settings, committed=False)
    name, keys = system.settings.topic("customer-state"), set()
    places = [TopicPartition(name, partition, 0) for partition in range(PARTITIONS)]
    left = {place.partition for place in places if consumer.get_watermark_offsets(place)[1]}
    consumer.assign(places)
    while left:
        for message in consumer.consume(1000, 0.1):
            if message.error():
                left.discard(message.partition())
            else:
                keys.add(message.key())
    consumer.close()
    return keys
