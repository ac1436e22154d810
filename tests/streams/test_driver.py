"""Both stages over logs in memory: from the sources to decisions, under the policy that ships (D10)."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from msgspec.structs import replace

from processors import fold as rules
from processors.customer import CUSTOMERS
from processors.order import ORDERS, Order
from processors.partition import HERE, PARTITION
from processors.step import UNITS_PER_RECORD
from processors.tables import TABLES
from schemas import decisions as d
from schemas import events as e
from schemas import messages as m
from schemas.codec import decode, kind_of
from schemas.commands import CompensationGranted
from schemas.partitions import partition_of, reserved
from schemas.topics import BY_NAME, TOPICS
from state import overlay
from state.encoding import decode_row
from state.partition import POSITION, read_position
from streams.burying import dig_up
from streams.driver import Driver, FoldStoppedError
from streams.records import HOPS, ORIGIN, REASON, SENDER, Outgoing, parse_origin
from streams.refolding import Digest, Refold, batches
from tests.streams.engines import at, compacted, counts, decoded, dug_up, engine, fingerprint, ran, rows
from tests.streams.history import DAY, HOUR, history, ms, placed, policy_changes, published, registered
from tests.streams.rush import AT, before, wishes

SEED = 11


@cache
def after_a_history() -> Driver:
    """To look at, not to change."""
    return ran(history(SEED))


def vip_story() -> list[Outgoing]:
    """Ada becomes a VIP, asks for things, and falls silent; Bob only sends what nobody can read."""
    about: dict[str, Any] = {"customer_id": "ada"}
    bought = ms("2024-02-01 10:00")
    return [
        published(registered("ada", ms("2022-01-01 08:00"))),
        published(placed("ada", bought, 150_000, "o1")),
        published(e.OrderDelivered(event_id="d1", occurred_at=bought + 2 * DAY, order_id="o1", **about)),
        published(e.ContactOpened(event_id="s1", occurred_at=bought + 3 * DAY, case_id="k1", channel="chat", **about)),
        published(
            e.ReturnRequested(
                event_id="b1", occurred_at=bought + 4 * DAY, return_id="b1", order_id="o1",
                lines=(e.ReturnLine("l1", 1),), **about,
            )
        ),
        Outgoing("orders", b"bob", b"\xffwhat is this", None, bought + 5 * DAY),
        published(placed("carl", ms("2024-05-01"), 100, "o2")),
    ]  # fmt: skip


def test_from_sources_to_decisions_under_the_shipped_policy() -> None:
    driver = ran(vip_story())
    (rise,) = decoded(driver, "tier-changes")
    assert (rise.customer_id, rise.from_tier, rise.to_tier, rise.sequence) == ("ada", None, "gold", 3)
    assert rise.cause == "orders/e-o1"
    assert rise.policy_version == "default-1"
    (routed,) = decoded(driver, "priority-routing")
    assert (routed.queue, routed.tier, routed.sequence) == ("vip", "gold", 7)
    assert routed.respond_by == ms("2024-02-04 10:00") + 240 * 60_000
    (verdict,) = decoded(driver, "return-decisions")
    assert (verdict.verdict, verdict.amount_minor, verdict.sequence) == ("review", 150_000, 8)
    alert, escalated = decoded(driver, "at-risk-alerts")
    assert (type(alert), alert.silent_days, alert.sequence) == (d.AtRiskRaised, 46, 10)
    assert alert.decided_at == ms("2024-03-18"), "46 local days after the order, at midnight"
    assert (type(escalated), escalated.alert_id, escalated.sequence) == (d.AtRiskEscalated, alert.decision_id, 13)
    told = [(each.notice, each.follows, each.sequence) for each in decoded(driver, "notification-requests")]
    assert told == [
        ("welcome", rise.decision_id, 5),
        ("return_decided", verdict.decision_id, 9),
        ("outreach", alert.decision_id, 11),
    ]
    flags = [(each.customer_id, each.order_id, each.tier, each.sequence) for each in decoded(driver, "fulfilment")]
    assert sorted(flags) == [("ada", "o1", "gold", 6), ("carl", "o2", None, 2)]
    points = [each for each in decoded(driver, "points") if each.customer_id == "ada"]
    moved = [(each.movement, each.points, each.sequence) for each in points]
    assert moved == [("earned", 100, 1), ("expired", 100, 2), ("earned", 1500, 4), ("matured", 1500, 12)]
    (buried,) = driver.logs.all("dead-letters")
    assert dug_up(driver)[0].value == b"\xffwhat is this"
    assert buried.header(REASON) == b"undecodable"
    profiles = {key: value for table in compacted(driver.logs.all("customer-profiles")) for key, value in table.items()}
    assert set(profiles) == {b"ada", b"carl"}


def test_each_decision_names_the_record_that_caused_it_and_stands_in_its_partition() -> None:
    driver = after_a_history()
    checked = 0
    for topic in (each.name for each in TOPICS if any(issubclass(kind, d.Decided) for kind in each.types)):
        for record, decision in zip(driver.logs.all(topic), decoded(driver, topic), strict=True):
            origin = decision.origin
            assert (origin.topic, origin.partition, origin.offset) == ("timeline", record.partition, at(record))
            assert driver.logs.since(("timeline", origin.partition), origin.offset, 1)
            assert record.key == decision.customer_id.encode()
            assert record.partition == partition_of(decision.customer_id, 2)
            checked += 1
    assert checked > 100


def test_every_source_record_is_in_timeline_or_dead_letters_once_i_1() -> None:
    driver = after_a_history()
    found = Counter(
        record.header(ORIGIN)
        for topic in ("timeline", "dead-letters")
        for record in driver.logs.all(topic)
        if record.header(ORIGIN)
    )
    read = [
        record
        for topic in TOPICS
        if topic.writer in ("upstream", "operators") or topic.name == "messages"
        for record in driver.logs.all(topic.name)
    ]
    assert found == Counter(f"{record.topic}/{record.partition}/{record.offset}".encode() for record in read)
    assert counts(driver)["dead-letters"] > 20
    for topic in ("timeline", "dead-letters"):
        for record in driver.logs.all(topic):
            if origin := record.header(ORIGIN):
                source, partition, offset = parse_origin(origin)
                (original,) = driver.logs.since((source, partition), offset, 1)
                held = record if topic == "timeline" else dig_up(record, driver.keys.chain.find)
                assert held.value == original.value


def test_sequence_numbers_of_a_customer_have_no_gap_i_4() -> None:
    driver = after_a_history()
    numbers: dict[str, list[int]] = {}
    for topic in (each.name for each in TOPICS if any(issubclass(kind, d.Decided) for kind in each.types)):
        for decision in decoded(driver, topic):
            numbers.setdefault(decision.customer_id, []).append(decision.sequence)
    assert all(sorted(each) == list(range(1, len(each) + 1)) for each in numbers.values())


def test_the_changelog_is_the_state_and_ends_with_the_position_i_2() -> None:
    driver = after_a_history()
    assert compacted(driver.logs.all("customer-state")) == rows(driver)
    for partition, state in driver.customers.states.items():
        folded = driver.logs.since(("timeline", partition), 0)
        assert read_position(state.store) == len(folded)
        last = driver.logs.since(("customer-state", partition), 0)[-1]
        assert decode_row(POSITION, last.value or b"").timeline == len(folded)


def test_one_writer_each_d14() -> None:
    """Nothing is on a topic that its writer did not write: the driver knows only these two."""
    driver = after_a_history()
    given = {record.topic for record in history(SEED)}
    for topic, count in counts(driver).items():
        if count and topic not in given:
            assert BY_NAME[topic].writer in ("intake", "customers"), topic


def test_the_share_of_vips_is_judged_over_all_partitions_by_one_subject_t_49() -> None:
    bought = ms("2024-02-01 10:00")
    everybody = [f"c{n}" for n in range(150)]
    records = [published(registered(name, ms("2022-01-01 08:00"))) for name in everybody]
    records += [published(placed(name, bought, 150_000, f"o-{name}")) for name in everybody[:33]]
    records.append(published(placed("zoe", bought + 3 * DAY, 100, "o-zoe")))
    for partitions in (1, 5):
        driver = ran(records, partitions=partitions)
        judged = [each for each in decoded(driver, "tier-changes") if isinstance(each, d.VipShareJudged)]
        assert [(each.customers, each.vips, each.level) for each in judged] == [
            (150, 0, "few"),
            (150, 33, "too_many"),
        ]
        assert judged[1].day == "2024-02-02", "the day after they bought"
        told = [r for r in driver.logs.all("messages") if kind_of(r.value) is m.PartitionCounted]
        assert {r.partition for r in told} == {partition_of("programme", partitions)}
        assert len({decode(r.value).message_id for r in told}) == len(told)


def test_many_due_timers_are_cut_into_pieces_that_the_log_orders_d8() -> None:
    driver = ran(history(SEED, customers=3 * UNITS_PER_RECORD, events=10), partitions=1)
    remains = [record for record in driver.logs.all("messages") if kind_of(record.value) is e.WorkRemains]
    assert remains, "more timers were due at one tick than a record may run"
    for record in remains:
        assert (record.key, record.partition) == (reserved(0).encode(), 0)
        assert record.header(HOPS) == b"0"
        cause = driver.logs.since(("timeline", 0), at(record), 1)[0]
        assert record.timestamp == cause.timestamp
    raised = [each for each in decoded(driver, "at-risk-alerts") if isinstance(each, d.AtRiskRaised)]
    assert len(raised) > 2 * UNITS_PER_RECORD


def test_a_policy_comes_into_force_everywhere_and_one_that_is_withdrawn_nowhere_d5_t_32() -> None:
    start = ms("2023-07-01")
    driver = ran([*history(SEED, customers=60, events=100), *policy_changes(start)], partitions=3, batch_size=10)
    (refused,) = (each for each in decoded(driver, "quarantined") if each.customer_id == "programme")
    assert refused.reason == "instant_taken"
    activated = [r for r in driver.logs.all("messages") if kind_of(r.value) is e.PolicyActivated]
    for partition in range(3):
        mine = [r for r in activated if r.partition == partition]
        assert [(r.key, decode(r.value).version) for r in mine] == [
            (f"#{partition}".encode(), "half"),
            (f"#{partition}".encode(), "dearer"),
        ]
        assert {r.header(SENDER) for r in mine} == {str(partition_of("programme", 3)).encode()}
        versions = decode_row(
            PARTITION, driver.customers.states[partition].store.get(PARTITION.key(HERE)) or b""
        ).versions
        assert [each.version for each in versions] == ["default-1", "half", "dearer"]
        assert versions[1].effective_from == start + 2 * DAY
    changes = decoded(driver, "tier-changes")
    causes = Counter(each.cause.partition("/")[0] for each in changes)
    assert causes["activation"] > 10, "many rose by the policy alone"
    assert {each.policy_version for each in changes if each.cause.startswith("activation")} == {"half"}
    assert any(each.reason == "downgrade" and each.policy_version == "dearer" for each in changes)


def test_a_customer_alone_comes_to_the_same_as_among_all() -> None:
    """What `laurel why` stands on: their own records and the partition's suffice (D8)."""
    driver = ran([*history(SEED, customers=60, events=200), *policy_changes(ms("2023-07-01"))], batch_size=10)
    changed = {each.customer_id for each in decoded(driver, "tier-changes") if each.cause.startswith("activation")}
    assert len(changed) > 10
    for customer in sorted(changed):
        partition = partition_of(customer, 2)
        own = (customer.encode(), reserved(partition).encode())
        alone = Refold(partition, 2, {})
        alone.fold([r for r in driver.logs.since(("timeline", partition), 0) if r.key in own])
        key = CUSTOMERS.key(customer)
        assert alone.state.store.get(key) == driver.customers.states[partition].store.get(key)


