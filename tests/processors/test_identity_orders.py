"""Orders that wait, and reports of other systems, of ids that are linked and separated (T-24)."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.order import ORDERS
from processors.undispatched import UNDISPATCHED
from schemas.decisions import OrderFlagged, ReturnDecided
from schemas.discrepancies import DiscrepancyFound, DiscrepancyResolved
from tests.processors.story import Story, none_of, only


def waiting() -> Story:
    """Ada is Gold, and Bob is not; each waits for an order."""
    story = Story({"fulfilment": "shipped"})
    story.register("2014-01-01")
    story.order("2024-02-01", "1500.00", "first")
    story.ship("2024-02-01", order="first")
    story.order("2024-02-02", "10.00", "o1")
    story.order("2024-02-02", "10.00", "o2", customer="bob")
    return story


def test_orders_that_wait_are_flagged_again_for_the_tier_of_the_whole_and_back_t_24() -> None:
    story = waiting()
    before = {each.order_id: each for each in story.decided(OrderFlagged)}
    told = [each for each in story.link("2024-02-03", "bob") if isinstance(each, OrderFlagged)]
    assert {(each.customer_id, each.order_id, each.tier) for each in told} >= {("ada", "o2", "gold")}
    flag = next(each for each in told if each.order_id == "o2")
    assert (flag.supersedes, flag.pick_by) == (before["o2"].decision_id, before["o2"].pick_by)
    assert story.row().undispatched.orders == 2
    assert none_of(story.tick("2024-02-03 01:00"), OrderFlagged)
    back = only(story.unlink("2024-02-04", "bob"), OrderFlagged)
    assert (back.customer_id, back.order_id, back.tier, back.supersedes) == ("bob", "o2", None, flag.decision_id)
    assert (story.row("ada").undispatched.orders, story.row("bob").undispatched.orders) == (1, 1)


def test_an_order_that_two_ids_know_waits_once_and_leaves_once_t_24() -> None:
    story = waiting()
    story.order("2024-02-02", "10.00", "o1", customer="bob")
    story.link("2024-02-03", "bob")
    assert story.row().undispatched.orders == 2
    story.ship("2024-02-04", order="o1", customer="bob")
    assert story.row().undispatched.orders == 1
    story.order("2024-02-05", "5.00", "o5", customer="bob")
    assert story.row().undispatched.orders == 2
    story.cancel("2024-02-06", "o2", customer="bob")
    assert story.row().undispatched.orders == 1
    story.unlink("2024-02-07", "bob")
    held = {name: story.rows.get(UNDISPATCHED, name) for name in ("ada", "bob")}
    assert {name: [each.order_id for each in row.orders] for name, row in held.items() if row} == {
        "ada": ["o1"],
        "bob": ["o5"],
    }
    assert (story.row("ada").undispatched.orders, story.row("bob").undispatched.orders) == (1, 1)


def test_of_each_system_the_later_report_to_any_id_counts_t_24() -> None:
    story = Story()
    story.order("2024-01-01", "100.00", "o1")
    story.report("2024-01-02", "silver")
    story.report("2024-01-03", None, customer="bob")
    story.link("2024-01-03 00:10", "bob")
    assert [(each.report.tier, each.since) for each in story.row().synchrony.systems] == [(None, None)]
    assert none_of(story.tick("2024-01-05"), DiscrepancyFound)
    story.report("2024-01-05", "silver", customer="bob")
    found = only(story.tick("2024-01-06"), DiscrepancyFound)
    assert (found.customer_id, found.reported_tier) == ("ada", "silver")
    story.unlink("2024-01-07", "bob")
    assert [each.report.tier for each in story.row().synchrony.systems] == ["silver"]
    (theirs,) = story.row("bob").synchrony.systems
    assert theirs.found_id == found.decision_id, "what was found of a report goes with it"


def test_what_was_found_stays_found_once_t_24() -> None:
    story = Story()
    story.register("2020-01-01")
    story.register("2020-01-01", customer="bob")
    story.report("2024-01-02", "gold", customer="bob")
    found = only(story.tick("2024-01-03"), DiscrepancyFound)
    story.link("2024-01-04", "bob")
    assert none_of(story.tick("2024-01-08"), DiscrepancyFound)
    story.unlink("2024-01-09", "bob")
    assert none_of(story.tick("2024-01-12"), DiscrepancyFound)
    ended = only(story.report("2024-01-13", None, customer="bob"), DiscrepancyResolved)
    assert ended.discrepancy_id == found.decision_id


TOLD = {
    "ada-f1": ("ada", "f1", "30.00", None),
    "ada-f2": ("ada", "f2", "20.00", "l1"),
    "bob-f2": ("bob", "f2", "20.00", "l1"),
    "bob-f3": ("bob", "f3", "25.00", "l1"),
    "bob-f3-again": ("bob", "f3", "25.00", "l1"),
    "ada-f4": ("ada", "f4", "0.00", None),
}
"""Refunds of one order of 100.00, as each id is told of them: 75.00 in all, 45.00 of them for its line."""


def refunded(*happened: str, goods: str = "100.00") -> Story:
    story = Story({"points": "shipped"})
    for each in ("ada", "bob"):
        story.register("2020-01-01", customer=each)
        story.order("2024-03-01", goods, customer=each)
        story.deliver("2024-03-05", customer=each)
    for each in happened:
        if each == "link":
            story.link("2024-03-06", "bob")
            continue
        customer, refund, amount, line = TOLD[each]
        story.refund("2024-03-07", amount, refund=refund, line=line, customer=customer, event=each)
    return story


@pytest.mark.parametrize(
    "happened",
    [*permutations(("link", "ada-f2", "bob-f2", "bob-f3")), tuple(TOLD), ("bob-f3-again", *reversed(TOLD), "ada-f1")],
    ids=" ".join,
)
def test_refunds_that_two_ids_know_in_part_are_their_union_t_04_t_15_t_16_t_24(happened: tuple[str, ...]) -> None:
    """Of what is left a return is granted, and no more; whichever id it is asked for under."""
    if "ada-f1" not in happened:
        happened += ("ada-f1",)
    story = refunded(*happened)
    if "link" not in happened:
        story.link("2024-03-08", "bob")
    assert story.row().value_minor == 2_500
    decision = only(story.send_back("2024-03-20", customer="bob"), ReturnDecided)
    assert (decision.verdict, decision.amount_minor) == ("approve", 2_500)
    story.unlink("2024-03-21", "bob")
    assert (story.row("ada").value_minor, story.row("bob").value_minor) == (5_000, 5_500), "each has back what it had"
    kept = {each: story.rows.get(ORDERS, each, "o1") for each in ("ada", "bob")}
    assert {each: [one.refund_id for one in row.refunds if one.minor] for each, row in kept.items() if row} == {
        "ada": ["f1", "f2"],
        "bob": ["f2", "f3"],
    }


def paid_beside(*told: tuple[str, str, str | None]) -> Story:
    """Ada and Bob know one order of 100.00, ten units, and what was paid back of it that is no return's."""
    story = Story()
    for customer in ("ada", "bob"):
        story.register("2020-01-01", customer=customer)
        story.order("2024-03-01", "100.00", customer=customer, quantity=10)
        story.deliver("2024-03-05", customer=customer)
    for customer, refund, line in told:
        amount = {"f1": "30.00", "f2": "25.00", "f3": "5.00"}[refund]
        story.refund("2024-03-07", amount, refund=refund, line=line, customer=customer, event=f"{customer}-{refund}")
    return story


