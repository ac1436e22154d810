"""The metrics: each documented, each counted where it is true, and there from the first second."""

import asyncio
import re
import subprocess
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic
from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families

from deploy.broker.local import free_port
from deploy.prometheus import reference
from processors.step import UNITS_PER_RECORD
from processors.tables import TABLES
from schemas.codec import decode, kind_of
from schemas.decided import Decided
from schemas.decisions import (
    AtRiskClosed,
    AtRiskEscalated,
    AtRiskRaised,
    CommandAnswered,
    ContactRouted,
    DesignationReached,
    EscalationDue,
    NotificationRequested,
    OrderFlagged,
    QualificationProposed,
    ReturnDecided,
    TierChanged,
    WinBackClosed,
)
from schemas.events import OrderLine, PolicyActivated
from schemas.fields import LARGEST_MINOR
from schemas.ledger import PointsMoved, RewardAnswered
from schemas.rewards import RewardStockMoved
from schemas.source import SourceEvent
from schemas.topics import AGENTS, INTAKE, SOURCES, TOPIC_OF
from schemas.topics import BY_NAME as TOPICS
from state.memory import MemoryStore
from state.partition import POSITION, PartitionState
from streams.backlog import Backlog
from streams.batches import Folded, Stage
from streams.counting import Counts, placed
from streams.customers import look
from streams.driver import Driver
from streams.engine import Engine
from streams.folding import VERDICTS, fold
from streams.kafka import Place, transactional
from streams.metrics import BY_NAME, METRICS, STATES, Metrics, Sample, Timing
from streams.records import ORIGIN, REASON, Outgoing, Record, parse_origin
from streams.restoring import Progress
from streams.retained import ENDS, ends_by_tier
from streams.samples import of_backlog, of_stage
from streams.settings import Settings
from tests.streams.commands import START, environment
from tests.streams.engines import engine, ran, rows
from tests.streams.history import ONE_OF_EACH, history, ms, policy_changes, published
from tests.streams.history import placed as ordered
from tests.streams.rush import wishes
from tests.streams.systems import PARTITIONS, System

Series = dict[tuple[str, tuple[str, ...]], float]
METRIC = pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)


def read(page: str) -> Series:
    """The samples of a page, by name and the labels' values in the order of the table."""
    found: Series = {}
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            found[sample.name, tuple(sample.labels.values())] = sample.value
    return found


LARGE = OrderLine("l1", 1, LARGEST_MINOR)
TOO_LARGE = published(
    replace(ordered("ada", ms("2023-08-01"), order="large"), lines=(LARGE, replace(LARGE, line_id="l2")))
)
"""An order that the contract takes, and the fold quarantines."""
DECIDED = [name for name, topic in TOPICS.items() if any(issubclass(kind, Decided) for kind in topic.types)]
"""Where decisions are published."""
FIELDS = {
    TierChanged: "reason",
    ReturnDecided: "verdict",
    ContactRouted: "queue",
    AtRiskEscalated: "reason",
    AtRiskClosed: "outcome",
    WinBackClosed: "outcome",
    NotificationRequested: "notice",
    CommandAnswered: "verdict",
    QualificationProposed: "tier",
    DesignationReached: "stage",
    EscalationDue: "to",
    PointsMoved: "movement",
    RewardAnswered: "verdict",
    RewardStockMoved: "change",
}


# The table


@METRIC
def test_a_metric_is_named_as_prometheus_asks_and_says_what_it_is(metric: Any) -> None:
    assert re.fullmatch(r"laurel_[a-z]+(_[a-z]+)*", metric.name)
    assert (metric.kind == "counter") == metric.name.endswith("_total")
    assert (metric.kind == "histogram") == bool(metric.bounds)
    assert metric.kind != "histogram" or metric.name.endswith("_seconds")
    assert len(metric.about) > 10
    assert all(len(key) == len(metric.labels) for key in metric.known)
    assert metric.kind != "gauge" or not metric.known, "a gauge that nobody measured must not say 0"


def test_no_name_is_there_twice() -> None:
    assert len(BY_NAME) == len(METRICS)


def test_the_reference_page_is_made_from_the_table() -> None:
    """`uv run python -m deploy.prometheus.reference` writes it."""
    assert reference.PAGE.read_text() == reference.page()


