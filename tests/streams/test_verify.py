"""What `laurel verify` finds where something is lost as a whole: nothing is compared with nothing and called clean."""

from pathlib import Path
from threading import Timer

import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from state.encoding import encode_row
from state.partition import POSITION, Position
from state.rocks import RocksStore
from streams import verify as verification
from streams.elsewhere import answers
from streams.kafka import transactional
from streams.published import Published
from streams.reading import read_partitions
from streams.records import AT, SENDER, Outgoing
from streams.report import Check
from tests.streams.systems import PARTITIONS, System


def differing(checks: list[Check]) -> dict[str, Check]:
    return {check.what: check for check in checks if check.differences}


# The changelog (I-2). A timeline begins with the policy at 0, and the mark of its transaction at 1.


def test_a_changelog_that_is_lost_as_a_whole_is_found(bootstrap: str, tmp_path: Path) -> None:
    system = System(bootstrap, tmp_path)
    assert verification.verify(system.settings).clean, "nothing is folded yet"
    system.commit("customers", ("timeline", 1), 1)
    report = verification.verify(system.settings)
    assert not report.clean
    (check,) = [check for check in report.checks if check.differences]
    assert (check.invariant, check.what, check.partition) == ("I-2", "rows of the changelog", 1)
    assert "the position is missing; the group's is 1" in check.first
    assert check.differences > 1, "and each row that the fold has"


def test_a_changelog_whose_end_is_lost_is_found(bootstrap: str, tmp_path: Path) -> None:
    system = System(bootstrap, tmp_path)
    system.commit("customers", ("timeline", 0), 2)
    system.write([Outgoing("customer-state", POSITION.key(), encode_row(POSITION, Position(1)), 0)])
    checks, position, _ = verification._check_partition(
        system.settings, (0, PARTITIONS), [], lambda *_: None, lambda _: None
    )
    assert position == 2
    assert "the position is 1; the group's is 2" in differing(checks)["rows of the changelog"].first


# Tables on disk (I-2)


def test_a_copy_that_its_worker_is_making_is_waited_for_and_one_that_cannot_be_read_differs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check, path = Check("I-2", "rows of the tables on disk", 0), tmp_path / "p0"
    path.mkdir()

    def make() -> None:
        store = RocksStore(path)
        store.write({b"k": b"v"})
        store.close()

    making = Timer(0.5, make)
    making.start()
    opened = verification.open_copies([path], check)
    making.join()
    assert opened[path].get(b"k") in (b"v", None), "as of some instant"
    opened[path].close()
    monkeypatch.setattr(verification, "OPEN_TRIES", 2)
    assert verification.open_copies([tmp_path / "gone"], check) == {}
    assert check.differences == 0

    (path / "CURRENT").write_text("nothing\n")
    assert verification.open_copies([path], check) == {}
    assert check.differences == 1
    assert str(path) in check.first


# Published records (I-3)

TOPIC = "tier-changes"


def decision(at: int) -> Outgoing:
    return Outgoing(TOPIC, b"ada", b"decided at %d" % at, 0, None, [(AT, str(at).encode())])


@pytest.fixture
def cut_by_an_abort(bootstrap: str, tmp_path: Path) -> System:
    """Give a system whose tier changes of 3 and 4 are lost: before those of 5 and 6 stands an aborted batch."""
    system = System(bootstrap, tmp_path)
    producer = Producer(transactional(system.settings, f"{system.settings.namespace}whoever"))
    producer.init_transactions()
    producer.begin_transaction()
    producer.produce(system.settings.topic(TOPIC), b"aborted", b"ada", partition=0)
    producer.flush()
    producer.abort_transaction()
    system.write([decision(5), decision(6)])
    while not (found := list(read_partitions(system.settings, TOPIC, [0]))):
        """A transaction that is aborted is passed over in a moment."""
    assert found[0].offset > 0
    return system


def compared(system: System, *ats: int) -> Check:
    """Decisions beside what was published, one batch each."""
    published = Published(system.settings, 0, PARTITIONS, 100)
    for at in ats:
        published.compare([decision(at)])
    published.finish()
    return next(check for check in published.checks if check.what == TOPIC)


def test_first_decisions_that_are_lost_are_missing_whatever_was_aborted_before_them(cut_by_an_abort: System) -> None:
    assert compared(cut_by_an_abort, 5, 6).differences == 0
    check = compared(cut_by_an_abort, 3, 4, 5, 6)
    assert check.compared == 4
    assert "the fold says" in check.first


def test_decisions_that_expired_are_passed_over(cut_by_an_abort: System) -> None:
    system = cut_by_an_abort
    client = AdminClient({"bootstrap.servers": system.settings.bootstrap})
    for before, left in ((2, 2), (3, 1), (4, 0)):
        client.delete_records([TopicPartition(system.settings.topic(TOPIC), 0, before)])[
            TopicPartition(system.settings.topic(TOPIC), 0)
        ].result()
        check = compared(system, 3, 4, 5, 6)
        assert (check.compared, check.differences) == (left, 0), check.first


def test_what_an_open_transaction_still_hides_is_not_called_missing(bootstrap: str, tmp_path: Path) -> None:
    """A system that runs may have shown a position before it shows all that was committed with it."""
    system = System(bootstrap, tmp_path)
    producer = Producer(transactional(system.settings, f"{system.settings.namespace}whoever"))
    producer.init_transactions()
    producer.begin_transaction()
    expected = decision(3)
    headers = list(expected.headers)
    producer.produce(system.settings.topic(TOPIC), expected.value, expected.key, partition=0, headers=headers)
    producer.flush()
    committing = Timer(1.0, producer.commit_transaction)
    committing.start()
    check = compared(system, 3)
    committing.join()
    assert (check.compared, check.differences) == (1, 0), check.first


# Messages, which go to other partitions as well


def message(to: int, at: int, sender: int = 0) -> Outgoing:
    headers = [(AT, str(at).encode()), (SENDER, str(sender).encode())]
    return Outgoing("messages", b"#%d" % to, b"told at %d" % at, to, None, headers)


def test_a_message_is_looked_for_where_it_was_sent_to(bootstrap: str, tmp_path: Path) -> None:
    """Those of other partitions lie between, and are theirs."""
    system = System(bootstrap, tmp_path)
    system.write([message(0, 3), message(1, 2, sender=1), message(1, 3), message(0, 9, sender=1), message(1, 5)])

    def differences(*expected: Outgoing) -> int:
        published = Published(system.settings, 0, PARTITIONS, 100)
        published.compare(list(expected))
        published.finish()
        return next(check for check in published.checks if check.what == "messages").differences

    assert differences(message(0, 3), message(1, 3), message(1, 5)) == 0
    assert differences(message(0, 3), message(1, 3)) == 1, "one too many"
    assert differences(message(0, 3), message(0, 4), message(1, 3), message(1, 5)) == 1, "one is missing"


def test_of_a_second_fold_that_ends_within_a_line_what_it_said_before_counts() -> None:
    assert answers('{"partition": 0, "digest": "ab"}\n{"partition": 1, "dig') == {0: "ab"}
    assert answers("") == {}
