"""SYNTHETIC records that must not be taken: some of every kind that goes wrong upstream, for the dead letters.

Each line names under `refused_as` the reason that it should be refused with; `laurel publish` passes over that field.
They name real customers and orders, so that one that is taken after all shows in somebody's value.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from deploy.demo.events import Event, placed
from deploy.demo.history import Purchase
from deploy.demo.synthetic import DAY_MS, Dice, Times
from schemas.codec import MARKER, encode, from_json
from schemas.fields import LATEST_MS

OF_EACH = 3
STRANGE_SCHEMA = MARKER + bytes.fromhex("5eed5eed5eed5eed")
TOO_MUCH_MINOR = 10**16
YEAR_9999_MS = 253_370_764_800_000
DECADES_MS = 30 * 365 * DAY_MS


def poison(purchases: list[Purchase], currency: str, times: Times, seed: int) -> Iterator[Event]:
    """Every poison record, in no order."""
    dice = Dice(f"poison/{seed}")
    for count in range(OF_EACH):
        for number, (reason, changes) in enumerate((*_bytes(), *_values())):
            purchase = purchases[dice.between(0, len(purchases) - 1)]
            good = placed(purchase, times.order(purchase.day), currency) | {
                "event_id": f"poison-{number}-{count}",
                "order_id": f"o-poison-{number}-{count}",
            }
            stamp = times.some(purchase.day, dice.between(0, 9), dice) or good["occurred_at"] + 1
            yield _line(good, stamp, changes) | {"refused_as": reason}


def beyond_reach(purchases: list[Purchase], currency: str, times: Times, max_jump_days: int) -> Iterator[Event]:
    """An order with nothing wrong but its date: further ahead than the log's time will go at once (T-19)."""
    at = times.order(times.last) + (max_jump_days + 9) * DAY_MS
    if at <= LATEST_MS:
        odd = {"event_id": "poison-ahead", "order_id": "o-poison-ahead", "occurred_at": at}
        yield placed(purchases[0], times.order(purchases[0].day), currency) | odd


def _bytes() -> Iterator[tuple[str, dict[str, Any]]]:
    """What no contract can read: the bytes, given those of a good record, and where they are sent."""
    yield "undecodable", {"raw": lambda _: b"\xff\xfe\x00 no Avro at all"}
    yield "undecodable", {"raw": lambda _: b'{"type": "OrderPlaced", "amount": 11.77}'}
    yield "undecodable", {"raw": lambda good: good[:-7]}
    yield "undecodable", {"raw": lambda good: good + b"and more"}
    yield "empty", {"raw": lambda _: b""}
    yield "unknown_schema", {"raw": lambda good: STRANGE_SCHEMA + good[len(STRANGE_SCHEMA) :]}
    yield "wrong_topic", {"raw": lambda good: good, "topic": "support"}
    yield "wrong_topic", {"raw": lambda good: good, "topic": "operations"}


def _values() -> Iterator[tuple[str, dict[str, Any]]]:
    """What a contract forbids: fields that replace those of a good record."""
    yield "invalid_amount", {"lines": [{"line_id": "1", "quantity": 1, "goods_minor": -1999}]}
    yield "invalid_amount", {"lines": [{"line_id": "1", "quantity": 1, "goods_minor": TOO_MUCH_MINOR}]}
    yield "invalid_amount", {"type": "OrderRefunded", "refund_id": "f-poison", "goods_minor": -500}
    yield "unknown_currency", {"currency": "XQQ"}
    yield "implausible_date", {"occurred_at": 0}
    yield "implausible_date", {"occurred_at": YEAR_9999_MS}
    yield "implausible_date", {"ahead_ms": DECADES_MS}
    yield "invalid_id", {"customer_id": ""}
    yield "invalid_id", {"customer_id": "#0"}


def _line(good: Event, stamp: int, changes: dict[str, Any]) -> Event:
    """A line for `laurel publish`, to be stamped as of a plausible moment whatever it says itself."""
    if "raw" in changes:
        raw = base64.b64encode(changes["raw"](encode(from_json(good)))).decode()
        return {"topic": changes.get("topic", "orders"), "key": good["customer_id"], "raw": raw, "timestamp": stamp}
    ahead = {"occurred_at": stamp + changes["ahead_ms"]} if "ahead_ms" in changes else changes
    kind = ("lines", "currency") if changes.get("type") == "OrderRefunded" else ()
    kept = {name: value for name, value in good.items() if name not in kind}
    rate = {} if kind else {"rate_ppm": 1_000_000}
    return kept | rate | {"occurred_at": stamp} | ahead | {"unchecked": True, "timestamp": stamp}
