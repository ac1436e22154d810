"""Creating the topics on a real broker, and telling each setting that laurel cannot work with (D3, D5, D8)."""

import json
from itertools import count
from pathlib import Path

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    ResourceType,
)

from schemas.codec import decode, encode
from schemas.partitions import reserved
from schemas.topics import BY_NAME, SOURCES, TOPICS
from streams import policies, topics
from streams.kafka import transactional
from streams.reading import read_all
from streams.settings import Settings
from tests.streams.commands import Caller
from tests.streams.systems import own_namespace

PARTITIONS = 3


@pytest.fixture(scope="module")
def settings(bootstrap: str) -> Settings:
    """Give settings of a namespace in which the topics were created."""
    settings = Settings(bootstrap=bootstrap, namespace=own_namespace(bootstrap))
    created = topics.create(settings, PARTITIONS, 1, policies.activation(policies.default_file()))
    assert set(created) == {settings.topic(topic.name) for topic in TOPICS}
    return settings


@pytest.fixture
def admin(settings: Settings) -> AdminClient:
    return AdminClient({"bootstrap.servers": settings.bootstrap})


def alter(admin: AdminClient, settings: Settings, topic: str, name: str, value: str | None) -> None:
    """Set a topic's configuration, and wait until the broker shows it; None takes the setting back."""
    operation = AlterConfigOpType.SET if value is not None else AlterConfigOpType.DELETE
    entry = ConfigEntry(name, value, incremental_operation=operation)
    resource = ConfigResource(ResourceType.TOPIC, settings.topic(topic), incremental_configs=[entry])
    before = shown(admin, settings, topic, name)
    for future in admin.incremental_alter_configs([resource]).values():
        future.result()
    while before != value and shown(admin, settings, topic, name) == before:
        """The answer comes from the controller, and the broker hears of it in a moment."""


def shown(admin: AdminClient, settings: Settings, topic: str, name: str) -> str:
    """A topic's setting, as the broker describes it."""
    [future] = admin.describe_configs([ConfigResource(ResourceType.TOPIC, settings.topic(topic))]).values()
    return str(future.result()[name].value)


def test_the_first_record_of_every_timeline_partition_is_the_policy_and_it_is_there_once_d5(settings: Settings) -> None:
    policy = policies.activation(policies.default_file())
    for _ in range(2):
        while len(records := list(read_all(settings, "timeline"))) < PARTITIONS:
            """A transaction that is committed is seen in a moment."""
        assert [record.partition for record in records] == list(range(PARTITIONS))
        for record in records:
            assert record.offset == 0
            assert record.key == reserved(record.partition).encode()
            assert record.timestamp == policy.effective_from
            assert decode(record.value) == policy
        assert topics.create(settings, PARTITIONS, 1, policy) == []


def test_what_an_aborted_create_left_behind_is_no_policy(bootstrap: str) -> None:
    """Its offsets are used up: a partition may look as if it had its first record."""
    settings = Settings(bootstrap=bootstrap, namespace=own_namespace(bootstrap))
    policy = policies.activation(policies.default_file())
    admin = AdminClient({"bootstrap.servers": bootstrap})
    timeline = settings.topic("timeline")
    admin.create_topics([NewTopic(timeline, PARTITIONS, 1)])[timeline].result()
    producer = Producer(transactional(settings, "whoever"))
    producer.init_transactions()
    producer.begin_transaction()
    for partition in range(PARTITIONS):
        producer.produce(timeline, encode(policy), partition=partition)
    producer.flush()
    producer.abort_transaction()
    topics.create(settings, PARTITIONS, 1, policy)
    while len(records := list(read_all(settings, "timeline"))) < PARTITIONS:
        """A transaction that is committed is seen in a moment."""
    assert [decode(record.value) for record in records] == [policy] * PARTITIONS


def test_creating_with_another_policy_does_not_put_it_in_force(settings: Settings, tmp_path: Path) -> None:
    other = tmp_path / "policy.yaml"
    other.write_text(policies.default_file().read_text().replace("version: default-1", "version: mine-1"))
    assert topics.create(settings, PARTITIONS, 1, policies.activation(other)) == []
    assert {decode(record.value).version for record in read_all(settings, "timeline")} == {"default-1"}


def test_what_create_makes_is_what_check_wants(settings: Settings) -> None:
    assert list(topics.check(settings)) == []


