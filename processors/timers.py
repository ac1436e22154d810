"""Timers: what a customer's row waits for, in one index by due instant (T-11, T-21).

A timer is armed lazily: when its instant moves later, the one armed stays, fires early, does nothing and is armed again
for the right instant. So an order costs no timer, and the results are the same. Held timers wait while sources are
behind, because what they decide cannot be taken back unseen (D4).
"""

from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from processors.customer import Customer
from processors.partition import Partition
from processors.rows import Rows, Table


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
    Kind("at_risk", "silence", HELD),
    Kind("windows", "tier", PLAIN),
    Kind("stage", "stage", PLAIN),
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


def _limit(partition: Partition, table: Table[Timer]) -> int:
    """The latest instant that is due; -1 before the first tick."""
    at = partition.calm_at if table is HELD else partition.at
    return -1 if at is None else at


def next_due(customer: Customer, subject: str, partition: Partition) -> Timer | None:
    """The customer's own first timer that is due, without a look at the index."""
    due = [(due, kind) for kind, due in customer.timers if due <= _limit(partition, _BY_NAME[kind].table)]
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


def disarm(rows: Rows, customer: Customer, timer: Timer) -> Customer:
    """The customer without the timer."""
    rows.delete(_BY_NAME[timer.kind].table, *_key(timer))
    return replace(customer, timers=tuple(each for each in customer.timers if each != (timer.kind, timer.due)))


def arm(rows: Rows, customer: Customer, subject: str, wanted: dict[str, int | None]) -> Customer:
    """See that no kind fires later than `wanted`. A timer that is no longer wanted fires and does nothing."""
    armed = dict(customer.timers)
    for kind in KINDS:
        due, before = wanted[kind.name], armed.get(kind.name)
        if due is None or (before is not None and before <= due):
            continue
        if before is not None:
            customer = disarm(rows, customer, Timer(before, subject, kind.name, kind.about))
        timer = Timer(due, subject, kind.name, kind.about)
        rows.put(kind.table, timer, *_key(timer))
        customer = replace(customer, timers=tuple(sorted((*customer.timers, (kind.name, due)))))
    return customer
