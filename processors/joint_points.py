"""Points of ids that come together and go apart: what an id brings and takes with it, what two were told of earns once (T-24).

Each lot is its own id's, with what was spent of it, whoever asked. So an id that leaves has its own lots; what its points paid of
another's deficit, or hold for another's request, is available again.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from msgspec.structs import replace

from processors.accrual import reversed_of
from processors.bookings import Book, closed, enter, note, opened, pay_from_balance
from processors.customer import Customer
from processors.effects import Send
from processors.explanation import compare
from processors.family_rows import OfFamily, as_one
from processors.ledger import Account, Parts, claw_back, give_back, pull, put, settled
from processors.lots import AVAILABLE, ENDS, LOTS, NEVER, PENDING, QUEUES, Lot, Name, Wallet, held, owned
from processors.order import ORDERS, load
from processors.overlaps import OVERLAPS, Overlap
from processors.reward_requests import OPEN, REQUESTS
from processors.rows import Rows, under
from processors.statement import recount
from processors.unit import Unit
from schemas.decided import Condition
from schemas.decisions import Decision

Reversal = Literal["clawed_back", "restored"]


def plus(one: Wallet, other: Wallet, sign: int = 1) -> Wallet:
    """Both wallets' sums, or what is left without the other one; instants are the earlier ones."""
    return Wallet(
        available=one.available + sign * other.available,
        pending=one.pending + sign * other.pending,
        reserved=one.reserved + sign * other.reserved,
        deficit=one.deficit + sign * other.deficit,
        matures_at=_earlier(one.matures_at, other.matures_at),
        expires_at=_earlier(one.expires_at, other.expires_at),
        releases_at=_earlier(one.releases_at, other.releases_at),
    )


def _earlier(*instants: int | None) -> int | None:
    return min((each for each in instants if each is not None), default=None)


def introduced(rows: Rows, host: str, ids: Iterable[str], guest: str) -> None:
    """What earned points under a guest's id and under another one is noted, and so is who referred themselves."""
    others = [each for each in ids if each != guest]
    for key, _ in under(rows, LOTS, guest):
        name = key[1:]
        if _own_referral(name, others) or any(rows.get(LOTS, each, *name) for each in others):
            rows.put(OVERLAPS, Overlap(), host, LOTS.name, *name)
    for each in others:
        if rows.get(LOTS, each, "referral", guest):
            rows.put(OVERLAPS, Overlap(), host, LOTS.name, "referral", guest)


def _own_referral(name: Name, ids: Iterable[str]) -> bool:
    return name[0] == "referral" and name[1] in ids


def _shared(rows: Rows, host: str, ids: Iterable[str]) -> Iterator[Name]:
    """Names of lots that depend on what several ids were told."""
    for key, _ in under(rows, OVERLAPS, host):
        if key[1] == LOTS.name and key[2] != "purchase":
            yield key[2:]
        elif key[1] == ORDERS.name:
            lines = {line.line_id for each in ids for line in load(rows, each, key[2]).lines}
            yield from (("purchase", key[2], line) for line in sorted(lines))


def _justified(unit: Unit, name: Name, lot: Lot) -> int:
    """How many of a lot's points its order does not justify, as the rows of `unit` know it."""
    if name[0] != "purchase":
        return 0
    order = load(unit.rows, unit.subject, name[1])
    components = unit.policy_of(order.policy_version).lifetime_value
    return reversed_of(order, components, {name[2]: lot.earned}).get(name[2], 0)


def _reverse(book: Book, name: Name, lot: Lot, target: int, moved: dict[Reversal, Parts]) -> None:
    """So many points of a lot are not justified: more than were, or fewer."""
    change = give_back if target < lot.reversed else claw_back
    if parts := change(book.account, name, lot, target):
        moved.setdefault("restored" if target < lot.reversed else "clawed_back", Counter()).update(parts)


def once(unit: Unit, rows: Rows, customer: Customer, names: Iterable[Name], book: Book) -> dict[Reversal, Parts]:
    """What several ids of `customer` earned for the same thing counts once: the first id's lot does, the others' do not."""
    moved: dict[Reversal, Parts] = {}
    ids = customer.family or (unit.subject,)
    for name in names:
        there = [each for each in ids if rows.get(LOTS, each, *name)]
        for number, each in enumerate(there):
            called = owned(name, each) if customer.family else name
            lot = rows.get(LOTS, each, *name) or Lot(0, 0, NEVER)
            double = number > 0 or (name[0] == "referral" and name[1] in ids)
            _reverse(book, called, lot, lot.earned if double else _justified(unit, name, lot), moved)
    return moved


def by_expiry(rows: Rows, ids: Iterable[str]) -> Parts:
    """All points of some ids that stand in queues, by the instant at which they expire."""
    parts: Parts = Counter()
    for one in ids:
        for _, lot in under(rows, LOTS, one):
            if lot.left:
                parts[lot.expires_at] += lot.left
    return parts


