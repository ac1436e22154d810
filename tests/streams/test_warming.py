"""Warm copies on a real broker: they follow a changelog, give way to whoever prepares, and outlive damage (D13)."""

from collections.abc import Callable, Iterator
from pathlib import Path
from time import sleep

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from state.partition import Copy, PartitionState, state_of
from state.rocks import RocksStore
from streams.clock import now_ms
from streams.restoring import Tables, path_of
from streams.settings import Settings
from streams.warming import WarmCopies


class Changelog:
    """A changelog of one partition, and where its warm copy lies."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.path = path_of(settings, "cluster", 0)
        self.rows: dict[bytes, bytes] = {}
        self._producer = Producer({"bootstrap.servers": settings.bootstrap})

    def write(self, numbers: range, value: bytes | None) -> None:
        """Change rows, or remove them."""
        for number in numbers:
            key = f"r{number}".encode()
            self._producer.produce(self.settings.topic("customer-state"), value, key, 0)
            if value is None:
                self.rows.pop(key, None)
            else:
                self.rows[key] = value
        assert self._producer.flush(30) == 0

    def look(self) -> PartitionState:
        """The copy on disk as it is now; another may have it open."""
        return PartitionState(RocksStore(self.path, read_only=True))

    def caught_up(self) -> bool:
        """Whether the copy is what the changelog says, and knows it."""
        if not self.path.exists():
            return False
        try:
            state = self.look()
        except Exception:  # noqa: BLE001 - it is being made
            return False
        copy, rows = state.copy, dict(state_of(state.store))
        state.store.close()
        return copy is not None and copy.whole and rows == self.rows


@pytest.fixture
def changelog(bootstrap: str, namespace: str, tmp_path: Path) -> Iterator[Changelog]:
    """Give a changelog with some rows."""
    settings = Settings(bootstrap=bootstrap, namespace=namespace, data_dir=tmp_path)
    topic = settings.topic("customer-state")
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.create_topics([NewTopic(topic, 1, 1)])[topic].result()
    made = Changelog(settings)
    made.write(range(3000), b"first")
    yield made
    admin.delete_topics([topic])[topic].result()


@pytest.fixture
def follow(changelog: Changelog) -> Iterator[Callable[[], WarmCopies]]:
    """Give what starts a follower; all are stopped in the end."""
    started = []

    def start() -> WarmCopies:
        warm = WarmCopies(changelog.settings, Tables(), lambda _: changelog.path)
        warm.start()
        started.append(warm)
        return warm

    yield start
    for warm in started:
        warm.stop()


def wait(done: Callable[[], bool]) -> None:
    while not done():
        sleep(0.1)


def test_a_copy_follows_and_gives_way(changelog: Changelog, follow: Callable[[], WarmCopies]) -> None:
    warm = follow()
    wait(changelog.caught_up)
    changelog.write(range(1000), None)
    changelog.write(range(2000, 4000), b"second")
    wait(changelog.caught_up)
    wait(lambda: warm.behind == {0: 0})
    warm.hold(0)
    mine = RocksStore(changelog.path)  # refused as long as another has it open
    changelog.write(range(10), b"third")
    sleep(1)
    assert warm.behind == {}
    mine.close()
    assert not changelog.caught_up()
    warm.release(0)
    wait(changelog.caught_up)


def test_at_the_end_a_copy_stays_young(
    changelog: Changelog, follow: Callable[[], WarmCopies], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.warming.REFRESH_MS", 1)
    follow()
    wait(changelog.caught_up)
    before = changelog.look().copy
    assert before is not None

    def younger() -> bool:
        now = changelog.look().copy
        return now is not None and now.written_at > before.written_at

    wait(younger)


@pytest.mark.parametrize("file", ["CURRENT", "MANIFEST-*"])
def test_a_damaged_copy_is_made_anew(
    changelog: Changelog, follow: Callable[[], WarmCopies], monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    monkeypatch.setattr("streams.warming.AGAIN_S", 0.1)
    warm = follow()
    wait(changelog.caught_up)
    warm.stop()
    for path in changelog.path.glob(file):
        path.write_bytes(b"damaged\n")
    assert not changelog.caught_up()
    follow()
    wait(changelog.caught_up)


def test_a_copy_of_another_changelog_is_made_anew(
    changelog: Changelog, follow: Callable[[], WarmCopies], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.warming.AGAIN_S", 0.1)
    state = PartitionState(RocksStore(changelog.path))
    state.settle({b"stranger": b"row"}, Copy(1_000_000, now_ms()))
    state.store.close()
    follow()
    wait(changelog.caught_up)
