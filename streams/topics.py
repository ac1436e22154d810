"""Creating laurel's topics on a broker, and checking that they are as laurel needs them."""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka.admin import (  # type: ignore[attr-defined] # re-exported without saying so
    AdminClient,
    ConfigResource,
    NewTopic,
    ResourceType,
)

from schemas.codec import encode
from schemas.events import PolicyActivated
from schemas.partitions import reserved
from schemas.topics import BY_NAME, SOURCES, TOPICS, Topic
from streams.kafka import TIMEOUT_S, Place, admin, patiently, shown, transactional
from streams.reading import bounds, read
from streams.settings import Settings

PARTITIONS = 8
LOOK_S = 0.1
LEADER_TRIES = 10
OVERHEAD_BYTES = 1024
"""What origin headers and the like may add to a record on its way from a source to timeline and dead letters (D3)."""


class PartitionsError(Exception):
    """The timeline has another number of partitions than was asked for: it cannot be changed any more."""


class Planned(NamedTuple):
    """A topic to create, by its name on the broker."""

    topic: str
    partitions: int
    replicas: int
    config: dict[str, str]

    @classmethod
    def of(cls, settings: Settings, topic: Topic, partitions: int, replicas: int) -> "Planned":
        """As `schemas.topics` has it, with as many partitions as the timeline where it does not say how many."""
        return cls(settings.topic(topic.name), topic.partitions or partitions, replicas, topic.config)


class Plan(NamedTuple):
    """What is to be created, and how many partitions of the timeline get the first policy."""

    topics: list[Planned]
    without_policy: int


def create(settings: Settings, partitions: int | None, replicas: int, policy: PolicyActivated) -> list[str]:
    """Create what is missing and put the first policy in force; returns the topics created.

    The timeline comes first: what is aligned with it gets as many partitions as it has, whoever created it. Without
    `partitions` it gets `PARTITIONS`. Raises `PartitionsError`, `KafkaException` where the broker refuses, and
    `TimeoutError` where it does not show them.
    """
    asking, timeline = admin(settings), BY_NAME["timeline"]
    created = _create(settings, asking, [timeline], PARTITIONS if partitions is None else partitions, replicas)
    count = _wait(settings, asking, [settings.topic(timeline.name)])[settings.topic(timeline.name)]
    _refuse_another(settings, partitions, count)
    created += _create(settings, asking, [topic for topic in TOPICS if topic is not timeline], count, replicas)
    _wait(settings, asking, created)
    _activate_first(settings, count, policy)
    return created


def plan(settings: Settings, partitions: int | None, replicas: int) -> Plan:
    """What `create` would do, which the broker is asked for too. Raises what `create` raises; nothing is written."""
    asking = admin(settings)
    there, timeline = shown(asking), settings.topic("timeline")
    count = there.get(timeline, PARTITIONS if partitions is None else partitions)
    _refuse_another(settings, partitions, count)
    missing = [topic for topic in TOPICS if settings.topic(topic.name) not in there]
    _create(settings, asking, missing, count, replicas, only_ask=True)
    places = {(timeline, partition) for partition in range(count)}
    empty = len(without_records(settings, places) if timeline in there else places)
    return Plan([Planned.of(settings, topic, count, replicas) for topic in missing], empty)


def _refuse_another(settings: Settings, partitions: int | None, count: int) -> None:
    if partitions not in {None, count}:
        message = f"{settings.topic('timeline')} has {count} partitions, not {partitions}: that cannot be changed"
        raise PartitionsError(message)


def _create(
    settings: Settings,
    asking: AdminClient,
    topics: Iterable[Topic],
    partitions: int,
    replicas: int,
    *,
    only_ask: bool = False,
) -> list[str]:
    wanted = [Planned.of(settings, topic, partitions, replicas) for topic in topics]
    if not wanted:
        return []
    futures = asking.create_topics(
        [NewTopic(each.topic, each.partitions, each.replicas, config=each.config) for each in wanted],
        validate_only=only_ask,
    )
    created = []
    for name, future in futures.items():
        try:
            future.result()
            created.append(name)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise
    return created


def _wait(settings: Settings, asking: AdminClient, topics: list[str]) -> dict[str, int]:
    """How many partitions each topic has, once all these are known: just created, one takes a moment."""
    deadline = time.monotonic() + TIMEOUT_S
    while missing := set(topics) - (there := shown(asking)).keys():
        if time.monotonic() > deadline:
            message = (
                f"{settings.bootstrap} does not show {', '.join(sorted(missing))}: laurel needs the right to describe"
            )
            raise TimeoutError(message)
        time.sleep(LOOK_S)
    return there