@METRIC
def test_every_metric_is_on_the_reference_page(metric: Any) -> None:
    (line,) = [line for line in reference.PAGE.read_text().splitlines() if f"`{metric.name}`" in line]
    assert metric.about in line


def test_what_no_metric_of_the_table_is_cannot_be_told() -> None:
    with pytest.raises(KeyError, match="laurel_unheard_of"):
        Metrics(lambda: [Sample("laurel_unheard_of", (), 1)]).page()


def test_a_page_has_the_series_known_from_the_start_and_buckets_that_add_up() -> None:
    timing = Timing((1, 0, 2, *(0,) * 9, 4), 123.5)
    page = read(Metrics(lambda: [Sample("laurel_batch_duration_seconds", ("intake",), timing)]).page().decode())
    assert page["laurel_batch_duration_seconds_bucket", ("intake", "0.005")] == 1
    assert page["laurel_batch_duration_seconds_bucket", ("intake", "0.025")] == 3
    assert page["laurel_batch_duration_seconds_bucket", ("intake", "+Inf")] == 7
    assert page["laurel_batch_duration_seconds_count", ("intake",)] == 7
    assert page["laurel_batch_duration_seconds_sum", ("intake",)] == 123.5
    assert page["laurel_batch_duration_seconds_count", ("customers",)] == 0
    for topic in INTAKE:
        assert page["laurel_records_in_total", ("intake", topic)] == 0


def test_durations_fall_at_or_below_their_bound() -> None:
    assert dict(placed([3, 1, 2, 2, 9, 8], (1, 2, 5))) == {0: 1, 1: 2, 2: 1, 3: 2}
    assert dict(placed([], (1, 2))) == {}


# Counting


def counted(counts: Counts) -> dict[tuple[str, tuple[str, ...]], Any]:
    return {(name, labels): value for name, labels, value in counts.samples()}


def test_every_kind_of_decision_has_a_verdict() -> None:
    topics = [topic for topic in TOPICS.values() if topic.writer == "customers"]
    kinds = {kind for topic in topics for kind in topic.types if topic.name not in ("messages", "customer-profiles")}
    assert set(VERDICTS) == kinds


def test_decisions_and_quarantine_are_counted_as_they_were_published() -> None:
    """Over a history in memory, against what its topics hold."""
    driver, counts = ran(), Counts("customers")
    driver.publish([*history(3, customers=40, events=200), *policy_changes(ms("2023-07-01")), TOO_LARGE])
    whole, settle = driver.customers.fold, time.monotonic

    def folded(records: Any) -> Folded | None:
        found = whole(records)
        if found is not None:
            counts.committed(found, settle(), settle())
        return found

    driver.customers.fold = folded  # type: ignore[method-assign]
    driver.run()
    expected = Counter[tuple[str, tuple[str, ...]]]()
    for topic in (*DECIDED, "quarantined"):
        for decision in (decode(record.value) for record in driver.logs.all(topic)):
            if topic == "quarantined":
                expected["laurel_quarantined_total", (decision.reason,)] += 1
                expected["laurel_records_dropped_total", ("customers",)] += 1
            else:
                verdict = getattr(decision, FIELDS.get(type(decision), ""), None)
                if isinstance(decision, OrderFlagged):
                    verdict = "again" if decision.supersedes else "first"
                said = verdict or ("raised" if isinstance(decision, AtRiskRaised) else "retracted")
                expected["laurel_decisions_total", (type(decision).__name__, said)] += 1
    found = counted(counts)
    names = {"laurel_decisions_total", "laurel_quarantined_total", "laurel_records_dropped_total"}
    assert {key: value for key, value in found.items() if key[0] in names} == expected
    assert expected["laurel_records_dropped_total", ("customers",)] > 0
    assert sum(found["laurel_decision_delay_seconds", ()].counts) == waited(driver.logs.all("timeline"))
    told = [record for record in driver.logs.all("messages") if kind_of(record.value) is PolicyActivated]
    assert sum(found["laurel_policy_delay_seconds", ()].counts) == len(told) == 2 * driver.logs.partitions


def waited(timeline: Iterable[Record]) -> int:
    """How many records of others there are: neither ticks nor what subjects told each other."""
    origins = (record.header(ORIGIN) for record in timeline)
    return sum(1 for origin in origins if origin and parse_origin(origin)[0] != "messages")


