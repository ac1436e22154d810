"""Timers: what a subject's row waits for, in one index by due instant (T-11, T-21).

A timer is armed lazily: when its instant moves later, the one armed stays, fires early, does nothing and is armed again
for the right instant. So an order costs no timer, and the results are the same. Held timers wait while sources are
behind, because what they decide cannot be taken back unseen (D4).
"""

from collections.abc import Mapping
from typing import NamedTuple

from msgspec import Struct

from processors.partition import InForce, Partition
from processors.rows import Rows, Table

Armed = tuple[tuple[str, int], ...]
"""What a row says of its own timers: kind and due instant, in the order of kinds. The same as in the tables here."""


class Timer(Struct, frozen=True, array_like=True):
    """`about` is what it concerns, `due` an instant; both are part of the unit's name and of a decision's cause."""

    due: int
    subject: str
    kind: str
    about: str


PLAIN = Table("timers", b"t", Timer, "armed timers by due instant")
HELD = Table("held-timers", b"h", Timer, "armed timers by due instant that wait while sources are behind")


class Kind(NamedTuple):
    """A kind of timer: what it concerns, and whether it waits while sources are behind."""

    name: str
    about: str
    table: Table[Timer]


KINDS = (
    Kind("tenure", "tier", PLAIN),
    Kind("grace", "tier", HELD),
    Kind("lapse", "tier", HELD),
    Kind("escalation", "cases", HELD),
    Kind("at_risk", "silence", HELD),
    Kind("activation", "policy", HELD),
    Kind("follow_up", "silence", HELD),
    Kind("horizon", "silence", HELD),
    Kind("reminder", "win_back", HELD),
    Kind("anniversary", "celebration", HELD),
    Kind("birthday", "celebration", HELD),
    Kind("launch", "launch", HELD),
    Kind("designation", "designation", HELD),
    Kind("windows", "tier", PLAIN),
    Kind("stage", "stage", PLAIN),
    Kind("discrepancy", "status", HELD),
    Kind("doubt", "returns", HELD),
    Kind("maturity", "points", HELD),
    Kind("points_expiry", "points", HELD),
    Kind("reservation", "points", HELD),
)
_BY_NAME = {kind.name: kind for kind in KINDS}


def _key(timer: Timer) -> tuple[str, ...]:
    return (f"{timer.due:013d}", timer.subject, timer.kind, timer.about)


def unit_name(timer: Timer) -> str:
    """What `skips` calls it."""
    return f"timer/{timer.kind}/{timer.subject}/{timer.about}/{timer.due}"


def cause(timer: Timer) -> str:
    """What decisions name as their cause (D7)."""
    return f"timer/{timer.kind}/{timer.about}/{timer.due}"


def _limit(clock: Partition | InForce, table: Table[Timer]) -> int:
    """The latest instant that is due; -1 before the first tick."""
    at = clock.calm_at if table is HELD else clock.at
    return -1 if at is None else at


def next_due(armed: Armed, subject: str, clock: Partition | InForce) -> Timer | None:
    """The subject's own first timer that is due now, or was when a version was activated, without a look at the index."""
    due = [(due, kind) for kind, due in armed if due <= _limit(clock, _BY_NAME[kind].table)]
    if not due:
        return None
    at, kind = min(due)
    return Timer(at, subject, kind, _BY_NAME[kind].about)


def due_timers(rows: Rows, partition: Partition, most: int) -> list[Timer]:
    """The first `most` timers of the partition that are due, by due instant and then key."""
    found = [
        (key, timer)
        for table in (PLAIN, HELD)
        for key, timer in rows.first(table, most, f"{_limit(partition, table) + 1:013d}")
    ]
    return [timer for _, timer in sorted(found, key=lambda each: each[0])[:most]]


def disarm(rows: Rows, armed: Armed, timer: Timer) -> Armed:
    """What is armed without the timer."""
    rows.delete(_BY_NAME[timer.kind].table, *_key(timer))
    return tuple(each for each in armed if each != (timer.kind, timer.due))


def arm(rows: Rows, armed: Armed, subject: str, wanted: Mapping[str, int]) -> Armed:
    """See that no kind fires later than `wanted`. A timer that is no longer wanted fires and does nothing."""
    dues = dict(armed)
    for name, due in wanted.items():
        kind, before = _BY_NAME[name], dues.get(name)
        if before is not None and before <= due:
            continue
        if before is not None:
            armed = disarm(rows, armed, Timer(before, subject, kind.name, kind.about))
        timer = Timer(due, subject, kind.name, kind.about)
        rows.put(kind.table, timer, *_key(timer))
        armed = tuple(sorted((*armed, (kind.name, due))))
    return armed
