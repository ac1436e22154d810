"""`laurel waiting`: what head starts do to who has none, before anybody waits for it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from streams.console import BAD_INPUT, FAILED, OK, Json, PolicyFile, emit, fail, out, table

if TYPE_CHECKING:
    from processors.waiting import Centre, Waited

WIDTH, WHOLE = 40, 100
HEAD = ("tier", "contacts", "half", "95 of 100", "longest", "at most", "half", "95 of 100", "longest")


def waiting(
    *,
    staff: int = 3,
    contacts_an_hour: float = 33,
    minutes_each: float = 5,
    hours: int = 200,
    share: Sequence[str] = ("gold=10", "platinum=5", "diamond=2"),
    seed: str = "7",
    policy: PolicyFile | None = None,
    as_json: Json = False,
) -> int:
    """Simulate a contact centre: how long each tier waits under a policy, and without its head starts. No broker is needed.

    Places in the queue are given by the rules that route every contact; agents take whoever's turn it is, of all queues, and
    are there all the time. Exit code 1 if anybody waited longer than head starts, arrivals and agents allow.

    Example: laurel waiting --staff 3 --contacts-an-hour 33 --minutes-each 5 --share gold=10 --share diamond=2

    Parameters
    ----------
    staff
        How many agents work at once.
    contacts_an_hour
        How many contacts come, at random.
    minutes_each
        How long a contact takes on average.
    hours
        For how long.
    share
        Which percentage of contacts a tier has; the others have none. Again for each tier.
    seed
        The same one has the same contacts come.
    policy
        The policy file; the shipped default where none is given.
    as_json
        Milliseconds by tier as JSON lines.
    """
    from processors.waiting import Centre, simulate
    from streams import policies

    try:
        document, _ = policies.load(policy or policies.default_file())
        known = [tier.name for tier in document.tiers]
        shares = {name: float(percent) for name, _, percent in (each.partition("=") for each in share)}
    except policies.PolicyFileError as error:
        return fail(error, BAD_INPUT)
    except ValueError:
        return fail(f"found --share {' --share '.join(share)}; TIER=PERCENT is needed, as gold=10", BAD_INPUT)
    if unknown := sorted(set(shares) - set(known)):
        return fail(f"found --share of {unknown[0]}; a tier is needed: {', '.join(known)}", BAD_INPUT)
    centre = Centre(staff, contacts_an_hour, minutes_each, hours, shares, seed)
    if wrong := _wrong(centre):
        return fail(wrong, BAD_INPUT)
    found = simulate(centre, document)
    if as_json:
        for each in found:
            emit(each._asdict() | {"holds": each.holds})
    else:
        _draw(centre, found)
    return OK if all(each.holds for each in found) else FAILED


def _wrong(centre: "Centre") -> str | None:
    """What of a centre cannot be."""
    if min(centre.agents, centre.hours) < 1 or min(centre.contacts_an_hour, centre.minutes_each) <= 0:
        return "found a number below 1 agent, 1 hour, or 0 contacts and minutes; more is needed"
    if not all(share >= 0 for share in centre.shares.values()) or sum(centre.shares.values()) > WHOLE:
        return f"found shares of {sum(centre.shares.values()):g} % in all; 0 to 100 are needed"
    if centre.load >= 1:
        return (
            f"found contacts for {centre.load:.0%} of the agents' time; below 100 % is needed, or the queue never ends"
        )
    return None


def _minutes(ms: int) -> str:
    from processors.local_time import MINUTE_MS

    return f"{ms / MINUTE_MS:.1f}"


def _draw(centre: "Centre", found: Sequence["Waited"]) -> None:
    """A table of minutes, and the waits of 95 of 100 as bars."""
    out().print(
        f"{sum(each.contacts for each in found)} contacts in {centre.hours} hours for {centre.agents} agents, who are busy"
        f" {centre.load:.0%} of the time. Minutes of waiting, and on the right without head starts:"
    )
    drawn = table(*HEAD)
    for each in found:
        times = (each.half, each.most_of, each.longest, each.most, each.half_without, each.most_of_without)
        drawn.add_row(each.tier or "none", str(each.contacts), *map(_minutes, (*times, each.longest_without)))
    out().print(drawn)
    out().print("95 of 100 wait so long at most, and without head starts:")
    longest = max((max(each.most_of, each.most_of_without) for each in found), default=1) or 1
    for each in found:
        for name, of, block in ((each.tier or "none", each.most_of, "█"), ("", each.most_of_without, "░")):
            out().print(f"{name:>12} {block * round(WIDTH * of / longest)} {_minutes(of)}")
    for each in found:
        if not each.holds:
            out().print(f"{each.tier or 'none'} waited longer than head starts, arrivals and agents allow")
