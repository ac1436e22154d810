"""`laurel doctor` and `laurel status`: is all there that laurel needs, and what waits."""

from streams.console import FAILED, NOT_THERE, OK, Json, emit, out, progress, table
from streams.settings import Settings


def doctor(*, as_json: Json = False) -> int:
    """Look at broker, topics, rights, retention, registry, clock and disk; each line says what to do where one is not well.

    Exit code 1 when anything is wrong, 3 when there is no broker.

    Example: laurel doctor

    Parameters
    ----------
    as_json
        As JSON lines.
    """
    from streams import doctor as examining

    drawn, wrong = table("what", "is", "found", "what to do"), set[str]()
    for finding in examining.examine(Settings()):
        if finding.verdict == "wrong":
            wrong.add(finding.about)
        if as_json:
            emit(finding._asdict())
        else:
            drawn.add_row(*finding)
    if not as_json:
        out().print(drawn)
    if "broker" in wrong:
        return NOT_THERE
    return FAILED if wrong else OK


def status(*, until_idle: bool = False, as_json: Json = False) -> int:
    """Show what waits to be taken by intake and to be folded; exit code 1 while something waits.

    Example: laurel status --until-idle

    Parameters
    ----------
    until_idle
        Wait until nothing waits.
    as_json
        For programs.
    """
    from streams import progressing

    settings = Settings()
    if until_idle:
        with progress("records folded", None) as advance:
            progressing.wait_until_idle(settings, advance)
    left = progressing.waiting_by_topic(settings)
    if as_json:
        emit(left)
    else:
        drawn = table("topic", "records waiting")
        for topic, count in left.items():
            drawn.add_row(topic, str(count))
        out().print(drawn)
    return FAILED if any(left.values()) else OK
