"""Sources to decisions on a real broker, and `laurel verify`: clean when all is well, precise when it is not (I-1..I-5)."""

import json
import re
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient, NewTopic
from msgspec.structs import replace

from processors.customer import CUSTOMERS
from schemas.codec import decode, encode, to_json
from schemas.decided import Decided
from schemas.decisions import ContactRouted
from schemas.events import ClockTicked
from schemas.partitions import partition_of
from schemas.topics import BY_NAME, SOURCES
from state.encoding import decode_row, encode_row
from state.partition import COPY, POSITION, Copy, Position, read_position, state_of
from state.rocks import RocksStore
from streams import verify as verification
from streams.dead_letters import find
from streams.elsewhere import Elsewhere
from streams.kafka import TIMEOUT_S, admin
from streams.records import AT, ORIGIN, Outgoing, Record
from streams.report import Check, Report
from streams.restoring import path_of
from streams.tracing import DECISIONS
from tests.streams.commands import Caller
from tests.streams.engines import compacted, ran
from tests.streams.history import history, published, registered
from tests.streams.systems import PARTITIONS, System, as_line

HISTORY = list(history(3, customers=60, days=60, events=250))


@pytest.fixture(scope="module")
def system(bootstrap: str, tmp_path_factory: pytest.TempPathFactory) -> System:
    """Give a system whose worker took a history by the events' own clock, and was stopped when it was done."""
    system = System(bootstrap, tmp_path_factory.mktemp("system"), clock="events", max_jump_days=36_500, batch_size=100)
    file = system.folder / "events.jsonl"
    file.write_text("\n".join(map(as_line, HISTORY)))
    answer = system.laurel("publish", str(file))
    assert (answer.code, answer.out.strip()) == (0, f"published {len(HISTORY)} records")
    with system.working():
        system.wait_until_idle()
        answer = system.laurel("status", "--json")
        assert (answer.code, set(json.loads(answer.out).values())) == (0, {0})
    return system


@pytest.fixture(scope="module")
def clean(system: System) -> dict[str, Any]:
    """Give what `laurel verify --json` says of it."""
    answer = system.laurel("verify", "--json")
    assert answer.code == 0, answer
    said: dict[str, Any] = json.loads(answer.out)
    return said


def test_what_was_published_is_verified_clean(clean: dict[str, Any]) -> None:
    assert clean["verified"] is True
    assert clean["first_differences"] == []
    compared = {(each["invariant"], each["what"]): each["compared"] for each in clean["checks"]}
    assert {invariant for invariant, _ in compared} == {"I-1", "I-2", "I-3", "I-4", "I-5", "R-PTS-06"}
    assert {what for invariant, what in compared if invariant == "I-3"} >= {*DECISIONS, "customer-profiles"}
    for of in (
        ("I-1", "source records in timeline or dead letters"),
        ("I-1", "timeline and dead letters name a source"),
        ("I-2", "rows of the changelog"),
        ("I-2", "rows of the tables on disk"),
        ("R-PTS-06", "sums of points"),
        ("I-3", "tier-changes"),
        ("I-3", "customer-profiles"),
        ("I-4", "sequence numbers"),
        ("I-5", "partitions folded again elsewhere"),
    ):
        assert compared[of] > 0, of
    assert compared["I-1", "source records in timeline or dead letters"] >= len(HISTORY)
    assert compared["I-2", "rows of the changelog"] == compared["I-2", "rows of the tables on disk"]


def test_it_decides_what_the_engine_in_memory_decides_d10(system: System) -> None:
    """Their timelines interleave differently; each customer's decisions do not, nor do ids (D7)."""
    driver = ran(HISTORY, partitions=PARTITIONS)

    def known(decision: Decided) -> tuple[Any, ...]:
        return (
            type(decision).__name__,
            decision.decision_id,
            decision.customer_id,
            decision.sequence,
            decision.conditions,
        )

    for topic in DECISIONS:
        expected = Counter(known(decode(record.value)) for record in driver.logs.all(topic))
        assert Counter(map(known, system.contents(topic))) == expected
    assert sum(len(system.contents(topic)) for topic in DECISIONS) > 100

    profiles = [decode(value) for table in compacted(system.records("customer-profiles")) for value in table.values()]
    expected_profiles = [decode(v) for t in compacted(driver.logs.all("customer-profiles")) for v in t.values()]
    assert {p.customer_id: (p.tier, p.lifetime_value_minor, p.orders, p.sequence) for p in profiles} == {
        p.customer_id: (p.tier, p.lifetime_value_minor, p.orders, p.sequence) for p in expected_profiles
    }


