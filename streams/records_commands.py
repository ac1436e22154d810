"""`laurel publish` and `laurel tail`: records go in, and come out."""

import sys
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from streams.console import BAD_INPUT, OK, fail, noted, out, progress
from streams.settings import Settings, Wire


def publish(file: Path, *, wire: Wire = "single-object") -> int:
    """Publish a file of JSON lines to the source topics; `-` reads standard input.

    Example: laurel publish events.jsonl

    Parameters
    ----------
    file
        One event a line: {"type": "OrderPlaced", "event_id": ..., ...}
    wire
        How records are written: Avro single-object encoding, or Confluent's wire format with the ids of a registry.
    """
    from streams import publishing

    try:
        if str(file) == "-":
            return _publish(sys.stdin, None, wire)
        with file.open(encoding="utf-8") as lines:
            total = sum(1 for line in lines if line.strip())
            lines.seek(0)
            return _publish(lines, total, wire)
    except publishing.BadLineError as error:
        return fail(f"{file}: {error}{noted(error)}", BAD_INPUT)
    except TimeoutError:  # the broker's silence, and to Python an OSError
        raise
    except OSError as error:
        return fail(f"{error}{noted(error)}", BAD_INPUT)
    except UnicodeDecodeError as error:
        return fail(f"{file}: {error}{noted(error)}", BAD_INPUT)


def _publish(lines: Any, total: int | None, wire: Wire) -> int:
    from streams import framing, publishing

    settings = Settings()
    frame = framing.of_sources(settings, wire)
    with progress("publishing", total) as advance:
        count = publishing.publish(settings, map(frame, publishing.parse(lines)), advance)
    out().print(f"published {count} records")
    return OK


def tail(
    topic: str, *, last: int = 10, everything: Annotated[bool, Parameter(name="--all")] = False, follow: bool = False
) -> int:
    """Print a topic's committed records, decoded, as JSON lines.

    Example: laurel tail tier-changes --all

    Parameters
    ----------
    topic
        Its name in laurel, such as tier-changes.
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
