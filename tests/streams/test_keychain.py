"""Keys in memory: what the topic's records come to, whoever wrote them and in whatever order (D11)."""

import pytest
from confluent_kafka import KafkaException
from hypothesis import given
from hypothesis import strategies as st

from schemas.sealing import Key
from streams.keychain import Keychain, day_of, deleted, kept, made
from streams.keys import Keyring
from streams.records import Outgoing
from streams.settings import Settings

KEYS = [made(owner) for owner in ("ada", "ada", "a/b", "ünal", "#2026-11-26", "#2026-11-27")]

DAYS = [key.owner for key in KEYS if key.owner.startswith("#")]


def chain(*records: Outgoing) -> Keychain:
    found = Keychain()
    for record in records:
        assert found.take(record.key, record.value), record
    return found


def test_every_key_opens_and_one_of_them_seals() -> None:
    found = chain(*map(kept, KEYS))
    assert [found.find(key.id) for key in KEYS] == KEYS
    assert found.all_of("ada") == KEYS[:2], "two publishers made the first key at once"
    assert found.of("ada") in KEYS[:2]
    assert found.of("bob") is None
    assert found.days() == ["#2026-11-26", "#2026-11-27"]


def test_what_is_deleted_is_forgotten_and_a_persons_next_key_is_another() -> None:
    found = chain(*map(kept, KEYS), *map(deleted, KEYS[:2]))
    assert found.of("ada") is None
    assert found.all_of("ada") == []
    assert found.find(KEYS[0].id) is None
    assert found.of("a/b") == KEYS[2]
    assert made("ada") != KEYS[0]
    half = chain(*map(kept, KEYS), deleted(KEYS[1]))
    assert half.of("ada") == KEYS[0]


@given(st.lists(st.tuples(st.sampled_from(KEYS), st.booleans()), max_size=30))
def test_only_the_last_word_on_each_key_counts_as_compaction_keeps_it(told: list[tuple[Key, bool]]) -> None:
    records = [kept(key) if there else deleted(key) for key, there in told]
    last = {record.key: record for record in records}
    whole, compacted = chain(*records), chain(*last.values())
    assert whole.days() == compacted.days() == [each for each in sorted(set(DAYS)) if whole.of(each)]
    for key in KEYS:
        assert whole.find(key.id) == compacted.find(key.id)
        assert set(whole.all_of(key.owner)) == set(compacted.all_of(key.owner))
        assert (whole.of(key.owner) is None) == (not whole.all_of(key.owner))


@pytest.mark.parametrize(
    ("key", "value"),
    [(None, b"s" * 32), (b"", b"s" * 32), (b"ada", None), (b"ada/xyz", None), (b"ada/00", None), (b"\xff/" + b"0" * 32, None),
     (b"ada/" + b"0" * 32, b"short"), (b"/" + b"0" * 32, b"s" * 32)],
)  # fmt: skip
def test_a_record_that_tells_of_no_key_changes_nothing(key: bytes | None, value: bytes | None) -> None:
    found = chain(*map(kept, KEYS))
    assert not found.take(key, value)
    assert [found.find(each.id) for each in KEYS] == KEYS


def test_a_key_that_the_broker_does_not_have_is_nobodys() -> None:
    """Whatever it sealed could never be opened."""
    nowhere = Settings(bootstrap="127.0.0.1:1", kafka={"message.timeout.ms": "300"})
    with Keyring(nowhere) as ring:
        with pytest.raises(KafkaException):
            ring.make("ada")
        assert ring.chain.of("ada") is None


def test_days_are_utc_days() -> None:
    assert day_of(1_790_000_000_000) == "#2026-09-21"
    assert day_of(86_400_000 - 1) == "#1970-01-01"
    assert day_of(86_400_000) == "#1970-01-02"