@pytest.mark.parametrize(
    ("topic", "name", "value"),
    [
        ("timeline", "retention.ms", "604800000"),
        ("timeline", "retention.bytes", "1000000"),
        ("timeline", "cleanup.policy", "compact"),
        ("timeline", "cleanup.policy", "compact,delete"),
        ("timeline", "max.message.bytes", "1048588"),
        ("dead-letters", "max.message.bytes", "1048588"),
        ("quarantined", "max.message.bytes", "1048588"),
        ("customer-state", "cleanup.policy", "delete"),
        ("customer-state", "cleanup.policy", "compact,delete"),
        ("customer-state", "delete.retention.ms", "86400000"),
        ("customer-profiles", "cleanup.policy", "delete"),
        ("messages", "cleanup.policy", "compact"),
        ("tier-changes", "cleanup.policy", "compact"),
        ("skips", "cleanup.policy", "delete"),
        ("keys", "cleanup.policy", "delete"),
        ("keys", "max.compaction.lag.ms", "604800000"),
        ("workers", "cleanup.policy", "delete"),
        ("workers", "message.timestamp.type", "CreateTime"),
    ],
)
def test_each_wrong_setting_is_found_with_what_it_must_be(
    settings: Settings, admin: AdminClient, topic: str, name: str, value: str
) -> None:
    alter(admin, settings, topic, name, value)
    try:
        wrong = list(topics.check(settings))
    finally:
        alter(admin, settings, topic, name, BY_NAME[topic].config.get(name))
    assert len(wrong) == 1
    assert wrong[0][0] == topic
    assert wrong[0][1].startswith(f"{name} is {value}; it must be ")
    assert list(topics.check(settings)) == []


def test_what_may_be_chosen_is_not_complained_of(settings: Settings, admin: AdminClient) -> None:
    """Upstream systems and operators choose how long they keep their own; a longer memory does no harm."""
    chosen = (
        ("orders", "retention.ms", "3600000"),
        ("tier-changes", "retention.ms", "3600000"),
        ("customer-state", "delete.retention.ms", "864000000"),
        ("timeline", "max.message.bytes", "9000000"),
    )
    for topic, name, value in chosen:
        alter(admin, settings, topic, name, value)
    try:
        assert list(topics.check(settings)) == []
    finally:
        for topic, name, _ in chosen:
            alter(admin, settings, topic, name, BY_NAME[topic].config.get(name))


@pytest.mark.parametrize("source", [source for source in SOURCES if source != "redrives"])
def test_a_source_that_takes_more_than_the_timeline_can_carry_is_found_d3(
    settings: Settings, admin: AdminClient, source: str
) -> None:
    largest = 2_097_176 - topics.OVERHEAD_BYTES
    alter(admin, settings, source, "max.message.bytes", str(largest))
    assert list(topics.check(settings)) == []
    alter(admin, settings, source, "max.message.bytes", str(largest + 1))
    try:
        wrong = dict(topics.check(settings))
    finally:
        alter(admin, settings, source, "max.message.bytes", BY_NAME[source].config["max.message.bytes"])
    assert set(wrong) == {"timeline", "dead-letters", "quarantined"}
    assert all(f"at least {largest + 1 + topics.OVERHEAD_BYTES}" in what for what in wrong.values())


