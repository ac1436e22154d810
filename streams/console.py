"""How commands speak to people and programs: results, errors, progress, exit codes."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

Json = Annotated[bool, Parameter(name="--json")]
OK, FAILED, BAD_INPUT, NOT_THERE = 0, 1, 2, 3
"""Exit codes: done; done and found wrong; the input or the call is wrong; the broker or a part of it is missing."""
UNREAD = 141
"""128 and SIGPIPE's number, as a shell reports any command whose reader went away: `laurel tail orders | head -1`."""


def out() -> Console:
    """Where results go: tables to people, plain text to programs."""
    return Console(soft_wrap=not sys.stdout.isatty())


def fail(message: object, code: int) -> int:
    """Say what is wrong on standard error."""
    Console(stderr=True, soft_wrap=True).print(f"[red]laurel:[/red] {escape(str(message))}", highlight=False)
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
    """An instant for people."""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds")