def granted(story: Story, date: str, units: int, back: str, customer: str) -> int:
    """What a return is granted; nothing where a person is asked."""
    decision = only(story.send_back(date, units, back=back, customer=customer), ReturnDecided)
    return decision.amount_minor if decision.verdict == "approve" else 0


MINOR = {"f1": 3_000, "f2": 2_500, "f3": 500}
KNOWN = st.sets(st.sampled_from(sorted(MINOR)))


@given(KNOWN, KNOWN, st.sampled_from([None, "l1"]), st.booleans(), st.permutations(["b1", "b2", "b3"]))
def test_what_two_ids_were_paid_beside_their_returns_adds_up_once_t_04_t_24(
    ada: set[str], bob: set[str], line: str | None, turned: bool, names: list[str]
) -> None:
    """Each decided beside what it knew. Together no more goes back than was paid, and no less; also after separations."""
    story = paid_beside(*(("ada", each, line) for each in sorted(ada)), *(("bob", each, line) for each in sorted(bob)))
    given_back = 0
    for customer, back in list(zip(("ada", "bob"), names, strict=False))[:: -1 if turned else 1]:
        given_back += granted(story, "2024-03-08", 1, back, customer)
    left = 10_000 - given_back - sum(MINOR[each] for each in ada | bob)
    for day in (9, 11, 13):
        story.link(f"2024-03-{day:02} 00:00", "bob")
        back = granted(story, f"2024-03-{day:02} 01:00", 2, f"{names[2]}-{day}", "bob" if day == 11 else "ada")
        assert back == max(min(left, 2_000), 0)
        left -= back
        story.unlink(f"2024-03-{day + 1:02} 00:00", "bob")
    # Alone again, an id knows what its order was granted, and of what was paid back only what it was told.
    row = story.rows.get(ORDERS, "ada", "o1")
    assert row is not None
    spent = sum(each.minor for there in row.returns for each in there.granted if not each.line_id)
    left = 10_000 - spent - sum(MINOR[each] for each in ada)
    assert granted(story, "2024-03-20", 1, "last", "ada") == max(min(left, 1_000), 0)