def without_effect(timeline: Iterable[Record]) -> Counter[str]:
    """How many events of each source change nothing, by what each record does to the rows."""
    driver, found = engine(), Counter[str]()
    for record in timeline:
        origin = record.header(ORIGIN)
        if stays(driver, record) and origin and (topic := parse_origin(origin)[0]) != "messages":
            found[topic] += 1
    return found


def stays(driver: Driver, record: Record) -> bool:
    """Fold one record as a batch of its own; whether all rows but the position are what they were, and nothing is told."""
    before = rows(driver)[record.partition]
    folded = driver.customers.fold([record])
    assert folded is not None
    told = [outgoing for outgoing in folded.outgoing if outgoing.topic != "customer-state"]
    folded.settle({record.partition: 0})
    after = rows(driver)[record.partition]
    position = POSITION.key()
    return not told and before | {position: b""} == after | {position: b""}


def test_events_that_changed_nothing_are_counted_by_their_source() -> None:
    """Over a history of which a part is published again, against what each record did to the rows."""
    first, driver, counts = [*history(3, customers=30, events=200)], engine(), Counts("customers")
    timeline = list(ran([*first, *first[::3]]).logs.all("timeline"))
    expected = without_effect(timeline)
    for start in range(0, len(timeline), 50):
        folded = driver.customers.fold(timeline[start : start + 50])
        assert folded is not None
        folded.settle(dict.fromkeys(range(PARTITIONS), start))
        counts.committed(folded, 0, 0)
    found = {k[0]: v for (name, k), v in counted(counts).items() if name == "laurel_records_without_effect_total"}
    assert found == expected
    assert set(expected) == {"orders", "returns", "interactions", "support", "operations"}
    assert sum(expected.values()) > len(first) // 6


@pytest.mark.parametrize("event", ONE_OF_EACH, ids=lambda event: type(event).__name__)
def test_whatever_is_published_again_changes_nothing_and_is_counted(event: SourceEvent) -> None:
    driver, seen = engine([published(event)] * 3, partitions=1), Counter[str]()
    whole = driver.customers.fold

    def counting(records: Any) -> Folded | None:
        folded = whole(records)
        seen.update(folded.without_effect if folded else {})
        return folded

    driver.customers.fold = counting  # type: ignore[method-assign]
    driver.run()
    assert seen == {TOPIC_OF[type(event)]: 2}


def test_what_is_quarantined_or_told_by_laurel_itself_is_not_without_effect() -> None:
    driver = ran([published(ONE_OF_EACH[0])], partitions=1)
    records = [replace(record, offset=n) for n, record in enumerate(driver.logs.since(("timeline", 0), 0))]
    told = [record for record in records if not record.headers]
    message = replace(told[0], headers=[(ORIGIN, b"messages/0/0")])
    (event,) = (record for record in records if record.headers)
    large = replace(event, value=TOO_LARGE.value)
    for again in (*told, message, large):
        folded = driver.customers.fold([again])
        assert folded is not None
        assert not folded.without_effect
        folded.settle({0: 0})


def test_a_record_whose_fold_raises_is_failed_and_not_taken() -> None:
    driver = ran()

    def raising(*_: Any) -> Any:
        raise ZeroDivisionError

    driver.customers._fold = raising
    folded = driver.customers.fold(driver.logs.since(("timeline", 0), 0))
    assert folded is not None
    assert (folded.records, len(folded.stopped)) == ([], 1)


# Figures that a scrape asks for


def test_a_partition_says_its_size_policy_and_what_is_due() -> None:
    driver = ran(history(5, customers=10, events=10), partitions=1)
    figures = look(driver.customers.states[0])
    assert figures.size == driver.customers.states[0].store.size()
    assert figures.size.rows > 10
    assert (figures.policy, figures.deferred, figures.timers_due) == ("default-1", False, 0)
    new = look(PartitionState(MemoryStore()))
    assert (new.policy, new.deferred, new.timers_due, new.size.rows) == (None, False, 0, 0)


