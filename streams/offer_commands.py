"""`laurel report launch` and `rewards`: how customers took to what they were offered, and what it cost."""

from streams.console import FAILED, NOT_THERE, OK, Json, emit, fail, out, progress, table
from streams.settings import Settings


def launch(name: str | None = None, /, *, as_json: Json = False) -> int:
    """Show how VIPs took to each launch: who was let in early, who of them bought, and what was bought when, by tier.

    Orders and amounts are as they were placed, under the tier that they were placed with. `too early` was before the tier was let
    in: the shop should not have taken it. `unknown` names a launch that the policy of that day does not have. Ids that are linked
    now are one customer, let in and buying under whichever of them.

    Example: laurel report launch spring-box

    Parameters
    ----------
    name
        Only this one, as the policy calls it.
    as_json
        As JSON lines.
    """
    from processors.amounts import amount
    from processors.launch_figures import PHASES, by_launch
    from streams.activations import NO_POLICY, in_force
    from streams.profiles import last_profiles
    from streams.reading import contents

    policy = in_force()
    if policy is None:
        return fail(NO_POLICY, NOT_THERE)
    settings = Settings()
    with progress("profiles read", None) as advance:
        profiles = last_profiles(settings, advance)
    linked = {each.customer_id: each.linked_to for each in profiles.values() if each.linked_to}
    with progress("decisions read", None):
        launches = by_launch(contents(settings, "launches"), linked)
    if name is not None and name not in launches:
        return fail(
            f"nobody was let into {name} or bought it; launches of which that is known: {', '.join(launches)}", FAILED
        )
    drawn = table("launch", "tier", "let in", "bought early", "%", *(f"{each}, {policy.currency}" for each in PHASES))
    for each in (response for launch_id in (launches if name is None else (name,)) for response in launches[launch_id]):
        permille, counts = each.response_permille(), each.counts()
        if as_json:
            sizes = {"let_in": len(each.invited), "bought_early": len(each.buyers), "response_permille": permille}
            emit({"launch": each.launch_id, "tier": each.tier} | sizes | counts)
            continue
        sums = (f"{counts[f'orders_{phase}']}: {amount(counts[f'{phase}_minor'], policy.currency)}" for phase in PHASES)
        share = "" if permille is None else f"{permille / 10:.1f}"
        drawn.add_row(each.launch_id, each.tier, str(len(each.invited)), str(len(each.buyers)), share, *sums)
    if not as_json:
        out().print(drawn)
    return OK


def rewards(*, as_json: Json = False) -> int:
    """Count requests for each reward, what its redemptions cost the programme, and what is left of its stock.

    A substitute that was taken counts as substituted for the reward asked for, and as redeemed for itself. Amounts are in the
    programme's currency; a reward without a stock has none.

    Example: laurel report rewards

    Parameters
    ----------
    as_json
        As JSON lines.
    """
    from processors.amounts import amount
    from processors.reward_figures import EVERYTHING, Redeemed, by_reward, left, total
    from streams.activations import NO_POLICY, in_force
    from streams.reading import contents

    policy = in_force()
    if policy is None:
        return fail(NO_POLICY, NOT_THERE)
    with progress("decisions read", None):
        found = by_reward(contents(Settings(), "points"))
        stocks = left(contents(Settings(), "rewards"))
    named = [found.get(name, Redeemed(name)) for name in sorted(found.keys() | stocks.keys())]
    drawn = table("reward", *Redeemed(EVERYTHING).counts(), f"cost, {policy.currency}", "each", "free", "held", "given")
    for each in (*named, total(named)):
        average, stock = each.cost_per_redemption_minor(), stocks.get(each.reward_id)
        if as_json:
            cost = {"cost_minor": each.cost_minor, "cost_per_redemption_minor": average}
            emit({"reward_id": each.reward_id} | each.counts() | cost | {"stock": stock})
            continue
        costs = ("" if minor is None else amount(minor, policy.currency) for minor in (each.cost_minor, average))
        units = map(str, stock.values()) if stock else ("", "", "")
        drawn.add_row(each.reward_id, *map(str, each.counts().values()), *costs, *units)
    if not as_json:
        out().print(drawn)
    return OK
