"""What a verification found right, kept on disk so that the next one goes on from there: one file per part and position.

A file is a line of JSON, the header; frames of entries; and a digest over all before it. Nothing of a file is used
before the digest agrees and the header says that this code, this cluster and this history wrote it. Parts stand on their
own: each partition of the timeline, and the sources (I-1).
"""

import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import IO, Any, Self

import msgspec
from confluent_kafka import TopicCollection
from msgspec import Struct

from processors.step import RULES_VERSION
from streams.kafka import TIMEOUT_S, Place, admin, bounds
from streams.settings import Settings

FORMAT = 1
DIGEST_BYTES = 32
LENGTH_BYTES = 4
ENTRIES = 1_000
"""In a frame, at most."""
BLOCK_BYTES = 1 << 20
SUFFIX = ".snapshot"
UNFINISHED = ".unfinished"
SOURCES = "sources"
Body = Mapping[str, Iterable[tuple[Any, Any]]]
"""Entries under the name of what they are."""


class RefusedError(Exception):
    """A snapshot that cannot be trusted, or is not of this history; says why."""


class FolderError(Exception):
    """The folder of the snapshots cannot be used now."""


class Header(Struct, frozen=True):
    """Whose the content is, and how far it goes."""

    format: int
    rules: int
    """Version of the rules that folded (D12)."""
    cluster: str
    namespace: str
    part: str
    """`p0` for a partition of the timeline, or `sources`."""
    position: int
    """Of a partition, the timeline offset that the next fold starts at; of the sources, how much was read."""
    skips: str
    """Digest of the skips before the position."""
    ends: dict[str, int]
    """By topic and partition, the first offset that was not verified."""
    topics: dict[str, str]
    """The broker's ids of these topics: one that was deleted and made again has another history."""


class Snapshot:
    """A snapshot that may be trusted, with its entries by name. Raises `RefusedError`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.entries: dict[str, dict[Any, Any]] = {}
        try:
            with path.open("rb") as file:
                self.header = _header(file)
                _check_digest(file)
                _header(file)
                for name, pairs in _frames(file):
                    self.entries.setdefault(name, {}).update(pairs)
        except OSError as error:
            raise RefusedError(f"it cannot be read: {error.strerror}") from error

    def take(self, name: str) -> dict[Any, Any]:
        """The entries of a name, which are then the caller's alone."""
        return self.entries.pop(name, {})

    def places(self) -> dict[Place, int]:
        """By topic and partition, the first offset that was not verified."""
        return _places(self.header)


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
            self._lock = (self._folder / "lock").open("w")
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for left in self._folder.glob(f"*{UNFINISHED}"):
                left.unlink()
        except BlockingIOError as error:
            raise FolderError(f"{self._folder}: another verification is using it") from error
        except OSError as error:
            raise FolderError(f"{self._folder}: {error.strerror}") from error
        return self

    def __exit__(self, *_: object) -> None:
        for path in self._unfinished.values():
            path.unlink(missing_ok=True)
        self._lock.close()

    def start(
        self, part: str, limit: int | None = None, skips: Mapping[int, frozenset[str]] | None = None
    ) -> Snapshot | None:
        """The last snapshot of a part that can be trusted and is not beyond `limit`; None where there is none."""
        refused = []
        for path in sorted(self._folder.glob(f"{part}-*{SUFFIX}"), reverse=True):
            try:
                found = Snapshot(path)
                self._check(found.header, part, limit, skips or {})
            except RefusedError as error:
                refused.append(f"{path}: {error}")
            else:
                break
        else:
            found = None
        instead = f"of {found.header.position}" if found else "of nothing: everything is read"
        self.notes += [f"{why}; not used, {part} starts from the snapshot {instead}" for why in refused]
        self.used[part] = found
        return found

    def _check(self, header: Header, part: str, limit: int | None, skips: Mapping[int, frozenset[str]]) -> None:
        """Raise `RefusedError` unless the snapshot is of this system, part and history."""
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
        places = {(self._settings.topic(topic), n): end for (topic, n), end in _places(header).items()}
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
            _write(path, header, body)
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


def _places(header: Header) -> dict[Place, int]:
    return {(name.rpartition("/")[0], int(name.rpartition("/")[2])): end for name, end in header.ends.items()}


def _digest_of(skips: Mapping[int, frozenset[str]], position: int) -> str:
    applied = [[offset, sorted(units)] for offset, units in sorted(skips.items()) if offset < position]
    return blake2b(json.dumps(applied).encode(), digest_size=16).hexdigest() if applied else ""


def _write(path: Path, header: Header, body: Body) -> None:
    encode = msgspec.msgpack.Encoder().encode
    digest = blake2b(digest_size=DIGEST_BYTES)
    with path.open("wb") as file:

        def put(data: bytes) -> None:
            digest.update(data)
            file.write(data)

        put(msgspec.json.encode(header) + b"\n")
        for name, pairs in body.items():
            left = iter(pairs)
            while chunk := list(islice(left, ENTRIES)):
                frame = encode((name, chunk))
                put(len(frame).to_bytes(LENGTH_BYTES, "big"))
                put(frame)
        file.write(digest.digest())
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    """A name in a folder is on the disk once the folder is."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _header(file: IO[bytes]) -> Header:
    """The first line. A later format may have another digest, so the format is looked at before all else."""
    file.seek(0)
    try:
        said = msgspec.json.decode(file.readline())
        if isinstance(said, dict) and isinstance(version := said.get("format"), int) and version > FORMAT:
            raise RefusedError(f"it has format {version}; this code knows {FORMAT}")
        return msgspec.convert(said, Header)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise RefusedError("it is damaged: there is no header") from error


def _check_digest(file: IO[bytes]) -> None:
    left = file.seek(0, os.SEEK_END) - DIGEST_BYTES
    file.seek(0)
    digest = blake2b(digest_size=DIGEST_BYTES)
    while left > 0 and (block := file.read(min(left, BLOCK_BYTES))):
        digest.update(block)
        left -= len(block)
    if left or file.read() != digest.digest():
        raise RefusedError("it is damaged: its content is not what was written")


def _frames(file: IO[bytes]) -> Iterator[tuple[str, list[tuple[Any, Any]]]]:
    """The frames after the header of a file whose digest was checked."""
    decode = msgspec.msgpack.Decoder(tuple[str, list[tuple[Any, Any]]]).decode
    left = file.seek(0, os.SEEK_CUR)
    end = file.seek(0, os.SEEK_END) - DIGEST_BYTES
    file.seek(left)
    while file.tell() < end:
        yield decode(file.read(int.from_bytes(file.read(LENGTH_BYTES), "big")))
