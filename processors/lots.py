"""Lots of points: one small row for what earned some, and entries of queues that say where the rest of each stands (D8).

A customer's points stand in queues, in the order of instants: `pending` until they mature, `available` until they expire,
`held` for a request. Whoever needs the first ones reads the first rows of a queue, however many there are. What left the
queues for good, and why, is counted on the lot.
"""

from msgspec import Struct

from processors.rows import Rows, Table

Name = tuple[str, ...]
"""What a lot came from, as the parts of its key: ("purchase", order, line), ("visit", channel, day)."""
Queue = tuple[str, ...]
PENDING: Queue = ("pending",)
AVAILABLE: Queue = ("available",)
ENDS: Queue = ("ends",)
"""Requests by the instant at which their points are released, if nothing happens before."""
NEVER = 9_999_999_999_999
"""Stands for the instant of what does not expire, behind all others."""


OWNER = "\x01"
"""Opens the last part of a name that says whose it is, where a customer has several ids; no part of an id holds it."""


def owned(name: Name, owner: str) -> Name:
    """The name of a lot, or of a request, that is this id's."""
    return (*name, OWNER + owner)


def held(request: Name) -> Queue:
    """The queue of what requests of a name reserve, by the instant at which it would expire."""
    return ("held", request[0])


class Lot(Struct, frozen=True, array_like=True):
    """Points that something earned at an instant. `pending_until` is None once they matured.

    `reversed` is how many of them what earned them no longer justifies. Of these, `clawed_back` were taken, among them
    `owed` ones that were used already; the others had expired. `repaid` paid for what other lots owed, `taken` a person took.
    """

    at: int
    earned: int
    expires_at: int
    pending_until: int | None = None
    spent: int = 0
    expired: int = 0
    clawed_back: int = 0
    owed: int = 0
    repaid: int = 0
    taken: int = 0
    reversed: int = 0

    @property
    def left(self) -> int:
        """What of it stands in a queue."""
        return self.earned + self.owed - self.spent - self.expired - self.clawed_back - self.repaid - self.taken


class Queued(Struct, frozen=True, array_like=True):
    """So many points of a lot stand here."""

    points: int


class Wallet(Struct, frozen=True, array_like=True):
    """The sums of a customer's queues, part of the customer's row; `deficit` is what they owe. Nothing is below zero.

    The instants are those of the first of each queue; None where nothing waits for one.
    """

    available: int = 0
    pending: int = 0
    reserved: int = 0
    deficit: int = 0
    matures_at: int | None = None
    expires_at: int | None = None
    releases_at: int | None = None


class Granted(Struct, frozen=True, array_like=True):
    """How often an interaction earned points in a calendar period."""

    times: int


LOTS = Table("point-lots", b"l", Lot, "what earned points, and what became of them, by customer and origin")
QUEUES = Table("point-queues", b"q", Queued, "points that stand somewhere, by customer, queue, instant and lot")
GRANTS = Table("point-grants", b"y", Granted, "how often interactions earned points, by customer, kind and period")


class Entry(Struct, frozen=True):
    """Points of a lot that stand in a queue until `due`."""

    due: int
    lot: Name
    points: int


def key(customer_id: str, queue: Queue, due: int, lot: Name) -> tuple[str, ...]:
    """The key of an entry: in the order of instants within its queue."""
    return (customer_id, *queue, f"{due:013d}", *lot)


def first(rows: Rows, customer_id: str, queue: Queue, most: int, until: int | None = None) -> list[Entry]:
    """The first entries of a queue, only those that are due by `until` where it is given."""
    above = "\x00".join((customer_id, *queue))
    below = f"{above}\x01" if until is None else f"{above}\x00{until + 1:013d}"
    place = len(queue) + 1
    return [
        Entry(int(parts[place]), parts[place + 1 :], row.points)
        for parts, row in rows.first(QUEUES, most, below=below, above=above)
    ]
