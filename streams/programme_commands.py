"""`laurel policy publish`, `withdraw` and `history`: how people change the rules for everybody."""

from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from streams.clock import now_ms
from streams.console import (
    BAD_INPUT,
    FAILED,
    OK,
    Instant,
    Json,
    emit,
    fail,
    iso,
    out,
    progress,
    table,
    tell,
    when,
)
from streams.policy_commands import app
from streams.settings import Settings

if TYPE_CHECKING:
    from schemas.directives import Directive
    from streams.programme import Plan, Sent

__all__ = ["app"]


@app.command
def publish(
    file: Path,
    /,
    *,
    author: str,
    role: str,
    reason: str,
    effective_from: Instant | None = None,
    wait: bool = False,
    dry_run: bool = False,
    as_json: Json = False,
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
        In which role; the policy's `roles` say who may (administrator; for automatic rules and roles platform_admin).
    reason
        Why, as one of the programme's words.
    effective_from
        From when on; UTC unless it says otherwise. At once where none is given.
    wait
        Until it is in force on every partition.
    dry_run
        Check and show everything, and publish nothing.
    as_json
        For programs.
    """
    from schemas.directives import PolicyPublished
    from streams import policies, programme

    try:
        policy, document = policies.load(file)
    except policies.PolicyFileError as error:
        return fail(error, BAD_INPUT)
    about = _about(author, role, reason)
    command = PolicyPublished(**about, version=policy.version, effective_at=effective_from, document=document)
    with progress("records looked at", None) as advance:
        found = programme.plan(Settings(), advance)
    changes = programme.differences(programme.document_in_force(found), document)
    if (code := _check(found, command)) is not None:
        return code
    told = {"version": policy.version, "effective_from": effective_from, "changes": changes, "published": None}
    if not as_json:
        drawn = table("field", "in force now", policy.version)
        for change in changes:
            drawn.add_row(*change)
        out().print(drawn if changes else "nothing but the version's name changes")
    begins = "at once" if effective_from is None else f"from {when(effective_from)} on"
    if dry_run:
        tell(told, f"{policy.version} would be in force {begins}; nothing was published", as_json=as_json)
        return OK
    sent = programme.send(Settings(), command)
    tell(
        told | {"published": command.event_id},
        f"published {command.event_id}: {policy.version} is to be in force {begins}",
        as_json=as_json,
    )
    return _await_force(sent, as_json=as_json) if wait else OK


@app.command
def withdraw(
    version: str,
    /,
    *,
    author: str,
    role: str,
    reason: str,
    wait: bool = False,
    dry_run: bool = False,
    as_json: Json = False,
) -> int:
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
        In which role; the policy's `roles` say who may (administrator; for automatic rules and roles platform_admin).
    reason
        Why, as one of the programme's words.
    wait
        Until it is certain: it may have come into force on the way.
    dry_run
        Check everything, and publish nothing.
    as_json
        For programs.
    """
    from schemas.directives import PolicyWithdrawn
    from streams import programme

    command = PolicyWithdrawn(**_about(author, role, reason), version=version)
    with progress("records looked at", None) as advance:
        found = programme.plan(Settings(), advance)
    if (code := _check(found, command)) is not None:
        return code
    told = {"version": version, "published": None}
    if dry_run:
        tell(told, f"{version} would be withdrawn; nothing was published", as_json=as_json)
        return OK
    sent = programme.send(Settings(), command)
    text = f"published {command.event_id}: {version} is to be withdrawn"
    tell(told | {"published": command.event_id}, text, as_json=as_json)
    return _await_answer(sent, as_json=as_json) if wait else OK


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


def _say(text: str, *, as_json: bool) -> None:
    """What programs see by the exit code."""
    if not as_json:
        out().print(text)


def _await_answer(sent: "Sent", *, as_json: bool) -> int:
    from streams import programme

    refused = programme.obeyed(Settings(), sent)
    if refused is not None:
        return fail(f"{refused.reason}: {refused.detail}", FAILED)
    _say("done", as_json=as_json)
    return OK


def _await_force(sent: "Sent", *, as_json: bool) -> int:
    from streams import programme

    settings = Settings()
    refused = programme.obeyed(settings, sent)
    if refused is not None:
        return fail(f"{refused.reason}: {refused.detail}", FAILED)
    with progress("partitions under it", programme.count(settings)) as advance:
        for _ in programme.in_force(settings, sent):
            advance(1)
    _say("in force everywhere", as_json=as_json)
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
    drawn = table("version", "for events from", "state", "put in force", "approved by", "withdrawn by")
    for each in found:
        if as_json:
            instants = {
                "effective_from": iso(each.effective_from),
                "activated_at": each.activated_at and iso(each.activated_at),
            }
            emit(each._asdict() | instants)
            continue
        state = each.state
        if each.in_force:
            state = f"in force on {each.in_force} of {partitions}"
        elif state == "effective":
            state = "was in force"
        at = when(each.activated_at) if each.activated_at else ""
        drawn.add_row(
            each.version, when(each.effective_from), state, at, each.approved_by or "", each.withdrawn_by or ""
        )
    if not as_json:
        out().print(drawn)
    return OK if len({each.version for each in found if each.in_force}) == 1 else FAILED
