"""One partition's clock and policies: what its reserved subject is told (D4, D5)."""

from msgspec import Struct
from msgspec.structs import replace

from processors.policy import Policy, parse
from processors.policy_errors import PolicyInvalid
from processors.rows import Rows, Table, grown
from schemas.events import ClockTicked, PolicyActivated

HERE = "#"
"""Key of the only row: a store holds one partition."""


class InForce(Struct, frozen=True, array_like=True):
    """A version was activated here, for events from `effective_from` on; the clock then said `at` and `calm_at`."""

    effective_from: int
    version: str
    activation_id: str = ""
    at: int | None = None
    calm_at: int | None = None


class Partition(Struct, frozen=True, array_like=True):
    """`at` is the last tick, `calm_at` the last one at which no source was behind; None before the first.

    `versions` is in the order of activation: the last one is in force. `pending` says that due timers are left, `asked`
    that a `WorkRemains` is on its way. `compared` is the last customer whom the work of an activation has come to; None
    while there is no such work.
    """

    at: int | None = None
    calm_at: int | None = None
    rules_version: int = 1
    versions: tuple[InForce, ...] = ()
    pending: bool = False
    asked: bool = False
    compared: str | None = None


class Document(Struct, frozen=True, array_like=True):
    """A policy version as it was activated: JSON."""

    version: str
    document: str


PARTITION = Table(
    "partition", b"#", Partition, "clock, policy versions in force, deferred work; one row", 2, {1: grown}
)
POLICIES = Table("policies", b"d", Document, "each policy document that was ever in force, by version")


def tick(partition: Partition, event: ClockTicked, limit_s: int) -> Partition:
    """Time passes; a tick at or before the last one is another owner's slower clock and says nothing (D4)."""
    if partition.at is not None and event.at <= partition.at:
        return partition
    calm = event.sources_behind_ms <= limit_s * 1000
    return replace(partition, at=event.at, calm_at=event.at if calm else partition.calm_at, pending=True)


def activate(rows: Rows, partition: Partition, event: PolicyActivated) -> Partition | PolicyInvalid:
    """The version is in force from this record on, and everyone is to be compared under it (D8).

    One that comes twice is one. A document that is no policy leaves the old one in force.
    """
    if any(each.activation_id == event.activation_id for each in partition.versions):
        return partition
    policy = admissible(rows, partition, event.version, event.document)
    if isinstance(policy, PolicyInvalid):
        return policy
    rows.put(POLICIES, Document(event.version, event.document), event.version)
    version = InForce(event.effective_from, event.version, event.activation_id, partition.at, partition.calm_at)
    # Whoever was on the way begins again: each customer goes through every activation, in order.
    return replace(
        partition, versions=(*partition.versions, version), compared="" if partition.versions else partition.compared
    )


def admissible(rows: Rows, partition: Partition, version: str, document: str) -> Policy | PolicyInvalid:
    """The policy that a document holds, if it may come into force here under the name of `version`."""
    policy = parse(document)
    if isinstance(policy, PolicyInvalid):
        return policy
    if policy.version != version:
        return PolicyInvalid("$.version", policy.version, f"{version}, the name that it comes under")
    if partition.versions and policy.currency != (sums := current(rows, partition).currency):
        return PolicyInvalid("$.currency", policy.currency, f"{sums}: customers' values are sums in it")
    known = rows.get(POLICIES, version)
    if known is not None and known.document != document:
        return PolicyInvalid("$", "another document", f"the one that {version} named before")
    return policy


def current(rows: Rows, partition: Partition) -> Policy:
    """The policy in force. Raises `LookupError` before the first one: `topics create` writes it as record 0."""
    return after(rows, partition, len(partition.versions))


def after(rows: Rows, partition: Partition, activations: int) -> Policy:
    """The policy that was in force after so many activations. Raises `LookupError` before the first one."""
    if not activations:
        raise LookupError("no policy is in force on this partition; its first record should activate one")
    return named(rows, partition.versions[activations - 1].version)


def in_force_at(rows: Rows, partition: Partition, instant: int) -> Policy:
    """The policy in force at a past date (T-30); before the first one, the first. Raises as `current`."""
    began = [version for version in partition.versions if version.effective_from <= instant]
    if not began:
        return after(rows, partition, min(1, len(partition.versions)))
    # Of two with one date the later activation holds: `max` takes the first of equals.
    return named(rows, max(reversed(began), key=lambda version: version.effective_from).version)


def named(rows: Rows, version: str) -> Policy:
    """The policy of a version that was activated here. Raises `LookupError` for any other.

    A document was valid when it was activated; `ValueError` means that this code can no longer read it.
    """
    row = rows.get(POLICIES, version)
    if row is None:
        raise LookupError(f"policy version {version!r} was never activated on this partition")
    match parse(row.document):
        case Policy() as policy:
            return policy
        case invalid:
            raise ValueError(f"policy version {version!r} can no longer be read: {invalid}")
