"""A preview of a link is the link, on copies: what it shows is what would be, and nothing changed (R-CUST-11, T-25)."""

from processors.previewing import Preview, preview
from schemas.decisions import TierChanged
from schemas.events import IdsLinked
from schemas.profiles import CustomerProfile
from state.memory import MemoryStore
from state.overlay import Overlay
from tests.processors.story import Story, minor


def two() -> Story:
    story = Story()
    story.register("2019-01-01")
    story.order("2023-11-01", "600.00", "o1")
    story.order("2022-12-01", "700.00", "o2", customer="bob")
    story.tick("2024-01-01")
    return story


def previewed(story: Story, one: str, other: str) -> Preview:
    def load(_: str) -> Overlay:
        copy = MemoryStore()
        copy.write(story.stored())
        return Overlay(copy)

    at = story.at("2024-01-02")
    return preview(load, IdsLinked(event_id="p", customer_id=one, occurred_at=at, other_customer_id=other))


def test_it_shows_both_the_one_they_would_be_and_what_would_be_decided() -> None:
    story = two()
    before = story.stored()
    found = previewed(story, "bob", "ada")
    assert story.stored() == before
    assert [(each.profile.customer_id, each.profile.tier) for each in found.sides] == [("bob", None), ("ada", None)]
    together = found.together.profile
    assert (together.customer_id, together.tier, together.lifetime_value_minor) == ("ada", "gold", minor("1300.00"))
    assert [type(each) for each in found.decisions] == [TierChanged]
    assert found.refused == ()
    told = story.link("2024-01-02", "ada", customer="bob")
    (real,) = (each for each in told if isinstance(each, CustomerProfile) and each.customer_id == "ada")
    assert (real.tier, real.lifetime_value_minor) == (together.tier, together.lifetime_value_minor)


def test_it_names_the_designation_that_would_stand_t_25() -> None:
    story = two()
    story.designate("2024-01-01", "platinum", designation="d-ada")
    story.designate("2024-01-01", "gold", designation="d-bob", customer="bob")
    found = previewed(story, "ada", "bob")
    given = [each.people.designation for each in (*found.sides, found.together)]
    assert [each.designation_id if each else None for each in given] == ["d-ada", "d-bob", "d-ada"]


def test_of_an_id_that_is_linked_already_it_is_about_the_customer_whom_it_belongs_to() -> None:
    story = two()
    story.order("2022-12-01", "800.00", "o3", customer="cleo")
    story.link("2024-01-01", "bob")
    found = previewed(story, "cleo", "bob")
    assert [each.profile.linked_to for each in found.sides] == [None, "ada"]
    assert found.together.profile.customer_id == "ada"
    assert found.together.profile.lifetime_value_minor == minor("2100.00")


def test_what_would_be_refused_is_told() -> None:
    found = previewed(two(), "ada", "ada")
    assert [each.reason for each in found.refused] == ["linked_to_itself"]
