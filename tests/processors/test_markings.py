"""Benefits in force and delivered, the label's icon, tags and notes (R-TIER-04..06, R-TIER-25, R-MAN-13, R-CUST-15, R-CUST-16)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.markings import MOST_BENEFITS, MOST_TAGS, Delivered, Icon, Tag, delivered, last_icon, tagged
from schemas import commands as c
from schemas.decisions import CommandAnswered
from schemas.profiles import BenefitDelivery, CustomerProfile
from tests.processors.story import Story, only

GOLD = ("enhanced_support", "occasional_exclusives")


def gold() -> Story:
    story = Story()
    story.register("2014-01-01")
    story.order("2024-01-01", "1000.00")
    return story


def profile(story: Story) -> CustomerProfile:
    return story.profiles["ada"]


@pytest.mark.parametrize(
    ("goods", "benefits", "icon"),
    [
        ("999.99", (), None),
        ("1000.00", GOLD, "gold"),
        ("2500.00", ("priority_support", "early_access", "special_pricing"), "platinum"),
        ("5000.00", ("highest_priority", "exclusive_products", "dedicated_support"), "diamond"),
    ],
)
def test_each_tier_has_its_benefits_and_its_icon_r_tier_04_to_06(
    goods: str, benefits: tuple[str, ...], icon: str | None
) -> None:
    story = Story()
    story.register("2014-01-01")
    story.order("2024-01-01", goods)
    assert (profile(story).benefits, profile(story).label_icon) == (benefits, icon)
    assert profile(story).handling_note == ("VIP Customer - Premium Service" if icon else None)


def test_single_benefits_are_added_and_left_out_r_man_02() -> None:
    story = gold()
    story.designate("2024-02-01", "gold", benefits=("birthday_card",), without=("occasional_exclusives",))
    assert profile(story).benefits == ("enhanced_support", "birthday_card")
    story.redesignate("2024-02-02", 1, "gold", benefits=("check_in_call", "enhanced_support"))
    assert profile(story).benefits == (*GOLD, "check_in_call")
    story.redesignate("2024-02-03", 2, "gold", ends_at="2024-02-03")
    assert profile(story).benefits == GOLD


def test_single_benefits_wait_for_the_designation_to_begin() -> None:
    story = gold()
    story.designate("2024-02-01", "gold", starts_at="2024-03-01", benefits=("birthday_card",))
    assert profile(story).benefits == GOLD
    story.tick("2024-03-01")
    assert profile(story).benefits == (*GOLD, "birthday_card")


def test_what_was_delivered_is_counted_r_tier_25() -> None:
    story = gold()
    for event, date in (("a", "2024-02-01"), ("b", "2024-05-01"), ("a", "2024-02-01"), ("c", "2024-03-01")):
        story.command(date, c.BenefitDelivered, benefit="bonus_item", event=event)
    assert profile(story).deliveries == (BenefitDelivery("bonus_item", 3, story.at("2024-05-01")),)


def test_a_benefit_that_the_programme_does_not_have_is_refused() -> None:
    effects = gold().command("2024-02-01", c.BenefitDelivered, benefit="free_car")
    assert only(effects, CommandAnswered).verdict == "refused"


def test_the_icon_is_switched_off_for_a_customer_r_man_13_r_ful_05() -> None:
    story = gold()
    story.command("2024-02-01", c.LabelIconChanged, printed=False)
    assert (profile(story).label_icon, profile(story).handling_note) == (None, "VIP Customer - Premium Service")
    story.order("2024-02-02", "4000.00", "o2")
    assert profile(story).label_icon is None
    story.command("2024-02-03", c.LabelIconChanged, printed=True)
    assert profile(story).label_icon == "diamond"


def test_vip_status_not_showing_on_labels_is_expired_r_ful_05() -> None:
    story = Story()
    story.register("2024-01-01")
    story.designate("2024-02-01", "gold", ends_at="2024-03-01")
    assert profile(story).label_icon == "gold"
    story.tick("2024-03-01")
    assert profile(story).label_icon is None


def test_tags_are_no_status_r_cust_15() -> None:
    story = Story()
    story.register("2024-01-01")
    story.command("2024-02-01", c.TagsChanged, added=("vegan", "vip"))
    assert (profile(story).tags, profile(story).tier, profile(story).benefits) == (("vegan", "vip"), None, ())
    story.command("2024-02-02", c.TagsChanged, removed=("vip", "unknown"), added=("press",))
    assert profile(story).tags == ("press", "vegan")


def test_a_customer_has_so_many_tags_and_no_more_d8() -> None:
    story = gold()
    for n in range(MOST_TAGS):
        story.command("2024-02-01", c.TagsChanged, added=(f"t{n}",))
    assert len(profile(story).tags) == MOST_TAGS
    effects = story.command("2024-02-02", c.TagsChanged, added=("one_more",))
    (failed,) = [each for each in only(effects, CommandAnswered).conditions if not each.holds]
    assert (failed.name, failed.value, failed.threshold) == ("tags", MOST_TAGS + 1, MOST_TAGS)
    story.command("2024-02-03", c.TagsChanged, added=("one_more",), removed=("t0",))
    assert "one_more" in profile(story).tags


def test_notes_are_known_and_not_read_r_cust_16_d11() -> None:
    story = gold()
    story.command("2024-02-01", c.NoteAdded, kind="preference", note_sealed=b"\x01secret", event="n1")
    story.command("2024-02-02", c.NoteAdded, kind="outreach", event="n2")
    story.command("2024-02-02", c.NoteAdded, kind="outreach", event="n2")
    assert profile(story).notes == 2
    assert not any(b"secret" in row for row in story.stored().values())


MARKS = st.lists(st.builds(Tag, st.sampled_from("abc"), st.integers(0, 5), st.booleans()), max_size=12)


@given(MARKS, st.randoms(use_true_random=False))
def test_the_last_word_on_a_tag_counts_in_any_order_t_15_t_16(marks: list[Tag], chance: object) -> None:
    mixed = marks + marks[:3]
    chance.shuffle(mixed)  # type: ignore[attr-defined]
    assert tagged((), mixed) == tagged((), marks)
    one_by_one: tuple[Tag, ...] = ()
    for mark in marks:
        one_by_one = tagged(one_by_one, [mark])
    assert one_by_one == tagged((), marks)
    for tag in one_by_one:
        assert (tag.at, tag.there) == max((each.at, each.there) for each in marks if each.name == tag.name)


def test_marks_do_not_grow_for_ever_and_what_stands_is_forgotten_last_d8() -> None:
    stands = Tag("stands", 1, there=True)
    tags = tagged((stands,), [Tag(f"gone{n}", n, there=False) for n in range(500)])
    assert len(tags) == MOST_TAGS
    assert stands in tags
    deliveries: tuple[Delivered, ...] = ()
    for n in range(200):
        deliveries = delivered(deliveries, Delivered(f"b{n}", 1, n))
    assert [each.last_at for each in sorted(deliveries, key=lambda each: each.last_at)] == list(
        range(200 - MOST_BENEFITS, 200)
    )


def test_of_two_words_on_the_icon_the_later_counts_t_16() -> None:
    on, off = Icon(1, printed=True), Icon(2, printed=False)
    assert last_icon(on, off) == last_icon(off, on) == off
    assert last_icon(None, on) == last_icon(on, None) == on
