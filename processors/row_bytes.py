"""Rows as bytes, in the store, in the changelog and in messages: one byte of version, then msgpack without field names (D8)."""

from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from processors.rows import Table

R = TypeVar("R", bound=Struct)
_encode = msgspec.msgpack.Encoder().encode
VERSIONS = tuple(bytes((version,)) for version in range(256))
_decoders: dict[type[Struct], msgspec.msgpack.Decoder[Any]] = {}


class RowTooNewError(Exception):
    """A row was written by a newer laurel than this one; this worker must not touch it."""


def encode_row(table: Table[R], row: R) -> bytes:
    """The bytes of a row."""
    return VERSIONS[table.version] + _encode(row)


def decode_row(table: Table[R], data: bytes) -> R:
    """The row that the bytes hold, upgraded to the table's version.

    Raises `RowTooNewError` for a row of a later version.
    """
    version = data[0]
    if version == table.version:
        decoder = _decoders.get(table.row)
        if decoder is None:
            decoder = _decoders.setdefault(table.row, msgspec.msgpack.Decoder(table.row))
        row: R = decoder.decode(data[1:])
        return row
    if version > table.version:
        message = f"table {table.name} has a row of version {version}; this laurel knows {table.version}"
        raise RowTooNewError(message)
    fields = msgspec.msgpack.decode(memoryview(data)[1:])
    for older in range(version, table.version):
        fields = table.upgrades[older](fields)
    return msgspec.convert(fields, table.row)
