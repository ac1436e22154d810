"""Subjects that are no customers, by what they are called (D6): no customer may be called so.

Rows of commands and the numbers of decisions are a subject's, of whatever kind it is.
"""

from functools import cache

from schemas.directives import PROGRAMME
from schemas.rewards import OPENING
from schemas.source import SourceEvent

AGENTS = "agent/"
OPENINGS = (AGENTS, OPENING)


@cache
def _naming(kind: type[SourceEvent]) -> tuple[str, ...]:
    """The fields that name customers."""
    return tuple(name for name in kind.__struct_fields__ if name.endswith("customer_id"))


def misnamed(event: SourceEvent) -> str | None:
    """What is wrong where an event takes another subject for a customer."""
    for name in _naming(type(event)):
        found: str = getattr(event, name)
        if found == PROGRAMME or found.startswith(OPENINGS):
            allowed = f"a customer's is not {PROGRAMME}, and opens with none of {', '.join(OPENINGS)}"
            return f"{type(event).__name__}: {name}: found {found!r}, the name of another subject; {allowed} (D6)"
    return None
