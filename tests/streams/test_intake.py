"""Intake: each record goes to the timeline or to the dead letters, once, with its origin and its own bytes (D3, I-1)."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from processors.subjects import CUSTOMER, KINDS, Kind
from schemas import decisions as d
from schemas import events as e
from schemas.codec import Rejected, decode, encode, encode_fields
from schemas.directives import PolicyPublished
from schemas.examples import example as example_of
from schemas.fields import EARLIEST_MS, LATEST_MS
from schemas.messages import GoodwillAsked, UnitsAsked
from schemas.rewards import RewardStocked
from schemas.source import SourceEvent
from schemas.topics import BY_NAME, INTAKE, SOURCES, TOPIC_OF
from streams.batches import Folded
from streams.burying import DETAIL_CHARS, Contents, bury, dig_up
from streams.clock import EventsClock, WallClock
from streams.intake import LARGEST_BYTES, MAX_AHEAD_MS, MAX_HOPS, Intake, append, subject_of, tick
from streams.keychain import MemoryKeys
from streams.records import DETAIL, HOPS, ORIGIN, REASON, REDRIVEN, Outgoing, Record, origin_of
from tests.schemas.records import records as any_record
from tests.streams.history import DAY, HOUR, NOON, ONE_OF_EACH, ms, placed, record, registered

PARTITIONS = 4


KEYS = MemoryKeys()


def intake(clock: EventsClock | WallClock | None = None, batch_size: int = 100, **given_: Any) -> Intake:
    """Intake over every partition of everything that it reads, all of them at their ends."""
    made = Intake(clock or EventsClock("UTC", 31), PARTITIONS, batch_size, KEYS, **given_)
    for topic in INTAKE:
        for partition in range(PARTITIONS):
            made.begin((topic, partition), 0)
    made.merge.at_end = set(made.positions)
    return made


def fold(*records: Record, on: Intake | None = None) -> Folded:
    folded = (on or intake()).fold(records)
    assert folded is not None
    return folded


def held(buried: Outgoing) -> Contents:
    """What a dead letter holds."""
    letter = Record(buried.topic, 0, 0, NOON, buried.key, buried.value, buried.headers)
    return dig_up(letter, KEYS.chain.find)


def without_ticks(folded: Folded) -> list[Outgoing]:
    return [each for each in folded.outgoing if any(name == ORIGIN for name, _ in each.headers)]


def ticks(folded: Folded) -> list[tuple[int | None, int]]:
    """Partition and instant of each tick."""
    found = [(each, decode(each.value)) for each in folded.outgoing]
    return [(each.partition, event.at) for each, event in found if isinstance(event, e.ClockTicked)]


# Whose record it is


@pytest.mark.parametrize("event", ONE_OF_EACH, ids=lambda event: type(event).__name__)
@pytest.mark.parametrize("topic", INTAKE)
def test_an_event_is_taken_from_its_own_source_and_from_redrives(event: SourceEvent, topic: str) -> None:
    subject = subject_of(record(event, topic))
    if topic in (TOPIC_OF[type(event)], "redrives"):
        assert subject == event.subject
    else:
        assert isinstance(subject, Rejected)
        assert subject.reason == "wrong_topic"
        assert type(event).__name__ in subject.detail


@pytest.mark.parametrize("topic", SOURCES)
@pytest.mark.parametrize(
    "own",
    [
        e.ClockTicked(NOON, 0),
        e.PolicyActivated("a", "v", NOON, "{}"),
        e.RulesChanged(1),
        e.WorkRemains(NOON),
        d.AtRiskRetracted(
            decision_id="d", customer_id="ada", sequence=1, decided_at=NOON, cause="c", origin=d.Origin("timeline", 0, 0),
            generation="live", policy_version="v", rules_version=1, conditions=(), retracts="x", order_id="o",
        ),
    ],
    ids=lambda own: type(own).__name__,
)  # fmt: skip
def test_nobody_upstream_can_tick_or_decide(own: Any, topic: str) -> None:
    subject = subject_of(record(own, topic))
    assert isinstance(subject, Rejected)
    assert subject.reason == "wrong_topic"


def test_a_messages_key_is_its_subject() -> None:
    assert subject_of(record(e.WorkRemains(NOON), key=b"#3")) == "#3"
    assert subject_of(record(e.RulesChanged(2), key=b"ada")) == "ada"


@pytest.mark.parametrize(
    "key",
    [None, b"", b"\xff\xfe", b"#", b"#x", b"#-1", b"#1.0", "#\u0663".encode(), b"#" + b"9" * 5000],
    ids=lambda key: repr(key)[:20],
)
def test_a_message_without_a_subject_stops_nobody(key: bytes | None) -> None:
    subject = subject_of(record(e.WorkRemains(NOON), key=key))
    assert isinstance(subject, Rejected)
    assert subject.reason == "invalid_id"


def test_a_message_to_a_partition_that_is_not_there_stops_nobody() -> None:
    folded = fold(record(e.WorkRemains(NOON), key=f"#{PARTITIONS}".encode()), record(e.RulesChanged(2), place=(1, 0)))
    assert [each.topic for each in folded.outgoing] == ["dead-letters", "timeline"]
    assert dict(folded.outgoing[0].headers)[REASON] == b"invalid_id"


def test_hops_between_subjects_are_counted_and_bounded_d6() -> None:
    assert subject_of(record(e.RulesChanged(2), key=b"ada", headers=[(HOPS, str(MAX_HOPS).encode())])) == "ada"
    subject = subject_of(record(e.RulesChanged(2), key=b"ada", headers=[(HOPS, str(MAX_HOPS + 1).encode())]))
    assert isinstance(subject, Rejected)
    assert subject.reason == "too_many_hops"
    assert str(MAX_HOPS) in subject.detail


@pytest.mark.parametrize("hops", [b"many", b"-1", b"\xff", b"9" * 5000], ids=lambda hops: repr(hops)[:20])
def test_hops_that_are_no_number_stop_nobody(hops: bytes) -> None:
    subject = subject_of(record(e.RulesChanged(2), key=b"ada", headers=[(HOPS, hops)]))
    assert isinstance(subject, Rejected)
    assert subject.reason == "too_many_hops"


def test_an_event_may_be_a_day_ahead_of_its_stamp_and_no_more_t_19() -> None:
    assert subject_of(record(registered(at=NOON + MAX_AHEAD_MS), at=NOON)) == "ada"
    subject = subject_of(record(registered(at=NOON + MAX_AHEAD_MS + 1), at=NOON))
    assert isinstance(subject, Rejected)
    assert subject.reason == "implausible_date"
    assert subject_of(record(registered(at=EARLIEST_MS), at=NOON)) == "ada", "how far back is no matter"


def test_the_key_of_a_source_record_is_upstreams_own_business() -> None:
    for key in (None, b"", b"somebody else", b"\xff", b"#0"):
        assert subject_of(record(registered(), key=key)) == "ada"


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind is not CUSTOMER], ids=lambda kind: kind.table.name)
@pytest.mark.parametrize("event", ONE_OF_EACH, ids=lambda event: type(event).__name__)
def test_no_customer_has_the_name_of_another_subject_d6(event: SourceEvent, kind: Kind) -> None:
    """Wherever an event names a customer: rows of commands, and numbers of decisions, would be those of both."""
    assert kind.named is not None
    taken = kind.named + "box" * kind.named.endswith("/")
    for field in (name for name in event.__struct_fields__ if name.endswith("customer_id")):
        refused = subject_of(record(replace(event, **{field: taken})))
        assert isinstance(refused, Rejected)
        assert refused.reason == "invalid_id"
        assert f"{type(event).__name__}: {field}: found {taken!r}" in refused.detail
        again = subject_of(record(replace(event, **{field: taken}), "redrives"))
        assert again == refused
        for free in (f"{taken}x" if taken == kind.named else kind.named[:-1], f"x{taken}", taken.upper()):
            assert subject_of(record(replace(event, **{field: free}))) == replace(event, **{field: free}).subject


def test_what_is_told_to_a_subject_that_is_no_customer_passes_d6() -> None:
    assert subject_of(record(example_of(GoodwillAsked), key=b"agent/mia")) == "agent/mia"
    assert subject_of(record(example_of(UnitsAsked), key=b"reward/box")) == "reward/box"
    assert subject_of(record(example_of(RewardStocked))).startswith("reward/")
    assert subject_of(record(example_of(PolicyPublished))) == "programme"


# Where it goes


def test_a_record_goes_on_under_its_subject_with_its_own_bytes_and_origin_t_22() -> None:
    """When it happened is among these bytes."""
    event = placed("ada")
    (appended,) = without_ticks(fold(record(event, place=(3, 17), key=b"other")))
    assert appended == Outgoing("timeline", b"ada", encode(event), None, NOON, [(ORIGIN, b"orders/3/17")])


def test_a_reserved_subject_goes_to_its_own_partition_d6() -> None:
    for partition in range(PARTITIONS):
        (appended,) = without_ticks(fold(record(e.WorkRemains(NOON), key=f"#{partition}".encode())))
        assert (appended.topic, appended.key, appended.partition) == ("timeline", f"#{partition}".encode(), partition)


def test_hops_go_along_with_a_message_and_upstream_cannot_set_them() -> None:
    message = record(e.RulesChanged(2), key=b"ada", headers=[(HOPS, b"2"), ("other", b"x")])
    assert append(message, "ada").headers == [(ORIGIN, b"messages/0/0"), (HOPS, b"2")]
    source = record(registered(), headers=[(HOPS, b"many"), (ORIGIN, b"orders/9/9")])
    assert append(source, "ada").headers == [(ORIGIN, b"interactions/0/0")]


BAD = [
    (record(b"\x01\x00nonsense", "orders"), "undecodable"),
    (record(b"\x00\x01nonsense", "orders"), "unknown_schema"),
    (record(None, "orders"), "empty"),
    (record(b"", "returns"), "empty"),
    (record(b"\xc3\x01\x00\x00\x00\x00\x00\x00\x00\x00", "support"), "unknown_schema"),
    (record(registered(), "orders"), "wrong_topic"),
    (record(encode(registered()) + b"\x00", "interactions"), "undecodable"),
    (record(encode(registered())[:-1], "interactions"), "undecodable"),
    # Branch -2 of a union of two, which `fastavro` takes for null: no fold of the timeline looks again.
    (record(encode(registered())[:-1] + b"\x03", "interactions"), "undecodable"),
    (record(registered(at=NOON + 3 * DAY), at=NOON), "implausible_date"),
    (record(e.RulesChanged(2), key=b""), "invalid_id"),
    (record(e.RulesChanged(2), headers=[(HOPS, b"9")]), "too_many_hops"),
] + [
    (record(encode_fields(e.CustomerRegistered, fields), "interactions"), reason)
    for fields, reason in (
        ({"event_id": "e", "customer_id": "", "occurred_at": NOON}, "invalid_id"),
        ({"event_id": "e", "customer_id": "#0", "occurred_at": NOON}, "invalid_id"),
        ({"event_id": "e", "customer_id": "reward/box", "occurred_at": NOON}, "invalid_id"),
        ({"event_id": "e", "customer_id": "ada", "occurred_at": 0}, "implausible_date"),
        ({"event_id": "e", "customer_id": "ada", "occurred_at": LATEST_MS + 1}, "implausible_date"),
    )
]


@pytest.mark.parametrize(("bad", "reason"), BAD, ids=lambda each: each if isinstance(each, str) else "")
def test_a_record_that_cannot_be_taken_is_buried_whole(bad: Record, reason: str) -> None:
    (buried,) = fold(bad).outgoing
    headers, found = dict(buried.headers), held(buried)
    assert (buried.topic, buried.key) == ("dead-letters", None)
    assert (found.key, found.value, found.lost) == (bad.key, bad.value, None)
    assert (buried.timestamp, buried.partition) == (bad.timestamp, None)
    assert headers == {ORIGIN: origin_of(bad), REASON: reason.encode()}
    assert found.detail


@pytest.mark.parametrize(
    ("key", "value"), [(b"k", b"x" * LARGEST_BYTES), (b"k" * LARGEST_BYTES, b"x")], ids=["value", "key"]
)
def test_what_no_topic_of_ours_takes_stays_where_its_dead_letter_says(key: bytes, value: bytes) -> None:
    """A source's limit is one of compressed batches: unpacked, a record may be of any size."""
    large = record(value, "orders", key=key)
    (buried,) = fold(large).outgoing
    assert (buried.topic, buried.key, buried.value) == ("dead-letters", None, None)
    assert dict(buried.headers)[ORIGIN] == origin_of(large)
    assert dict(buried.headers)[REASON] == b"too_large"
    assert f"{LARGEST_BYTES + 1} bytes" in dict(buried.headers)[DETAIL].decode()


