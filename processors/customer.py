"""A customer's row: the facts that rules read, the standing they gave, and what is armed for later."""

from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from processors.activity import Activity
from processors.episodes import Alert, Birth, Celebrated, Consent, Opened, WinBack
from processors.lots import Wallet
from processors.membership import Membership
from processors.people import People
from processors.recent import Happened, latest, of
from processors.rows import Table, grown
from processors.synchrony import Synchrony
from processors.undispatched import Undispatched
from schemas.messages import Told
from schemas.source import SourceEvent


class Moved(Struct, frozen=True, array_like=True):
    """What last moved each fact that conditions are made of, in the words of a decision's cause (T-48)."""

    since: str | None = None
    value: str | None = None
    last_order: str | None = None
    tier: str | None = None
    returned: str | None = None
    orders: str | None = None
    frequency: str | None = None
    months: str | None = None
    days: str | None = None
    referrals: str | None = None
    complaints: str | None = None
    answers: str | None = None
    left: str | None = None
    subscription: str | None = None
    points: str | None = None


class Customer(Struct, frozen=True, array_like=True):
    """Instants are milliseconds, money is programme minor units. The row does not grow with history (D8)."""

    since: int | None = None
    value_minor: int = 0
    orders: int = 0
    first_order_at: int | None = None
    last_order_at: int | None = None
    tier: str | None = None
    vip_since: int | None = None
    falls_at: int | None = None
    alert: Alert | None = None
    sequence: int = 0
    policy_version: str = ""
    timers: tuple[tuple[str, int], ...] = ()
    """What is armed: kind and due instant, in the order of kinds. The same as in the tables of `timers`."""
    moved: Moved = Moved()
    membership: Membership = Membership()
    returned: tuple[tuple[int, int], ...] = ()
    """Requests to return goods, by calendar month since year 0; the latest months only."""
    cases: tuple[tuple[int, str], ...] = ()
    """Open support cases that will be due for somebody else, by that instant."""
    activations: int = 0
    """How many of the partition's activations they have gone through; `policy_version` is the last one's."""
    win_back: WinBack | None = None
    consents: tuple[Consent, ...] = ()
    birth: Birth | None = None
    celebrated: Celebrated = Celebrated()
    people: People = People()
    activity: Activity = Activity()
    fired: tuple[tuple[str, int], ...] = ()
    """Kind and due instant of the timers that fired last: none fires twice for one instant, for that names its decisions."""
    synchrony: Synchrony = Synchrony()
    undispatched: Undispatched = Undispatched()
    points: Wallet = Wallet()
    host: str | None = None
    """Where this id's state is instead: the row is a forward, and nothing else of it counts (D6)."""
    family: tuple[str, ...] = ()
    """Ids whose state is here, this one included, while others are linked with it or on their way."""
    opened: tuple[Opened, ...] = ()
    """What was told of launches, in the order of their names; those that the policy still has (R-RISK-08)."""
    recent: tuple[Happened, ...] = ()
    """What happened lately, the last first."""
    unsettled: tuple[Happened, ...] = ()
    """Cases, returns and orders that are not settled; an order may be by now, which is looked at where it matters."""


def _alert_with_tier(fields: Any) -> Any:
    """Version 3 kept no tier with an alert; nobody with an open one has lost theirs since."""
    place, tier = (Customer.__struct_fields__.index(name) for name in ("alert", "tier"))
    if fields[place] is None:
        return fields
    return [*fields[:place], [*fields[place], fields[tier] or ""], *fields[place + 1 :]]


CUSTOMERS = Table(
    "customers",
    b"c",
    Customer,
    "facts, standing and armed timers of each customer",
    8,
    {1: grown, 2: grown, 3: _alert_with_tier, 4: grown, 5: grown, 6: grown, 7: grown},
)


def known_since(customer: Customer, instant: int, cause: str) -> Customer:
    """Tenure starts at the earliest registration or order, in whichever order they arrive (R-CUST-04, T-16)."""
    if customer.since is not None and customer.since <= instant:
        return customer
    return replace(customer, since=instant, moved=replace(customer.moved, since=cause))


def noted(customer: Customer, event: SourceEvent | Told) -> Customer:
    """The customer with what happened, where an agent should see it (R-RTE-09)."""
    if (happened := of(event)) is None:
        return customer
    recent = latest((*customer.recent, happened))
    return customer if recent == customer.recent else replace(customer, recent=recent)


def earned(customer: Customer) -> str | None:
    """The tier that automatic rules alone give: a designation may have lifted the customer above it (R-MAN-01)."""
    designation = customer.people.designation
    return designation.earned if designation else customer.tier


def ordered(customer: Customer, placed_at: int, cause: str) -> Customer:
    """The customer placed an order. One that is cancelled later was activity all the same (R-CUST-06).

    So a cancellation takes back value and number, but neither tenure nor the end of a silence, and it does not matter
    whether it arrives before or after its order (T-16, T-17).
    """
    customer = known_since(customer, placed_at, cause)
    first, last = customer.first_order_at, customer.last_order_at
    if first is None or placed_at < first:
        customer = replace(customer, first_order_at=placed_at)
    if last is None or placed_at > last:
        customer = replace(customer, last_order_at=placed_at, moved=replace(customer.moved, last_order=cause))
    return customer
