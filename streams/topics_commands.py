"""`laurel topics` and `laurel topology`: make them, check them, and see what flows through them."""

import json
import sys
from pathlib import Path

from cyclopts import App
from rich.table import Table

from streams.console import BAD_INPUT, FAILED, OK, Json, fail, out
from streams.settings import Settings

app = App(name="topics", help="Create laurel's topics, or check them.")


@app.command
def create(*, partitions: int | None = None, replicas: int = 1, policy: Path | None = None) -> int:
    """Create what is missing, and put the first policy in force.

    Example: laurel topics create --partitions 8 --replicas 3 --policy policy.yaml

    Parameters
    ----------
    partitions
        How many the timeline and everything aligned with it get; 8 where none are given. It cannot be changed later.
    replicas
        Copies of each partition; 3 in production.
    policy
        The policy file; the shipped default where none is given.
    """
    from streams import policies, topics

    try:
        created = topics.create(
            Settings(), partitions, replicas, policies.activation(policy or policies.default_file())
        )
    except (policies.PolicyFileError, topics.PartitionsError) as error:
        return fail(error, BAD_INPUT)
    out().print(f"created {len(created)} topics" if created else "all topics are there")
    return OK


@app.command
def check() -> int:
    """Check that the topics are as laurel needs them; exit code 1 says that they are not.

    Example: laurel topics check
    """
    from streams import topics

    wrong = list(topics.check(Settings()))
    for topic, what in wrong:
        out().print(f"{topic}: {what}", highlight=False, markup=False)
    if not wrong:
        out().print("all topics are as laurel needs them")
    return FAILED if wrong else OK


def topology(*, mermaid: bool = False, as_json: Json = False) -> int:
    """Show every topic with who writes and who reads it, from the code. No broker is needed.

    Example: laurel topology --mermaid

    Parameters
    ----------
    mermaid
        As a Mermaid flowchart.
    as_json
        For programs.
    """
    from streams import topology as flowing

    if mermaid:
        sys.stdout.write(flowing.mermaid() + "\n")
        return OK
    if as_json:
        sys.stdout.write(json.dumps([flow._asdict() for flow in flowing.flows()]) + "\n")
        return OK
    table = Table("topic", "written by", "read by", "what it carries")
    for flow in flowing.flows():
        table.add_row(flow.topic, flow.writer, ", ".join(flow.readers) or "whoever wants it", flow.about)
    out().print(table)
    return OK
