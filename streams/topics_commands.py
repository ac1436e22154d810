"""`laurel topics` and `laurel topology`: make them, check them, and see what flows through them."""

import sys
from typing import TYPE_CHECKING

from cyclopts import App

from streams.console import BAD_INPUT, FAILED, OK, Json, PolicyFile, emit, fail, out, table, tell
from streams.settings import Settings

if TYPE_CHECKING:
    from streams.topics import Plan

app = App(
    name="topics",
    help="Create laurel's topics, or check them.\n\nExample: laurel topics create --partitions 8 --replicas 3",
)


@app.command
def create(
    *,
    partitions: int | None = None,
    replicas: int = 1,
    policy: PolicyFile | None = None,
    dry_run: bool = False,
    as_json: Json = False,
) -> int:
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
    dry_run
        Only say what would be created and with which settings; the broker is asked whether it would agree.
    as_json
        For programs.
    """
    from streams import policies, topics

    settings = Settings()
    try:
        first = policies.activation(policy or policies.default_file())
        if dry_run:
            return _show(topics.plan(settings, partitions, replicas), first.version, as_json=as_json)
        created = topics.create(settings, partitions, replicas, first)
    except (policies.PolicyFileError, topics.PartitionsError) as error:
        return fail(error, BAD_INPUT)
    said = f"created {len(created)} topics" if created else "all topics are there"
    tell({"created": created}, said, as_json=as_json)
    return OK


def _show(plan: "Plan", version: str, *, as_json: bool) -> int:
    if as_json:
        emit({"would_create": [each._asdict() for each in plan.topics], "would_activate": plan.without_policy})
        return OK
    if plan.topics:
        drawn = table("would be created", "partitions", "replicas", "settings")
        for each in plan.topics:
            config = ", ".join(f"{name}={value}" for name, value in each.config.items())
            drawn.add_row(each.topic, str(each.partitions), str(each.replicas), config)
        out().print(drawn)
    else:
        out().print("all topics are there")
    if plan.without_policy:
        out().print(f"policy {version} would be put in force on {plan.without_policy} partitions")
    return OK


@app.command
def check(*, as_json: Json = False) -> int:
    """Check that the topics are as laurel needs them; exit code 1 says that they are not.

    Example: laurel topics check

    Parameters
    ----------
    as_json
        What is wrong, as JSON lines; nothing where all is well.
    """
    from streams import topics

    wrong = list(topics.check(Settings()))
    for topic, what in wrong:
        tell({"topic": topic, "wrong": what}, f"{topic}: {what}", as_json=as_json)
    if not wrong and not as_json:
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
        As JSON lines.
    """
    from streams import topology as flowing

    if mermaid:
        sys.stdout.write(flowing.mermaid() + "\n")
        return OK
    drawn = table("topic", "written by", "read by", "what it carries")
    for flow in flowing.flows():
        if as_json:
            emit(flow._asdict())
        else:
            drawn.add_row(flow.topic, flow.writer, ", ".join(flow.readers) or "whoever wants it", flow.about)
    if not as_json:
        out().print(drawn)
    return OK
