"""The VIP share: an exact census of each partition, one denominator, and advice that does not flap (R-TIER-18, T-49)."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from processors.customer import CUSTOMERS, Customer
from processors.facts_policy import VipShare
from processors.partition import HERE
from processors.programme import PROGRAMMES, Programme
from processors.vip_share import (
    CENSUS,
    LEVELS,
    Census,
    Level,
    Shares,
    Verdict,
    advise,
    conditions,
    level,
    moved,
    taken,
    total,
)
from processors.wording import explain, sentence
from schemas.decisions import VipShareJudged
from schemas.messages import TierCount
from tests.processors.story import Story, parsed_with

RULE = VipShare()


def census(story: Story) -> Census:
    return story.rows.get(CENSUS, HERE) or Census()


def of(vips: int, customers: int) -> Census:
    return Census(customers, (("gold", vips),) if vips else ())


def test_a_partition_counts_its_customers_and_their_tiers_r_tier_18() -> None:
    story = Story()
    for number in range(4):
        story.order("2023-01-01", f"{number}000.00", customer=f"c{number}")
    story.contact("2023-01-02", customer="stranger")
    assert census(story) == Census(4)
    story.tick("2024-01-01")
    assert census(story) == Census(4, (("gold", 3),))
    story.tick("2025-01-01")
    assert census(story) == Census(4, (("gold", 2), ("platinum", 1)))
    story.refund("2025-01-02", "3000.00", customer="c3")
    story.tick("2025-03-01")
    assert census(story) == Census(4, (("gold", 2),))


@given(
    st.lists(
        st.tuples(st.integers(0, 700), st.sampled_from(["order", "refund", "register", "contact"]), st.integers(0, 5)),
        max_size=15,
        unique_by=lambda it: it[0],
    )
)
def test_the_census_is_what_a_look_at_every_row_finds_t_49(history: list[Any]) -> None:
    story = Story({"grace_days": 3})
    for day, kind, number in sorted(history):
        at, who = story.local(story.at("2023-01-01") + day * 86_400_000), f"c{number}"
        ways: dict[str, Any] = {
            "order": lambda at=at, who=who: story.order(at, "2000.00", customer=who),
            "refund": lambda at=at, who=who: story.refund(at, "1500.00", customer=who),
            "register": lambda at=at, who=who: story.register(at, customer=who),
            "contact": lambda at=at, who=who: story.contact(at, customer=who),
        }
        ways[kind]()
        story.tick(at)
        rows = [row for _, row in story.rows.first(CUSTOMERS, 100, "\x7f")]
        tiers = Counter(row.tier for row in rows if row.tier)
        assert census(story) == Census(sum(row.since is not None for row in rows), tuple(sorted(tiers.items())))


def test_a_merge_takes_one_customer_away_and_an_undone_one_brings_them_back_t_24() -> None:
    one, other = Customer(since=1, tier="gold"), Customer(since=2, tier="gold")
    both = moved(moved(Census(), None, one), None, other)
    assert both == Census(2, (("gold", 2),))
    merged = moved(both, other, None)
    assert merged == Census(1, (("gold", 1),))
    assert moved(merged, None, other) == both


def test_the_sum_of_all_partitions_has_one_denominator_t_49() -> None:
    parts = [Census(10, (("gold", 1),)), Census(30), Census(60, (("diamond", 1), ("gold", 4)))]
    whole = total(parts)
    assert whole == Census(100, (("diamond", 1), ("gold", 5)))
    assert whole.vips == 6


@pytest.mark.parametrize(
    ("permille", "level"),
    [(49, "few"), (50, "fit"), (100, "fit"), (101, "many"), (200, "many"), (201, "too_many"), (1000, "too_many")],
)
def test_the_sources_bounds_five_ten_and_twenty_percent_r_tier_18(permille: int, level: Level) -> None:
    assert advise(of(permille, 1000), RULE, None) == level


def test_among_few_customers_a_share_says_nothing() -> None:
    assert advise(of(50, 99), RULE, None) is None
    assert advise(of(50, 100), RULE, None) == "too_many"
    assert advise(of(0, 0), VipShare(least_customers=0), None) is None


def test_a_share_that_moves_about_a_bound_does_not_flap_t_49() -> None:
    level: Level | None = None
    heard = []
    for permille in (99, 101, 99, 102, 98, 105, 106, 101, 96, 95, 94, 101):
        level = advise(of(permille, 1000), RULE, level)
        heard.append(level)
    assert heard == ["fit"] * 6 + ["many"] * 3 + ["fit"] * 3


def test_a_share_may_pass_several_bounds_at_once() -> None:
    assert advise(of(500, 1000), RULE, "few") == "too_many"
    assert advise(of(0, 1000), RULE, "too_many") == "few"


@given(st.integers(0, 1000), st.sampled_from(LEVELS))
def test_advice_once_given_stands_while_nothing_moves(permille: int, last: Level) -> None:
    first = advise(of(permille, 1000), RULE, last)
    assert advise(of(permille, 1000), RULE, first) == first


# All partitions of one day


def told(parts: list[tuple[str, int, Census]], partitions: int = 3) -> tuple[Shares, list[Verdict]]:
    shares, verdicts = Shares(), []
    for day, partition, part in parts:
        shares, verdict = taken(shares, day, (partition, part), partitions, RULE)
        verdicts += [verdict] if verdict else []
    return shares, verdicts


def test_a_day_is_judged_once_all_partitions_have_told_t_49() -> None:
    parts = [("2026-01-01", n, of(vips, 100)) for n, vips in ((2, 30), (0, 0), (1, 3))]
    shares, verdicts = told(parts[:2])
    assert verdicts == []
    assert [part for part, _ in shares.days[0].parts] == [0, 2]
    shares, (verdict,) = told(parts)
    assert (verdict.day, verdict.census, verdict.level, verdict.before) == ("2026-01-01", of(33, 300), "many", None)
    assert shares == Shares((), "2026-01-01", "many")


def test_what_a_partition_tells_again_makes_no_difference_t_15() -> None:
    parts = [("2026-01-01", 0, of(9, 100)), ("2026-01-01", 0, of(90, 100)), ("2026-01-01", 1, of(0, 100))]
    shares, (verdict,) = told(parts, 2)
    assert verdict.census == of(9, 200)
    assert told([*parts, ("2026-01-01", 1, of(100, 100))], 2) == (shares, [verdict])


def test_a_partition_that_is_behind_delays_its_days_and_no_others_t_49() -> None:
    ahead = [(f"2026-01-{day:02}", 0, of(day, 100)) for day in range(1, 4)]
    shares, verdicts = told([*ahead, ("2026-01-02", 1, of(0, 100))], 2)
    assert [verdict.day for verdict in verdicts] == ["2026-01-02"]
    assert [each.day for each in shares.days] == ["2026-01-03"], "what came before is overtaken"
    shares, late = taken(shares, "2026-01-01", (1, of(0, 100)), 2, RULE)
    assert late is None


def test_days_that_nobody_completes_are_given_up_d8() -> None:
    shares, verdicts = told([(f"2026-{month:02}-01", 0, of(1, 100)) for month in range(1, 13)], 2)
    assert verdicts == []
    assert [each.day for each in shares.days] == [f"2026-{month:02}-01" for month in range(5, 13)]


def test_the_next_day_starts_from_the_level_of_the_last_t_49() -> None:
    days = [("2026-01-01", 0, of(102, 1000)), ("2026-01-02", 0, of(98, 1000)), ("2026-01-03", 0, of(90, 1000))]
    _, verdicts = told(days, 1)
    assert [(each.before, each.level) for each in verdicts] == [(None, "many"), ("many", "many"), ("many", "fit")]


# The programme hears of it, and says where it stands


def shares(story: Story) -> Shares:
    return (story.rows.get(PROGRAMMES, "programme") or Programme()).shares


def test_the_first_tick_of_a_local_day_has_the_share_judged_once_r_tier_18() -> None:
    story = Story({"vip_share": {"least_customers": 4}})
    for number in range(4):
        story.order("2023-01-01", f"{number}000.00", customer=f"c{number}")
    story.tick("2023-06-30 12:00", partitions=1)
    assert story.tick("2023-06-30 23:59", partitions=1) == [], "the day is still the same"
    story.tick("2023-07-01", partitions=1)
    story.tick("2024-06-30", partitions=1)
    story.tick("2024-07-01", partitions=1)
    assert story.tick("2024-07-01 00:01", partitions=1) == []
    few, *_, judged = story.decided(VipShareJudged)
    assert (few.level, few.vips, few.level_before) == ("few", 0, None)
    assert (judged.customer_id, judged.day, judged.customers, judged.vips) == ("programme", "2024-07-01", 4, 3)
    assert judged.tiers == (TierCount("gold", 3),)
    assert (judged.level, judged.level_before) == ("too_many", "few")
    assert [(each.name, each.value, each.operator, each.threshold, each.holds) for each in judged.conditions[:1]] == [
        ("vips_against_percent_5", 3, ">=", 1, True)
    ]


def test_advice_is_given_when_it_changes_and_numbered_t_49() -> None:
    story = Story({"vip_share": {"least_customers": 2, "margin_permille": 0}})
    for number in range(20):
        story.order("2022-01-01", "1000.00" if number < 5 else "1.00", customer=f"c{number}")
    for year in (2022, 2023, 2024):
        for month in (1, 6):
            story.tick(f"{year}-{month:02}-02", partitions=1)
    assert [(each.level, each.sequence) for each in story.decided(VipShareJudged)] == [("few", 1), ("too_many", 2)]
    assert shares(story).decided == "2024-06-02", "days on which nothing changed were judged too"
    assert len({each.decision_id for each in story.decided(VipShareJudged)}) == 2


def test_after_days_without_a_tick_the_last_one_alone_is_told() -> None:
    story = Story()
    story.tick("2024-06-01", partitions=1)
    story.tick("2024-06-05 11:00", partitions=1)
    story.tick("2024-06-04", partitions=1)
    assert (shares(story).decided, shares(story).level) == ("2024-06-05", None)
    assert story.decided(VipShareJudged) == [], "nobody is a customer yet"


def test_a_day_begins_at_midnight_of_the_programme_t_08() -> None:
    story = Story({"time_zone": "America/New_York"})
    story.tick("2024-06-01", partitions=1)
    story.tick("2024-06-01 23:59", partitions=1)
    assert shares(story).decided == ""
    story.tick("2024-06-02", partitions=1)
    assert shares(story).decided == "2024-06-02"


def test_ticks_of_an_older_laurel_tell_nothing() -> None:
    story = Story()
    assert story.tick("2024-06-01") + story.tick("2024-06-02") == []


@pytest.mark.parametrize(
    ("vips", "says"),
    [(40, "fewer than"), (70, "as many as"), (150, "more than the programme aims at"), (300, "add a tier")],
)
def test_it_says_what_to_do_r_tier_18(vips: int, says: str) -> None:
    story = Story({"vip_share": {"least_customers": 10}})
    for number in range(1000):
        story.order("2023-01-01", "1000.00" if number < vips else "1.00", customer=f"c{number:03}")
    story.tick("2024-01-01")
    story.tick("2024-01-02", partitions=1)
    (judged,) = story.decided(VipShareJudged)
    policy = parsed_with()
    assert says in sentence(judged, policy)
    assert f"{vips} of 1000 customers" in sentence(judged, policy)
    (least, *_) = explain(judged, policy, "auditor")[2:]
    assert "VIPs, against 5 % of all customers" in least


@given(st.integers(0, 400), st.integers(1, 400), st.sampled_from([None, *LEVELS]))
def test_one_vip_across_a_bound_flips_the_verdict_and_its_condition_t_48(
    vips: int, more: int, last: Level | None
) -> None:
    customers = vips + more
    found = conditions(of(vips, customers), replace(RULE, least_customers=1), last)
    for place, each in enumerate(found):
        assert isinstance(each.threshold, int)
        edge = each.threshold if each.operator == ">=" else each.threshold + 1
        if not 0 < edge <= customers:
            continue
        below, above = (
            conditions(of(count, customers), replace(RULE, least_customers=1), last) for count in (edge - 1, edge)
        )
        assert below[place].holds != above[place].holds
        assert level(below) != level(above)
