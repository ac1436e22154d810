"""Points of ids that are linked and separated: neither lost nor doubled, and each id has its own lots again (T-24)."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from processors.lots import QUEUES
from processors.reward_requests import OPEN, REQUESTS
from processors.statement import Statement, statement
from schemas.decided import Decided
from schemas.decisions import CommandAnswered
from schemas.events import OrderLine
from schemas.ledger import PointsMoved, RewardAnswered
from tests.processors.accounts import conserved
from tests.processors.story import Story, only

ZONE = "America/New_York"
POLICY: Mapping[str, Any] = {
    "time_zone": ZONE,
    "returns": {"assumed_delivery_days": 3, "statutory_days": 0, "rights": {"base": {"window_days": 10}}},
    "points": {
        "tiers_percent": {},
        "available": "at_once",
        "expiry": {"months": 2},
        "reserved_hours": 48,
        "offered_hours": 24,
        "rewards": {
            "cup": {"points": 40},
            "cap": {"points": 7},
            "box": {"points": 30, "stocked": True, "substitute": "pen"},
            "pen": {"points": 20},
        },
        "interactions": {"visit": {"most": 3, "points": 5}, "answer": {"most": 2, "points": 10}},
    },
}


def linked(**orders: str) -> Story:
    """Ada and Bob, each with an order, are one."""
    story = Story(POLICY)
    for name, goods in orders.items():
        story.order("2024-01-01", goods, f"o-{name}", customer=name)
    story.link("2024-01-02", "bob")
    return story


def account(story: Story, customer: str = "ada") -> Statement:
    """A customer's points, which are conserved."""
    found = statement(story.rows, customer, ZONE)
    conserved(found)
    return found


def sums(story: Story, customer: str = "ada") -> tuple[int, int, int, int]:
    """Balance, pending, reserved, deficit."""
    wallet = account(story, customer).wallet
    return wallet.available, wallet.pending, wallet.reserved, wallet.deficit


def test_balances_add_up_and_come_apart_t_24() -> None:
    story = linked(ada="30.00", bob="20.00")
    assert sums(story) == (50, 0, 0, 0)
    moved = story.decided(PointsMoved)[-1]
    assert (moved.customer_id, moved.movement, moved.points, moved.balance) == ("ada", "joined", 20, 50)
    assert sum(part.points for part in moved.by_expiry) == 20
    story.order("2024-01-03", "5.00", "o3", customer="bob")
    assert sums(story) == (55, 0, 0, 0)
    told = story.unlink("2024-01-04", "bob")
    assert (sums(story), sums(story, "bob")) == ((30, 0, 0, 0), (25, 0, 0, 0))
    entries = [each for each in told if isinstance(each, PointsMoved)]
    assert [(each.customer_id, each.movement, each.points, each.balance) for each in entries] == [
        ("ada", "parted", 25, 30),
        ("bob", "joined", 25, 25),
    ]


def test_a_shared_order_earns_once_and_each_has_its_own_back_t_24() -> None:
    story = Story(POLICY)
    story.order("2024-01-01", "30.00", "o1")
    story.order("2024-01-01", "30.00", "o1", customer="bob")
    story.link("2024-01-02", "bob")
    assert sums(story) == (30, 0, 0, 0)
    story.order("2024-01-01", "30.00", "o1", customer="bob")
    assert sums(story) == (30, 0, 0, 0)
    story.refund("2024-01-03", "10.00", "o1", customer="bob")
    assert sums(story) == (20, 0, 0, 0)
    story.unlink("2024-01-04", "bob")
    assert (sums(story), sums(story, "bob")) == ((30, 0, 0, 0), (20, 0, 0, 0)), "the refund was told of under Bob's id"


def test_a_refund_under_one_id_takes_back_what_the_order_earned_under_the_other_t_24_t_34() -> None:
    story = Story(POLICY)
    story.order("2024-01-01", "30.00", "o1")
    story.refund("2024-01-01", "10.00", "o1", customer="bob")
    story.link("2024-01-02", "bob")
    assert sums(story) == (20, 0, 0, 0)
    story.unlink("2024-01-03", "bob")
    assert sums(story) == (30, 0, 0, 0)


