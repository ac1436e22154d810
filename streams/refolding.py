"""Folding a partition of the timeline again, from its first record or a snapshot to a stated offset, into memory.

Run as a module, it folds in another process and prints digests: see `elsewhere`.
"""

import hashlib
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from state.memory import MemoryStore
from state.partition import PartitionState, state_of
from streams.customers import Fold, Partitions
from streams.folding import fold
from streams.kafka import admin, partitions_of
from streams.reading import read
from streams.records import Outgoing, Record
from streams.restoring import Tables
from streams.settings import Settings
from streams.skips import Skips, load
from streams.snapshots import Snapshot

BATCH_SIZE = 5_000
OTHER_BATCH_SIZE = 7
TABLES = Tables()


class FoldStoppedError(Exception):
    """The fold came to a record that a rule raises on; no skip covers it."""


class Refold:
    """One partition of `count` folded again, from its first record or from a snapshot. `state` is what was folded so far."""

    def __init__(
        self, partition: int, count: int, skips: Skips, fold: Fold = fold, start: Snapshot | None = None
    ) -> None:
        self._partitions = Partitions(TABLES, fold, count)
        self._partitions.skips = skips
        self.partition = partition
        self.position = start.header.position if start else 0
        store = MemoryStore()
        store.write(start.take("rows") if start else {})
        self.state = self._partitions.states[partition] = PartitionState(store)

    def fold(self, records: list[Record]) -> list[Outgoing]:
        """Fold a batch; what it would publish, the changelog left out. Raises `FoldStoppedError`."""
        folded = self._partitions.fold(records)
        if folded is None:
            return []
        if folded.stopped:
            raise FoldStoppedError(next(iter(folded.stopped.values())))
        folded.settle(dict.fromkeys(folded.markers, 0))
        self.position = records[-1].offset + 1
        return [record for record in folded.outgoing if record.topic != TABLES.changelog]


def timeline(settings: Settings, partition: int, start: int, until: int) -> Iterator[Record]:
    """A partition's records from `start` to `until`, which is left out."""
    if until <= start:
        return
    place = (settings.topic(TABLES.source), partition)
    for records in read(settings, {place: start}, until={place: until}):
        for record in records:
            if record.offset >= until:
                return
            yield record


def batches(records: Iterator[Record], size: int, borders: set[int]) -> Iterator[list[Record]]:
    """Records in batches of up to `size`; no batch spans one of the offsets in `borders`."""
    batch: list[Record] = []
    for record in records:
        if batch and (len(batch) == size or any(batch[-1].offset < border <= record.offset for border in borders)):
            yield batch
            batch = []
        batch.append(record)
    if batch:
        yield batch


class Digest:
    """One hash over what a fold published and over the rows it ended with."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def add(self, *parts: bytes) -> None:
        """Take parts in, each with its length, so that none can flow into the next."""
        for part in parts:
            self._hash.update(len(part).to_bytes(8, "big"))
            self._hash.update(part)

    def outputs(self, outputs: list[Outgoing]) -> None:
        """Take published records in."""
        for record in outputs:
            self.add(record.topic.encode(), record.key or b"", record.value or b"")

    def rows(self, state: PartitionState) -> str:
        """Take the rows in, and give the whole as text."""
        for key, value in state_of(state.store):
            self.add(key, value)
        return self._hash.hexdigest()


def digest(settings: Settings, partition: int, until: int, start: Snapshot | None = None) -> str:
    """The digest of a partition folded up to `until`."""
    count = partitions_of(admin(settings), settings.topic(TABLES.source))
    refold, found = Refold(partition, count, load(settings), start=start), Digest()
    for batch in batches(timeline(settings, partition, refold.position, until), OTHER_BATCH_SIZE, set()):
        found.outputs(refold.fold(batch))
    return found.rows(refold.state)


def main() -> None:
    """`python -m streams.refolding`: for each line `[partition, until, null]` of its input, the digest as a line of JSON.

    Each is folded up to an offset, from its first record or from the snapshot whose file stands in place of null.
    """
    # Another wall clock: were one read, the digests would differ.
    real = time.time
    time.time = lambda: real() - 10**9
    settings = Settings()
    for partition, until, start in map(json.loads, sys.stdin):
        try:
            found = digest(settings, partition, until, Snapshot(Path(start)) if start else None)
        except FoldStoppedError as error:  # the others are still to be folded
            found = f"stopped: {error}"
        sys.stdout.write(json.dumps({"partition": partition, "digest": found}) + "\n")


if __name__ == "__main__":
    main()
