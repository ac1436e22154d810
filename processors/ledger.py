"""The moves of points: from queue to queue, and out of them for good. Nothing else changes a lot (T-33..T-38).

    earned = spent + expired + clawed back + taken + pending + available + reserved - deficit

holds after each of them, summed over a customer's lots: what a clawback cannot take any more is owed, and whatever becomes
available pays that first.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from msgspec.structs import replace

from processors.lots import (
    AVAILABLE,
    ENDS,
    LOTS,
    NEVER,
    PENDING,
    QUEUES,
    Entry,
    Lot,
    Name,
    Queue,
    Queued,
    Wallet,
    held,
    key,
)
from processors.lots import first as entries
from processors.rows import Rows

AT_ONCE = 16
"""Entries that are read together where nobody knows how many it takes."""
Parts = Counter[int]
"""Points by the instant at which they expire."""
INSTANTS: dict[Queue, str] = {PENDING: "matures_at", AVAILABLE: "expires_at", ENDS: "releases_at"}
SUMS: dict[str, str] = {"pending": "pending", "available": "available", "held": "reserved"}


@dataclass(slots=True)
class Account:
    """A customer's points under a unit's hands. `stale` are queues whose first entry left."""

    rows: Rows
    customer_id: str
    wallet: Wallet
    stale: set[Queue] = field(default_factory=set)


def settled(account: Account) -> Wallet:
    """The wallet with the instants of what comes first now."""
    for queue in sorted(account.stale):
        found = entries(account.rows, account.customer_id, queue, 1)
        due = found[0].due if found and found[0].due != NEVER else None
        account.wallet = replace(account.wallet, **{INSTANTS[queue]: due})
    account.stale.clear()
    return account.wallet


def lot_of(account: Account, name: Name) -> Lot | None:
    """A lot; None where nothing was earned so."""
    return account.rows.get(LOTS, account.customer_id, *name)


def _known(account: Account, name: Name) -> Lot:
    if (lot := lot_of(account, name)) is None:
        raise LookupError(f"points of {account.customer_id} stand in a queue without their lot {name}")
    return lot


def _keep(account: Account, name: Name, lot: Lot) -> None:
    account.rows.put(LOTS, lot, account.customer_id, *name)


def _count(account: Account, entry: Entry, what: str) -> None:
    """So many more points of a lot were spent, or expired, and the like."""
    lot = _known(account, entry.lot)
    _keep(account, entry.lot, replace(lot, **{what: getattr(lot, what) + entry.points}))


def _sum(account: Account, queue: Queue, points: int) -> None:
    if column := SUMS.get(queue[0]):
        account.wallet = replace(account.wallet, **{column: getattr(account.wallet, column) + points})


def put(account: Account, queue: Queue, due: int, name: Name, points: int) -> None:
    """Points join a queue."""
    place = key(account.customer_id, queue, due, name)
    before = account.rows.get(QUEUES, *place)
    account.rows.put(QUEUES, Queued(points + (before.points if before else 0)), *place)
    _sum(account, queue, points)
    if (instant := INSTANTS.get(queue)) and due != NEVER:
        known: int | None = getattr(account.wallet, instant)
        account.wallet = replace(account.wallet, **{instant: due if known is None else min(known, due)})


def pull(account: Account, queue: Queue, due: int, name: Name, most: int) -> int:
    """Points leave a queue, as many as stand there and at most so many; how many did."""
    place = key(account.customer_id, queue, due, name)
    row = account.rows.get(QUEUES, *place)
    points = min(row.points, most) if row else 0
    if row is None or not points:
        return 0
    if points < row.points:
        account.rows.put(QUEUES, Queued(row.points - points), *place)
    else:
        account.rows.delete(QUEUES, *place)
        if (instant := INSTANTS.get(queue)) and getattr(account.wallet, instant) == due:
            account.stale.add(queue)
    _sum(account, queue, -points)
    return points


def _drain(account: Account, queue: Queue, points: int) -> Iterator[Entry]:
    """Take so many points out of a queue, the first ones first; each entry as far as it was taken."""
    while points > 0 and (found := entries(account.rows, account.customer_id, queue, AT_ONCE)):
        for entry in found:
            taken = pull(account, queue, entry.due, entry.lot, points)
            points -= taken
            yield replace(entry, points=taken)
            if not points:
                return


def _stands(lot: Lot) -> tuple[Queue, int]:
    """In which queue a lot's points stand that nobody asked for, and until when."""
    return (AVAILABLE, lot.expires_at) if lot.pending_until is None else (PENDING, lot.pending_until)


def earn(account: Account, name: Name, lot: Lot) -> None:
    """Something earned points, for the first time."""
    _keep(account, name, lot)
    put(account, *_stands(lot), name, lot.earned)


def retime(account: Account, name: Name, lot: Lot, until: int) -> None:
    """What is pending matures at another instant."""
    if lot.pending_until is None or lot.pending_until == until:
        return
    if points := pull(account, PENDING, lot.pending_until, name, lot.earned):
        put(account, PENDING, until, name, points)
        _keep(account, name, replace(lot, pending_until=until))