def test_what_is_found_is_told_at_bearable_length() -> None:
    fields = {"event_id": "e", "customer_id": "ada", "occurred_at": NOON, "order_id": "o", "lines": [], "rate_ppm": 1}
    unknown = record(encode_fields(e.OrderPlaced, {**fields, "currency": "Z" * 100_000}), "orders")
    (buried,) = without_ticks(fold(unknown))
    assert dict(buried.headers)[REASON] == b"unknown_currency"
    assert len(held(buried).detail) <= DETAIL_CHARS
    assert held(buried).value == unknown.value


def test_bad_records_stop_nobody() -> None:
    good = [record(placed(order=f"o{n}"), place=(1, n)) for n in range(5)]
    mixed = [record(b"bad", "orders", (0, n), at=NOON) for n in range(5)]
    folded = fold(*good, *mixed)
    assert Counter(each.topic for each in without_ticks(folded)) == {"timeline": 5, "dead-letters": 5}
    assert (folded.offsets["orders", 0], folded.offsets["orders", 1]) == (5, 5)


def test_a_redriven_dead_letter_that_is_still_bad_keeps_where_it_came_from() -> None:
    again = record(b"bad", "redrives", headers=[(REDRIVEN, b"dead-letters/0/5"), ("x", b"y")])
    buried = bury(again, Rejected("undecodable", "why"), KEYS)
    assert (REDRIVEN, b"dead-letters/0/5") in buried.headers
    assert "x" not in dict(buried.headers)