def test_work_left_over_from_a_tick_is_seen_with_its_timers() -> None:
    """More fall due at one tick than a record may run: the rest waits for the next `WorkRemains`."""
    driver, seen = ran(partitions=1, batch_size=1), []
    driver.publish(history(7, customers=3 * UNITS_PER_RECORD, events=10))
    whole = driver.customers.fold

    def looking(records: list[Record]) -> Folded | None:
        seen.append(look(driver.customers.states[0]))
        return whole(records)

    driver.customers.fold = looking  # type: ignore[method-assign,assignment]
    driver.run()
    assert any(figures.deferred and figures.timers_due for figures in seen)
    assert look(driver.customers.states[0])[2:4] == (False, 0)


def worker(**settings: Any) -> Engine:
    return Engine(Settings(bootstrap="127.0.0.1:1", health_port=0, **settings), fold)


def told(made: Engine) -> Series:
    return read(Metrics(made.samples).page().decode())


def test_a_worker_says_one_state_of_all_that_there_are() -> None:
    page = told(worker())
    states = {labels[0]: value for (name, labels), value in page.items() if name == "laurel_worker_state"}
    assert set(states) == set(STATES)
    assert [state for state, value in states.items() if value] == ["waiting for broker"]
    assert page["laurel_worker_ready", ()] == 0


def test_every_state_of_the_engine_is_in_the_table() -> None:
    source = Path(Engine.state.__code__.co_filename).read_text()
    for state in STATES:
        assert f'"{state}"' in source
    draining = worker()
    draining._draining = True
    assert draining.state()[1] in STATES


def test_a_restore_is_followed_row_by_row_and_so_are_warm_copies() -> None:
    class Following:
        behind = {5: 7}  # noqa: RUF012 - as the real one

    class Restoring:
        figures: Mapping[int, Any] = {}
        restoring = {3: Progress(40, 100)}  # noqa: RUF012 - as the real one
        restored = Counter({3: 1000, 4: 7})  # noqa: RUF012 - likewise
        warm = Following()

    made = worker()
    made._customers = Restoring()  # type: ignore[assignment]
    page = told(made)
    assert page["laurel_restore_done_rows", ("3",)] == 40
    assert page["laurel_restore_todo_rows", ("3",)] == 100
    assert page["laurel_restored_rows_total", ()] == 1007
    assert page["laurel_warm_copy_behind_records", ("5",)] == 7


# On a broker


STAMP = ms("2026-01-01")


class Copying:
    """Work that copies each record to the timeline, one for one."""

    start = 0
    padding = b""
    """More than a producer takes makes each batch fail."""

    def prepare(self, _place: Place, _cancelled: Callable[[], bool]) -> int:
        return self.start

    def begin(self, place: Place, start: int) -> None: ...

    def release(self, place: Place) -> None: ...

    def fold(self, records: list[Record]) -> Folded | None:
        outgoing = [
            Outgoing("dead-letters", record.key, self.padding + (record.value or b""), 0, headers=[(REASON, b"copied")])
            for record in records
        ]
        return (
            Folded(records, outgoing, offsets={record.place: record.offset + 1 for record in records})
            if records
            else None
        )

    def reconsider(self, _: Any) -> list[Place]:
        return []

    def crowded(self) -> set[Place]:
        return set()

    def holding(self) -> set[Place]:
        return set()


@pytest.fixture
def stage(bootstrap: str, namespace: str) -> Iterator[Stage]:
    """Give an agent with ten records before it, and then the mark that ends their transaction."""
    settings = Settings(bootstrap=bootstrap, namespace=namespace, instance="one")
    client = AdminClient({"bootstrap.servers": bootstrap})
    for future in client.create_topics(
        [NewTopic(settings.topic(name), 1, 1) for name in ("orders", "dead-letters")]
    ).values():
        future.result()
    producer = Producer({"bootstrap.servers": bootstrap, "transactional.id": f"{namespace}upstream"})
    producer.init_transactions(30)
    producer.begin_transaction()
    for n in range(10):
        producer.produce(settings.topic("orders"), str(n).encode(), partition=0, timestamp=STAMP + n)
    producer.commit_transaction(30)
    made = Stage(settings, "intake", ["orders"], Copying(), lambda: False)
    made.open()
    yield made
    made.close()


def take(stage: Stage) -> list[Record]:
    """One batch with records, folded and committed or aborted."""
    while not (records := carry_out(stage)):
        """The group is arranging itself."""
    return records


def carry_out(stage: Stage) -> list[Record]:
    """One batch, folded and committed or aborted."""
    batch = stage.next()

    async def both() -> None:
        await batch.fold()
        await batch.commit()

    asyncio.run(both())
    return batch.records


