"""A shop's purchase history: lines of customer, date, number of items and amount, as CDNOW's file has them.

Each line is a purchase of its own, also one that repeats another exactly, and one of amount zero.
`python -m deploy.demo.history FILE` says what a file holds, or what is wrong with it.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from schemas.fields import EARLIEST_MS, LARGEST_MINOR, LATEST_MS

COLUMNS = ("customer", "date as YYYYMMDD", "number of items", "amount")
DECIMALS = 2
EARLIEST = datetime.fromtimestamp(EARLIEST_MS / 1000, UTC).date()
LATEST = datetime.fromtimestamp(LATEST_MS / 1000, UTC).date()
MOST_ITEMS = 1_000_000
LONGEST_LINE = 200


class HistoryError(Exception):
    """A file that is no history: the message names the line, what was found there, and what was expected."""


class Purchase(NamedTuple):
    """One line. `line` counts from 1 and is the order's identity; `amount_minor` is the whole line's, minor units."""

    line: int
    customer_id: str
    day: date
    items: int
    amount_minor: int

    @property
    def order_id(self) -> str:
        """The order's id: the line that it stands in."""
        return f"o-{self.line:06d}"


def read(path: Path) -> list[Purchase]:
    """Every purchase of the file, in its order. Raises `HistoryError`."""
    try:
        with path.open(encoding="utf-8-sig") as lines:
            purchases = list(_purchases(lines))
    except OSError as error:
        raise HistoryError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise HistoryError(f"{path}: found bytes that are no UTF-8 ({error.reason}); expected lines of text") from error
    except HistoryError as error:
        raise HistoryError(f"{path}, {error}") from error
    if not purchases:
        raise HistoryError(f"{path}: found no purchases; expected lines of {', '.join(COLUMNS)}")
    return purchases


def pseudonym(customer: str) -> str:
    """The id under which a customer travels; the shop's own may be a name or an address (D11)."""
    return "c-" + hashlib.sha256(f"laurel-demo/{customer}".encode()).hexdigest()[:16]


def _purchases(lines: Iterable[str]) -> Iterator[Purchase]:
    """The purchases. A first line without a digit in its date is one of headings."""
    for number, text in enumerate(lines, 1):
        fields = text.split()
        if fields and len(fields) != len(COLUMNS):
            expected = f"{len(COLUMNS)}: {', '.join(COLUMNS)}"
            raise _wrong(number, f"{len(fields)} columns, {text.strip()[:LONGEST_LINE]!r}", expected)
        if fields and (number > 1 or re.search(r"\d", fields[1])):
            customer, day, items, amount = fields
            yield Purchase(
                number, pseudonym(customer), _day(number, day), _items(number, items), _minor(number, amount)
            )


def _day(number: int, text: str) -> date:
    try:
        day = date(*map(int, re.fullmatch(r"([0-9]{4})([0-9]{2})([0-9]{2})", text).groups()))  # type: ignore[union-attr]
    except (AttributeError, ValueError):
        day = date.min
    if not EARLIEST < day < LATEST:
        raise _wrong(number, f"the date {text!r}", f"a day between {EARLIEST} and {LATEST} as YYYYMMDD")
    return day


def _items(number: int, text: str) -> int:
    items = int(text) if re.fullmatch(r"[0-9]{1,9}", text) else 0
    if not 1 <= items <= MOST_ITEMS:
        raise _wrong(number, f"the number of items {text!r}", f"a whole number from 1 to {MOST_ITEMS}")
    return items


def _minor(number: int, text: str) -> int:
    """Minor units, exactly: never through a float (T-01)."""
    plain = re.fullmatch(r"[0-9]{1,15}(\.[0-9]{1,9})?", text)
    minor = Decimal(text).scaleb(DECIMALS) if plain else Decimal(-1)
    if minor != int(minor) or not 0 <= minor <= LARGEST_MINOR:
        expected = f"a number from 0 to {Decimal(LARGEST_MINOR).scaleb(-DECIMALS):f} with at most {DECIMALS} decimals"
        raise _wrong(number, f"the amount {text!r}", expected)
    return int(minor)


def _wrong(number: int, found: str, expected: str) -> HistoryError:
    return HistoryError(f"line {number}: found {found}; expected {expected}")


def main() -> int:
    """Describe a file; exit code 2 where it is no history."""
    try:
        purchases = read(Path(sys.argv[1]))
    except HistoryError as error:
        print(error, file=sys.stderr)
        return 2
    days = [purchase.day for purchase in purchases]
    customers = len({purchase.customer_id for purchase in purchases})
    print(f"{len(purchases):,} purchases by {customers:,} customers, {min(days)} to {max(days)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
