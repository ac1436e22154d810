"""`laurel dead-letters`: look at what could not be taken, and send it again."""

import getpass
import json
import sys
from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from streams.console import BAD_INPUT, FAILED, OK, Json, emit, fail, iso, out, progress, table, tell, when
from streams.settings import Settings

if TYPE_CHECKING:
    from streams.dead_letters import DeadLetter

app = App(
    name="dead-letters",
    help="Look at records that could not be taken, and send them again.\n\nExample: laurel dead-letters list --last 50",
)


@app.command(name="list")
def list_(*, reason: str | None = None, topic: str | None = None, last: int = 20, as_json: Json = False) -> int:
    """List dead letters, the latest last, and count them by reason.

    Example: laurel dead-letters list --reason unknown_currency

    Parameters
    ----------
    reason
        Only those of this reason.
    topic
        Only those that were published on this topic, such as orders.
    last
        How many lines to show at most; all are counted.
    as_json
        All of them, as JSON lines.
    """
    from streams import dead_letters

    settings = Settings()
    letters = sorted(dead_letters.find(settings, reason, topic), key=lambda letter: letter.record.timestamp)
    again = dead_letters.redriven(settings)
    if as_json:
        for letter in letters:
            emit(_described(letter, again))
        return OK
    drawn = table("place", "published at", "origin", "reason", "what was found", "sent again")
    for letter in letters[-last:] if last > 0 else ():
        drawn.add_row(
            letter.place, when(letter.record.timestamp), letter.origin, letter.reason, letter.lost or letter.detail,
            "yes" if letter.is_in(again) else "",
        )  # fmt: skip
    out().print(drawn)
    counts = Counter(letter.reason for letter in letters)
    for each, count in counts.most_common():
        out().print(f"{count:>8} {each}")
    out().print(f"{len(letters):>8} in all")
    return OK


@app.command
def show(partition: int, offset: int, /, *, as_json: Json = False) -> int:
    """Show one dead letter: where it came from, why it could not be taken, its bytes, and what they hold by now.

    Example: laurel dead-letters show 2 117

    Parameters
    ----------
    partition
        Of the topic dead-letters.
    offset
        Of the topic dead-letters.
    as_json
        On one line.
    """
    from streams import dead_letters, framing, tailing

    settings = Settings()
    try:
        letter = dead_letters.at(settings, partition, offset)
    except dead_letters.NotThereError as error:
        return fail(error, BAD_INPUT)
    wrong = dead_letters.still_wrong(letter, framing.schemas(settings))
    described = tailing.describe(letter.record) | _described(letter, dead_letters.redriven(settings))
    described["redrive"] = f"would be in vain: {wrong}" if wrong else "may succeed"
    sys.stdout.write(json.dumps(described, indent=None if as_json else 2, ensure_ascii=False) + "\n")
    return OK


@app.command
def redrive(
    partition: int | None = None,
    offset: int | None = None,
    /,
    *,
    because: str,
    reason: str | None = None,
    topic: str | None = None,
    everything: Annotated[bool, Parameter(name="--all")] = False,
    by: str | None = None,
    per_second: float = 50,
    again: bool = False,
    dry_run: bool = False,
    as_json: Json = False,
) -> int:
    """Send one dead letter again, or all of a reason or a topic; each then goes the normal way, once.

    What still cannot be taken is left where it is, and so is what was sent again before. Exit code 1 when any was left.

    Example: laurel dead-letters redrive --reason unknown_schema --because "upgraded, ticket 4711"

    Parameters
    ----------
    partition
        Of one dead letter.
    offset
        Of one dead letter.
    because
        Why; kept with the record.
    reason
        Those of this reason.
    topic
        Those that were published on this topic.
    everything
        Every dead letter that there is.
    by
        Who sends them; kept with the record. Your name on this machine where none is given.
    per_second
        How many a second at most, so that live events are not crowded out.
    again
        Also those that were sent again before.
    dry_run
        Only say what would be sent.
    as_json
        For programs.
    """
    from streams import dead_letters, framing

    one = partition is not None and offset is not None
    many = bool(reason or topic or everything)
    if one == many or (partition is None) != (offset is None):
        return fail("name one dead letter by partition and offset, or many by --reason, --topic or --all", BAD_INPUT)
    if per_second <= 0:
        return fail(f"found {per_second} per second; a number above 0 is needed", BAD_INPUT)
    settings = Settings()
    schemas = framing.schemas(settings)
    try:
        letters = (
            [dead_letters.at(settings, partition, offset)]
            if partition is not None and offset is not None
            else list(dead_letters.find(settings, reason, topic))
        )
    except dead_letters.NotThereError as error:
        return fail(error, BAD_INPUT)
    before = set() if again else dead_letters.redriven(settings)
    left = Counter[str]()
    chosen = []
    for letter in letters:
        if letter.is_in(before):
            left["was sent again before; --again sends it once more"] += 1
        elif wrong := dead_letters.still_wrong(letter, schemas):
            left[wrong] += 1
        else:
            chosen.append(letter)
    if not dry_run:
        with progress("records sent again", len(chosen)) as advance:
            dead_letters.redrive(settings, chosen, by or getpass.getuser(), because, per_second, advance)
    told = {"found": len(letters), "chosen": len(chosen), "sent": 0 if dry_run else len(chosen), "left": left}
    tell(told, f"{len(chosen)} of {len(letters)} {'would be' if dry_run else 'were'} sent again", as_json=as_json)
    for why, count in left.most_common(0 if as_json else 10):
        out().print(f"{count:>8} left: {why}")
    return FAILED if left else OK


def _described(letter: "DeadLetter", again: set[bytes]) -> dict[str, Any]:
    return {
        "place": letter.place,
        "published_at": iso(letter.record.timestamp),
        "origin": letter.origin,
        "reason": letter.reason,
        "detail": letter.detail,
        "lost": letter.lost,
        "redriven_from": letter.redriven_from,
        "sent_again": letter.is_in(again),
    }