def _activate_first(settings: Settings, count: int, policy: PolicyActivated) -> None:
    """The policy is record 0 of each partition of the timeline, in one transaction (D5)."""
    timeline = settings.topic("timeline")
    producer = Producer(transactional(settings, settings.transactional_id("topics", "create")))
    producer.init_transactions(TIMEOUT_S)  # whatever an earlier `create` left open is decided with this
    empty = sorted(partition for _, partition in without_records(settings, {(timeline, n) for n in range(count)}))
    if not empty:
        return
    producer.begin_transaction()
    for partition in empty:
        producer.produce(
            timeline, encode(policy), reserved(partition).encode(), partition=partition, timestamp=policy.effective_from
        )
    producer.commit_transaction(TIMEOUT_S)


def without_records(settings: Settings, places: set[Place]) -> set[Place]:
    """Partitions that hold no committed record. Offsets do not tell: what was aborted has some too."""
    left = iter(range(LEADER_TRIES, -1, -1))
    # A partition just created takes a moment to have a leader.
    found = patiently("leaders of the timeline", lambda: bounds(settings, places), lambda: next(left) == 0)
    starts = {place: low for place, (low, high) in found.items() if low < high}
    filled: set[Place] = set()
    for records in read(settings, starts, lambda: filled >= starts.keys()):
        filled.update((settings.topic(record.topic), record.partition) for record in records)
    return places - filled


def check(settings: Settings) -> Iterator[tuple[str, str]]:
    """What is wrong with the topics, as (topic, what to do); nothing where all is well."""
    asking = admin(settings)
    found = asking.list_topics(timeout=TIMEOUT_S).topics
    there = [topic for topic in TOPICS if settings.topic(topic.name) in found]
    for topic in TOPICS:
        if topic not in there:
            yield topic.name, "does not exist; laurel topics create"
    if not there:
        return
    configs = configured(settings, there)
    timeline = found.get(settings.topic("timeline"))
    for topic in there:
        partitions = len(found[settings.topic(topic.name)].partitions)
        if topic.aligned and timeline is not None and partitions != len(timeline.partitions):
            yield (
                topic.name,
                f"has {partitions} partitions, timeline has {len(timeline.partitions)}: they must be equal",
            )
        yield from _check_config(topic, configs)


def configured(settings: Settings, topics: Iterable[Topic]) -> dict[str, dict[str, str]]:
    """How the broker keeps topics that are there, by their bare names."""
    asking = admin(settings)  # kept until the last answer: without it nobody hears one
    resources = [ConfigResource(ResourceType.TOPIC, settings.topic(topic.name)) for topic in topics]
    futures = asking.describe_configs(resources) if resources else {}
    return {
        settings.bare(resource.name): {name: entry.value for name, entry in future.result().items()}
        for resource, future in futures.items()
    }


def _check_config(topic: Topic, configs: dict[str, dict[str, str]]) -> Iterator[tuple[str, str]]:
    config, least = configs[topic.name], _largest_source(configs) + OVERHEAD_BYTES
    cleanup = topic.config.get("cleanup.policy", "delete")
    stamps = topic.config.get("message.timestamp.type", "")
    tombstones_ms = topic.config.get("delete.retention.ms", "0")
    compacted_ms = topic.config.get("max.compaction.lag.ms", "0")
    rules: tuple[tuple[bool, str, Callable[[str], bool], str], ...] = (
        (topic.name == "timeline", "retention.ms", "-1".__eq__, "-1: it is the book of record"),
        (topic.name == "timeline", "retention.bytes", "-1".__eq__, "-1, likewise"),
        # Compaction would take records out of the middle of a history; its absence lets tables grow for ever.
        (topic.writer != "upstream", "cleanup.policy", cleanup.__eq__, cleanup),
        (bool(stamps), "message.timestamp.type", stamps.__eq__, stamps),
        (
            "delete.retention.ms" in topic.config,
            "delete.retention.ms",
            lambda found: int(found) >= int(tombstones_ms),
            f"at least {tombstones_ms}: an older local copy would miss tombstones",
        ),
        (
            "max.compaction.lag.ms" in topic.config,
            "max.compaction.lag.ms",
            lambda found: int(found) <= int(compacted_ms),
            f"at most {compacted_ms}: a key that was deleted must leave the broker's disks",
        ),
        (
            topic.name in {"timeline", "dead-letters", "quarantined"},
            "max.message.bytes",
            lambda found: int(found) >= least,
            f"at least {least}: the largest source's and its origin",
        ),
    )
    for applies, name, holds, right in rules:
        if applies and not holds(config[name]):
            yield topic.name, f"{name} is {config[name]}; it must be {right}"


def _largest_source(configs: dict[str, dict[str, str]]) -> int:
    sizes = [int(configs[name]["max.message.bytes"]) for name in SOURCES if name in configs and name != "redrives"]
    return max(sizes, default=0)
