"""Rewards that have a stock: who gets the last one, what is offered instead, when more is ordered, and what it all costs."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from processors.effects import Send
from processors.lots import QUEUES
from processors.policy import parse
from processors.policy_errors import PolicyInvalid
from processors.reward_figures import EVERYTHING, UNKNOWN, Redeemed, by_reward, kept, left
from processors.reward_requests import REQUESTS
from processors.statement import statement
from processors.stock import STOCKS, Stock
from processors.wording import explain
from schemas.decisions import CommandAnswered, NotificationRequested, RewardAnswered
from schemas.ledger import PointsMoved
from schemas.rewards import ReplenishmentDue, RewardStockMoved, subject_of
from tests.processors.story import Story, none_of, only, parsed_with, policy_with

BOX: Mapping[str, Any] = {"points": 60, "cost_minor": 700, "stocked": True, "reorder_level": 1, "substitute": "cup"}
CUP: Mapping[str, Any] = {"points": 40, "cost_minor": 300, "stocked": True}
RULES: Mapping[str, Any] = {
    "available": "at_once", "reserved_hours": 24, "offered_hours": 6, "expiry": {"months": 3},
    "rewards": {"box": BOX, "cup": CUP, "pen": {"points": 10, "cost_minor": 90}},
}  # fmt: skip


def shop(*customers: str, box: int = 1, cup: int = 1, rewards: Mapping[str, Any] | None = None) -> Story:
    """Customers with a hundred points each, and so many units."""
    story = Story({"points": {**RULES, "rewards": {**RULES["rewards"], **(rewards or {})}}})
    for customer in customers or ("ada",):
        story.order("2024-01-01", "100.00", f"o-{customer}", customer=customer)
    for reward, units in (("box", box), ("cup", cup)):
        if units:
            story.restock("2024-01-01", units, reward)
    return story


def stock(story: Story, reward: str = "box") -> tuple[int, int, int]:
    """Free, held and given."""
    row = story.rows.get(STOCKS, subject_of(reward)) or Stock()
    return row.free, row.held, row.given


def wallet(story: Story, customer: str = "ada") -> tuple[int, int]:
    """Balance and reserved points; the lots add up to them."""
    account = statement(story.rows, customer, "UTC")
    assert account.accurate
    return account.wallet.available, account.wallet.reserved


def answers(effects: Iterable[Any]) -> list[tuple[str, str, str, str | None]]:
    """To whom, which reward, how, and instead of what."""
    return [
        (each.customer_id, each.reward_id, each.verdict, each.instead_of)
        for each in effects
        if isinstance(each, RewardAnswered)
    ]


def changes(effects: Iterable[Any]) -> list[tuple[str, str, int]]:
    return [(each.reward_id, each.change, each.units) for each in effects if isinstance(each, RewardStockMoved)]


def movements(effects: Iterable[Any]) -> list[tuple[str, int]]:
    return [(each.movement, each.points) for each in effects if isinstance(each, PointsMoved)]


def failed(answer: RewardAnswered) -> list[str]:
    return [each.name for each in answer.conditions if not each.holds]


# The last one


def test_the_last_unit_goes_to_one_customer_only_r_pts_05() -> None:
    story = shop("ada", "bob", rewards={"box": {**BOX, "substitute": None}})
    story.answers_itself = False
    asked = [*story.want("2024-01-02", "box"), *story.want("2024-01-02", "box", "q2", customer="bob")]
    assert answers(asked) == [], "only the reward knows"
    story.answers_itself = True
    told = [each for message in asked if isinstance(message, Send) for each in story.answer(message)]
    assert answers(told) == [("ada", "box", "reserved", None), ("bob", "box", "refused", None)]
    assert (stock(story), wallet(story), wallet(story, "bob")) == ((0, 1, 0), (40, 60), (100, 0))
    refused = story.decided(RewardAnswered)[-1]
    assert failed(refused) == ["stock_of_box"]
    assert (refused.points, refused.balance, refused.cost_minor, refused.reserved_until) == (60, 100, 0, None)


def test_a_limited_edition_is_kept_for_the_tiers_that_may_have_it_r_ful_13() -> None:
    """Who may not have it does not take a unit from who may, also where they ask first; also not with the points for all of them."""
    story = shop("ada", "bob", box=2, rewards={"box": {**BOX, "tiers": ["gold"], "substitute": None}})
    story.designate("2024-01-01", "gold", customer="bob")
    refused = only(story.want("2024-01-02", "box"), RewardAnswered)
    assert (refused.verdict, failed(refused), stock(story)) == ("refused", ["tier"], (2, 0, 0))
    story.want("2024-01-03", "box", "q2", customer="bob")
    assert (stock(story), wallet(story), wallet(story, "bob")) == ((1, 1, 0), (100, 0), (40, 60))


def test_points_are_held_while_the_reward_is_asked_t_37() -> None:
    story = shop()
    story.answers_itself = False
    story.want("2024-01-02", "box")
    assert wallet(story) == (40, 60)
    assert answers(story.want("2024-01-02", "pen", "q2", quantity=5)) == [("ada", "pen", "refused", None)]


def test_the_time_to_hand_it_over_begins_with_the_answer_t_38() -> None:
    story = shop()
    story.answers_itself = False
    effects = story.want("2024-01-02", "box")
    assert movements(story.tick("2024-01-05")) == [], "nothing ends before it is answered"
    story.answers_itself = True
    told = [each for message in effects if isinstance(message, Send) for each in story.answer(message)]
    answer = only(told, RewardAnswered)
    assert (answer.verdict, answer.reserved_until, answer.cost_minor) == ("reserved", story.at("2024-01-06"), 700)
    assert answer.balance == 100, "without this request"
    assert movements(ended := story.tick("2024-01-06")) == [("released", 60)]
    assert changes(ended) == [("box", "released", 1)]
    assert (stock(story), wallet(story)) == ((1, 0, 0), (100, 0))


def test_a_reward_that_is_handed_over_leaves_the_stock_for_good_r_pts_10() -> None:
    story = shop(box=3)
    story.want("2024-01-02", "box")
    effects = story.hand_over("2024-01-02 20:00")
    captured = only(effects, PointsMoved)
    assert (captured.movement, captured.reward_id, captured.cost_minor) == ("captured", "box", 700)
    assert changes(effects) == [("box", "given", 1)]
    assert changes([*story.call_off("2024-01-02 20:00"), *story.hand_over("2024-01-02 20:00", event="again")]) == []
    assert stock(story) == (2, 0, 1)


@pytest.mark.parametrize(("end", "expected", "units"), [
    ("hand_over", ["reserved"], (0, 0, 1)), ("call_off", ["refused"], (1, 0, 0)),
])  # fmt: skip
def test_an_end_that_is_told_before_the_answer_is_remembered_t_16(end: str, expected: list[str], units: Any) -> None:
    story = shop()
    story.answers_itself = False
    asked = story.want("2024-01-02", "box")
    getattr(story, end)("2024-01-02")
    story.call_off("2024-01-02", event="later")
    story.answers_itself = True
    told = [each for message in asked if isinstance(message, Send) for each in story.answer(message)]
    assert [verdict for _, _, verdict, _ in answers(told)] == expected
    assert stock(story) == units
    assert wallet(story) == ((40, 0) if end == "hand_over" else (100, 0))


def test_an_answer_that_nobody_waits_for_changes_nothing() -> None:
    story = shop()
    story.answers_itself = False
    (message,) = (each for each in story.want("2024-01-02", "box") if isinstance(each, Send))
    (answer,) = (each for each in story.answer(message) if isinstance(each, Send))
    story.answer(answer)
    before = story.stored()
    assert story.answer(answer) == []
    assert story.stored() == before


def test_what_nobody_stocked_is_out_of_stock_and_what_has_no_stock_is_always_there() -> None:
    story = shop(box=0, cup=0)
    assert answers(story.want("2024-01-02", "box")) == [("ada", "box", "refused", None)]
    assert answers(story.want("2024-01-02", "pen", "q2", quantity=9)) == [("ada", "pen", "reserved", None)]
    assert stock(story, "pen") == (0, 0, 0)


@pytest.mark.parametrize(("quantity", "verdict"), [(2, "reserved"), (3, "refused")])
def test_all_units_of_a_request_or_none_t_06(quantity: int, verdict: str) -> None:
    story = shop(cup=2, rewards={"cup": {**CUP, "points": 10}})
    assert [each[2] for each in answers(story.want("2024-01-02", "cup", quantity=quantity))] == [verdict]
    assert stock(story, "cup") == ((0, 2, 0) if verdict == "reserved" else (2, 0, 0))


# A substitute


def offered(**units: int) -> Story:
    """The box is out of stock, and a cup is offered."""
    story = shop(box=0, **units)
    story.want("2024-01-02", "box")
    assert answers(story.decided(RewardAnswered)) == [("ada", "cup", "offered", "box")]
    return story


def test_what_is_out_of_stock_has_a_substitute_that_the_customer_approves_r_ful_10() -> None:
    story = offered()
    offer = only(story.decided(RewardAnswered), RewardAnswered)
    assert (offer.points, offer.cost_minor, offer.reserved_until) == (40, 300, story.at("2024-01-02 06:00"))
    assert failed(offer) == ["stock_of_box"]
    assert (stock(story, "cup"), wallet(story)) == ((0, 1, 0), (60, 40)), "it holds what the substitute costs"
    taken = only(story.choose("2024-01-02 05:00"), RewardAnswered)
    assert (taken.verdict, taken.instead_of, taken.points) == ("reserved", "box", 40)
    assert taken.reserved_until == story.at("2024-01-03 05:00")
    assert story.choose("2024-01-02 05:30", "refused") == [], "the first word counts"
    captured = only(story.hand_over("2024-01-03"), PointsMoved)
    assert (captured.points, captured.reward_id, captured.cost_minor) == (40, "cup", 300)
    assert (stock(story, "cup"), wallet(story)) == ((0, 0, 1), (60, 0))


@pytest.mark.parametrize(("how", "why"), [
    ("choose", "substitute"), ("call_off", "cancelled"), ("time", "offered_until_at"),
])  # fmt: skip
def test_an_offer_that_is_not_taken_gives_points_and_units_back_r_ful_10_t_35(how: str, why: str) -> None:
    story = offered()
    ends = {
        "choose": lambda: story.choose("2024-01-02 05:00", "refused"),
        "call_off": lambda: story.call_off("2024-01-02 05:00"),
        "time": lambda: story.tick("2024-01-02 06:00"),
    }
    effects = ends[how]()
    assert answers(effects) == [("ada", "cup", "refused", "box")]
    assert failed(only(effects, RewardAnswered)) == [why]
    assert movements(effects) == [("released", 40)]
    assert (stock(story, "cup"), wallet(story)) == ((1, 0, 0), (100, 0))
    assert story.choose("2024-01-02 07:00") == [], "too late"


def test_a_substitute_that_is_out_of_stock_too_is_not_offered() -> None:
    story = shop(box=0, cup=0)
    answer = only(story.want("2024-01-02", "box"), RewardAnswered)
    assert (answer.reward_id, answer.verdict, answer.points, answer.instead_of) == ("box", "refused", 60, None)
    assert failed(answer) == ["stock_of_box", "stock_of_cup"]
    assert wallet(story) == (100, 0)


@pytest.mark.parametrize(("tiers", "verdict"), [(["gold"], "refused"), ([], "offered")])
def test_a_substitute_is_offered_to_whose_tier_may_have_it_r_pts_04(tiers: list[str], verdict: str) -> None:
    story = shop(box=0, cup=0, rewards={"box": {**BOX, "substitute": "pen"}, "pen": {"points": 10, "tiers": tiers}})
    assert [each[2] for each in answers(story.want("2024-01-02", "box"))] == [verdict]


LATER = {
    "nothing": lambda story: story.tick("2024-01-09"),
    "approved": lambda story: story.choose("2024-01-02 01:30"),
    "refused": lambda story: story.choose("2024-01-02 01:30", "refused"),
    "cancelled": lambda story: story.call_off("2024-01-02 01:30"),
}


@pytest.mark.parametrize("later", LATER)
def test_what_is_handed_over_is_taken_whatever_is_told_of_the_offer_afterwards_t_16_t_38(later: str) -> None:
    story = offered()
    effects = story.hand_over("2024-01-02 01:00")
    taken = only(effects, RewardAnswered)
    assert (taken.reward_id, taken.verdict, taken.instead_of, taken.points) == ("cup", "reserved", "box", 40)
    assert [(each.name, each.value, each.holds) for each in taken.conditions] == [("ended_as", "captured", True)]
    assert movements(effects) == [("captured", 40)]
    effects = LATER[later](story)
    assert [*answers(effects), *movements(effects), *changes(effects)] == []
    assert (stock(story, "cup"), wallet(story)) == ((0, 0, 1), (60, 0))
    assert by_reward(story.effects)["box"].counts() == {
        "asked": 1, "granted": 0, "offered": 1, "substituted": 1, "refused": 0, "redeemed": 0,
    }  # fmt: skip


@pytest.mark.parametrize("instead", ["cup", "pen"])
@pytest.mark.parametrize("before", ["request", "answer"])
def test_a_hand_over_that_is_told_before_the_offer_takes_it_as_well_t_16(before: str, instead: str) -> None:
    """The customer hears of no offer, since they have what it would be."""
    story = shop(box=0, rewards={"box": {**BOX, "substitute": instead}})
    price = RULES["rewards"][instead]["points"]
    story.answers_itself = False
    told = story.hand_over("2024-01-02") if before == "request" else []
    asked = [each for each in story.want("2024-01-02", "box") if isinstance(each, Send)]
    story.answers_itself = True
    told += story.hand_over("2024-01-02") if before == "answer" else []
    told += [each for one in asked for each in story.answer(one)]
    assert answers(told) == [("ada", instead, "reserved", "box")]
    assert movements(told) == [("released", 60 - price), ("captured", price)]
    assert failed(only(told, RewardAnswered)) == ["stock_of_box"]
    assert stock(story, "cup") == ((0, 0, 1) if instead == "cup" else (1, 0, 0))
    assert (wallet(story), ends(story), no_id_twice(story)) == ((100 - price, 0), [], True)
    assert by_reward(story.effects)["box"].counts() == {
        "asked": 1, "granted": 0, "offered": 0, "substituted": 1, "refused": 0, "redeemed": 0,
    }  # fmt: skip


def test_the_customer_is_told_of_an_offer_until_it_is_over_r_ful_10() -> None:
    story = Story({"points": RULES, "notifications": "shipped"})
    story.order("2024-01-01", "100.00")
    effects = story.want("2024-01-02", "box")
    assert none_of(effects, NotificationRequested), "neither box nor cup are there"
    story.restock("2024-01-02 01:00", 1, "cup")
    effects = story.want("2024-01-02 02:00", "box", "q2")
    told, offer = only(effects, NotificationRequested), only(effects, RewardAnswered)
    assert (told.notice, told.follows, told.expires_at) == (
        "substitute_offered",
        offer.decision_id,
        offer.reserved_until,
    )
    assert none_of(story.choose("2024-01-02 03:00", request="q2"), NotificationRequested)


# The catalogue


def test_a_version_of_the_policy_creates_changes_and_retires_rewards_r_pts_04_r_pts_05() -> None:
    story = shop(box=5)
    story.want("2024-01-02", "box")
    cheaper = {**BOX, "points": 20, "substitute": None}
    document = policy_with({"points": RULES, "version": "v2"})
    document["points"]["rewards"] = {"box": cheaper, "mug": {"points": 5}}
    story.activate(document, "2024-01-02 12:00")
    assert movements(story.hand_over("2024-01-02 13:00")) == [("captured", 60)], "as it was reserved"
    wanted = [story.want("2024-01-02 14:00", reward, f"q-{reward}") for reward in ("box", "mug", "pen")]
    assert [answers(each)[0][1:3] for each in wanted] == [("box", "reserved"), ("mug", "reserved"), ("pen", "refused")]
    assert only(wanted[0], RewardAnswered).points == 20
    assert failed(only(wanted[2], RewardAnswered)) == ["reward"]


def test_a_reward_that_was_retired_while_it_was_asked_has_no_substitute() -> None:
    story = shop(box=0)
    story.answers_itself = False
    asked = story.want("2024-01-02", "box")
    document = policy_with({"points": RULES, "version": "v2"})
    document["points"]["rewards"] = {"mug": {"points": 5}}
    story.activate(document, "2024-01-02")
    story.answers_itself = True
    told = [each for message in asked if isinstance(message, Send) for each in story.answer(message)]
    assert answers(told) == [("ada", "box", "refused", None)]
    assert wallet(story) == (100, 0)


@pytest.mark.parametrize(("reward", "path", "allowed"), [
    ({"substitute": "box"}, "substitute", "another reward"),
    ({"substitute": "nothing"}, "substitute", "another reward"),
    ({"substitute": "dear"}, "substitute", "at most 60 points"),
    ({"stocked": False}, "stocked", "has a stock"),
    ({"stocked": False, "substitute": None}, "stocked", "has a stock"),
    ({"cost_minor": -1}, "cost_minor", ">= 0"),
])  # fmt: skip
def test_a_catalogue_that_contradicts_itself_is_refused_with_its_place(
    reward: dict[str, Any], path: str, allowed: str
) -> None:
    rewards = {**RULES["rewards"], "box": {**BOX, **reward}, "dear": {"points": 61}}
    with pytest.raises(AssertionError) as wrong:
        parsed_with({"points": {"rewards": rewards}})
    assert f"$.points.rewards.box.{path}" in str(wrong.value)
    assert allowed in str(wrong.value)


# Its stock


@pytest.mark.parametrize(("role", "units", "verdict"), [
    ("warehouse", 5, "accepted"), ("manager", 5, "accepted"), ("agent", 5, "refused"), ("warehouse", 0, "refused"),
    ("warehouse", -2, "accepted"), ("warehouse", -3, "refused"),
])  # fmt: skip
def test_who_may_tell_of_units_and_never_of_fewer_than_none_t_43_t_06(role: str, units: int, verdict: str) -> None:
    story = shop(box=3)
    story.want("2024-01-02", "box")
    said = only(story.restock("2024-01-02 20:00", units, "box", role=role), CommandAnswered)
    assert (said.customer_id, said.command, said.verdict) == ("reward/box", "RewardStocked", verdict)
    assert stock(story) == (2 + (units if verdict == "accepted" else 0), 1, 0)


def test_a_delivery_that_is_told_twice_counts_once_t_15() -> None:
    story = shop(box=0)
    story.restock("2024-01-02", 4, "box", event="d1")
    assert story.restock("2024-01-02", 4, "box", event="d1") == []
    assert stock(story) == (4, 0, 0)


def test_more_is_called_for_once_and_again_after_it_was_refilled_r_ful_08() -> None:
    story = shop("ada", "bob", "cyd", box=3)
    assert none_of(story.want("2024-01-02", "box"), ReplenishmentDue)
    due = only(story.want("2024-01-02", "box", "q2", customer="bob"), ReplenishmentDue)
    assert (due.reward_id, due.free, due.held, due.given, due.reorder_level) == ("box", 1, 2, 0, 1)
    assert none_of(story.want("2024-01-02", "box", "q3", customer="cyd"), ReplenishmentDue)
    story.call_off("2024-01-02", "q3", customer="cyd")
    story.call_off("2024-01-02", "q2", customer="bob")
    again = story.want("2024-01-02 01:00", "box", "q4", customer="bob")
    assert none_of(again, ReplenishmentDue), "what came back is no delivery"
    story.restock("2024-01-02 20:00", 1, "box")
    assert only(story.want("2024-01-02 20:00", "box", "q5", customer="cyd"), ReplenishmentDue).free == 1


@pytest.mark.parametrize(("level", "called"), [(None, []), (1, []), (2, ["box"]), (9, ["box"])])
def test_a_level_that_a_new_policy_raises_calls_for_more_at_once_r_ful_08(level: int | None, called: list[str]) -> None:
    """Without another movement; only of what there is less of than the level says, and once."""
    story = shop(box=2, cup=2)
    document = policy_with({"points": RULES, "version": "v2"})
    document["points"]["rewards"] = {
        "box": {**BOX, "reorder_level": level},
        "cup": CUP,
        "new": {**CUP, "reorder_level": 3},
    }
    effects = story.activate(document, "2024-01-02")
    assert [each.reward_id for each in effects if isinstance(each, ReplenishmentDue)] == called
    assert none_of(story.activate(document, "2024-01-03"), ReplenishmentDue)
    numbers = [each.sequence for each in story.decided() if each.customer_id == "reward/box"]
    assert numbers == list(range(1, len(numbers) + 1))
    if called:
        due = story.decided(ReplenishmentDue)[0]
        assert (due.policy_version, due.cause, due.reorder_level) == (
            "v2",
            "activation/activation-v2-2024-01-02",
            level,
        )


def test_a_reward_whose_look_at_a_policy_is_skipped_stays_as_it_was_d12() -> None:
    story = shop(box=2)
    document = policy_with({"points": RULES, "version": "v2"})
    document["points"]["rewards"]["box"] = {**BOX, "reorder_level": 9}
    unit = "activation/activation-v2-2024-01-02/reward/box"
    assert none_of(story.activate(document, "2024-01-02", skipped={unit}), ReplenishmentDue)
    assert only(story.want("2024-01-03", "box"), ReplenishmentDue).free == 1


def test_a_delivery_that_is_too_small_calls_for_no_more_r_ful_08() -> None:
    story = shop(box=0, cup=0)
    assert only(story.want("2024-01-02", "box"), ReplenishmentDue).free == 0
    assert none_of(story.restock("2024-01-02 20:00", 1, "box"), ReplenishmentDue)
    story.restock("2024-01-02 20:00", 2, "box")
    assert stock(story) == (3, 0, 0)
    assert only(story.restock("2024-01-04", -2, "box"), ReplenishmentDue).free == 1


def test_whoever_reads_the_topic_knows_what_is_available_r_pts_05() -> None:
    story = shop(box=2)
    story.want("2024-01-02", "box")
    story.hand_over("2024-01-02 01:00")
    told = [(each.change, each.free, each.held, each.given) for each in story.decided(RewardStockMoved)]
    assert told == [("added", 2, 0, 0), ("added", 1, 0, 0), ("held", 1, 1, 0), ("given", 1, 0, 1)]
    assert left(story.effects) == {
        "box": {"free": 1, "held": 0, "given": 1}, "cup": {"free": 1, "held": 0, "given": 0},
    }  # fmt: skip
    numbers = [each.sequence for each in story.decided() if each.customer_id == "reward/box"]
    assert numbers == list(range(1, len(numbers) + 1))


# Linked ids


def test_an_answer_finds_the_customer_whose_id_moved_t_24() -> None:
    story = shop("ada", "bob")
    story.answers_itself = False
    asked = story.want("2024-01-02", "box", customer="bob")
    story.answers_itself = True
    story.link("2024-01-02", "bob")
    assert story.row("bob").host == "ada"
    told = [each for message in asked if isinstance(message, Send) for each in story.answer(message)]
    assert answers(told) == [("ada", "box", "reserved", None)]
    assert wallet(story) == (140, 60)
    story.hand_over("2024-01-02 20:00", customer="bob")
    assert (stock(story), wallet(story)) == ((0, 0, 1), (140, 0))


def test_a_request_that_is_asked_or_offered_goes_with_its_id_t_24() -> None:
    story = shop("ada", "bob", box=0)
    story.link("2024-01-01 12:00", "bob")
    story.want("2024-01-02", "box", customer="bob")
    assert wallet(story) == (160, 40)
    story.unlink("2024-01-02 01:00", "bob")
    assert [each[2] for each in answers(story.choose("2024-01-02 02:00", customer="bob"))] == ["reserved"]
    story.hand_over("2024-01-02 03:00", customer="bob")
    assert stock(story, "cup") == (0, 0, 1)
    row = story.rows.get(REQUESTS, "bob", "q1")
    assert row is not None
    assert (row.state, row.has_units) == ("captured", False)


def one_name(bobs: str = "2024-01-02", *, units: int = 2, reward: str = "cup") -> Story:
    """Ada wants a box and Bob something, each calls it `q1`; nobody answers yet, and then the two are linked."""
    story = shop("ada", "bob", box=units, cup=units)
    story.answers_itself = False
    asked = [*story.want("2024-01-02", "box"), *story.want(bobs, reward, customer="bob")]
    story.answers_itself = True
    story.link(bobs, "bob")
    assert [key[0] for key in ends(story)] == ["ada", "bob"]
    assert wallet(story)[1] == 60 + RULES["rewards"][reward]["points"]
    for each in asked:
        if isinstance(each, Send):
            story.answer(each)
    return story


def states(story: Story) -> dict[str, str]:
    """What became of the request of each."""
    found = {each: story.rows.get(REQUESTS, each, "q1") for each in ("ada", "bob")}
    return {each: row.state for each, row in found.items() if row}


def ends(story: Story) -> list[tuple[str, ...]]:
    """Requests that wait for their end, of all ids."""
    return [key for key, _ in story.rows.first(QUEUES, 1_000, above="") if key[1] == "ends"]


def no_id_twice(story: Story) -> bool:
    ids = [each.decision_id for each in story.decided()]
    return len(ids) == len(set(ids))


@pytest.mark.parametrize("units", [2, 0])
def test_two_requests_of_one_name_are_over_at_one_instant_d7_i_6(units: int) -> None:
    """Both reserved, or a cup offered for both: two decisions never have one id, and each reward hears of each."""
    story = one_name(reward="box", units=units)
    if not units:
        story = shop("ada", "bob", box=0, cup=2)
        for each in ("ada", "bob"):
            story.want("2024-01-02", "box", customer=each)
        story.link("2024-01-02", "bob")
    story.tick("2024-01-03 00:01")
    assert no_id_twice(story)
    assert set(states(story).values()) == {"released" if units else "refused"}
    assert (stock(story), stock(story, "cup")) == ((units, 0, 0), (2, 0, 0))
    assert (wallet(story), ends(story)) == ((200, 0), [])
    assert len([each for each in movements(story.effects) if each[0] == "released"]) == 2 + (0 if units else 2)


@pytest.mark.parametrize(("ended", "left"), [("bob", "ada"), ("ada", "bob")])
def test_of_two_requests_of_one_name_the_one_is_handed_over_that_was_told_of_t_38(ended: str, left: str) -> None:
    story = one_name()
    story.hand_over("2024-01-02 01:00", customer=ended)
    assert states(story) == {ended: "captured", left: "reserved"}
    assert [key[0] for key in ends(story)] == [left]
    story.unlink("2024-01-02 02:00", "bob")
    story.tick("2024-01-03 00:01")
    assert states(story) == {ended: "captured", left: "released"}
    assert (ends(story), wallet(story)[1], wallet(story, "bob")[1]) == ([], 0, 0)
    assert stock(story) == ((1, 0, 1) if ended == "ada" else (2, 0, 0))


def test_a_hand_over_that_is_told_twice_is_of_one_request_t_15() -> None:
    """Not of the next one of this name, under whichever id of the customer."""
    for teller in ("ada", "bob", "cyd"):
        story = one_name()
        story.link("2024-01-02", "cyd")
        story.hand_over("2024-01-02 01:00", customer=teller, event="h1")
        assert movements(story.hand_over("2024-01-02 01:00", customer=teller, event="h1")) == []
        assert sorted(states(story).values()) == ["captured", "reserved"]


def test_of_two_requests_of_one_name_the_one_ends_whose_time_is_over_t_38() -> None:
    """Bob asked later than Ada, who is the host; and the other way round."""
    story = one_name("2024-01-02 12:00")
    story.tick("2024-01-03 00:01")
    assert states(story) == {"ada": "reserved", "bob": "reserved"}, "hours begin with the answer"
    story = shop("ada", "bob", box=2)
    story.want("2024-01-02", "box", customer="bob")
    story.want("2024-01-02 12:00", "box")
    story.link("2024-01-02 12:00", "bob")
    story.tick("2024-01-03 00:01")
    assert states(story) == {"ada": "reserved", "bob": "released"}
    story.tick("2024-01-03 12:01")
    assert states(story) == {"ada": "released", "bob": "released"}
    assert (wallet(story), ends(story)) == ((200, 0), [])


def test_what_two_requests_of_one_name_hold_is_each_ones_own_and_comes_apart_t_24_t_35() -> None:
    """A cup is offered for both: each holds what it costs, also when they part."""
    story = shop("ada", "bob", box=0, cup=2)
    story.answers_itself = False
    asked = [each for who in ("ada", "bob") for each in story.want("2024-01-02", "box", customer=who)]
    story.answers_itself = True
    story.link("2024-01-02", "bob")
    for each in asked:
        if isinstance(each, Send):
            story.answer(each)
    assert (states(story), wallet(story)) == ({"ada": "offered", "bob": "offered"}, (120, 80))
    story.unlink("2024-01-02 01:00", "bob")
    for who in ("ada", "bob"):
        story.choose("2024-01-02 02:00", customer=who)
        story.hand_over("2024-01-02 03:00", customer=who)
        assert wallet(story, who)[1] == 0
    assert sum(wallet(story, who)[0] for who in ("ada", "bob")) >= 120
    assert (stock(story, "cup"), ends(story)) == ((0, 0, 2), [])


# What it comes to


def test_the_figures_are_sums_over_decisions_r_pts_10_r_anl_01() -> None:
    story = shop("ada", "bob", "cyd", "dan", box=1, cup=2)
    story.want("2024-01-02", "box")
    story.hand_over("2024-01-02 01:00")
    story.want("2024-01-02", "box", customer="bob")
    story.choose("2024-01-02 01:00", customer="bob")
    story.hand_over("2024-01-02 02:00", customer="bob")
    story.want("2024-01-02", "box", customer="cyd")
    story.choose("2024-01-02 01:00", "refused", customer="cyd")
    story.want("2024-01-02", "cup", customer="dan")
    story.want("2024-01-02", "nonsense", "q2", customer="dan")
    found = by_reward(story.effects)
    assert found == {
        "box": Redeemed("box", asked=3, granted=1, offered=2, substituted=1, refused=1, redeemed=1, cost_minor=700),
        "cup": Redeemed("cup", asked=1, granted=1, redeemed=1, cost_minor=300),
        "#unknown": Redeemed("#unknown", asked=1, refused=1),
    }
    assert kept(story.rows, 10) == tuple(found.values()), "the partition counts the same"
    assert {name: each.cost_per_redemption_minor() for name, each in found.items()} == {
        "box": 700, "cup": 300, "#unknown": None,
    }  # fmt: skip


@pytest.mark.parametrize("name", [UNKNOWN, EVERYTHING])
def test_no_reward_is_called_as_a_row_of_the_figures_r_anl_08(name: str) -> None:
    with pytest.raises(AssertionError, match=r"rewards"):
        parsed_with({"points": {"rewards": {name: {"points": 1}}}})


def test_customers_and_agents_read_what_became_of_it_r_ful_10_t_48() -> None:
    story = offered()
    policy = parse(json.dumps(story.document))
    assert not isinstance(policy, PolicyInvalid)
    offer = only(story.decided(RewardAnswered), RewardAnswered)
    assert explain(offer, policy, "customer") == [
        "We can give you cup for 40 points instead of box: tell us by 2024-01-02 06:00.",
        "box is out of stock: 0 left, and you asked for 1.",
    ]
    taken = only(story.choose("2024-01-02 05:00"), RewardAnswered)
    assert explain(taken, policy, "customer") == ["cup is yours for 40 points."]
    said = explain(taken, policy, "agent")
    assert said[0].endswith("reward cup instead of box for customer ada (request q1) is reserved for 40 points.")
    assert "yes the customer takes what was offered: approved, as it must be: approved" in said
    entries = [explain(each, policy, "agent")[0].partition(", ")[2] for each in story.decided(RewardStockMoved)]
    assert entries == [
        "1 units of reward cup came into stock: 1 free, 0 held, 0 given.",
        "1 units of reward cup are held for request q1: 0 free, 1 held, 0 given.",
    ]
    due = explain(only(story.decided(ReplenishmentDue), ReplenishmentDue), policy, "auditor")
    assert due[0].endswith("reward box should be ordered again: 0 units are free, 0 held.")
    assert any("[0 <= 1; last moved by message/" in each for each in due)
    late = only(offered().tick("2024-01-03"), RewardAnswered)
    assert explain(late, policy, "customer") == [
        "box is not yours yet.", "You did not tell us by 2024-01-02 06:00:00 whether you take it instead.",
    ]  # fmt: skip


# Found by a review


def test_an_entry_of_an_offer_moves_as_many_points_as_it_says_whatever_became_available_meanwhile() -> None:
    """Of an earlier purchase that is told of late, and so expires first."""
    story = shop(box=0)
    story.answers_itself = False
    asked = [each for each in story.want("2024-01-02", "box") if isinstance(each, Send)]
    story.keeps_time = False
    story.order("2023-12-01", "30.00", "o-late")
    story.answers_itself = True
    before = wallet(story)
    offered = [each for one in asked for each in story.answer(one)]
    after = wallet(story)
    (released,) = [points for movement, points in movements(offered) if movement == "released"]
    assert (before, after, released) == ((70, 60), (90, 40), 20)


def test_a_request_whose_end_came_first_under_another_id_is_answered_after_they_part_t_16_d6() -> None:
    story = shop("ada", "bob", box=1)
    story.link("2024-01-01 12:00", "bob")
    story.hand_over("2024-01-01 13:00", customer="bob")
    story.answers_itself = False
    (asked,) = [each for each in story.want("2024-01-02", "box") if isinstance(each, Send)]
    story.answers_itself = True
    story.unlink("2024-01-02 01:00", "bob")
    told = story.answer(asked)
    story.tick("2024-02-01")
    assert answers(told) == [("ada", "box", "reserved", None)]
    assert stock(story) == (0, 0, 1)


@pytest.mark.parametrize("reward", [{"car": {"points": 1, "cost_minor": 10**15}}, {"a, b": {"points": 1}}])
def test_what_no_request_could_bear_is_refused_with_the_policy(reward: Mapping[str, Any]) -> None:
    wrong = parse(json.dumps(policy_with({"points": {**RULES, "rewards": reward}})))
    assert isinstance(wrong, PolicyInvalid)
