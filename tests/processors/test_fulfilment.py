"""Orders' flags: what the status gives at acceptance, again when it changes, and never after dispatch (R-FUL-01..06, R-FUL-11)."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from processors.effects import Entry
from processors.head_start import rank_of
from processors.rows import Table
from processors.step import step
from processors.undispatched import MOST_OPEN, UNDISPATCHED, Orders
from processors.wording import explain
from schemas import commands as c
from schemas.decisions import ContactRouted, OrderFlagged
from schemas.events import OrderLine
from state.overlay import Overlay
from tests.processors.story import Story, none_of, only, parsed_with, policy_with

MINUTE = 60_000
SHIPPED: dict[str, object] = {"fulfilment": "shipped"}


def vip(policy: dict[str, object] | None = None) -> Story:
    """Gold from 1 February 2024 on, by an order that was dispatched."""
    story = Story(SHIPPED | (policy or {}))
    story.register("2014-01-01")
    story.order("2024-02-01", "1500.00", "first", event="lift")
    story.ship("2024-02-01", order="first")
    return story


def test_an_order_is_flagged_with_what_the_tier_gives_r_ful_02_r_ful_03_r_ful_04_r_ful_06() -> None:
    flag = only(vip().order("2024-02-02 10:00", "10.00"), OrderFlagged)
    assert (flag.order_id, flag.tier, flag.label_icon, flag.badge) == ("o1", "gold", "gold", "Gold")
    assert flag.handling_note == "VIP Customer - Premium Service"
    assert (flag.packing, flag.inserts) == (("double_check", "extra_care"), ("thank_you_card",))
    assert (flag.priority, flag.lane, flag.supersedes) == (60, "standard", None)


def test_whoever_has_no_tier_has_a_place_and_a_promise_too_r_ful_01() -> None:
    story = Story(SHIPPED)
    flag = only(story.order("2024-02-02 10:00", "10.00"), OrderFlagged)
    assert (flag.tier, flag.label_icon, flag.badge, flag.handling_note) == (None, None, None, None)
    assert (flag.priority, flag.packing, flag.inserts) == (0, (), ())
    assert flag.rank_at == story.at("2024-02-02 10:00")
    assert flag.pick_by == story.at("2024-02-04 10:00")


def test_a_head_start_moves_the_place_and_not_the_promise_r_ful_01() -> None:
    story = vip()
    flag = only(story.order("2024-02-02 10:00", "10.00"), OrderFlagged)
    assert (flag.rank_at, flag.pick_by) == (story.at("2024-02-02 09:00"), story.at("2024-02-04 10:00"))


def test_promises_count_business_hours_r_ful_01() -> None:
    office = {"calendars": {"office": {"monday": ["08:00-16:00"], "tuesday": ["08:00-16:00"]}}}
    changes = {"service": office, "fulfilment": {"calendar": "office", "longest_wait_minutes": 600}}
    story = Story(changes)
    flag = only(story.order("2024-02-02 10:00", "10.00"), OrderFlagged)  # a Friday
    assert flag.pick_by == story.at("2024-02-06 10:00")


def test_support_and_picking_have_one_kind_of_queue_r_ful_01_r_rte_03() -> None:
    story = vip()
    flag = only(story.order("2024-02-02 10:00", "10.00"), OrderFlagged)
    routed = only(story.contact("2024-02-02 10:00"), ContactRouted)
    assert routed.rank_at == rank_of(story.at("2024-02-02 10:00"), routed.priority)
    assert flag.rank_at == rank_of(story.at("2024-02-02 10:00"), flag.priority)


def test_the_order_that_lifts_its_customer_is_a_vips_order() -> None:
    story = Story(SHIPPED)
    story.register("2014-01-01")
    assert only(story.order("2024-02-01", "1500.00"), OrderFlagged).tier == "gold"


def test_the_flag_says_why_t_48_r_aud_01() -> None:
    flag = only(vip().order("2024-02-02", "10.00"), OrderFlagged)
    assert [(each.of, each.name, each.value, each.threshold, each.holds) for each in flag.conditions] == [
        ("fulfilment", "tier", "gold", "gold, platinum, diamond", True),
        ("label", "status", "active", "active", True),
        ("label", "icon_printed", "yes", "yes", True),
    ]
    assert flag.conditions[0].moved_by == "orders/lift"
    assert explain(flag, parsed_with(SHIPPED), "customer") == ["We pack your order o1 by 2024-02-04 00:00."]


# Again, until it is dispatched


def test_a_status_that_changes_before_dispatch_flags_the_order_again_r_ful_05() -> None:
    story = Story(SHIPPED)
    story.register("2014-01-01")
    plain = only(story.order("2024-02-01", "10.00"), OrderFlagged)
    again = only(story.designate("2024-02-02", "platinum"), OrderFlagged)
    assert (plain.tier, again.tier, again.order_id, again.supersedes) == (None, "platinum", "o1", plain.decision_id)
    assert (again.pick_by, again.rank_at) == (plain.pick_by, plain.rank_at - 120 * MINUTE)


@pytest.mark.parametrize("leaves", [Story.ship, Story.deliver, Story.cancel], ids=["shipped", "delivered", "cancelled"])
def test_after_dispatch_or_cancellation_never_r_ful_05(leaves: Callable[..., object]) -> None:
    story = vip()
    story.order("2024-02-02", "10.00")
    leaves(story, "2024-02-03", order="o1")
    assert none_of(story.designate("2024-02-04", "diamond"), OrderFlagged)
    assert story.rows.get(UNDISPATCHED, "ada") is None
    assert story.row().undispatched.orders == 0


def test_the_first_parcel_settles_the_flag_of_all() -> None:
    story = vip()
    story.order("2024-02-02", lines=[OrderLine("l1", 1, 100), OrderLine("l2", 1, 100)])
    story.ship("2024-02-03", ["l2"])
    assert none_of(story.designate("2024-02-04", "diamond"), OrderFlagged)


@pytest.mark.parametrize("leaves", [Story.ship, Story.deliver, Story.cancel], ids=["shipped", "delivered", "cancelled"])
def test_one_that_left_before_it_was_told_of_needs_no_flag_t_16_t_17(leaves: Callable[..., object]) -> None:
    story = Story(SHIPPED)
    leaves(story, "2024-02-03", order="o1")
    assert none_of(story.order("2024-02-02", "10.00"), OrderFlagged)


def test_an_order_that_is_told_of_again_is_flagged_once_t_15() -> None:
    story = vip()
    assert not none_of(story.order("2024-02-02", "10.00", event="x"), OrderFlagged)
    assert none_of(story.order("2024-02-02", "10.00", event="x"), OrderFlagged)
    assert none_of(story.order("2024-02-02", "10.00", event="y"), OrderFlagged)
    story.ship("2024-02-03")
    assert none_of(story.order("2024-02-02", "10.00", event="x"), OrderFlagged)


def test_one_that_comes_late_and_is_still_there_is_flagged_t_18() -> None:
    story = vip()
    story.tick("2024-02-10")
    flag = only(story.order("2024-02-02", "10.00"), OrderFlagged)
    assert flag.pick_by == story.at("2024-02-04"), "it is overdue, and goes first"


def test_what_nobody_reported_as_dispatched_counts_as_dispatched() -> None:
    story = vip()
    story.order("2024-02-02", "10.00", "old")
    story.order("2024-02-10", "10.00", "young")
    again = only(story.designate("2024-02-17", "diamond"), OrderFlagged)
    assert again.order_id == "young"
    assert none_of(story.order("2024-02-01", "10.00", "ancient"), OrderFlagged)


def test_the_icon_needs_an_active_status_c_14_r_ful_05() -> None:
    story = vip()
    story.subscribe("2024-02-01 01:00")
    story.order("2024-02-02", "10.00")
    paused = only(story.pause("2024-02-03"), OrderFlagged)
    assert (paused.label_icon, paused.badge, paused.priority) == (None, "Gold", 60)
    assert [each.name for each in paused.conditions if not each.holds] == ["status"]
    assert paused.conditions[1].moved_by == f"orders/{story.last.event_id if story.last else ''}"
    assert only(story.resume("2024-02-04"), OrderFlagged).label_icon == "gold"
    left = only(story.leave("2024-02-05"), OrderFlagged)
    assert (left.label_icon, left.tier) == (None, "gold")
    assert story.profiles["ada"].label_icon is None, "the profile says the same"


def test_the_icon_follows_the_customers_own_setting_r_man_13_r_ful_05() -> None:
    story = vip()
    story.order("2024-02-02", "10.00")
    off = only(story.command("2024-02-03", c.LabelIconChanged, printed=False, event="off"), OrderFlagged)
    assert (off.label_icon, off.handling_note) == (None, "VIP Customer - Premium Service")
    assert [(each.name, each.moved_by) for each in off.conditions if not each.holds] == [
        ("icon_printed", "operations/off")
    ]
    assert none_of(story.command("2024-02-04", c.LabelIconChanged, printed=False), OrderFlagged)


def test_single_benefits_that_people_give_go_into_the_parcel_r_ful_04_r_man_11() -> None:
    story = vip()
    story.order("2024-02-02", "10.00")
    flag = only(story.designate("2024-02-03", "gold", benefits=("handwritten_note", "check_in_call")), OrderFlagged)
    assert flag.inserts == ("thank_you_card", "handwritten_note")


def test_orders_of_nothing_but_rewards_have_a_lane_r_ful_11() -> None:
    """And are flagged on the same topic as all others (R-FUL-09)."""
    story = vip()
    tote, book = OrderLine("l1", 1, 0, reward_id="tote-bag"), OrderLine("l2", 1, 900)
    assert only(story.order("2024-02-02", order="r", lines=[tote]), OrderFlagged).lane == "rewards"
    assert only(story.order("2024-02-02", order="m", lines=[tote, book]), OrderFlagged).lane == "standard"
    lanes = {
        each.order_id: each.lane for each in story.designate("2024-02-03", "diamond") if isinstance(each, OrderFlagged)
    }
    assert lanes == {"r": "rewards", "m": "standard"}


def test_a_new_policy_flags_what_is_still_there_again_d8() -> None:
    story = vip()
    story.order("2024-02-02", "10.00")
    careful = {"version": "careful", "fulfilment": {"handling": {"tiers": {"gold": {"inserts": ["candle"]}}}}}
    again = only(story.activate(policy_with(careful), "2024-02-03"), OrderFlagged)
    assert (again.inserts, again.policy_version) == (("candle",), "careful")
    same = policy_with(careful | {"version": "same"})
    assert none_of(story.activate(same, "2024-02-04"), OrderFlagged)
    assert none_of(story.activate(policy_with({"version": "without"}), "2024-02-05"), OrderFlagged)
    back = only(story.activate(policy_with(careful | {"version": "back"}), "2024-02-06"), OrderFlagged)
    assert back.supersedes == again.decision_id


def test_a_programme_without_fulfilment_flags_nothing() -> None:
    story = Story()
    story.order("2024-02-02", "10.00")
    assert story.decided(OrderFlagged) == []
    assert story.rows_of(UNDISPATCHED.prefix) == {}


# What it costs


class Counted(Overlay):
    """Rows that count who reads them."""

    def __init__(self, story: Story) -> None:
        super().__init__(story.store)
        self.read = 0

    def get(self, table: Table[Any], *key: str) -> Any:
        self.read += 1
        return super().get(table, *key)


def rows_read(dispatched: int) -> int:
    """By the step that lifts a customer with so many orders in the past, and two that wait."""
    story = vip()
    for n in range(dispatched):
        story.order("2024-02-02", "1.00", f"past{n}")
        story.ship("2024-02-02", order=f"past{n}")
    story.order("2024-02-03", "1.00", "a")
    story.order("2024-02-03", "1.00", "b")
    rows, at = Counted(story), story.at("2024-02-04")
    command = c.DesignationAdded(
        event_id="d", customer_id="ada", occurred_at=at, author_id="mia", role="manager", reason="referrer",
        designation_id="d1", tier="diamond", starts_at=at,
    )  # fmt: skip
    effects = step(rows, Entry("timeline", 0, story.offset, at, "ada", command, b"", "operations"))
    assert sum(isinstance(each, OrderFlagged) for each in effects) == 2
    return rows.read


def test_flagging_again_costs_the_same_after_many_orders_d8() -> None:
    assert rows_read(60) == rows_read(0)


def test_the_row_of_those_that_wait_is_bounded_d8() -> None:
    story = vip()
    for n in range(MOST_OPEN + 10):
        assert not none_of(story.order(f"2024-02-02 {n // 60:02d}:{n % 60:02d}", "1.00", f"w{n:03d}"), OrderFlagged)
    row = story.rows.get(UNDISPATCHED, "ada") or Orders()
    assert [each.order_id for each in row.orders] == [f"w{n:03d}" for n in range(10, MOST_OPEN + 10)]
    again = [each for each in story.designate("2024-02-03", "diamond") if isinstance(each, OrderFlagged)]
    assert len(again) == MOST_OPEN


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 3_000), st.booleans()), min_size=1, max_size=60), st.integers(1, 90))
def test_no_order_is_passed_by_one_placed_more_than_a_head_start_later_r_ful_01(
    orders: list[tuple[int, bool]], minutes_each: int
) -> None:
    """One picker who takes the overdue first, then the smallest rank: nobody is passed by who came a head start later.

    And whatever is overdue when it is its turn is picked before everything that is not.
    """
    policy = parsed_with(SHIPPED)
    fulfilment = policy.fulfilment
    assert fulfilment is not None
    most = max(each.priority for each in fulfilment.handling.tiers.values())
    waiting = [(rank_of(at * MINUTE, most if of_vip else 0), at * MINUTE, of_vip) for at, of_vip in orders]
    picked, now = list[tuple[int, int, bool]](), 0
    while waiting:
        there = [each for each in waiting if each[1] <= now] or [min(waiting, key=lambda each: each[1])]
        overdue = [each for each in there if each[1] + fulfilment.longest_wait_minutes * MINUTE <= now]
        taken = min(overdue or there)
        waiting.remove(taken)
        picked.append(taken)
        now = max(now, taken[1]) + minutes_each * MINUTE
    for place, (_, at, _) in enumerate(picked):
        assert all(before[1] <= at + most * MINUTE for before in picked[:place])


# After any history


class Warehouse(RuleBasedStateMachine):
    """A customer's orders and status, in any order of arrival; the warehouse knows the topic alone, and what it sent."""

    def __init__(self) -> None:
        super().__init__()
        self.story = Story(SHIPPED | {"grace_days": 2})
        self.story.register("2014-01-01")
        self.story.subscribe("2024-01-01")
        self.day, self.seen, self.designation = 0, 0, 0
        self.placed: dict[str, int] = {}
        self.gone: set[str] = set()
        self.flags: dict[str, OrderFlagged] = {}
        self.at_dispatch: dict[str, OrderFlagged | None] = {}

    def on(self) -> str:
        self.day += 1
        return f"2024-{2 + self.day // 56:02d}-{1 + self.day // 2 % 28:02d} {12 * (self.day % 2):02d}:00"

    @rule(n=st.integers(0, 5), goods=st.integers(0, 3000), late=st.booleans())
    def order(self, n: int, goods: int, *, late: bool) -> None:
        order, on = f"o{n}", self.on()
        if late:
            on = self.story.local(self.story.at(on) - 3 * 86_400_000)
        self.placed.setdefault(order, self.story.at(on))
        self.story.order(on, f"{goods}.00", order)

    @rule(n=st.integers(0, 5), what=st.sampled_from([Story.ship, Story.deliver, Story.cancel]))
    def leave(self, n: int, what: Callable[..., object]) -> None:
        order = f"o{n}"
        if order not in self.gone:
            self.gone.add(order)
            self.look()
            self.at_dispatch[order] = self.flags.get(order)
        what(self.story, self.on(), order=order)

    @rule(n=st.integers(0, 5), goods=st.integers(1, 3000))
    def refund(self, n: int, goods: int) -> None:
        self.story.refund(self.on(), f"{goods}.00", f"o{n}", f"f{self.day}")

    @rule(tier=st.sampled_from(["gold", "platinum", "diamond"]), benefits=st.booleans())
    def designate(self, tier: str, *, benefits: bool) -> None:
        self.designation += 1
        given = {"benefits": ("handwritten_note",)} if benefits else {}
        self.story.designate(self.on(), tier, f"d{self.designation}", **given)

    @rule()
    def undesignate(self) -> None:
        self.story.undesignate(self.on(), 1, f"d{self.designation}", benefits_end=True)

    @rule(printed=st.booleans())
    def icon(self, *, printed: bool) -> None:
        self.story.command(self.on(), c.LabelIconChanged, printed=printed)

    @rule(what=st.sampled_from([Story.pause, Story.resume, Story.leave]))
    def subscription(self, what: Callable[..., object]) -> None:
        what(self.story, self.on())

    @rule(priority=st.integers(0, 500))
    def policy(self, priority: int) -> None:
        handling = {"tiers": {"gold": {"priority": priority}}}
        document = policy_with({"version": f"v{self.day}", "grace_days": 2, "fulfilment": {"handling": handling}})
        self.story.tick(self.on())
        self.story.activate(document, self.story.local(self.story.clock))
        self.story.document = document

    @rule()
    def again(self) -> None:
        if self.story.last is not None:
            self.story.happen(self.story.last)

    @rule(days=st.integers(1, 6))
    def wait(self, days: int) -> None:
        self.day += 2 * days
        self.story.tick(self.on())

    def look(self) -> None:
        """The warehouse reads on: each flag replaces the one that it knows of that order, and names it."""
        for each in self.story.effects[self.seen :]:
            if isinstance(each, OrderFlagged):
                before = self.flags.get(each.order_id)
                assert each.supersedes == (before.decision_id if before else None)
                self.flags[each.order_id] = each
        self.seen = len(self.story.effects)

    @invariant()
    def the_last_flag_of_what_waits_is_what_the_status_says(self) -> None:
        self.look()
        fulfilment = self.story.document["fulfilment"]
        assumed_ms = fulfilment["assumed_dispatch_days"] * 86_400_000
        for order, placed_at in self.placed.items():
            if order in self.gone or placed_at + assumed_ms <= self.story.clock:
                continue
            profile, flag = self.story.profiles["ada"], self.flags[order]
            handling = fulfilment["handling"]["tiers"].get(profile.tier, {"priority": 0})
            assert (flag.tier, flag.label_icon, flag.handling_note) == (
                profile.tier, profile.label_icon, profile.handling_note,
            )  # fmt: skip
            assert (flag.priority, flag.rank_at) == (
                handling["priority"], placed_at - handling["priority"] * MINUTE,
            )  # fmt: skip
            assert flag.packing == tuple(handling.get("packing", ()))
            given = ("handwritten_note",) if "handwritten_note" in profile.benefits else ()
            assert flag.inserts == (*handling.get("inserts", ()), *given)
            assert flag.pick_by == placed_at + fulfilment["longest_wait_minutes"] * MINUTE

    @invariant()
    def a_dispatched_order_keeps_its_flag(self) -> None:
        self.look()
        for order, flag in self.at_dispatch.items():
            assert self.flags.get(order) == flag

    @invariant()
    def the_row_holds_what_waits_and_names_its_flag(self) -> None:
        row = self.story.rows.get(UNDISPATCHED, "ada") or Orders()
        assert not {each.order_id for each in row.orders} & self.gone
        assert {each.order_id: each.flagged_id for each in row.orders}.items() <= {
            order: flag.decision_id for order, flag in self.flags.items()
        }.items()


TestWarehouse = Warehouse.TestCase
TestWarehouse.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
