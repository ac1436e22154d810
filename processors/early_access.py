"""Early access: when each tier may buy what is launched, for how much less, and who bought (R-RISK-08, R-ANL-17).

A launch is in the policy, so that it is approved, previewed and withdrawn as everything else that concerns everybody. A
customer is told of it once, when the head start of their tier begins or they rise into it; again where it became better,
or was put off.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Literal, NamedTuple

from msgspec.structs import replace

from processors.customer import Customer
from processors.episodes import Opened
from processors.explanation import Because, compare, head
from processors.local_time import instant_of
from processors.money import convert
from processors.notices import Asked, request
from processors.order import ORDERS, Order, load
from processors.policy import Policy
from processors.retention_policy import Launch
from processors.unit import Unit
from schemas.decided import Condition
from schemas.decisions import NotificationRequested
from schemas.events import OrderLine, OrderPlaced
from schemas.launches import EarlyAccessOpened, LaunchBought

Phase = Literal["early", "too_early", "released", "unknown"]
"""When something of a launch was bought."""
Told = tuple[Customer, Sequence[EarlyAccessOpened | NotificationRequested]]


class Access(NamedTuple):
    """From `opens_at` on a tier may buy, at so much less until the general release at `released_at`."""

    opens_at: int
    released_at: int
    discount_percent: int


def access(policy: Policy, tier: str | None, launch: Launch) -> Access:
    """A tier's days are local ones: it opens at the same time of day, however clocks are set between.

    Who has no tier, or one without an entry, buys when it is released.
    """
    released_at = instant_of(launch.released, policy.time_zone)
    start = policy.early_access.get(tier or "")
    if start is None:
        return Access(released_at, released_at, 0)
    opens = instant_of(launch.released - timedelta(days=start.days), policy.time_zone)
    return Access(opens, released_at, start.discount_percent)


def _news(customer: Customer, policy: Policy) -> Iterator[tuple[str, Access]]:
    """Launches with access that the customer does not know of, or not as it is now."""
    if customer.tier not in policy.early_access:
        return
    known = {each.launch_id: each for each in customer.opened}
    for name, launch in policy.launches.items():
        granted, told = access(policy, customer.tier, launch), known.get(name)
        if not told or told.released_at != granted.released_at or told.discount_percent < granted.discount_percent:
            yield name, granted


def opens_at(customer: Customer, policy: Policy) -> int | None:
    """When the next access opens that the customer is to be told of; in the past for who comes later."""
    if not policy.launches:
        return None
    return min((granted.opens_at for _, granted in _news(customer, policy)), default=None)


def open_due(customer: Customer, policy: Policy, now: int, because: Because) -> Told:
    """Tell of every access that is open by now; of a launch that everybody may buy by then there is nothing to tell."""
    decisions: list[EarlyAccessOpened | NotificationRequested] = []
    entitled = _entitled(policy, customer.tier, customer.moved.tier)
    told = {each.launch_id: each for each in customer.opened if each.launch_id in policy.launches}
    for name, granted in list(_news(customer, policy)):
        if granted.opens_at > now:
            continue
        told[name] = Opened(name, granted.released_at, granted.discount_percent)
        customer = replace(customer, opened=tuple(told[each] for each in sorted(told)))
        before = compare("launch", "before_release_at", now, "<", granted.released_at)
        if not before.holds or customer.tier is None:
            continue
        opened = EarlyAccessOpened(
            **head(because, customer.sequence + 1, EarlyAccessOpened, name, (entitled, before)),
            launch_id=name,
            tier=customer.tier,
            **granted._asdict(),
        )
        customer, asked = _ask(replace(customer, sequence=opened.sequence), policy, now, because, opened)
        decisions += [opened, *asked]
    return customer, decisions


def _entitled(policy: Policy, tier: str | None, moved_by: str | None) -> Condition:
    return compare("launch", "tier", tier, "in", ", ".join(policy.early_access), moved_by)


def _ask(
    customer: Customer, policy: Policy, now: int, because: Because, opened: EarlyAccessOpened
) -> tuple[Customer, list[NotificationRequested]]:
    """Who cancelled is written to about that alone."""
    if customer.membership.status == "cancelled":
        return customer, []
    until, follows = opened.released_at, opened.decision_id
    asked = Asked("early_access", customer.tier, until=until, follows=follows, launch_id=opened.launch_id)
    return request(customer, policy, now, because, asked)


def hear(unit: Unit, customer: Customer, event: OrderPlaced) -> tuple[Customer, Sequence[LaunchBought]]:
    """What an order holds of launches, once: under the policy of its date, and for the tier that it has (T-30)."""
    bought = _by_launch(event)
    if not bought:
        return customer, ()
    order = load(unit.rows, unit.subject, event.order_id)
    if order.launched:
        return customer, ()
    unit.rows.put(ORDERS, replace(order, launched=True), unit.subject, event.order_id)
    decisions = [
        _judge(unit, customer.sequence + number, event, order, launch_id, lines)
        for number, (launch_id, lines) in enumerate(bought.items(), start=1)
    ]
    return replace(customer, sequence=customer.sequence + len(decisions)), decisions


def _by_launch(event: OrderPlaced) -> Mapping[str, list[OrderLine]]:
    bought: dict[str, list[OrderLine]] = {}
    for line in event.lines:
        if line.launch_id is not None:
            bought.setdefault(line.launch_id, []).append(line)
    return bought


def _judge(
    unit: Unit, sequence: int, event: OrderPlaced, order: Order, launch_id: str, lines: Sequence[OrderLine]
) -> LaunchBought:
    policy, placed_at = unit.policy_of(order.policy_version), order.placed_at or event.occurred_at
    launch = policy.launches.get(launch_id)
    conditions = [compare("launch", "launch", launch_id, "in", ", ".join(policy.launches), order.placed_by)]
    phase: Phase = "unknown"
    discount_percent = 0
    if launch is not None:
        granted = access(policy, order.tier, launch)
        released = compare("launch", "placed_at", placed_at, ">=", granted.released_at, order.placed_by)
        opened = compare("launch", "placed_at", placed_at, ">=", granted.opens_at, order.placed_by)
        conditions += [_entitled(policy, order.tier, None), released, opened]
        phase = "released" if released.holds else "early" if opened.holds else "too_early"
        discount_percent = granted.discount_percent if phase == "early" else 0
    goods_minor = sum(max(line.goods_minor - line.discount_minor, 0) for line in lines)
    return LaunchBought(
        **head(unit.because, sequence, LaunchBought, f"{event.order_id}/{launch_id}", tuple(conditions)),
        launch_id=launch_id,
        order_id=event.order_id,
        placed_at=placed_at,
        phase=phase,
        tier=order.tier,
        units=sum(line.quantity for line in lines),
        amount_minor=convert(goods_minor, order.rate_ppm),
        discount_percent=discount_percent,
    )