def refolded(driver: Driver, partition: int, size: int) -> tuple[str, list[Outgoing], dict[bytes, bytes]]:
    """A partition's timeline folded again: digest, outputs, and the rows that the digest covers."""
    refold, digest, outputs = (
        Refold(partition, driver.logs.partitions, driver.customers.skips),
        Digest(),
        list[Outgoing](),
    )
    for batch in batches(iter(driver.logs.since(("timeline", partition), 0)), size, set()):
        outputs += refold.fold(batch)
    digest.outputs(outputs)
    text = digest.rows(refold.state)
    return text, outputs, dict(refold.state.store.scan(b"\x01"))


def where(record: Outgoing) -> int:
    """The partition, of two, that a record is written to."""
    subject = (record.key or b"").decode()
    return partition_of(subject, 2) if record.partition is None else record.partition


@pytest.mark.parametrize("seed", [1, 2])
def test_batch_borders_never_show_d8_i_5(seed: int) -> None:
    about: dict[str, Any] = {"occurred_at": ms("2023-01-01"), "author_id": "mia", "role": "agent", "reason": "sorry"}
    unknown = [
        e.RewardRequested(
            event_id=f"w{n}", customer_id=f"w{n}", occurred_at=ms("2023-01-01"), request_id="q", reward_id="cup"
        )
        for n in range(8)
    ]
    gifts = [
        CompensationGranted(
            event_id=f"k{n}",
            customer_id=f"w{n}",
            compensation_id="k",
            kind="credit",
            currency="USD",
            amount_minor=500,
            **about,
        )
        for n in range(8)
    ]
    told = [
        *map(published, (*unknown, *gifts, *before(8, 3), *wishes(8, AT + HOUR))),
        *history(seed, customers=250, events=250),
        *policy_changes(ms("2023-07-01")),
    ]
    driver = ran(told, batch_size=97)
    tables = set[bytes]()
    for partition, state in enumerate(rows(driver)):
        one, seven, many = (refolded(driver, partition, size) for size in (1, 7, 5_000))
        assert one == seven == many
        assert many[2] == state
        tables |= {key[:1] for key in state}
        for topic in (each.name for each in TOPICS if each.writer == "customers" and each.name != "customer-state"):
            mine = [r for r in driver.logs.all(topic) if int(r.header(SENDER) or r.partition) == partition]
            again = sorted((r for r in many[1] if r.topic == topic), key=where)
            assert [(r.key, r.value, tuple(r.headers)) for r in again] == [(r.key, r.value, r.headers) for r in mine]
    assert counts(driver)["messages"] > 0, "timers were due in numbers"
    assert tables == {table.prefix for table in TABLES} | {POSITION.prefix}


