"""`laurel trace`, `timeline`, `explain` and `why`: what became of an event and of a customer, and why."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from typing import Annotated, Any, Literal

import msgspec
from cyclopts import Parameter
from rich.table import Table

from streams.console import BAD_INPUT, FAILED, OK, Instant, Json, emit, fail, out, progress, table, when
from streams.settings import Settings

Audience = Annotated[Literal["customer", "agent", "auditor"], Parameter(name="--for")]


def trace(event: str, /, *, as_json: Json = False) -> int:
    """Show where an event went and what followed from it, or why nothing did; exit code 1 if nobody knows it.

    Example: laurel trace evt-7f3a

    Parameters
    ----------
    event
        Its id, as its upstream system named it.
    as_json
        As JSON lines, one a record.
    """
    from streams import tracing

    settings = Settings()
    with progress("records looked at", None) as advance:
        found = tracing.trace(settings, event, advance)
    if not found.moments:
        waits = "laurel status shows what intake has not taken yet"
        return fail(f"no record on the timeline or in the dead letters names {event}; {waits}", FAILED)
    if as_json:
        _print_lines(found.moments)
    else:
        out().print(_table(found.moments))
        if found.nothing:
            out().print(f"nothing was decided: {found.nothing}")
    return OK


def timeline(customer: str, /, *, last: int = 50, unseal: bool = False, as_json: Json = False) -> int:
    """Show what happened to a customer and what was decided, in the log's order; exit code 1 for a stranger.

    Example: laurel timeline c-4711 --unseal

    Parameters
    ----------
    customer
        The pseudonymous id that events carry.
    last
        How many lines to show at most, from the end.
    unseal
        Read notes and answers too; for who may read the topic keys.
    as_json
        All of them, as JSON lines.
    """
    from streams import tracing
    from streams.keys import Keyring

    settings = Settings()
    with progress("records looked at", None) as advance:
        moments = tracing.history(settings, customer, advance)
    if not moments:
        return fail(f"nothing ever happened to {customer}", FAILED)
    shown = moments if as_json else moments[-last:] if last > 0 else []
    texts: list[dict[str, str]] = []
    if unseal:
        with Keyring(settings) as keys:
            texts = [tracing.read_texts(moment, keys) for moment in shown]
    if as_json:
        _print_lines(shown, texts)
    else:
        out().print(_table(shown, texts))
        out().print(f"{len(moments)} in all")
    return OK


def explain(decision: str, /, *, audience: Audience = "agent", as_json: Json = False) -> int:
    """Say in plain words what was decided, and under which conditions; exit code 1 if there is no such decision.

    Example: laurel explain 5e2b1f6c-7f4e-5f5e-9a55-0d8a4f3c2b10 --for customer

    Parameters
    ----------
    decision
        Its id, as the decision carries it; `laurel trace` and `laurel timeline --json` show it.
    audience
        Who reads it: the customer, an agent of the contact centre, or an auditor.
    as_json
        The decision as it was published.
    """
    from processors import wording
    from streams import standing, tailing, tracing

    settings = Settings()
    with progress("records looked at", None) as advance:
        found = tracing.decision(settings, decision, advance)
        if found is None:
            return fail(f"no decision has the id {decision}", FAILED)
        version = found.content.policy_version
        policy = standing.activated(settings, found.record.partition, version, advance)
    if as_json:
        emit(tailing.describe(found.record))
        return OK
    if policy is None:
        return fail(f"policy {version}, which decided it, is not on timeline/{found.record.partition}", FAILED)
    for line in wording.explain(found.content, policy, audience):
        out().print(line)
    return OK


def why(customer: str, /, *, tier: str | None = None, at: Instant | None = None, as_json: Json = False) -> int:
    """Say why a customer has their tier, or not another one: every condition, and what last moved each fact.

    Exit code 1 for a stranger.

    Example: laurel why c-4711 --tier platinum --at 2026-05-01

    Parameters
    ----------
    customer
        The pseudonymous id that events carry.
    tier
        Only the conditions of this tier.
    at
        As laurel knew the customer when the log's time was this: 2026-05-01, 2026-05-01T10:00Z or milliseconds since
        1970, in UTC unless it says otherwise. Now where none is given.
    as_json
        For programs.
    """
    from processors.wording import comparison, day, label, subject
    from streams import standing
    from streams.refolding import FoldStoppedError

    try:
        with progress("records looked at", None) as advance:
            found = standing.standing(Settings(), customer, at, advance)
    except FoldStoppedError as error:
        return fail(error, FAILED)
    if found is None:
        return fail(
            f"nothing had happened to {customer}" if at is not None else f"nothing ever happened to {customer}",
            FAILED,
        )
    policy = found.policy
    if tier is not None and tier not in (names := [each.name for each in policy.tiers]):
        return fail(f"found tier {tier}; policy {policy.version} has {', '.join(names)}", BAD_INPUT)
    conditions = [each for each in found.conditions if tier in (None, each.of)]
    if as_json:
        told = found._asdict() | {"conditions": conditions, "policy": policy.version}
        sys.stdout.write(msgspec.json.encode(told).decode() + "\n")
        return OK
    if found.linked_to is not None:
        out().print(f"{customer} is known as {found.linked_to}: laurel why {found.linked_to}")
        return OK
    since = f" since {day(found.vip_since, policy)}" if found.vip_since else ""
    out().print(f"On {day(found.at, policy)}, {customer} has {label(found.tier, policy)}{since}.")
    drawn = table("holds", "condition", "found", "last moved by")
    for each in conditions:
        drawn.add_row(
            "yes" if each.holds else "no",
            subject(each, policy),
            comparison(each, policy.currency, policy),
            each.moved_by or "",
        )
    out().print(drawn)
    if found.falls_at is not None:
        until = f"unless that changes before {day(found.falls_at, policy)}"
        out().print(f"They deserve {label(found.deserved, policy)}, and fall to it {until}.")
    if found.rises_at is not None:
        out().print(f"Time alone lifts them next on {day(found.rises_at, policy)}.")
    return OK


def _table(moments: Iterable[Any], texts: Sequence[Mapping[str, str]] = ()) -> Table:
    from streams import tracing

    drawn = table("when", "what", "where", "what it says")
    for moment, read in zip(moments, texts or repeat({}), strict=False):
        told = [tracing.said(moment), *(f"{name}: {text}" for name, text in read.items())]
        drawn.add_row(when(moment.at), moment.what, moment.place, "\n".join(told))
    return drawn


def _print_lines(moments: Iterable[Any], texts: Sequence[Mapping[str, str]] = ()) -> None:
    from streams import tailing

    for moment, read in zip(moments, texts or repeat({}), strict=False):
        emit({"what": moment.what} | tailing.describe(moment.record) | ({"unsealed": read} if read else {}))
