"""Which partition a subject belongs to: as every Java client computes it, and as librdkafka does (D3)."""

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic
from hypothesis import given
from hypothesis import strategies as st

from schemas.partitions import murmur2, partition_of, reserved

PARTITIONS = 7


@pytest.mark.parametrize(
    ("key", "signed"),
    [
        # Kafka's own: org.apache.kafka.common.utils.UtilsTest.testMurmur2
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_murmur2_is_the_one_of_java(key: bytes, signed: int) -> None:
    assert murmur2(key) == signed % 2**32


@given(st.text(max_size=50), st.integers(1, 200))
def test_a_subject_belongs_to_one_of_the_partitions(subject: str, partitions: int) -> None:
    if not subject.startswith("#"):
        try:
            assert 0 <= partition_of(subject, partitions) < partitions
        except UnicodeEncodeError:
            assert not subject.isprintable()


@given(st.integers(0, 10_000))
def test_a_reserved_subject_names_its_own_partition_d6(partition: int) -> None:
    assert partition_of(reserved(partition), 1) == partition


def test_a_real_producer_puts_every_key_where_we_say(bootstrap: str, namespace: str) -> None:
    keys = [*(f"customer-{n}" for n in range(300)), "ä", "日本語", "a", "ab", "abc", "abcd", "\x7f", "é" * 100]
    topic = f"{namespace}keys"
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.create_topics([NewTopic(topic, PARTITIONS, 1)])[topic].result()
    found: dict[bytes, int] = {}
    producer = Producer({"bootstrap.servers": bootstrap, "partitioner": "murmur2_random"})
    for key in keys:
        producer.produce(
            topic, b"", key, on_delivery=lambda _, message: found.update({message.key(): message.partition()})
        )
    assert producer.flush(30) == 0
    assert found == {key.encode(): partition_of(key, PARTITIONS) for key in keys}
    assert set(found.values()) == set(range(PARTITIONS))
