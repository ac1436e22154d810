"""The stores that one contract holds for, opened for a test."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from state.memory import MemoryStore
from state.rocks import RocksStore
from state.store import Store

Opened = Callable[[], AbstractContextManager[Store]]


@contextmanager
def in_memory() -> Iterator[Store]:
    """An empty store in memory."""
    store = MemoryStore()
    yield store
    store.close()


@contextmanager
def on_disk() -> Iterator[Store]:
    """An empty store on disk."""
    with tempfile.TemporaryDirectory() as folder:
        store = RocksStore(Path(folder) / "rows")
        yield store
        store.close()


STORES: dict[str, Opened] = {"memory": in_memory, "rocks": on_disk}
EVERY_STORE = pytest.mark.parametrize("opened", STORES.values(), ids=STORES)


def empty(store: Store) -> None:
    """Remove every row: opening a store on disk for each example would take most of the time."""
    store.write({key: None for key, _ in list(store.scan())})
