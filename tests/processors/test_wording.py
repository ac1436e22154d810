"""What people read of a decision is what was evaluated (T-48)."""

from datetime import date, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from processors.amounts import amount, money
from processors.explanation import Fact, compare
from processors.policy import Policy
from processors.wording import Audience, comparison, explain, sentence
from schemas import events as e
from schemas.decided import Condition, Decided
from schemas.decisions import AtRiskRaised, CommandAnswered, ReturnDecided, TierChanged
from tests.processors.story import Document, Story, only, policy_with
from tests.processors.story import parsed_with as in_force
from tests.processors.test_properties import ARRIVALS, POLICY, Happening, told

AUDIENCES: tuple[Audience, ...] = get_args(Audience)


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (0, "USD", "0.00 USD"),
        (5, "EUR", "0.05 EUR"),
        (123_456_789, "USD", "1,234,567.89 USD"),
        (-105, "USD", "-1.05 USD"),
        (1234, "JPY", "1,234 JPY"),
        (1234, "KWD", "1.234 KWD"),
    ],
)
def test_money_is_shown_to_the_minor_unit_t_01(minor: int, currency: str, text: str) -> None:
    assert money(minor, currency) == text


def test_each_kind_of_decision_is_said_in_words() -> None:
    story = Story()
    story.register("2014-01-01")
    story.order("2024-01-01", "2000.00")
    story.send_back("2024-01-02")
    story.contact("2024-01-03")
    story.tick("2024-06-01")
    story.order("2024-02-10", "1.00", "o2")
    said = [sentence(decision, in_force()) for decision in story.decided()]
    assert said == [
        "On 2024-01-01 00:00, customer ada rose from no tier to Gold.",
        "On 2024-01-02 00:00, return b1 of order o1 by customer ada goes to a person for review.",
        "On 2024-01-03 00:00, case k1 of customer ada goes to queue vip, to be answered by 2024-01-03 04:00.",
        "On 2024-06-01 00:00, customer ada (Gold) is at risk after 46 days.",
        "On 2024-06-01 00:00, customer ada (Gold) at risk needs the owner: nobody followed up by 2024-02-24 00:00.",
        "On 2024-06-01 00:00, customer ada (Gold) at risk was lost: the time to order is over.",
        "On 2024-06-01 00:00, customer ada was not at risk: order o2 was on its way.",
        "On 2024-06-01 00:00, customer ada (Gold) is at risk after 112 days.",
    ]


def test_a_customer_reads_what_it_means_for_them_and_why_r_aud_06() -> None:
    story = Story({"currency": "EUR"})
    story.register("2023-01-01")
    story.order("2024-01-01", "1234.56", currency="EUR")
    back = only(story.send_back("2024-03-01"), ReturnDecided)
    rise, policy = only(story.decided(), TierChanged), in_force({"currency": "EUR"})
    assert explain(rise, policy, "customer") == [
        "You are Gold now.",
        "What you bought comes to 1,234.56 EUR; 1,000.00 EUR is needed.",
        "You completed 12 months as our customer on 2024-01-01.",
    ]
    assert explain(back, policy, "customer") == [
        "We cannot take your return b1 back.",
        "It could be returned until 2024-02-29.",
        "It is worth 1,234.56 EUR; above 250.00 EUR somebody looks at it first.",
    ]


def test_an_auditor_reads_what_moved_each_fact_and_where_it_was_decided() -> None:
    story = Story()
    story.register("2014-01-01", event="r1")
    rise = only(story.order("2024-01-01", "2000.00", event="e1"), TierChanged)
    text = "\n".join(explain(rise, in_force(), "auditor"))
    assert (
        "yes Gold: lifetime value: 2,000.00 USD, at least 1,000.00 USD [200000 >= 100000; last moved by orders/e1]"
        in text
    )
    assert "no  Platinum: lifetime value: 2,000.00 USD, below 2,500.00 USD [" in text
    assert "last moved by interactions/r1]" in text
    for part in (rise.decision_id, "policy default-1", "rules 1", f"timeline/0 offset {rise.origin.offset}"):
        assert part in text


@given(ARRIVALS)
def test_each_condition_of_each_decision_is_told_as_it_was_evaluated_t_48(history: list[Happening]) -> None:
    """Another value one unit beyond the threshold has another result, and another text for agents and auditors."""
    policy = in_force(POLICY)
    for decision in told(history).decided():
        agent, auditor = (explain(decision, policy, audience) for audience in ("agent", "auditor"))
        for place, condition in enumerate(decision.conditions):
            assert agent[2 + place].split()[0] == ("yes" if condition.holds else "no")
            for other in beyond(condition):
                assert other.holds is not condition.holds
                changed = replace(
                    decision, conditions=(*decision.conditions[:place], other, *decision.conditions[place + 1 :])
                )
                for audience, before in (("agent", agent), ("auditor", auditor)):
                    after = explain(changed, policy, audience)
                    assert [n for n in range(len(after)) if after[n] != before[n]] == [2 + place]


