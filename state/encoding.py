"""Rows as bytes in store and changelog: the same as in messages, which rules write (see `processors.row_bytes`)."""

from processors.row_bytes import RowTooNewError, decode_row, encode_row

__all__ = ["RowTooNewError", "decode_row", "encode_row"]
