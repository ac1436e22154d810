"""A year of one busy customer, 10,000 events: the last ones touch as many rows and bytes as the first ones (D8)."""

import json
from collections import defaultdict
from collections.abc import Iterator
from statistics import median
from typing import Any

from processors.step import Entry, step
from schemas import commands as c
from schemas import events as e
from schemas.source import SourceEvent
from schemas.topics import TOPIC_OF
from state.memory import MemoryStore
from tests.processors.story import policy_with
from tests.processors.touched import Counting

DAYS, BEGIN, MINUTE, DAY = 371, 1_672_531_200_000, 60_000, 86_400_000
WARM = 130
"""From this day on points mature, returns leave their window and silences of the pattern are what they are for ever."""


def busy(day: int) -> Iterator[SourceEvent]:
    """A day with all that can happen: orders, parcels, refunds, returns, contacts, points, commands and reports."""
    number = 0

    def about() -> dict[str, Any]:
        nonlocal number
        number += 1
        at = BEGIN + day * DAY + number * 30 * MINUTE
        return {"event_id": f"e{day:03}-{number:02}", "customer_id": "ada", "occurred_at": at}

    person = {"author_id": "mia", "role": "manager", "reason": "goodwill"}
    for name in ("a", "b", "c"):
        order, lines = {"order_id": f"o{day:03}{name}"}, (e.OrderLine("l1", 2, 4_000), e.OrderLine("l2", 1, 900))
        yield e.OrderPlaced(**about(), **order, currency="USD", lines=lines)
        yield e.OrderShipped(**about(), **order, shipment_id="s", lines=(e.Units("l1", 2),))
        yield e.OrderDelivered(**about(), **order, shipment_id="s")
    back = {"order_id": f"o{day:03}a", "return_id": f"b{day:03}"}
    yield e.ReturnRequested(**about(), **back, lines=(e.ReturnLine("l1", 1),))
    yield e.ReturnReceived(**about(), **back, lines=(e.ReturnLine("l1", 1),))
    yield e.ReturnInspected(**about(), **back, accepted=(e.ReturnLine("l1", 1),))
    yield e.ReturnSettled(**about(), **back, settled_as="refund", currency="USD", amount_minor=2_000)
    yield e.OrderRefunded(**about(), order_id=f"o{day:03}a", refund_id="f", goods_minor=2_000, line_id="l1")
    yield e.OrderCancelled(**about(), order_id=f"o{day:03}c")
    yield e.OrderDelayed(**about(), order_id=f"o{day:03}b", promised_at=BEGIN, expected_at=BEGIN + 9 * DAY, reason="x")
    case = {"case_id": f"k{day:03}"}
    yield e.ContactOpened(**about(), **case, channel="phone")
    yield e.ContactAssigned(**about(), **case, agent_id="mia", queue="vip")
    yield e.ContactResolved(**about(), **case)
    yield e.RewardRequested(**about(), request_id=f"q{day:03}", reward_id="tote-bag")
    yield e.RewardFulfilled(**about(), request_id=f"q{day:03}")
    yield e.CustomerVisited(**about(), channel="web")
    yield e.SurveyAnswered(**about(), survey_id=f"s{day:03}", question_id="q", score=9)
    yield e.StatusReported(**about(), system="crm", tier="gold" if day % 2 else None)
    yield c.NoteAdded(**about(), **person, kind="care")
    yield c.PointsAdjusted(**about(), **person, adjustment_id=f"a{day:03}", points=5)
    yield c.CompensationGranted(
        **about(), **person, compensation_id=f"g{day:03}", kind="credit", currency="USD", amount_minor=1
    )


def year() -> dict[int, dict[str, tuple[int, int]]]:
    """By day and kind of event: the most rows and bytes that one of it touched; `time` is what ticks did that day, in all."""
    store, offset, found = MemoryStore(), 0, dict[int, dict[str, tuple[int, int]]]()
    shipped: dict[str, Any] = dict.fromkeys(("notifications", "fulfilment", "points"), "shipped")
    document = policy_with(shipped | {"returns": {"serial": {"most": 10_000}}})

    def tell(subject: str, event: Any) -> tuple[int, int]:
        nonlocal offset
        rows, offset = Counting(store), offset + 1
        source = TOPIC_OF.get(type(event), "messages")
        effects = step(rows, Entry("timeline", 0, offset, 0, subject, event, b"", source))
        rows.keep()
        changes = rows.changes()
        store.write(changes)
        touched, size = rows.touched, sum(len(key) + len(row or b"") for key, row in changes.items())
        for each in effects:
            if hasattr(each, "event"):  # to an agent, and its answer
                more = tell("#0" if each.subject == "*" else each.subject, each.event)
                touched, size = touched + more[0], size + more[1]
        return touched, size

    tell("#0", e.PolicyActivated("a", document["version"], 0, json.dumps(document)))
    for day in range(DAYS):
        costs = found[day] = defaultdict(lambda: (0, 0))
        for event in busy(day):
            spent = tell("#0", e.ClockTicked(event.occurred_at, 0))
            costs["time"] = (costs["time"][0] + spent[0], costs["time"][1] + spent[1])
            spent, kind = tell("ada", event), type(event).__name__
            costs[kind] = (max(costs[kind][0], spent[0]), max(costs[kind][1], spent[1]))
    return found


def usual(days: list[dict[str, tuple[int, int]]], kind: str) -> tuple[float, float]:
    """Rows and bytes on most days: an anniversary is none of them."""
    return median(day[kind][0] for day in days), median(day[kind][1] for day in days)


def test_the_last_of_ten_thousand_events_touch_what_the_first_ones_do_d8() -> None:
    found = year()
    assert sum(1 for day in range(DAYS) for _ in busy(day)) > 10_000
    begin, early, late = ([found[day] for day in range(first, first + 30)] for first in (1, WARM, DAYS - 30))
    assert len(found[0]) > 20
    for kind in found[0]:
        (first, _), (rows, size), (rows_late, size_late) = (usual(days, kind) for days in (begin, early, late))
        # What time does grows with what the policy has wait at once, and not with what was.
        assert rows_late <= (1.05 * rows if kind == "time" else min(first, rows)), kind
        # Rows of a customer have numbers of months and days, bounded by their windows: that of goodwill is a year.
        assert size_late <= size + (366 * 10 if kind in {"CompensationGranted", "time"} else 100), kind
