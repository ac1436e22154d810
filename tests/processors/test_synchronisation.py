"""Other systems hold the status too: what differs for too long is found, reported with its age, and resolved (R-SYNC-01..03)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.synchrony import Report, Synchrony, heard
from processors.wording import explain
from schemas.commands import ReturnReviewed
from schemas.decided import Decided
from schemas.decisions import ContactRouted, NotificationRequested, Quarantined, ReturnDecided
from schemas.discrepancies import DiscrepancyFound, DiscrepancyResolved
from tests.processors.story import Document, Story, none_of, only, parsed_with, policy_with

HOUR_MS = 3_600_000


def known(**changes: Any) -> Story:
    """A customer since 2014 who is Gold since 2024-01-01 00:00."""
    story = Story(changes)
    story.register("2014-01-01")
    story.order("2024-01-01", "1000.00")
    return story


def meanwhile(kind: str, **rule: str) -> Document:
    return {"synchronisation": {"meanwhile": {kind: rule}}}


def test_what_has_not_arrived_yet_is_no_discrepancy_r_sync_02() -> None:
    """The policy's minutes begin with our own change; one minute less than these, and nothing is said."""
    story = known()
    story.report("2023-12-31", None)
    assert none_of(story.tick("2024-01-01 00:59"), Decided)
    assert none_of(story.report("2024-01-01 00:59", "gold"), Decided)
    assert none_of(story.tick("2024-01-03"), Decided)


def test_a_system_that_says_nothing_after_our_change_is_found_once_with_its_age_r_sync_03() -> None:
    story = known()
    story.report("2024-01-02", "gold", event="before")
    story.order("2024-02-01 12:00", "1500.00", "o2")
    found = only(story.tick("2024-02-01 13:00"), DiscrepancyFound)
    assert (found.system, found.tier, found.reported_tier, found.reason) == ("crm", "platinum", "gold", "silent")
    assert (found.differs_since, found.minutes_differing) == (story.at("2024-02-01 12:00"), 60)
    assert found.reported_at == story.at("2024-01-02")
    assert found.cause == f"timer/discrepancy/status/{story.at('2024-02-01 13:00')}"
    conditions = {each.name: (each.value, each.operator, each.threshold, each.holds) for each in found.conditions}
    assert conditions == {
        "tier_in_crm": ("gold", "=", "platinum", False),
        "reported_at": (story.at("2024-01-02"), ">=", story.at("2024-02-01 12:00"), False),
        "minutes_differing": (60, ">=", 60, True),
    }
    moved = {each.name: each.moved_by for each in found.conditions}
    assert moved["tier_in_crm"] == "interactions/before"
    assert moved["minutes_differing"] == story.row().moved.tier
    assert story.profiles["ada"].in_doubt == ("crm",)
    assert none_of(story.tick("2024-03-01"), DiscrepancyFound)


def test_a_system_that_never_reported_is_not_expected_to() -> None:
    story = known()
    story.report("2024-01-02", "gold", "warehouse")
    story.order("2024-02-01", "1500.00", "o2")
    story.tick("2024-02-20")
    assert [each.system for each in story.decided(DiscrepancyFound)] == ["warehouse"]


@pytest.mark.parametrize(("seen", "reason"), [(None, "differs"), (1, "behind"), (2, "differs")])
def test_a_system_that_knows_of_the_change_and_one_that_does_not(seen: int | None, reason: str) -> None:
    """The numbers of a customer's decisions tell: the rise to Platinum is their second."""
    story = known()
    story.report("2024-01-02", "gold")
    story.order("2024-02-01", "1500.00", "o2")
    story.report("2024-02-01 00:30", "gold", seen=seen)
    assert only(story.tick("2024-02-01 01:00"), DiscrepancyFound).reason == reason


def test_what_a_system_changes_by_itself_is_found_too() -> None:
    story = known()
    story.report("2024-01-02", "gold")
    story.report("2024-02-01 12:00", "diamond")
    story.report("2024-02-01 12:50", "diamond")
    found = only(story.tick("2024-02-01 13:00"), DiscrepancyFound)
    assert (found.reason, found.reported_tier) == ("differs", "diamond")
    assert found.differs_since == story.at("2024-02-01 12:00")


