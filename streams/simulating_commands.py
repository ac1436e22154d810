"""`laurel simulate`: what would be decided, without a broker."""

import sys
from pathlib import Path

from rich.table import Table

from streams.console import BAD_INPUT, FAILED, OK, Json, fail, out


def simulate(
    file: Path,
    *,
    policy: Path | None = None,
    time_zone: str = "UTC",
    as_json: Json = False,
) -> int:
    """Run a file of events through the whole engine in memory, and show what it decides. No broker is needed.

    Example: laurel simulate events.jsonl --policy policy.yaml

    Parameters
    ----------
    file
        Events as `publish` takes them.
    policy
        The policy file; the shipped default where none is given.
    time_zone
        Whose midnights tick.
    as_json
        Every decision as a JSON line.
    """
    from processors.local_time import zones
    from streams import policies, publishing, simulating
    from streams.driver import FoldStoppedError

    if time_zone not in zones():
        return fail(
            f"found time zone {time_zone!r}; a zone of the IANA database is needed, as Europe/Berlin", BAD_INPUT
        )
    try:
        with file.open(encoding="utf-8") as lines:
            result = simulating.simulate(
                publishing.parse(lines), policies.activation(policy or policies.default_file()), time_zone
            )
    except (OSError, policies.PolicyFileError) as error:
        return fail(error, BAD_INPUT)
    except (UnicodeDecodeError, publishing.BadLineError) as error:
        return fail(f"{file}: {error}", BAD_INPUT)
    except FoldStoppedError as error:
        return fail(error, FAILED)
    if as_json:
        for line in simulating.decision_lines(result):
            sys.stdout.write(line + "\n")
        return OK
    table = Table("topic", "records")
    for topic, count in simulating.counts(result).items():
        table.add_row(topic, str(count))
    out().print(table)
    return OK