def mature(account: Account, until: int, most: int) -> Parts:
    """What was pending up to an instant becomes available, so many lots at most."""
    parts: Parts = Counter()
    for entry in entries(account.rows, account.customer_id, PENDING, most, until):
        lot = _known(account, entry.lot)
        pull(account, PENDING, entry.due, entry.lot, entry.points)
        put(account, AVAILABLE, lot.expires_at, entry.lot, entry.points)
        _keep(account, entry.lot, replace(lot, pending_until=None))
        parts[lot.expires_at] += entry.points
    return parts


def expire(account: Account, until: int, most: int) -> Parts:
    """What nobody spent in time is gone, so many lots at most; what is reserved is not (T-35, T-36)."""
    parts: Parts = Counter()
    for entry in entries(account.rows, account.customer_id, AVAILABLE, most, until):
        pull(account, AVAILABLE, entry.due, entry.lot, entry.points)
        _count(account, entry, "expired")
        parts[entry.due] += entry.points
    return parts


def _use(account: Account, queue: Queue, what: str, points: int) -> Parts:
    """Points leave a queue for good, the first ones first; `what` became of them is counted on their lots."""
    parts: Parts = Counter()
    for entry in _drain(account, queue, points):
        _count(account, entry, what)
        parts[entry.due] += entry.points
    return parts


def take(account: Account, points: int) -> Parts:
    """A person takes points that are available, those that expire first."""
    return _use(account, AVAILABLE, "taken", points)


def repay(account: Account, most: int) -> Parts:
    """What is available pays for what is owed, so many points at most (T-33)."""
    parts = _use(account, AVAILABLE, "repaid", min(most, account.wallet.deficit, account.wallet.available))
    account.wallet = replace(account.wallet, deficit=account.wallet.deficit - sum(parts.values()))
    return parts


def claw_back(account: Account, name: Name, lot: Lot, reversed_to: int) -> Parts:
    """So many of a lot's points in all are not justified any more: take what is left of them, and owe what was used.

    What had expired, or a person took, is gone already: nobody owes that.
    """
    more = min(reversed_to, lot.earned) - lot.reversed
    if more <= 0:
        return Counter()
    there = pull(account, *_stands(lot), name, more)
    gone = lot.expired + lot.taken - (lot.reversed - lot.clawed_back)
    owed = max(more - there - gone, 0)
    account.wallet = replace(account.wallet, deficit=account.wallet.deficit + owed)
    clawed = replace(
        lot, clawed_back=lot.clawed_back + there + owed, owed=lot.owed + owed, reversed=lot.reversed + more
    )
    _keep(account, name, clawed)
    return Counter({lot.expires_at: there + owed} if there + owed else {})


def give_back(account: Account, name: Name, lot: Lot, reversed_to: int) -> Parts:
    """Fewer of a lot's points are not justified than were: the last ones that were taken come back, and pay what is owed.

    What had expired, or a person took, stays gone.
    """
    fewer = lot.reversed - reversed_to
    owed = min(fewer, lot.owed)
    gone = min(fewer - owed, lot.reversed - lot.clawed_back)
    back = min(fewer - gone, lot.clawed_back)
    forgiven = min(owed, account.wallet.deficit)
    account.wallet = replace(account.wallet, deficit=account.wallet.deficit - forgiven)
    given = replace(lot, clawed_back=lot.clawed_back - back, owed=lot.owed - forgiven, reversed=reversed_to)
    _keep(account, name, given)
    if back > forgiven:
        put(account, *_stands(lot), name, back - forgiven)
    return Counter({lot.expires_at: back} if back else {})


def _shift(account: Account, source: Queue, target: Queue, points: int) -> Parts:
    """Points go from one queue to another, those that expire first; each expires when it would have."""
    parts: Parts = Counter()
    for entry in _drain(account, source, points):
        put(account, target, entry.due, entry.lot, entry.points)
        parts[entry.due] += entry.points
    return parts


def reserve(account: Account, request: Name, points: int, until: int) -> Parts:
    """Hold points for a request, those that expire first."""
    parts = _shift(account, AVAILABLE, held(request), points)
    put(account, ENDS, until, request, points)
    return parts


def hold_until(account: Account, request: Name, points: int, before: int, until: int) -> None:
    """What a request holds is released at another instant, if nothing happens before."""
    pull(account, ENDS, before, request, points)
    put(account, ENDS, until, request, points)


def hold_part(account: Account, request: Name, points: int, part: int, before: int, until: int) -> Parts:
    """A request holds a part of its points on, until another instant; the others are available again (T-35)."""
    pull(account, ENDS, before, request, points)
    put(account, ENDS, until, request, part)
    # Some may have left with an id that was separated, others may be another's of this name: what is there is held first.
    there = sum(each.points for each in entries(account.rows, account.customer_id, held(request), points))
    return _shift(account, held(request), AVAILABLE, max(min(there, points) - part, 0))


def capture(account: Account, request: Name, points: int, until: int) -> Parts:
    """What a request held is spent, for good (T-38)."""
    pull(account, ENDS, until, request, points)
    return _use(account, held(request), "spent", points)


def release(account: Account, request: Name, points: int, until: int) -> Parts:
    """What a request held is available again, and expires when it would have (T-35)."""
    pull(account, ENDS, until, request, points)
    return _shift(account, held(request), AVAILABLE, points)
