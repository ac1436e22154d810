"""One sandbox as an integrator starts it, both examples against it, and its end by `kill -9`."""

import json
import signal
import struct
import subprocess
import time
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic
from msgspec.structs import replace

from deploy.broker import runs
from schemas.codec import CONTRACTS, HEADER_BYTES, decode, encode
from schemas.decided import Decided
from schemas.topics import TOPICS
from streams import topics
from streams.reading import read_all
from streams.records import Record
from streams.registry import subjects
from streams.settings import Settings
from tests.sandbox.examples import Example
from tests.streams.commands import START, environment

ROOT = Path(__file__).parents[2]
DECISIONS = tuple(topic.name for topic in TOPICS if any(issubclass(kind, Decided) for kind in topic.types))
FORGED = "forged-"
LANGUAGES = ("python", "java")
PATIENCE_S = 300
"""When a wait is given up; no measure of anything."""


def until(true: Callable[[], object], what: Callable[[], object]) -> None:
    assert runs.until(lambda: bool(true()), PATIENCE_S), what()


class Sandbox(NamedTuple):
    process: subprocess.Popen[str]
    addresses: dict[str, str]

    @property
    def settings(self) -> Settings:
        return Settings(**self.addresses)

    @property
    def run(self) -> Path:
        """The folder of its run."""
        return runs.WORK / f"run-{self.process.pid}"

    def registered(self, path: str) -> Any:
        """What the registry answers."""
        place = self.addresses["registry_url"].removeprefix("http://")
        with urllib.request.urlopen(f"http://{place}/{path}") as answer:
            return json.load(answer)

    def decisions(self) -> dict[str, Any]:
        """Every decision that is there now, by its id."""
        records = (record for topic in DECISIONS for record in read_all(self.settings, topic))
        return {decided.decision_id: decided for decided in (decode(record.value) for record in records)}

    def kinds(self) -> set[str]:
        """What kinds of decisions there are now."""
        return {type(decided).__name__ for decided in self.decisions().values()}


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """Give a sandbox that the test's other settings do not reach."""
    log = tmp_path_factory.mktemp("sandbox") / "log"
    strange = environment(bootstrap="127.0.0.1:1", namespace="strange-")
    with log.open("w") as err:
        process = subprocess.Popen(
            [*START, "sandbox", "--json", "--rate", "30", "--seed", "7"],
            env=strange, stdout=subprocess.PIPE, stderr=err, text=True,
        )  # fmt: skip
    runs.register(runs.own_run() / "sandbox.pid", process.pid)  # ended also if this process is killed
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, log.read_text()
        yield Sandbox(process, json.loads(line))
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


def test_it_is_what_it_says(sandbox: Sandbox) -> None:
    assert not list(topics.check(sandbox.settings))
    assert {subject.name for subject in subjects(sandbox.settings)} == set(sandbox.registered("subjects"))
    ready = f"http://127.0.0.1:{sandbox.addresses['health_port']}/ready"
    with urllib.request.urlopen(ready) as answer:
        assert answer.status == 200
    before = sum(1 for _ in read_all(sandbox.settings, "orders"))
    until(lambda: sum(1 for _ in read_all(sandbox.settings, "orders")) > before, lambda: "nobody orders any more")
    assert not list(read_all(sandbox.settings, "dead-letters"))


@pytest.mark.parametrize("example", ["consumer.py", "java/src/main/java/example/DecisionConsumer.java"])
def test_an_example_reads_every_decision_topic(example: str) -> None:
    """Numbers count over all of them: what is decided on a topic that it does not read would look like a gap."""
    text = (ROOT / "deploy" / "examples" / example).read_text()
    unread = [topic for topic in DECISIONS if f'"{topic}"' not in text]
    assert not unread, f"{example} must read them too"


def test_both_examples_act_once_for_each_decision_over_kill_9(sandbox: Sandbox, tmp_path: Path) -> None:
    python = Example("python", tmp_path, sandbox.addresses | {"registry_url": ""}, "live", schemas="schemas/history")
    examples = [python, Example("java", tmp_path, sandbox.addresses, "live")]
    for example in examples:
        example.start()
    for example in examples:
        until(lambda each=example: len(each.done()) > 50 and each.process, example.said_wrong)
        example.stop(kill=True)
    for example in examples:
        example.start()
    wanted = {"TierChanged", "ReturnDecided", "AtRiskRaised"}
    until(lambda: wanted < sandbox.kinds(), lambda: f"{sandbox.kinds()} are all that was decided")
    expected = sandbox.decisions()
    for example in examples:
        until(lambda each=example: expected.keys() <= each.done().keys() and each.process, example.said_wrong)
        example.stop()
    after = sandbox.decisions()
    for example in examples:
        done = example.done()
        assert expected.keys() <= done.keys() <= after.keys()
        for decision, (customer, sequence, effect) in done.items():
            assert (customer, sequence) == (after[decision].customer_id, after[decision].sequence)
            assert effect
        assert len(example.effects()) == len(set(example.effects())) > 50
        assert not example.gaps()


class Log(NamedTuple):
    """Topics that hold what a sandbox decided, each decision twice, in both wire formats, and two not at all."""

    missing: dict[str, int]
    decisions: set[str]


