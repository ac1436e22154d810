"""`laurel schemas`: laurel's contracts in a schema registry, for those who write or read Confluent's wire format."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from cyclopts import App

from streams.console import FAILED, OK, Json, emit, out, table
from streams.settings import Settings

if TYPE_CHECKING:
    from streams.registration import Standing

app = App(
    name="schemas",
    help="Register laurel's contracts in a schema registry, or compare them with it.\n\nExample: laurel schemas check",
)


@app.command
def register(*, as_json: Json = False) -> int:
    """Register every contract that others publish or read; exit code 1 where the registry refuses one, with its reason.

    What is registered already stays as it is. A subject is TOPIC-laurel.RECORD, as Confluent's TopicRecordNameStrategy has it.

    Example: laurel schemas register

    Parameters
    ----------
    as_json
        As JSON lines.
    """
    from streams import registration

    return _told(registration.register, as_json=as_json)


@app.command
def check(*, as_json: Json = False) -> int:
    """Compare every contract that others publish or read with the registry; exit code 1 where it has another, or none.

    Example: laurel schemas check

    Parameters
    ----------
    as_json
        As JSON lines.
    """
    from streams import registration

    return _told(registration.check, as_json=as_json)


def _told(standings: "Callable[[Settings], Iterator[Standing]]", *, as_json: bool) -> int:
    drawn, wrong = table("subject", "id", "is", "what to do"), False
    for standing in standings(Settings()):
        wrong = wrong or not standing.well
        if as_json:
            emit(standing._asdict())
        else:
            number = "" if standing.id is None else str(standing.id)
            drawn.add_row(standing.subject, number, standing.found, standing.do)
    if not as_json:
        out().print(drawn)
    return FAILED if wrong else OK
