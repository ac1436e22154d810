"""What Avro does not allow on the wire and `fastavro` takes for something else: the timeline must not hold it.

Numbers of more than 64 bits, of which it takes what is left; the number of a union's branch below 0, which it counts
from the end; booleans other than 0 and 1, which it takes for true. Nearly every record is cleared by one search for
bytes that such a number has; only the few that have them, and those with unions or booleans, are walked through.
"""

import re
from itertools import chain, repeat
from typing import Any

BITS, MORE = 64, 0x80
"""A byte carries seven bits of a number, and whether more follow."""
SIZES = {"float": 4, "double": 8}
_POSSIBLY_TOO_LONG = re.compile(rb"[\x80-\xff]{9}[^\x00\x01]")
"""Nine bytes of seven bits and one of one bit are 64. Text that is not ASCII looks like this too."""


class WireError(Exception):
    """Bytes that Avro does not allow; where they stand is told."""


def has_choices(node: Any) -> bool:
    """Whether a schema has a union or a boolean: not everything that its bytes may be is allowed."""
    if isinstance(node, list) or node == "boolean":
        return True
    if not isinstance(node, dict):
        return False
    inner = [field["type"] for field in node.get("fields", ())]
    return any(has_choices(each) for each in (*inner, node.get("items"), node.get("values"), node["type"]))


def check_wire(schema: Any, value: bytes, start: int, *, choices: bool) -> None:
    """Raise `WireError` where a record, which `fastavro` read from `start` to the end, is not as Avro has it.

    `choices` is what `has_choices` says of the schema.
    """
    if choices or _POSSIBLY_TOO_LONG.search(value, start):
        _walk(schema, value, start, schema["__named_schemas"])


def _walk(node: Any, value: bytes, at: int, named: dict[str, Any]) -> int:
    """Where the value of a schema that stands at `at` ends."""
    kind = node["type"] if isinstance(node, dict) else node
    match kind:
        case list():
            at = _walk_union(kind, value, at, named)
        case "record":
            for field in node["fields"]:
                at = _walk(field["type"], value, at, named)
        case "array" | "map":
            at = _walk_blocks(["string", node["values"]] if kind == "map" else [node["items"]], value, at, named)
        case "float" | "double" | "fixed":
            at += node["size"] if kind == "fixed" else SIZES[kind]
        case "string" | "bytes":
            length, at = _number(value, at)
            at += length
        case "long" | "int" | "enum":
            _, at = _number(value, at)
        case "boolean":
            at = _boolean(value, at)
        case "null":
            pass
        case _:
            at = _walk(named[kind] if isinstance(kind, str) else kind, value, at, named)
    return at


def _walk_union(branches: list[Any], value: bytes, at: int, named: dict[str, Any]) -> int:
    chosen, end = _number(value, at)
    if not 0 <= chosen < len(branches):
        raise WireError(f"byte {at} chooses branch {chosen} of {len(branches)}")
    return _walk(branches[chosen], value, end, named)


def _boolean(value: bytes, at: int) -> int:
    if value[at] > 1:
        raise WireError(f"the boolean at byte {at} is {value[at]}")
    return at + 1


def _walk_blocks(items: list[Any], value: bytes, at: int, named: dict[str, Any]) -> int:
    count, at = _number(value, at)
    while count:
        if count < 0:  # the block's size follows, for those who skip it
            _, at = _number(value, at)
        for item in chain.from_iterable(repeat(items, abs(count))):
            at = _walk(item, value, at, named)
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
            raise WireError(f"the number at byte {begin} has more than {BITS} bits")
        if not byte & MORE:
            return (number >> 1) ^ -(number & 1), at