def test_an_event_beyond_max_jump_is_buried_and_time_does_not_follow_it_t_19() -> None:
    folded = fold(
        record(placed(order="o1", at=NOON), place=(0, 0)),
        record(placed(order="o2", at=NOON + 31 * DAY + 1), place=(0, 1)),
        record(placed(order="o3", at=NOON + 2 * HOUR), place=(0, 2)),
    )
    first, second, third = without_ticks(folded)
    assert [each.topic for each in (first, second, third)] == ["timeline", "dead-letters", "timeline"]
    assert dict(second.headers)[REASON] == b"implausible_date"
    assert {at for _, at in ticks(folded)} == {NOON, NOON + 2 * HOUR}


@pytest.mark.parametrize("stamp", [-1, 0, EARLIEST_MS - 1, LATEST_MS + 1, 10**17])
def test_a_broker_stamp_from_nowhere_never_becomes_the_logs_time_t_19(stamp: int) -> None:
    """A tick that the fold cannot read would stop every partition."""
    folded = fold(record(placed(at=max(EARLIEST_MS, min(stamp, LATEST_MS))), at=stamp), record(registered()))
    assert all(EARLIEST_MS <= at <= LATEST_MS for _, at in ticks(folded))
    assert all(not isinstance(decode(each.value), Rejected) for each in folded.outgoing if each.topic == "timeline")