def test_a_decision_of_one_id_counts_nothing_again_that_one_of_both_had_counted_t_24() -> None:
    story = paid_beside(("ada", "f1", None), ("bob", "f2", None))
    story.link("2024-03-08", "bob")
    assert granted(story, "2024-03-08 01:00", 1, "b1", "bob") == 1_000
    story.unlink("2024-03-10", "bob")
    assert granted(story, "2024-03-10 01:00", 1, "b2", "bob") == 1_000
    story.link("2024-03-12", "bob")
    assert granted(story, "2024-03-12 01:00", 8, "b3", "bob") == 2_500


def test_what_is_known_of_refunds_is_as_much_as_there_are_of_them_d8() -> None:
    """An order's row grows with its refunds and with its returns, and not with one times the other."""
    story = Story()
    story.order("2024-03-01", "1000.00", quantity=100)
    story.deliver("2024-03-05")
    for number in range(30):
        story.refund("2024-03-07", "1.00", refund=f"f{number}", event=f"f{number}", line=("l1" if number % 2 else None))
        story.send_back("2024-03-08", 1, back=f"b{number}")
    row = story.rows.get(ORDERS, "ada", "o1")
    assert row is not None
    assert 0 < len(row.beside) <= 30 + 15


def test_a_refund_of_two_amounts_is_one_and_the_larger_counts_t_15_t_16() -> None:
    for amounts in (("30.00", "40.00"), ("40.00", "30.00")):
        story = refunded()
        for customer, amount in zip(("ada", "bob"), amounts, strict=True):
            story.refund("2024-03-07", amount, customer=customer)
        story.link("2024-03-08", "bob")
        assert story.row().value_minor == 6_000


def test_points_follow_the_union_of_refunds_and_come_back_with_a_separation_t_24_t_34() -> None:
    story = refunded("ada-f1", "ada-f2", "bob-f2", "bob-f3")
    apart = [story.row(each).points.available + story.row(each).points.pending for each in ("ada", "bob")]
    story.link("2024-03-08", "bob")
    whole = refunded("ada-f1", "ada-f2")
    whole.refund("2024-03-07", "25.00", refund="f3", line="l1")
    assert story.row().points.pending == whole.row().points.pending > 0
    story.unlink("2024-03-09", "bob")
    assert [story.row(each).points.available + story.row(each).points.pending for each in ("ada", "bob")] == apart