def beyond(condition: Condition) -> list[Condition]:
    """The same comparison with the nearest value that makes it turn out the other way."""
    value, threshold = nearest(condition), condition.threshold
    if threshold is None or value is None:
        return []
    return [compare(condition.of, condition.name, value, condition.operator, threshold, condition.moved_by)]  # type: ignore[arg-type]


def nearest(condition: Condition) -> Fact:
    threshold, holds = condition.threshold, condition.holds
    if isinstance(threshold, int):
        step = {">=": -1 if holds else 0, ">": 0 if holds else 1, "<=": 1 if holds else 0, "<": 0 if holds else -1}
        return threshold + step[condition.operator]
    if threshold is None:
        return None
    if condition.operator == ">=":
        return (date.fromisoformat(threshold) - timedelta(days=holds)).isoformat()
    if condition.operator == "=":
        return "yes" if (threshold == "yes") is not holds else "no"
    return "nobody" if holds else threshold.split(", ")[0]


def differ(at: Decided, beside: Decided, policy: Policy) -> None:
    """Two decisions on facts one unit apart, on either side of a threshold."""
    assert verdict(beside) != verdict(at)
    for audience in AUDIENCES:
        assert explain(at, policy, audience)[0] != explain(beside, policy, audience)[0]


def verdict(decision: Decided) -> object:
    match decision:
        case TierChanged():
            return decision.to_tier
        case ReturnDecided():
            return decision.verdict
    return type(decision)


@given(st.integers(1, 10**9), st.sampled_from(["USD", "JPY", "KWD"]))
def test_one_minor_unit_below_a_floor_is_another_tier_and_another_text(floor: int, currency: str) -> None:
    changes = {"currency": currency, "tiers": [tier("silver", 0, 0), tier("gold", floor, 0)]}

    def bought(cents: int) -> Decided:
        story = Story(changes)
        line = e.OrderLine("l1", 1, cents)
        return only(story.order("2024-01-01", lines=[line], currency=currency), TierChanged)  # type: ignore[arg-type]

    differ(bought(floor), bought(floor - 1), in_force(changes))


@given(st.integers(1, 60), st.dates(date(2000, 1, 1), date(2015, 12, 31)))
def test_one_day_before_an_anniversary_is_another_tier_and_another_text(months: int, since: date) -> None:
    changes = {"tiers": [tier("silver", 0, 0), tier("gold", 0, months)]}

    def on(days: int) -> TierChanged | None:
        story = Story(changes)
        story.register(since.isoformat())
        story.tick((reached + timedelta(days=days)).isoformat())
        return next((each for each in story.decided(TierChanged) if each.to_tier == "gold"), None)

    story = Story(changes)
    story.register(since.isoformat())
    first = story.decided(TierChanged)[0]
    reached = date.fromisoformat(str(first.conditions[3].threshold))
    at = on(0)
    assert on(-1) is None
    assert at is not None
    differ(at, first, in_force(changes))


@given(st.integers(0, 10**9), st.integers(1, 1000))
def test_one_unit_of_an_amount_or_a_quantity_is_another_verdict_and_another_text(limit: int, quantity: int) -> None:
    rights = {"base": {"window_days": 30, "auto_approve_limit_minor": limit}, "tiers": {}}
    changes = {"returns": {"rights": rights}}

    def back(goods: int, units: int, bought: int) -> Decided:
        story = Story(changes)
        story.order("2024-01-01", lines=[e.OrderLine("l1", bought, goods)])
        return only(story.send_back("2024-01-02", units), ReturnDecided)

    differ(back(limit, 1, 1), back(limit + 1, 1, 1), in_force(changes))
    differ(back(0, quantity, quantity), back(0, quantity + 1, quantity), in_force(changes))


@given(st.integers(0, 400), st.sampled_from(["UTC", "America/New_York", "Pacific/Auckland"]))
def test_one_millisecond_after_the_window_is_another_verdict_and_another_text(days: int, zone: str) -> None:
    rights = {"base": {"window_days": days, "auto_approve_limit_minor": 10**6}, "tiers": {}}
    changes = {"time_zone": zone, "returns": {"rights": rights}}

    def asked(instant: int | None) -> ReturnDecided:
        story = Story(changes)
        story.order("2024-01-01", "1.00")
        story.deliver("2024-01-05")
        at = story.at("2024-01-06") if instant is None else instant
        request = e.ReturnRequested(
            event_id="r1",
            customer_id="ada",
            occurred_at=at,
            order_id="o1",
            return_id="b1",
            lines=(e.ReturnLine("l1", 1),),
        )
        story.tick(story.local(at))
        return only(story.tell("ada", request), ReturnDecided)

    end = asked(None).window_ends_at
    assert end is not None
    differ(asked(end - 1), asked(end), in_force(changes))


