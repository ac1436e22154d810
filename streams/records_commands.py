"""`laurel publish` and `laurel tail`: records go in, and come out."""

import sys
from typing import Annotated, TextIO

from cyclopts import Parameter

from schemas.topics import BY_NAME
from streams.console import BAD_INPUT, OK, Json, Lines, fail, noted, opened, progress, tell
from streams.settings import Settings, Wire

Topic = Annotated[str, Parameter(choices=tuple(BY_NAME), show_choices=False)]


def publish(file: Lines, /, *, wire: Wire = "single-object", as_json: Json = False) -> int:
    """Publish a file of JSON lines to the source topics; `-` reads standard input.

    Example: laurel publish events.jsonl

    Parameters
    ----------
    file
        One event a line: `{"type": "OrderPlaced", "event_id": ..., ...}`. Free text is given as `note` or `answer` and
        sealed under a key of its person.
    wire
        How records are written: Avro single-object encoding, or Confluent's wire format with the ids of a registry.
    as_json
        For programs.
    """
    from streams import framing, publishing

    settings = Settings()
    frame = framing.of_sources(settings, wire)
    try:
        with (
            publishing.preparing(settings) as prepare,
            opened(file) as lines,
            progress("publishing", _count(lines)) as advance,
        ):
            count = publishing.publish(settings, map(frame, publishing.parse(lines, prepare)), advance)
    except TimeoutError:  # the broker's silence, and to Python an OSError
        raise
    except OSError as error:
        return fail(f"{error}{noted(error)}", BAD_INPUT)
    except (publishing.BadLineError, UnicodeDecodeError) as error:
        return fail(f"{file}: {error}{noted(error)}", BAD_INPUT)
    tell({"published": count}, f"published {count} records", as_json=as_json)
    return OK


def _count(lines: TextIO) -> int | None:
    """How many there are, where that can be known without losing them."""
    if not lines.seekable():
        return None
    total = sum(1 for line in lines if line.strip())
    lines.seek(0)
    return total


def tail(
    topic: Topic,
    /,
    *,
    last: int = 10,
    everything: Annotated[bool, Parameter(name="--all")] = False,
    follow: bool = False,
) -> int:
    """Print a topic's committed records, decoded, as JSON lines.

    Example: laurel tail tier-changes --all

    Parameters
    ----------
    topic
        Its name in laurel, without the namespace.
    last
        How many records of each partition's end.
    everything
        From the beginning.
    follow
        Go on as records come, until interrupted.
    """
    from streams import tailing

    try:
        for line in tailing.lines(Settings(), topic, None if everything else last, follow=follow):
            sys.stdout.write(line + "\n")
            if follow:
                sys.stdout.flush()
    except tailing.NoTopicError as error:
        return fail(error, BAD_INPUT)
    except KeyboardInterrupt:
        pass
    return OK