def test_what_was_earned_twice_and_spent_is_owed_until_they_part_t_24_t_33() -> None:
    story = Story(POLICY)
    for name in ("ada", "bob"):
        story.order("2024-01-01", "40.00", "o1", customer=name)
        story.want("2024-01-01", "cup", f"q-{name}", customer=name)
        story.hand_over("2024-01-01", f"q-{name}", customer=name)
    story.link("2024-01-02", "bob")
    assert sums(story) == (0, 0, 0, 40)
    assert only(story.want("2024-01-02", "cap", "q3"), RewardAnswered).verdict == "refused"
    story.order("2024-01-03", "15.00", "o2")
    assert sums(story) == (0, 0, 0, 25)
    story.unlink("2024-01-04", "bob")
    assert (sums(story), sums(story, "bob")) == ((15, 0, 0, 0), (0, 0, 0, 0)), "what Ada earned is hers"


def test_what_one_id_paid_of_anothers_debt_comes_back_when_they_part_t_24_t_33() -> None:
    """Bob owes 40 that he spent and sent back; Ada has 30, and Eve 20 that expire sooner."""
    story = Story({**POLICY, "points": {**POLICY["points"], "owed_from": "balance"}})
    story.order("2024-01-01", "40.00", "o1", customer="bob")
    story.want("2024-01-01", "cup", "q1", customer="bob")
    story.hand_over("2024-01-01", "q1", customer="bob")
    story.refund("2024-01-02", "40.00", "o1", customer="bob")
    story.order("2024-01-01", "20.00", "o2", customer="eve")
    story.order("2024-01-02", "30.00", "o3")
    apart = [sums(story, each) for each in ("ada", "bob", "eve")]
    assert apart == [(30, 0, 0, 0), (0, 0, 0, 40), (20, 0, 0, 0)]
    story.link("2024-01-03", "bob")
    assert sums(story) == (0, 0, 0, 10)
    story.link("2024-01-04", "eve")
    assert sums(story) == (10, 0, 0, 0)
    told = story.unlink("2024-01-05", "bob")
    assert (sums(story), sums(story, "bob")) == ((50, 0, 0, 0), (0, 0, 0, 40))
    entries = [each for each in told if isinstance(each, PointsMoved) and each.customer_id == "ada"]
    assert [(each.movement, each.points, each.balance) for each in entries] == [("parted", 0, 10), ("restored", 40, 50)]
    story.unlink("2024-01-06", "eve")
    assert [sums(story, each) for each in ("ada", "bob", "eve")] == apart


def test_points_that_come_back_for_two_reasons_are_one_movement_d7() -> None:
    """Ada paid for Bob, and what she earned is not reversed any more for what he was told of."""
    story = Story({**POLICY, "points": {**POLICY["points"], "owed_from": "balance"}})
    story.order("2024-01-01", "40.00", "o1", customer="bob")
    story.want("2024-01-01", "cup", "q1", customer="bob")
    story.hand_over("2024-01-01", "q1", customer="bob")
    story.refund("2024-01-02", "40.00", "o1", customer="bob")
    story.order("2024-01-02", "60.00", "o2")
    story.refund("2024-01-02", "10.00", "o2", customer="bob")
    story.link("2024-01-03", "bob")
    told = [each for each in story.unlink("2024-01-04", "bob") if isinstance(each, PointsMoved)]
    ada = [(each.movement, each.points, each.balance) for each in told if each.customer_id == "ada"]
    assert ada[1:] == [("restored", 50, 60)]
    assert len({each.decision_id for each in told}) == len(told)


def test_interactions_earn_up_to_their_cap_whichever_id_and_the_same_one_once_t_24() -> None:
    story = Story(POLICY)
    for name, question in (("ada", "q1"), ("bob", "q1"), ("bob", "q2")):
        story.reply("2024-01-01", question, customer=name)
    story.link("2024-01-02", "bob")
    assert sums(story)[0] == 20
    story.reply("2024-01-03", "q3")
    assert sums(story)[0] == 20, "the cap is the customer's"
    story.unlink("2024-01-04", "bob")
    assert (sums(story)[0], sums(story, "bob")[0]) == (10, 20)
    story.reply("2024-01-05", "q4")
    assert sums(story)[0] == 20, "one of two were Ada's"


def test_a_reward_takes_what_expires_first_whichever_id_and_stays_spent_t_24_t_35() -> None:
    story = Story(POLICY)
    story.order("2024-01-01", "30.00", "o1", customer="bob")
    story.order("2024-01-10", "30.00", "o2")
    story.link("2024-01-11", "bob")
    story.want("2024-01-12", "cup", "q1")
    assert sums(story) == (20, 0, 40, 0)
    story.hand_over("2024-01-13", "q1", customer="bob")
    assert sums(story) == (20, 0, 0, 0)
    story.unlink("2024-01-14", "bob")
    assert (sums(story), sums(story, "bob")) == ((20, 0, 0, 0), (0, 0, 0, 0))


