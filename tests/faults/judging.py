"""What is malformed, judged without laurel's codec: Avro's specification and the contracts, read plainly.

Schemas and fingerprints are those of the committed history. The judge names the reason too: the first that there is, in
the order of the bytes.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, get_args

from schemas.fields import Currency

HISTORY = Path(__file__).parents[2] / "schemas" / "history"
MARKER, HEADER = b"\xc3\x01", 10
DAY_MS = 86_400_000
LARGEST_BYTES = 2_000_000
TOPICS = {
    "orders": {"OrderPlaced", "OrderDelivered", "OrderCancelled", "OrderRefunded"},
    "returns": {"ReturnRequested"},
    "interactions": {"CustomerRegistered"},
    "support": {"ContactOpened"},
    "operations": set(),
}
EVENTS = set().union(*TOPICS.values())
MESSAGES = {"ClockTicked", "PolicyActivated", "RulesChanged", "WorkRemains"}
BOUNDS = {"quantity": (1, 1_000_000, "invalid"), "rate_ppm": (1, 10**12, "invalid")}
INSTANT = (631_152_000_000, 4_102_444_800_000)
AMOUNT = (0, 10**15, "invalid_amount")


class Malformed(Exception):  # noqa: N818 - a verdict
    """The reason is the only argument."""


@cache
def schemas() -> dict[bytes, Any]:
    """The schemas of what may come in, by the eight bytes that announce them."""
    found = {}
    for name in EVENTS | MESSAGES:
        (file,) = (HISTORY / name).glob("*.avsc")
        found[bytes.fromhex(file.stem)] = json.loads(file.read_text(encoding="utf-8"))
    return found


def reason_of(topic: str, key: bytes | None, value: bytes | None, stamp_ms: int) -> str | None:
    """Why a record of a topic must become a dead letter, or None if it is good."""
    try:
        _judge(topic, key, value, stamp_ms)
    except Malformed as verdict:
        return str(verdict)
    return None


def _judge(topic: str, key: bytes | None, value: bytes | None, stamp_ms: int) -> None:
    if len(key or b"") + len(value or b"") > LARGEST_BYTES:
        raise Malformed("too_large")
    if not value:
        raise Malformed("empty")
    if value[:2] != MARKER:
        raise Malformed("undecodable")
    schema = schemas().get(value[2:HEADER])
    if schema is None:
        raise Malformed("unknown_schema")
    try:
        fields, end = read(schema, value, HEADER)
    except (IndexError, UnicodeDecodeError) as error:
        raise Malformed("undecodable") from error
    if end != len(value):
        raise Malformed("undecodable")
    _check(fields)
    kind = schema["name"].removeprefix("laurel.")
    if kind not in (EVENTS if topic == "redrives" else TOPICS[topic]):
        raise Malformed("wrong_topic")
    if fields["occurred_at"] > stamp_ms + DAY_MS:
        raise Malformed("implausible_date")


def read(node: Any, value: bytes, at: int) -> tuple[Any, int]:
    """What stands at a place, and where it ends. Raises `IndexError` beyond the end."""
    match node["type"] if isinstance(node, dict) else node:
        case "record":
            fields = {}
            for field in node["fields"]:
                fields[field["name"]], at = read(field["type"], value, at)
            return fields, at
        case "array":
            return _array(node["items"], value, at)
        case "string":
            length, at = _long(value, at)
            if length < 0 or at + length > len(value):
                raise Malformed("undecodable")
            return value[at : at + length].decode("utf-8"), at + length
        case "long":
            return _long(value, at)
        case dict() as inner:
            return read(inner, value, at)
    raise NotImplementedError(node)


def _array(items: Any, value: bytes, at: int) -> tuple[list[Any], int]:
    found = []
    while True:
        count, at = _long(value, at)
        if count < 0:
            _, at = _long(value, at)  # only for who skips the block; Apache's own readers do not compare it either
        for _ in range(abs(count)):
            item, at = read(items, value, at)
            found.append(item)
        if count == 0:
            return found, at


def _long(value: bytes, at: int) -> tuple[int, int]:
    number = 0
    for place in range(10):
        byte = value[at + place]
        number |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            if number >= 2**64:
                break
            return (number >> 1) ^ -(number & 1), at + place + 1
    raise Malformed("undecodable")


def _check(fields: dict[str, Any]) -> None:
    for name, found in fields.items():
        if isinstance(found, list):
            if not found:
                raise Malformed("invalid")
            for each in found:
                _check(each)
        elif name.endswith("_id") or name == "version":
            wrong = not 1 <= len(found) <= 200 or found[0] == "#" or any(char < " " for char in found)
            if wrong:
                raise Malformed("invalid_id" if name.endswith("_id") else "invalid")
        elif name == "currency":
            if found not in get_args(Currency):
                raise Malformed("unknown_currency")
        elif name in {"at", "occurred_at", "effective_from"}:
            if not INSTANT[0] <= found <= INSTANT[1]:
                raise Malformed("implausible_date" if name == "occurred_at" else "invalid")
        else:
            low, high, reason = AMOUNT if name.endswith("_minor") else BOUNDS.get(name, (found, found, ""))
            if not low <= found <= high:
                raise Malformed(reason)