SOURCE_BYTES = st.one_of(
    st.binary(max_size=60),
    st.none(),
    any_record().map(encode),
    st.sampled_from([encode(event) for event in ONE_OF_EACH]),
)
RECORDS = st.lists(
    st.tuples(
        st.sampled_from(INTAKE),
        SOURCE_BYTES,
        st.none() | st.sampled_from([b"", b"ada", b"#0", b"#", b"\xff", b"#a"]),
        st.integers(0, 5) | st.sampled_from([-1, EARLIEST_MS, NOON, LATEST_MS, LATEST_MS + 1]),
    ),
    max_size=6,
)


@settings(max_examples=50)
@given(RECORDS)
@example([("redrives", encode(e.RulesChanged(2)), None, NOON)])
def test_whatever_comes_each_record_leaves_once_and_only_where_intake_writes_i_1(drawn: list[Any]) -> None:
    offsets = Counter[str]()
    records = []
    for topic, value, key, at in drawn:
        records.append(record(value, topic, (0, offsets[topic]), at, key=key))
        offsets[topic] += 1
    folded = intake().fold(records) or Folded()
    left = Counter(dict(each.headers)[ORIGIN] for each in without_ticks(folded))
    assert left == {origin_of(each): 1 for each in records}
    assert all(BY_NAME[each.topic].writer == "intake" for each in folded.outgoing)
    for each in without_ticks(folded):
        (origin,) = (r for r in records if origin_of(r) == dict(each.headers)[ORIGIN])
        assert (each if each.topic == "timeline" else held(each)).value == origin.value
    for topic, count in offsets.items():
        assert folded.offsets[topic, 0] == count


# Ticks


