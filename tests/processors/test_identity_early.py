"""What an id is told of a thing that began under another one: before they are linked, or after, it comes to the same (T-16, T-24)."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.cases import CASES, resolved_at
from processors.effects import Send
from processors.family_rows import OfFamily
from processors.lots import PENDING, first
from processors.order import ORDERS, Order
from processors.return_cases import RETURN_CASES
from processors.reward_requests import REQUESTS
from processors.statement import statement
from processors.stock import STOCKS
from schemas.decided import Decided
from schemas.decisions import ContactClosed, ContactRouted, RecoveryDecided, ReturnDecided, StockReleased
from schemas.ledger import PointsMoved, RewardAnswered
from schemas.messages import UnitsAsked
from tests.processors.accounts import conserved
from tests.processors.story import Story

POLICY: Mapping[str, Any] = {
    "points": {
        "available": "after_return_window",
        "reserved_hours": 240,
        "offered_hours": 240,
        "interactions": {"answer": {"points": 500, "most": 9}},
        "rewards": {
            "pin": {"points": 30},
            "box": {"points": 40, "stocked": True, "substitute": "pin"},
            "cup": {"points": 40, "stocked": True},
        },
    }
}
Tell = Callable[[Story, str], Any]


def two() -> Story:
    """Ada and Bob, with points of their own."""
    story = Story(POLICY)
    for each in ("ada", "bob"):
        story.reply("2024-01-01", f"of-{each}", customer=each)
        story.order("2024-03-01", "100.00", f"o-{each}", customer=each, quantity=4)
        story.deliver("2024-03-03", f"o-{each}", customer=each)
    story.restock("2024-03-04", 5, "cup")
    return story


def told(story: Story) -> dict[tuple[object, ...], object]:
    """What was decided last of each thing, by kind."""
    found: dict[tuple[object, ...], object] = {}
    for each in story.decided():
        match each:
            case PointsMoved(movement="captured" | "released" | "reserved"):
                found[each.movement, each.request_id] = each.points
            case RewardAnswered():
                found["request", each.request_id] = each.verdict, each.reward_id
            case ReturnDecided():
                found["return", each.return_id] = each.verdict, each.amount_minor
            case StockReleased():
                found["stock", each.return_id] = each.lines
            case ContactClosed():
                found["closed", each.case_id] = each.answered_in_time, each.resolution_minutes
            case ContactRouted():
                found["routed", each.case_id] = each.queue
            case RecoveryDecided():
                found[each.order_id, each.occasion] = each.verdict, each.remedies
            case _:
                pass
    return found


WANT: Tell = lambda story, who: story.want("2024-03-10", "pin", customer=who)  # noqa: E731
CASES_OF: Mapping[str, tuple[Tell, Tell]] = {
    "a hand-over": (WANT, lambda story, who: story.hand_over("2024-03-11", customer=who)),
    "a cancellation": (WANT, lambda story, who: story.call_off("2024-03-11", customer=who)),
    "a hand-over of a stocked reward": (
        lambda story, who: story.want("2024-03-10", "cup", customer=who),
        lambda story, who: story.hand_over("2024-03-11", customer=who),
    ),
    "a hand-over while a substitute is offered": (
        lambda story, who: story.want("2024-03-10", "box", customer=who),
        lambda story, who: story.hand_over("2024-03-11", customer=who),
    ),
    "a cancellation of what is offered": (
        lambda story, who: story.want("2024-03-10", "box", customer=who),
        lambda story, who: story.call_off("2024-03-11", customer=who),
    ),
    "goods that arrived and are as they should be": (
        lambda story, who: story.send_back("2024-03-10", 2, f"o-{who}", customer=who),
        lambda story, who: story.inspect("2024-03-11", 2, customer=who),
    ),
    "an objection to a denial": (
        lambda story, who: story.send_back("2024-03-10", 9, f"o-{who}", customer=who),
        lambda story, who: story.dispute("2024-03-11", customer=who),
    ),
    "an objection to an approval": (
        lambda story, who: story.send_back("2024-03-10", 1, f"o-{who}", customer=who),
        lambda story, who: story.dispute("2024-03-11", customer=who),
    ),
    "a case that was settled": (
        lambda story, who: story.contact("2024-03-11 10:00", customer=who),
        lambda story, who: [story.case("2024-03-11 10:05", each, customer=who) for each in ("assigned", "resolved")],
    ),
    "a case that was escalated and waits": (
        lambda story, who: story.contact("2024-03-11 10:00", customer=who),
        lambda story, who: story.case("2024-03-11 10:05", "paused", customer=who),
    ),
    "a return of the other one's order": (
        lambda story, who: story.order("2024-03-08", "20.00", "o9", customer=who),
        lambda story, who: story.send_back("2024-03-11", 1, "o9", customer=who),
    ),
    "a delivery that failed": (
        lambda story, who: story.order("2024-03-08", "20.00", "o9", customer=who),
        lambda story, who: story.fail("2024-03-11", order="o9", customer=who),
    ),
}


@pytest.mark.parametrize("name", CASES_OF)
@pytest.mark.parametrize(("one", "other"), [("ada", "bob"), ("bob", "ada")])
def test_what_the_other_id_was_told_before_a_link_counts_as_after_it_t_16_t_24(name: str, one: str, other: str) -> None:
    begin, then = CASES_OF[name]
    found, states = [], []
    for link_first in (True, False):
        story = two()
        begin(story, one)
        if not link_first:
            then(story, other)
        # The same instant: nothing but what was told first differs.
        story.link("2024-03-11 12:00", "ada", customer="bob")
        if link_first:
            story.keeps_time = False
            then(story, other)
        story.tick("2024-03-12")
        found.append(told(story))
        states.append(state(story))
        conserved(statement(story.rows, "ada", "UTC"))
        ids = [each.decision_id for each in story.decided()]
        assert len(set(ids)) == len(ids)
    assert found[0] == found[1]
    assert states[0] == states[1]


def state(story: Story) -> dict[str, object]:
    """Where things stand, as the customer whose ids they came under sees them."""
    rows = OfFamily(story.rows, "ada", story.row().family, "ada")
    request, back = rows.get(REQUESTS, "ada", "q1"), rows.get(RETURN_CASES, "ada", "b1")
    case = rows.get(CASES, "ada", "k1")
    return {
        "request": request and (request.state, request.points, request.reward_id),
        "return": back
        and (back.verdict, back.received, back.accepted, back.released, back.settled_minor, back.disputed),
        "case": case and (case.opened_at, case.marks, case.answered_at, resolved_at(case), case.resolve_by),
        "wallet": wallet(story),
        "pending": sorted((each.due, each.lot, each.points) for each in first(rows, "ada", PENDING, 100)),
        "waiting": story.row().cases,
        "unsettled": story.row().unsettled,
    }


def wallet(story: Story) -> tuple[int, ...]:
    points = story.row().points
    return points.available, points.pending, points.reserved, points.deficit


def test_a_delivery_that_the_other_id_was_told_of_says_when_points_mature_t_24_t_28() -> None:
    found = []
    for link_first in (True, False):
        story = two()
        story.order("2024-03-08", "20.00", "o9", customer="ada")
        if link_first:
            story.link("2024-03-20", "bob")
        story.deliver("2024-03-20", "o9", customer="bob")
        if not link_first:
            story.link("2024-03-20", "bob")
        found.append(state(story)["pending"])
    assert found[0] == found[1]
    assert any(lot[1] == "o9" for _, lot, _ in found[0]), "it waits for its window"


def test_what_is_told_of_a_request_that_ended_stays_with_its_id_t_38() -> None:
    """Nothing was taken along: after a separation it waits for its own request, as before."""
    story = two()
    WANT(story, "ada")
    story.call_off("2024-03-10 01:00", customer="ada")
    story.hand_over("2024-03-11", customer="bob")
    story.link("2024-03-12", "bob")
    story.unlink("2024-03-13", "bob")
    story.want("2024-03-14", "pin", customer="bob")
    moved = [(each.customer_id, each.movement) for each in story.decided(PointsMoved) if each.request_id]
    assert moved == [("ada", "reserved"), ("ada", "released"), ("bob", "reserved"), ("bob", "captured")]


HALVES = ("q", "b", "k", "f")
WHATS, WHOS = st.sampled_from(["begins", "goes on", "ends"]), st.sampled_from(["ada", "bob", "cleo"])
WORD = st.tuples(WHATS, st.sampled_from(HALVES), WHOS)


def of(thing: str) -> st.SearchStrategy[tuple[str, str, str]]:
    """What is told of one thing: half of the words are about the same."""
    return st.tuples(WHATS, st.just(thing), WHOS)


def say(story: Story, word: tuple[str, str, str]) -> None:
    what, thing, who = word
    match thing, what:
        case "q", "begins":
            story.want("2024-03-10", "cup", customer=who)
        case "q", _:
            story.hand_over("2024-03-10", customer=who)
        case "b", "begins":
            story.send_back("2024-03-10", 2, f"o-{who}", customer=who)
        case "b", "goes on":
            story.inspect("2024-03-10", customer=who, event="seen")
        case "b", _:
            story.receive("2024-03-10", customer=who)
        case "k", "begins":
            story.contact("2024-03-10 10:00", customer=who)
        case "k", "goes on":
            story.case("2024-03-10 10:02", "assigned", customer=who)
        case "k", _:
            story.case("2024-03-10 10:07", "resolved", customer=who)
        case "f", "begins":
            story.order("2024-03-10", "50.00", "o9", customer=who)
        case "f", "goes on":
            story.send_back("2024-03-10", 1, "o9", "b9", customer=who)
        case _:
            story.fail("2024-03-10", order="o9", customer=who)


def test_what_began_under_an_id_stays_there_whoever_tells_of_it_again_t_15_t_24() -> None:
    story = two()
    for customer, units in (("ada", 1), ("bob", 2)):
        story.send_back("2024-03-10", units, f"o-{customer}", customer=customer)
    story.contact("2024-03-10", customer="ada")
    story.link("2024-03-11", "bob")
    story.contact("2024-03-12", customer="bob")
    story.unlink("2024-03-13", "bob")
    asked = {each: story.rows.get(RETURN_CASES, each, "b1") for each in ("ada", "bob")}
    assert {each: row and row.asked for each, row in asked.items()} == {"ada": (("l1", 1),), "bob": (("l1", 2),)}
    assert [story.rows.get(CASES, each, "k1") is not None for each in ("ada", "bob")] == [True, False]


def of_three() -> Story:
    """Ada, Bob and Cleo, with an order of four units each."""
    story = two()
    story.reply("2024-01-01", "of-cleo", customer="cleo")
    story.order("2024-03-01", "100.00", "o-cleo", customer="cleo", quantity=4)
    story.deliver("2024-03-03", "o-cleo", customer="cleo")
    return story


def different(story: Story) -> int:
    """How many decisions there are, each with an id of its own."""
    found = [each.decision_id for each in story.decided(Decided)]
    assert len(set(found)) == len(found)
    return len(found)


def test_halves_under_two_ids_are_told_at_once_to_the_third_d7() -> None:
    story = of_three()
    for each in ("ada", "bob"):
        story.inspect("2024-03-10", 1, customer=each)
    story.case("2024-03-10 10:05", "resolved", customer="ada")
    story.case("2024-03-10 10:06", "reopened", customer="bob")
    story.case("2024-03-10 10:09", "resolved", customer="bob")
    story.send_back("2024-03-10", 2, "o-cleo", customer="cleo")
    story.contact("2024-03-10 10:00", customer="cleo")
    story.link("2024-03-11", "bob")
    story.link("2024-03-12", "cleo")
    assert different(story)
    assert units(story) == {("b1", "l1"): 2}
    assert [each.resolution_minutes for each in story.decided(ContactClosed)] == [8]


def all_but_questions(story: Story, effects: Iterable[Any]) -> Iterator[Send]:
    """Messages are answered, and theirs; questions to rewards are not."""
    left = deque(effects)
    while left:
        if isinstance(each := left.popleft(), Send):
            if isinstance(each.event, UnitsAsked):
                yield each
            else:
                left += story.answer(each)


def test_a_request_is_of_the_id_that_asks_also_where_another_was_told_of_its_end_d6() -> None:
    """So the answer of its reward finds it, whoever parts meanwhile, and every unit is given or free."""
    story = two()
    story.hand_over("2024-03-09", customer="ada")
    story.link("2024-03-10", "bob")
    story.answers_itself = False
    held = [*all_but_questions(story, story.want("2024-03-11", "cup", customer="bob"))]
    held += all_but_questions(story, story.unlink("2024-03-11 01:00", "bob"))
    story.answers_itself = True
    for asked in held:
        story.answer(asked)
    row = story.rows.get(REQUESTS, "bob", "q1")
    assert row is not None
    assert (row.state, row.customer_id, story.rows.get(REQUESTS, "ada", "q1")) == ("captured", "bob", None)
    stock = story.rows.get(STOCKS, "reward/cup")
    assert stock is not None
    assert (stock.free, stock.held, stock.given) == (4, 0, 1)


def test_a_request_that_is_told_again_after_a_separation_is_the_same_t_15() -> None:
    story = two()
    story.hand_over("2024-03-09", customer="bob")
    story.link("2024-03-10", "bob")
    story.want("2024-03-11", "pin", customer="ada", event="w")
    again = story.last
    story.unlink("2024-03-12", "bob")
    assert again is not None
    story.happen(again)
    moved = [each.movement for each in story.decided(PointsMoved) if each.request_id]
    assert moved == ["reserved", "captured"]


@pytest.mark.parametrize("again", ["after a separation", "under the other id"])
def test_what_one_event_told_of_a_return_counts_once_t_15_t_24(again: str) -> None:
    story = two()
    story.inspect("2024-03-10", 1, customer="ada", event="seen")
    told = story.last
    if again == "under the other id":
        story.inspect("2024-03-10", 1, customer="bob", event="seen")
    story.send_back("2024-03-10", 3, "o-bob", customer="bob")
    story.link("2024-03-11", "bob")
    if again == "after a separation":
        story.unlink("2024-03-12", "bob")
        assert told is not None
        story.happen(told)
        story.link("2024-03-13", "bob")
    assert units(story) == {("b1", "l1"): 1}


def test_a_link_asks_nothing_again_that_it_has_nothing_to_say_about() -> None:
    story = two()
    for each, back in (("ada", "b1"), ("bob", "b2")):
        story.send_back("2024-03-10", 1, "o9", back, customer=each)
    for day, each in enumerate(("bob", "x0", "x1"), start=11):
        story.link(f"2024-03-{day}", each)
    assert len(story.decided(ReturnDecided)) == 2, "nobody knows the order yet"
    story.order("2024-03-20", "20.00", "o9", customer="bob", quantity=2)
    assert [each.verdict for each in story.decided(ReturnDecided)][2:] == ["approve", "approve"]


def test_what_went_wrong_long_ago_is_not_made_good_because_of_a_link_r_rec_01() -> None:
    """By the tier and the policy of the moment at which it was known: nothing was due then."""
    story = Story()
    for each in ("ada", "bob"):
        story.order("2022-03-01", "20.00", "o9", customer=each)
    story.delay("2022-03-03", "2022-03-04", "2022-03-08", order="o9", customer="ada")
    story.designate("2024-01-01", "platinum", customer="ada")
    story.link("2024-03-05", "cleo")
    story.link("2024-03-06", "bob")
    assert story.decided(RecoveryDecided) == []


def test_of_an_order_that_nobody_placed_each_id_has_its_own_part_back_t_24() -> None:
    story = Story()
    story.send_back("2024-03-01", {"l1": 2}, "o9", "b1", customer="ada")
    story.fail("2024-03-01", order="o9", customer="ada")
    story.link("2024-03-02", "bob")
    story.fail("2024-03-03", "p2", order="o9", customer="bob")
    story.send_back("2024-03-03", {"l1": 1}, "o9", "b3", customer="bob")
    story.unlink("2024-03-04", "bob")
    rows = {each: story.rows.get(ORDERS, each, "o9") or Order() for each in ("ada", "bob")}
    assert {each: [back.return_id for back in row.returns] for each, row in rows.items()} == {
        "ada": ["b1"],
        "bob": ["b3"],
    }
    assert {each: [one.shipment_id for one in row.mishaps] for each, row in rows.items()} == {
        "ada": [None],
        "bob": ["p2"],
    }
    story.order("2024-03-05", "20.00", "o9", quantity=2, customer="bob")
    assert [(each.return_id, each.verdict) for each in story.decided(ReturnDecided)][2:] == [("b3", "approve")]


def test_one_name_for_returns_of_two_orders_is_two_returns_d7() -> None:
    story = two()
    story.send_back("2024-03-10", 1, "o2", "w", customer="bob")
    story.send_back("2024-03-10", 1, "o1", "v", customer="bob")
    story.order("2024-03-10", "20.00", "o2", customer="ada")
    story.send_back("2024-03-10", 1, "o1", "w", customer="ada")
    story.link("2024-03-11", "bob")
    assert different(story)
    last = {(each.order_id, each.return_id): each.verdict for each in story.decided(ReturnDecided)}
    assert last == {("o2", "w"): "approve", ("o1", "v"): "review", ("o1", "w"): "review"}


def test_a_return_that_two_ids_asked_for_is_decided_once_when_its_order_comes_d7() -> None:
    """A person closes the other one's."""
    story = of_three()
    for each in ("ada", "bob"):
        story.send_back("2024-03-10", 1, "o9", customer=each)
    story.order("2024-03-10", "20.00", "o9", customer="cleo", quantity=2)
    story.link("2024-03-11", "bob")
    story.link("2024-03-12", "cleo")
    assert different(story)
    assert [each.verdict for each in story.decided(ReturnDecided)] == ["review", "review", "approve"]


