"""Support cases: places in the queue, targets on business calendars, pauses, escalation, first contact, any order of arrival."""

from itertools import permutations
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.cases import CASES
from processors.head_start import rank_of
from schemas.decisions import ContactClosed, ContactRouted, EscalationDue
from tests.processors.story import Story, none_of, only

OFFICE = {
    "service": {"calendars": {"office": {"monday": ["09:00-17:00"], "tuesday": ["09:00-17:00"], "holidays": ["2024-05-14"]}}},
    "routing": {
        "base": {"queue": "general", "priority": 0, "response_minutes": 60, "resolution_minutes": 480, "calendar": "office"},
        "tiers": {
            "gold": {
                "queue": "vip", "priority": 30, "response_minutes": 30, "resolution_minutes": 240, "calendar": "office",
                "escalation": [{"after_minutes": 60, "to": "team-lead"}, {"after_minutes": 120, "to": "manager"}],
            },
        },
    },
}  # fmt: skip
MONDAY = "2024-05-06"
MINUTE = 60_000


def gold() -> Story:
    story = Story(OFFICE)
    story.register("2014-01-01")
    story.order("2024-05-01", "1000.00")
    return story


def test_a_head_start_is_a_place_in_the_queue_r_rte_03_t_44() -> None:
    routed = only(gold().contact(f"{MONDAY} 10:00"), ContactRouted)
    story = gold()
    assert routed.rank_at == story.at(f"{MONDAY} 09:30")
    plain = only(story.contact(f"{MONDAY} 09:29", "k2", customer="bob"), ContactRouted)
    later = only(story.contact(f"{MONDAY} 09:31", "k3", customer="bob"), ContactRouted)
    assert plain.rank_at is not None
    assert routed.rank_at is not None
    assert later.rank_at is not None
    assert plain.rank_at < routed.rank_at < later.rank_at


def test_targets_count_business_hours_t_44() -> None:
    story = gold()
    routed = only(story.contact(f"{MONDAY} 16:50"), ContactRouted)
    assert story.local(routed.respond_by) == "2024-05-07 09:20"
    assert routed.resolve_by is not None
    assert story.local(routed.resolve_by) == "2024-05-07 12:50"
    weekend = only(story.contact("2024-05-08 12:00", "k2"), ContactRouted)
    assert story.local(weekend.respond_by) == "2024-05-13 09:30"
    holiday = only(story.contact("2024-05-13 16:45", "k3"), ContactRouted)
    assert story.local(holiday.respond_by) == "2024-05-20 09:15"


def test_the_agent_sees_whom_they_serve_and_which_team_is_trained_for_it_r_rte_02_r_rte_09_r_rte_11() -> None:
    story = Story()
    story.register("2014-01-01")
    story.order("2024-05-01", "9000.00")
    story.subscribe("2024-05-01", "10.00")
    story.contact("2024-05-02", "k1")
    routed = only(story.contact("2024-05-02", "k2"), ContactRouted)
    assert (routed.tier, routed.status, routed.lifetime_value_minor) == ("diamond", "active", 900_000)
    assert (routed.vip_since, routed.at_risk, routed.open_cases) == (story.at("2024-05-01"), False, 1)
    assert (routed.skills, routed.authority_minor) == (("loyalty",), 25_000)


def test_the_agent_sees_a_risk_while_its_alert_is_open_and_no_longer() -> None:
    story = gold()
    story.tick("2024-07-01")
    assert story.row().alert is not None
    assert only(story.contact("2024-07-02", "k1"), ContactRouted).at_risk
    story.order("2024-07-03", "10.00", "back")
    assert story.row().alert is not None, "the last one is remembered"
    assert not only(story.contact("2024-07-04", "k2"), ContactRouted).at_risk


def test_a_tier_that_changes_while_somebody_waits_keeps_the_place_t_44() -> None:
    story = Story(OFFICE)
    story.register("2014-01-01")
    first = only(story.contact(f"{MONDAY} 10:00"), ContactRouted)
    story.order(f"{MONDAY} 10:05", "1000.00")
    assert story.row().tier == "gold"
    story.case(f"{MONDAY} 10:10", "paused")
    again = only(story.case(f"{MONDAY} 10:20", "resumed"), ContactRouted)
    assert (again.rank_at, again.tier, again.queue) == (first.rank_at, None, "general")
    assert again.supersedes == first.decision_id


def test_a_pause_moves_the_target_by_what_it_lasted_t_44() -> None:
    story = gold()
    first = only(story.contact(f"{MONDAY} 10:00"), ContactRouted)
    assert none_of(story.case(f"{MONDAY} 10:30", "paused"), ContactRouted)
    again = only(story.case(f"{MONDAY} 12:00", "resumed"), ContactRouted)
    assert first.resolve_by is not None
    assert again.resolve_by == first.resolve_by + 90 * MINUTE


