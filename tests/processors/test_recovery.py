"""Making good by rule, and goodwill by people within what they and their customers may (R-REC-01..05, T-45)."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.agents import AGENTS, Agent, subject_of
from processors.compensations import COMPENSATIONS
from processors.goodwill import GOODWILL, Given, give, within
from processors.local_time import date_of
from processors.order import ORDERS
from processors.rows import Table
from processors.wording import explain, sentence
from schemas import events as e
from schemas.decisions import CommandAnswered, CompensationDecided, ContactRouted, RecoveryDecided
from tests.processors.story import Story, parsed_with

WINDOW = 365
ZONE = "America/New_York"
DAY_MS = 86_400_000


def shipped(goods: int = 100_000, shipping: int = 490) -> tuple[e.OrderLine, ...]:
    return (e.OrderLine("l1", 1, goods, shipping_minor=shipping),)


def diamond(**policy: Any) -> Story:
    """Ada is Diamond, and ordered with shipping of 4.90."""
    story = Story(policy)
    story.order("2020-01-01", "6000.00", "old")
    story.tick("2024-01-01")
    assert story.row().tier == "diamond"
    story.order("2024-01-01 12:00", order="o1", lines=shipped())
    return story


def given_to(story: Story, customer: str = "ada") -> int:
    row = story.rows.get(GOODWILL, customer) or Given()
    return sum(minor for _, minor in row.days)


def amends(story: Story) -> list[tuple[str, str, int]]:
    return [(each.occasion, each.verdict, each.amount_minor) for each in story.decided(RecoveryDecided)]


# By rule


@pytest.mark.parametrize(("hours", "heard"), [("2024-01-03 11:59", 0), ("2024-01-03 12:00", 1)])
def test_a_delay_is_made_good_from_the_tiers_hours_on_r_rec_01_t_06(hours: str, heard: int) -> None:
    story = diamond()
    story.delay("2024-01-02 09:00", promised="2024-01-02 12:00", expected=hours)
    assert len(story.decided(RecoveryDecided)) == heard


def test_a_diamond_gets_shipping_and_a_credit_for_a_delay_r_rec_04() -> None:
    story = diamond()
    story.delay("2024-01-02 09:00", promised="2024-01-03", expected="2024-01-06", event="late")
    (made,) = story.decided(RecoveryDecided)
    assert [(each.kind, each.amount_minor) for each in made.remedies] == [("shipping_waived", 490), ("credit", 1_500)]
    assert (made.verdict, made.amount_minor, made.goodwill_left_minor) == ("granted", 1_990, 40_000 - 1_990)
    assert (made.order_id, made.tier, made.cause) == ("o1", "diamond", "orders/late")
    assert [(each.name, each.holds) for each in made.conditions] == [
        ("tier", True), ("late_hours", True), ("tier", True), ("goodwill_minor", True),
    ]  # fmt: skip
    assert "gets shipping waived and credit for a delay of order o1" in sentence(made, parsed_with())


def test_who_has_no_tier_gets_a_replacement_for_a_failed_delivery_and_nothing_for_a_delay_r_rec_01() -> None:
    story = Story()
    story.order("2024-01-01", "50.00")
    story.delay("2024-01-02", promised="2024-01-03", expected="2024-03-01")
    assert amends(story) == []
    story.fail("2024-01-05")
    (made,) = story.decided(RecoveryDecided)
    assert [(each.kind, each.amount_minor) for each in made.remedies] == [("replacement", 0)]
    assert made.verdict == "granted"
    assert given_to(story) == 0


def test_each_occasion_is_made_good_once_t_15() -> None:
    story = diamond()
    for number in range(3):
        story.delay("2024-01-02 09:00", promised="2024-01-03", expected=f"2024-01-{10 + number}")
        story.fail("2024-01-12", "s1")
    story.fail("2024-01-12", "s2")
    assert [each[0] for each in amends(story)] == ["delay", "failure", "failure"]
    assert given_to(story) == 3 * 1_990
    assert len({each.decision_id for each in story.decided(RecoveryDecided)}) == 3


def test_a_delay_that_grows_is_made_good_when_it_is_long_enough() -> None:
    story = diamond()
    story.delay("2024-01-02 09:00", promised="2024-01-03", expected="2024-01-03 12:00")
    assert amends(story) == []
    story.delay("2024-01-02 10:00", promised="2024-01-03", expected="2024-01-04")
    assert amends(story) == [("delay", "granted", 1_990)]


def test_of_a_delay_without_a_date_it_counts_how_late_it_is_already() -> None:
    story = diamond()
    story.delay("2024-01-03 23:00", promised="2024-01-03")
    assert amends(story) == []
    story.delay("2024-01-04", promised="2024-01-03")
    assert amends(story) == [("delay", "granted", 1_990)]


def test_what_is_told_before_its_order_waits_for_it_t_17() -> None:
    early, late = diamond(), diamond()
    late.order("2024-01-05", order="o2", lines=shipped())
    late.delay("2024-01-06", order="o2", promised="2024-01-07", expected="2024-01-20")
    late.fail("2024-01-06 01:00", order="o2")
    early.delay("2024-01-06", order="o2", promised="2024-01-07", expected="2024-01-20")
    early.fail("2024-01-06 01:00", order="o2")
    assert amends(early) == []
    early.order("2024-01-05", order="o2", lines=shipped())
    assert {each.approvers for each in early.decided(RecoveryDecided)} == {""}
    assert amends(early) == amends(late) == [("delay", "granted", 1_990), ("failure", "granted", 1_990)]


def test_nobody_gets_anything_for_an_order_that_was_cancelled() -> None:
    story = diamond()
    story.cancel("2024-01-02")
    story.delay("2024-01-03", promised="2024-01-03", expected="2024-02-01")
    assert amends(story) == []


def test_the_tier_of_the_moment_counts_r_rec_04() -> None:
    story = Story()
    story.order("2023-01-01", "1000.00", "old")
    story.order("2023-12-30", order="o1", lines=shipped(goods=100))
    story.tick("2024-01-02")
    assert story.row().tier == "gold"
    story.delay("2024-01-03", promised="2024-01-03", expected="2024-01-30")
    (made,) = story.decided(RecoveryDecided)
    assert [each.kind for each in made.remedies] == ["shipping_waived"]


def test_beyond_the_cap_a_person_is_asked_and_nothing_is_given_t_45() -> None:
    story = diamond(recovery={"caps": {"tiers": {"diamond": {"most_minor": 1_989}}}})
    story.delay("2024-01-02 09:00", promised="2024-01-03", expected="2024-01-06")
    (made,) = story.decided(RecoveryDecided)
    assert (made.verdict, made.goodwill_left_minor) == ("review", 1_989)
    assert made.approvers == "administrator, manager", "whom finance asks"
    assert given_to(story) == 0
    story.delay("2024-01-02 10:00", promised="2024-01-03", expected="2024-01-09")
    assert len(story.decided(RecoveryDecided)) == 1, "a person is asked once"


def test_an_order_keeps_its_mishaps_bounded_d8() -> None:
    story = diamond()
    for number in range(50):
        story.fail("2024-01-02", f"s{number}")
    row = story.rows.get(ORDERS, "ada", "o1")
    assert row is not None
    assert len(row.mishaps) == 32


# By people


def verdicts(story: Story) -> list[tuple[str, str]]:
    return [(each.compensation_id, each.verdict) for each in story.decided(CompensationDecided)]


def answers(story: Story) -> list[tuple[str, str]]:
    return [(each.command, each.verdict) for each in story.decided(CommandAnswered)]


def test_an_agent_grants_within_their_authority_r_rec_02() -> None:
    story = diamond()
    story.compensate("2024-01-02", "25.00", case_id="case-1", event="grant")
    (made,) = story.decided(CompensationDecided)
    assert (made.verdict, made.amount_minor, made.decided_by, made.case_id) == ("granted", 2_500, "mia", "case-1")
    assert made.goodwill_left_minor == 37_500
    assert answers(story) == [("CompensationGranted", "accepted")]
    assert [each.name for each in made.conditions if not each.holds] == []
    assert {"role", "kind", "currency", "state", "amount_minor", "goodwill_minor", "given_by_agent_minor"} <= {
        each.name for each in made.conditions
    }
    assert made.cause.startswith("message/"), "the agent's own subject had the last word"
    assert "was granted by mia" in sentence(made, parsed_with())
    assert any("what the person gave within the window" in line for line in explain(made, parsed_with(), "agent"))


@pytest.mark.parametrize(
    ("changes", "broken"),
    [
        ({"role": "cleaner"}, "role"),
        ({"kind": "yacht"}, "kind"),
        ({"currency": "EUR"}, "currency"),
    ],
)
def test_what_can_never_be_granted_is_refused_and_says_why_t_43(changes: dict[str, Any], broken: str) -> None:
    story = diamond()
    story.compensate("2024-01-02", "5.00", **changes)
    (said,) = story.decided(CommandAnswered)
    assert said.verdict == "refused"
    assert [each.name for each in said.conditions if not each.holds] == [broken]
    assert verdicts(story) == []
    assert given_to(story) == 0


@pytest.mark.parametrize(("amount", "verdict"), [("25.00", "granted"), ("25.01", "approval_needed")])
def test_what_is_beyond_a_role_goes_up_the_chain_r_rec_03_t_06(amount: str, verdict: str) -> None:
    story = diamond()
    story.compensate("2024-01-02", amount)
    (made,) = story.decided(CompensationDecided)
    assert made.verdict == verdict
    assert made.approvers == ("" if verdict == "granted" else "administrator, manager")
    assert given_to(story) == (2_500 if verdict == "granted" else 0)


def test_a_manager_approves_and_it_is_theirs_to_answer_for_r_rec_03() -> None:
    story = diamond()
    story.compensate("2024-01-02", "100.00")
    story.approve("2024-01-03")
    assert verdicts(story) == [("k1", "approval_needed"), ("k1", "granted")]
    assert answers(story) == [("CompensationGranted", "refused"), ("CompensationReviewed", "accepted")]
    assert given_to(story) == 10_000
    assert story.rows.get(AGENTS, subject_of("mia")) is None
    bea = story.rows.get(AGENTS, subject_of("bea"))
    assert bea is not None
    assert [minor for _, minor in bea.given.days] == [10_000]


def test_a_refusal_by_a_person_is_the_end_of_it() -> None:
    story = diamond()
    story.compensate("2024-01-02", "100.00")
    story.approve("2024-01-03", verdict="refused")
    story.approve("2024-01-04")
    assert verdicts(story) == [("k1", "approval_needed"), ("k1", "refused")]
    assert answers(story)[1:] == [("CompensationReviewed", "accepted"), ("CompensationReviewed", "refused")]
    assert given_to(story) == 0


def test_nobody_approves_their_own_r_rec_03() -> None:
    story = diamond()
    story.compensate("2024-01-02", "900.00", role="manager")
    story.approve("2024-01-03", author_id="mia", role="administrator")
    (_, said) = story.decided(CommandAnswered)
    assert [each.name for each in said.conditions if not each.holds] == ["own_compensation"]
    story.approve("2024-01-04", role="administrator")
    assert verdicts(story)[-1] == ("k1", "granted")


def test_who_may_not_either_passes_it_on_further() -> None:
    story = diamond()
    story.compensate("2024-01-02", "900.00")
    story.approve("2024-01-03", role="manager")
    story.approve("2024-01-04", role="administrator")
    assert answers(story) == [
        ("CompensationGranted", "refused"), ("CompensationReviewed", "refused"), ("CompensationReviewed", "accepted"),
    ]  # fmt: skip
    assert verdicts(story) == [("k1", "approval_needed"), ("k1", "granted")]


def test_who_has_no_tier_may_be_given_something_too() -> None:
    story = Story()
    story.order("2024-01-01", "10.00")
    story.compensate("2024-01-02", "25.00")
    assert (verdicts(story), answers(story)) == ([("k1", "granted")], [("CompensationGranted", "accepted")])
    story.compensate("2024-01-02", "0.01", "k2")
    assert verdicts(story)[-1] == ("k2", "approval_needed")


def test_a_customers_cap_holds_however_the_amounts_are_split_t_45() -> None:
    story = diamond()
    for number in range(17):
        story.compensate("2024-01-02", "25.00", f"k{number}", author_id=f"agent-{number}")
    assert [each[1] for each in verdicts(story)] == ["granted"] * 16 + ["approval_needed"]
    assert given_to(story) == 40_000
    story.approve("2024-01-02 10:00", "k16")
    assert verdicts(story)[-1] == ("k16", "granted"), "a manager may go beyond it"


def test_an_agents_window_holds_over_all_customers_t_45() -> None:
    story = diamond(recovery={"authority": {"agent": {"each_minor": 2_500, "window_minor": 6_000}}})
    for number in range(4):
        customer = f"c{number}"
        story.order("2024-01-01", "10.00", customer=customer)
        story.compensate("2024-01-02", "25.00", f"k{number}", customer=customer)
    assert [each[1] for each in verdicts(story)] == ["granted", "granted", "approval_needed", "approval_needed"]
    assert given_to(story, "c2") == 0, "what was reserved for it is free again"
    last = story.decided(CompensationDecided)[-1]
    assert [(each.name, each.value, each.threshold) for each in last.conditions if not each.holds] == [
        ("given_by_agent_minor", 7_500, 6_000)
    ]
    story.compensate("2024-02-10", "25.00", "k9", customer="c3")
    assert verdicts(story)[-1] == ("k9", "granted"), "30 days later"


def test_a_repeated_command_counts_once_and_is_answered_once_t_15() -> None:
    story = diamond()
    story.compensate("2024-01-02", "10.00", event="grant")
    for _ in range(2):
        story.happen(story.last) if story.last else None
    assert answers(story) == [("CompensationGranted", "accepted")]
    story.compensate("2024-01-02", "10.00", event="again")
    assert answers(story)[1:] == [("CompensationGranted", "refused")], "another command of the same compensation"
    assert given_to(story) == 1_000


def test_a_command_that_comes_again_before_the_agent_answered_counts_once_t_15() -> None:
    story = diamond()
    story.answers_itself = False
    (sent,) = story.compensate("2024-01-02", "10.00", event="grant")
    assert story.happen(story.last) == [] if story.last else False
    story.answer(sent)  # type: ignore[arg-type]
    assert given_to(story) == 1_000


def test_two_at_once_never_exceed_the_cap_t_45() -> None:
    """The amount is reserved before the agent is asked."""
    story = diamond(recovery={"caps": {"tiers": {"diamond": {"most_minor": 3_000}}}})
    story.answers_itself = False
    first = story.compensate("2024-01-02", "20.00", "k1")
    second = story.compensate("2024-01-02", "20.00", "k2", author_id="zoe")
    assert len(first) == 1
    assert next(each for each in second if isinstance(each, CompensationDecided)).verdict == "approval_needed"


def test_an_answer_that_nobody_waits_for_changes_nothing() -> None:
    story = diamond()
    story.answers_itself = False
    (asked,) = story.compensate("2024-01-02", "20.00")
    (answer,) = story.answer(asked)  # type: ignore[arg-type]
    assert story.answer(answer) != []  # type: ignore[arg-type]
    before = story.stored()
    assert story.answer(answer) == []  # type: ignore[arg-type]
    assert story.stored() == before


def test_an_agent_sees_what_goodwill_is_left_r_rte_09_r_rec_05() -> None:
    story = diamond()
    story.compensate("2024-01-02", "20.00")
    story.contact("2024-01-03")
    (routed,) = story.decided(ContactRouted)
    assert routed.goodwill_left_minor == 38_000
    story.contact("2025-01-03", case="later")
    assert story.decided(ContactRouted)[-1].goodwill_left_minor == 40_000, "the window has passed"


# The window


@given(st.lists(st.tuples(st.integers(0, 900), st.integers(1, 10_000)), max_size=40), st.integers(1, 366))
def test_the_window_is_the_sum_of_its_days_however_amounts_are_split_t_45(
    amounts: list[tuple[int, int]], window: int
) -> None:
    start, told = 1_700_000_000_000, Given()
    for day, minor in sorted(amounts):
        told = give(told, minor, start + day * DAY_MS, window, ZONE)
    now = start + (max((day for day, _ in amounts), default=0)) * DAY_MS
    first = date_of(now, ZONE).toordinal() - window + 1
    asked = sum(minor for day, minor in amounts if date_of(start + day * DAY_MS, ZONE).toordinal() >= first)
    assert within(told, now, window, ZONE) == asked
    assert len(told.days) <= window


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 60),
            st.sampled_from(["grant", "approve", "delay", "fail"]),
            st.integers(1, 6_000),
            st.sampled_from(["ada", "bob"]),
            st.sampled_from(["mia", "zoe"]),
        ),
        max_size=25,
    )
)
def test_goodwill_never_exceeds_its_caps_unless_a_person_may_go_beyond_t_45(history: list[Any]) -> None:
    rule = {
        "caps": {"base": {"most_minor": 5_000}, "tiers": {}},
        "amends": {"base": {"late_hours": 1, "on_delay": [{"kind": "credit", "amount_minor": 700}]}, "tiers": {}},
        "authority": {
            "agent": {"each_minor": 3_000, "window_minor": 7_000},
            "manager": {"each_minor": 6_000, "window_minor": 9_000, "beyond_cap": False},
        },
    }
    story = Story({"recovery": rule})
    story.dies_every = 3
    for number, (day, kind, minor, customer, author) in enumerate(sorted(history)):
        at, order = story.local(story.at("2024-01-01") + day * DAY_MS), f"o{number}"
        amount = f"{minor // 100}.{minor % 100:02}"
        if kind == "grant":
            story.compensate(at, amount, f"k{number}", customer=customer, author_id=author)
        elif kind == "approve":
            waiting = [key for key, verdict in verdicts(story) if verdict == "approval_needed"]
            for key in waiting[-1:]:
                who = next(
                    each.customer_id for each in story.decided(CompensationDecided) if each.compensation_id == key
                )
                story.approve(at, key, customer=who, author_id=f"boss-{author}")
        else:
            story.order(at, "10.00", order, customer=customer)
            story.delay(at, order=order, customer=customer, promised=at, expected=story.local(story.at(at) + DAY_MS))
    granted = [each for each in story.decided(CompensationDecided) if each.verdict == "granted"]
    by_rule = [each for each in story.decided(RecoveryDecided) if each.verdict == "granted"]
    for customer in ("ada", "bob"):
        total = sum(each.amount_minor for each in (*granted, *by_rule) if each.customer_id == customer)
        assert given_to(story, customer) == total <= 5_000
    assert len({each.compensation_id for each in granted}) == len(granted), "nothing is granted twice"
    people: Table[Agent] = AGENTS
    for author in ("mia", "zoe", "boss-mia", "boss-zoe"):
        row = story.rows.get(people, subject_of(author))
        mine = sum(each.amount_minor for each in granted if each.decided_by == author)
        # 61 days hold three windows of 30 at most; the row forgets what left its own.
        remembered = sum(minor for _, minor in row.given.days) if row else 0
        assert remembered <= mine <= 3 * 9_000
        assert bool(row) == bool(mine) or remembered == 0
    rows = [row for _, row in story.rows.first(COMPENSATIONS, 100, "\x7f")]
    assert all(row.state != "asked" for row in rows), "every question was answered"
