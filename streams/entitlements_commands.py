"""`laurel entitlements`: what a customer could return of an order, before they claim it."""

from typing import Annotated, Literal

import msgspec
from cyclopts import Parameter

from streams.console import FAILED, OK, Instant, Json, emit, fail, out, progress
from streams.settings import Settings

Audience = Annotated[Literal["customer", "agent"], Parameter(name="--for")]


def entitlements(
    customer: str, order: str, /, *, at: Instant | None = None, audience: Audience = "agent", as_json: Json = False
) -> int:
    """Say what a customer could return of an order, until when, and what a request would get and why; nobody asks for anything.

    Exit code 1 for an order that is not known.

    Example: laurel entitlements c-4711 o-1001 --at 2026-05-01 --for customer

    Parameters
    ----------
    customer
        The pseudonymous id that events carry.
    order
        The order's id.
    at
        If it were asked for when the log's time is this, by what was known then or is known now: 2026-05-01,
        2026-05-01T10:00Z or milliseconds since 1970, in UTC unless it says otherwise. Now where none is given.
    audience
        Who reads it: the customer, or an agent of the contact centre.
    as_json
        The verdicts as they would be published: one a line of the order, then all that is left at once.
    """
    from processors import claims_wording
    from streams import standing
    from streams.refolding import FoldStoppedError

    try:
        with progress("records looked at", None) as advance:
            found = standing.entitlements(Settings(), customer, order, at, advance)
    except FoldStoppedError as error:
        return fail(error, FAILED)
    if found is None:
        return fail(f"order {order} of {customer} {'is' if at is None else 'was'} not known", FAILED)
    if as_json:
        for what, verdict in (*(("line", line) for line in found.lines), ("order", found.together)):
            if verdict is not None:
                emit({"of": what, "at": found.at} | msgspec.to_builtins(verdict))
        return OK
    for line in claims_wording.told(found) if audience == "customer" else claims_wording.shown(found):
        out().print(line)
    return OK