def test_escalation_comes_as_it_falls_due_and_stops_when_it_is_settled_r_rte_03() -> None:
    story = gold()
    story.contact(f"{MONDAY} 10:00", "k1")
    story.contact(f"{MONDAY} 10:10", "k2")
    assert none_of(story.tick(f"{MONDAY} 10:59"), EscalationDue)
    due = only(story.tick(f"{MONDAY} 11:00"), EscalationDue)
    assert (due.case_id, due.to, due.step, due.minutes_open) == ("k1", "team-lead", 1, 60)
    story.case(f"{MONDAY} 11:05", "resolved", "k2")
    assert none_of(story.tick(f"{MONDAY} 11:59"), EscalationDue)
    due = only(story.tick(f"{MONDAY} 12:30"), EscalationDue)
    assert (due.case_id, due.to, due.step) == ("k1", "manager", 2)
    assert none_of(story.tick("2024-06-01"), EscalationDue)
    assert story.row().cases == ()


def test_an_outage_upstream_escalates_nothing_that_was_settled_meanwhile_t_52_t_18() -> None:
    """Nobody can take an escalation back (D4): while sources are behind, what settles the case may be among what waits."""
    story = gold()
    story.contact(f"{MONDAY} 10:00")
    assert none_of(story.tick(f"{MONDAY} 12:30", behind_s=7200), EscalationDue)
    assert none_of(story.case(f"{MONDAY} 10:30", "resolved"), EscalationDue)
    assert none_of(story.tick(f"{MONDAY} 12:31"), EscalationDue)


def test_after_an_outage_what_is_still_open_escalates_as_it_fell_due_t_52() -> None:
    story = gold()
    story.contact(f"{MONDAY} 10:00")
    assert none_of(story.tick(f"{MONDAY} 12:30", behind_s=7200), EscalationDue)
    both = [each for each in story.tick(f"{MONDAY} 12:31") if isinstance(each, EscalationDue)]
    assert [(each.to, each.minutes_open) for each in both] == [("team-lead", 60), ("manager", 120)]


def test_no_escalation_while_the_clock_stands_still_t_44() -> None:
    story = gold()
    story.contact(f"{MONDAY} 10:00")
    story.case(f"{MONDAY} 10:30", "paused")
    assert none_of(story.tick("2024-05-07 17:00"), EscalationDue)
    story.case("2024-05-13 10:00", "resumed")
    assert none_of(story.tick("2024-05-13 10:29"), EscalationDue)
    assert only(story.tick("2024-05-13 10:30"), EscalationDue).minutes_open == 60


def test_how_a_case_went_r_rte_05_r_rte_10() -> None:
    story = gold()
    story.contact(f"{MONDAY} 10:00")
    story.case(f"{MONDAY} 10:20", "assigned")
    result = only(story.case(f"{MONDAY} 12:00", "resolved"), ContactClosed)
    assert (result.tier, result.answer_minutes, result.resolution_minutes) == ("gold", 20, 120)
    assert (result.answered_in_time, result.resolved_in_time, result.first_contact) == (True, True, True)


@pytest.mark.parametrize(("answered", "settled", "found"), [
    ("10:30", "14:00", (True, True)), ("10:31", "14:00", (False, True)), ("10:30", "14:01", (True, False)),
])  # fmt: skip
def test_targets_are_kept_to_the_minute_t_06(answered: str, settled: str, found: tuple[bool, bool]) -> None:
    story = gold()
    story.contact(f"{MONDAY} 10:00")
    story.case(f"{MONDAY} {answered}", "assigned")
    result = only(story.case(f"{MONDAY} {settled}", "resolved"), ContactClosed)
    assert (result.answered_in_time, result.resolved_in_time) == found


def test_a_case_that_comes_back_was_not_settled_at_first_contact_r_rte_10() -> None:
    story = gold()
    routed = only(story.contact(f"{MONDAY} 10:00"), ContactRouted)
    first = only(story.case(f"{MONDAY} 11:00", "resolved"), ContactClosed)
    again = only(story.case(f"{MONDAY} 13:00", "reopened"), ContactRouted)
    assert (again.rank_at, again.supersedes) == (routed.rank_at, routed.decision_id)
    result = only(story.case(f"{MONDAY} 14:00", "resolved"), ContactClosed)
    assert (result.first_contact, result.supersedes, result.resolution_minutes) == (False, first.decision_id, 120)


