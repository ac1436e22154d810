"""A worker with a fault inside that no signal from outside can place so exactly: `python -m tests.faults.hurt_worker`.

`HURT_FREEZE_AT=before-commit:3` stops the process, as SIGSTOP does, the third time that it comes to that place (the
names are those of `streams.crash`). `HURT_RAISE_ON=x` makes the fold of each event raise whose id starts with x.
`HURT_CLOCK_S=3600` puts this machine's clock an hour ahead. `HURT_RESTORE_AFTER=path` keeps whoever restores waiting for a
file.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import streams.batches
import streams.restoring
import streams.transactions
from processors import step
from streams import cli

_where, _, _times = os.environ.get("HURT_FREEZE_AT", "").partition(":")
_left = int(_times or 1)


def freeze_at(point: str) -> None:
    """Stop here, until somebody continues the process."""
    global _left  # noqa: PLW0603 - it stops once
    if point == _where:
        _left -= 1
        if _left == 0:
            os.write(2, b'{"event": "frozen"}\n')  # Faust's worker takes sys.stderr for its own
            os.kill(os.getpid(), signal.SIGSTOP)


def raise_on(prefix: str) -> None:
    """Put a bug into the rule that folds events."""
    right = step.fold_event

    def wrong(work, name, event):
        if event.event_id.startswith(prefix):
            raise ZeroDivisionError(f"a bug on {event.event_id}")
        right(work, name, event)

    step.fold_event = wrong


def set_clock(ahead_s: int) -> None:
    """Let this process's clock be ahead, or behind where negative."""
    right = time.time_ns
    time.time_ns = lambda: right() + ahead_s * 1_000_000_000


def restore_after(file: Path) -> None:
    """Have each restore stand still, in its own thread, until the file is there."""

    def wait(_point: str) -> None:
        while not file.exists():
            time.sleep(0.1)

    streams.restoring.crash_point = wait


if ahead := os.environ.get("HURT_CLOCK_S"):
    set_clock(int(ahead))
if _where:
    for module in (streams.transactions, streams.batches, streams.restoring):
        module.crash_point = freeze_at
if file := os.environ.get("HURT_RESTORE_AFTER"):
    restore_after(Path(file))
if bug := os.environ.get("HURT_RAISE_ON"):
    raise_on(bug)
if __name__ == "__main__":
    cli.main()
