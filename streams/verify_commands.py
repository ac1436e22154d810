"""`laurel verify`: is everything as the timeline says."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from streams.console import BAD_INPUT, FAILED, OK, Json, emit, fail, out, progress
from streams.settings import Settings


def verify(
    *,
    local: Annotated[bool, Parameter(negative="--no-local")] = True,
    snapshots: Annotated[Path | None, Parameter(metavar="FOLDER")] = None,
    every: Annotated[timedelta | None, Parameter(metavar="DURATION")] = None,
    as_json: Json = False,
) -> int:
    """Fold the timeline again and compare: sources, tables, changelog, decisions, sequence numbers, a second fold.

    Exit code 1 when anything differs; the first difference of each kind is shown with its position.

    Example: laurel verify --snapshots .laurel/snapshots --every 6h

    Parameters
    ----------
    local
        Compare the tables on this machine's disk too, where there are any.
    snapshots
        A folder that keeps what was verified, so that the next verification reads only what came since. One that is
        damaged or of something else is not used, and that is said.
    every
        Verify again and again, such as every 90s, 30m or 6h, with a line for each round, until SIGTERM or Ctrl-C. The
        exit code is 1 if anything ever differed, 3 if the last round could not be done.
    as_json
        For programs.
    """
    from streams import rounds
    from streams import verify as verification
    from streams.keeping import FolderError

    if every is not None and every <= timedelta():
        return fail(f"found --every {every}; a time is needed, such as 90s, 30m or 6h", BAD_INPUT)
    settings = Settings()

    def attempt() -> Any:
        with progress("records folded", None) as advance:
            return verification.verify(settings, advance, local=local, snapshots=snapshots)

    if every is not None:
        return rounds.repeat(attempt, every.total_seconds(), as_json=as_json)
    try:
        report = attempt()
    except FolderError as error:
        return fail(error, BAD_INPUT)
    if as_json:
        emit(report.to_json())
    else:
        for table in report.tables():
            out().print(table)
        for said in (*report.first_differences(), *report.notes):
            out().print(said)
        out().print("verified" if report.clean else "NOT verified")
    return OK if report.clean else FAILED
