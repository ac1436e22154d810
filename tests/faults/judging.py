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
    "orders": {
        "OrderPlaced",
        "OrderShipped",
        "OrderDelayed",
        "OrderFailed",
        "OrderDelivered",
        "OrderCancelled",
        "OrderRefunded",
        "SubscriptionStarted",
        "SubscriptionChanged",
        "SubscriptionPaused",
        "SubscriptionResumed",
        "SubscriptionCancelled",
    },
    "returns": {
        "ReturnRequested",
        "ReturnReceived",
        "ReturnInspected",
        "ReturnReviewed",
        "ReturnDisputed",
        "ReturnSettled",
        "ReturnWindowExtended",
    },
    "interactions": {
        "CustomerRegistered",
        "CustomerReferred",
        "CustomerVisited",
        "SurveyAnswered",
        "ConsentChanged",
        "IdsLinked",
        "IdsUnlinked",
        "RewardRequested",
        "StatusReported",
        "RewardFulfilled",
        "RewardCancelled",
        "SubstituteAnswered",
    },
    "support": {
        "ContactOpened",
        "ContactWaiting",
        "ContactAssigned",
        "ContactPaused",
        "ContactResumed",
        "ContactResolved",
        "ContactReopened",
        "ContactEscalated",
    },
    "operations": {
        "DesignationAdded",
        "DesignationChanged",
        "DesignationRemoved",
        "QualificationReviewed",
        "OutreachRecorded",
        "NoteAdded",
        "TagsChanged",
        "LabelIconChanged",
        "BenefitDelivered",
        "PointsAdjusted",
        "CompensationGranted",
        "CompensationReviewed",
        "PersonalTextErased",
        "PolicyPublished",
        "PolicyWithdrawn",
        "RewardStocked",
    },
}
EVENTS = set().union(*TOPICS.values())
MESSAGES = {
    "ClockTicked", "PolicyActivated", "RulesChanged", "WorkRemains", "PartitionCounted",
    "LinkHeard", "MoveOffered", "MoveDeclined", "RowsMoved", "EventPassed",
    "GoodwillAsked", "GoodwillAnswered", "UnitsAsked", "UnitsAnswered", "UnitsEnded",
}  # fmt: skip
BOUNDS = {
    "quantity": (1, 1_000_000, "invalid"), "rate_ppm": (1, 10**12, "invalid"), "score": (0, 10, "invalid"),
    "points": (-(10**12), 10**12, "invalid"), "birth_month": (1, 12, "invalid"), "seen_version": (1, 10**9, "invalid"),
    "seen_sequence": (0, 10**12, "invalid"), "units": (-1_000_000, 1_000_000, "invalid"),
}  # fmt: skip
WORDS = {
    "reason",
    "role",
    "tier",
    "queue",
    "purpose",
    "kind",
    "benefit",
    "benefits",
    "without",
    "added",
    "removed",
    "channel",
    "system",
}
CHOICES = {
    "verdict": {"approved", "refused"}, "settled_as": {"refund", "exchange", "store_credit"},
    "outcome": {"follow_up", "escalated", "retained", "lost"},
}  # fmt: skip
MAY_BE_EMPTY = {"accepted", "refused", "benefits", "without", "added", "removed"}
INSTANT = (631_152_000_000, 4_102_444_800_000)
AMOUNT = (0, 10**15, "invalid_amount")


NO_CUSTOMERS = ("programme", "agent/", "reward/")
"""What other subjects are called; where it ends so, their names open with it (D6)."""


class Malformed(Exception):  # noqa: N818 - a verdict
    """The reason is the only argument."""


@cache
def schemas() -> dict[bytes, Any]:
    """The schemas of what may come in, of every version, by the eight bytes that announce them."""
    return {
        bytes.fromhex(file.stem): _spelled_out(json.loads(file.read_text(encoding="utf-8")), {})
        for name in EVENTS | MESSAGES
        for file in (HISTORY / name).glob("*.avsc")
    }


def _spelled_out(node: Any, named: dict[str, Any]) -> Any:
    """A schema in which every record stands where it is used, not only where it is named first."""
    if isinstance(node, str):
        return named.get(node, node)
    if isinstance(node, list):
        return [_spelled_out(each, named) for each in node]
    whole = node | {name: _spelled_out(node[name], named) for name in ("type", "items", "fields") if name in node}
    if whole["type"] == "record":
        named[whole["name"]] = whole
    return whole


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
    if value[0] == 0 and len(value) > 4:  # Confluent's wire format, and nobody to ask
        raise Malformed("unknown_schema")
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
    _check(fields, schema["name"])
    kind = schema["name"].removeprefix("laurel.")
    if kind in EVENTS and any(_of_another(found) for name, found in fields.items() if name.endswith("customer_id")):
        raise Malformed("invalid_id")
    if kind not in (EVENTS if topic == "redrives" else TOPICS[topic]):
        raise Malformed("wrong_topic")
    if fields["occurred_at"] > stamp_ms + DAY_MS:
        raise Malformed("implausible_date")


def read(node: Any, value: bytes, at: int) -> tuple[Any, int]:  # noqa: PLR0911 - a table
    """What stands at a place, and where it ends. Raises `IndexError` beyond the end."""
    if isinstance(node, list):
        branch, at = _long(value, at)
        if not 0 <= branch < len(node):
            raise Malformed("undecodable")
        return read(node[branch], value, at)
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
        case "bytes":
            length, at = _long(value, at)
            if length < 0 or at + length > len(value):
                raise Malformed("undecodable")
            return value[at : at + length], at + length
        case "boolean":
            if value[at] > 1:
                raise Malformed("undecodable")
            return value[at] == 1, at + 1
        case "null":
            return None, at
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


def _of_another(customer: str) -> bool:
    return any(customer.startswith(each) if each.endswith("/") else customer == each for each in NO_CUSTOMERS)


def _check(fields: dict[str, Any], kind: str) -> None:
    for name, found in fields.items():
        if found is None or isinstance(found, bool):
            continue
        if isinstance(found, list):
            if not found and name not in MAY_BE_EMPTY:
                raise Malformed("invalid")
            for each in found:
                _check(each if isinstance(each, dict) else {name: each}, kind)
        elif isinstance(found, bytes):
            if len(found) > 65_536:
                raise Malformed("invalid")
        elif name in CHOICES:
            if found not in CHOICES[name]:
                raise Malformed("invalid")
        elif name in WORDS and (name, kind) != ("channel", "laurel.ContactOpened"):
            if not 1 <= len(found) <= 64 or found[0] == "#" or any(char < " " for char in found):
                raise Malformed("invalid")
        elif name == "document":
            if not 1 <= len(found) <= 200_000:
                raise Malformed("invalid")
        elif name.endswith("_id") or name == "version":
            wrong = not 1 <= len(found) <= 200 or found[0] == "#" or any(char < " " for char in found)
            if wrong:
                raise Malformed("invalid_id" if name.endswith("_id") else "invalid")
        elif name == "currency":
            if found not in get_args(Currency):
                raise Malformed("unknown_currency")
        elif name.endswith("_at") or name in {"at", "effective_from"}:
            if not INSTANT[0] <= found <= INSTANT[1]:
                raise Malformed("implausible_date" if name.endswith("_at") else "invalid")
        else:
            low, high, reason = AMOUNT if name.endswith("_minor") else BOUNDS.get(name, (found, found, ""))
            if not low <= found <= high:
                raise Malformed(reason)
