"""Laws of points, on histories that nobody would think of: nothing is lost, doubled or below zero, and every request ends once."""

from datetime import datetime, timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from processors.lots import Wallet
from processors.reward_requests import REQUESTS
from processors.statement import Statement, statement
from schemas.decisions import CommandAnswered
from schemas.events import OrderLine
from schemas.ledger import PointsMoved, RewardAnswered
from tests.processors.story import Story

START = datetime(2024, 1, 30, 20, 0)  # noqa: DTZ001 - local time of the programme; month ends and a leap day lie ahead
ZONE = "America/New_York"
ORDERS = st.sampled_from([f"o{n}" for n in range(9)])
REQUEST = st.sampled_from([f"q{n}" for n in range(9)])
DAYS_BACK = st.sampled_from([0, 0, 0, 1, 20, 70])


def policy(owed_from: str, available: str) -> dict[str, Any]:
    return {
        "time_zone": ZONE,
        "returns": {"assumed_delivery_days": 3, "statutory_days": 0, "rights": {"base": {"window_days": 10}}},
        "points": {
            "owed_from": owed_from,
            "available": available,
            "expiry": {"months": 2},
            "reserved_hours": 48,
            "rewards": {"cup": {"points": 40}, "cap": {"points": 7}},
            "interactions": {"visit": {"most": 3, "points": 5}, "answer": {"most": 2}},
        },
    }


def sums(account: Statement) -> dict[str, int]:
    """What became of points, over all lots of a customer."""
    names = ("earned", "spent", "expired", "clawed_back", "taken")
    return {name: sum(getattr(lot, name) for _, lot in account.lots) for name in names}


def conserved(account: Statement) -> None:
    """earned = spent + expired + clawed back + taken + available + pending + reserved - deficit, to the unit."""
    wallet, total = account.wallet, sums(account)
    stands = wallet.available + wallet.pending + wallet.reserved
    gone = total["spent"] + total["expired"] + total["clawed_back"] + total["taken"]
    assert total["earned"] == gone + stands - wallet.deficit
    for _, lot in account.lots:
        assert min(lot.earned, lot.spent, lot.expired, lot.clawed_back, lot.taken, lot.repaid, lot.owed) >= 0
        assert lot.left >= 0
        assert lot.clawed_back <= lot.reversed <= lot.earned
        assert lot.owed <= lot.clawed_back
        # What nobody owes was never more than what the lot earned.
        assert lot.spent + lot.expired + lot.taken + lot.repaid <= lot.earned
    assert min(wallet.available, wallet.pending, wallet.reserved, wallet.deficit) >= 0
    assert account.accurate, (account.wallet, account.recounted)


SIGN = {
    "earned": 1, "given": 1, "matured": 0, "released": 0, "reserved": 0,
    "captured": -1, "expired": -1, "clawed_back": -1, "repaid": 0, "taken": -1,
}  # fmt: skip
"""What a movement does to pending + balance + reserved - deficit: a consumer of the topic keeps its own account with it."""