PROGRAM = """
import time
real, shift = time.time_ns, {shift}
time.time_ns = lambda: real() + shift
from tests.streams.engines import fingerprint, ran
from tests.streams.history import history
print(fingerprint(ran(history(5, customers=110, events=60), time_zone="America/New_York")))
"""


def test_time_zone_hash_seed_and_wall_clock_of_the_process_do_not_show_i_5() -> None:
    here = fingerprint(ran(history(5, customers=110, events=60), time_zone="America/New_York"))
    running = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM.format(shift=shift)],
            env=os.environ | {"TZ": zone, "PYTHONHASHSEED": seed},
            stdout=subprocess.PIPE,
            text=True,
        )
        for zone, seed, shift in (("Pacific/Kiritimati", "1", -(10**18)), ("America/Havana", "4711", 10**17))
    ]
    assert [process.communicate()[0].strip() for process in running] == [here, here]


# A bug in a rule (D12)


class BrokenError(Exception):
    """The bug."""


@pytest.fixture
def broken_refunds(monkeypatch: pytest.MonkeyPatch) -> None:
    def raise_(*_: Any) -> Any:
        raise BrokenError("cannot refund")

    monkeypatch.setitem(rules.FACTS, e.OrderRefunded, raise_)  # type: ignore[arg-type]


