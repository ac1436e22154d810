"""Requests to notify: what leads to one, consent, and that none comes twice or from a replay (R-CUST-13, R-TIER-24, T-20)."""

from itertools import permutations
from typing import Any, get_args

import pytest
from msgspec.structs import replace

from processors import consents
from processors.customer import Customer
from processors.retention_policy import Kind
from processors.retention_wording import TOLD
from processors.step import Entry, step
from processors.wording import explain
from schemas.decided import Decided
from schemas.decisions import (
    AtRiskClosed,
    AtRiskEscalated,
    AtRiskRaised,
    NotificationRequested,
    ReturnDecided,
    TierChanged,
    WinBackClosed,
    WinBackStarted,
)
from schemas.events import ConsentChanged, OrderLine, OrderPlaced
from schemas.examples import example
from schemas.profiles import CustomerProfile
from tests.processors.story import Story, minor, none_of, only, parsed_with, policy_with

SHIPPED = {"notifications": "shipped"}


def vip(policy: dict[str, Any] | None = None, **register: Any) -> Story:
    story = Story(SHIPPED | (policy or {}))
    story.register("2014-01-01", **register)
    story.order("2024-01-01 18:00", "1000.00")
    return story


def test_a_new_vip_is_welcomed_because_of_the_decision_r_tier_13() -> None:
    story = vip()
    changed, told = story.decided()
    assert isinstance(changed, TierChanged)
    assert isinstance(told, NotificationRequested)
    assert (told.notice, told.tier, told.from_tier, told.follows) == ("welcome", "gold", None, changed.decision_id)
    assert (told.sequence, told.cause, told.expires_at) == (2, changed.cause, story.at("2024-01-09"))


def test_status_is_never_removed_without_a_word_whatever_was_consented_to_r_tier_24() -> None:
    story = vip({"grace_days": 0})
    story.consent("2024-01-02", "service", granted=False)
    story.refund("2024-01-03", "1000.00")
    told = only(story.tick("2024-01-04"), NotificationRequested)
    assert (told.notice, told.from_tier, told.tier) == ("removal", "gold", None)


def test_who_recovers_within_grace_and_falls_again_is_warned_for_each_time_of_grace() -> None:
    story = vip()
    story.refund("2024-01-02", "1.00", refund="a")
    story.order("2024-01-03", "1.00", "o2")
    story.refund("2024-01-04", "1.00", refund="b")
    warned = [each for each in story.decided(NotificationRequested) if each.notice == "downgrade_warning"]
    assert [each.until for each in warned] == [story.at("2024-02-02"), story.at("2024-02-04")]
    assert all(each.expires_at <= (each.until or 0) for each in warned)


def test_what_became_of_a_return_is_told_also_of_two_at_once_and_again_where_it_changes_r_ret_09() -> None:
    story = vip()
    for each in ("b1", "b2"):
        story.send_back("2024-01-02", {"l0": 1}, "o2", each)
    story.order("2024-01-03", "10.00", "o2")
    story.deliver("2024-01-04", "o2")
    decided = story.decided(ReturnDecided)
    told = [each for each in story.decided(NotificationRequested) if each.notice == "return_decided"]
    assert [each.follows for each in told] == [each.decision_id for each in decided]
    assert len(decided) >= 4
    assert len({each.decision_id for each in told}) == len(told)


@pytest.mark.parametrize(("granted", "calls"), [(None, True), (True, True), (False, False)])
def test_a_call_is_asked_for_unless_it_was_refused_r_cust_13(granted: bool | None, calls: bool) -> None:
    story = vip()
    if granted is not None:
        story.consent("2024-01-02", "calls", granted=granted)
    effects = story.tick("2024-02-16")
    only(effects, AtRiskRaised)
    assert none_of(effects, NotificationRequested) != calls


@pytest.mark.parametrize("granted", [None, True, False])
def test_a_letter_is_asked_for_only_with_consent_r_cust_13(granted: bool | None) -> None:
    story = vip(birth_month=2)
    if granted is not None:
        story.consent("2024-01-02", "email", granted=granted)
    told = [each for each in story.tick("2024-02-01") if isinstance(each, NotificationRequested)]
    assert [each.notice for each in told] == (["birthday"] if granted else [])


def test_a_purpose_that_the_policy_does_not_name_needs_consent() -> None:
    story = Story({"notifications": {"kinds": {"welcome": {"purpose": "chat", "valid_days": 3}}}})
    story.register("2014-01-01")
    assert none_of(story.order("2024-01-01", "1000.00"), NotificationRequested)
    story = Story({"notifications": {"kinds": {"welcome": {"purpose": "chat", "valid_days": 3}}}})
    story.consent("2014-01-01", "chat")
    story.register("2014-01-01")
    assert only(story.order("2024-01-01", "1000.00"), NotificationRequested).purpose == "chat"


