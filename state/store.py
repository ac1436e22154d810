"""What a store is: ordered bytes by bytes, written in atomic batches. One contract suite tests every store."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple, Protocol


class StoreError(Exception):
    """A store cannot be read or written: no space, no right, or damaged files. No bug of a rule (D12)."""


class StoreInUseError(StoreError):
    """Another process has the store open."""


class Size(NamedTuple):
    """How many rows, and how many bytes in memory and on disk."""

    rows: int
    size_bytes: int


class Store(Protocol):
    """The rows of one partition. Every call may raise `StoreError`."""

    def get(self, key: bytes) -> bytes | None:
        """The value of a key, or None."""

    def write(self, changes: Mapping[bytes, bytes | None]) -> None:
        """Apply all changes or none; None removes a key."""

    def scan(self, start: bytes = b"", stop: bytes | None = None) -> Iterator[tuple[bytes, bytes]]:
        """Keys and values from `start` up to but not including `stop`, in the order of the keys' bytes."""

    def size(self) -> Size:
        """About how much the store holds; quick, whatever that is."""

    def close(self) -> None:
        """Release what the store holds; it cannot be used afterwards."""
