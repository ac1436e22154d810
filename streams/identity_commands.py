"""`laurel identity`: what a link of two ids would do, and telling of a link or a separation."""

import sys
from typing import TYPE_CHECKING, Any

import msgspec
from cyclopts import App

from streams.clock import now_ms
from streams.console import BAD_INPUT, FAILED, OK, Json, emit, fail, out, progress, table, when
from streams.settings import Settings

if TYPE_CHECKING:
    from processors.previewing import Preview

SHOWN = (
    "tier", "vip_since", "lifetime_value_minor", "orders", "customer_since", "last_order_at", "status",
    "monthly_subscription_minor", "referrals", "complaints", "answers", "designation_tier", "linked_to",
)  # fmt: skip
"""Of a profile, what is worth a look before a link: by the names of the contract."""
app = App(
    name="identity",
    help="Show what it would do that two ids are of one customer; say that they are, or that they are not.\n\n"
    "Example: laurel identity preview c-4711 c-9000",
)


@app.command
def preview(one: str, other: str, /, *, as_json: Json = False) -> int:
    """Show both customers, the one that they would be, and what would be decided; nothing is published.

    The smaller id is the one that stays. Exit code 1 where the link would be refused.

    Example: laurel identity preview c-4711 c-9000

    Parameters
    ----------
    one
        The pseudonymous id that events carry.
    other
        Another one.
    as_json
        For programs.
    """
    from processors.previewing import preview as look
    from schemas.codec import to_json
    from streams import standing
    from streams.refolding import FoldStoppedError

    event = _event("IdsLinked", one, other)
    if isinstance(event, str):
        return fail(event, BAD_INPUT)
    settings = Settings()
    try:
        with progress("records looked at", None) as advance:
            found = look(lambda subject: standing.rows_of(settings, subject, None, advance), event)
    except FoldStoppedError as error:
        return fail(error, FAILED)
    if as_json:
        sides = {"ids": [to_json(each.profile) for each in found.sides], "together": to_json(found.together.profile)}
        told = sides | {"decisions": [to_json(each) for each in found.decisions], "refused": found.refused}
        sys.stdout.write(msgspec.json.encode(told).decode() + "\n")
    else:
        _print(found)
    return FAILED if found.refused else OK


def _print(found: "Preview") -> None:
    from processors.wording import explain

    sides = (*found.sides, found.together)
    names = [each.profile.customer_id for each in sides]
    drawn = table("", *names[:2], f"together, as {names[2]}")
    for name in SHOWN:
        drawn.add_row(name, *(_value(name, getattr(each.profile, name), each.profile.currency) for each in sides))
    out().print(drawn)
    stands = found.together.people.designation
    if stands and all(each.people.designation for each in found.sides):
        out().print(f"Of both designations {stands.designation_id} would stand, with {stands.tier} (T-25).")
    for decision in found.decisions:
        out().print(f"{decision.customer_id}: {explain(decision, found.policy, 'agent')[0]}")
    for refused in found.refused:
        out().print(f"This would be refused: {refused.detail}")


def _value(name: str, value: Any, currency: str) -> str:
    from processors.amounts import money

    if value is None:
        return ""
    if name.endswith("_minor"):
        return money(value, currency)
    return when(value) if name.endswith(("_at", "since")) else str(value)


@app.command
def link(one: str, other: str, /, *, as_json: Json = False) -> int:
    """Say that two ids are of one customer; the smaller one stays.

    Example: laurel identity link c-4711 c-9000

    Parameters
    ----------
    one
        The pseudonymous id that events carry.
    other
        Another one.
    as_json
        For programs.
    """
    return _publish("IdsLinked", one, other, as_json=as_json)


@app.command
def unlink(one: str, other: str, /, *, as_json: Json = False) -> int:
    """Say that two ids that were linked are not of one customer; each has again what came under it.

    Example: laurel identity unlink c-4711 c-9000

    Parameters
    ----------
    one
        The pseudonymous id that events carry.
    other
        The one that it was linked with.
    as_json
        For programs.
    """
    return _publish("IdsUnlinked", one, other, as_json=as_json)


def _event(kind: str, one: str, other: str) -> Any:
    """The event, or what is wrong with it."""
    from schemas.codec import Rejected, from_json
    from streams.asking import new_id

    event = from_json(
        {"type": kind, "event_id": new_id(), "customer_id": one, "occurred_at": now_ms(), "other_customer_id": other}
    )
    if isinstance(event, Rejected):
        return event.detail
    return f"found {one} twice; a link is between two ids" if one == other else event


def _publish(kind: str, one: str, other: str, *, as_json: bool) -> int:
    from schemas.codec import to_json
    from streams.publishing import publish, record_of

    event = _event(kind, one, other)
    if isinstance(event, str):
        return fail(event, BAD_INPUT)
    publish(Settings(), [record_of(event)], lambda _: None)
    if as_json:
        emit(to_json(event))
    else:
        out().print(f"Published as {event.event_id}; laurel timeline {one} shows what came of it.")
    return OK