class History(RuleBasedStateMachine):
    """One customer's orders, visits, rewards, refunds and commands, late ones and repetitions among them."""

    def __init__(self) -> None:
        super().__init__()
        self.story = Story()
        self.now = START
        self.numbers = 0

    @initialize(
        owed=st.sampled_from(["balance", "future_earnings"]),
        available=st.sampled_from(["at_once", "after_return_window"]),
    )
    def begin(self, owed: str, available: str) -> None:
        self.story, self.owed = Story(policy(owed, available)), owed
        self.story.dies_every = 3

    def when(self, days_back: int) -> str:
        self.numbers += 1
        return (self.now - timedelta(days=days_back)).strftime("%Y-%m-%d %H:%M")

    @rule(days=st.sampled_from([0, 1, 3, 12, 40]), minutes=st.integers(1, 600), calm=st.booleans())
    def pass_time(self, days: int, minutes: int, calm: bool) -> None:
        self.now += timedelta(days=days, minutes=minutes)
        self.story.tick(self.now.strftime("%Y-%m-%d %H:%M"), behind_s=0 if calm else 10_000)

    @rule(order=ORDERS, cents=st.lists(st.integers(0, 9_000), min_size=1, max_size=3), back=DAYS_BACK)
    def order(self, order: str, cents: list[int], back: int) -> None:
        lines = [OrderLine(f"l{n}", 1, each) for n, each in enumerate(cents)]
        self.story.order(self.when(back), order=order, lines=lines)

    @rule(order=ORDERS, cents=st.integers(0, 9_000), line=st.sampled_from([None, "l0", "l1", "l9"]), back=DAYS_BACK)
    def refund(self, order: str, cents: int, line: str | None, back: int) -> None:
        self.story.refund(self.when(back), f"{cents / 100:.2f}", order, f"f{self.numbers % 7}", line=line)

    @rule(order=ORDERS, back=DAYS_BACK)
    def cancel(self, order: str, back: int) -> None:
        self.story.cancel(self.when(back), order)

    @rule(order=ORDERS, back=DAYS_BACK)
    def deliver(self, order: str, back: int) -> None:
        self.story.deliver(self.when(back), order)

    @rule(back=DAYS_BACK)
    def visit(self, back: int) -> None:
        self.story.visit(self.when(back))

    @rule(question=st.sampled_from(["q1", "q2", "q3"]), back=DAYS_BACK)
    def reply(self, question: str, back: int) -> None:
        self.story.reply(self.when(back), question)

    @rule(reward=st.sampled_from(["cup", "cap", "car"]), request=REQUEST)
    def want(self, reward: str, request: str) -> None:
        self.story.want(self.when(0), reward, request)

    @rule(orders=st.permutations([f"o{n}" for n in range(9)]), most=st.integers(1, 6), request=REQUEST)
    def spend_and_send_back(self, orders: list[str], most: int, request: str) -> None:
        """What T-33 is about, too rare by chance alone."""
        self.story.order(self.when(0), "50.00", orders[0])
        self.story.want(self.when(0), "cup", request)
        self.story.hand_over(self.when(0), request)
        for order in orders[:most]:
            self.story.cancel(self.when(0), order)
        self.nothing_is_lost()
        self.story.order(self.when(0), "9.00", f"next{self.numbers}")

    @rule(request=REQUEST)
    def hand_over(self, request: str) -> None:
        self.story.hand_over(self.when(0), request)

    @rule(request=REQUEST)
    def call_off(self, request: str) -> None:
        self.story.call_off(self.when(0), request)

    @rule(points=st.integers(-60, 60), adjustment=st.sampled_from(["a1", "a2", "a3"]))
    def adjust(self, points: int, adjustment: str) -> None:
        self.story.adjust(self.when(0), points, adjustment)

    @rule()
    def again(self) -> None:
        """The last event comes twice (T-15)."""
        if self.story.last is not None:
            before = self.story.row().points
            effects = self.story.happen(self.story.last)
            assert [each for each in effects if isinstance(each, PointsMoved | RewardAnswered | CommandAnswered)] == []
            assert self.story.row().points == before

    @invariant()
    def nothing_is_lost(self) -> None:
        account = statement(self.story.rows, "ada", ZONE)
        conserved(account)
        if self.owed == "balance" and account.wallet.deficit:
            assert account.wallet.available == 0

    @invariant()
    def whoever_reads_the_topic_has_the_same_account(self) -> None:
        moved, wallet = self.story.decided(PointsMoved), self.story.row().points
        total = sum(SIGN[each.movement] * each.points for each in moved)
        assert total == wallet.available + wallet.pending + wallet.reserved - wallet.deficit
        if moved:
            last = moved[-1]
            told = Wallet(last.balance, last.pending, last.reserved, last.deficit, expires_at=last.next_expiry_at)
            assert told == Wallet(
                wallet.available, wallet.pending, wallet.reserved, wallet.deficit, None, wallet.expires_at
            )
        assert all(each.points == sum(part.points for part in each.by_expiry) > 0 for each in moved)
        assert len({each.decision_id for each in moved}) == len(moved)

    @invariant()
    def every_request_is_answered_once_and_ends_once(self) -> None:
        answers = [each.request_id for each in self.story.decided(RewardAnswered)]
        assert len(answers) == len(set(answers))
        for request_id in answers:
            moved = [each for each in self.story.decided(PointsMoved) if each.request_id == request_id]
            kinds = [each.movement for each in moved if each.movement != "repaid"]
            asked = self.story.rows.get(REQUESTS, "ada", request_id)
            assert asked
            expected = {"refused": [], "reserved": ["reserved"]}
            assert kinds == expected.get(asked.state, ["reserved", asked.state])
            assert len({each.points for each in moved if each.movement != "repaid"}) <= 1


History.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestConservation = History.TestCase