def test_records_stand_where_their_key_belongs_with_their_origin(system: System) -> None:
    for record in system.records("timeline"):
        subject = (record.key or b"").decode()
        assert record.partition == partition_of(subject, PARTITIONS)
        own = subject.startswith("#")
        assert (record.header(ORIGIN) is None) <= own
    for topic in DECISIONS:
        for record in system.records(topic):
            decision = decode(record.value)
            assert decision.origin.partition == record.partition == partition_of(decision.customer_id, PARTITIONS)
            assert decision.origin.offset == int(record.header(AT) or -1)


def test_dead_letters_have_reason_origin_and_their_own_bytes(system: System) -> None:
    buried = system.records("dead-letters")
    originals = {f"{r.topic}/{r.partition}/{r.offset}".encode(): r for topic in SOURCES for r in system.records(topic)}
    assert len(buried) == sum(1 for record in HISTORY if not as_line(record).startswith('{"type"'))
    for letter in find(system.settings):
        original = originals[letter.origin.encode()]
        assert (letter.record.key, letter.record.value or b"") == (original.key, original.value or b"")
        assert letter.reason in {"undecodable", "empty"}
        assert letter.detail
    for record in buried:
        original = originals[record.header(ORIGIN) or b""]
        if len(original.value or b"") > 8:  # fewer may be anywhere by chance
            assert (original.value or b"") not in (record.value or b"")


def test_the_worker_said_what_it_did_and_left_in_order(system: System) -> None:
    states = [line["state"] for line in system.said("state")]
    assert states[0] == "waiting for broker"
    assert "running" in states
    assert states[-1] == "draining"
    assert {line["partition"] for line in system.said("restored")} == set(range(PARTITIONS))
    assert system.contents("workers")[-1].reason == "empty", "it took its entry back"


# Looking into topics


def tail(called: Caller, *words: str) -> list[dict[str, Any]]:
    answer = called("tail", *words)
    assert answer.code == 0, answer.err
    return [json.loads(line) for line in answer.out.splitlines()]


def test_tail_shows_every_record_decoded(system: System, called: Caller) -> None:
    lines = tail(called, "tier-changes", "--all")
    assert [(each["partition"], each["offset"]) for each in lines] == [
        (record.partition, record.offset) for record in system.records("tier-changes")
    ]
    for line, record in zip(lines, system.records("tier-changes"), strict=True):
        assert line["record"] == json.loads(json.dumps(to_json(decode(record.value))))
        assert line["key"] == line["record"]["customer_id"]
        assert line["headers"] == {"at": (record.header(AT) or b"").decode()}


def test_tail_shows_so_many_records_of_each_partitions_end_whatever_ends_transactions(
    system: System, called: Caller
) -> None:
    """Marks of transactions take offsets too."""
    for last in (1, 3, 10_000):
        found = tail(called, "tier-changes", "--last", str(last))
        for partition in range(PARTITIONS):
            expected = [record.offset for record in system.records("tier-changes") if record.partition == partition]
            assert [each["offset"] for each in found if each["partition"] == partition] == expected[-last:]
    held = Counter(record.partition for record in system.records("dead-letters"))
    assert Counter(each["partition"] for each in tail(called, "dead-letters")) == {n: min(10, held[n]) for n in held}


def test_tail_shows_what_cannot_be_decoded_as_bytes_with_the_reason(called: Caller) -> None:
    # Of two partitions either may be read first.
    buried = {(line["undecoded"], line["headers"]["reason"]) for line in tail(called, "dead-letters", "--all")}
    assert buried == {("sealed", "undecodable"), ("sealed", "empty")}
    undecoded = {line["undecoded"] for line in tail(called, "orders", "--all") if "undecoded" in line}
    assert "undecodable" in undecoded <= {"undecodable", "empty"}


