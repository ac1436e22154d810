"""A worker's part of a group on a real broker: where partitions start, and that they start again (D2)."""

import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from threading import Event, Timer
from time import sleep
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from deploy.broker import local, runs
from streams import fetching, kafka, membership
from streams.held import Seat, StopPartitionError
from streams.kafka import Place
from streams.membership import Membership
from streams.records import Record
from streams.settings import Settings
from streams.transactions import AbortedError, Transactions

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


def poll_until(member: Membership, done: Callable[[], Any]) -> None:
    for _ in range(3_000):
        if done():
            return
        member.poll(100, 0.1)
    raise AssertionError("not within three thousand polls")


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
    monkeypatch.setattr(fetching, "SILENT_S", 1.0)  # three sessions are longer
    with local.Cluster(runs.own_run() / "unanswered-broker") as cluster:
        settings = Settings(bootstrap=cluster.bootstrap, session_timeout_ms=2_000)
        admin = AdminClient({"bootstrap.servers": cluster.bootstrap})
        admin.create_topics([NewTopic("orders", 1, 1)])["orders"].result()
        work = Scripted(0)
        member = Membership(settings, "intake", ["orders"], work)
        calls: list[bool] = []
        work.release = lambda _: calls.append(member.calls.under_way)  # type: ignore[method-assign]
        member.join()

        poll_until(member, lambda: bool(member.working))
        cluster.pause(1)
        poll_until(member, lambda: not member.claims)
        silent = id(member._consumer)
        poll_until(member, lambda: id(member._consumer) != silent)
        cluster.resume(1)
        poll_until(member, lambda: bool(member.working))
        after = id(member._consumer)
        for _ in range(30):
            member.poll(100, 0.1)
        assert id(member._consumer) == after, "the group has answered: nobody asks again"
        assert calls
        assert False not in calls, "whoever watches for calls that do not return sees what goes on inside of `poll`"
        assert not member.calls.under_way
        assert member.patience.lost >= 1
        member.leave()


def poll_dry(member: Membership, times: int) -> list[Record]:
    """What comes in so many polls of which most wait in vain."""
    return [record for _ in range(times) for record in member.poll(100, 0.05)]


def impatient(settings: Settings, monkeypatch: pytest.MonkeyPatch, silent_s: float, start: int) -> Membership:
    """A member that works from an offset on, and whose client may be silent for so long only."""
    monkeypatch.setattr(fetching, "SILENT_S", silent_s)
    monkeypatch.setattr(membership, "LOOK_S", 0.1)
    member = Membership(settings, "intake", ["orders"], Scripted(start))
    member.join()
    poll_until(member, lambda: member.working)
    return member


