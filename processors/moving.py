"""What ids tell each other: of links, and their state on its way, in pieces that every broker takes (D6)."""

from collections.abc import Iterable, Iterator
from typing import Any

from processors.answering import COMMANDS
from processors.cases import CASES
from processors.compensations import COMPENSATIONS
from processors.designation import ENDED
from processors.effects import Send
from processors.goodwill import GOODWILL
from processors.interactions import COUNTED
from processors.links import LINKS, Link
from processors.lots import GRANTS, LOTS, QUEUES
from processors.order import ORDERS
from processors.parts import PARTS
from processors.return_cases import RETURN_CASES
from processors.reward_requests import REQUESTS
from processors.row_bytes import decode_row, encode_row
from processors.rows import Rows, Table, under
from processors.subscriptions import SUBSCRIPTIONS
from processors.undispatched import UNDISPATCHED
from processors.unit import Unit
from schemas.messages import LinkHeard, MovedRow, RowsMoved

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
    UNDISPATCHED,
    LOTS,
    QUEUES,
    GRANTS,
    REQUESTS,
    GOODWILL,
    COMPENSATIONS,
)
"""Tables whose rows are of one id: their keys begin with it."""
PIECE_BYTES = 200_000
"""Of rows, in one message; with what goes around them it is under 256 KiB, but for a single row that is larger."""
_BY_PREFIX = {table.prefix: table for table in MOVED}


def rows_of(rows: Rows, customer_id: str) -> Iterator[tuple[Table[Any], tuple[str, ...], Any]]:
    """Every row of an id."""
    for table in MOVED:
        if (row := rows.get(table, customer_id)) is not None:
            yield table, (customer_id,), row
        for key, row in under(rows, table, customer_id):
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


def tell(unit: Unit, one: str, link: Link, to: str) -> Send:
    """The other id of a link hears of it, and where the state of the first one is."""
    heard = LinkHeard(
        **unit.message(LinkHeard, one, link.other),
        customer_id=link.other,
        other_customer_id=one,
        linked_at=link.at,
        linked=link.linked,
        host_id=unit.subject,
    )
    return Send(to, heard, new=True)


def send(unit: Unit, customer_id: str, to: str) -> list[Send]:
    """All that is known of an id leaves this place for another subject's."""
    moved = []
    for table, key, row in list(rows_of(unit.rows, customer_id)):
        moved.append(MovedRow(table.key(*key), encode_row(table, row)))
        unit.rows.delete(table, *key)
    pieces = list(_pieces(moved))
    sent = []
    for number, piece in enumerate(pieces, start=1):
        about, last = unit.message(RowsMoved, customer_id, to, str(number)), number == len(pieces)
        sent.append(Send(to, RowsMoved(**about, customer_id=customer_id, rows=piece, last=last), new=True))
    return sent


def receive(rows: Rows, message: RowsMoved) -> list[tuple[Table[Any], tuple[str, ...]]]:
    """A piece has come: its rows are here, and which they are."""
    found = []
    for moved in message.rows:
        table = _BY_PREFIX[moved.key[:1]]
        key = table.parts(moved.key)
        rows.put(table, decode_row(table, moved.row), *key)
        found.append((table, key))
    return found