def test_the_last_word_on_a_purpose_counts_in_whichever_order_they_arrive_t_16() -> None:
    found = set()
    words = [("2024-01-01", True), ("2024-01-02", False), ("2024-01-03", True), ("2024-01-03", False)]
    for arrival in permutations(words):
        story = Story()
        for day, granted in (*arrival, *arrival):
            story.consent(day, granted=granted, event=f"{day}-{granted}")
        found.add(story.row().consents)
    (said,) = found
    assert [(each.purpose, each.granted) for each in said] == [("email", False)]


def test_consents_do_not_grow_for_ever_and_refusals_are_kept_d8() -> None:
    customer = Customer()
    for n in range(100):
        event = ConsentChanged(
            event_id="e", customer_id="ada", occurred_at=10**12 + n, purpose=f"p{n}", granted=n % 4 > 0
        )
        customer = consents.tell(customer, event, "c")
    assert len(customer.consents) == consents.MOST
    assert sum(not each.granted for each in customer.consents) == 25


def test_the_profile_says_for_what_a_customer_may_be_contacted_r_cust_13() -> None:
    story = vip()
    assert story.profiles["ada"].contact_purposes == ("calls", "service")
    profile = only(story.consent("2024-01-02", "feedback"), CustomerProfile)
    assert profile.contact_purposes == ("calls", "feedback", "service")
    profile = only(story.consent("2024-01-02", "calls", granted=False), CustomerProfile)
    assert profile.contact_purposes == ("feedback", "service")


def test_a_request_names_its_generation_and_is_the_same_in_every_replay_t_20() -> None:
    """A replay's requests say that they are one's, and keep their ids and the instant after which nobody sends them."""
    found = []
    for generation in ("live", "replay-7"):
        story = Story(SHIPPED)
        story.register("2014-01-01")
        placed = OrderPlaced(
            event_id="e1",
            customer_id="ada",
            occurred_at=story.at("2024-01-01"),
            order_id="o1",
            currency="USD",
            lines=(OrderLine("l1", 1, minor("1000.00")),),
        )
        entry = Entry("timeline", 0, 99, 0, "ada", placed, b"", "orders")
        story.tick("2024-01-01")
        found.append(only(step(story.rows, entry, (), generation), NotificationRequested))
    live, replayed = found
    assert (live.generation, replayed.generation) == ("live", "replay-7")
    assert (live.decision_id, live.expires_at) == (replayed.decision_id, replayed.expires_at)


def test_an_import_of_years_asks_for_nothing_that_is_still_worth_sending_t_20() -> None:
    story = vip()
    story.tick("2030-01-01")
    assert all(each.expires_at <= story.at("2030-01-01") for each in story.decided(NotificationRequested))


def test_a_programme_of_old_asks_for_nothing() -> None:
    story = Story()
    story.register("2014-01-01", birth_month=3)
    story.consent("2014-01-01")
    story.order("2024-01-01", "1000.00")
    story.tick("2026-01-01")
    assert story.decided(NotificationRequested) == []


def test_decisions_and_requests_share_one_numbering_i_4() -> None:
    story = vip(birth_month=2)
    story.consent("2024-01-02")
    story.tick("2025-06-01")
    numbers = [each.sequence for each in story.decided(Decided)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert story.row().sequence == len(numbers) > 6


def test_everything_that_may_be_told_has_words_for_agents_and_for_the_customer() -> None:
    assert TOLD.keys() == set(get_args(Kind))
    policy = parsed_with(SHIPPED)
    decision = replace(example(NotificationRequested), tier="gold", from_tier="platinum", until=1_790_000_000_000)
    for kind in get_args(Kind):
        told = replace(decision, notice=kind)
        assert "should be told" in explain(told, policy, "agent")[0]
        (line,) = explain(told, policy, "customer")
        assert "{" not in line
    removed = replace(decision, notice="removal")
    assert explain(removed, policy, "customer") == ["You are Platinum no more."]


def test_a_customer_reads_nothing_of_episodes() -> None:
    policy = parsed_with(SHIPPED)
    for kind in (AtRiskEscalated, AtRiskClosed, WinBackStarted, WinBackClosed):
        reason = {AtRiskEscalated: {"reason": "overdue"}, AtRiskClosed: {"reason": "ordered"}}.get(kind, {})
        about = replace(example(kind), **reason)
        assert explain(about, policy, "customer") == [
            "This concerns how we look after you. Nothing has changed for you."
        ]
        assert "customer c-4711" in explain(about, policy, "auditor")[0]


def test_a_new_policy_that_lifts_somebody_tells_them_and_one_that_lowers_them_warns_d5() -> None:
    story = vip()
    kinder = policy_with(SHIPPED | {"version": "kinder"})
    kinder["tiers"][1]["lifetime_value_minor"] = 100_000
    raised = only(story.activate(kinder, "2024-02-01"), NotificationRequested)
    assert (raised.notice, raised.tier, raised.policy_version) == ("upgrade", "platinum", "kinder")
    warned = only(story.activate(policy_with(SHIPPED | {"version": "strict"}), "2024-02-02"), NotificationRequested)
    assert (warned.notice, warned.tier) == ("downgrade_warning", "platinum")
