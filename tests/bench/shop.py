"""The whole job as data: what happens in a shop, as upstream publishes it; the full domain under the shipped policy.

Customers joined twenty months ago and order as often as one another; each order is shipped and delivered, and of some every
other thing comes: refunds, cancellations, returns, contacts, visits, answers. About one in three is or becomes a VIP.
"""

import heapq
import random
from collections.abc import Iterator
from typing import Any

from schemas import events as e
from schemas.source import SourceEvent
from streams.records import Outgoing
from tests.streams.history import DAY, published

SEED, JOINED = 11, 600 * DAY
SHIPPED_AFTER, DELIVERED_AFTER, MORE_AFTER = 60, 180, 400
"""After so many further orders of the shop an order is shipped, delivered, and what else comes of it is told."""


def _order(number: int, about: dict[str, Any], draw: random.Random) -> SourceEvent:
    lines = [e.OrderLine(f"l{place}", 1, draw.randrange(500, 40_000)) for place in range(1 + number % 2)]
    return e.OrderPlaced(
        **about, order_id=f"o{number}", currency="USD", lines=tuple(lines), channel="web" if number % 3 else None
    )


def _more(number: int, about: dict[str, Any]) -> Iterator[SourceEvent]:
    """What else comes of every tenth order each; of three of ten nothing."""
    order = f"o{number}"
    match number % 10:
        case 1:
            yield e.OrderRefunded(**about, order_id=order, refund_id="f", goods_minor=300)
        case 3:
            yield e.ReturnRequested(**about, order_id=order, return_id=f"r{number}", lines=(e.ReturnLine("l0", 1),))
        case 4 | 8:
            yield e.CustomerVisited(**about, channel="web")
        case 5:
            yield e.ContactOpened(**about, case_id=f"k{number}", channel="chat")
        case 6:
            yield e.SurveyAnswered(**about, survey_id=f"s{number}", question_id="q", score=9)
        case 7:
            yield e.OrderCancelled(**about, order_id=order)
        case _:
            pass


def _of_order(number: int, who: str, at: int, every: int, draw: random.Random) -> Iterator[tuple[int, SourceEvent]]:
    """An order, and what comes of it at which instants."""

    def about(name: str, instant: int) -> dict[str, Any]:
        return {"event_id": f"{name}{number}", "customer_id": who, "occurred_at": instant}

    shipped, delivered, later = (at + every * after for after in (SHIPPED_AFTER, DELIVERED_AFTER, MORE_AFTER))
    lines = tuple(e.Units(f"l{place}", 1) for place in range(1 + number % 2))
    yield at, _order(number, about("o", at), draw)
    if number % 10 != 7:
        yield shipped, e.OrderShipped(**about("s", shipped), order_id=f"o{number}", shipment_id="s1", lines=lines)
        yield delivered, e.OrderDelivered(**about("d", delivered), order_id=f"o{number}", shipment_id="s1")
    for more in _more(number, about("m", later)):
        yield later, more


def happenings(customers: int, begin: int, every: int) -> Iterator[Outgoing]:
    """For ever, in the order of time: an order every so many milliseconds, and what comes of those before.

    The first order of each customer comes with their registration.
    """
    draw, known = random.Random(SEED), set[str]()
    waiting: list[tuple[int, str, SourceEvent]] = []
    at = begin
    for number in range(10**9):
        at = begin + number * every
        who = f"c{draw.randrange(customers):06d}"
        if who not in known:
            known.add(who)
            joined = e.CustomerRegistered(event_id=f"j-{who}", customer_id=who, occurred_at=begin - JOINED)
            heapq.heappush(waiting, (at, "", joined))
        for instant, event in _of_order(number, who, at, every, draw):
            heapq.heappush(waiting, (instant, event.event_id, event))
        while waiting and waiting[0][0] <= at:
            stamp, _, event = heapq.heappop(waiting)
            yield published(event, stamp)