def with_refund() -> Iterator[Outgoing]:
    yield published(placed("ada", ms("2024-01-01"), 1_000, "o1"))
    refund = e.OrderRefunded(
        event_id="f",
        customer_id="ada",
        occurred_at=ms("2024-01-01 00:10"),
        order_id="o1",
        refund_id="f1",
        goods_minor=1,
    )
    yield published(refund)
    yield published(placed("ada", ms("2024-01-01 00:20"), 2_000, "o2"))
    yield published(placed("bob", ms("2024-01-01 00:30"), 3_000, "o3"))


@pytest.mark.usefixtures("broken_refunds")
def test_a_bug_stops_the_driver_and_names_record_unit_cause_and_what_to_do() -> None:
    partition = partition_of("ada", 2)
    with pytest.raises(FoldStoppedError) as stopped:
        ran(with_refund())
    said = str(stopped.value)
    assert f"timeline/{partition} offset 3" in said
    assert "unit record" in said
    assert "BrokenError: cannot refund" in said
    assert f"laurel skip {partition} 3 --unit 'record'" in said


@pytest.mark.usefixtures("broken_refunds")
def test_the_unit_that_was_skipped_is_left_out_and_all_else_goes_on() -> None:
    driver = engine(with_refund())
    driver.customers.skips = {partition_of("ada", 2): {3: frozenset({"record"})}}
    driver.run()
    profiles = {p.customer_id: p for p in decoded(driver, "customer-profiles")}
    assert profiles["ada"].lifetime_value_minor == 3_000
    assert profiles["bob"].lifetime_value_minor == 3_000


