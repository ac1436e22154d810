"""What no rule can use becomes a dead letter, whole; what is only large reaches the timeline, whole (D3, I-1)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from schemas import events as e
from schemas.codec import encode, encode_fields
from schemas.topics import SOURCE_BYTES
from tests.faults.events import Published, poison
from tests.faults.publisher import Publisher

if TYPE_CHECKING:
    from tests.faults.system import System

HEADERS = {
    "traceparent": b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "origin": b"orders/0/0",
    "hops": b"9",
}
"""What other systems put on their records, under names that are ours too."""


def test_every_kind_of_poison_and_nobody_else_is_stopped(system: System) -> None:
    system.start("a")
    bad = poison("bad", int(time.time() * 1000))
    for number, record in enumerate(bad):
        system.publisher.publish([record, *(system.publisher.history.next() for _ in range(20))])
        if number % 9 == 0:
            system.publisher.publish([record._replace(key=None)], headers=HEADERS)
    assert {record.reason for record in bad} == {
        "undecodable", "unknown_schema", "empty", "invalid_amount", "unknown_currency", "implausible_date",
        "invalid_id", "invalid", "wrong_topic",
    }  # fmt: skip
    system.finish()


def test_records_at_the_limit_of_their_source(system: System) -> None:
    """Ours add headers, so what fits into a source must not be too large for timeline, dead letters, or changelog."""
    (worker,) = system.start("a")
    head = {"customer_id": "large", "occurred_at": int(time.time() * 1000)}
    padding = fitting(system, b"large")
    order = order_of(padding, **head)
    contact = e.ContactOpened(event_id="k", case_id="k", channel="", **head)
    contact = e.ContactOpened(event_id="k", case_id="k", channel="x" * (padding - len(encode(contact)) - 3), **head)
    asked = tuple(e.ReturnLine(line.line_id, 1) for line in order.lines)
    back = e.ReturnRequested(event_id="q", return_id="q", order_id="o", lines=asked, **head)
    assert len(encode(order)) == padding
    for topic, event in (("orders", order), ("support", contact)):
        system.publisher.publish([Published(topic, b"large", encode(event), event)], headers=HEADERS)
    system.await_idle()
    system.publisher.publish([Published("returns", b"large", encode(back), back)], headers=HEADERS)
    # What was found is told with the reason: as long as it is, it must not make the dead letter too large.
    fields = {"event_id": "z", "order_id": "z", "rate_ppm": 1, "lines": [], "currency": "Z" * (padding - 100), **head}
    unknown = encode_fields(e.OrderPlaced, fields)
    for topic, value, reason in (
        ("operations", b"\xff" * padding, "undecodable"),
        ("orders", unknown, "unknown_currency"),
    ):
        system.publisher.publish([Published(topic, b"large", value, None, reason)], headers=HEADERS)
    system.publisher.publish([system.publisher.history.next() for _ in range(100)])
    system.publisher.stop()
    system.await_idle()
    # A return of five thousand lines explains itself in more bytes than a record takes: it changes nothing, and says so.
    assert system.violations(unanswered={("large", "o", "q")}) == []
    assert worker.ready()["ready"] is True


def test_a_row_that_grows_too_large(system: System) -> None:
    """Returns of units that an order never had are kept with it, each of them: the last is refused, and nobody stops."""
    (worker,) = system.start("a")
    head = {"customer_id": "large", "occurred_at": int(time.time() * 1000)}
    line = e.OrderLine("l0", 1, 100)
    order = e.OrderPlaced(event_id="o", order_id="o", currency="USD", lines=(line,), **head)
    system.publisher.publish([Published("orders", b"large", encode(order), order)])
    system.await_idle()
    for number in range(7):
        lines = tuple(e.ReturnLine(f"{number}{line:0199d}", 1) for line in range(1800))
        back = e.ReturnRequested(event_id=f"q{number}", return_id=f"q{number}", order_id="o", lines=lines, **head)
        system.publisher.publish([Published("returns", b"large", encode(back), back)])
    system.publisher.publish([system.publisher.history.next() for _ in range(100)])
    system.publisher.stop()
    system.await_idle()
    assert system.violations(unanswered={("large", "o", "q5"), ("large", "o", "q6")}) == []
    assert worker.ready()["ready"] is True


def test_records_that_are_large_only_unpacked(system: System) -> None:
    """A source's limit is one of compressed batches: what is behind it may be larger than any topic takes."""
    (worker,) = system.start("a")
    packing = Publisher(
        system.bootstrap, system.namespace, system.publisher.history,
        **{"compression.type": "gzip", "message.max.bytes": 60_000_000},
    )  # fmt: skip
    packing.journal = system.publisher.journal
    now = int(time.time() * 1000)
    for size, reason in ((1_900_000, None), (5_000_000, "too_large")):
        name = f"huge-{size}"
        contact = e.ContactOpened(event_id=name, customer_id=name, case_id=name, channel="x" * size, occurred_at=now)
        event = None if reason else contact
        assert packing.offer(Published("support", name.encode(), encode(contact), event, reason))
    assert packing.offer(Published("orders", b"huge", b"\xff" * 30_000_000, None, "too_large"))
    assert packing.offer(Published("orders", b"k" * 3_000_000, b"small", None, "too_large"))
    system.publisher.publish([system.publisher.history.next() for _ in range(100)])
    system.finish()
    assert worker.ready()["ready"] is True


def fitting(system: System, key: bytes) -> int:
    """How many bytes a value may have, to the last one, beside this key and HEADERS."""
    low, high = 1_000_000, SOURCE_BYTES
    while low < high:
        middle = (low + high + 1) // 2
        if system.publisher.offer(Published("operations", key, b"\xff" * middle, None, "undecodable"), headers=HEADERS):
            low = middle
        else:
            high = middle - 1
    return low


def order_of(size: int, **head: Any) -> e.OrderPlaced:
    """An order of exactly so many bytes: thousands of lines with the longest ids there may be."""
    ids = [f"{number:0200d}" for number in range((size - 250) // 210)]

    def made(*more: str) -> e.OrderPlaced:
        lines = tuple(e.OrderLine(line_id, 1, 100) for line_id in (*ids, *more))
        return e.OrderPlaced(event_id="o", order_id="o", currency="USD", lines=lines, **head)

    left = size - len(encode(made("y" * 64, "z" * 64)))
    return made("y" * (64 + min(left, 136)), "z" * (64 + max(0, left - 136)))