@given(st.integers(1, 400))
def test_one_day_of_silence_less_is_no_alert(days: int) -> None:
    changes = {"at_risk": {"silent_days": days}, "tiers": [tier("gold", 0, 0)]}
    last = date(2024, 1, 1)

    def silent(more: int) -> list[AtRiskRaised]:
        story = Story(changes)
        story.order(last.isoformat())
        story.tick((last + timedelta(days=more)).isoformat())
        return story.decided(AtRiskRaised)

    assert silent(days) == []
    (alert,) = silent(days + 1)
    assert comparison(alert.conditions[0], "USD", in_force(changes)) == f"{days + 1}, more than {days}"


def tier(name: str, floor_minor: int, months: int) -> Document:
    return {"name": name, "label": name.title(), "lifetime_value_minor": floor_minor, "tenure_months": months}


def test_amounts_are_told_in_the_currency_of_the_decision_not_of_a_later_policy() -> None:
    story = Story({"currency": "JPY"})
    back = only(
        story.order("2024-01-01", lines=[e.OrderLine("l1", 1, 1234)], currency="JPY") + story.send_back("2024-01-02"),
        ReturnDecided,
    )
    assert "1,234 JPY" in "\n".join(explain(back, in_force({"currency": "USD"}), "agent"))
    assert amount(1234, "JPY") == "1,234"


def test_a_change_that_a_policy_made_names_the_policy() -> None:
    story = Story()
    story.register("2014-01-01")
    story.tick("2024-01-01")
    story.order("2024-01-01", "2000.00")
    changes = {"version": "kind", "tiers": [tier | {"lifetime_value_minor": 1} for tier in policy_with()["tiers"]]}
    changed = only(story.activate(policy_with(changes), "2024-02-01"), TierChanged)
    said = explain(changed, in_force(changes), "agent")
    assert said[1].startswith("Because of policy kind, which came into force for everybody; nobody sent an event.")


def test_what_people_decide_is_said_in_words_r_tier_24() -> None:
    story = Story({"automatic": {"approval": "every_rise"}})
    story.register("2024-01-01")
    story.designate("2024-02-01", "platinum", ends_at="2024-03-01", author_id="mia", event="c1")
    story.designate("2024-02-02", "gold", "d2", author_id="tom", role="agent", event="c2")
    story.tick("2024-03-01")
    story.order("2025-02-01", "1000.00")
    story.review("2025-02-02", "gold", event="c3")
    story.undesignate("2025-02-03", None, None, event="c4")
    said = [sentence(decision, in_force()) for decision in story.decided()]
    assert said == [
        "On 2024-02-01 00:00, DesignationAdded c1 about customer ada, given by mia as manager, was done.",
        "On 2024-02-01 00:00, customer ada rose from no tier to Platinum: a person decided so.",
        "On 2024-02-02 00:00, DesignationAdded c2 about customer ada, given by tom as agent, was refused.",
        "On 2024-03-01 00:00, designation d1 of customer ada as Platinum is over since 2024-03-01.",
        "On 2024-03-01 00:00, customer ada fell from Platinum to no tier: what a person gave is over.",
        "On 2025-02-01 00:00, customer ada (no tier) qualifies for Gold, and a person is asked.",
        "On 2025-02-02 00:00, QualificationReviewed c3 about customer ada, given by mia as manager, was done.",
        "On 2025-02-02 00:00, customer ada rose from no tier to Gold.",
        "On 2025-02-03 00:00, DesignationRemoved c4 about customer ada, given by mia as manager, was done.",
        "On 2025-02-03 00:00, customer ada fell from Gold to no tier: a person took the status away.",
    ]
    given, over, _, removed = (explain(each, in_force(), "customer") for each in story.decided(TierChanged))
    assert given == ["You are Platinum now.", "We gave it to you until 2024-02-29."]
    assert over[:2] == ["You are Platinum no more.", "What you bought comes to 0.00 USD; 2,500.00 USD would be needed."]
    assert over[-1] == "We had given it to you until 2024-02-29."
    assert removed == ["You are Gold no more.", "We took it back."]


def test_a_refused_command_says_which_condition_failed_to_its_author() -> None:
    story = Story()
    story.register("2024-01-01")
    story.designate("2024-02-01", "gold", event="c1")
    told = only(story.redesignate("2024-02-02", 4, "ruby", role="agent"), CommandAnswered)
    lines = [line for line in explain(told, in_force(), "agent") if line.startswith("no ")]
    assert lines == [
        "no  role in which the command was given: agent, none of administrator, manager, platform_admin",
        "no  tier that a person gives: ruby, none of Gold, Platinum, Diamond",
        "no  version of the designation that the author saw: 4, but must be 1",
    ]