def test_what_is_held_for_anothers_request_is_available_again_when_they_part_t_24_t_38() -> None:
    for end in ("captured", "released"):
        story = Story(POLICY)
        story.order("2024-01-01", "30.00", "o1", customer="bob")
        story.order("2024-01-10", "30.00", "o2")
        story.link("2024-01-11", "bob")
        story.want("2024-01-12", "cup", "q1")
        story.unlink("2024-01-12", "bob")
        assert (sums(story), sums(story, "bob")) == ((20, 0, 10, 0), (30, 0, 0, 0))
        (story.hand_over if end == "captured" else story.call_off)("2024-01-13", "q1")
        asked = story.rows.get(REQUESTS, "ada", "q1")
        assert asked is not None
        assert asked.state == end
        assert sums(story) == ((20, 0, 0, 0) if end == "captured" else (30, 0, 0, 0))


def test_points_of_all_ids_mature_expire_and_are_released_by_time_t_24_t_36() -> None:
    story = Story({**POLICY, "points": {**POLICY["points"], "available": "after_return_window"}})
    story.order("2024-01-01", "30.00", "o1", customer="bob")
    story.link("2024-01-02", "bob")
    story.order("2024-01-03", "50.00", "o2")
    assert sums(story) == (0, 80, 0, 0)
    story.tick("2024-01-25")
    assert sums(story) == (80, 0, 0, 0)
    story.want("2024-01-26", "cup", "q1")
    story.tick("2024-01-30")
    assert sums(story) == (80, 0, 0, 0)
    story.tick("2024-03-02 12:00")
    assert sums(story) == (50, 0, 0, 0)
    story.unlink("2024-03-02 13:00", "bob")
    assert (sums(story), sums(story, "bob")) == ((50, 0, 0, 0), (0, 0, 0, 0))


START = datetime(2024, 1, 30, 20, 0)  # noqa: DTZ001 - local time of the programme
IDS = ("ada", "bob", "cleo")
WHO = st.sampled_from(IDS)
ORDERS = st.sampled_from([f"o{n}" for n in range(5)])
REQUEST = st.sampled_from([f"q{n}" for n in range(5)])


