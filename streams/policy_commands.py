"""`laurel policy`: is a file a policy, which policies does the timeline know, and how people change them."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import uuid4

import yaml
from cyclopts import App, Parameter
from rich.table import Table

from streams.clock import now_ms
from streams.console import BAD_INPUT, FAILED, OK, fail, iso, out, progress
from streams.settings import Settings

if TYPE_CHECKING:
    from processors.policy import Policy
    from schemas.directives import Directive
    from streams.programme import Plan, Sent

app = App(name="policy", help="Check, publish and withdraw policies, and show what is in force.")
Json = Annotated[bool, Parameter(name="--json")]


@app.command
def check(file: Path, *, as_json: Json = False) -> int:
    """Check a policy file, and show what it gives to whom; exit code 2 names line, field, what was found and what is allowed.

    Example: laurel policy check policy.yaml

    Parameters
    ----------
    file
        The policy file; deploy/contracts/policy.schema.json tells editors what may stand in it.
    as_json
        The document as it would stand in the log.
    """
    from streams import policies

    try:
        policy, document = policies.load(file)
    except policies.PolicyFileError as error:
        return fail(error, BAD_INPUT)
    if as_json:
        sys.stdout.write(document + "\n")
        return OK
    out().print(f"{file} is a policy: {policy.name}, version {policy.version}", highlight=False, markup=False)
    out().print(_drawn(policy))
    return OK


@app.command
def show(version: str | None = None, *, as_json: Json = False) -> int:
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
def publish(
    file: Path,
    *,
    author: str,
    role: str,
    reason: str,
    effective_from: datetime | None = None,
    wait: bool = False,
    dry_run: bool = False,
) -> int:
    """Publish a policy: from an instant on it is in force for everybody, unless it is withdrawn before.

    It shows what changes. Exit code 2 says what is wrong, and then nothing was published.

    Example: laurel policy publish policy.yaml --effective-from 2027-01-01 --author p-12 --role administrator --reason yearly_review

    Parameters
    ----------
    file
        The policy file, under a version name that no other document had.
    author
        Pseudonymous id of the person who decides this.
    role
        In which role: administrator or platform_admin.
    reason
        Why, as one of the programme's words.
    effective_from
        From when on; UTC unless it says otherwise. At once where none is given.
    wait
        Until it is in force on every partition.
    dry_run
        Check and show everything, and publish nothing.
    """
    from schemas.directives import PolicyPublished
    from streams import policies, programme

    try:
        policy, document = policies.load(file)
    except policies.PolicyFileError as error:
        return fail(error, BAD_INPUT)
    at = None if effective_from is None else _instant(effective_from)
    about = _about(author, role, reason)
    command = PolicyPublished(**about, version=policy.version, effective_at=at, document=document)
    with progress("records looked at", None) as advance:
        found = programme.plan(Settings(), advance)
    changes = programme.differences(programme.document_in_force(found), document)
    if (code := _check(found, command)) is not None:
        return code
    table = Table("field", "in force now", policy.version)
    for change in changes:
        table.add_row(*change)
    out().print(table if changes else "nothing but the version's name changes")
    when = "at once" if at is None else f"from {iso(at)} on"
    if dry_run:
        out().print(f"{policy.version} would be in force {when}; nothing was published", highlight=False)
        return OK
    sent = programme.send(Settings(), command)
    out().print(f"published {command.event_id}: {policy.version} is to be in force {when}", highlight=False)
    return _await_force(sent) if wait else OK


@app.command
def withdraw(version: str, *, author: str, role: str, reason: str, wait: bool = False, dry_run: bool = False) -> int:
    """Withdraw a policy version that is not in force yet: then it never will be.

    One that is in force is not withdrawn; publish the version that follows it, which may be an earlier one. Exit code 2
    says what is wrong, and then nothing was published.

    Example: laurel policy withdraw 2027-01 --author p-12 --role administrator --reason mistake

    Parameters
    ----------
    version
        Its name.
    author
        Pseudonymous id of the person who decides this.
    role
        In which role: administrator or platform_admin.
    reason
        Why, as one of the programme's words.
    wait
        Until it is certain: it may have come into force on the way.
    dry_run
        Check everything, and publish nothing.
    """
    from schemas.directives import PolicyWithdrawn
    from streams import programme

    command = PolicyWithdrawn(**_about(author, role, reason), version=version)
    with progress("records looked at", None) as advance:
        found = programme.plan(Settings(), advance)
    if (code := _check(found, command)) is not None:
        return code
    if dry_run:
        out().print(f"{version} would be withdrawn; nothing was published", highlight=False)
        return OK
    sent = programme.send(Settings(), command)
    out().print(f"published {command.event_id}: {version} is to be withdrawn", highlight=False)
    return _await_answer(sent) if wait else OK


def _instant(given: datetime) -> int:
    return int((given if given.tzinfo else given.replace(tzinfo=UTC)).timestamp() * 1000)


def _about(author: str, role: str, reason: str) -> dict[str, Any]:
    """What every command carries."""
    return {
        "event_id": str(uuid4()), "occurred_at": now_ms(), "author_id": author, "role": role, "reason": reason,
    }  # fmt: skip


def _check(found: "Plan", command: "Directive") -> int | None:
    """The exit code of a command that would be refused, by its contract or by the fold."""
    from schemas.codec import Rejected, decode, encode
    from streams import programme

    read = decode(encode(command))
    wrong = read if isinstance(read, Rejected) else programme.foreseen(found, command)
    return None if wrong is None else fail(f"{wrong.reason}: {wrong.detail}", BAD_INPUT)


def _await_answer(sent: "Sent") -> int:
    from streams import programme

    refused = programme.obeyed(Settings(), sent)
    if refused is not None:
        return fail(f"{refused.reason}: {refused.detail}", FAILED)
    out().print("done")
    return OK


def _await_force(sent: "Sent") -> int:
    from streams import programme

    settings = Settings()
    refused = programme.obeyed(settings, sent)
    if refused is not None:
        return fail(f"{refused.reason}: {refused.detail}", FAILED)
    with progress("partitions under it", programme.count(settings)) as advance:
        for _ in programme.in_force(settings, sent):
            advance(1)
    out().print("in force everywhere")
    return OK


@app.command
def history(*, as_json: Json = False) -> int:
    """List every version: approved for which instant, in force on how many partitions, or withdrawn.

    Exit code 1 while partitions are under different versions.

    Example: laurel policy history

    Parameters
    ----------
    as_json
        As JSON lines.
    """
    from streams import programme

    settings = Settings()
    with progress("records looked at", None) as advance:
        found = programme.versions(settings, advance)
    partitions = programme.count(settings)
    table = Table("version", "for events from", "state", "put in force", "approved by", "withdrawn by")
    for each in found:
        if as_json:
            instants = {
                "effective_from": iso(each.effective_from),
                "activated_at": each.activated_at and iso(each.activated_at),
            }
            sys.stdout.write(json.dumps(each._asdict() | instants) + "\n")
            continue
        state = each.state
        if each.in_force:
            state = f"in force on {each.in_force} of {partitions}"
        elif state == "effective":
            state = "was in force"
        at = iso(each.activated_at) if each.activated_at else ""
        table.add_row(
            each.version, iso(each.effective_from), state, at, each.approved_by or "", each.withdrawn_by or ""
        )
    if not as_json:
        out().print(table)
    return OK if len({each.version for each in found if each.in_force}) == 1 else FAILED


def _drawn(policy: "Policy") -> Table:
    """What each tier asks for and gives."""
    from processors.wording import money

    table = Table("tier", "asks for", "sends back within", "approved up to", "queue", "answered within")
    for tier in (None, *policy.tiers):
        name = tier.name if tier else ""
        right = policy.returns.rights.tiers.get(name, policy.returns.rights.base)
        route = policy.routing.tiers.get(name, policy.routing.base)
        asks = (
            f"{money(tier.lifetime_value_minor, policy.currency)}, {tier.tenure_months} months" if tier else "nothing"
        )
        table.add_row(
            tier.label if tier else "everyone else",
            asks,
            f"{right.window_days} days",
            money(right.auto_approve_limit_minor, policy.currency),
            route.queue,
            f"{route.response_minutes} minutes",
        )
    return table
