"""A snapshot of what a verification found right, as a file: whose it is, how far it goes, what it holds.

A line of JSON, the header; frames of entries; a digest over all before it. Nothing of a file is used before the digest
agrees.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import IO, Any

import msgspec
from msgspec import Struct

from streams.kafka import Place

FORMAT = 1
DIGEST_BYTES = 32
LENGTH_BYTES = 4
ENTRIES = 1_000
"""In a frame, at most."""
BLOCK_BYTES = 1 << 20
Body = Mapping[str, Iterable[tuple[Any, Any]]]
"""Entries under the name of what they are."""


class RefusedError(Exception):
    """A snapshot that cannot be trusted, or is not of this history; says why."""


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
        found = (name.rpartition("/") for name in self.header.ends)
        return {(topic, int(number)): self.header.ends[f"{topic}/{number}"] for topic, _, number in found}


def write(path: Path, header: Header, body: Body) -> None:
    """Write a file, down to the disk. Raises `OSError`."""
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
