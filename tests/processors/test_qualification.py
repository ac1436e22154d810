"""Facts, what tiers may ask of them, distance to the next tier, and stages (R-CUST-02, 08, 09, 14; R-TIER-07, 09, 11, 20, 21)."""

import json
from collections import defaultdict
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.asking import asks
from processors.policy import CONDITIONS, Policy, Tier, asked, parse, warnings
from processors.policy_errors import PolicyInvalid
from processors.qualification import NAMES, qualify
from processors.span import WIDTH, Span, first_of, month_of, told, turns, within
from schemas.decided import Condition
from schemas.decisions import TierChanged
from tests.processors.story import Story, none_of, only, policy_with


def tiers(*each: dict[str, Any]) -> dict[str, Any]:
    return {"tiers": [{"label": one["name"].title(), **one} for one in each]}


def vip(**asking: Any) -> Story:
    """A programme of one tier that asks for just this."""
    return Story(tiers({"name": "vip", **asking}))


def found(story: Story, name: str, of: str = "vip") -> Condition:
    """The condition of a name, as the last change of tier saw it."""
    (condition,) = [each for each in story.decided(TierChanged)[-1].conditions if (each.of, each.name) == (of, name)]
    return condition


def parsed(changes: dict[str, Any]) -> Policy | PolicyInvalid:
    return parse(json.dumps(policy_with(changes)))


# What a tier may ask for


def test_the_sources_own_criterion_value_tenure_and_consistent_orders_r_tier_21_r_tier_09() -> None:
    story = vip(lifetime_value_minor=100_000, tenure_months=12, order_months=5)
    for month in range(1, 13):
        if month != 10:
            story.order(f"2023-{month:02}-10", "200.00", f"o{month}")
    assert story.row().tier is None
    changed = only(story.tick("2024-01-10"), TierChanged)
    assert changed.to_tier == "vip"
    months = found(story, "order_months_of_6")
    assert (months.value, months.operator, months.threshold) == (5, ">=", 5)
    assert months.moved_by == story.row().moved.last_order


def test_a_month_counts_once_it_is_whole_by_time_alone_t_11() -> None:
    story = vip(order_months=2)
    story.order("2024-01-31 23:00", "1.00")
    story.order("2024-02-01 01:00", "1.00", "o2")
    assert none_of(story.tick("2024-02-29 23:59"), TierChanged)
    changed = only(story.tick("2024-03-01"), TierChanged)
    assert (changed.to_tier, changed.cause) == ("vip", f"timer/windows/tier/{story.at('2024-03-01')}")


def test_who_orders_no_more_falls_by_time_alone_after_the_days_of_grace_c_07_t_21() -> None:
    story = vip(order_months=2)
    story.order("2024-01-10", "1.00")
    story.order("2024-02-10", "1.00", "o2")
    story.tick("2024-03-01")
    assert story.row().tier == "vip"
    # Of the six months before August, January is none any more.
    story.tick("2024-07-31 23:59")
    assert story.row().falls_at is None
    story.tick("2024-08-01")
    assert story.row().falls_at == story.at("2024-09-01")
    assert only(story.tick("2024-09-01"), TierChanged).reason == "downgrade"


def test_an_order_within_the_grace_ends_it_t_12() -> None:
    story = vip(order_months=1)
    story.order("2024-01-10", "1.00")
    story.tick("2024-02-01")
    story.order("2024-07-31", "1.00", "late")  # the month after which January is looked at no more
    assert none_of(story.tick("2024-12-31"), TierChanged)
    assert story.row().tier == "vip"


def test_no_timer_for_windows_that_no_tier_looks_at() -> None:
    story = vip(orders=1)
    story.order("2024-01-10", "1.00")
    assert [kind for kind, _ in story.row().timers if kind == "windows"] == []


def test_an_order_cancelled_later_was_activity_in_its_month_t_16() -> None:
    story = vip(order_months=1)
    story.order("2024-01-10", "1.00")
    story.cancel("2024-01-11")
    story.tick("2024-02-01")
    assert story.row().tier == "vip"


def test_months_are_local_t_08() -> None:
    story = Story(tiers({"name": "vip", "order_months": 1}) | {"time_zone": "America/New_York"})
    story.order("2024-01-31 23:30", "1.00")  # February in UTC
    assert only(story.tick("2024-02-01"), TierChanged).to_tier == "vip"


