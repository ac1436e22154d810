"""Where a document is no policy: the path, with the names that a path of a mapping's entry lacks, and what stands there."""

import re
from copy import deepcopy
from typing import Any, NamedTuple

import msgspec


class PolicyInvalid(NamedTuple):
    """Why a document is no policy: where, what was found there, and what would be right."""

    path: str
    found: str
    allowed: str

    def __str__(self) -> str:
        return f"{self.path}: found {self.found}; allowed is {self.allowed}"


def _steps(path: str) -> list[str | int]:
    """The keys and places that a path like `$.tiers[0].name` goes through."""
    return [key or int(index) for key, index in re.findall(r"\.([\w-]+)|\[(\d+)\]", path)]


def named(content: Any, path: str, kind: type) -> str:
    """The path with the name of the entry that `[...]` stands for: alone among its like, it is wrong as well."""
    above, anonymous, below = path.partition("[...]")
    if not anonymous:
        return path
    for name in list(_at(content, above)):
        alone = deepcopy(content)
        entries = _at(alone, above)
        for other in entries.keys() - {name}:
            del entries[other]
        try:
            msgspec.convert(alone, kind)
        except msgspec.ValidationError as error:
            if path in str(error):
                return named(content, f"{above}.{name}{below}", kind)
    return path


def _at(content: Any, path: str) -> Any:
    """What stands at a path. Raises `LookupError` and `TypeError` where there is none."""
    for step in _steps(path):
        content = content[step]
    return content


def found(content: Any, path: str) -> str:
    """What stands at a path, cut short."""
    try:
        content = _at(content, path.partition("[...]")[0])
    except (LookupError, TypeError):
        return "nothing"
    return msgspec.json.encode(content).decode()[:200]