def test_a_partition_that_the_client_keeps_paused_for_ever_is_handed_over_anew(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, member = ("orders", 0), impatient(settings, monkeypatch, 3.0, GONE)
    poll_until(member, lambda: member.at_end)
    assert member.at_end == {place: RECORDS}
    member.ends = {place: RECORDS}
    assert poll_dry(member, 100) == []
    assert member.patience.lost == 0, "it has told its end, and there is no more"

    member._consumer.pause([member._full(place)])
    producer = Producer({"bootstrap.servers": settings.bootstrap})
    producer.produce(settings.topic("orders"), b"more")
    assert producer.flush(30) == 0
    member.ends = {}
    assert poll_dry(member, 100) == []
    assert member.patience.lost == 0, "while no broker answers nobody is handed over"
    member.ends = {place: RECORDS + 1}
    since = member.patience.now_s
    while member.patience.now_s < since + 1:
        assert member.poll(100, 0.05) == []
    assert member.patience.lost == 0, "from when something waits it has all the time"
    records: list[Record] = []
    while not records or records[-1].value != b"more":
        records += member.poll(100, 0.05)
    assert [record.offset for record in records] == list(range(GONE, RECORDS + 1)), "from where it was prepared"
    assert member.patience.lost >= 1
    member.leave()


def test_a_partition_of_which_not_even_the_end_is_told_is_silent_unless_it_is_held_back(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, member = ("orders", 0), impatient(settings, monkeypatch, 1.0, RECORDS)
    member.hold_back({place})
    member.at_end.clear()
    member.ends = {place: RECORDS}
    poll_dry(member, 60)
    assert member.patience.lost == 0, "it says nothing because it is not to"
    member._held_back.clear()
    poll_until(member, lambda: member.patience.lost)
    poll_until(member, lambda: member.at_end == {place: RECORDS})
    member.leave()


def test_what_waits_in_the_clients_own_queue_is_not_silent() -> None:
    patience = fetching.Patience()
    patience.all_is_heard = False
    patience._polled -= 0.5
    patience.go_on()
    assert patience.now_s == 0
    patience.all_is_heard = True
    patience._polled -= 0.5
    patience.go_on()
    assert 0.5 <= patience.now_s < 1
    patience._polled -= 3_600
    patience.go_on()
    assert patience.now_s < 2, "a process that was frozen has not waited"


def test_partitions_that_wait_for_a_thread_are_not_prepared_any_more_once_they_are_taken_away() -> None:
    """Else a broker that is away would be asked for each of them, four at a time, before the next poll."""
    settings = Settings(bootstrap="127.0.0.1:1")
    begun: list[Place] = []
    go_on = Event()

    class Slow(Scripted):
        def prepare(self, place: Place, _cancelled: Callable[[], bool]) -> int:
            begun.append(place)
            go_on.wait()
            return 0

    member = Membership(settings, "intake", ["orders"], Slow(0))
    places = [("orders", number) for number in range(24)]
    for place in places:
        member._claim(place)
    member._start_prepared()
    Timer(1.0, go_on.set).start()
    member._drop(places)
    assert member.claims == {}
    assert 0 < len(begun) <= 8
    member.leave()


@pytest.fixture
def join() -> Iterator[Callable[[Settings], Membership]]:
    """Give a way to become a member of the group of intake; whoever does leaves it in the end."""
    members: list[Membership] = []

    def joining(settings: Settings) -> Membership:
        members.append(Membership(settings, "intake", ["orders"], Scripted(GONE)))
        members[-1].join()
        return members[-1]

    yield joining
    for member in members:
        with suppress(RuntimeError):  # it has left already
            member.leave()


def commit(settings: Settings, member: Membership, position: int) -> None:
    Transactions(settings, "intake", lambda: False).commit([], {}, {("orders", 0): position}, member.metadata())


def position(settings: Settings) -> int:
    group = Consumer(kafka.member(settings, "intake"))
    committed = group.committed([TopicPartition(settings.topic("orders"), 0)], 10)
    group.close()
    return int(committed[0].offset)


def test_what_was_folded_while_the_group_arranged_itself_is_committed_as_it_is_still_ours(
    settings: Settings, join: Callable[[Settings], Membership]
) -> None:
    """Else a batch that takes longer than a rebalance is folded again, and again with every further one."""
    member = join(settings)
    poll_until(member, lambda: member.working)  # it has a batch in hand now, and does not come back for more
    before = member.metadata()
    assert member.metadata() == before
    other = join(settings)
    poll_until(other, lambda: other.seat.taken)
    assert other.working == []
    assert member.metadata() != before, "the client has gone along without us"
    commit(settings, member, GONE + 7)
    assert position(settings) == GONE + 7


def test_a_zombie_commits_nothing_be_the_group_another_s_or_empty(
    settings: Settings, join: Callable[[Settings], Membership]
) -> None:
    Transactions(settings, "intake", lambda: False).open()  # a broker's first transaction takes its time
    soon = settings.model_copy(update={"kafka": {"max.poll.interval.ms": "2000"}, "session_timeout_ms": 2_000})
    member = join(soon)
    poll_until(member, lambda: member.working)
    commit(settings, member, GONE + 3)
    while member._consumer.memberid():
        sleep(0.1)  # until its client has given the group up for it
    other = join(settings)
    poll_until(other, lambda: other.working)
    with pytest.raises(AbortedError, match="Unknown member"):
        commit(settings, member, GONE + 9)
    other.leave()
    with pytest.raises(AbortedError, match="Unknown member"):
        commit(settings, member, GONE + 9)
    assert position(settings) == GONE + 3


def written(generation: int, member: str, form: bytes = b"CGMDv2:") -> bytes:
    """A group's metadata, as the client writes them."""
    return form + generation.to_bytes(4, sys.byteorder, signed=True) + f"group\0{member}\0".encode() + b"\0instance\0"


def test_the_word_of_a_client_is_taken_for_the_same_member_and_one_rebalance_alone() -> None:
    """Whatever else it says, its partitions may have been another's meanwhile, or the broker would not check it."""
    seat = Seat()
    assert seat.metadata(written(7, "first")) is None
    assert not seat.take(written(7, "first"))
    for generation, member in ((7, "first"), (8, "first")):
        assert seat.metadata(written(generation, member)) == written(generation, member)
    for generation, member in ((9, "first"), (6, "first"), (-1, "first"), (8, "second"), (8, ""), (-1, "")):
        assert seat.metadata(written(generation, member)) == written(7, "first")
    assert not seat.take(written(9, "first"))
    assert seat.metadata(written(10, "first")) == written(10, "first")


def test_what_a_member_holds_is_in_doubt_once_it_is_another_and_one_that_lost_all_took_nothing() -> None:
    seat = Seat()
    seat.take(written(7, "first"))
    for member in ("first", ""):
        assert not seat.take(written(-1, member))
        assert seat.metadata(written(-1, member)) == written(7, "first")
    assert seat.take(written(8, "second"))
    assert seat.metadata(written(8, "second")) == written(8, "second")


def test_of_a_client_that_writes_in_another_way_only_what_it_took_is_sent() -> None:
    seat = Seat()
    seat.take(written(7, "first", b"CGMDv3:"))
    assert seat.metadata(written(8, "first", b"CGMDv3:")) == written(7, "first", b"CGMDv3:")


def test_partitions_that_are_given_to_another_member_than_before_are_prepared_anew(
    settings: Settings, join: Callable[[Settings], Membership]
) -> None:
    member = join(settings)
    poll_until(member, lambda: member.working)
    member._on_assign(member._consumer, [])
    assert member.working
    member.seat.take(written(1, "another"))
    member._on_assign(member._consumer, [])
    assert member.preparing == [("orders", 0)]
    poll_until(member, lambda: member.working)
    assert member._work.begun == [GONE, GONE]  # type: ignore[attr-defined]
