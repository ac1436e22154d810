"""`laurel policy check` and `show`: is a file a policy, and what is in force."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from cyclopts import App
from rich.table import Table

from streams.console import (
    BAD_INPUT,
    FAILED,
    OK,
    Json,
    fail,
    out,
    progress,
    table,
)
from streams.settings import Settings

if TYPE_CHECKING:
    from processors.policy import Policy

app = App(
    name="policy",
    help="Check, publish and withdraw policies, and show what is in force.\n\nExample: laurel policy check policy.yaml",
)


@app.command
def check(file: Path, /, *, as_json: Json = False) -> int:
    """Check a policy file, and show what it gives to whom; exit code 2 names line, field, what was found and what is allowed.

    Example: laurel policy check policy.yaml

    Parameters
    ----------
    file
        The policy file; deploy/contracts/policy.schema.json tells editors what may stand in it.
    as_json
        The document as it would stand in the log.
    """
    from processors.policy import warnings
    from streams import policies

    try:
        policy, document = policies.load(file)
    except policies.PolicyFileError as error:
        return fail(error, BAD_INPUT)
    if as_json:
        sys.stdout.write(document + "\n")
        return OK
    out().print(f"{file} is a policy: {policy.name}, version {policy.version}")
    out().print(_drawn(policy))
    for warning in warnings(policy):
        out().print(f"warning: {warning}")
    return OK


@app.command
def show(version: str | None = None, /, *, as_json: Json = False) -> int:
    """Show the policy in force, or an earlier version, as a policy file; exit code 1 if there is no such version.

    Example: laurel policy show default-1

    Parameters
    ----------
    version
        The one in force on partition 0 where none is given.
    as_json
        The document as it stands in the log.
    """
    from streams.activations import activations

    with progress("records looked at", None) as advance:
        found = list(activations(Settings(), 0, advance))
    chosen = [each for each in found if version in (None, each.event.version)]
    if not chosen:
        known = ", ".join(dict.fromkeys(each.event.version for each in found)) or "none"
        return fail(f"found version {version}; the timeline knows {known}", FAILED)
    document = chosen[-1].event.document
    if as_json:
        sys.stdout.write(document + "\n")
    else:
        sys.stdout.write(yaml.safe_dump(json.loads(document), sort_keys=False, allow_unicode=True))
    return OK


def _drawn(policy: "Policy") -> Table:
    """What each tier asks for and gives."""
    from processors.amounts import money
    from processors.asking import asks

    drawn = table("tier", "asks for", "sends back within", "approved up to", "queue", "answered within")
    for tier in (None, *policy.tiers):
        name = tier.name if tier else ""
        right = policy.returns.rights.tiers.get(name, policy.returns.rights.base)
        route = policy.routing.tiers.get(name, policy.routing.base)
        drawn.add_row(
            tier.label if tier else "everyone else",
            asks(tier, policy) if tier else "nothing",
            f"{right.window_days} days",
            money(right.auto_approve_limit_minor, policy.currency),
            route.queue,
            f"{route.response_minutes} minutes",
        )
    return drawn
