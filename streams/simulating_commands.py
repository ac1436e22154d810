"""`laurel simulate`: what would be decided, without a broker."""

import sys

from streams.console import BAD_INPUT, FAILED, OK, Json, Lines, PolicyFile, fail, opened, out, table
from streams.settings import Settings


def simulate(file: Lines, /, *, policy: PolicyFile | None = None, as_json: Json = False) -> int:
    """Run a file of events through the whole engine in memory, and show what it decides. No broker is needed.

    The setting --time-zone says whose midnights tick.

    Example: laurel simulate events.jsonl --policy policy.yaml --time-zone Europe/Berlin

    Parameters
    ----------
    file
        Events as `publish` takes them; `-` reads standard input.
    policy
        The policy file; the shipped default where none is given.
    as_json
        Every decision as a JSON line.
    """
    from streams import policies, publishing, simulating
    from streams.driver import FoldStoppedError

    try:
        first = policies.activation(policy or policies.default_file())
        with opened(file) as lines:
            records = publishing.parse(lines, simulating.prepare())
            result = simulating.simulate(records, first, Settings().time_zone)
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
    drawn = table("topic", "records")
    for topic, count in simulating.counts(result).items():
        drawn.add_row(topic, str(count))
    out().print(drawn)
    return OK