def test_referrals_are_different_people_r_cust_08() -> None:
    story = vip(referrals=2)
    story.refer("2024-01-01", "bob", event="first")
    story.refer("2024-01-02", "bob", event="again")
    story.refer("2024-01-03", "ada", event="myself")
    assert (story.row().tier, story.profiles["ada"].referrals) == (None, 1)
    story.refer("2024-01-04", "cleo", event="second")
    assert (story.row().tier, story.profiles["ada"].referrals) == ("vip", 2)
    assert found(story, "referrals").moved_by == "interactions/second"


def test_problem_free_is_without_complaints_on_the_policys_topics_r_cust_09() -> None:
    story = Story(
        tiers({"name": "vip", "orders": 1, "most_complaints": 0}) | {"complaint_topics": ["damage"], "grace_days": 0}
    )
    story.order("2024-01-01", "1.00")
    story.contact("2024-01-02", "k1", topic="complaint")
    story.contact("2024-01-02", "k2")
    assert (story.row().tier, story.profiles["ada"].complaints) == ("vip", 0)
    story.contact("2024-01-03", "k3", topic="damage", event="angry")
    story.contact("2024-01-03", "k3", topic="damage", event="told twice")
    assert story.profiles["ada"].complaints == 1
    assert only(story.tick("2024-01-05"), TierChanged).to_tier is None
    assert found(story, "complaints").moved_by == "support/angry"


def test_a_disputed_return_is_a_complaint_once_r_cust_09() -> None:
    story = vip(most_complaints=0)
    story.order("2024-01-01", "1.00")
    story.dispute("2024-01-02", event="one")
    story.dispute("2024-01-03", event="two")
    assert story.profiles["ada"].complaints == 1
    story.dispute("2024-01-03", "b2")
    assert story.profiles["ada"].complaints == 2


def test_who_never_cancelled_r_cust_08() -> None:
    story = vip(most_cancellations=0, orders=1)
    story.subscribe("2020-01-01", "10.00")
    story.leave("2021-01-01", event="left")
    story.resume("2021-01-02")
    story.order("2021-01-03", "1.00")
    assert (story.row().tier, story.profiles["ada"].never_cancelled) == (None, False)
    assert story.profiles["ada"].missing == (
        Condition("vip", "cancellations", 1, "<=", 0, holds=False, moved_by="orders/left"),
    )


def test_answers_are_different_questions_r_cust_09() -> None:
    story = vip(answers=2)
    story.reply("2024-01-01", "q1")
    story.reply("2024-01-02", "q1")
    assert story.row().tier is None
    story.reply("2024-01-03", "q2")
    assert (story.row().tier, story.profiles["ada"].answers) == ("vip", 2)


def test_interaction_days_are_days_with_a_visit_an_answer_or_a_contact_r_cust_02() -> None:
    story = vip(interaction_days=3)
    story.visit("2024-01-01 09:00")
    story.visit("2024-01-01 18:00")
    story.reply("2024-01-02")
    story.contact("2024-01-03")
    assert story.profiles["ada"].interaction_days == 2  # the third day is not whole
    assert only(story.tick("2024-01-04"), TierChanged).to_tier == "vip"
    story.tick("2024-01-31 23:59")
    assert story.row().falls_at is None
    story.tick("2024-02-01")
    assert story.row().falls_at is not None


@pytest.mark.parametrize(
    ("asking", "short", "enough"),
    [
        ({"orders": 2}, ["1.00"], "1.00"),
        ({"orders_per_year_milli": 3000}, ["1.00", "1.00"], "1.00"),
        ({"lifetime_value_minor": 1000}, ["9.99"], "0.01"),  # T-06, C-09: a floor
    ],
)
def test_counts_are_floors_t_06(asking: dict[str, int], short: list[str], enough: str) -> None:
    story = vip(**asking)
    for number, goods in enumerate(short):
        story.order("2024-01-01", goods, f"s{number}")
    assert story.row().tier is None
    assert only(story.order("2024-01-02", enough, "last"), TierChanged).to_tier == "vip"


def test_a_subscription_amount_can_be_asked_for_r_cust_05() -> None:
    story = vip(monthly_subscription_minor=2_000)
    story.subscribe("2024-01-01", "19.99")
    assert story.row().tier is None
    assert only(story.reprice("2024-01-02", "20.00", event="dearer"), TierChanged).to_tier == "vip"
    assert found(story, "monthly_subscription_minor").moved_by == "orders/dearer"