def test_a_topic_that_is_missing_or_has_other_partitions_is_found_and_missing_ones_are_made_again(
    bootstrap: str, laurel: Caller
) -> None:
    settings = Settings(bootstrap=bootstrap, namespace=own_namespace(bootstrap))
    laurel.given(bootstrap=bootstrap, namespace=settings.namespace)
    answer = laurel("topics", "check")
    assert answer.code == 1
    assert all(f"{topic.name}: does not exist" in answer.out for topic in TOPICS)
    planned = json.loads(laurel("topics", "create", "--partitions", "2", "--dry-run", "--json").out)
    assert [each["topic"] for each in planned["would_create"]] == [settings.topic(topic.name) for topic in TOPICS]
    assert {each["topic"]: each["partitions"] for each in planned["would_create"]} == {
        settings.topic(topic.name): topic.partitions or 2 for topic in TOPICS
    }
    assert planned["would_activate"] == 2
    assert len(list(topics.check(settings))) == len(TOPICS), "nothing was created"
    answer = laurel("topics", "create", "--partitions", "2")
    assert (answer.code, answer.out.strip()) == (0, f"created {len(TOPICS)} topics")
    answer = laurel("topics", "check")
    assert (answer.code, answer.out.strip()) == (0, "all topics are as laurel needs them")
    assert laurel("topics", "create", "--dry-run").out.strip() == "all topics are there"
    admin = AdminClient({"bootstrap.servers": bootstrap})
    for future in admin.delete_topics([settings.topic("skips")]).values():
        future.result()
    for future in admin.create_partitions(
        [NewPartitions(settings.topic("messages"), 3), NewPartitions(settings.topic("orders"), 5)]
    ).values():
        future.result()
    while len(list(topics.check(settings))) < 2:
        """The broker tells of it in a moment."""
    answer = laurel("topics", "check")
    assert answer.code == 1
    assert sorted(answer.out.splitlines()) == [
        "messages: has 3 partitions, timeline has 2: they must be equal",
        "skips: does not exist; laurel topics create",
    ]
    assert [json.loads(line)["topic"] for line in laurel("topics", "check", "--json").out.splitlines()] == [
        line.partition(":")[0] for line in answer.out.splitlines()
    ]
    dry = laurel("topics", "create", "--dry-run").out
    assert settings.topic("skips") in dry
    assert "cleanup.policy=compact" in dry
    assert settings.topic("orders") not in dry
    answer = laurel("topics", "create", "--partitions", "2", "--json")
    assert (answer.code, json.loads(answer.out)) == (0, {"created": [settings.topic("skips")]})
    assert laurel("topics", "create").out.strip() == "all topics are there"


def test_a_missing_topic_gets_as_many_partitions_as_the_timeline_has_and_no_others(
    bootstrap: str, laurel: Caller
) -> None:
    settings = Settings(bootstrap=bootstrap, namespace=own_namespace(bootstrap))
    laurel.given(bootstrap=bootstrap, namespace=settings.namespace)
    timeline = settings.topic("timeline")
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.create_topics([NewTopic(timeline, PARTITIONS, 1, config=BY_NAME["timeline"].config)])[timeline].result()
    for dry in ((), ("--dry-run",)):
        refused = laurel("topics", "create", "--partitions", "2", *dry)
        assert refused.code == 2
        assert f"{timeline} has {PARTITIONS} partitions, not 2" in refused.err
    found = admin.list_topics().topics
    assert [topic.name for topic in TOPICS if settings.topic(topic.name) in found] == ["timeline"]

    answer = laurel("topics", "create")
    assert (answer.code, answer.out.strip()) == (0, f"created {len(TOPICS) - 1} topics")
    assert list(topics.check(settings)) == []


def test_a_timeline_that_is_not_shown_is_not_waited_for_for_ever(
    bootstrap: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the right to describe a topic the broker says of it what it says of one that does not exist."""
    settings = Settings(bootstrap=bootstrap, namespace=own_namespace(bootstrap))
    monkeypatch.setattr(topics, "TIMEOUT_S", 1.0)
    looks = count(1)

    def hidden(_: AdminClient) -> dict[str, int]:
        if next(looks) > 20:
            pytest.fail("it looks without a pause, or for ever")
        return {}

    monkeypatch.setattr(topics, "shown", hidden)
    with pytest.raises(TimeoutError, match="timeline: laurel needs the right to describe"):
        topics.create(settings, PARTITIONS, 1, policies.activation(policies.default_file()))


def test_a_policy_that_is_wrong_creates_nothing(bootstrap: str, laurel: Caller, tmp_path: Path) -> None:
    settings = Settings(bootstrap=bootstrap, namespace=own_namespace(bootstrap))
    laurel.given(bootstrap=bootstrap, namespace=settings.namespace)
    (tmp_path / "policy.yaml").write_text("name: x")
    answer = laurel("topics", "create", "--policy", "policy.yaml")
    assert answer.code == 2
    assert "policy.yaml" in answer.err
    assert len(list(topics.check(settings))) == len(TOPICS)


def test_more_replicas_than_brokers_is_exit_code_3_and_says_so(bootstrap: str, laurel: Caller) -> None:
    laurel.given(bootstrap=bootstrap, namespace=own_namespace(bootstrap))
    for dry in ((), ("--dry-run",)):
        answer = laurel("topics", "create", "--replicas", "99", *dry)
        assert answer.code == 3
        assert "replication factor" in answer.err.lower()
