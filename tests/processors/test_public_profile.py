"""The public profile: what it says, and that it is published when that changes, once a step."""

import pytest
from msgspec.structs import replace

from processors.activity import Activity
from processors.customer import Alert, Customer
from processors.frequency import YEAR_MS, orders_per_year_milli
from processors.membership import Membership
from processors.public_profile import is_told, public_profile
from processors.span import Span
from schemas.decided import Condition, Decided
from schemas.profiles import CustomerProfile
from tests.processors.story import NO_STAGES, Story, none_of, only, policy_with
from tests.processors.story import parsed_with as policy_of

YEAR_START = 1_704_067_200_000


@pytest.mark.parametrize(
    ("orders", "span_ms", "expected"),
    [
        (0, 0, 0),
        (1, 0, 1000),
        (4, YEAR_MS // 2, 4000),  # shorter than a year counts as one
        (4, YEAR_MS, 4000),
        (4, 2 * YEAR_MS, 2000),
        (1, 2 * YEAR_MS, 500),
        (2, 3 * YEAR_MS, 667),
    ],
)
def test_frequency_is_orders_a_year_in_thousandths_r_cust_10(orders: int, span_ms: int, expected: int) -> None:
    customer = Customer(orders=orders, first_order_at=YEAR_START, last_order_at=YEAR_START + span_ms)
    assert orders_per_year_milli(customer) == expected


def test_who_never_ordered_has_no_frequency() -> None:
    assert orders_per_year_milli(Customer()) == 0


def test_a_registered_customer_has_a_profile() -> None:
    story = Story()
    profile = only(story.register("2024-01-01"), CustomerProfile)
    assert profile == CustomerProfile(
        customer_id="ada",
        as_of=story.at("2024-01-01"),
        sequence=0,
        lifetime_value_minor=0,
        currency="USD",
        orders=0,
        orders_per_year_milli=0,
        customer_since=story.at("2024-01-01"),
        at_risk=False,
        next_tier="gold",
        missing_value_minor=100_000,
        tenure_suffices_at=story.at("2025-01-01"),
        policy_version="default-1",
        journey_stage="identification",
        next_tier_require="all",
        missing=(Condition("gold", "lifetime_value_minor", 0, ">=", 100_000, holds=False),),
    )


def test_what_changes_nothing_publishes_nothing() -> None:
    story = Story(NO_STAGES)
    story.order("2024-01-01", "10.00")
    assert none_of(story.order("2024-01-05", "10.00"), CustomerProfile)
    assert none_of(story.deliver("2024-01-05"), CustomerProfile)
    assert none_of(story.tick("2025-06-01"), CustomerProfile)
    assert none_of(story.refund("2025-06-02", "0.00"), CustomerProfile)


def test_one_profile_a_step_with_the_number_of_the_last_decision() -> None:
    """The silent new VIP has a tier change and an alert in one step."""
    story = Story()
    story.order("2023-01-01", "1000.00")
    effects = story.tick("2024-01-01")
    numbers = [each.sequence for each in effects if isinstance(each, Decided)]
    profile = only(effects, CustomerProfile)
    assert (numbers, profile.sequence) == ([1, 2], 2)
    assert (profile.tier, profile.at_risk) == ("gold", True)
    assert profile == effects[-1]


SILVER = Customer(
    since=YEAR_START,
    value_minor=5,
    orders=3,
    first_order_at=YEAR_START,
    last_order_at=YEAR_START + 3 * YEAR_MS,
    tier="gold",
    vip_since=YEAR_START,
    sequence=4,
    policy_version="default-1",
)


@pytest.mark.parametrize(
    ("changed", "shows"),
    [
        ({"since": YEAR_START - 1}, True),
        ({"value_minor": 6}, True),
        ({"orders": 4}, True),
        ({"first_order_at": YEAR_START + YEAR_MS}, True),  # through the frequency
        ({"first_order_at": YEAR_START + 1}, False),  # too little for it
        ({"last_order_at": YEAR_START + 3 * YEAR_MS + 1}, True),
        ({"tier": "platinum"}, True),
        ({"vip_since": YEAR_START + 1}, True),
        ({"falls_at": YEAR_START}, False),
        ({"alert": Alert("id", YEAR_START, YEAR_START)}, True),
        ({"sequence": 5}, True),
        ({"policy_version": "default-2"}, False),  # alone, it is no news
        ({"timers": (("grace", YEAR_START),)}, False),
        ({"activity": Activity(stage="retention")}, True),
        ({"activity": Activity(awaited=1)}, True),
        ({"activity": Activity(months=Span(24_000, 1))}, False),  # until its month is one of the window's
        ({"membership": Membership(cancelled=((YEAR_START, YEAR_START + 1),))}, True),  # they left once
    ],
)
def test_a_profile_is_told_where_it_differs_and_nowhere_else(changed: dict[str, object], shows: bool) -> None:
    other = replace(SILVER, **changed)
    policies = [policy_of({"version": customer.policy_version}) for customer in (SILVER, other)]
    profiles = [public_profile("ada", *each, YEAR_START) for each in zip((SILVER, other), policies, strict=True)]
    same = replace(profiles[0], policy_version=other.policy_version) == profiles[1]
    assert (not same) == is_told(SILVER, other, *policies) == shows


def test_a_version_that_asks_for_more_is_told_to_whoever_it_concerns() -> None:
    other = replace(SILVER, policy_version="dearer")
    tiers = [tier | {"lifetime_value_minor": 300_000 + n} for n, tier in enumerate(policy_with()["tiers"])]
    dearer = policy_of({"version": "dearer", "tiers": tiers})
    assert is_told(SILVER, other, policy_of({}), dearer)
    above = replace(SILVER, tier="diamond"), replace(other, tier="diamond")
    assert not is_told(*above, policy_of({}), dearer), "nothing is missing at the top"


def test_the_profile_says_when_the_last_order_was_r_cust_06() -> None:
    """The most recent one, whichever arrives last."""
    story = Story()
    for day in ("2024-01-02", "2024-01-09", "2024-01-05"):
        story.order(day, "1.00", f"o{story.offset}")
    assert story.profiles["ada"].last_order_at == story.at("2024-01-09")


def test_a_profile_says_when_it_was_so() -> None:
    story = Story()
    story.tick("2024-01-10")
    assert only(story.order("2024-01-01", "1.00"), CustomerProfile).as_of == story.at("2024-01-10")


def test_a_profile_of_somebody_else_is_as_of_the_clock() -> None:
    """An event up to a day ahead says nothing of the time of others, whose timers its step runs."""
    story = Story(NO_STAGES)
    story.answers_itself = False
    for customer in ("ada", "bob"):
        story.order("2023-01-01", "1000.00", customer=customer)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("processors.step.UNITS_PER_RECORD", 1)
        story.tick("2024-01-01")
        story.keeps_time = False
        effects = story.contact("2024-01-01 20:00", customer="zoe")
    seen = {each.customer_id: story.local(each.as_of) for each in effects if isinstance(each, CustomerProfile)}
    assert seen == {"zoe": "2024-01-01 20:00", "ada": "2024-01-01"}


def test_a_value_beyond_the_next_floor_is_not_missing_t_06() -> None:
    story = Story()
    for cents, missing in (("999.99", 1), ("0.01", 0), ("0.01", 0)):
        profile = only(story.order("2024-01-01", cents, f"o{story.offset}"), CustomerProfile)
        assert profile.missing_value_minor == missing