def test_a_status_of_somebody_who_has_none_is_found() -> None:
    story = Story()
    story.report("2024-01-02", "gold")
    found = only(story.tick("2024-01-03"), DiscrepancyFound)
    assert (found.tier, found.reported_tier, found.reason) == (None, "gold", "differs")
    assert only(story.report("2024-01-04", None), DiscrepancyResolved).outcome == "reported"


def differing() -> Story:
    """The CRM does not follow a rise to Platinum on 1 February."""
    story = known()
    story.report("2024-01-02", "gold")
    story.order("2024-02-01", "1500.00", "o2")
    story.tick("2024-02-01 01:00")
    assert len(story.decided(DiscrepancyFound)) == 1
    return story


def test_a_report_that_agrees_again_resolves_it_with_its_age_r_sync_02() -> None:
    story = differing()
    resolved = only(story.report("2024-02-01 05:30", "platinum"), DiscrepancyResolved)
    assert (resolved.outcome, resolved.minutes_differing, resolved.tier) == ("reported", 330, "platinum")
    assert resolved.discrepancy_id == only(story.decided(), DiscrepancyFound).decision_id
    assert [(each.name, each.holds) for each in resolved.conditions] == [("tier_in_crm", True)]
    assert story.profiles["ada"].in_doubt == ()
    assert none_of(story.tick("2024-03-01"), DiscrepancyFound)


def test_a_report_that_says_the_same_again_resolves_nothing() -> None:
    story = differing()
    assert none_of(story.report("2024-02-02", "gold"), Decided)


def test_our_tier_may_become_theirs() -> None:
    story = differing()
    story.refund("2024-02-02", "1400.00", "o2")
    story.tick("2024-03-04")
    resolved = only(story.decided(), DiscrepancyResolved)
    assert (resolved.outcome, resolved.tier) == ("changed", "gold")


def test_our_next_change_begins_the_minutes_anew_unless_it_was_found() -> None:
    story = known()
    story.report("2024-01-02", "gold")
    story.order("2024-02-01 12:00", "1500.00", "o2")
    story.order("2024-02-01 12:30", "2500.00", "o3")
    assert none_of(story.tick("2024-02-01 13:29"), DiscrepancyFound)
    found = only(story.tick("2024-02-01 13:30"), DiscrepancyFound)
    assert (found.tier, found.differs_since) == ("diamond", story.at("2024-02-01 12:30"))
    story.refund("2024-02-02", "2400.00", "o3")
    story.tick("2024-03-04")
    assert story.row().tier == "platinum"
    assert len(story.decided(DiscrepancyFound)) == 1
    resolved = only(story.report("2024-03-05 12:30", "platinum"), DiscrepancyResolved)
    assert resolved.minutes_differing == 33 * 24 * 60


def test_each_system_has_its_own_minutes() -> None:
    story = known()
    for system in ("crm", "orders", "warehouse"):
        story.report("2024-01-02", "gold", system)
    story.order("2024-02-01", "1500.00", "o2")
    both = story.tick("2024-02-01 01:00")
    assert {each.system for each in both if isinstance(each, DiscrepancyFound)} == {"crm", "orders"}
    assert only(story.tick("2024-02-01 04:00"), DiscrepancyFound).system == "warehouse"
    assert len({each.decision_id for each in story.decided()}) == len(story.decided())


def test_an_unknown_system_is_quarantined_and_says_who_is_known() -> None:
    story = known()
    refused = only(story.report("2024-01-02", "gold", "telephone"), Quarantined)
    assert refused.reason == "unknown_system"
    assert refused.detail == "found system 'telephone'; the policy's synchronisation names crm, orders, warehouse"
    assert story.row().synchrony.systems == ()


def test_a_policy_that_compares_a_system_no_more_ends_its_discrepancies() -> None:
    story = differing()
    systems = {"orders": {"limit_minutes": 60}}
    changed = policy_with({"version": "v2"})
    changed["synchronisation"]["systems"] = systems
    resolved = only(story.activate(changed, "2024-02-02"), DiscrepancyResolved)
    assert resolved.outcome == "not_compared"
    assert story.row().synchrony.systems == ()