def met(
    unit: Unit, shown: Wallet, customer: Customer, movement: Literal["joined", "parted"], parts: Parts, back: Parts
) -> tuple[Customer, list[Decision | Send]]:
    """The customer with the points of the ids that they have now; what several of them earned for one thing counts once.

    `parts` came or left, and `back` is what is available again because it paid for others.
    """
    mine = as_one(unit, customer, unit.subject)
    book, ids = opened(mine, customer), len(customer.family)
    why = (_ids(unit, ids),)
    if customer.points != shown:
        wallet, again = book.account.wallet, sum(back.values())
        book.account.wallet = replace(wallet, available=wallet.available - again)
        enter(book, movement, parts, why)
        book.account.wallet = wallet
    names = list(_shared(unit.rows, unit.subject, customer.family))
    movements = once(mine, unit.rows, customer, names, book)
    if back:
        movements.setdefault("restored", Counter()).update(back)
    for each, moved in movements.items():
        note(book, each, moved, why)
    pay_from_balance(book, unit.policy.points)
    customer, decisions = closed(book)
    return customer, list(decisions)


def _ids(unit: Unit, many: int) -> Condition:
    return compare("points", "ids", many, ">", 1, unit.because.cause)


def gone(unit: Unit, customer: Customer) -> list[Decision | Send]:
    """An id whose state goes to a host has no points: who adds up the topic counts none twice."""
    if customer.points == Wallet():
        return []
    rows = OfFamily(unit.rows, unit.subject, customer.family, unit.subject) if customer.family else unit.rows
    book = opened(unit, replace(customer, points=Wallet()))
    enter(book, "parted", by_expiry(rows, (unit.subject,)), (_ids(unit, len(customer.family) + 1),))
    return list(book.decisions)


def home(unit: Unit, customer: Customer) -> tuple[Customer, list[Decision | Send]]:
    """An id is a customer of its own again, with its own lots."""
    book = opened(unit, customer)
    if customer.points != Wallet():
        enter(book, "joined", by_expiry(unit.rows, (unit.subject,)), (_ids(unit, 1),))
    pay_from_balance(book, unit.policy.points)
    customer, decisions = closed(book)
    return customer, list(decisions)


def apart(unit: Unit, customer: Customer, guest: str, rest: tuple[str, ...]) -> tuple[Wallet, Wallet]:
    """The wallets of those who stay, and of the id that leaves with its own lots: neither has paid for the other then."""
    rows = OfFamily(unit.rows, unit.subject, customer.family, unit.subject)
    account = Account(rows, unit.subject, customer.points)
    _let_go(account, unit.rows, (guest,))
    _let_go(account, unit.rows, rest)
    owed = {each: recount(unit.rows, each)[0].deficit for each in (guest, *rest)}
    _undo(account, unit.rows, {guest: owed.pop(guest)})
    _undo(account, unit.rows, owed)
    theirs, _ = recount(unit.rows, guest)
    left = Account(
        OfFamily(unit.rows, unit.subject, rest, unit.subject),
        unit.subject,
        replace(plus(account.wallet, theirs, -1), deficit=max(sum(owed.values()), 0)),
        {PENDING, AVAILABLE, ENDS},
    )
    names = list(_shared(unit.rows, unit.subject, customer.family))
    own = replace(unit, because=replace(unit.because, customer_id=guest))
    book = opened(own, Customer(points=theirs))
    once(own, unit.rows, Customer(), names, book)
    return settled(left), settled(book.account)


def _let_go(account: Account, rows: Rows, ids: tuple[str, ...]) -> None:
    """What ids hold for a request that is none of theirs, or beyond what theirs hold, is available again."""
    left = dict[str, int]()
    for one in ids:
        for key, row in under(rows, QUEUES, one, "held"):
            request, due, name = key[2], int(key[3]), owned(key[4:], one)
            theirs = left[request] if request in left else _held_by(rows, ids, request)
            kept = min(row.points, theirs)
            left[request] = theirs - kept
            if free := row.points - kept:
                pull(account, held((request,)), due, name, free)
                put(account, AVAILABLE, due, name, free)


def _held_by(rows: Rows, ids: Iterable[str], request_id: str) -> int:
    """What requests of this name hold that are these ids'."""
    known = (rows.get(REQUESTS, each, request_id) for each in ids)
    return sum(each.points for each in known if each and each.state in OPEN)


def _undo(account: Account, rows: Rows, owed: Mapping[str, int]) -> None:
    """What ids paid of a debt that is theirs no longer is available again until it would have expired; whose it was owes it.

    `owed` is what each of them owes by its own lots: below zero where it paid for others.
    """
    paid = max(-sum(owed.values()), 0)
    for one, deficit in sorted(owed.items()):
        back = min(max(-deficit, 0), paid)
        paid -= back
        for name, lot in recount(rows, one)[1]:
            if points := min(lot.repaid, back):
                rows.put(LOTS, replace(lot, repaid=lot.repaid - points), one, *name)
                put(account, AVAILABLE, lot.expires_at, owned(name, one), points)
                back -= points
