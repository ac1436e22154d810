"""Numbers on the wire of more than the 64 bits that Avro gives them, which `fastavro` takes for what is left of them.

What is left depends on the machine: the timeline must not hold it. Nearly every record is cleared by one search for
bytes that such a number has; only the few that have them are walked through.
"""

import re
from typing import Any

BITS, MORE = 64, 0x80
"""A byte carries seven bits of a number, and whether more follow."""
_POSSIBLY_TOO_LONG = re.compile(rb"[\x80-\xff]{9}[^\x00\x01]")
"""Nine bytes of seven bits and one of one bit are 64. Text that is not ASCII looks like this too."""


class NumberTooLongError(Exception):
    """A number does not fit; where it stands is told."""


def check_varints(schema: Any, value: bytes, start: int) -> None:
    """Raise `NumberTooLongError` where a record, which `fastavro` read from `start` to the end, has such a number."""
    if _POSSIBLY_TOO_LONG.search(value, start):
        _walk(schema, value, start, schema["__named_schemas"])


def _walk(node: Any, value: bytes, at: int, named: dict[str, Any]) -> int:
    """Where the value of a schema that stands at `at` ends."""
    if isinstance(node, list):
        chosen, at = _number(value, at)
        return _walk(node[chosen], value, at, named)
    kind = node["type"] if isinstance(node, dict) else node
    match kind:
        case "record":
            for field in node["fields"]:
                at = _walk(field["type"], value, at, named)
        case "array":
            at = _walk_array(node["items"], value, at, named)
        case "string" | "bytes":
            length, at = _number(value, at)
            at += length
        case "long" | "int" | "enum":
            _, at = _number(value, at)
        case "boolean":
            at += 1
        case "null":
            pass
        case _:
            at = _walk(named[kind] if isinstance(kind, str) else kind, value, at, named)
    return at


def _walk_array(items: Any, value: bytes, at: int, named: dict[str, Any]) -> int:
    count, at = _number(value, at)
    while count:
        if count < 0:  # the block's size follows, for those who skip it
            _, at = _number(value, at)
        for _ in range(abs(count)):
            at = _walk(items, value, at, named)
        count, at = _number(value, at)
    return at


def _number(value: bytes, at: int) -> tuple[int, int]:
    """A number and where it ends."""
    number = shift = 0
    begin = at
    while True:
        byte = value[at]
        at += 1
        number |= (byte & ~MORE) << shift
        shift += 7
        if number >> BITS or shift > BITS + 6:
            raise NumberTooLongError(f"the number at byte {begin} has more than {BITS} bits")
        if not byte & MORE:
            return (number >> 1) ^ -(number & 1), at
