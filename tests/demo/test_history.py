"""Reading a purchase history: what is taken, and what is said of a line that is none."""

from datetime import date
from pathlib import Path

import pytest

from deploy.demo.history import HistoryError, Purchase, pseudonym, read

HEADINGS = " customer_id  date number_of_cds  dollar_value\r\n"


def _written(folder: Path, text: str) -> Path:
    file = folder / "history.txt"
    file.write_bytes(text.encode())
    return file


def test_every_line_is_a_purchase_also_one_that_repeats_another(tmp_path: Path) -> None:
    text = HEADINGS + " 00002 19970112  1   12.00\r\n 00002 19970112  1   12.00\r\n\r\n 00001 19970101  5   77.05\r\n"
    assert read(_written(tmp_path, text)) == [
        Purchase(2, pseudonym("00002"), date(1997, 1, 12), 1, 1200),
        Purchase(3, pseudonym("00002"), date(1997, 1, 12), 1, 1200),
        Purchase(5, pseudonym("00001"), date(1997, 1, 1), 5, 7705),
    ]


def test_the_first_line_may_be_a_purchase(tmp_path: Path) -> None:
    assert len(read(_written(tmp_path, "anna 19970112 1 12\nbert 19970112 1 12.5"))) == 2


@pytest.mark.parametrize(
    ("text", "minor"),
    [("0.00", 0), ("0", 0), ("19.99", 1999), ("1.1", 110), ("11.770", 1177), ("4503599627370.49", 450359962737049)],
)
def test_amounts_are_minor_units_to_the_last_cent(tmp_path: Path, text: str, minor: int) -> None:  # T-01
    assert read(_written(tmp_path, f"anna 19970112 1 {text}"))[0].amount_minor == minor


def test_ids_do_not_show_the_shops_own() -> None:  # D11
    assert "anna" not in pseudonym("anna@example.org")
    assert pseudonym("anna") != pseudonym("bert")


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("anna 19970112 1", "3 columns"),
        ("anna 19970112 1 12.00 EUR", "5 columns"),
        ("anna,19970112,1,12.00", "1 columns"),
        ("anna 1997-01-12 1 12.00", "the date '1997-01-12'"),
        ("anna 19970230 1 12.00", "the date '19970230'"),
        ("anna 18970112 1 12.00", "the date '18970112'"),
        ("anna 21010112 1 12.00", "the date '21010112'"),
        ("anna ١٩٩٧٠١١٢ 1 12.00", "the date"),
        ("anna 19970112 0 12.00", "the number of items '0'"),
        ("anna 19970112 -1 12.00", "the number of items '-1'"),
        ("anna 19970112 1.5 12.00", "the number of items '1.5'"),
        ("anna 19970112 1000001 12.00", "the number of items '1000001'"),
        ("anna 19970112 1 -12.00", "the amount '-12.00'"),
        ("anna 19970112 1 12.005", "the amount '12.005'"),
        ("anna 19970112 1 $12.00", "the amount '$12.00'"),
        ("anna 19970112 1 1,200.00", "the amount '1,200.00'"),
        ("anna 19970112 1 1e3", "the amount '1e3'"),
        ("anna 19970112 1 nan", "the amount 'nan'"),
        ("anna 19970112 1 99999999999999.00", "the amount '99999999999999.00'"),
        ("customer date items amount", "the date 'date'"),
    ],
)
def test_a_line_that_is_none_is_named_with_what_was_found_and_expected(tmp_path: Path, line: str, found: str) -> None:
    with pytest.raises(HistoryError, match=r"history.txt, line 3: found .*; expected ") as error:
        read(_written(tmp_path, HEADINGS + "anna 19970112 1 12.00\n" + line + "\nanna 19970112 1 x\n"))
    assert found in str(error.value)


@pytest.mark.parametrize("text", ["", "\n\n", HEADINGS])
def test_a_file_without_purchases_is_none(tmp_path: Path, text: str) -> None:
    with pytest.raises(HistoryError, match="found no purchases; expected lines of customer"):
        read(_written(tmp_path, text))


def test_headings_of_other_columns_are_named(tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match="line 1: found 5 columns, 'customer date items amount country'; expected 4"):
        read(_written(tmp_path, "customer date items amount country\nanna 19970112 1 12.00 DE\n"))


def test_no_text_and_no_file_are_said_to_be_that(tmp_path: Path) -> None:
    (tmp_path / "photo").write_bytes(b"\xff\xd8\xff\xe0 19970112 1 12")
    with pytest.raises(HistoryError, match="found bytes that are no UTF-8"):
        read(tmp_path / "photo")
    with pytest.raises(HistoryError, match="No such file"):
        read(tmp_path / "nothing")