def test_any_one_of_the_conditions_is_enough_where_the_tier_says_so_c_02() -> None:
    story = vip(require="any", lifetime_value_minor=100_000, referrals=1, tenure_months=12)
    story.order("2024-01-01", "1.00")
    assert story.row().tier is None
    story.refer("2024-01-02", "bob")
    changed = story.decided(TierChanged)[0]
    assert [(each.name, each.holds) for each in changed.conditions] == [
        ("conditions_met", True),
        ("lifetime_value_minor", False),
        ("tenure_12_months_on", False),
        ("referrals", True),
    ]


def test_where_any_is_enough_tenure_alone_lifts_t_11() -> None:
    story = vip(require="any", lifetime_value_minor=100_000, tenure_months=12)
    story.register("2023-01-01")
    assert story.profiles["ada"].next_tier_require == "any"
    assert only(story.tick("2024-01-01"), TierChanged).cause.startswith("timer/tenure")


def test_who_left_does_not_rise_by_any_condition_either_r_tier_15() -> None:
    story = vip(require="any", orders=1, referrals=1)
    story.subscribe("2024-01-01", "1.00")
    story.leave("2024-01-02")
    story.order("2024-01-03", "1.00")
    assert story.row().tier is None


@pytest.mark.parametrize("names", [["a"], ["a", "b"], ["a", "b", "c", "d", "e", "f"]])
def test_any_number_of_tiers_of_any_name_r_tier_07(names: list[str]) -> None:
    story = Story(tiers(*({"name": name, "lifetime_value_minor": 1000 * at} for at, name in enumerate(names, start=1))))
    for at, name in enumerate(names, start=1):
        story.order("2024-01-01", "10.00", f"o{at}")
        assert story.row().tier == name


def test_each_shipped_tier_has_the_sources_benefits_and_icon_r_tier_04_r_tier_05_r_tier_06() -> None:
    policy = parsed({})
    assert isinstance(policy, Policy)
    assert {tier.name: (policy.benefits.tiers[tier.name], policy.labels[tier.name].icon) for tier in policy.tiers} == {
        "gold": (("enhanced_support", "occasional_exclusives"), "gold"),
        "platinum": (("priority_support", "early_access", "special_pricing"), "platinum"),
        "diamond": (("highest_priority", "exclusive_products", "dedicated_support"), "diamond"),
    }


def test_where_any_is_enough_a_person_is_asked_all_the_same_r_tier_10() -> None:
    """What is missing is what the tier asks for; that somebody must approve it is told beside that."""
    any_of_two = tiers({"name": "vip", "require": "any", "orders": 1, "referrals": 5})
    story = Story(any_of_two | {"automatic": {"approval": "every_rise"}})
    story.order("2024-01-10", "1.00")
    profile = story.profiles["ada"]
    assert (profile.tier, profile.proposed_tier) == (None, "vip")
    assert [each.name for each in profile.missing] == ["referrals"]
    story.review("2024-01-11", "vip")
    assert story.row().tier == "vip"


# Policies


def test_more_than_three_tiers_are_warned_of_and_allowed_r_tier_19_c_13() -> None:
    floors = [{"name": f"t{at}", "lifetime_value_minor": at} for at in range(4)]
    three, four = parsed(tiers(*floors[:3])), parsed(tiers(*floors))
    assert isinstance(three, Policy)
    assert isinstance(four, Policy)
    assert warnings(three) == []
    assert warnings(four) == ["found 4 tiers; 2-3 are ideal (R-TIER-19)"]


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        (tiers({"name": "a"}), "$.tiers[0]"),
        (tiers({"name": "a", "orders": -1}), "$.tiers[0].orders"),
        (tiers({"name": "a", "orders": 1, "require": "most"}), "$.tiers[0].require"),
        ({"lifecycle": {"engagement_months": 3}}, "$.lifecycle.engagement_months"),
        ({"vip_share": {"too_high_percent": 9}}, "$.vip_share.too_high_percent"),
        ({"windows": {"months": 64}}, "$.windows.months"),
    ],
)
def test_what_a_policy_must_not_say(changes: dict[str, Any], path: str) -> None:
    invalid = parsed(changes)
    assert isinstance(invalid, PolicyInvalid)
    assert invalid.path == path


