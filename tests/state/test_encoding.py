"""Rows as bytes: a version, then the fields; old ones are upgraded, newer ones refused (D8)."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from processors.customer import CUSTOMERS, Customer, Moved
from processors.money import PPM
from processors.order import ORDERS, Granted, Line, Mishap, Return
from processors.refunds import Beside, Refund, by_line, total_minor
from processors.return_cases import RETURN_CASES, Told
from processors.rows import Table
from processors.tables import TABLES
from state.encoding import RowTooNewError, decode_row, encode_row
from state.partition import COPY, LOCAL, POSITION
from tests.state.tables import MARKS, TALLIES, Nothing, Tally


class First(Struct, frozen=True, array_like=True):
    name: str


class Second(Struct, frozen=True, array_like=True):
    name: str
    cents: int


class Third(Struct, frozen=True, array_like=True):
    name: str
    cents: int
    currency: str = "EUR"


UPGRADES = {1: lambda old: [*old, 0], 2: lambda old: [old[0].upper(), old[1] * 100, "USD"]}
FIRST = Table("purses", b"u", First, "version 1")
SECOND = Table("purses", b"u", Second, "version 2", 2, {1: UPGRADES[1]})
THIRD = Table("purses", b"u", Third, "version 3", 3, UPGRADES)

TALLY = st.builds(
    Tally,
    st.integers(-(2**63), 2**63 - 1),
    st.lists(st.text(max_size=5), max_size=3).map(tuple),
    st.none() | st.integers(0, 9),
)


@given(TALLY)
def test_a_row_comes_back_as_it_was(row: Tally) -> None:
    assert decode_row(TALLIES, encode_row(TALLIES, row)) == row


def test_a_row_opens_with_its_version_and_holds_no_names() -> None:
    data = encode_row(SECOND, Second("ada", 5))
    assert data[0] == 2
    assert msgspec.msgpack.decode(data[1:]) == ["ada", 5]


def test_a_row_that_is_zero_or_empty_is_a_row_t_23() -> None:
    for table, row in ((TALLIES, Tally()), (MARKS, Nothing())):
        data = encode_row(table, row)
        assert len(data) > 1
        assert decode_row(table, data) == row


def test_a_field_added_at_the_end_with_a_default_needs_no_new_version() -> None:
    older = Table("purses", b"u", Second, "before", 3)
    assert decode_row(THIRD, encode_row(older, Second("ada", 5))) == Third("ada", 5)


def test_older_rows_are_upgraded_version_by_version() -> None:
    assert decode_row(SECOND, encode_row(FIRST, First("ada"))) == Second("ada", 0)
    assert decode_row(THIRD, encode_row(SECOND, Second("ada", 5))) == Third("ADA", 500, "USD")
    assert decode_row(THIRD, encode_row(FIRST, First("ada"))) == Third("ADA", 0, "USD")


def test_a_row_of_a_later_version_is_refused() -> None:
    with pytest.raises(RowTooNewError, match=r"purses .* version 3; this laurel knows 2"):
        decode_row(SECOND, encode_row(THIRD, Third("ada", 5)))


def test_an_upgrade_that_gives_another_shape_is_an_error() -> None:
    broken = Table("purses", b"u", Second, "broken", 2, {1: lambda old: {"name": old}})
    with pytest.raises(msgspec.ValidationError):
        decode_row(broken, encode_row(FIRST, First("ada")))


@pytest.mark.parametrize("table", [*TABLES, POSITION, COPY], ids=lambda table: table.name)
def test_every_table_has_a_prefix_of_one_byte_that_no_other_has(table: Table[Any]) -> None:
    """The overlay sorts a key to its table by the first byte."""
    assert len(table.prefix) == 1
    assert [each.name for each in (*TABLES, POSITION, COPY) if each.prefix == table.prefix] == [table.name]
    assert (table.prefix < LOCAL) == (table is COPY)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_table_can_upgrade_from_its_first_version_and_its_row_holds_no_names(table: Table[Any]) -> None:
    assert set(table.upgrades) == set(range(1, table.version))
    assert table.row.__struct_config__.array_like
    assert table.row.__struct_config__.frozen
    assert table.about


def test_rows_from_before_they_knew_what_moved_them() -> None:
    """As version 1 wrote them: what moved a fact is unknown then, and all else as it was."""
    customer = [1, 2, 3, 4, 5, "gold", 6, None, None, 7, "default-1", [["grace", 8]]]
    row = decode_row(CUSTOMERS, b"\x01" + msgspec.msgpack.encode(customer))
    assert row == Customer(1, 2, 3, 4, 5, "gold", 6, None, None, 7, "default-1", (("grace", 8),), Moved())
    order = [1, 2, [["l1", 3, 4]], 5, True, "default-1", None, 6, False, 7, ["f1"], [["b1", [["l1", 1]]]]]
    found = decode_row(ORDERS, b"\x01" + msgspec.msgpack.encode(order))
    assert (found.lines, found.returns) == ((Line("l1", 3, 4),), (Return("b1", (("l1", 1),)),))
    assert found.refunds == (Refund("f1", 7),)
    assert (found.placed_by, found.delivered_by, found.cancelled_by) == (None, None, None)


@pytest.mark.parametrize(
    ("refunds", "total", "lines", "found"),
    [
        ([], 0, [], ()),
        (["f1"], 7, [["l1", 7]], (Refund("f1", 7, "l1"),)),
        (["f2", "f1"], 7, [], (Refund("f1", 0), Refund("f2", 7))),
        (
            ["f3", "f1", "f2"],
            9,
            [["l1", 2], ["l2", 3]],
            (Refund("f1", 3, "l2"), Refund("f2", 4), Refund("f3", 2, "l1")),
        ),
        (["f1", "f2"], 5, [["l1", 5], ["l2", 0]], (Refund("f1", 5, "l1"), Refund("f2", 0))),
    ],
)
def test_orders_from_before_they_knew_what_each_refund_was_keep_their_sums(
    refunds: list[str], total: int, lines: list[list[Any]], found: tuple[Refund, ...]
) -> None:
    """As version 5 wrote them: sums of all refunds and of each line, beside their ids."""
    older = [1, 2, [], 5, True, "v1", None, 6, False, total, refunds, [], "p", None, None, [], None, 8, False, lines, 9]
    row = decode_row(ORDERS, b"\x05" + msgspec.msgpack.encode([*older, [["delay", None, 3, "c"]], ["delay"], True]))
    assert (row.refunds, total_minor(row.refunds)) == (found, total)
    assert by_line(row.refunds) == {line: minor for line, minor in lines if minor}
    assert (row.extended_until, row.shipping_minor, row.launched) == (8, 9, True)
    assert (row.mishaps, row.amended) == ((Mishap("delay", None, 3, "c"),), ("delay",))
    assert decode_row(ORDERS, encode_row(ORDERS, row)) == row


def test_orders_from_before_refunds_said_what_pays_no_return() -> None:
    """As version 6 wrote them: each decision knew a sum, of which the largest counted; what it exceeds is of no refund."""
    returns = [
        ["b1", [["l1", 1]]],
        ["b2", [], "c", []],
        ["b3", [["l1", 1]], "c", [["l1", 5, 2], ["", 5, 6]]],
        ["b4", [], "c", [["", 1, 4]]],
    ]
    refunds = [["f1", 4, None], ["f2", 3, "l1"]]
    older = [1, PPM, [], 5, True, "v1", None, 6, False, refunds, returns, "p"]
    for more in ([], [None, None, [], None, 8, False, 9, [["delay", None, 3, "c"]], ["delay"], True]):
        row = decode_row(ORDERS, b"\x06" + msgspec.msgpack.encode([*older, *more]))
        assert row.beside == (Beside("f1", "", 4), Beside("f2", "", 2), Beside("f2", "l1", 2))
        assert row.returns[2] == Return("b3", (("l1", 1),), "c", (Granted("l1", 5), Granted("", 5)))
        assert (row.extended_until, row.shipping_minor, row.launched) == ((8, 9, True) if more else (None, 0, False))
        assert decode_row(ORDERS, encode_row(ORDERS, row)) == row


def test_returns_from_before_they_knew_what_each_event_told_keep_their_sums() -> None:
    """As version 2 wrote them: what told them by name, and sums; the first is given all of it."""
    older = [
        "o1",
        5,
        [["l1", 2]],
        "d1",
        "approve",
        [],
        None,
        [["l1", 2]],
        [["l1", 1]],
        True,
        [],
        "refund",
        7,
        False,
        False,
    ]
    row = decode_row(RETURN_CASES, b"\x02" + msgspec.msgpack.encode([*older, ["a", "b"], "new"]))
    assert row.told == (Told("a", (("l1", 2),), (("l1", 1),), True, "refund", 7), Told("b"))
    assert (row.received, row.accepted, row.settled_minor, row.objection) == ((("l1", 2),), (("l1", 1),), 7, "new")
    assert decode_row(RETURN_CASES, encode_row(RETURN_CASES, row)) == row
    assert decode_row(RETURN_CASES, b"\x01" + msgspec.msgpack.encode(older)).told == ()