def test_a_bug_in_a_timer_names_the_timer_and_it_can_be_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    def raise_(*_: Any) -> Any:
        raise BrokenError

    due, rule = rules.TIMERS["at_risk"]
    monkeypatch.setitem(rules.TIMERS, "at_risk", (due, raise_))  # type: ignore[arg-type]
    driver = engine(vip_story())
    with pytest.raises(FoldStoppedError) as stopped:
        driver.run()
    unit = str(stopped.value).partition("unit ")[2].partition(": BrokenError")[0]
    assert unit == f"timer/at_risk/ada/silence/{ms('2024-03-18')}"
    offset = int(str(stopped.value).partition("offset ")[2].partition(",")[0])
    monkeypatch.setitem(rules.TIMERS, "at_risk", (due, rule))  # type: ignore[arg-type]
    skipping = engine(vip_story())
    skipping.customers.skips = {partition_of("ada", 2): {offset: frozenset({unit})}}
    skipping.run()
    # What they still wait for is armed again with their next unit of work: here when points can be spent.
    raised = [each for each in decoded(skipping, "at-risk-alerts") if isinstance(each, d.AtRiskRaised)]
    assert [each.decided_at for each in raised] == [ms("2024-03-20")]
    assert counts(skipping)["tier-changes"] == 1


@pytest.mark.usefixtures("broken_refunds")
def test_within_a_batch_what_came_before_stands_and_other_partitions_go_on() -> None:
    source, sink = engine(with_refund()), engine()
    with pytest.raises(FoldStoppedError):
        source.run()
    bad, good = partition_of("ada", 2), partition_of("bob", 2)
    assert bad != good
    batch = source.logs.since(("timeline", bad), 0) + source.logs.since(("timeline", good), 0)
    folded = sink.customers.fold(batch)
    assert folded is not None
    assert set(folded.stopped) == {("timeline", bad)}
    assert folded.offsets == {("timeline", bad): 3, ("timeline", good): len(source.logs.since(("timeline", good), 0))}
    assert sink.customers.states[bad].overlay.changes().keys() >= {b"cada"}
    assert {each.key for each in folded.outgoing if each.topic == "customer-profiles"} == {b"ada", b"bob"}
    alone = engine().customers
    again = alone.fold([replace(batch[3], offset=0)])
    assert again is not None
    assert again.offsets == {}, "a batch whose first record fails moves nothing"
    assert again.stopped