def test_every_condition_of_a_tier_can_be_put_in_words_and_is_evaluated_r_tier_09() -> None:
    conditional = set(Tier.__struct_fields__) - {"name", "label", "require"}
    assert set(CONDITIONS) == conditional
    policy = parsed(tiers({"name": "vip", **dict.fromkeys(CONDITIONS, 3)}))
    assert isinstance(policy, Policy)
    (tier,) = policy.tiers
    assert asked(tier) == list(CONDITIONS)
    evaluated = qualify(Story().row(), policy, 0).conditions
    assert len(evaluated) == len(CONDITIONS)
    assert all(each.name.startswith(NAMES) for each in evaluated)
    assert asks(tier, policy) == (
        "0.03 USD, 3 months, 3 orders, 0.003 orders a year, orders in 3 of 6 months, 3 referrals, at most 3 cancellations, "
        "at most 3 complaints, 3 answers to surveys, contact on 3 of 30 days, 0.03 USD a month"
    )


def test_a_policy_of_before_asks_for_what_it_asked_t_47() -> None:
    """Documents in the log that know neither windows nor stages."""
    document = policy_with()
    for name in ("windows", "complaint_topics", "lifecycle", "vip_share", "cancellation"):
        del document[name]
    old, new = parse(json.dumps(document)), parsed({})
    assert isinstance(old, Policy)
    assert isinstance(new, Policy)
    assert [asks(tier, old) for tier in old.tiers] == [asks(tier, new) for tier in new.tiers]


# Distance


def test_the_profile_names_everything_that_is_missing_and_the_day_of_tenure_r_tier_20_t_07() -> None:
    story = Story(
        tiers({"name": "vip", "lifetime_value_minor": 100_000, "tenure_months": 12, "referrals": 2, "order_months": 1})
    )
    story.order("2024-01-10", "612.34", event="bought")
    profile = story.profiles["ada"]
    assert (profile.next_tier, profile.next_tier_require, profile.missing_value_minor) == ("vip", "all", 38_766)
    assert profile.tenure_suffices_at == story.at("2025-01-10")
    assert [(each.name, each.value, each.threshold) for each in profile.missing] == [
        ("lifetime_value_minor", 61_234, 100_000),
        ("order_months_of_6", 0, 1),
        ("referrals", 0, 2),
    ]
    assert profile.missing[0].moved_by == "orders/bought"
    story.tick("2024-02-01")
    assert [each.name for each in story.profiles["ada"].missing] == ["lifetime_value_minor", "referrals"]


def test_a_tier_that_asks_for_neither_value_nor_tenure_says_nothing_of_them() -> None:
    story = vip(referrals=1)
    story.order("2024-01-10", "1.00")
    profile = story.profiles["ada"]
    assert (profile.missing_value_minor, profile.tenure_suffices_at) == (None, None)


# Quality of facts


def test_orders_whose_reversals_wait_for_them_are_counted_r_cust_14() -> None:
    story = Story()
    story.cancel("2024-01-02", "o1")
    story.refund("2024-01-02", "1.00", "o1")
    story.deliver("2024-01-03", "o2")
    assert story.profiles["ada"].orders_awaited == 2
    story.keeps_time = False
    story.order("2024-01-01", "10.00", "o1")
    assert story.profiles["ada"].orders_awaited == 1
    story.order("2024-01-01", "10.00", "o2")
    assert story.profiles["ada"].orders_awaited == 0


def test_a_return_asked_for_before_its_order_is_no_reversal_t_17() -> None:
    story = Story()
    story.send_back("2024-01-02")
    assert story.profiles["ada"].orders_awaited == 0
    story.keeps_time = False
    story.order("2024-01-01", "10.00")
    assert story.profiles["ada"].orders_awaited == 0


# Stages


def test_the_stage_follows_tenure_by_time_alone_r_tier_11_c_03_t_11() -> None:
    story = Story()
    story.register("2020-08-31")
    stages = []
    for day in ("2020-08-31", "2021-02-27", "2021-02-28", "2021-08-30", "2021-08-31", "2023-08-30", "2023-08-31"):
        story.tick(day)
        stages.append(story.profiles["ada"].journey_stage)
    assert stages == [
        "identification", "identification", "designation", "designation", "engagement", "engagement", "retention",
    ]  # fmt: skip
    assert story.row().timers == ()