def waits(backlog: Backlog) -> Series:
    """How far the agent is behind, as a scrape tells it."""
    return {(name, labels): value for name, labels, value in of_backlog(backlog) if labels[0] == "intake"}


RECORDS, SECONDS = ("laurel_lag_records", ("intake", "orders")), ("laurel_lag_seconds", ("intake", "orders"))


def test_an_agent_that_has_nothing_left_fails_no_longer(stage: Stage) -> None:
    """Else whoever gave up what it failed at would be called failing until something comes in."""
    work: Any = stage.work
    work.padding = bytes(3_000_000)
    take(stage)
    while not stage.membership.working:
        stage.membership.poll(0, 0.1)
    work.start = 11  # from the next preparation on: another worker took them
    take(stage)
    assert stage.failing
    rounds = 0
    while stage.failing and (rounds := rounds + 1) < 100:
        carry_out(stage)
    assert not stage.failing


def test_what_waits_is_told_in_records_and_seconds_and_is_nothing_when_all_is_taken(stage: Stage) -> None:
    backlog = Backlog(stage._transactions._settings, lambda: {"intake": stage})
    backlog.look()
    assert waits(backlog) == {}, "no partition is held"
    while not stage.membership.working:
        stage.membership.poll(0, 0.1)
    stage.membership.stop(("orders", 0), "a bug")
    backlog.look()
    assert waits(backlog)[RECORDS] == 11
    first = backlog.waiting[0].since
    assert first == STAMP, "the first that waits"
    assert waits(backlog)[SECONDS] == pytest.approx((time.time() * 1000 - first) / 1000, abs=60)

    stage.membership.restart([("orders", 0)])
    taken = len(take(stage))
    while taken < 10:
        taken += len(take(stage))
    while stage.emptied().keys() != {("orders", 0)}:
        assert stage.next().records == []
    backlog.look()
    assert waits(backlog) == {RECORDS: 0, SECONDS: 0}


