"""`laurel report`: who is invited, congratulated and kept, how returns, rewards and launches went, which systems differ, from what laurel published."""

from collections import Counter
from datetime import date
from typing import Annotated

from cyclopts import App, Parameter

from streams.console import BAD_INPUT, FAILED, NOT_THERE, OK, Json, emit, fail, out, progress, table
from streams.customer_list_commands import customers
from streams.offer_commands import launch, rewards
from streams.settings import Settings

COLUMNS = ("approved by rules %", "decided by rules %", "disputed %", "by the policy %")
app = App(
    name="report",
    help="Who is to be reviewed, who is invited to a panel, who has an anniversary, how many VIPs at risk were kept, how returns, rewards and launches went, who differs.\n\n"
    "Example: laurel report panel --session 2026-q1",
)
for each in (customers, launch, rewards):
    app.command(each)


@app.command
def panel(*, session: Annotated[str, Parameter(required=True)], as_json: Json = False) -> int:
    """Choose 10 to 20 VIPs of all tiers for a feedback session: the same ones whenever and by whomever it is asked.

    Only who is active and agreed to be asked is chosen; the policy names seats and purpose. Exit code 1 if nobody is.

    Example: laurel report panel --session 2026-q1

    Parameters
    ----------
    session
        A name of your own; another one chooses others.
    as_json
        As JSON lines.
    """
    from processors.panel import Candidate, choose
    from streams.activations import NO_POLICY, in_force
    from streams.profiles import last_profiles

    settings, policy = Settings(), in_force()
    if policy is None:
        return fail(NO_POLICY, NOT_THERE)
    with progress("profiles read", None) as advance:
        profiles = last_profiles(settings, advance)
    candidates = (
        Candidate(each.customer_id, each.tier)
        for each in profiles.values()
        if each.tier and each.status == "active" and policy.panel.purpose in each.contact_purposes
    )
    chosen = choose(candidates, session, policy)
    if not chosen:
        return fail(f"no active VIP agreed to {policy.panel.purpose}", FAILED)
    drawn = table("customer", "tier")
    for each in chosen:
        if as_json:
            emit(each._asdict() | {"session": session})
        else:
            drawn.add_row(*each)
    if not as_json:
        out().print(drawn)
    return OK


@app.command
def celebrations(month: str, /, *, as_json: Json = False) -> int:
    """List VIPs whose anniversary or birthday falls into a month, as YYYY-MM, with what they may be contacted for.

    Example: laurel report celebrations 2026-05

    Parameters
    ----------
    month
        Of the programme's calendar.
    as_json
        As JSON lines.
    """
    from processors.celebrations import falls_into
    from streams.activations import NO_POLICY, in_force
    from streams.profiles import last_profiles

    try:
        first = date.fromisoformat(f"{month}-01")
    except ValueError:
        return fail(f"found {month!r}; a month as 2026-05 is needed", BAD_INPUT)
    settings, policy = Settings(), in_force()
    if policy is None:
        return fail(NO_POLICY, NOT_THERE)
    with progress("profiles read", None) as advance:
        profiles = last_profiles(settings, advance)
    drawn = table("customer", "tier", "what", "on", "years", "may be contacted for")
    for _, profile in sorted(profiles.items()):
        for what in falls_into(profile, first, policy):
            if as_json:
                emit({"customer_id": profile.customer_id, "tier": profile.tier} | what._asdict())
            else:
                years = "" if what.years is None else str(what.years)
                purposes = ", ".join(profile.contact_purposes)
                drawn.add_row(profile.customer_id, profile.tier, what.kind, what.on, years, purposes)
    if not as_json:
        out().print(drawn)
    return OK


@app.command
def retention(*, as_json: Json = False) -> int:
    """Count what became of VIPs at risk, by the tier at the alert; open episodes and retracted alerts are left out of the share.

    Example: laurel report retention

    Parameters
    ----------
    as_json
        As JSON lines.
    """
    from streams.reading import contents
    from streams.retained import ENDS, ends_by_tier, retained_permille

    with progress("decisions read", None):
        counted = ends_by_tier(contents(Settings(), "at-risk-alerts"))
    drawn = table("tier", "retained %", *ENDS)
    for tier, found in [*sorted(counted.items()), ("all", sum(counted.values(), Counter[str]()))]:
        permille = retained_permille(found)
        if as_json:
            emit({"tier": tier, "retained_permille": permille} | {end: found[end] for end in ENDS})
        else:
            share = "" if permille is None else f"{permille / 10:.1f}"
            drawn.add_row(tier, share, *(str(found[end]) for end in ENDS))
    if not as_json:
        out().print(drawn)
    return OK