def test_the_months_of_the_stages_are_the_policys_r_tier_11() -> None:
    story = Story({"lifecycle": {"designation_months": 1, "engagement_months": 2, "retention_months": 3}})
    story.register("2024-01-01")
    story.tick("2024-03-01")
    assert story.profiles["ada"].journey_stage == "engagement"


def test_who_cancelled_is_to_be_won_back_r_tier_11_r_risk_05() -> None:
    story = Story()
    story.subscribe("2020-01-01", "10.00")
    story.leave("2024-01-01")
    assert story.profiles["ada"].journey_stage == "win_back"
    story.resume("2024-02-01")
    assert story.profiles["ada"].journey_stage == "retention"


def test_a_stage_changes_no_tier_and_before_a_year_nobody_is_a_vip_by_rule_c_03() -> None:
    story = Story()
    story.order("2023-01-01", "9999.00")
    assert none_of(story.tick("2023-12-31 23:59"), TierChanged)
    assert (story.profiles["ada"].journey_stage, story.profiles["ada"].tier) == ("designation", None)
    assert only(story.tick("2024-01-01"), TierChanged).to_tier == "gold"


def test_a_stranger_who_asks_has_no_stage() -> None:
    story = Story()
    story.contact("2024-01-01")
    assert story.profiles["ada"].journey_stage is None


# Laws

PERIODS = st.lists(st.integers(1000, 1200), max_size=30)


@given(PERIODS, st.integers(1000, 1300), st.integers(1, WIDTH - 1), st.randoms(use_true_random=False))
def test_a_span_is_what_a_plain_set_finds_whatever_the_order_t_15_t_16(
    periods: list[int], now: int, window: int, chance: Any
) -> None:
    again = periods + periods[:5]
    chance.shuffle(again)
    span, other = Span(), Span()
    for each in periods:
        span = told(span, each)
    for each in again:
        other = told(other, each)
    assert span == other
    assert span.mask < 2**WIDTH
    now = max([now, *periods])
    assert within(span, window, now) == len({each for each in periods if now - window <= each < now})
    changes = [
        later
        for later in range(now + 1, now + 300)
        if len({each for each in periods if later - window <= each < later}) != within(span, window, now)
    ]
    assert turns(span, window, now) == (changes[0] if changes else None)


def test_months_are_numbered_and_begin() -> None:
    assert str(first_of(month_of(first_of(month_of(first_of(2024 * 12 + 11)))))) == "2024-12-01"


ASKING = tiers(
    {"name": "silver", "require": "any", "referrals": 2, "order_months": 2, "tenure_months": 6},
    {"name": "gold", "orders": 3, "most_complaints": 1, "order_months": 1, "interaction_days": 1},
    {"name": "black", "lifetime_value_minor": 5_000, "tenure_months": 2, "answers": 1, "most_cancellations": 0},
) | {"grace_days": 5, "complaint_topics": ["complaint"]}

DAYS = st.integers(0, 400)
HAPPENING = st.tuples(
    DAYS,
    st.sampled_from(
        [
            "order",
            "order",
            "order",
            "refund",
            "cancel",
            "refer",
            "complain",
            "visit",
            "answer",
            "dispute",
            "leave",
            "back",
        ]
    ),
    st.integers(0, 4),
)


def happen(story: Story, it: tuple[int, str, int], event: str | None = None) -> None:
    day, kind, number = it
    at = story.local(story.at("2023-01-15") + day * 86_400_000)
    name = event or f"{kind}-{day}-{number}"
    about: dict[str, Any] = {"event": name}
    ways: dict[str, Any] = {
        "order": lambda: story.order(at, f"{10 + number}.00", f"o{number}", **about),
        "refund": lambda: story.refund(at, "4.00", f"o{number}", f"f{day}", **about),
        "cancel": lambda: story.cancel(at, f"o{number}", **about),
        "refer": lambda: story.refer(at, f"friend{number}", **about),
        "complain": lambda: story.contact(at, f"k{number}", topic="complaint", **about),
        "visit": lambda: story.visit(at, **about),
        "answer": lambda: story.reply(at, f"q{number}", **about),
        "dispute": lambda: story.dispute(at, f"b{number}", **about),
        "leave": lambda: story.leave(at, **about),
        "back": lambda: story.resume(at, **about),
    }
    ways[kind]()