def test_what_the_client_does_not_bring_waits_and_is_brought_in_the_end(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An end that was told long ago must hide nothing: the client may have stopped fetching then, and say so to nobody."""
    monkeypatch.setattr("streams.membership.LOOK_S", 0.1)
    settings, place = stage._transactions._settings, ("orders", 0)
    backlog = Backlog(settings, lambda: {"intake": stage})
    while stage.emptied().keys() != {place}:
        carry_out(stage)
    monkeypatch.setattr("streams.fetching.SILENT_S", 3.0)
    for busy in (False, True) * 5:
        stage._in_hand = busy
        backlog.look()
        assert carry_out(stage) == []
    assert stage.membership.ends == {place: 11}
    assert counted_silences(stage) == 0, (
        "the mark of a transaction is nothing that waits, whatever was at hand at the look"
    )

    stage.membership._consumer.pause([stage.membership._full(place)])
    producer = Producer({"bootstrap.servers": settings.bootstrap})
    producer.produce(settings.topic("orders"), b"more", partition=0)
    assert producer.flush(30) == 0
    for _ in range(2):
        backlog.look()
    assert waits(backlog)[RECORDS] > 0
    work: Any = stage.work
    work.start = 11
    assert [record.value for record in take(stage)] == [b"more"]
    silences = counted_silences(stage)
    assert isinstance(silences, int)
    assert silences >= 1


def test_of_a_transaction_that_was_aborted_the_reader_is_told_the_end(stage: Stage) -> None:
    """Else its partition would be called silent."""
    settings, place = stage._transactions._settings, ("orders", 0)
    while stage.emptied().keys() != {place}:
        carry_out(stage)
    producer = Producer({"bootstrap.servers": settings.bootstrap, "transactional.id": f"{settings.namespace}aborts"})
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce(settings.topic("orders"), b"never", partition=0)
    producer.flush(30)
    producer.abort_transaction(30)
    Backlog(settings, lambda: {"intake": stage}).look()
    assert stage.membership.ends == {place: 13}
    while stage.membership.at_end != {place: 13}:
        assert carry_out(stage) == []


def counted_silences(stage: Stage) -> float | Timing:
    """How often the client was not relied on, as a scrape tells it."""
    return next(sample.value for sample in of_stage(stage) if sample.name == "laurel_silences_total")


def test_an_aborted_batch_counts_nothing_as_committed_and_then_counts_once(stage: Stage) -> None:
    """Another producer takes the transactional id, as a worker of the same name would; so the first batch is aborted."""
    settings = stage._transactions._settings
    Producer(transactional(settings, settings.transactional_id("intake"))).init_transactions(30)
    lost = len(take(stage))
    assert lost > 0
    found = counted(stage.counts)
    attempts = {"laurel_transactions_aborted_total", "laurel_fences_total", "laurel_transaction_duration_seconds"}
    assert {name for name, _ in found if name not in attempts} == {"laurel_records_failed_total"}
    assert found["laurel_records_failed_total", ("intake",)] == 0
    assert found["laurel_transactions_aborted_total", ("intake",)] == 1
    assert found["laurel_fences_total", ("intake", "own")] == 1

    taken = 0
    while taken < 10:
        taken += len(take(stage))
    found = counted(stage.counts)
    assert taken == 10
    assert found["laurel_records_in_total", ("intake", "orders")] == 10
    assert found["laurel_records_out_total", ("intake", "dead-letters")] == 10
    assert found["laurel_records_dropped_total", ("intake",)] == 10
    assert found["laurel_dead_letters_total", ("copied",)] == 10
    assert found["laurel_transactions_aborted_total", ("intake",)] == 1


WISHES = map(published, wishes(3, ms("2023-08-01")))
ONCE = [*history(3, customers=60, days=60, events=250), TOO_LARGE, *WISHES]
HISTORY = [*ONCE, *ONCE[::10]]


def scrape(port: object, running: Callable[[], object]) -> Series:
    """What a worker answers on /metrics, once it does; `running` fails where it has ended."""
    while True:
        running()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
                assert answer.headers["content-type"].startswith("text/plain")
                return read(answer.read().decode())
        except urllib.error.URLError as error:
            if not isinstance(error.reason, ConnectionRefusedError):
                raise
        time.sleep(0.05)


@pytest.fixture(scope="module")
def whole(bootstrap: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[System, Series]:
    """Give a system that took a history, and what its worker said when it was done with it."""
    system = System(bootstrap, tmp_path_factory.mktemp("metrics"), clock="events", max_jump_days=36_500, batch_size=100)
    system.publish(HISTORY)
    with system.working():
        system.wait_until_idle()
        kept = ended(system)
        for _ in range(300):
            page = scrape(system.given["health_port"], system.still_working)
            behind = [value for (name, _), value in page.items() if name == "laurel_lag_records"]
            # What waits and what the tables hold are looked at apart, each every some seconds.
            if len(behind) == len(INTAKE) + 1 and not any(behind) and episodes(page) == kept:
                break
            time.sleep(0.2)
    return system, page


def ended(system: System) -> Counter[str]:
    """How its at-risk episodes ended, of all tiers, as they were published."""
    return sum(ends_by_tier(system.contents("at-risk-alerts")).values(), Counter[str]())


def episodes(page: Series) -> Counter[str]:
    """How the at-risk episodes of all partitions ended, as a page tells it."""
    found = Counter[str]()
    for (name, labels), value in page.items():
        if name == "laurel_at_risk_episodes":
            found[labels[0]] += int(value)
    return found


def test_each_agent_counts_what_the_broker_holds(whole: tuple[System, Series]) -> None:
    system, page = whole
    held = {topic: len(system.records(topic)) for topic in TOPICS}
    for topic in INTAKE:
        assert page["laurel_records_in_total", ("intake", topic)] == held[topic]
    assert page["laurel_records_in_total", ("customers", "timeline")] == held["timeline"]
    for topic in TOPICS.values():
        if topic.writer in AGENTS:
            first = PARTITIONS if topic.name == "timeline" else 0  # the policy, from `topics create`
            assert page["laurel_records_out_total", (topic.writer, topic.name)] == held[topic.name] - first, topic.name
    for agent in AGENTS:
        for metric in ("laurel_records_in_total", "laurel_records_out_total"):
            assert sum(value for (name, labels), value in page.items() if name == metric and labels[0] == agent) > 0
    assert page["laurel_records_dropped_total", ("intake",)] == held["dead-letters"] > 0
    assert page["laurel_records_dropped_total", ("customers",)] == held["quarantined"] > 0
    reasons = Counter((record.header(REASON) or b"").decode() for record in system.records("dead-letters"))
    assert {k[0]: v for (name, k), v in page.items() if name == "laurel_dead_letters_total"} == reasons
    ticks = sum(1 for record in system.records("timeline") if not record.headers) - PARTITIONS
    assert page["laurel_ticks_written_total", ()] == ticks > 0
    decided = sum(held[topic] for topic in DECIDED)
    assert sum(value for (name, _), value in page.items() if name == "laurel_decisions_total") == decided > 0
    kept = ended(system)
    assert kept.total() > 10
    assert episodes(page) == kept
    at_risk = {labels for name, labels in page if name == "laurel_at_risk_episodes"}
    assert at_risk == {(end, str(partition)) for end in ENDS for partition in range(PARTITIONS)}
    repeated = {k[0]: v for (name, k), v in page.items() if name == "laurel_records_without_effect_total"}
    assert repeated == dict.fromkeys(SOURCES, 0) | without_effect(system.records("timeline"))
    assert sum(repeated.values()) > 20
    assert page["laurel_decision_delay_seconds_count", ()] == waited(system.records("timeline"))


def test_every_metric_is_told_by_a_worker_that_has_done_its_work(whole: tuple[System, Series]) -> None:
    """But those of a restore, which is over, and of warm copies, which it does not have."""
    _, page = whole
    names = {name for name, _ in page}
    silent = [m.name for m in METRICS if m.name not in names and f"{m.name}_count" not in names]
    assert silent == ["laurel_restore_done_rows", "laurel_restore_todo_rows", "laurel_warm_copy_behind_records"]
    assert page["laurel_worker_ready", ()] == 1
    assert page["laurel_worker_state", ("running",)] == 1
    assert page["laurel_partitions", ("customers", "working")] == PARTITIONS
    assert page["laurel_policy_info", ("default-1",)] == 1
    assert page["laurel_rebalances_total", ("customers",)] >= 1
    for partition in map(str, range(PARTITIONS)):
        assert page["laurel_table_rows", (partition,)] > len(TABLES)
        assert page["laurel_table_bytes", (partition,)] > 0
    for agent in AGENTS:
        assert page["laurel_batch_duration_seconds_count", (agent,)] > 0
        assert page["laurel_transaction_duration_seconds_count", (agent,)] > 0
    assert page["process_open_fds", ()] > 0


def test_a_restore_is_told_while_it_lasts(bootstrap: str, tmp_path: Path) -> None:
    """It waits for a transaction on the changelog, which this test has open."""
    system = System(bootstrap, tmp_path)
    settings = system.settings
    forger = Producer(transactional(settings, f"{settings.namespace}forger") | {"transaction.timeout.ms": 300_000})
    forger.init_transactions(30)
    forger.begin_transaction()
    forger.produce(settings.topic("customer-state"), b"x", b"cnobody", partition=0)
    forger.flush()
    with system.working():
        while (page := scrape(settings.health_port, system.still_working)).get(
            ("laurel_restore_todo_rows", ("0",))
        ) != 1:
            """It has not begun."""
        assert page["laurel_restore_done_rows", ("0",)] == 0
        forger.abort_transaction(30)
        while not (page := scrape(settings.health_port, system.still_working))["laurel_worker_ready", ()]:
            """It is not over."""
        assert not any(name.startswith("laurel_restore_") for name, _ in page)
        assert page["laurel_restored_rows_total", ()] == 1
        assert page["laurel_partitions", ("customers", "preparing")] == 0


def test_metrics_are_there_while_the_broker_is_not(tmp_path: Path) -> None:
    port = str(free_port())

    given = environment(bootstrap="127.0.0.1:1", health_port=port, data_dir=str(tmp_path))
    log = tmp_path / "log"
    with log.open("wb") as said:
        worker = subprocess.Popen([*START, "worker"], env=given, cwd=tmp_path, stdout=said, stderr=said)

    def running() -> None:
        assert worker.poll() is None, log.read_text()

    try:
        page = scrape(port, running)
        assert page["laurel_worker_state", ("waiting for broker",)] == 1
        assert page["laurel_records_in_total", ("intake", "orders")] == 0
    finally:
        worker.kill()
        worker.wait()
