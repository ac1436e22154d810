"""Returns after the first verdict, and verdicts by line: privileges, serial returners, disputes, stock; conservation."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from processors.order import ORDERS, Order
from processors.return_cases import RETURN_CASES
from schemas import commands as c
from schemas.decisions import CommandAnswered, ReturnDecided, StockReleased
from schemas.events import OrderLine
from tests.processors.story import Story, none_of, only, policy_with

TWO = [OrderLine("l1", 2, 4000), OrderLine("l2", 1, 3000)]


def two_lines(policy: dict[str, object] | None = None) -> Story:
    """Two units of one line and one of another, delivered on 5 March 2024."""
    story = Story(policy)
    story.order("2024-03-01 10:00", lines=TWO)
    story.deliver("2024-03-05")
    return story


def verdicts(decision: ReturnDecided) -> dict[str, str]:
    return {line.line_id: line.verdict for line in decision.lines}


# Line by line


def test_a_line_that_cannot_come_back_does_not_hold_up_the_other_t_27() -> None:
    decision = only(two_lines().send_back("2024-03-20", {"l1": 3, "l2": 1}), ReturnDecided)
    assert (decision.verdict, verdicts(decision)) == ("approve", {"l1": "deny", "l2": "approve"})
    assert decision.amount_minor == 3000
    assert [(line.line_id, line.amount_minor) for line in decision.lines] == [("l1", 4000), ("l2", 3000)]


def test_only_what_is_not_denied_is_spoken_for_t_27() -> None:
    story = two_lines()
    story.send_back("2024-03-20", {"l1": 3, "l2": 1})
    assert only(story.send_back("2024-03-21", {"l1": 2}, back="b2"), ReturnDecided).verdict == "approve"
    assert only(story.send_back("2024-03-21", {"l2": 1}, back="b3"), ReturnDecided).verdict == "deny"


def test_one_line_for_review_is_a_review_of_the_request() -> None:
    decision = only(two_lines().send_back("2024-03-20", {"l1": 1, "l9": 1}), ReturnDecided)
    assert (decision.verdict, verdicts(decision)) == ("review", {"l1": "approve", "l9": "review"})
    assert (decision.review_queue, decision.review_by) == ("returns-review", decision.decided_at + 48 * 3_600_000)


@pytest.mark.parametrize(("start", "verdict"), [("order", "approve"), ("line", "deny")])
def test_the_window_starts_with_the_last_delivery_or_the_lines_own_t_28(start: str, verdict: str) -> None:
    story = Story({"returns": {"window_from": start}})
    story.order("2024-03-01", lines=TWO)
    story.ship("2024-03-02", ["l1"], shipment="p1")
    story.ship("2024-03-03", ["l2"], shipment="p2")
    story.deliver("2024-03-05", shipment="p1")
    story.deliver("2024-03-25", shipment="p2")
    decision = only(story.send_back("2024-04-10", {"l1": 1}), ReturnDecided)
    assert decision.verdict == verdict
    assert decision.window_ends_at == story.at("2024-04-25" if start == "order" else "2024-04-05")
    both = only(story.send_back("2024-04-10", {"l1": 1, "l2": 1}, back="b2"), ReturnDecided)
    assert verdicts(both) == {"l1": verdict, "l2": "approve"}


def test_a_line_with_a_shipment_on_its_way_is_not_delivered_t_28() -> None:
    story = Story({"returns": {"window_from": "line"}})
    story.order("2024-03-01", lines=TWO)
    story.deliver("2024-03-05", shipment="p1")
    story.ship("2024-03-02", ["l1"], shipment="p1")
    story.ship("2024-03-02", ["l1"], shipment="p2")
    decision = only(story.send_back("2024-04-10", {"l1": 1}), ReturnDecided)
    assert decision.window_ends_at == story.at("2024-04-15")  # as of the fourteenth day after the order


# Privileges


def diamond(goods: str, policy: dict[str, object] | None = None) -> Story:
    story = Story(policy)
    story.register("2014-01-01")
    story.order("2024-02-01", "9000.00", "big")
    story.order("2024-03-01", goods)
    story.deliver("2024-03-05")
    return story


def test_what_a_tier_is_granted_is_on_the_decision_r_ret_02_r_ret_05_r_ret_16_r_rec_06() -> None:
    decision = only(diamond("60.00").send_back("2024-03-20"), ReturnDecided)
    assert decision.tier == "diamond"
    assert (decision.label_free, decision.lane, decision.exchange_first) == (True, "priority", True)
    assert decision.settle_as == ("refund", "store_credit", "exchange")
    plain = only(two_lines().send_back("2024-03-20"), ReturnDecided)
    assert (plain.label_free, plain.lane, plain.exchange_first) == (False, "standard", False)
    assert plain.settle_as == ("refund",)


@pytest.mark.parametrize(("goods", "keeps"), [("25.00", True), ("25.01", False)])
def test_goods_of_little_worth_are_kept_t_06(goods: str, keeps: bool) -> None:
    decision = only(diamond(goods).send_back("2024-03-20"), ReturnDecided)
    assert (decision.verdict, decision.keep_goods) == ("approve", keeps)


def test_what_is_denied_is_kept_by_nobodys_leave() -> None:
    assert not only(diamond("1.00").send_back("2024-12-20"), ReturnDecided).keep_goods


def test_the_laws_window_is_the_shortest_t_30() -> None:
    for days, verdict in ((5, "approve"), (20, "approve")):
        story = two_lines({"returns": {"statutory_days": 14, "rights": {"base": {"window_days": days}}}})
        assert only(story.send_back("2024-03-19 23:59"), ReturnDecided).verdict == verdict
        late = only(story.send_back("2024-03-20", back="b2"), ReturnDecided)
        assert late.verdict == ("deny" if days == 5 else "approve")


@pytest.mark.parametrize(("later", "days", "governs"), [
    ("if_kinder", 60, "new"), ("if_kinder", 20, "default-1"), ("ignored", 60, "default-1"),
])  # fmt: skip
def test_a_later_policy_governs_where_it_is_kinder_and_says_so_t_30(later: str, days: int, governs: str) -> None:
    story = two_lines()
    new = {"version": "new", "returns": {"later_policy": later, "rights": {"base": {"window_days": days}}}}
    story.activate(policy_with(new), "2024-03-10")
    decision = only(story.send_back("2024-04-20"), ReturnDecided)
    assert decision.policy_version == governs
    assert decision.verdict == ("approve" if governs == "new" else "deny")


# Serial returners


@pytest.mark.parametrize("tier", ["none", "diamond"])
def test_a_serial_returner_of_whatever_tier_is_looked_at_t_45(tier: str) -> None:
    story = Story({"returns": {"serial": {"months": 2, "most": 2}}})
    story.register("2014-01-01")
    if tier == "diamond":
        story.order("2024-01-01", "9000.00", "big")
    story.order("2024-03-01", "60.00", quantity=6)
    story.deliver("2024-03-05")
    found = [
        only(story.send_back(day, back=day), ReturnDecided).verdict
        for day in ("2024-03-10", "2024-03-11", "2024-03-12", "2024-04-01")
    ]
    assert found == ["approve", "approve", "review", "review"]
    again = only(story.send_back("2024-05-01", back="b5"), ReturnDecided)
    assert [each.value for each in again.conditions if each.name == "returns_in_2_months"] == [2]


def test_requests_count_for_the_month_they_were_made_in_whenever_they_come_t_16() -> None:
    story = Story({"returns": {"serial": {"months": 1, "most": 1}}})
    story.order("2024-03-01", "60.00", quantity=6)
    story.deliver("2024-03-05")
    story.send_back("2024-04-01", back="b1")
    late = only(story.send_back("2024-03-20", back="b2"), ReturnDecided)
    assert late.verdict == "approve"
    assert only(story.send_back("2024-03-21", back="b3"), ReturnDecided).verdict == "review"


def test_the_row_remembers_a_year_of_requests_d8() -> None:
    story = Story()
    story.order("2020-01-01", "60.00")
    for n in range(40):
        story.send_back(f"{2020 + n // 12}-{n % 12 + 1:02d}-15", back=f"b{n}")
    assert len(story.row().returned) == 12
    assert story.row().returned[-1] == (2023 * 12 + 4, 1)


# What comes before, and what comes after


def test_an_order_that_comes_after_its_return_has_it_decided_t_17_t_52() -> None:
    story = Story()
    first = only(story.send_back("2024-03-20", {"l1": 1, "l2": 9}), ReturnDecided)
    assert first.verdict == "review"
    second = only(story.order("2024-03-01", lines=TWO), ReturnDecided)
    assert (second.verdict, verdicts(second)) == ("approve", {"l1": "approve", "l2": "deny"})
    assert second.supersedes == first.decision_id
    assert second.sequence == first.sequence + 1
    assert none_of(story.order("2024-03-01", lines=TWO), ReturnDecided)


def test_what_a_customer_objects_to_goes_to_a_person_once_r_ret_14() -> None:
    story = two_lines()
    first = only(story.send_back("2024-03-20", {"l1": 3, "l2": 1}), ReturnDecided)
    second = only(story.dispute("2024-03-21"), ReturnDecided)
    assert (second.verdict, verdicts(second)) == ("review", {"l1": "review", "l2": "approve"})
    assert (second.supersedes, second.review_queue) == (first.decision_id, "returns-review")
    assert ("disputed", False) in [(each.name, each.holds) for each in second.conditions]
    assert none_of(story.dispute("2024-03-22"), ReturnDecided)


def test_an_objection_to_what_was_approved_is_about_all_of_it() -> None:
    story = two_lines()
    story.send_back("2024-03-20", {"l1": 1})
    assert verdicts(only(story.dispute("2024-03-21"), ReturnDecided)) == {"l1": "review"}


# People


def big(policy: dict[str, object] | None = None) -> Story:
    """A return of 500.00 that waits for a person."""
    story = Story(policy)
    story.order("2024-03-01 10:00", "500.00", quantity=2)
    story.deliver("2024-03-05")
    story.send_back("2024-03-20", 2)
    return story


def judge(story: Story, date: str, verdict: str = "approved", **given: Any) -> list[Any]:
    given = {"role": "manager", "reason": "kind"} | given
    return story.command(date, c.ReturnReviewed, return_id="b1", order_id="o1", verdict=verdict, **given)


def test_a_person_approves_what_waits_r_ret_06_r_ret_15() -> None:
    story = big()
    first = story.decided(ReturnDecided)[0]
    story.inspect("2024-03-21", 2)
    effects = judge(story, "2024-03-22", author_id="mia")
    answer, decision, released = (only(effects, kind) for kind in (CommandAnswered, ReturnDecided, StockReleased))
    assert (answer.verdict, decision.verdict, decision.decided_by) == ("accepted", "approve", "mia")
    assert (decision.supersedes, decision.review_queue, decision.amount_minor) == (first.decision_id, None, 50_000)
    assert [(unit.line_id, unit.quantity) for unit in released.lines] == [("l1", 2)]


def test_a_person_refuses_and_the_units_are_free_again() -> None:
    story = big()
    assert only(judge(story, "2024-03-22", "refused"), ReturnDecided).verdict == "deny"
    assert only(story.send_back("2024-03-23", 1, back="b2"), ReturnDecided).verdict == "review"


@pytest.mark.parametrize(
    ("given", "failed"),
    [({"role": "agent"}, "amount_minor"), ({"role": "intern"}, "role")],
)
def test_beyond_their_authority_nothing_happens_and_they_hear_why_t_43(given: dict[str, Any], failed: str) -> None:
    story = big()
    effects = judge(story, "2024-03-22", **given)
    assert none_of(effects, ReturnDecided)
    answer = only(effects, CommandAnswered)
    assert answer.verdict == "refused"
    assert failed in [each.name for each in answer.conditions if not each.holds]


def test_the_limit_of_a_role_is_inclusive_t_06() -> None:
    for limit, verdict in ((50_000, "accepted"), (49_999, "refused")):
        roles = {"agent": {"approve_limit_minor": limit, "extend_days": 0}}
        story = big({"returns": {"review": {"authority": roles}}})
        assert only(judge(story, "2024-03-22", role="agent"), CommandAnswered).verdict == verdict


def test_what_does_not_wait_is_not_decided_twice() -> None:
    story = big()
    judge(story, "2024-03-22")
    answer = only(judge(story, "2024-03-23", "refused"), CommandAnswered)
    assert (answer.verdict, [each.name for each in answer.conditions if not each.holds]) == ("refused", ["verdict"])
    assert judge(story, "2024-03-23", "refused", event=answer.event_id) == []


def test_nobody_approves_what_was_never_sold_t_27() -> None:
    story = two_lines()
    story.send_back("2024-03-20", {"l1": 3})
    story.dispute("2024-03-21")
    assert only(judge(story, "2024-03-22"), CommandAnswered).verdict == "refused"
    assert only(judge(story, "2024-03-23", "refused"), ReturnDecided).verdict == "deny"


def test_what_was_denied_does_not_keep_what_waits_from_being_approved() -> None:
    story = Story()
    story.order("2024-03-01", lines=[OrderLine("l1", 1, 4000), OrderLine("l2", 1, 50_000)])
    story.deliver("2024-03-05")
    story.send_back("2024-03-20", {"l1": 1}, back="b0")
    waits = only(story.send_back("2024-03-21", {"l1": 1, "l2": 1}), ReturnDecided)
    assert (waits.verdict, verdicts(waits)) == ("review", {"l1": "deny", "l2": "review"})
    decided = only(judge(story, "2024-03-22"), ReturnDecided)
    assert (decided.verdict, verdicts(decided)) == ("approve", {"l1": "deny", "l2": "approve"})


@pytest.mark.parametrize("known", [True, False])
def test_an_objection_that_comes_before_what_it_is_about_is_heard_r_ret_14_t_16(*, known: bool) -> None:
    story = two_lines() if known else Story()
    if known:
        story.dispute("2024-06-01")
        decision = only(story.send_back("2024-06-02", {"l2": 1}), ReturnDecided)
    else:
        story.send_back("2024-06-02", {"l2": 1})
        story.dispute("2024-06-03")
        decision = only(story.order("2024-03-01 10:00", lines=TWO), ReturnDecided)
    assert (decision.verdict, verdicts(decision)) == ("review", {"l2": "review"})
    failed = {each.name for each in decision.conditions if not each.holds}
    assert failed >= {"disputed", "requested_at"}
    assert only(judge(story, "2024-06-04", "refused"), ReturnDecided).verdict == "deny"


def more_time(story: Story, date: str, until: str, **given: Any) -> CommandAnswered:
    given = {"role": "manager", "reason": "kind", "until_at": story.at(until)} | given
    return only(story.command(date, c.ReturnWindowExtended, order_id="o1", **given), CommandAnswered)


def test_only_a_person_with_authority_extends_a_window_r_ret_07_r_tier_22() -> None:
    story = two_lines()
    assert more_time(story, "2024-03-20", "2024-04-10", role="agent").verdict == "refused"
    assert more_time(story, "2024-03-20", "2024-05-06").verdict == "refused", "31 days"
    assert more_time(story, "2024-03-20", "2024-05-05").verdict == "accepted", "30 days"
    assert only(story.send_back("2024-05-04 23:59", {"l2": 1}), ReturnDecided).verdict == "approve"
    assert only(story.send_back("2024-05-05", {"l1": 1}, back="b2"), ReturnDecided).verdict == "deny"


def test_an_extension_takes_no_day_back_and_needs_an_order() -> None:
    story = two_lines()
    assert more_time(story, "2024-03-20", "2024-04-01").verdict == "refused"
    assert more_time(Story(), "2024-03-20", "2024-04-10").verdict == "refused"


# Stock


def test_stock_moves_after_approval_and_inspection_once_r_ret_10_t_51() -> None:
    story = two_lines()
    story.send_back("2024-03-20", {"l1": 2})
    assert none_of(story.receive("2024-03-22", 2), StockReleased)
    released = only(story.inspect("2024-03-23", 1, event="seen"), StockReleased)
    assert [(line.line_id, line.quantity) for line in released.lines] == [("l1", 1)]
    assert none_of(story.inspect("2024-03-23", 1, event="seen"), StockReleased)
    more = only(story.inspect("2024-03-24", 5, event="more"), StockReleased)
    assert [(line.line_id, line.quantity) for line in more.lines] == [("l1", 1)], "no more than was approved"
    assert none_of(story.inspect("2024-03-25", 5, event="again"), StockReleased)


def test_goods_that_arrive_before_the_approval_wait_for_it_r_ret_10() -> None:
    story = Story()
    story.inspect("2024-03-10", 1)
    story.send_back("2024-03-11", {"l1": 1})
    effects = story.order("2024-03-01", lines=TWO)
    approved, released = only(effects, ReturnDecided), only(effects, StockReleased)
    assert approved.verdict == "approve"
    assert effects.index(approved) < effects.index(released)
    assert released.sequence == approved.sequence + 1


def test_goods_of_a_denied_return_move_no_stock() -> None:
    story = two_lines()
    story.send_back("2024-12-20", {"l1": 1})
    assert none_of(story.inspect("2024-12-21", 1), StockReleased)


def test_a_case_remembers_no_more_than_it_must_d8() -> None:
    story = two_lines()
    story.send_back("2024-03-20")
    for n in range(100):
        story.receive("2024-03-21", event=f"r{n}")
    case = story.rows.get(RETURN_CASES, "ada", "b1")
    assert case is not None
    assert len(case.told) == 64


# Money that went back before


def paid_back(amount: str, line: str | None = None) -> Story:
    story = two_lines()
    story.refund("2024-03-10", amount, line=line)
    return story


@pytest.mark.parametrize(
    ("amount", "line", "verdict", "left"),
    [("10.00", "l1", "approve", 3_000), ("39.99", "l1", "approve", 1), ("40.00", "l1", "review", 0), ("60.00", None, "approve", 1_000),
     ("70.00", None, "review", 0), ("30.00", "l2", "approve", 4_000)],
)  # fmt: skip
def test_what_was_paid_back_before_is_not_paid_back_again_t_04(amount: str, line: str, verdict: str, left: int) -> None:
    story = paid_back(amount, line)
    decision = only(story.send_back("2024-03-20", {"l1": 2}), ReturnDecided)
    assert (decision.verdict, decision.amount_minor) == (verdict, left)
    failed = [
        (each.name, each.value, each.threshold)
        for each in decision.conditions
        if not each.holds and not each.name.startswith("tier")
    ]
    assert failed == ([("left_to_refund_minor", left, 4_000)] if left < 4_000 else [])


def test_goods_of_which_a_part_was_paid_back_are_kept_by_what_they_are_worth() -> None:
    story = diamond("60.00")
    story.refund("2024-03-10", "50.00")
    decision = only(story.send_back("2024-03-20"), ReturnDecided)
    assert (decision.amount_minor, decision.keep_goods) == (1_000, False)


def test_the_money_of_a_return_is_not_counted_twice_when_it_is_paid() -> None:
    story = two_lines()
    story.send_back("2024-03-20", {"l1": 1}, back="b1")
    story.refund("2024-03-21", "20.00", line="l1")
    assert only(story.send_back("2024-03-22", {"l1": 1}, back="b2"), ReturnDecided).amount_minor == 2_000
    story.refund("2024-03-23", "20.00", refund="f2", line="l1")
    again = only(story.dispute("2024-03-24", back="b2"), ReturnDecided)
    assert (again.verdict, again.amount_minor) == ("review", 2_000), "what was paid for it is no other reason"


def test_a_person_who_approves_grants_no_more_than_what_is_left_either_t_43() -> None:
    story = big()
    story.refund("2024-03-21", "499.00")
    decision = only(judge(story, "2024-03-22"), ReturnDecided)
    assert (decision.verdict, decision.amount_minor) == ("approve", 100)
    assert "left_to_refund_minor" in [each.name for each in decision.conditions if not each.holds]


# Conservation


class Conservation(RuleBasedStateMachine):
    """Whatever is asked for, shipped, inspected, disputed and repeated: nothing comes back twice, nor more than was sold."""

    def __init__(self) -> None:
        super().__init__()
        self.story = Story({"returns": {"serial": {"most": 10_000}}})
        self.story.dies_every = 3
        self.asked = 0
        self.day = 0
        self.refunds = Counter[str]()
        self.granted = Counter[str]()
        self.beyond = Counter[str]()
        """Of each line, and of all (""): what went back, what returns were granted, and what went back for other reasons."""

    def _date(self) -> str:
        self.day += 1
        return f"2024-03-{5 + self.day // 24:02d} {self.day % 24:02d}:00" if self.day < 480 else "2024-04-01"

    @rule()
    def order(self) -> None:
        self.story.order("2024-03-01", lines=TWO)

    @rule(one=st.integers(0, 3), other=st.integers(0, 3), back=st.integers(0, 5))
    def ask(self, one: int, other: int, back: int) -> None:
        if units := {line: count for line, count in (("l1", one), ("l2", other)) if count}:
            self.story.send_back(self._date(), units, back=f"b{back}")

    @rule(back=st.integers(0, 5), units=st.integers(0, 3), line=st.sampled_from(["l1", "l2"]), event=st.integers(0, 9))
    def look(self, back: int, units: int, line: str, event: int) -> None:
        self.story.inspect(self._date(), units, f"b{back}", line=line, event=f"i{event}")

    @rule(line=st.sampled_from([None, "l1", "l2"]), minor=st.integers(1, 3_000), refund=st.integers(0, 9))
    def refund(self, line: str | None, minor: int, refund: int) -> None:
        before = self.story.rows.get(ORDERS, "ada", "o1") or Order()
        self.story.refund(self._date(), f"{minor / 100:.2f}", refund=f"f{refund}", line=line)
        after = self.story.rows.get(ORDERS, "ada", "o1") or Order()
        if after.refunds != before.refunds:
            self.refunds += Counter({line or "l9": minor, "": minor})

    @rule(back=st.integers(0, 5))
    def pay(self, back: int) -> None:
        """The shop pays what was approved last, as often as it likes."""
        last = [each for each in self.story.decided(ReturnDecided) if each.return_id == f"b{back}"]
        for line in last[-1].lines if last and last[-1].verdict == "approve" else ():
            if line.verdict == "approve" and line.amount_minor:
                self.refund(line.line_id, line.amount_minor, 100 + self.day)

    @rule(back=st.integers(0, 5), verdict=st.sampled_from(["approved", "refused"]))
    def review(self, back: int, verdict: str) -> None:
        about = {"return_id": f"b{back}", "order_id": "o1", "verdict": verdict, "role": "administrator"}
        self.story.command(self._date(), c.ReturnReviewed, **about)

    @rule(back=st.integers(0, 5))
    def object_to(self, back: int) -> None:
        self.story.dispute(self._date(), f"b{back}")

    @invariant()
    def nothing_twice(self) -> None:
        last: dict[str, ReturnDecided] = {each.return_id: each for each in self.story.decided(ReturnDecided)}
        standing, released, paid = Counter[str](), Counter[str](), 0
        for decision in last.values():
            for line in decision.lines:
                if line.verdict == "approve":
                    standing[line.line_id] += line.quantity
                    paid += line.amount_minor
        for each in self.story.decided(StockReleased):
            for unit in each.lines:
                released[unit.line_id] += unit.quantity
        sold = {line.line_id: line.quantity for line in TWO}
        assert all(count <= sold[line] for line, count in standing.items()), standing
        assert all(count <= sold[line] for line, count in released.items()), released
        assert paid <= sum(line.goods_minor for line in TWO)

    @invariant()
    def no_more_goes_back_than_was_paid_per_line_and_in_all(self) -> None:
        """Whatever else went back: a decision grants no more than what is left then."""
        stands, granted = dict[tuple[str, str], int](), Counter[str]()
        for decision in self.story.decided(ReturnDecided):
            for line in decision.lines:
                if line.verdict != "review":  # what is looked at again may have been paid
                    amount = line.amount_minor if line.verdict == "approve" else 0
                    stands[decision.return_id, line.line_id] = amount
        for (_, line_id), amount in stands.items():
            granted += Counter({line_id: amount, "": amount})
        paid = {line.line_id: line.goods_minor for line in TWO} | {"": sum(line.goods_minor for line in TWO)}
        for line, most in paid.items():
            if granted[line] > self.granted[line]:
                assert granted[line] + self.beyond[line] <= most, (line, granted, self.beyond)
            self.beyond[line] = max(self.beyond[line], self.refunds[line] - granted[line])
        self.granted = granted

    @invariant()
    def one_line_of_decisions(self) -> None:
        first: dict[str, Any] = {}
        for each in self.story.decided(ReturnDecided):
            assert each.supersedes == first.get(each.return_id)
            first[each.return_id] = each.decision_id


TestConservation = Conservation.TestCase
TestConservation.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