@pytest.fixture(scope="module")
def forged(sandbox: Sandbox) -> Log:
    settings = sandbox.settings
    admin = AdminClient({"bootstrap.servers": settings.bootstrap})
    count = len(admin.list_topics(timeout=30).topics["timeline"].partitions)
    names = (*DECISIONS, "customer-profiles")
    for future in admin.create_topics([NewTopic(FORGED + name, count, 1) for name in names]).values():
        future.result()
    # Profiles first: whatever they speak of was decided by then, so the decisions read next hold all of it.
    profiles = list(read_all(settings, "customer-profiles"))
    told = {profile.customer_id: profile.sequence for profile in (decode(record.value) for record in profiles)}
    by_customer: dict[str, list[tuple[Any, Record]]] = defaultdict(list)
    for topic in DECISIONS:
        for record in read_all(settings, topic):
            decided = decode(record.value)
            if decided.sequence <= told.get(decided.customer_id, 0):
                by_customer[decided.customer_id].append((decided, record))
    rich = sorted(customer for customer, decisions in by_customer.items() if len(decisions) > 2)
    missing = {rich[0]: 2, rich[1]: max(decided.sequence for decided, _ in by_customer[rich[1]])}
    numbers = {
        (subject.topic, CONTRACTS[subject.kind].header): sandbox.registered(f"subjects/{subject.name}/versions/1")["id"]
        for subject in subjects(settings)
    }
    producer, kept = Producer({"bootstrap.servers": settings.bootstrap}), set()
    for record in profiles:
        producer.produce(FORGED + record.topic, record.value, record.key, record.partition)
    for decided, record in (pair for pairs in by_customer.values() for pair in pairs):
        if missing.get(decided.customer_id) != decided.sequence:
            assert record.value is not None
            number = numbers[record.topic, record.value[:HEADER_BYTES]]
            for value in (record.value, struct.pack(">bI", 0, number) + record.value[HEADER_BYTES:]):
                producer.produce(FORGED + record.topic, value, record.key, record.partition)
            kept.add(decided.decision_id)
    assert producer.flush(60) == 0
    return Log(missing, kept)


def test_both_examples_notice_what_is_missing_and_act_once_for_what_is_there_twice(
    sandbox: Sandbox, forged: Log, tmp_path: Path
) -> None:
    addresses = sandbox.addresses | {"namespace": FORGED}
    examples = [Example(language, tmp_path, addresses, "forged", "tier-changes") for language in LANGUAGES]
    for example in examples:
        example.start()
    expected = {f"GAP {customer}: decisions [{number}] are missing" for customer, number in forged.missing.items()}
    for example in examples:
        until(lambda each=example: each.gaps() >= expected and each.process, example.said_wrong)
        example.stop()
        assert example.gaps() == expected
        done = example.done()
        assert done.keys() == forged.decisions
        acted = [effect for _, _, effect in done.values() if effect]
        assert 0 < len(acted) < len(done), "it acts on one topic, and reads the others for their numbers"
        assert all(effect.startswith("set ") for effect in acted)
        assert len(example.effects()) == len(set(example.effects())) == len(acted)


def test_both_examples_wait_for_what_is_hidden_when_its_number_is_told(sandbox: Sandbox, tmp_path: Path) -> None:
    """A hole that is seen while they read to the ends that they asked for has ends of its own."""
    bootstrap, namespace = sandbox.addresses["bootstrap"], "hidden-"
    admin = AdminClient({"bootstrap.servers": bootstrap})
    for future in admin.create_topics(
        [NewTopic(namespace + n, 1, 1) for n in (*DECISIONS, "customer-profiles")]
    ).values():
        future.result()
    one = next(iter(sandbox.decisions().values()))

    def produce(producer: Producer, topic: str, number: int) -> None:
        told = replace(one, customer_id="ada", sequence=number, decision_id=str(UUID(int=number)))
        producer.produce(namespace + topic, encode(told), b"ada", 0)
        assert producer.flush(60) == 0

    def hiding(name: str, number: int) -> Producer:
        producer = Producer({"bootstrap.servers": bootstrap, "transactional.id": namespace + name})
        producer.init_transactions()
        producer.begin_transaction()
        produce(producer, "points", number)
        return producer

    plain, first = Producer({"bootstrap.servers": bootstrap}), hiding("first", 1)
    examples = [
        Example(language, tmp_path, sandbox.addresses | {"namespace": namespace}, "hidden") for language in LANGUAGES
    ]

    def have(*numbers: int) -> None:
        wanted = {str(UUID(int=number)) for number in numbers}
        for example in examples:
            until(lambda each=example: wanted <= each.done().keys() and each.process, example.said_wrong)

    for example in examples:
        example.start()
    produce(plain, "rewards", 2)
    have(2)
    time.sleep(2)  # they have asked where the topics end; if not, this test sees less, and does not fail
    second = hiding("second", 3)
    produce(plain, "rewards", 4)
    have(2, 4)
    first.commit_transaction()
    have(1, 2, 4)
    time.sleep(2)  # likewise: they have read to the ends that they asked for
    second.commit_transaction()
    have(1, 2, 3, 4)
    produce(plain, "rewards", 6)
    for example in examples:
        until(lambda each=example: each.gaps() and each.process, example.said_wrong)
        example.stop()
        assert example.gaps() == {"GAP ada: decisions [5] are missing"}


def test_nothing_of_it_stays_after_kill_9(sandbox: Sandbox) -> None:
    records = [record for record in sandbox.run.rglob("*.pid") if record.stem != "guard"]
    pids = {record.stem: runs.running(record) for record in records}
    assert pids.keys() == {"node-1", "registry", "worker"} or (sandbox.run / "compose").exists()
    born = {pid: runs.born(pid) for pid in filter(None, pids.values())}
    sandbox.process.send_signal(signal.SIGKILL)
    sandbox.process.wait()
    until(lambda: not sandbox.run.exists(), lambda: list(sandbox.run.rglob("*")))
    assert not [pid for pid, start in born.items() if runs.born(pid) == start]
