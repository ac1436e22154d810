"""A customer's points as an account of them: each lot and what became of it, a forecast, and the recount (R-PTS-06, R-PTS-08)."""

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from msgspec import Struct

from processors.customer import CUSTOMERS, Customer
from processors.family_rows import OfFamily
from processors.local_time import local
from processors.lots import AVAILABLE, ENDS, LOTS, NEVER, OWNER, PENDING, QUEUES, Lot, Name, Wallet, first
from processors.rows import EVERY, Rows, under


class Statement(NamedTuple):
    """The wallet as the customer's row has it, and as its lots and queues add up to it."""

    wallet: Wallet
    recounted: Wallet
    lots: list[tuple[Name, Lot]]
    forecast: dict[str, int]

    @property
    def accurate(self) -> bool:
        """Whether the sums are what the lots say, to the unit (R-PTS-06)."""
        return self.wallet == self.recounted


def recount(rows: Rows, customer_id: str) -> tuple[Wallet, list[tuple[Name, Lot]]]:
    """What the wallet must be: sums over all lots and queues, by none of the steps that led to it."""
    lots = [(parts[1:], lot) for parts, lot in under(rows, LOTS, customer_id)]
    pending, available, ends = (first(rows, customer_id, queue, EVERY) for queue in (PENDING, AVAILABLE, ENDS))
    held = under(rows, QUEUES, customer_id, "held")
    expiring, ending = ([each.due for each in queue if each.due != NEVER] for queue in (available, ends))
    wallet = Wallet(
        available=sum(each.points for each in available),
        pending=sum(each.points for each in pending),
        reserved=sum(row.points for _, row in held),
        deficit=sum(lot.owed - lot.repaid for _, lot in lots),
        matures_at=pending[0].due if pending else None,
        expires_at=expiring[0] if expiring else None,
        releases_at=ending[0] if ending else None,
    )
    return wallet, lots


def of_all_ids(rows: Rows, customer_id: str, customer: Customer) -> Rows:
    """The rows, where those of all ids of a customer are one account (T-24)."""
    return OfFamily(rows, customer_id, customer.family, customer_id) if customer.family else rows


def forecast(rows: Rows, customer_id: str, lots: Mapping[Name, Lot], zone: str) -> dict[str, int]:
    """How many points expire in each local month if nobody spends any more, pending ones too; `never` for those that do not."""
    months = Counter[int]()
    for queue in (AVAILABLE, PENDING):
        for each in first(rows, customer_id, queue, EVERY):
            months[lots[each.lot].expires_at] += each.points
    told = Counter[str]()
    for due, points in sorted(months.items()):
        month = "never" if due == NEVER else f"{local(due - 1, zone):%Y-%m}"
        told[month] += points
    return told


def statement(rows: Rows, customer_id: str, zone: str) -> Statement:
    """All of it, of one customer; an id whose state is elsewhere has no account."""
    customer = rows.get(CUSTOMERS, customer_id) or Customer()
    if customer.host is not None:
        return Statement(customer.points, Wallet(), [], {})
    rows = of_all_ids(rows, customer_id, customer)
    recounted, lots = recount(rows, customer_id)
    return Statement(customer.points, recounted, lots, forecast(rows, customer_id, dict(lots), zone))


class LotTold(Struct, frozen=True):
    """A lot for readers: `left` is what of it can still be spent, pending or reserved."""

    lot: Name
    at: int
    earned: int
    left: int
    pending_until: int | None
    expires_at: int | None
    spent: int
    expired: int
    clawed_back: int
    owed: int
    repaid: int
    taken: int


class Told(Struct, frozen=True):
    """A statement for readers, lots by date."""

    customer_id: str
    balance: int
    pending: int
    reserved: int
    deficit: int
    next_expiry_at: int | None
    accurate: bool
    forecast: dict[str, int]
    lots: tuple[LotTold, ...]


def told(customer_id: str, account: Statement) -> Told:
    """The statement as readers have it: what never expires has no instant."""
    lots = (
        LotTold(
            lot=tuple(part.removeprefix(OWNER) for part in name),
            at=lot.at,
            earned=lot.earned,
            left=lot.left,
            pending_until=lot.pending_until,
            expires_at=None if lot.expires_at == NEVER else lot.expires_at,
            spent=lot.spent,
            expired=lot.expired,
            clawed_back=lot.clawed_back,
            owed=lot.owed,
            repaid=lot.repaid,
            taken=lot.taken,
        )
        for name, lot in sorted(account.lots, key=lambda each: (each[1].at, each[0]))
    )
    wallet = account.wallet
    return Told(
        customer_id,
        wallet.available,
        wallet.pending,
        wallet.reserved,
        wallet.deficit,
        wallet.expires_at,
        account.accurate,
        account.forecast,
        tuple(lots),
    )
