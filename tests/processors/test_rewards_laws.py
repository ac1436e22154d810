"""Laws of rewards, over partitions, messages in any order and crashes: no unit is promised twice, and everything ends once."""

from collections import Counter
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from processors.effects import Send
from processors.reward_requests import OPEN, REQUESTS, Request
from processors.statement import statement
from processors.stock import STOCKS, Stock
from schemas import events as e
from schemas.decided import Decided
from schemas.ledger import PointsMoved, RewardAnswered
from schemas.messages import UnitsAnswered, UnitsAsked, UnitsEnded
from schemas.rewards import ReplenishmentDue, RewardStocked, RewardStockMoved, subject_of
from state.overlay import Overlay
from tests.processors.accounts import conserved
from tests.processors.network import Network

CUSTOMERS = ("ada", "bob", "cyd", "dan")
REWARDS = ("box", "cup")
HOME = {"ada": 0, "bob": 1, "cyd": 2, "dan": 0, "reward/box": 1, "reward/cup": 2}
START, HOUR = 1_704_067_200_000, 3_600_000
POLICY: dict[str, Any] = {
    "points": {
        "available": "at_once", "reserved_hours": 24, "offered_hours": 6, "expiry": {"months": 3},
        "rewards": {
            "box": {"points": 60, "cost_minor": 700, "stocked": True, "reorder_level": 1, "substitute": "cup"},
            "cup": {"points": 40, "cost_minor": 300, "stocked": True, "reorder_level": 0},
        },
    },
    "recovery": {}, "lifecycle": {"designation_months": 0, "engagement_months": 0, "retention_months": 0},
}  # fmt: skip
WHO, WHAT, REQUEST = st.sampled_from(CUSTOMERS), st.sampled_from(REWARDS), st.sampled_from("pq")
MOVES = {"held": (-1, 1, 0), "released": (1, -1, 0), "given": (0, -1, 1), "added": (1, 0, 0), "removed": (-1, 0, 0)}
"""What each change does to free, held and given units, each unit."""


class Crashing(Network):
    """A network whose partitions may die in the middle of a record: what it wrote is gone, and the record comes again."""

    dies = False

    def _fold(self, number: int, subject: str, event: Any, hops: int) -> Any:
        if self.dies:
            before, queues = dict(self.stores[number].scan()), {key: list(each) for key, each in self.queues.items()}
            effects, offset = list(self.effects), self.offsets[number]
            first = super()._fold(number, subject, event, hops)
            store = self.stores[number]
            changed = {key: before.get(key) for key in {*before, *dict(store.scan())}}
            store.write(changed)
            self.effects, self.offsets[number] = effects, offset
            for key, each in self.queues.items():
                each.clear()
                each.extend(queues.get(key, ()))
            again = super()._fold(number, subject, event, hops)
            assert again == first, "what follows from a record is the same again"
            return again
        return super()._fold(number, subject, event, hops)


