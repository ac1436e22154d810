"""Reading what another schema wrote as a contract: Avro's schema resolution, with what does not fit told by field (D9).

`fastavro` resolves record by record, and says neither which field it could not, nor of a schema whether it ever can. Names
of records are their writer's own business: those that stand where a contract has a record become its aliases.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from fastavro.schema import parse_schema

PROMOTED = {("int", "long"), ("string", "bytes"), ("bytes", "string")}
"""What is read as another type, of the types that contracts have."""
Named = Mapping[str, Any]


class Resolution:
    """A written schema beside a contract's; both as `fastavro` parses them, logical types included.

    `misfits` are the fields that cannot be read, whatever a record holds. `aliases` are what the writer calls the contract's
    records.
    """

    def __init__(self, written: Any, contract: Any) -> None:
        self._written: Named = written["__named_schemas"]
        self._contract: Named = contract["__named_schemas"]
        self._open: set[tuple[str, str]] = set()
        self.aliases: defaultdict[str, set[str]] = defaultdict(set)
        self.misfits = list(self._compare(written, contract, ""))

    def _compare(self, written: Any, wanted: Any, path: str) -> Iterator[str]:
        written, wanted = _defined(written, self._written), _defined(wanted, self._contract)
        if isinstance(written, list):  # a branch that can be read will be, and of a null the record itself is refused
            values = [branch for branch in written if branch != "null"] or written
            found = [list(self._compare(branch, wanted, path)) for branch in values]
            yield from [] if not all(found) else [_misfit(path, written, wanted)]
        elif isinstance(wanted, list):
            found = [list(self._compare(written, branch, path)) for branch in wanted]
            inner = [misfits for misfits, branch in zip(found, wanted, strict=True) if _kind(branch) == _kind(written)]
            yield from [] if not all(found) else inner[0] if inner else [_misfit(path, written, wanted)]
        elif _kind(written) == _kind(wanted) == "record":
            yield from self._compare_records(written, wanted, path)
        elif _kind(written) == _kind(wanted) == "array":
            yield from self._compare(written["items"], wanted["items"], f"{path}[]")
        elif not _fits(written, wanted):
            yield _misfit(path, written, wanted)

    def _compare_records(self, written: Any, wanted: Any, path: str) -> Iterator[str]:
        pair = written["name"], wanted["name"]
        if pair in self._open:  # a record within itself
            return
        self._open.add(pair)
        self.aliases[wanted["name"]].add(written["name"])
        fields = {field["name"]: field for field in written["fields"]}
        for field in wanted["fields"]:
            place = f"{path}.{field['name']}".lstrip(".")
            if there := fields.get(field["name"]):
                yield from self._compare(there["type"], field["type"], place)
            elif "default" not in field:
                yield f"{place} is missing; the contract has it, and no default"
        self._open.discard(pair)


def self_contained(parsed: Any) -> Any:
    """A parsed schema with each named type spelled out where it is named first, as a file of its own would have it."""
    named, spelled = parsed["__named_schemas"], set[str]()

    def spell(node: Any) -> Any:
        if isinstance(node, list):
            return [spell(branch) for branch in node]
        if isinstance(node, str):
            return spell(named[node]) if node in named and node not in spelled else node
        if "name" in node:
            spelled.add(node["name"])
        plain = {key: value for key, value in node.items() if not key.startswith("__")}
        for key in ("type", "items", "values"):
            if key in plain:
                plain[key] = spell(plain[key])
        if "fields" in plain:
            plain["fields"] = [field | {"type": spell(field["type"])} for field in plain["fields"]]
        return plain

    return spell(parsed)


def aliased(contract: Any, aliases: Mapping[str, set[str]]) -> Any:
    """The contract's parsed schema with its records under their writer's names too."""

    def name(node: Any) -> Any:
        if isinstance(node, list):
            return [name(branch) for branch in node]
        if not isinstance(node, dict):
            return node
        plain = {key: name(value) if key in {"type", "items", "fields"} else value for key, value in node.items()}
        more = sorted(aliases.get(node.get("name", ""), set())) if "fields" in node else []
        return plain | ({"aliases": more} if more else {})

    return parse_schema(name(self_contained(contract)))


def _defined(node: Any, named: Named) -> Any:
    """A type itself, where it is given by its name or wrapped in an object."""
    while not isinstance(node, list):
        if isinstance(node, str) and node in named:
            node = named[node]
        elif isinstance(node, dict) and isinstance(node["type"], dict | list):
            node = node["type"]
        else:
            break
    return node


def _kind(node: Any) -> str:
    return node["type"] if isinstance(node, dict) else node if isinstance(node, str) else "union"


def _logical(node: Any) -> str | None:
    return node.get("logicalType") if isinstance(node, dict) else None


def _fits(written: Any, wanted: Any) -> bool:
    """A plain type as another; of an instant in another unit only the digits would be right."""
    kinds = _kind(written), _kind(wanted)
    same_unit = _logical(written) is None or _logical(wanted) is None or _logical(written) == _logical(wanted)
    return same_unit and (kinds[0] == kinds[1] or kinds in PROMOTED)


def _misfit(path: str, written: Any, wanted: Any) -> str:
    return f"{path or 'the record'} is {_told(written)}; the contract has {_told(wanted)}"


def _told(node: Any) -> str:
    if isinstance(node, list):
        return " or ".join(map(_told, node))
    return _logical(node) or (node["name"] if isinstance(node, dict) and "name" in node else _kind(node))