def test_what_a_failed_unit_wrote_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    def write_then_raise(unit: rules.Unit, *_: Any) -> Any:
        unit.rows.put(ORDERS, Order(added_minor=999), unit.subject, "o1")
        raise BrokenError

    monkeypatch.setitem(rules.FACTS, e.OrderRefunded, write_then_raise)  # type: ignore[arg-type]
    partition = partition_of("ada", 2)
    expected, timeline = engine(with_refund()), engine(with_refund())
    expected.customers.skips = {partition: {3: frozenset({"record"})}}
    expected.run()
    with pytest.raises(FoldStoppedError):
        timeline.run()
    sink = engine()
    for record in timeline.logs.since(("timeline", partition), 0):
        folded = sink.customers.fold([record])
        if folded is not None and folded.stopped:
            sink.customers.skips = expected.customers.skips
            folded = sink.customers.fold([record])
        assert folded is not None
        folded.settle(dict.fromkeys(folded.markers, 0))
    assert rows(sink)[partition] == rows(expected)[partition]


def test_a_customers_record_whose_row_grows_too_large_is_quarantined_and_nobody_stops(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(overlay, "LARGEST_ROW_BYTES", 10_000)
    large = replace(
        placed("ada", ms("2024-01-02"), order="o2"), lines=tuple(e.OrderLine(f"{n:050d}", 1, 10) for n in range(400))
    )
    driver = ran(
        [
            published(placed("ada", ms("2024-01-01"), 1_000, "o1")),
            published(large),
            published(placed("ada", ms("2024-01-03"), 4_000, "o3")),
        ]
    )
    (quarantined,) = decoded(driver, "quarantined")
    assert (quarantined.reason, quarantined.customer_id) == ("row_too_large", "ada")
    assert "the changelog takes 10000" in quarantined.detail
    assert decoded(driver, "customer-profiles")[-1].lifetime_value_minor == 5_000


def test_what_a_partition_is_told_is_never_left_out_for_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overlay, "LARGEST_ROW_BYTES", 50)
    with pytest.raises(FoldStoppedError, match=r"RowTooLargeError: row .* of .* has"):
        ran(vip_story())


def test_a_timeline_that_cannot_be_read_stops_the_fold_and_says_so() -> None:
    driver = engine()
    driver.logs.append(Outgoing("timeline", b"ada", b"damaged", partition_of("ada", 2), 0))
    with pytest.raises(FoldStoppedError, match="UnreadableError"):
        driver.run()


# Keys upstream chose


@pytest.mark.parametrize("key", [None, b"", b"\xff\xfe", b"#x", b"#99", b"ada"], ids=repr)
def test_a_source_record_has_a_partition_whatever_its_key(key: bytes | None) -> None:
    driver = ran([Outgoing("orders", key, b"garbage", None, ms("2024-01-01")), published(registered())])
    assert counts(driver)["orders"] == 1
    (buried,) = dug_up(driver)
    assert (buried.key, buried.value) == (key, b"garbage")
    assert counts(driver)["customer-profiles"] == 1


def test_a_run_that_is_repeated_finds_nothing_to_do_and_new_events_are_taken() -> None:
    driver = ran(vip_story())
    before = fingerprint(driver)
    assert driver.run() == 0
    assert fingerprint(driver) == before
    driver.publish([published(placed("ada", ms("2024-05-02"), 100, "o9"))])
    assert driver.run() > 0
    assert counts(driver)["timeline"] > 0
    assert decoded(driver, "customer-profiles")[-1].orders >= 1


def test_a_repeated_event_counts_once_t_15() -> None:
    twice = [*vip_story(), *vip_story()[:5]]
    for topic in ("tier-changes", "priority-routing", "return-decisions"):
        assert len(decoded(ran(twice), topic)) == 1
