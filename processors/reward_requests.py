"""A request for a reward: what was asked for, what it holds meanwhile, and how it ended (R-PTS-05, T-37, T-38)."""

from typing import Literal

from msgspec import Struct

from processors.lots import Name, owned
from processors.rows import Table, grown
from processors.unit import Unit
from schemas.decided import Condition

State = Literal["awaited", "asked", "offered", "refused", "reserved", "captured", "released"]
OPEN = ("asked", "offered", "reserved")
"""States in which a request holds points."""
UNDECIDED = ("awaited", "asked")
"""States in which an end that is told of is remembered."""


class Request(Struct, frozen=True, array_like=True):
    """A request. While it is `awaited`, only its end is known: `ends_as` (T-16); while it is `asked`, its reward was not heard.

    `points` are what it costs, held until `until`. `reward_id` is a substitute where it is `instead_of` another, at `substitute_points`.
    `has_units`: its reward holds `quantity` of its stock for it. `conditions` are what was found while the answer is not there.
    """

    state: State = "awaited"
    reward_id: str = ""
    points: int = 0
    until: int = 0
    ends_as: Literal["captured", "released"] | None = None
    ended_by: str | None = None
    customer_id: str = ""
    quantity: int = 1
    cost_minor: int = 0
    instead_of: str | None = None
    substitute_points: int = 0
    has_units: bool = False
    conditions: tuple[Condition, ...] = ()
    told_at: int = 0
    """When its end was told, while it is `awaited`."""


REQUESTS = Table(
    "reward-requests", b"z", Request, "each request for a reward, by customer and request id", 3, {1: grown, 2: grown}
)


def begun(request: Request) -> bool:
    """Whether somebody asked, or only how it ends is known."""
    return request.state != "awaited"


def united(request: Request, other: Request) -> Request:
    """Of what two ids were told of how it ends, what was told first (T-16, T-38)."""
    return min(request, other, key=lambda each: (each.told_at, each.ended_by or ""))


def load(unit: Unit, request_id: str) -> Request:
    """The request; one that nobody made yet where there is none."""
    return unit.rows.get(REQUESTS, unit.subject, request_id) or Request()


def name_of(unit: Unit, request_id: str, request: Request) -> Name:
    """What a request is called in rows: with whose it is where that is another id than the customer's (T-24)."""
    name = (request_id,)
    return name if request.customer_id in ("", unit.subject) else owned(name, request.customer_id)


def keep(unit: Unit, request_id: str, request: Request) -> Request:
    """Write the request."""
    unit.rows.put(REQUESTS, request, unit.subject, *name_of(unit, request_id, request))
    return request
