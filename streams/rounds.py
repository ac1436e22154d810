"""`laurel verify --every`: verifying again and again, a line for each round, until told to stop."""

import json
import signal
import sys
from collections.abc import Callable
from time import monotonic, sleep

from confluent_kafka import KafkaException

from state.store import StoreError
from streams.clock import now_ms
from streams.console import FAILED, NOT_THERE, OK, iso
from streams.keeping import FolderError
from streams.report import Report

UNDONE = (KafkaException, TimeoutError, StoreError, FolderError)
"""What keeps a round from being done; the next one may be."""


def repeat(attempt: Callable[[], Report], every_s: float, *, as_json: bool) -> int:
    """Verify, from the beginning of one round to that of the next `every_s` seconds, until SIGTERM or SIGINT.

    A round that is under way then is given up. Returns the exit code: whether anything was ever wrong, or else whether
    the last round could be done.
    """
    told = False

    def stop(*_: object) -> None:
        # No `Event`: to set one here, while the same thread is about to wait for it, waits for ever for its lock.
        nonlocal told
        if not told:
            told = True
            raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    wrong, code = False, OK
    try:
        while not told:
            began = monotonic()
            try:
                report = attempt()
            except UNDONE as error:
                if told:
                    break
                code = NOT_THERE
                _tell({"verified": None, "error": _said(error)} if as_json else f"not done: {_said(error)}")
            else:
                code, wrong = OK, wrong or not report.clean
                _tell(report.to_json() if as_json else report.line())
            sleep(0.0 if told else max(0.0, began + every_s - monotonic()))
    except BaseException:
        # An interrupt that comes while a library calls back into Python may reach us as an error of that library's own.
        if not told:
            raise
    return FAILED if wrong else code


def _said(error: Exception) -> str:
    return str(error.args[0].str()) if isinstance(error, KafkaException) else str(error)


def _tell(said: dict[str, object] | str) -> None:
    """One line, with the time at which the round ended."""
    at = iso(now_ms())
    sys.stdout.write((f"{at} {said}" if isinstance(said, str) else json.dumps({"at": at, **said})) + "\n")
    sys.stdout.flush()
