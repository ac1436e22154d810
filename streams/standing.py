"""Where a customer stands and what they may return, now or at another time: their history folded again, and the rules asked."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from msgspec.structs import replace

from processors.activity import looked_at
from processors.claims import Asker, Claims, claims
from processors.customer import CUSTOMERS
from processors.partition import HERE, PARTITION, Partition, current
from processors.policy import Policy
from processors.qualification import qualify, rises_at
from schemas.codec import decode, kind_of
from schemas.decided import Condition
from schemas.events import ClockTicked
from schemas.partitions import partition_of, reserved
from state.overlay import Overlay
from state.store import Store
from streams.activations import activations
from streams.kafka import Place, admin, committed, partitions_of
from streams.reading import bounds
from streams.records import Record
from streams.refolding import BATCH_SIZE, TABLES, Refold, batches, timeline
from streams.settings import Settings
from streams.skips import load

Advance = Callable[[int], None]


class Standing(NamedTuple):
    """A customer as laurel knew them at an instant, and every condition of every tier as it was then."""

    customer_id: str
    at: int
    tier: str | None
    vip_since: int | None
    deserved: str | None
    falls_at: int | None
    """When the days of grace are over; None outside them."""
    rises_at: int | None
    """When time alone lifts them next; None where more than time is missing."""
    conditions: tuple[Condition, ...]
    policy: Policy
    linked_to: str | None = None
    """The id under which they are known instead, where it is another one (D6)."""


def standing(settings: Settings, customer_id: str, at: int | None, advance: Advance) -> Standing | None:
    """Where a customer stands at an instant, milliseconds; None where nothing had happened to them.

    Raises `FoldStoppedError` where a rule raises on one of their records.
    """
    rows = rows_of(settings, customer_id, at, advance)
    customer, here = rows.get(CUSTOMERS, customer_id), rows.get(PARTITION, HERE) or Partition()
    if customer is None:
        return None
    policy = current(rows, here)
    now = (here.at or 0) if at is None else at
    # What windows hold is on the row as it was last looked at; by now a new policy may ask for more.
    customer = replace(customer, activity=looked_at(customer.activity, policy, now))
    qualification = qualify(customer, policy, now)
    return Standing(
        customer_id,
        now,
        customer.tier,
        customer.vip_since,
        qualification.tier,
        customer.falls_at,
        rises_at(customer, policy),
        qualification.conditions,
        policy,
        customer.host,
    )


def entitlements(
    settings: Settings, customer_id: str, order_id: str, at: int | None, advance: Advance
) -> Claims | None:
    """What a customer could return of an order at an instant, milliseconds; None of an order that was not known then.

    Raises `FoldStoppedError` where a rule raises on one of their records.
    """
    known = _known(settings, customer_id, at, advance)
    here = known.fresh().get(PARTITION, HERE) or Partition()
    now = (here.at or 0) if at is None else at
    return claims(Asker(known.fresh, known.partition, customer_id, order_id, now))


def rows_of(settings: Settings, customer_id: str, at: int | None, advance: Advance) -> Overlay:
    """A customer's rows at an instant, milliseconds. Raises `FoldStoppedError` where a rule raises on one of their records."""
    return _known(settings, customer_id, at, advance).fresh()


class _Known(NamedTuple):
    """A partition's rows as far as they concern one customer."""

    partition: int
    store: Store

    def fresh(self) -> Overlay:
        return Overlay(self.store)


def _known(settings: Settings, customer_id: str, at: int | None, advance: Advance) -> _Known:
    """Their row depends on no other customer's records (D8), so only theirs and the partition's own are folded."""
    count = partitions_of(admin(settings), settings.topic(TABLES.source))
    partition = partition_of(customer_id, count)
    refold = Refold(partition, count, load(settings))
    place = (settings.topic(TABLES.source), partition)
    position = committed(settings, TABLES.agent, [place])[place]
    until = bounds(settings, [place])[place][1] if position is None else position
    for batch in batches(_until(at, records_of(settings, customer_id, place, until, advance)), BATCH_SIZE, set()):
        refold.fold(batch)
    return _Known(partition, refold.state.store)


def records_of(settings: Settings, subject: str, place: Place, until: int, advance: Advance) -> Iterator[Record]:
    """A subject's records and the partition's own, up to an offset: all that its rows depend on."""
    keys = (subject.encode(), reserved(place[1]).encode())
    for record in timeline(settings, place[1], 0, until):
        advance(1)
        if record.key in keys:
            yield record


def _until(at: int | None, records: Iterator[Record]) -> Iterator[Record]:
    """Records as far as the log's time does not pass an instant."""
    for record in records:
        if at is not None and kind_of(record.value) is ClockTicked:
            event = decode(record.value)
            if isinstance(event, ClockTicked) and event.at > at:
                return
        yield record


def activated(settings: Settings, partition: int, version: str, advance: Advance) -> Policy | None:
    """The policy of a version that was activated on a partition."""
    found = (each.policy for each in activations(settings, partition, advance) if each.event.version == version)
    return next(found, None)
