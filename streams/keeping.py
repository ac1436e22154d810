"""The snapshots of a system in a folder: which the next verification may start from, and which stay.

One file per part and position. Parts stand on their own: each partition of the timeline, and the sources (I-1).
"""

import fcntl
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import Self

from confluent_kafka import TopicCollection

from processors.step import RULES_VERSION
from streams.kafka import TIMEOUT_S, Place, admin
from streams.reading import bounds
from streams.settings import Settings
from streams.snapshots import FORMAT, Body, Header, RefusedError, Snapshot, write

SUFFIX = ".snapshot"
UNFINISHED = ".unfinished"
SOURCES = "sources"
"""The part that is no partition of the timeline."""


class FolderError(Exception):
    """The folder of the snapshots cannot be used now."""


class Snapshots:
    """The snapshots of one system in a folder, which is ours alone while this is open. Raises `FolderError`."""

    def __init__(self, settings: Settings, cluster: str, folder: Path) -> None:
        self._settings = settings
        self._cluster = cluster
        self._folder = folder / cluster / (settings.namespace or "laurel")
        self._ids: dict[str, str] = {}
        self.used: dict[str, Snapshot | None] = {}
        """By part, what the verification started from."""
        self.notes: list[str] = []
        """What people should know of files that are not used, or could not be written."""
        self._unfinished: dict[str, Path] = {}

    def __enter__(self) -> Self:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(self._folder / "lock", os.O_WRONLY | os.O_CREAT, 0o644)
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                for left in self._folder.glob(f"*{UNFINISHED}"):
                    left.unlink()
            except OSError:
                os.close(self._lock)
                raise
        except BlockingIOError as error:
            raise FolderError(f"{self._folder}: another verification is using it") from error
        except OSError as error:
            raise FolderError(f"{self._folder}: {error.strerror}") from error
        return self

    def __exit__(self, *_: object) -> None:
        for path in self._unfinished.values():
            path.unlink(missing_ok=True)
        os.close(self._lock)

    def start(
        self, part: str, limit: int | None = None, skips: Mapping[int, frozenset[str]] | None = None
    ) -> Snapshot | None:
        """The last snapshot of a part that can be trusted and is not beyond `limit`; None where there is none."""
        refused = []
        for path in sorted(self._folder.glob(f"{part}-*{SUFFIX}"), reverse=True):
            try:
                found = Snapshot(path)
                self._check(found, part, limit, skips or {})
            except RefusedError as error:
                refused.append(f"{path}: {error}")
            else:
                break
        else:
            found = None
        instead = f"the snapshot of {found.header.position}" if found else "the first record"
        self.notes += [f"{why}; not used, {part} starts from {instead}" for why in refused]
        self.used[part] = found
        return found

    def _check(self, snapshot: Snapshot, part: str, limit: int | None, skips: Mapping[int, frozenset[str]]) -> None:
        """Raise `RefusedError` unless the snapshot is of this system, part and history."""
        header = snapshot.header
        if header.rules > RULES_VERSION:
            raise RefusedError(f"it was folded by rules version {header.rules}; this code has {RULES_VERSION}")
        mine = (self._cluster, self._settings.namespace, part)
        if (header.cluster, header.namespace, header.part) != mine:
            raise RefusedError(
                f"it is of {header.part} in namespace {header.namespace!r} of cluster {header.cluster}; "
                f"this is {part} in namespace {self._settings.namespace!r} of cluster {self._cluster}"
            )
        for topic, known in header.topics.items():
            if self._id(topic) != known:
                raise RefusedError(f"the topic {topic} is another one than when it was written")
        if limit is not None and header.position > limit:
            raise RefusedError(f"it is of {header.position}, and the tables are at {limit}")
        places = {(self._settings.topic(topic), n): end for (topic, n), end in snapshot.places().items()}
        for place, (_, high) in bounds(self._settings, places, committed=False).items():
            if places[place] > high:
                raise RefusedError(f"it stands at {places[place]} of {place[0]}/{place[1]}, which ends at {high}")
        if header.skips != _digest_of(skips, header.position):
            raise RefusedError("units were skipped before its position that it was folded with, or the other way round")

    def _id(self, topic: str) -> str:
        if topic not in self._ids:
            name = self._settings.topic(topic)
            asking = admin(self._settings)
            told = asking.describe_topics(TopicCollection([name]), request_timeout=TIMEOUT_S)[name]
            self._ids[topic] = str(told.result().topic_id)
        return self._ids[topic]

    def prepare(
        self,
        part: str,
        position: int,
        ends: Mapping[Place, int],
        body: Body,
        skips: Mapping[int, frozenset[str]] | None = None,
    ) -> None:
        """Write what was verified beside the snapshots; `keep` makes it one."""
        used = self.used.get(part)
        if position == (used.header.position if used else 0):
            return
        path = self._folder / f"{part}-{position:020}{SUFFIX}{UNFINISHED}"
        self._unfinished[part] = path
        header = Header(
            FORMAT,
            RULES_VERSION,
            self._cluster,
            self._settings.namespace,
            part,
            position,
            _digest_of(skips or {}, position),
            {f"{topic}/{partition}": end for (topic, partition), end in ends.items()},
            {topic: self._id(topic) for topic in sorted({topic for topic, _ in ends})},
        )
        try:
            write(path, header, body)
        except OSError as error:
            self._give_up(part, error)

    def keep(self, part: str) -> None:
        """What was prepared is a snapshot now. It and the one that it started from stay; what is older goes."""
        unfinished = self._unfinished.get(part)
        if unfinished is None:
            return
        path = unfinished.with_suffix("")
        used = self.used.get(part)
        try:
            unfinished.rename(path)
            _sync(self._folder)
            for other in self._folder.glob(f"{part}-*{SUFFIX}"):
                if other.name < path.name and (used is None or other != used.path):
                    other.unlink()
        except OSError as error:
            self._give_up(part, error)
        else:
            del self._unfinished[part]

    def _give_up(self, part: str, error: OSError) -> None:
        """A verification is what it is also where its result cannot be kept."""
        path = self._unfinished.pop(part)
        with suppress(OSError):
            path.unlink(missing_ok=True)
        self.notes.append(f"{self._folder}: no snapshot of {part} was kept: {error.strerror}")


def _digest_of(skips: Mapping[int, frozenset[str]], position: int) -> str:
    applied = [[offset, sorted(units)] for offset, units in sorted(skips.items()) if offset < position]
    return blake2b(json.dumps(applied).encode(), digest_size=16).hexdigest() if applied else ""


def _sync(folder: Path) -> None:
    """A name in a folder is on the disk once the folder is."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