def test_tail_shows_whose_keys_there_are_and_no_key(called: Caller) -> None:
    lines = tail(called, "keys", "--all")
    assert {line["hidden"] for line in lines} == {"a key"}
    assert not any("raw" in line for line in lines)


def test_tail_shows_a_header_without_a_value(system: System, called: Caller) -> None:
    record = Outgoing("operations", b"ada", b"x", None, None, [("empty", None)])  # type: ignore[list-item]
    system.write([record])
    assert [line["headers"] for line in tail(called, "operations", "--all") if "headers" in line] == [{"empty": None}]


# Skips (D12)


def test_a_fold_that_happened_is_not_undone(system: System, called: Caller) -> None:
    answer = called("skip", "0", "1", "--unit", "record", "--reason", "too late")
    assert answer.code == 2
    assert "timeline/0 is at" in answer.err
    assert "past 1" in answer.err
    assert system.records("skips") == []


@pytest.mark.parametrize(("partition", "offset"), [("9", "100000"), ("-1", "100000"), ("0", "-5")])
def test_what_is_not_there_is_not_skipped(system: System, called: Caller, partition: str, offset: str) -> None:
    answer = called("skip", "--partition", partition, "--offset", offset, "--unit", "record", "--reason", "x")
    assert answer.code == 2
    assert "Traceback" not in answer.err
    assert system.records("skips") == []


# What verify finds. Whoever changes the system comes last.


def first_of(system: System, topic: str, partition: int) -> Record:
    return next(record for record in system.records(topic) if record.partition == partition)


def a_row(system: System, partition: int, prefix: bytes) -> tuple[bytes, bytes]:
    """The first row of a table in the changelog."""
    rows = compacted(r for r in system.records("customer-state") if r.partition == partition)[0]
    return next((key, rows[key]) for key in sorted(rows) if key[:1] == prefix)


def other_value(row: bytes) -> bytes:
    """A customer's row, one cent richer."""
    customer = decode_row(CUSTOMERS, row)
    return encode_row(CUSTOMERS, replace(customer, value_minor=customer.value_minor + 1))


def copy_of(system: System, partition: int, instance: str = "one") -> Path:
    cluster = str(admin(system.settings).list_topics(timeout=TIMEOUT_S).cluster_id)
    return path_of(system.settings.model_copy(update={"instance": instance}), cluster, partition)


def change_disk(system: System, partition: int) -> str:
    """A row on disk is another one."""
    store = RocksStore(copy_of(system, partition))
    key, row = next((key, row) for key, row in store.scan(b"c", b"d"))
    store.write({key: other_value(row)})
    store.close()
    return f"customers {key[1:].decode()}: the fold has"


def get_ahead(system: System, partition: int) -> str:
    """Another copy has rows that nobody committed."""
    store = RocksStore(copy_of(system, partition))
    rows, position = dict(state_of(store)), read_position(store) or 0
    store.close()
    ahead = RocksStore(copy_of(system, partition, "two"))
    ahead.write(
        rows | {POSITION.key(): encode_row(POSITION, Position(position + 5)), COPY.key(): encode_row(COPY, Copy(0, 0))}
    )
    ahead.close()
    return f"the position is {position + 5}; the changelog's is {position}"


def change_changelog(system: System, partition: int) -> str:
    key, row = a_row(system, partition, b"c")
    system.write([Outgoing("customer-state", key, other_value(row), partition)])
    return f"customers {key[1:].decode()}: the fold has"


def lose_a_row(system: System, partition: int) -> str:
    key, _ = a_row(system, partition, b"o")
    system.write([Outgoing("customer-state", key, None, partition)])
    return "found no such row"


def double_a_decision(system: System, partition: int) -> str:
    original = first_of(system, "tier-changes", partition)
    system.write([Outgoing("tier-changes", original.key, original.value, partition, None, original.headers)])
    return "the fold has no such record"


