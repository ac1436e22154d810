"""How commands speak to people and programs: results, errors, progress, exit codes."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, TextIO

from cyclopts import App, Parameter, Token
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

UNBROKEN = 100_000
"""Columns where nobody has a terminal."""
Json = Annotated[bool, Parameter(name="--json")]


def _not_a_flag(_: Any, path: Path) -> None:
    if str(path).startswith("-") and str(path) != "-":
        raise ValueError(f"There is no such flag; a file of that name is ./{path}.")


Lines = Annotated[Path, Parameter(allow_leading_hyphen=True, validator=_not_a_flag)]
"""A file to read line by line, or `-`: see `opened`."""
PolicyFile = Annotated[Path, Parameter(metavar="FILE")]
Laurel = Annotated[App, Parameter(parse=False)]
"""The whole command, which its launcher gives."""
OK, FAILED, BAD_INPUT, NOT_THERE = 0, 1, 2, 3
"""Exit codes: done; done and found wrong; the input or the call is wrong; the broker or a part of it is missing."""
UNREAD = 141
"""128 and SIGPIPE's number, as a shell reports any command whose reader went away: `laurel tail orders | head -1`."""


def out() -> Console:
    """Where results go: fitted to a person's terminal; where there is none, no line is broken or coloured."""
    width = None if sys.stdout.isatty() else UNBROKEN
    return Console(width=width, markup=False, highlight=False, emoji=False)


def table(*head: str) -> Table:
    """A table for people, with lines where they have a terminal; a narrow one breaks words, and cuts nothing off."""
    columns = [Column(name, overflow="fold") for name in head]
    if sys.stdout.isatty():
        return Table(*columns, box=box.SIMPLE_HEAD, pad_edge=False)
    return Table(*columns, box=None, pad_edge=False, padding=(0, 2, 0, 0))


@contextmanager
def opened(file: Path) -> Iterator[TextIO]:
    """A file of text, or standard input where it is called `-`."""
    if str(file) == "-":
        yield sys.stdin
    else:
        with file.open(encoding="utf-8") as lines:
            yield lines


def emit(told: Mapping[str, Any] | Sequence[Any]) -> None:
    """A result as a line of JSON, for programs."""
    sys.stdout.write(json.dumps(told, ensure_ascii=False) + "\n")


def tell(told: Mapping[str, Any], text: str, *, as_json: bool) -> None:
    """A result that is one sentence for people."""
    if as_json:
        emit(told)
    else:
        out().print(text)


def warn(message: object) -> None:
    """Say on standard error what people should know."""
    Console(stderr=True, soft_wrap=True).print(f"[red]laurel:[/red] {escape(str(message))}", highlight=False)


def fail(message: object, code: int) -> int:
    """Say what is wrong on standard error."""
    warn(message)
    return code


def noted(error: Exception) -> str:
    """What was noted on an error on its way here."""
    return "".join(f"; {note}" for note in getattr(error, "__notes__", ()))


@contextmanager
def progress(what: str, total: int | None) -> Iterator[Any]:
    """A progress bar on standard error, where a person watches."""
    columns = (SpinnerColumn(), TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(what, total=total)
        yield lambda n: bar.advance(task, n)


def iso(ms: int) -> str:
    """An instant for programs."""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds")


def when(ms: int) -> str:
    """An instant for people, as `Instant` takes it."""
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M:%S}Z"


def _instant(_: Any, tokens: Sequence[Token]) -> int:
    text = tokens[0].value
    if text.isascii() and text.isdecimal():
        return int(text)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(
            f"found {text!r}; 2026-05-01, 2026-05-01T10:00Z or milliseconds since 1970 are needed"
        ) from None
    return round((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1000)


Instant = Annotated[int, Parameter(converter=_instant, metavar="TIME")]
"""Milliseconds since 1970 UTC, typed as 2026-05-01, as 2026-05-01T10:00Z or as they are; UTC unless it says otherwise."""