def unique(history: list[tuple[int, str, int]]) -> list[tuple[int, str, int]]:
    """Each order is placed once: a second placement with another date is upstream's contradiction, and the first told holds."""
    seen: set[int] = set()
    return [it for it in history if it[1] != "order" or not (it[2] in seen or seen.add(it[2]))]  # type: ignore[func-returns-value]


HISTORY = st.lists(HAPPENING, max_size=20, unique_by=lambda it: it[0]).map(unique)


def ended(story: Story) -> tuple[object, ...]:
    """Where the customer stands after so long a time that nothing is on its way any more."""
    story.tick("2026-06-01")
    row, profile = story.row(), story.profiles.get("ada")
    if profile is None:
        return ()
    return (
        row.tier, row.value_minor, row.orders, row.since, row.last_order_at, row.membership, row.falls_at,
        row.activity, [(each.name, each.value) for each in profile.missing],
    )  # fmt: skip


@given(HISTORY, st.randoms(use_true_random=False))
def test_every_interleaving_that_keeps_each_orders_sequence_ends_in_the_same_tier_t_16(
    history: list[tuple[int, str, int]], chance: Any
) -> None:
    queues = defaultdict(list)
    for it in sorted(history):
        queues[(it[1] in ("order", "refund", "cancel"), it[2])].append(it)
    mixed = []
    waiting = [list(reversed(queue)) for queue in queues.values()]
    while waiting:
        queue = chance.choice(waiting)
        mixed.append(queue.pop())
        waiting = [each for each in waiting if each]
    one, other = Story(ASKING), Story(ASKING)
    for it in sorted(history):
        happen(one, it)
    for it in mixed:
        happen(other, it)
    assert ended(one) == ended(other)


@given(HISTORY, st.integers(0, 20))
def test_a_prefix_published_twice_changes_nothing_t_15(history: list[tuple[int, str, int]], much: int) -> None:
    history = sorted(history)
    once, twice = Story(ASKING), Story(ASKING)
    for it in history:
        happen(once, it)
        happen(twice, it)
    before = twice.stored()
    effects = len(twice.effects)
    for it in history[:much]:
        happen(twice, it, "published again")
    assert [each for each in twice.effects[effects:] if type(each).__name__ != "Send"] == []
    assert {key: row for key, row in twice.stored().items() if key[:1] != b"#"} == {
        key: row for key, row in before.items() if key[:1] != b"#"
    }
    assert ended(once) == ended(twice)


@given(HISTORY)
def test_value_and_counts_are_never_negative_t_03(history: list[tuple[int, str, int]]) -> None:
    story = Story(ASKING)
    for it in history:
        happen(story, it)
        row = story.row()
        assert min(row.value_minor, row.orders, row.activity.awaited, row.activity.complaints) >= 0


@settings(max_examples=20)
@given(HISTORY)
def test_time_alone_leaves_nobody_in_a_tier_that_they_do_not_deserve_t_11_t_21(
    history: list[tuple[int, str, int]],
) -> None:
    """Looked at on every day, against an evaluation from scratch."""
    story = Story(ASKING)
    policy = parse(json.dumps(story.document))
    assert isinstance(policy, Policy)
    days = {it[0]: it for it in history}
    for day in range(460):
        now = story.at("2023-01-15") + day * 86_400_000
        story.tick(story.local(now))
        if day in days:
            happen(story, days[day])
        row = story.row()
        assert (qualify(row, policy, now).tier == row.tier) == (row.falls_at is None)


def test_each_order_of_arrival_of_five_facts_ends_in_the_same_row_t_16() -> None:
    ends = set()
    for arrival in permutations(range(5)):
        story = Story(ASKING)
        story.keeps_time = False
        ways: list[Any] = [
            lambda story=story: story.order("2024-01-10", "30.00", "o1", event="a"),
            lambda story=story: story.cancel("2024-02-10", "o1", event="b"),
            lambda story=story: story.order("2024-02-12", "30.00", "o2", event="c"),
            lambda story=story: story.refer("2024-02-13", "bob", event="d"),
            lambda story=story: story.contact("2024-02-14", topic="complaint", event="e"),
        ]
        for each in arrival:
            ways[each]()
        story.tick("2024-03-01")
        row = story.row()
        ends.add((row.tier, row.value_minor, row.orders, row.activity))
    assert len(ends) == 1