def change_a_profile(system: System, partition: int) -> str:
    records = [r for r in system.records("customer-profiles") if r.partition == partition]
    last = {record.key: record for record in records}[records[0].key]
    better = replace(decode(last.value), tier="diamond")
    system.write([Outgoing("customer-profiles", last.key, encode(better), partition, None, last.headers)])
    return f"{better.customer_id}: found CustomerProfile"


def lose_a_decision(system: System, partition: int) -> str:
    """The topic is another one, without a record in the middle of a customer's numbers, and with one more changed."""
    topic = system.settings.topic("priority-routing")
    records = system.records("priority-routing")
    last = Counter[str]()
    for name in DECISIONS:
        for decision in system.contents(name):
            last[decision.customer_id] = max(last[decision.customer_id], decision.sequence)
    lost = next(
        record
        for record in records
        if record.partition == partition and 1 < decode(record.value).sequence < last[decode(record.value).customer_id]
    )
    client = AdminClient({"bootstrap.servers": system.settings.bootstrap})
    client.delete_topics([topic], operation_timeout=30)[topic].result()
    while topic in client.list_topics().topics:
        """The broker is at it."""
    client.create_topics([NewTopic(topic, PARTITIONS, 1, config=BY_NAME["priority-routing"].config)])[topic].result()
    system.write(
        [Outgoing(r.topic, r.key, r.value, r.partition, r.timestamp, r.headers) for r in records if r is not lost]
    )
    decision = decode(lost.value)
    assert isinstance(decision, ContactRouted)
    return f"{decision.customer_id} has no {decision.sequence}"


def forge_a_duplicate(system: System, partition: int) -> str:
    """A record stands on the timeline once more; `partition` is its source's."""
    original = next(
        r for r in system.records("timeline") if (r.header(ORIGIN) or b"").startswith(f"orders/{partition}/".encode())
    )
    system.write(
        [Outgoing("timeline", original.key, original.value, original.partition, original.timestamp, original.headers)]
    )
    _, _, offset = (original.header(ORIGIN) or b"").decode().rpartition("/")
    return f"orders/{partition} offset {offset} is there 2 times"


def forge_an_event(system: System, partition: int) -> str:
    """An event stands on the timeline that no source has."""
    event = published(registered("mallory"))
    system.write([Outgoing("timeline", b"mallory", event.value, partition, None, [(ORIGIN, b"interactions/0/99999")])])
    return "names interactions/0/99999, which no source has"


def forge_without_origin(system: System, partition: int) -> str:
    system.write([Outgoing("timeline", b"mallory", published(registered("mallory")).value, partition)])
    return "names no source"


TAMPERINGS: dict[str, tuple[Callable[[System, int], str], str, str, int]] = {
    "a row on disk changed": (change_disk, "I-2", "rows of the tables on disk", 0),
    "a copy ahead": (get_ahead, "I-2", "rows of the tables on disk", 1),
    "a changelog row changed": (change_changelog, "I-2", "rows of the changelog", 0),
    "a changelog row lost": (lose_a_row, "I-2", "rows of the changelog", 1),
    "a decision doubled": (double_a_decision, "I-3", "tier-changes", 0),
    "a profile changed": (change_a_profile, "I-3", "customer-profiles", 1),
    "a decision lost": (lose_a_decision, "I-4", "sequence numbers", 0),
    "a timeline duplicate": (forge_a_duplicate, "I-1", "source records in timeline or dead letters", 1),
    "an event without a source": (forge_an_event, "I-1", "timeline and dead letters name a source", 0),
    "an event without an origin": (forge_without_origin, "I-1", "timeline and dead letters name a source", 1),
}
"""What was done, and where it must be found: invariant, comparison, partition."""
BESIDES = {("I-3", "priority-routing", 0)}
"""A lost decision is found as missing, too."""


@pytest.fixture(scope="module")
def tampered(system: System, clean: dict[str, Any]) -> tuple[Report, dict[str, str]]:
    """Give what verify finds after all of it was done, and what it should say of each."""
    said = {name: tamper(system, partition) for name, (tamper, _, _, partition) in TAMPERINGS.items()}
    return verification.verify(system.settings), said


