"""`laurel policy`: is a file a policy, and which policies does the timeline know."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from cyclopts import App
from rich.table import Table

from streams.console import BAD_INPUT, FAILED, OK, Json, fail, iso, out, progress, table, when
from streams.settings import Settings

if TYPE_CHECKING:
    from processors.policy import Policy

app = App(
    name="policy", help="Check a policy file, and show what is in force.\n\nExample: laurel policy check policy.yaml"
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


@app.command
def history(*, as_json: Json = False) -> int:
    """List every version that was put in force, when, and on how many partitions; exit code 1 while they differ.

    Example: laurel policy history

    Parameters
    ----------
    as_json
        As JSON lines.
    """
    from streams.activations import everywhere

    with progress("records looked at", None) as advance:
        found = everywhere(Settings(), advance)
    every = [each for activations in found.values() for each in activations]
    stamps: dict[str, list[int]] = {}
    for each in every:
        stamps.setdefault(each.event.activation_id, []).append(each.record.timestamp)
    last = {activations[-1].event.version for activations in found.values() if activations}
    drawn = table("version", "for events from", "put in force", "on partitions", "now in force")
    for event in {each.event.activation_id: each.event for each in every}.values():
        at, count, holds = min(stamps[event.activation_id]), len(stamps[event.activation_id]), event.version in last
        if as_json:
            told = {"version": event.version, "effective_from": iso(event.effective_from), "activated_at": iso(at)}
            sys.stdout.write(json.dumps(told | {"partitions": count, "in_force": holds}) + "\n")
        else:
            where = f"{count} of {len(found)}"
            drawn.add_row(event.version, when(event.effective_from), when(at), where, "yes" if holds else "")
    if not as_json:
        out().print(drawn)
    return OK if len(last) == 1 else FAILED


def _drawn(policy: "Policy") -> Table:
    """What each tier asks for and gives."""
    from processors.asking import asks
    from processors.wording import money

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