def test_of_the_ends_that_linked_ids_are_told_the_first_counts_t_16_t_38() -> None:
    story = two()
    story.link("2024-03-08", "bob")
    story.call_off("2024-03-09", customer="ada")
    story.hand_over("2024-03-10", customer="bob")
    story.want("2024-03-11", "pin", customer="bob")
    assert [each.verdict for each in story.decided(RewardAnswered)] == ["refused"]


ONCE = {("begins", each) for each in HALVES} | {("goes on", "f")}
"""What has one beginning: also the return of the order."""


def sensible(words: list[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """Each thing begins once."""
    begun, found = set[tuple[str, str]](), list[tuple[str, str, str]]()
    for what, thing, who in words:
        if (what, thing) in begun & ONCE:
            continue
        begun.add((what, thing))
        found.append((what, thing, who))
    return found


@given(
    st.sampled_from(HALVES).flatmap(lambda thing: st.lists(WORD | of(thing), min_size=4, max_size=9)),
    st.integers(2, 9),
    st.integers(2, 9),
)
@settings(max_examples=300)
def test_where_links_stand_in_a_story_makes_no_difference_t_16_t_24(
    words: list[tuple[str, str, str]], bob_at: int, cleo_at: int
) -> None:
    told_once = sensible(words)
    story = of_three(), of_three()
    for each, places in zip(story, ((0, 0), (bob_at, cleo_at)), strict=True):
        each.tick("2024-03-11")
        each.keeps_time = False
        for number, word in enumerate([*told_once, None]):
            for other, place in zip(("bob", "cleo"), places, strict=True):
                if number == min(place, len(told_once)):
                    each.link("2024-03-10", other)
            if word is not None:
                say(each, word)
        assert different(each)
        conserved(statement(each.rows, "ada", "UTC"))
    assert state(story[0]) == state(story[1])
    assert units(story[0]) == units(story[1])


def units(story: Story) -> dict[tuple[str, str], int]:
    """Units that were released, by return and line: no unit twice, wherever it was decided."""
    return {
        (each.return_id, line.line_id): sum(
            there.quantity
            for other in story.decided(StockReleased)
            if other.return_id == each.return_id
            for there in other.lines
            if there.line_id == line.line_id
        )
        for each in story.decided(StockReleased)
        for line in each.lines
    }