def test_while_sources_are_behind_silence_says_nothing_t_52() -> None:
    """The report may be among what waits."""
    story = known()
    story.report("2024-01-02", "gold")
    story.order("2024-02-01", "1500.00", "o2")
    assert none_of(story.tick("2024-02-01 06:00", behind_s=20_000), DiscrepancyFound)
    story.report("2024-02-01 00:10", "platinum")
    assert none_of(story.tick("2024-02-01 06:01"), DiscrepancyFound)


def test_how_often_the_clock_ticks_makes_no_difference_t_21() -> None:
    def told(*ticks: str) -> list[DiscrepancyFound]:
        story = Story()
        story.register("2023-06-01")
        story.order("2024-01-01", "1000.00")
        story.report("2024-01-02", None)
        for tick in ticks:
            story.tick(tick)
        return story.decided(DiscrepancyFound)

    (often,) = told("2024-06-01", "2024-06-01 00:59", "2024-06-01 01:00", "2024-06-01 12:00")
    (once,) = told("2024-06-01 12:00")
    assert often.differs_since == once.differs_since
    assert (once.minutes_differing, once.decision_id) == (60, often.decision_id)


REPORTS = st.lists(
    st.builds(
        lambda at, tier, seen: Report(at, tier, seen, f"interactions/{at}-{tier}-{seen}"),
        st.integers(1, 6),
        st.sampled_from((None, "gold", "platinum")),
        st.none() | st.integers(0, 3),
    ),
    max_size=8,
)
SYSTEMS = ("crm", "orders")


@given(st.lists(st.tuples(st.sampled_from(SYSTEMS), REPORTS)), st.randoms(use_true_random=False))
def test_neither_order_nor_repetition_of_reports_makes_a_difference_t_15_t_16(told: Any, chance: Any) -> None:
    said = [(system, report) for system, reports in told for report in reports]
    again = [*said, *said]
    chance.shuffle(again)

    def all_of(reports: Any) -> Synchrony:
        synchrony = Synchrony()
        for system, report in reports:
            synchrony = heard(synchrony, system, report, "gold")
        return synchrony

    assert all_of(again) == all_of(said)
    assert len(all_of(said).systems) <= len(SYSTEMS)


HAPPENING = st.tuples(
    st.integers(0, 60 * 24 * 3),
    st.one_of(
        st.tuples(st.just("report"), st.sampled_from(SYSTEMS), st.sampled_from((None, "gold", "platinum"))),
        st.tuples(st.just("order"), st.integers(1, 1600)),
        st.tuples(st.just("refund"), st.integers(1, 1600)),
        st.tuples(st.just("tick"), st.sampled_from((0, 9000))),
    ),
)


@given(st.lists(HAPPENING, max_size=14, unique_by=lambda it: it[0]), st.booleans())
def test_what_is_found_is_resolved_before_it_is_found_again(history: Any, sort: bool) -> None:
    """And the row says the same: a discrepancy is open exactly while the last report differs; ids are their own."""
    story = Story({"grace_days": 1})
    story.register("2014-01-01")
    for minute, what in sorted(history) if sort else history:
        day, rest = divmod(minute, 24 * 60)
        date = f"2024-01-{day + 1:02d} {rest // 60:02d}:{rest % 60:02d}"
        match what:
            case ("report", system, tier):
                story.report(date, tier, system, event=f"r{minute}")
            case ("order", goods):
                story.order(date, f"{goods}.00", f"o{minute}")
            case ("refund", goods):
                story.refund(date, f"{goods}.00", f"o{goods}", f"f{minute}")
            case ("tick", behind_s):
                story.tick(date, behind_s=behind_s)
    story.tick("2024-03-01")
    decided = story.decided()
    assert len({each.decision_id for each in decided}) == len(decided)
    assert [each.sequence for each in decided] == list(range(1, len(decided) + 1))
    opened: dict[str, str] = {}
    for each in decided:
        if isinstance(each, DiscrepancyFound):
            assert each.system not in opened
            assert each.minutes_differing >= 60
            opened[each.system] = each.decision_id
        elif isinstance(each, DiscrepancyResolved):
            assert opened.pop(each.system) == each.discrepancy_id
    row = story.row()
    assert opened == {held.system: held.found_id for held in row.synchrony.systems if held.found_id}
    assert opened.keys() == {held.system for held in row.synchrony.systems if held.report.tier != row.tier}


