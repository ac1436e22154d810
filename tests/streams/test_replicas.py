"""A broker that lacks copies, or does not answer, is told; on three real brokers."""

import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from confluent_kafka.admin import NewTopic

from deploy.broker import local, runs
from streams.kafka import admin
from streams.metrics import Sample
from streams.replicas import Replicas
from streams.samples import of_replicas
from streams.settings import Settings

THREE = 3
ANSWERS, UNDER, LEADERLESS = (
    "laurel_broker_answers",
    "laurel_topic_partitions_underreplicated",
    "laurel_topic_partitions_leaderless",
)


@pytest.fixture(scope="module")
def cluster() -> Iterator[local.Cluster]:
    """Give three brokers that may be killed."""
    with local.Cluster(runs.own_run() / f"replicas-{os.getpid()}", nodes=THREE) as brokers:
        yield brokers


@pytest.fixture
def settings(cluster: local.Cluster, namespace: str) -> Settings:
    """Give a system of two topics, one with a copy on each broker, one with one only; and one that is somebody else's."""
    made = Settings(bootstrap=cluster.bootstrap, namespace=namespace)
    topics = [
        NewTopic(made.topic("timeline"), 4, THREE),
        NewTopic(made.topic("orders"), 3, replica_assignment=[[1], [2], [3]]),
        NewTopic(f"{namespace}others", 3, replica_assignment=[[1], [2], [3]]),
    ]
    asking = admin(made)
    for future in asking.create_topics(topics).values():
        future.result()
    return made


def told(replicas: Replicas) -> dict[str, Any]:
    samples: list[Sample] = list(of_replicas(replicas))
    assert not any(sample.labels for sample in samples)
    return {sample.name: sample.value for sample in samples}


def until(replicas: Replicas, **expected: int) -> None:
    """Look until all is as expected."""
    wanted = {f"laurel_{name}": value for name, value in expected.items()}
    while told(replicas) != wanted:
        replicas.look()
        time.sleep(0.2)


def whole(replicas: Replicas) -> None:
    until(replicas, broker_answers=1, topic_partitions_underreplicated=0, topic_partitions_leaderless=0)


@pytest.mark.parametrize(
    ("hurt", "mend"), [(local.Cluster.kill, local.Cluster.restart), (local.Cluster.pause, local.Cluster.resume)]
)
def test_a_broker_that_is_down_or_frozen_is_told_until_its_copies_are_whole_again(
    cluster: local.Cluster, settings: Settings, hurt: Callable[..., None], mend: Callable[..., None]
) -> None:
    replicas = Replicas(settings)
    assert told(replicas) == {}, "nobody asked yet"
    whole(replicas)
    hurt(cluster, 2)
    # Each partition of the timeline lacks one of three copies, and one of the orders had its only copy there.
    until(replicas, broker_answers=1, topic_partitions_underreplicated=5, topic_partitions_leaderless=1)
    mend(cluster, 2)
    whole(replicas)


def test_where_no_broker_answers_nothing_is_said_of_copies(cluster: local.Cluster, settings: Settings) -> None:
    replicas = Replicas(settings)
    replicas.start()
    while not replicas.answers:
        time.sleep(0.1)
    for node in cluster.nodes:
        cluster.pause(node)
    try:
        while replicas.answers:
            time.sleep(0.1)
        assert told(replicas) == {ANSWERS: 0}
    finally:
        for node in cluster.nodes:
            cluster.resume(node)
    while not replicas.answers:
        time.sleep(0.1)
    assert set(told(replicas)) == {ANSWERS, UNDER, LEADERLESS}
    replicas.stop()
    whole(replicas)