def test_one_that_was_passed_on_was_not_either_r_rte_10() -> None:
    story = gold()
    story.contact(f"{MONDAY} 10:00")
    story.case(f"{MONDAY} 10:30", "escalated")
    assert not only(story.case(f"{MONDAY} 11:00", "resolved"), ContactClosed).first_contact


def test_what_is_told_again_changes_nothing_t_15() -> None:
    story = gold()
    story.contact(f"{MONDAY} 10:00")
    story.case(f"{MONDAY} 10:30", "resolved")
    before = story.rows_of(b"k", b"c")
    assert story.case(f"{MONDAY} 10:30", "resolved", event="again") == []
    assert story.rows_of(b"k", b"c") == before


def test_a_target_that_was_promised_does_not_move_with_a_later_policy() -> None:
    story = gold()
    story.contact(f"{MONDAY} 10:00")
    later = story.document | {"version": "later"}
    later["routing"] = {"base": {"queue": "q", "priority": 0, "response_minutes": 1}, "tiers": {}}
    story.activate(later, MONDAY)
    assert only(story.tick(f"{MONDAY} 11:00"), EscalationDue).to == "team-lead"


def test_every_order_of_arrival_ends_alike_t_16() -> None:
    """Opened, assigned, paused, resumed, settled: 120 ways to arrive."""
    ends = set()
    for arrival in permutations(range(5)):
        story = gold()
        story.keeps_time = False
        story.tick("2024-05-06 09:00")
        told = [
            lambda story=story: story.contact(f"{MONDAY} 10:00", event="a"),
            lambda story=story: story.case(f"{MONDAY} 10:10", "assigned", event="b"),
            lambda story=story: story.case(f"{MONDAY} 10:20", "paused", event="c"),
            lambda story=story: story.case(f"{MONDAY} 10:50", "resumed", event="d"),
            lambda story=story: story.case(f"{MONDAY} 11:30", "resolved", event="e"),
        ]
        for each in arrival:
            told[each]()
        case = story.rows.get(CASES, "ada", "k1")
        assert case is not None
        result = story.decided(ContactClosed)[-1]
        ends.add((case.marks, case.answered_at, case.resolve_by, result.answer_minutes, result.resolution_minutes))
    assert len(ends) == 1
    assert next(iter(ends))[3:] == (10, 60)


# Nobody starves


@settings(max_examples=100)
@given(st.lists(st.tuples(st.integers(0, 500), st.booleans(), st.integers(1, 5)), max_size=60), st.integers(0, 500))
def test_nobody_is_overtaken_by_who_came_more_than_a_head_start_later_r_rte_03(
    others: list[tuple[int, bool, int]], mine: int
) -> None:
    """One agent, who always takes the smallest rank: who waits is served before all who came a head start later."""
    head_start = 30
    waiting = sorted(
        (rank_of(at * MINUTE, head_start if vip else 0), at, long) for at, vip, long in [*others, (mine, False, 1)]
    )
    queue, served, now = list(waiting), list[int](), 0
    while queue:
        there = [each for each in queue if each[1] <= now] or [min(queue, key=lambda each: each[1])]
        taken = min(there)
        queue.remove(taken)
        served.append(taken[1])
        now = max(now, taken[1]) + taken[2]
    ours = served.index(mine)
    assert all(at <= mine + head_start for at in served[:ours])


def waits(vip_share: float, head_start: int, seed: int) -> tuple[float, float]:
    """Mean minutes that standard contacts wait behind VIPs, and without any priority, over a busy simulated day."""
    chance = Random(seed)
    arrivals, at = [], 0.0
    for _ in range(2_000):
        at += chance.expovariate(1 / 5.5)
        arrivals.append((at, chance.random() < vip_share, chance.expovariate(1 / 5)))
    found = []
    for start in (head_start, 0):
        queue, now, waited, done = list(arrivals), 0.0, list[float](), 0
        there: list[tuple[float, float, bool, float]] = []
        while done < len(arrivals):
            while queue and (queue[0][0] <= now or not there):
                came, vip, long = queue.pop(0)
                now = max(now, came) if not there else now
                there.append((came - (start if vip else 0), came, vip, long))
            taken = min(there)
            there.remove(taken)
            if not taken[2]:
                waited.append(now - taken[1])
            now += taken[3]
            done += 1
        found.append(sum(waited) / len(waited))
    return found[0], found[1]


@pytest.mark.parametrize("seed", range(3))
def test_standard_contacts_wait_at_most_a_head_start_longer_r_rte_03(seed: int) -> None:
    with_vips, without = waits(0.2, 30, seed)
    assert without <= with_vips <= without + 30
