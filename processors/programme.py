"""The programme: which policy versions are approved, withdrawn and in force, in one order for all partitions (D5, T-32).

A version is a draft as long as it is a file. Published, it is approved for an instant; at that instant every partition is
told to be under it. Until then it can be withdrawn, and then it never takes effect. What counts is the order of the log.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import uuid5

from msgspec import Struct
from msgspec.structs import replace

from processors.discretion import SECTIONS, Action, who_may
from processors.effects import Effect, Refused, Send
from processors.explanation import NAMESPACE
from processors.local_time import local
from processors.partition import POLICIES, Document, Partition, admissible, in_force_at
from processors.policy import Policy, parse
from processors.policy_errors import PolicyInvalid
from processors.rows import Table, grown
from processors.unit import Unit
from processors.vip_share import Shares, judge
from schemas.directives import Directive, PolicyPublished, PolicyWithdrawn
from schemas.events import PolicyActivated
from schemas.messages import PartitionCounted
from schemas.partitions import EVERYWHERE

TIMER = "activation"
CONFIGURE: tuple[Action, ...] = ("configure_tiers",)


class Approval(Struct, frozen=True, array_like=True):
    """A version is to be in force from an instant on. `cause` published it, `withdrawn_by` took that back."""

    at: int
    version: str
    cause: str
    activated: bool = False
    withdrawn_by: str | None = None

    @property
    def awaited(self) -> bool:
        """Whether it will come into force if nothing else happens."""
        return not self.activated and self.withdrawn_by is None


class Programme(Struct, frozen=True, array_like=True):
    """Every approval in the order in which they were given, and the commands that were refused: a few a year.

    `shares` is what the partitions told of their VIPs, `sequence` how many decisions there were.
    """

    approvals: tuple[Approval, ...] = ()
    refused: tuple[str, ...] = ()
    timers: tuple[tuple[str, int], ...] = ()
    shares: Shares = Shares()
    sequence: int = 0


PROGRAMMES = Table(
    "programme",
    b"g",
    Programme,
    "which policy versions are approved, withdrawn and in force, and the share of VIPs; one row",
    2,
    {1: grown},
)
VERSIONS = Table("policy-versions", b"v", Document, "each policy document that was ever approved, by version")

Outcome = Programme | Refused


def activation_id(cause: str) -> str:
    """The id of the activation that a published version leads to: one at most, the same in every replay (D7)."""
    return str(uuid5(NAMESPACE, f"programme\x1f{cause}\x1factivation"))


def publish(unit: Unit, programme: Programme, event: PolicyPublished) -> Outcome:
    """Approve a version for its instant, or at once."""
    if wrong := _unfit(unit, event):
        return wrong
    at = _instant(unit, programme, event)
    if isinstance(at, Refused):
        return at
    if version_at(programme, unit.partition, at) == event.version:
        return Refused("nothing_changes", f"found {event.version}, which is in force at {_said(unit, at)} without this")
    unit.rows.put(VERSIONS, Document(event.version, event.document), event.version)
    return replace(programme, approvals=(*programme.approvals, Approval(at, event.version, unit.because.cause)))


def _unfit(unit: Unit, event: PolicyPublished) -> Refused | None:
    """What is wrong with a document, whenever it should come into force."""
    policy = admissible(unit.rows, unit.partition, event.version, event.document)
    if isinstance(policy, PolicyInvalid):
        return Refused("invalid_policy", str(policy))
    known = unit.rows.get(VERSIONS, event.version)
    if known is None or known.document == event.document:
        return None
    return Refused("invalid_policy", f"$: found another document; allowed is the one that {event.version} named before")


def _instant(unit: Unit, programme: Programme, event: PolicyPublished) -> int | Refused:
    """From when on a version is to be in force. Whoever says `at once` after another is in force after the other."""
    taken = {each.at: each.version for each in programme.approvals if each.withdrawn_by is None}
    at = event.effective_at
    if at is None:
        at = unit.now
        while at in taken:
            at += 1
    elif at <= unit.now:
        return Refused(
            "instant_passed",
            f"found effective_at {_said(unit, at)}; the log is at {_said(unit, unit.now)}, and only later is allowed",
        )
    elif at in taken:
        return Refused("instant_taken", f"found effective_at {_said(unit, at)}, for which {taken[at]} is approved")
    return at


def _said(unit: Unit, instant: int) -> str:
    return f"{local(instant, unit.policy.time_zone):%Y-%m-%d %H:%M:%S} {unit.policy.time_zone}"


def withdraw(unit: Unit, programme: Programme, event: PolicyWithdrawn) -> Outcome:
    """Whatever of a version is still to come never comes. What is in force stays: another version takes its place."""
    mine = [each for each in programme.approvals if each.version == event.version]
    if not any(each.awaited for each in mine):
        return _nothing_to_withdraw(event.version, mine, unit.partition)
    approvals = (
        replace(each, withdrawn_by=unit.because.cause) if each.awaited and each.version == event.version else each
        for each in programme.approvals
    )
    return replace(programme, approvals=tuple(approvals))


def _nothing_to_withdraw(version: str, mine: Sequence[Approval], partition: Partition) -> Refused:
    if partition.versions and partition.versions[-1].version == version:
        return Refused("already_in_force", f"found {version}, which is in force; publish the version that follows it")
    if any(each.activated for each in mine) or any(each.version == version for each in partition.versions):
        return Refused("nothing_to_withdraw", f"found {version}, which was in force, and is not to be again")
    if mine:
        return Refused("nothing_to_withdraw", f"found {version}, which is withdrawn already")
    return Refused("unknown_version", f"found {version}; no such version was ever approved")


def version_at(programme: Programme, partition: Partition, at: int) -> str | None:
    """The version that will be in force just before an instant, as things stand."""
    standing = [each for each in programme.approvals if each.withdrawn_by is None and each.at < at]
    if standing:
        return max(standing, key=lambda each: each.at).version
    return partition.versions[-1].version if partition.versions else None


COMMANDS: Mapping[type, Callable[[Unit, Programme, Any], Outcome]] = {
    PolicyPublished: publish,
    PolicyWithdrawn: withdraw,
}
"""What happens on each command for everybody."""


def fold_event(
    unit: Unit, programme: Programme, event: Directive | PartitionCounted
) -> tuple[Programme, Sequence[Effect | Refused]]:
    """The programme after a command, or after a partition told how many VIPs it has."""
    if isinstance(event, Directive):
        return obey(unit, programme, event)
    shares, judged = judge(programme.shares, event, unit.policy.vip_share, unit.because, programme.sequence + 1)
    if judged is None:
        return replace(programme, shares=shares), ()
    return replace(programme, shares=shares, sequence=judged.sequence), (judged,)


def obey(unit: Unit, programme: Programme, event: Directive) -> tuple[Programme, Sequence[Send | Refused]]:
    """The programme after a command. The role that it was given in is looked at first, under the matrix of that time (T-43).

    One that comes again says nothing new, and one that was refused stays so (T-15).
    """
    cause = unit.because.cause
    if cause in programme.refused or any(cause in {each.cause, each.withdrawn_by} for each in programme.approvals):
        return programme, ()
    given = in_force_at(unit.rows, unit.partition, event.occurred_at)
    permitted = who_may(given.roles, *_needed(unit, programme, event))
    outcome = (
        COMMANDS[type(event)](unit, programme, event) if event.role in permitted else _stranger(event.role, permitted)
    )
    if isinstance(outcome, Refused):
        return replace(programme, refused=(*programme.refused, unit.because.cause)), (outcome,)
    return outcome, ()


def _needed(unit: Unit, programme: Programme, event: Directive) -> list[tuple[Action, ...]]:
    """What a role must be allowed, one action of each: to configure tiers, or the part that changes (R-MAN-06, R-MAN-09).

    Where a version changes who rises by rules, or may do what, that besides (R-MAN-07). It is compared with the one that it takes
    the place of. To withdraw one is to decide the same.
    """
    changes: list[tuple[int, str | None]] = []
    if isinstance(event, PolicyPublished):
        at = _instant(unit, programme, event) if event.effective_at is None else event.effective_at
        changes = [(at, event.document)] if isinstance(at, int) else []
    elif isinstance(event, PolicyWithdrawn):
        own = (each for each in programme.approvals if each.awaited and each.version == event.version)
        changes = [(each.at, _document(unit, each.version)) for each in own]
    needs = dict.fromkeys(
        need
        for at, document in changes
        for name in _changed(_document(unit, version_at(programme, unit.partition, at)), document)
        for need in _who_changes(name)
    )
    return list(needs) or [CONFIGURE]


def _who_changes(section: str) -> tuple[tuple[Action, ...], ...]:
    if section in {"automatic", "roles"}:
        return (CONFIGURE, ("change_automatic_rules",))
    return ((*CONFIGURE, SECTIONS[section]) if section in SECTIONS else CONFIGURE,)


def _document(unit: Unit, version: str | None) -> str | None:
    """The document of a version that was approved, or came with the topics."""
    row = (unit.rows.get(VERSIONS, version) or unit.rows.get(POLICIES, version)) if version else None
    return row.document if row else None


def _changed(before: str | None, after: str | None) -> list[str]:
    """The parts of which a document says something else, but for its version. What is no policy is refused anyway."""
    one, other = (parse(document) if document else None for document in (before, after))
    if not isinstance(one, Policy) or not isinstance(other, Policy):
        return []
    return [
        name for name in Policy.__struct_fields__ if name != "version" and getattr(one, name) != getattr(other, name)
    ]


def _stranger(role: str, permitted: Sequence[str]) -> Refused:
    return Refused("not_permitted", f"found the role {role}; {' or '.join(permitted) or 'nobody'} may do this")


def wanted(programme: Programme, _policy: Policy, _now: int) -> Mapping[str, int]:
    """When the next version that is approved comes into force."""
    coming = [each.at for each in programme.approvals if each.awaited]
    return {TIMER: min(coming)} if coming else {}


def activate(unit: Unit, programme: Programme, _timer: str) -> tuple[Programme, Sequence[Send]]:
    """Tell every partition of the version whose instant has come. Raises `LookupError` for one without a document."""
    due = next((each for each in programme.approvals if each.awaited and each.at <= unit.now), None)
    if due is None:
        return programme, ()
    row = unit.rows.get(VERSIONS, due.version)
    if row is None:
        raise LookupError(f"policy version {due.version!r} was approved without its document")
    told = PolicyActivated(activation_id(due.cause), due.version, due.at, row.document)
    approvals = (replace(each, activated=True) if each is due else each for each in programme.approvals)
    return replace(programme, approvals=tuple(approvals)), (Send(EVERYWHERE, told),)