class Shop(RuleBasedStateMachine):
    """Four customers on three partitions want what two others have few of."""

    def __init__(self) -> None:
        super().__init__()
        self.net, self.now, self.number = Crashing(HOME, POLICY), START, 0

    def about(self, customer: str) -> dict[str, Any]:
        self.number += 1
        return {"event_id": f"e{self.number}", "customer_id": customer, "occurred_at": self.now}

    @initialize(box=st.integers(0, 3), cup=st.integers(0, 2))
    def begin(self, box: int, cup: int) -> None:
        self.net.tick(self.now)
        for customer in CUSTOMERS:
            lines = (e.OrderLine("l1", 1, 25_000),)
            order = e.OrderPlaced(**self.about(customer), order_id=f"o-{customer}", currency="USD", lines=lines)
            self.net.publish([order])
        for reward, units in (("box", box), ("cup", cup)):
            self.restock(reward, units)

    def restock(self, reward: str, units: int) -> None:
        self.number += 1
        about = {"event_id": f"e{self.number}", "occurred_at": self.now, "author_id": "w", "role": "warehouse"}
        self.net.publish([RewardStocked(**about, reason="count", reward_id=reward, units=units)])

    @rule(reward=WHAT, units=st.integers(-2, 2))
    def stock(self, reward: str, units: int) -> None:
        self.restock(reward, units)

    @rule(who=WHO, reward=WHAT, request=REQUEST, many=st.sampled_from([1, 1, 1, 2]))
    def want(self, who: str, reward: str, request: str, many: int) -> None:
        about = {"request_id": f"{request}-{who}", "reward_id": reward, "quantity": many}
        self.net.publish([e.RewardRequested(**self.about(who), **about)])

    @rule(reward=WHAT, request=REQUEST)
    def all_want(self, reward: str, request: str) -> None:
        """Everybody wants the last one."""
        for who in CUSTOMERS:
            self.want(who, reward, request, 1)

    @rule(who=WHO, request=REQUEST, what=st.sampled_from([e.RewardFulfilled, e.RewardCancelled]))
    def end(self, who: str, request: str, what: Any) -> None:
        self.net.publish([what(**self.about(who), request_id=f"{request}-{who}")])

    @rule(who=WHO, reward=WHAT, what=st.sampled_from([e.RewardFulfilled, e.RewardCancelled]))
    def think_again(self, who: str, reward: str, what: Any) -> None:
        """An end that follows at once, mostly before the answer."""
        name = f"v{self.number}"
        self.want(who, reward, name, 1)
        self.net.publish([what(**self.about(who), request_id=f"{name}-{who}")])

    @rule(who=WHO, verdict=st.sampled_from(["approved", "approved", "refused"]))
    def choose(self, who: str, verdict: Any) -> None:
        """Of all that was offered to somebody."""
        for request_id, row in self.requests(who):
            if row.state == "offered":
                self.net.publish([e.SubstituteAnswered(**self.about(who), request_id=request_id, verdict=verdict)])

    @rule(hours=st.sampled_from([1, 3, 7, 25]))
    def pass_time(self, hours: int) -> None:
        self.now += hours * HOUR
        self.net.tick(self.now)

    @precondition(lambda self: self.net.waiting())
    @rule(picks=st.lists(st.integers(0, 99), min_size=1, max_size=12), dies=st.sampled_from([False, False, True]))
    def move(self, picks: list[int], dies: bool) -> None:
        """Some records are folded, of whichever queues."""
        self.net.dies = dies
        for pick in picks:
            if queues := self.net.waiting():
                self.net.move(queues[pick % len(queues)])
        self.net.dies = False

    @rule(
        words=st.lists(
            st.sampled_from(["approved", "refused", "cancelled", "handed_over", "nothing"]), min_size=4, max_size=4
        )
    )
    def sell_out(self, words: list[str]) -> None:
        """Everybody wants a box, and says something of what is offered instead, or nothing until it is over."""
        self.number += 1
        name = f"u{self.number}"
        self.all_want("box", name)
        self.come_to_rest()
        had = [dict(self.requests(who))[f"{name}-{who}"].state in OPEN for who in CUSTOMERS]
        for who, word in zip(CUSTOMERS, words, strict=True):
            about = {**self.about(who), "request_id": f"{name}-{who}"}
            if word in ("cancelled", "handed_over"):
                self.net.publish([(e.RewardCancelled if word == "cancelled" else e.RewardFulfilled)(**about)])
            elif word in ("approved", "refused"):
                self.net.publish([e.SubstituteAnswered(**about, verdict=word)])  # type: ignore[arg-type]
        self.come_to_rest()
        self.pass_time(7)
        self.come_to_rest()
        for who, word, open_then in zip(CUSTOMERS, words, had, strict=True):
            if word == "handed_over":
                state = dict(self.requests(who))[f"{name}-{who}"].state
                assert state == ("captured" if open_then else "refused")

    @rule()
    def come_to_rest(self) -> None:
        """Everything arrives: no question is left open, and nobody holds what the reward does not know of."""
        self.net.run()
        held = Counter[str]()
        for who in CUSTOMERS:
            for _, row in self.requests(who):
                assert row.state != "asked"
                assert row.has_units == (row.state in OPEN)
                assert row.ends_as is None or row.state != "reserved", "an end that was told before the answer counts"
                held[row.reward_id] += row.quantity if row.has_units else 0
        assert {each: self.units(each).held for each in REWARDS} == {each: held[each] for each in REWARDS}

    def requests(self, who: str) -> list[tuple[str, Request]]:
        rows = Overlay(self.net.stores[HOME[who]])
        return [(key[1], row) for key, row in rows.first(REQUESTS, 1_000, below=f"{who}\x01", above=who)]

    def units(self, reward: str) -> Stock:
        return self.net.get(STOCKS, subject_of(reward)) or Stock()

    @invariant()
    def no_unit_is_promised_twice(self) -> None:
        for reward in REWARDS:
            row = self.units(reward)
            moved = [each for each in self.net.all(RewardStockMoved) if each.reward_id == reward]
            sums = [sum(MOVES[each.change][at] * each.units for each in moved) for at in range(3)]
            assert [row.free, row.held, row.given] == sums
            assert min(row.free, row.held, row.given, 0) == 0
            captured = {each.request_id for each in self.net.all(PointsMoved) if each.movement == "captured"}
            assert {each.request_id for each in moved if each.change == "given"} <= captured
            assert len({each.decision_id for each in self.net.all(Decided)}) == len(self.net.all(Decided))

    @invariant()
    def points_are_conserved(self) -> None:
        for who in CUSTOMERS:
            conserved(statement(Overlay(self.net.stores[HOME[who]]), who, "UTC"))

    @invariant()
    def every_request_is_answered_once_and_what_it_held_ends_once(self) -> None:
        final = Counter(
            (each.customer_id, each.request_id) for each in self.net.all(RewardAnswered) if each.verdict != "offered"
        )
        assert set(final.values()) <= {1}
        ends = Counter(
            each.event.request_id
            for each in self.net.effects
            if isinstance(each, Send) and isinstance(each.event, UnitsEnded)
        )
        assert set(ends.values()) <= {1}
        for who in CUSTOMERS:
            for request_id, row in self.requests(who):
                moved = Counter[str]()
                for each in self.net.all(PointsMoved):
                    if each.request_id == request_id and each.movement != "repaid":
                        moved[each.movement] += each.points
                assert final[who, request_id] == (row.state in ("refused", "reserved", "captured", "released"))
                held = row.points if row.state in OPEN else 0
                assert moved["reserved"] == moved["released"] + moved["captured"] + held
                assert (moved["captured"] > 0) == (row.state == "captured")

    @invariant()
    def more_is_called_for_once_until_it_was_refilled(self) -> None:
        for reward, level in (("box", 1), ("cup", 0)):
            low = False
            for each in self.net.effects:
                match each:
                    case ReplenishmentDue(reward_id=name) if name == reward:
                        assert (low, each.free <= level) == (False, True)
                        low = True
                    case RewardStockMoved(reward_id=name, change="added") if name == reward:
                        low = low and each.free <= level
                    case _:
                        pass
            assert self.units(reward).low == low

    @invariant()
    def each_question_has_one_answer_at_most(self) -> None:
        said = [each.event for each in self.net.effects if isinstance(each, Send)]
        asked = Counter((each.request_id, each.reward_id) for each in said if isinstance(each, UnitsAsked))
        answered = Counter((each.request_id, each.reward_id) for each in said if isinstance(each, UnitsAnswered))
        assert set(asked.values()) <= {1}
        assert answered <= asked


Shop.TestCase.settings = settings(max_examples=50, stateful_step_count=40, deadline=None)
TestRewards = Shop.TestCase
