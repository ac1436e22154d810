"""A worker's part of a group on a real broker: where partitions start, and that they start again (D2)."""

from collections.abc import Callable, Iterator

import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from deploy.broker import local, runs
from streams import membership
from streams.kafka import Place
from streams.membership import Membership, StopPartitionError
from streams.records import Record
from streams.settings import Settings

RECORDS = 20
GONE = 5


class Scripted:
    """Work whose preparation comes to what a test says, one after another; the last holds for ever."""

    def __init__(self, *outcomes: int | Exception) -> None:
        self._outcomes = list(outcomes)
        self.begun: list[int] = []

    def prepare(self, _place: Place, _cancelled: Callable[[], bool]) -> int:
        outcome = self._outcomes.pop(0) if len(self._outcomes) > 1 else self._outcomes[0]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def begin(self, _place: Place, start: int) -> None:
        self.begun.append(start)

    def release(self, _: Place) -> None: ...

    def fold(self, _: object) -> None: ...

    def reconsider(self, _: object) -> list[Place]:
        return []

    def crowded(self) -> set[Place]:
        return set()

    def holding(self) -> set[Place]:
        return set()


@pytest.fixture
def settings(bootstrap: str, namespace: str) -> Iterator[Settings]:
    """Give a source of one partition whose first records are gone, as retention removes them."""
    settings = Settings(bootstrap=bootstrap, namespace=namespace)
    topic = settings.topic("orders")
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.create_topics([NewTopic(topic, 1, 1)])[topic].result()
    producer = Producer({"bootstrap.servers": bootstrap})
    for number in range(RECORDS):
        producer.produce(topic, str(number).encode())
    assert producer.flush(30) == 0
    for future in admin.delete_records([TopicPartition(topic, 0, GONE)]).values():
        future.result()
    yield settings
    admin.delete_topics([topic])[topic].result()


def everything(settings: Settings, work: Scripted) -> list[Record]:
    """What comes until the partition's end is seen."""
    member = Membership(settings, "intake", ["orders"], work)
    member.join()
    records: list[Record] = []
    while not (member.working and member.at_end):
        records += member.poll(100, 0.1)
    member.leave()
    return records


@pytest.mark.parametrize(
    "outcomes",
    [
        pytest.param((GONE,), id="at once"),
        pytest.param((0, GONE), id="after an offset that the broker refused"),
        pytest.param((0, RECORDS + 100, GONE), id="after two, on either side"),
    ],
)
def test_a_partition_begins_where_its_preparation_says(settings: Settings, outcomes: tuple[int, ...]) -> None:
    work = Scripted(*outcomes)
    assert [record.offset for record in everything(settings, work)] == list(range(GONE, RECORDS))
    assert tuple(work.begun) == outcomes


def test_a_partition_that_could_not_be_prepared_is_stopped_says_why_and_is_tried_again(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.membership.STOPPED_AGAIN_S", 0.5)
    member = Membership(settings, "intake", ["orders"], Scripted(StopPartitionError("records are gone"), GONE))
    member.join()
    while not member.stopped:
        assert member.poll(100, 0.05) == []
    assert member.stopped == {("orders", 0): "records are gone"}
    assert member.working == member.preparing == []
    records: list[Record] = []
    while len(records) < RECORDS - GONE:
        records += member.poll(100, 0.05)
        assert not (records and member.stopped)
    assert member.working == [("orders", 0)]
    member.leave()


def test_a_client_that_hears_nothing_from_its_group_is_replaced_and_works_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(membership, "UNANSWERED_POLLS", 10)
    with local.Cluster(runs.own_run() / "unanswered-broker") as cluster:
        settings = Settings(bootstrap=cluster.bootstrap, session_timeout_ms=2_000)
        admin = AdminClient({"bootstrap.servers": cluster.bootstrap})
        admin.create_topics([NewTopic("orders", 1, 1)])["orders"].result()
        work = Scripted(0)
        member = Membership(settings, "intake", ["orders"], work)
        calls: list[int | None] = []
        work.release = lambda _: calls.append(member.calls.current)  # type: ignore[method-assign]
        member.join()

        def poll_until(done: Callable[[], bool]) -> None:
            for _ in range(1_000):
                if done():
                    return
                member.poll(100, 0.1)
            raise AssertionError("not within a thousand polls")

        poll_until(lambda: bool(member.working))
        cluster.pause(1)
        poll_until(lambda: not member.claims)
        silent = id(member._consumer)
        poll_until(lambda: id(member._consumer) != silent)
        cluster.resume(1)
        poll_until(lambda: bool(member.working))
        after = id(member._consumer)
        for _ in range(30):
            member.poll(100, 0.1)
        assert id(member._consumer) == after, "the group has answered: nobody asks again"
        assert calls
        assert None not in calls, "whoever watches for calls that do not return sees what goes on inside of `poll`"
        assert member.calls.current is None
        member.leave()
