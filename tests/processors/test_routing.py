"""Support contacts: queue, head start and response target by tier."""

import pytest

from schemas.decisions import ContactRouted
from tests.processors.story import Story, none_of, only


@pytest.mark.parametrize(
    ("goods", "queue", "priority", "minutes"),
    [
        ("1.00", "general", 0, 1440),
        ("1000.00", "vip", 10, 240),
        ("2500.00", "vip", 20, 120),
        ("5000.00", "vip-dedicated", 30, 30),
    ],
)
def test_the_tier_gives_queue_head_start_and_target_r_rte_01(
    goods: str, queue: str, priority: int, minutes: int
) -> None:
    story = Story()
    story.register("2014-01-01")
    story.order("2024-01-01", goods)
    routed = only(story.contact("2024-01-02 09:00"), ContactRouted)
    assert (routed.queue, routed.priority, routed.tier) == (queue, priority, story.row().tier)
    assert routed.respond_by == story.at("2024-01-02 09:00") + minutes * 60_000


def test_a_stranger_is_served_too() -> None:
    routed = only(Story().contact("2024-01-02"), ContactRouted)
    assert (routed.queue, routed.tier, routed.sequence) == ("general", None, 1)


def test_the_choice_is_explained_t_48_r_aud_01() -> None:
    (condition,) = only(Story().contact("2024-01-02"), ContactRouted).conditions
    assert (
        condition.of,
        condition.name,
        condition.value,
        condition.operator,
        condition.threshold,
        condition.holds,
    ) == (
        "routing",
        "tier",
        None,
        "in",
        "gold, platinum, diamond",
        False,
    )


def test_a_case_is_routed_once_for_ever_t_15() -> None:
    story = Story()
    story.contact("2024-01-02", "k1")
    assert none_of(story.contact("2029-01-03", "k1"), ContactRouted)
    assert not none_of(story.contact("2029-01-03", "k2"), ContactRouted)
    assert not none_of(story.contact("2029-01-03", "k1", customer="bob"), ContactRouted)


def test_a_contact_that_comes_late_has_its_target_from_now_on() -> None:
    story = Story()
    story.tick("2024-01-05 12:00")
    assert only(story.contact("2024-01-02"), ContactRouted).respond_by == story.at("2024-01-06 12:00")


def test_any_channel_is_routed() -> None:
    assert not none_of(Story().contact("2024-01-02", channel="carrier pigeon"), ContactRouted)
