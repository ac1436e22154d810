"""A store in memory, for the driver without a broker, for verification and for tests."""

from collections.abc import Iterator, Mapping

from sortedcontainers import SortedDict

from state.store import Size


class MemoryStore:
    """The rows of one partition in a sorted dictionary."""

    def __init__(self) -> None:
        self._rows: SortedDict[bytes, bytes] = SortedDict()

    def get(self, key: bytes) -> bytes | None:
        """See `Store.get`."""
        value: bytes | None = self._rows.get(key)
        return value

    def write(self, changes: Mapping[bytes, bytes | None]) -> None:
        """See `Store.write`."""
        # All of them are at hand before the first is applied: what fails on the way has changed nothing.
        for key, value in list(changes.items()):
            if value is None:
                self._rows.pop(key, None)
            else:
                self._rows[key] = value

    def scan(self, start: bytes = b"", stop: bytes | None = None) -> Iterator[tuple[bytes, bytes]]:
        """See `Store.scan`."""
        for key in self._rows.irange(start, stop, inclusive=(True, False)):
            yield key, self._rows[key]

    def size(self) -> Size:
        """See `Store.size`."""
        return Size(len(self._rows), sum(len(key) + len(value) for key, value in self._rows.items()))

    def close(self) -> None:
        """See `Store.close`."""
        self._rows.clear()