def asked(story: Story, date: str = "2024-02-02") -> ReturnDecided:
    return only(story.send_back(date, order="o2"), ReturnDecided)


def in_difference(**changes: Any) -> Story:
    """As `differing`, with an order worth more than Gold's limit of 250.00 and less than Platinum's of 500.00."""
    story = known(**changes)
    story.report("2024-01-02", "gold")
    story.order("2024-02-01", "400.00", "o2")
    story.order("2024-02-01", "1100.00", "o3")
    story.tick("2024-02-01 01:00")
    assert len(story.decided(DiscrepancyFound)) == 1
    return story


@pytest.mark.parametrize(
    ("differing", "tier", "verdict"),
    [("ours", "platinum", "approve"), ("last_known", "gold", "review"), ("review", "platinum", "review")],
)
def test_the_policy_says_what_a_return_honours_meanwhile_and_the_verdict_says_so_r_sync_02(
    differing: str, tier: str, verdict: str
) -> None:
    decided = asked(in_difference(**meanwhile("returns", differing=differing)))
    assert (decided.tier, decided.verdict, decided.in_doubt) == (tier, verdict, ("crm",))
    doubt = next(each for each in decided.conditions if each.of == "status")
    assert (doubt.name, doubt.value, doubt.threshold, doubt.holds) == ("tier_in_crm", "gold", "platinum", False)


@pytest.mark.parametrize(("differing", "tier"), [("ours", "platinum"), ("last_known", "gold")])
def test_and_what_a_contact_honours(differing: str, tier: str) -> None:
    routed = only(in_difference(**meanwhile("routing", differing=differing)).contact("2024-02-02"), ContactRouted)
    assert (routed.tier, routed.in_doubt) == (tier, ("crm",))


def test_of_several_last_known_the_highest_counts_and_of_none_ours() -> None:
    story = Story(meanwhile("returns", differing="last_known"))
    story.register("2014-01-01")
    story.report("2024-01-01", "diamond", "warehouse")
    story.order("2024-01-01", "1000.00")
    story.order("2024-01-01", "400.00", "o2")
    story.tick("2024-01-02")
    assert asked(story, "2024-01-03").tier == "gold"
    story.report("2024-01-04", "gold")
    story.order("2024-01-05", "4000.00", "o3")
    story.tick("2024-01-06")
    assert asked_again(story, "2024-01-07").tier == "gold"


def test_the_last_known_one_may_have_been_reported_before_it_was_ours() -> None:
    story = Story(meanwhile("returns", differing="last_known"))
    story.register("2014-01-01")
    story.report("2023-12-31 23:59", "gold")
    story.order("2024-01-01", "1000.00")
    story.order("2024-01-04", "4000.00", "o2")
    story.tick("2024-01-05")
    assert asked(story, "2024-01-06").tier == "gold"


def test_or_heard_of_late_t_16() -> None:
    story = known(**meanwhile("returns", differing="last_known"))
    story.report("2024-01-03", "platinum")
    story.report("2024-01-02", "gold")
    story.order("2024-01-04", "4000.00", "o2")
    story.tick("2024-01-05")
    assert asked(story, "2024-01-06").tier == "gold"


def test_of_two_last_known_the_highest_counts() -> None:
    story = known(**meanwhile("returns", differing="last_known"))
    story.report("2024-01-02", "gold")
    story.order("2024-01-03", "1500.00", "o3")
    story.report("2024-01-04", "platinum", "warehouse")
    story.order("2024-01-05", "2500.00", "o2")
    story.tick("2024-01-06")
    assert len(story.decided(DiscrepancyFound)) == 2
    assert asked(story, "2024-01-07").tier == "platinum"


def test_a_customer_reads_nothing_of_it() -> None:
    story = in_difference(**meanwhile("returns", differing="review"))
    decided = asked(story)
    policy = parsed_with(meanwhile("returns", differing="review"))
    assert explain(decided, policy, "customer") == ["We will look at your return b1 and come back to you."]
    assert "no  tier in crm: Gold, but must be Platinum" in explain(decided, policy, "agent")


def asked_again(story: Story, date: str) -> ReturnDecided:
    return only(story.send_back(date, order="o3", back="b2"), ReturnDecided)