@app.command
def discrepancies(*, as_json: Json = False) -> int:
    """Show which systems hold another status than laurel for too long: how many customers, for how many minutes, and why.

    `silent` said nothing since the change, `behind` does not know of it, `differs` could. Exit code 1 while any is open.

    Example: laurel report discrepancies

    Parameters
    ----------
    as_json
        As JSON lines.
    """
    from streams.clock import now_ms
    from streams.differing import by_system
    from streams.reading import contents

    with progress("decisions read", None):
        decisions = list(contents(Settings(), "discrepancies"))
    drawn = table("system", "open", "oldest, min", "why", "resolved", "longest, min")
    found = by_system(decisions, now_ms())
    for each in found:
        if as_json:
            emit(each._asdict())
        else:
            why = ", ".join(f"{reason} {count}" for reason, count in each.reasons.items())
            ages = ("" if age is None else str(age) for age in (each.oldest_minutes, each.longest_minutes))
            drawn.add_row(each.system, str(each.open), next(ages), why, str(each.resolved), next(ages))
    if not as_json:
        out().print(drawn)
    return FAILED if any(each.open for each in found) else OK


@app.command
def returns(*, month: str | None = None, as_json: Json = False) -> int:
    """Count returns by month and tier: approved and decided by rules, by people, objected to, and how soon.

    Shares are of the requests of that month, and of all verdicts on them so far, whenever they were given.

    Example: laurel report returns --month 2026-05

    Parameters
    ----------
    month
        Only what was asked for in this one, as 2026-05, of the programme's calendar.
    as_json
        As JSON lines.
    """
    from processors.return_figures import by_month, with_totals
    from streams.activations import NO_POLICY, in_force
    from streams.reading import contents

    policy = in_force()
    if policy is None:
        return fail(NO_POLICY, NOT_THERE)
    with progress("decisions read", None):
        decisions = contents(Settings(), "return-decisions")
        months = by_month(decisions, policy.time_zone)
    if month is not None and month not in months:
        return fail(f"nobody asked for a return in {month}; months as 2026-05 with one: {', '.join(months)}", FAILED)
    drawn = table("month", "tier", "asked", *COLUMNS, "approved / denied by people", "upheld", "hours to a verdict")
    for name in months if month is None else (month,):
        for each in with_totals(months[name]):
            seconds, shares = each.mean_seconds(), each.shares()
            if as_json:
                emit({"month": name, "tier": each.tier} | each.counts() | shares | {"mean_seconds": seconds})
                continue
            percents = ("" if share is None else f"{share / 10:.1f}" for share in shares.values())
            people = f"{each.approved_by_person} / {each.denied_by_person}"
            hours = "" if seconds is None else f"{seconds / 3600:.1f}"
            drawn.add_row(name, each.tier, str(each.asked), *percents, people, str(each.upheld), hours)
    if not as_json:
        out().print(drawn)
    return OK


@app.command
def contacts(*, as_json: Json = False) -> int:
    """Show how contacts went by tier: settled at first contact, answered and settled in time, and after how many minutes.

    Example: laurel report contacts

    Parameters
    ----------
    as_json
        As JSON lines.
    """
    from streams.reading import contents
    from streams.settled import by_tier

    with progress("decisions read", None):
        found = by_tier(contents(Settings(), "priority-routing"))
    drawn = table(
        "tier", "settled", "first contact %", "answered in time %", "in time %", "half within, min", "longest, min"
    )
    for each in found:
        if as_json:
            emit(each._asdict())
        else:
            shares = (each.first_contact_permille, each.answered_permille, each.resolved_permille)
            percent = (f"{share / 10:.1f}" for share in shares)
            drawn.add_row(each.tier, str(each.contacts), *percent, str(each.half_within), str(each.longest))
    if not as_json:
        out().print(drawn)
    return OK
