"""The registry of topics: one writer each, one topic a type, and room for what must fit (D3, D14)."""

from typing import get_args

import pytest

from schemas import codec, decisions, events, topics
from schemas.source import SourceEvent
from schemas.topics import BY_NAME, SOURCES, TOPIC_OF, TOPICS, Topic
from streams.topics import OVERHEAD_BYTES

TOPIC = pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
BROKER_DEFAULT_BYTES = 1_048_588


def bytes_of(topic: Topic) -> int:
    """The largest record batch that a topic takes."""
    return int(topic.config.get("max.message.bytes", BROKER_DEFAULT_BYTES))


def test_a_topic_is_listed_once_and_has_one_writer() -> None:
    assert len(BY_NAME) == len(TOPICS)
    assert {topic.writer for topic in TOPICS} == set(get_args(topics.Writer))


def test_a_type_has_one_topic() -> None:
    carried = [kind for topic in TOPICS for kind in topic.types]
    assert len(carried) == len(set(carried)) == len(TOPIC_OF)


def test_every_contract_has_a_topic_but_the_tick_which_only_the_timeline_has() -> None:
    assert set(codec.TYPES) - set(TOPIC_OF) == {events.ClockTicked}


def test_what_customers_decide_goes_to_topics_that_customers_write() -> None:
    for kind in get_args(decisions.Output):
        assert BY_NAME[TOPIC_OF[kind]].writer == "customers", kind


def test_what_upstream_publishes_goes_to_sources_and_messages_do_not() -> None:
    for kind in get_args(events.Event):
        if issubclass(kind, SourceEvent):
            assert BY_NAME[TOPIC_OF[kind]].writer == "upstream", kind
            assert TOPIC_OF[kind] in SOURCES
        elif kind is not events.ClockTicked:
            assert TOPIC_OF[kind] == "messages", kind


def test_sources_are_what_others_write_and_intake_reads_them_and_messages() -> None:
    assert set(SOURCES) == {topic.name for topic in TOPICS if topic.writer == "upstream"} | {"redrives"}
    assert set(topics.INTAKE) == {*SOURCES, "messages"}


def test_timeline_and_dead_letters_and_quarantine_take_what_the_largest_source_took_d3() -> None:
    largest = max(bytes_of(BY_NAME[source]) for source in SOURCES if source != "redrives")
    for name in ("timeline", "dead-letters", "quarantined", "redrives"):
        assert bytes_of(BY_NAME[name]) >= largest + OVERHEAD_BYTES, name


def test_the_book_of_record_is_kept_for_ever_d3() -> None:
    timeline = BY_NAME["timeline"].config
    assert timeline["retention.ms"] == timeline["retention.bytes"] == "-1"
    assert timeline.get("cleanup.policy", "delete") == "delete"


def test_changelog_keeps_tombstones_for_a_week_d8() -> None:
    assert BY_NAME["customer-state"].config["delete.retention.ms"] == str(7 * 24 * 3600 * 1000)
    assert BY_NAME["customer-state"].config["cleanup.policy"] == "compact"


def test_what_shares_a_partition_with_the_timeline_is_aligned_with_it_d4() -> None:
    """A step writes to its own partition, and the owner of `messages` p ticks timeline p."""
    aligned = {topic.name for topic in TOPICS if topic.aligned}
    assert aligned >= {"timeline", "messages", "customer-state"}
    assert aligned >= {TOPIC_OF[kind] for kind in get_args(decisions.Output)}
    assert not aligned & set(SOURCES)
    assert all(topic.partitions is None for topic in TOPICS if topic.aligned)


@TOPIC
def test_every_topic_says_what_it_is_about(topic: Topic) -> None:
    assert len(topic.about) > len(topic.name) / 2
    assert not topic.about.endswith(".")


@TOPIC
def test_names_are_what_kafka_takes_and_can_be_told_from_their_namespace(topic: Topic) -> None:
    assert topic.name.replace("-", "").isalpha()
    assert topic.name == topic.name.lower()