def differing(report: Report) -> dict[tuple[str, str, int], list[Check]]:
    found: dict[tuple[str, str, int], list[Check]] = {}
    for check in report.checks:
        if check.differences:
            found.setdefault((check.invariant, check.what, check.partition), []).append(check)
    return found


@pytest.mark.parametrize("name", TAMPERINGS)
def test_verify_finds(name: str, tampered: tuple[Report, dict[str, str]]) -> None:
    report, said = tampered
    _, invariant, what, partition = TAMPERINGS[name]
    (check,) = differing(report)[invariant, what, partition]
    assert said[name] in check.first
    assert check.differences == 1


def test_verify_finds_nothing_else(tampered: tuple[Report, dict[str, str]]) -> None:
    report, _ = tampered
    assert not report.clean
    assert (
        set(differing(report)) == {(inv, what, partition) for _, inv, what, partition in TAMPERINGS.values()} | BESIDES
    )


def test_the_command_shows_the_first_difference_of_each_kind_and_fails(
    called: Caller, tampered: tuple[Report, dict[str, str]]
) -> None:
    answer = called("verify")
    assert answer.code == 1
    assert "NOT verified" in answer.out
    _, said = tampered
    shown = set()
    for name, (_, invariant, what, partition) in TAMPERINGS.items():
        if (invariant, what) not in shown:
            shown.add((invariant, what))
            assert f"{invariant} {what}, partition {partition}: " in answer.out
            assert said[name] in answer.out


def test_another_fold_that_comes_to_other_bytes_is_found_i_5(system: System) -> None:
    with Elsewhere(system.settings) as elsewhere:
        elsewhere.ask(0, 3, None)
        (check,) = elsewhere.compare({0: (3, "0" * 64)})
    assert (check.invariant, check.differences) == ("I-5", 1)
    assert re.match("up to 3: [0-9a-f]{64} is not 0{64}$", check.first)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (encode_row(POSITION, Position(10**6)), "the position is 1000000; "),
        (b"\x09garbage", "the position cannot be read; "),
        (b"", "the position cannot be read; "),
    ],
    ids=["beyond the end", "garbage", "empty"],
)
def test_a_position_that_cannot_be_is_reported_and_not_waited_for(system: System, row: bytes, said: str) -> None:
    system.write([Outgoing("customer-state", POSITION.key(), row, 0)])
    checks, *_ = verification._check_partition(system.settings, (0, PARTITIONS), {}, lambda *_: None, lambda _: None)
    (check,) = differing(Report(checks))["I-2", "rows of the changelog", 0]
    assert said in check.first
    assert "timeline/0 ends at" in check.first


# By this machine's clock


def test_by_the_wall_clock_ticks_come_and_say_how_far_sources_are_behind_d4(bootstrap: str, tmp_path: Path) -> None:
    system = System(bootstrap, tmp_path, tick_every_s=0.3, tick_idle_s=0.3)
    old = [published(registered(f"c{n}")) for n in range(20)]
    system.publish(old)
    with system.working():
        system.wait_until_idle()
        ticks: list[tuple[Record, ClockTicked]] = []
        while not any(tick.sources_behind_ms == 0 for _, tick in ticks):
            system.still_working()
            ticks = [
                (record, tick)
                for record in system.records("timeline")
                if isinstance(tick := decode(record.value), ClockTicked)
            ]
    assert {record.partition for record, _ in ticks} == set(range(PARTITIONS))
    assert all(tick.at == record.timestamp for record, tick in ticks)
    first = ticks[0][1]
    assert first.sources_behind_ms >= first.at - max(record.timestamp or 0 for record in old) - 60_000, "as old as they"
    for partition in range(PARTITIONS):
        ats = [tick.at for record, tick in ticks if record.partition == partition]
        assert ats == sorted(set(ats))
        assert all(later - earlier >= 250 for earlier, later in pairwise(ats))
    assert verification.verify(system.settings).clean
    assert {record.key for record in system.records("customer-profiles")} == {f"c{n}".encode() for n in range(20)}