def test_ticks_reach_every_partition_and_carry_the_offsets_of_messages_d2() -> None:
    """Without a position of its own in the transaction, a zombie's tick would not be fenced."""
    made = intake()
    for partition in range(PARTITIONS):
        made.positions["messages", partition] = 40 + partition
    folded = fold(record(placed(), place=(2, 7)), on=made)
    assert ticks(folded) == [(partition, NOON) for partition in range(PARTITIONS)]
    assert folded.offsets == {("orders", 2): 8} | {("messages", p): 40 + p for p in range(PARTITIONS)}
    assert folded.outgoing[-1].key == b"ada", "the tick comes before the record"


def test_a_batch_without_ticks_moves_only_what_it_took() -> None:
    made = intake()
    fold(record(placed(), place=(0, 0)), on=made)
    folded = fold(record(placed(order="o2", at=NOON + 1), place=(0, 1)), on=made)
    assert ticks(folded) == []
    assert folded.offsets == {("orders", 0): 2}


def test_messages_do_not_move_the_events_clock() -> None:
    made = intake()
    fold(record(placed()), on=made)
    folded = fold(record(e.WorkRemains(NOON), key=b"#0", at=NOON + 5 * DAY), on=made)
    assert ticks(folded) == []


def test_a_tick_is_addressed_to_its_partition_at_its_own_time() -> None:
    made = tick(3, NOON, 250, 4)
    assert decode(made.value) == e.ClockTicked(NOON, 250, 4)
    assert (made.topic, made.key, made.partition, made.timestamp) == ("timeline", b"#3", 3, NOON)


def test_nothing_to_do_is_nothing_to_commit() -> None:
    assert intake().fold([]) is None


def test_no_more_than_a_batch_is_taken_and_the_rest_waits() -> None:
    made = intake(batch_size=3)
    records = [record(placed(order=f"o{n}"), place=(0, n)) for n in range(5)]
    assert len(without_ticks(fold(*records, on=made))) == 3
    assert len(without_ticks(fold(on=made))) == 2
    assert made.fold([]) is None


def test_a_partition_with_enough_buffered_is_crowded() -> None:
    made = intake(batch_size=1)
    made.merge.at_end = set()
    assert made.fold([record(placed(order=f"o{n}"), place=(0, n)) for n in range(5)]) is None
    assert made.crowded() == {("orders", 0)}


def test_a_partition_that_goes_takes_its_position_and_its_records_along() -> None:
    made = intake()
    made.merge.at_end = set(made.positions) - {("returns", 0)}
    assert made.fold([record(placed())]) is None
    made.release(("orders", 0))
    made.release(("returns", 0))
    assert made.fold([]) is None
    assert ("orders", 0) not in made.positions


def wall(**given_: Any) -> Intake:
    return intake(WallClock(10, 60), **given_)


def test_by_the_wall_clock_each_owned_partition_ticks_and_commits_its_own_position_d4() -> None:
    made = wall(behind_ms=lambda: 1_234)
    made.release(("messages", 2))
    folded = fold(record(placed(), place=(0, 0)), on=made)
    events = [decode(each.value) for each in folded.outgoing if each not in without_ticks(folded)]
    assert {each.sources_behind_ms for each in events} == {1_234}
    assert {partition for partition, _ in ticks(folded)} == {0, 1, 3}
    assert set(folded.offsets) == {("orders", 0), ("messages", 0), ("messages", 1), ("messages", 3)}
    folded.settle({})
    again = fold(record(placed(order="o2"), place=(0, 1)), on=made)
    assert ticks(again) == [], "not due yet"
    assert set(again.offsets) == {("orders", 0)}


def test_ticks_that_were_not_committed_are_ticked_again() -> None:
    made = wall()
    assert len(ticks(fold(on=made))) == PARTITIONS
    assert len(ticks(fold(on=made))) == PARTITIONS
    fold(on=made).settle({})
    assert made.fold([]) is None


def test_a_worker_whose_clock_is_off_takes_records_but_does_not_tick() -> None:
    made = wall(may_tick=lambda: False)
    folded = fold(record(placed()), on=made)
    assert ticks(folded) == []
    assert len(folded.outgoing) == 1
    assert made.fold([]) is None


def test_the_wall_clock_lets_any_stamp_pass() -> None:
    """Sources are merged by their stamps, but these are not the log's time."""
    folded = fold(record(placed(at=ms("1999-01-01"))), on=wall())
    assert len(without_ticks(folded)) == 1
    assert without_ticks(folded)[0].topic == "timeline"