def test_without_doubt_nothing_is_said_of_it() -> None:
    story = known()
    story.report("2024-01-02", "gold")
    decided = only(story.send_back("2024-01-03"), ReturnDecided)
    routed = only(story.contact("2024-01-03"), ContactRouted)
    assert (decided.in_doubt, routed.in_doubt) == ((), ())
    assert [each.of for each in (*decided.conditions, *routed.conditions) if each.of == "status"] == []


BEHIND = 20_000


def test_what_is_decided_while_sources_are_behind_says_so_t_52() -> None:
    story = known()
    story.tick("2024-02-01", behind_s=BEHIND)
    decided = only(story.send_back("2024-02-01", order="o1"), ReturnDecided)
    assert (decided.in_doubt, decided.tier) == (("sources_behind",), "gold")
    assert only(story.contact("2024-02-01"), ContactRouted).in_doubt == ("sources_behind",)
    story.tick("2024-02-01 01:00")
    assert only(story.contact("2024-02-01 01:00", "k2"), ContactRouted).in_doubt == ()


def test_what_went_to_a_person_meanwhile_is_decided_when_sources_caught_up_t_52() -> None:
    story = known(**meanwhile("returns", behind="review"))
    story.tick("2024-01-05", behind_s=BEHIND)
    first = only(story.send_back("2024-01-05"), ReturnDecided)
    assert (first.verdict, first.in_doubt) == ("review", ("sources_behind",))
    assert none_of(story.tick("2024-01-05 01:00", behind_s=BEHIND), ReturnDecided)
    story.order("2024-01-04", "4000.00", "late")
    again = only(story.tick("2024-01-05 02:00"), ReturnDecided)
    assert (again.tier, again.verdict, again.in_doubt) == ("diamond", "approve", ())
    assert again.supersedes == first.decision_id
    assert none_of(story.tick("2024-01-06"), ReturnDecided)


def test_what_was_denied_for_the_last_known_status_is_approved_by_the_true_one_t_52() -> None:
    """Gold's 45 days after delivery are over, Diamond's 90 are not; the order that makes the difference came late."""
    story = known()
    story.deliver("2024-01-02")
    story.tick("2024-02-20", behind_s=BEHIND)
    first = only(story.send_back("2024-02-20"), ReturnDecided)
    assert (first.verdict, first.in_doubt) == ("deny", ("sources_behind",))
    story.order("2024-02-19", "4000.00", "late")
    again = only(story.tick("2024-02-20 02:00"), ReturnDecided)
    assert (again.verdict, again.supersedes) == ("approve", first.decision_id)


def test_what_was_approved_stands_t_52() -> None:
    story = known()
    story.order("2024-01-01", "4000.00", "o2")
    story.order("2024-01-01", "600.00", "o3")
    story.tick("2024-01-05", behind_s=BEHIND)
    assert only(story.send_back("2024-01-05", order="o3"), ReturnDecided).verdict == "approve"
    story.undesignate("2024-01-05", None, None)
    story.tick("2024-01-05 02:00")
    assert (story.row().tier, story.row().synchrony.doubted) == (None, ())
    assert len(story.decided(ReturnDecided)) == 1


def test_a_return_waits_until_the_systems_agree_too() -> None:
    story = in_difference(**meanwhile("returns", differing="review"))
    first = asked(story)
    assert none_of(story.tick("2024-02-03"), ReturnDecided)
    again = only(story.report("2024-02-04", "platinum"), ReturnDecided)
    assert (again.verdict, again.supersedes, again.in_doubt) == ("approve", first.decision_id, ())


def test_what_a_person_decided_meanwhile_stands() -> None:
    story = in_difference(**meanwhile("returns", differing="review"))
    asked(story)
    story.command("2024-02-02 06:00", ReturnReviewed, return_id="b1", order_id="o2", verdict="refused")
    story.report("2024-02-04", "platinum")
    assert [each.decided_by for each in story.decided(ReturnDecided)] == [None, "mia"]


def test_nobody_is_told_of_a_discrepancy() -> None:
    story = known(notifications="shipped")
    story.report("2024-01-02", "gold")
    story.order("2024-02-01", "1500.00", "o2")
    before = len(story.decided(NotificationRequested))
    story.tick("2024-02-02")
    assert len(story.decided(NotificationRequested)) == before
