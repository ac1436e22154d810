"""Waiting under head starts: nobody waits longer than head starts, arrivals and agents allow (R-RTE-03, T-44)."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors import waiting
from processors.head_start import turn
from processors.waiting import Centre, Place, Served, Waited, arrivals, judge, most_work, places, serve, simulate
from tests.processors.story import parsed_with

MINUTE = 60_000
SHARES = {"gold": 10.0, "platinum": 5.0, "diamond": 5.0}
BUSY = Centre(agents=2, contacts_an_hour=22, minutes_each=5, hours=60, shares=SHARES, seed="7")

RUSH = Centre(agents=1, contacts_an_hour=11, minutes_each=5, hours=100, shares={"diamond": 85.0}, seed="7")


def by_tier(found: list[Waited]) -> dict[str | None, Waited]:
    return {each.tier: each for each in found}


@pytest.mark.parametrize("agents", [1, 2, 5])
@pytest.mark.parametrize("seed", ["1", "2"])
def test_nobody_waits_longer_than_head_starts_arrivals_and_agents_allow_r_rte_03_t_44(agents: int, seed: str) -> None:
    centre = BUSY._replace(agents=agents, contacts_an_hour=11 * agents, seed=seed)
    found = by_tier(simulate(centre, parsed_with()))
    assert [each.tier for each in found.values() if not each.holds] == []
    ours, best = found[None], found["diamond"]
    assert ours.most - best.most == 30 * MINUTE, "the longest head start"
    assert ours.half >= ours.half_without, "it is they who wait for the others"
    assert best.most_of < best.most_of_without


def longer(found: list[Waited]) -> list[str | None]:
    return [each.tier for each in found if not each.holds]


def test_the_bound_is_broken_where_tiers_are_classes_instead_of_head_starts_t_44() -> None:
    """What the bound is worth: VIPs always first, as most queues have it, and there are many of them."""
    policy = parsed_with()
    coming = places(list(arrivals(RUSH)), policy)
    bare = [place._replace(rank_at=place.contact.came_at) for place in coming]
    classes = [place._replace(rank_at=place.rank_at - 10**12 * bool(place.contact.tier)) for place in coming]
    without = serve(bare, 1)
    assert longer(judge(RUSH, policy, serve(coming, 1), without)) == []
    assert longer(judge(RUSH, policy, serve(classes, 1), without)) == [None]


def test_the_bound_is_broken_where_the_live_rule_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("processors.routing.rank_of", lambda came_at, minutes: came_at - 60 * minutes * MINUTE)
    assert longer(simulate(RUSH, parsed_with())) == [None]


@settings(max_examples=200)
@given(
    st.lists(
        st.tuples(st.integers(0, 200), st.sampled_from([None, "gold", "diamond"]), st.integers(1, 40)), max_size=40
    ),
    st.integers(1, 4),
    st.sampled_from([0, 5, 40, 10_000]),
)
def test_it_holds_for_whatever_comes_and_however_long_it_takes_t_44(
    contacts: list[tuple[int, str | None, int]], agents: int, longest_wait: int
) -> None:
    policy = parsed_with({"service": {"longest_wait_minutes": longest_wait}})
    came = [
        Served(tier, waiting.BEGIN + at * MINUTE, 0, took * MINUTE)
        for at, tier, took in sorted(contacts, key=lambda each: each[0])
    ]
    coming = places(came, policy)
    bare = [place._replace(rank_at=place.contact.came_at) for place in coming]
    centre = BUSY._replace(agents=agents, shares={"gold": 1, "diamond": 1})
    found, without = serve(coming, agents), serve(bare, agents)
    assert longer(judge(centre, policy, found, without)) == []
    assert sorted(each.took for each in found) == sorted(each.took for each in came), "everybody is served"
    if agents == 1:
        spans = sorted((each.came_at + each.waited, each.took) for each in found)
        assert all(one + took <= other for (one, took), (other, _) in pairwise(spans)), "one at a time"


def test_who_waits_for_too_long_goes_before_everybody_who_does_not_r_rte_03() -> None:
    assert turn(100, wait_until=50, now=60) < turn(10, wait_until=90, now=60)
    assert turn(100, wait_until=90, now=60) > turn(10, wait_until=90, now=60)
    contacts = [Served(None, waiting.BEGIN + n, 0, 1_000) for n in range(3)]
    coming = [Place(9 - n, waiting.BEGIN + (1 if n == 1 else 10**9), each) for n, each in enumerate(contacts)]
    assert [each.waited for each in serve(coming, 1)] == [0, 999, 1_998], (
        "the second is overdue, the third has the head start"
    )


def test_the_work_that_is_there_is_what_nobody_did_yet() -> None:
    """Three contacts of ten minutes at once, and one agent: thirty minutes; five later, one more."""
    each = [Served(None, 0, n * 10 * MINUTE, 10 * MINUTE) for n in range(3)]
    assert most_work(each) == 30 * MINUTE
    assert most_work([*each, Served(None, 5 * MINUTE, 25 * MINUTE, 10 * MINUTE)]) == 35 * MINUTE


def test_a_seed_is_a_history_and_shares_are_kept() -> None:
    came = list(arrivals(BUSY._replace(hours=500)))
    assert came == list(arrivals(BUSY._replace(hours=500)))
    assert came != list(arrivals(BUSY._replace(hours=500, seed="8")))
    assert abs(len(came) - 11_000) < 300
    assert abs(sum(each.tier == "gold" for each in came) / len(came) - 0.1) < 0.02
    assert abs(sum(each.took for each in came) / len(came) / MINUTE - 5) < 0.2


def test_places_are_those_of_the_live_rules() -> None:
    policy = parsed_with({"routing": {"tiers": {"gold": {"priority": 12}}}})
    (place,) = places([Served("gold", waiting.BEGIN, 0, 1)], policy)
    assert place.rank_at == waiting.BEGIN - 12 * MINUTE
    assert place.wait_until == waiting.BEGIN + 4320 * MINUTE