class Links(RuleBasedStateMachine):
    """Three ids that are told the same things and others, linked and separated again and again."""

    def __init__(self) -> None:
        super().__init__()
        self.story = Story()
        self.now = START

    @initialize(
        owed=st.sampled_from(["balance", "future_earnings"]), when=st.sampled_from(["at_once", "after_return_window"])
    )
    def begin(self, owed: str, when: str) -> None:
        self.story = Story({**POLICY, "points": {**POLICY["points"], "owed_from": owed, "available": when}})

    @property
    def date(self) -> str:
        return self.now.strftime("%Y-%m-%d %H:%M")

    @rule(one=WHO, other=WHO)
    def link(self, one: str, other: str) -> None:
        self.now += timedelta(minutes=1)
        self.story.link(self.date, other, customer=one)

    @rule(one=WHO, other=WHO)
    def unlink(self, one: str, other: str) -> None:
        self.now += timedelta(minutes=1)
        self.story.unlink(self.date, other, customer=one)

    @rule(days=st.sampled_from([0, 1, 3, 12, 40]), minutes=st.integers(1, 600))
    def pass_time(self, days: int, minutes: int) -> None:
        self.now += timedelta(days=days, minutes=minutes)
        self.story.tick(self.date)

    @rule(who=WHO, order=ORDERS, cents=st.lists(st.integers(1_000, 9_000), min_size=1, max_size=2))
    def order(self, who: str, order: str, cents: list[int]) -> None:
        lines = [OrderLine(f"l{n}", 1, each) for n, each in enumerate(cents)]
        self.story.order(self.date, order=order, lines=lines, customer=who)

    @rule(who=WHO, order=ORDERS, cents=st.integers(0, 9_000), line=st.sampled_from([None, "l0", "l1"]))
    def refund(self, who: str, order: str, cents: int, line: str | None) -> None:
        self.story.refund(self.date, f"{cents / 100:.2f}", order, f"f{cents % 3}", line=line, customer=who)

    @rule(who=WHO, order=ORDERS)
    def cancel(self, who: str, order: str) -> None:
        self.story.cancel(self.date, order, customer=who)

    @rule(who=WHO, order=ORDERS)
    def deliver(self, who: str, order: str) -> None:
        self.story.deliver(self.date, order, customer=who)

    @rule(who=WHO, question=st.sampled_from(["x", "y", "z"]))
    def reply(self, who: str, question: str) -> None:
        self.story.reply(self.date, question, customer=who)

    @rule(who=WHO, reward=st.sampled_from(["cup", "cap"]), request=REQUEST)
    def want(self, who: str, reward: str, request: str) -> None:
        self.story.want(self.date, reward, request, customer=who)

    @rule(rewards=st.tuples(*[st.sampled_from(["cup", "cap", "box"])] * 3), other=WHO)
    def all_want(self, rewards: tuple[str, ...], other: str) -> None:
        """At one instant, each under the same name, before they turn out to be one, or not."""
        name = f"r{self.story.offset}"
        for who, reward in zip(IDS, rewards, strict=True):
            self.order(who, f"o-{name}-{who}", [4_000])
            self.want(who, reward, name)
        self.link("ada", other)

    @rule(pick=st.integers(0, 9), how=st.sampled_from(["hand_over", "call_off", "approved", "refused"]))
    def end(self, pick: int, how: str) -> None:
        """One of what is open."""
        rows = self.story.rows.first(REQUESTS, 1_000, above="")
        if there := [key for key, row in rows if row.state in OPEN]:
            who, request = there[pick % len(there)]
            if how in ("approved", "refused"):
                self.story.choose(self.date, how, request, customer=who)
            else:
                getattr(self.story, how)(self.date, request, customer=who)

    @rule(units=st.integers(1, 2))
    def restock(self, units: int) -> None:
        self.story.restock(self.date, units, "box")

    @rule(who=WHO, request=REQUEST)
    def hand_over(self, who: str, request: str) -> None:
        self.story.hand_over(self.date, request, customer=who)

    @rule(who=WHO, request=REQUEST)
    def call_off(self, who: str, request: str) -> None:
        self.story.call_off(self.date, request, customer=who)

    @rule(who=WHO, points=st.integers(-60, 60), adjustment=st.sampled_from(["a1", "a2", "a3"]))
    def adjust(self, who: str, points: int, adjustment: str) -> None:
        self.story.adjust(self.date, points, adjustment, customer=who)

    @rule()
    def again(self) -> None:
        """The last event comes twice (T-15)."""
        if self.story.last is not None:
            effects = self.story.happen(self.story.last)
            assert [each for each in effects if isinstance(each, PointsMoved | RewardAnswered | CommandAnswered)] == []

    @invariant()
    def nothing_is_lost_or_doubled(self) -> None:
        for customer in IDS:
            found = statement(self.story.rows, customer, ZONE)
            conserved(found)
            if self.story.row(customer).host is not None:
                assert found.lots == []

    @invariant()
    def whatever_holds_points_has_one_end_and_no_other_request_has_t_38(self) -> None:
        rows = self.story.rows
        known = [(key, row) for key, row in rows.first(REQUESTS, 1_000, above="") if row.state in OPEN]
        ends = [(key, row.points) for key, row in rows.first(QUEUES, 1_000, above="") if key[1] == "ends"]
        held = [((key[0], "ends", f"{row.until:013d}", key[1]), row.points) for key, row in known]
        assert sorted(ends) == sorted(held)
        for customer in IDS:
            ids = self.story.row(customer).family or (customer,)
            theirs = sum(row.points for key, row in known if key[0] in ids)
            assert self.story.row(customer).host or self.story.row(customer).points.reserved <= theirs

    @invariant()
    def one_thing_earns_once_for_one_customer(self) -> None:
        for customer in IDS:
            if family := self.story.row(customer).family:
                justified: dict[tuple[str, ...], int] = {}
                for name, lot in statement(self.story.rows, customer, ZONE).lots:
                    told = name[:-1]
                    justified[told] = justified.get(told, 0) + (lot.reversed < lot.earned)
                assert all(many <= 1 for name, many in justified.items()), family

    @invariant()
    def numbers_have_no_gaps_and_ids_no_repetition(self) -> None:
        decided = self.story.decided(Decided)
        assert len({each.decision_id for each in decided}) == len(decided)
        for customer in IDS:
            numbers = [each.sequence for each in decided if each.customer_id == customer]
            assert numbers == list(range(1, len(numbers) + 1))

    @invariant()
    def the_topic_says_where_points_stand(self) -> None:
        for customer in IDS:
            row = self.story.row(customer)
            told = [each for each in self.story.decided(PointsMoved) if each.customer_id == customer]
            if told:
                last, wallet = told[-1], row.points
                said = (last.balance, last.pending, last.reserved, last.deficit, last.next_expiry_at)
                assert said == (
                    wallet.available,
                    wallet.pending,
                    wallet.reserved,
                    wallet.deficit,
                    wallet.expires_at,
                )


Links.TestCase.settings = settings(max_examples=100, stateful_step_count=50, deadline=None)
TestLinks = Links.TestCase
