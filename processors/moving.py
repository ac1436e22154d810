"""The state of an id on its way: its rows as messages, in pieces that every broker takes (D6)."""

from collections.abc import Iterable, Iterator
from typing import Any

from processors.answering import COMMANDS
from processors.cases import CASES
from processors.designation import ENDED
from processors.effects import Send
from processors.explanation import Because, identify
from processors.interactions import COUNTED
from processors.links import LINKS
from processors.order import ORDERS
from processors.parts import PARTS
from processors.return_cases import RETURN_CASES
from processors.row_bytes import decode_row, encode_row
from processors.rows import Rows, Table
from processors.subscriptions import SUBSCRIPTIONS
from schemas.messages import MovedRow, RowsMoved

MOVED: tuple[Table[Any], ...] = (
    PARTS,
    LINKS,
    SUBSCRIPTIONS,
    ORDERS,
    RETURN_CASES,
    CASES,
    ENDED,
    COMMANDS,
    COUNTED,
)
"""Tables whose rows are of one id: their keys begin with it."""
PIECE_BYTES = 200_000
"""Of rows, in one message; with what goes around them it is under 256 KiB, but for a single row that is larger."""
ALL = 1_000_000_000
"""No limit: whoever moves moves whole."""
_BY_PREFIX = {table.prefix: table for table in MOVED}


def rows_of(rows: Rows, customer_id: str) -> Iterator[tuple[Table[Any], tuple[str, ...], Any]]:
    """Every row of an id."""
    for table in MOVED:
        if (row := rows.get(table, customer_id)) is not None:
            yield table, (customer_id,), row
        for key, row in rows.first(table, ALL, below=f"{customer_id}\x01", above=customer_id):
            yield table, key, row


def _pieces(moved: Iterable[MovedRow]) -> Iterator[tuple[MovedRow, ...]]:
    piece: list[MovedRow] = []
    size = 0
    for each in moved:
        weight = len(each.key) + len(each.row) + 16
        if piece and size + weight > PIECE_BYTES:
            yield tuple(piece)
            piece, size = [], 0
        piece.append(each)
        size += weight
    yield tuple(piece)


def send(rows: Rows, customer_id: str, to: str, because: Because, at: int) -> list[Send]:
    """All that is known of an id leaves this place for another subject's."""
    moved = []
    for table, key, row in list(rows_of(rows, customer_id)):
        moved.append(MovedRow(table.key(*key), encode_row(table, row)))
        rows.delete(table, *key)
    pieces = list(_pieces(moved))
    return [
        Send(
            to,
            RowsMoved(
                message_id=identify(
                    because.customer_id, because.cause, RowsMoved, f"{customer_id}\x1f{to}\x1f{number}"
                ),
                at=at,
                customer_id=customer_id,
                rows=piece,
                last=number == len(pieces),
            ),
            new=True,
        )
        for number, piece in enumerate(pieces, start=1)
    ]


def receive(rows: Rows, message: RowsMoved) -> list[tuple[Table[Any], tuple[str, ...]]]:
    """A piece has come: its rows are here, and which they are."""
    found = []
    for moved in message.rows:
        table = _BY_PREFIX[moved.key[:1]]
        key = table.parts(moved.key)
        rows.put(table, decode_row(table, moved.row), *key)
        found.append((table, key))
    return found
