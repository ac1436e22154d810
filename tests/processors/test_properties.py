"""Laws of `step()`, on histories that nobody would think of."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from random import Random
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors import step as module
from processors.public_profile import public_profile
from processors.step import Effect, Send
from processors.timers import HELD, PLAIN, Timer
from schemas.decided import Decided
from schemas.decisions import AtRiskRaised, AtRiskRetracted, Quarantined, TierChanged
from schemas.events import WorkRemains
from schemas.profiles import CustomerProfile
from tests.processors.story import Story, parsed_with

START = datetime(2023, 1, 30, 22, 0)  # noqa: DTZ001 - local time of the programme; a month end and a leap year lie ahead
MINUTES = 60 * 24 * 500
CUSTOMERS = ("ada", "bob")
POLICY = {
    "grace_days": 20,
    "at_risk": {"silent_days": 25},
    "time_zone": "America/New_York",
    "tiers": [
        {"name": "gold", "label": "Gold", "lifetime_value_minor": 10_000, "tenure_months": 1},
        {"name": "platinum", "label": "Platinum", "lifetime_value_minor": 20_000, "tenure_months": 3},
        {"name": "diamond", "label": "Diamond", "lifetime_value_minor": 30_000, "tenure_months": 12},
    ],
}


FACTS = {
    "lifetime_value_minor": "value",
    "tenure": "since",
    "silent_days": "last_order",
    "tier_at_request": "tier",
    "tier": "tier",
}
"""Which fact a condition of a name is about."""
SOURCES = {"return": "returns", "contact": "support", "register": "interactions"}


class Happening(NamedTuple):
    """Something that happens `minute` minutes after the start; `number` is cents or units."""

    minute: int
    customer: str
    kind: str
    order: str = "o0"
    number: int = 0

    def when(self) -> str:
        return (START + timedelta(minutes=self.minute)).strftime("%Y-%m-%d %H:%M")


def tell(story: Story, it: Happening, **given_: object) -> list[Effect]:
    amount = f"{it.number / 100:.2f}"
    about = {"customer": it.customer, "event": f"{it.kind}-{it.minute}", **given_}
    tellers = {
        "order": lambda: story.order(it.when(), amount, it.order, quantity=3, **about),
        "refund": lambda: story.refund(it.when(), amount, it.order, f"f{it.minute}", **about),
        "cancel": lambda: story.cancel(it.when(), it.order, **about),
        "deliver": lambda: story.deliver(it.when(), it.order, **about),
        "return": lambda: story.send_back(it.when(), 1 + it.number % 3, it.order, f"b{it.minute}", **about),
        "contact": lambda: story.contact(it.when(), f"k{it.minute}", **about),
        "register": lambda: story.register(it.when(), **about),
    }
    return tellers[it.kind]()


MINUTE = st.integers(0, MINUTES)
HAPPENING = st.builds(
    Happening,
    MINUTE,
    st.sampled_from(CUSTOMERS),
    st.sampled_from(
        ["order", "order", "order", "refund", "refund", "cancel", "deliver", "return", "contact", "register"]
    ),
    st.sampled_from([f"o{n}" for n in range(6)]),
    st.one_of(st.integers(0, 15_000), st.sampled_from([0, 5_000, 9_999, 10_000, 20_000, 30_000])),
)
HISTORY = st.lists(HAPPENING, max_size=25, unique_by=lambda it: it.minute)
ARRIVALS = HISTORY  # as drawn: in no order of time
IN_TIME = HISTORY.map(sorted)


def told(history: Iterable[Happening], *, keeps_time: bool = True) -> Story:
    story = Story(POLICY)
    story.keeps_time = keeps_time
    for it in history:
        tell(story, it)
    story.tick((START + timedelta(minutes=MINUTES + 60)).strftime("%Y-%m-%d %H:%M"))
    return story


def facts(story: Story, customer: str) -> tuple[object, ...]:
    row = story.row(customer)
    return (row.value_minor, row.orders, row.since, row.first_order_at, row.last_order_at)


def said(effects: Iterable[Effect]) -> dict[str, list[tuple[object, ...]]]:
    """What was decided of each customer, without where and when in the log."""
    decisions = defaultdict(list)
    for each in effects:
        if isinstance(each, Decided):
            decisions[each.customer_id].append((each.decision_id, each.sequence, each.cause, each.conditions))
    return dict(decisions)


def recount(history: Iterable[Happening], customer: str) -> tuple[int, int]:
    """Value and number of orders, from the whole history at once."""
    placed: dict[str, int] = {}
    refunded: defaultdict[str, int] = defaultdict(int)
    cancelled = set()
    for it in history:
        if it.customer == customer and it.kind == "order":
            placed.setdefault(it.order, it.number)
        elif it.customer == customer and it.kind == "refund":
            refunded[it.order] += it.number
        elif it.customer == customer and it.kind == "cancel":
            cancelled.add(it.order)
    left = [max(goods - refunded[order], 0) for order, goods in placed.items() if order not in cancelled]
    return sum(left), len(left)


@given(ARRIVALS)
def test_value_is_never_negative_and_equals_a_recount_after_every_event_t_03_t_04_t_17(
    history: list[Happening],
) -> None:
    story = Story(POLICY)
    for n, it in enumerate(history, start=1):
        tell(story, it)
        row = story.row(it.customer)
        assert row.value_minor >= 0
        assert (row.value_minor, row.orders) == recount(history[:n], it.customer)


@given(HISTORY, st.randoms(use_true_random=False))
def test_every_interleaving_that_keeps_each_orders_sequence_ends_in_the_same_facts_t_16(
    history: list[Happening], random: Random
) -> None:
    queues = defaultdict(list)
    for it in history:
        queues[(it.customer, it.order)].append(it)
    mixed = []
    waiting = [list(reversed(queue)) for queue in queues.values()]
    while waiting:
        queue = random.choice(waiting)
        mixed.append(queue.pop())
        waiting = [each for each in waiting if each]
    one, other = told(history), told(mixed)
    for customer in CUSTOMERS:
        assert facts(one, customer) == facts(other, customer)


@given(ARRIVALS)
def test_decisions_are_numbered_without_gaps_i_4(history: list[Happening]) -> None:
    story = told(history)
    for customer in CUSTOMERS:
        numbers = [each.sequence for each in story.decided() if each.customer_id == customer]
        assert numbers == list(range(1, len(numbers) + 1))
        assert story.row(customer).sequence == len(numbers)


@given(IN_TIME, st.data())
def test_what_comes_twice_changes_nothing_t_15(history: list[Happening], data: st.DataObject) -> None:
    once = told(history)
    repeated = list(history)
    for it in data.draw(st.lists(st.sampled_from(history), max_size=10) if history else st.just([])):
        at = data.draw(st.integers(repeated.index(it) + 1, len(repeated)))
        repeated.insert(at, it)
    twice = Story(POLICY)
    for n, it in enumerate(repeated):
        tell(twice, it, event=f"publication-{n}")
    twice.tick((START + timedelta(minutes=MINUTES + 60)).strftime("%Y-%m-%d %H:%M"))
    assert twice.rows_of(b"c", b"o", b"k", b"t", b"h").keys() == once.rows_of(b"c", b"o", b"k", b"t", b"h").keys()
    for customer in CUSTOMERS:
        one, other = once.row(customer), twice.row(customer)
        assert [one.tier, one.vip_since, one.sequence, one.alert is None] == [
            other.tier, other.vip_since, other.sequence, other.alert is None,
        ]  # fmt: skip
        assert facts(once, customer) == facts(twice, customer)


@given(IN_TIME, st.sets(st.integers(0, 25)))
def test_a_skipped_record_is_as_if_it_had_never_been_d12(history: list[Happening], left_out: set[int]) -> None:
    without = told([it for n, it in enumerate(history) if n not in left_out])
    skipping = Story(POLICY)
    for n, it in enumerate(history):
        tell(skipping, it, skipped={"record"} if n in left_out else ())
    skipping.tick((START + timedelta(minutes=MINUTES + 60)).strftime("%Y-%m-%d %H:%M"))
    kept = b"c", b"o", b"k", b"t", b"h"
    assert skipping.rows_of(*kept) == without.rows_of(*kept)


@given(IN_TIME, st.lists(MINUTE, max_size=8), st.sampled_from([1, 2, 100]), st.lists(st.integers(0, 6), max_size=60))
def test_neither_ticks_nor_pieces_show_in_state_or_decisions_d8_t_21(
    history: list[Happening], ticks: list[int], units: int, delays: list[int]
) -> None:
    """More ticks, smaller pieces, and `WorkRemains` that come whenever they like: the same customers."""
    plain = told(history)
    story = Story(POLICY)
    story.answers_itself = False
    waiting: list[Send] = []
    delay = iter(delays)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module, "UNITS_PER_RECORD", units)
        for it in sorted([*history, *(Happening(minute, "", "tick") for minute in ticks)]):
            before = len(story.effects)
            if it.kind == "tick":
                story.tick(it.when())
            else:
                tell(story, it)
            waiting += [each for each in story.effects[before:] if isinstance(each, Send)]
            if waiting and next(delay, 0) == 0:
                message = waiting.pop(0)
                waiting += [each for each in story.tell(message.subject, message.event) if isinstance(each, Send)]
        story.answers_itself = True
        for message in waiting:
            story.tell(message.subject, message.event)
        story.tick((START + timedelta(minutes=MINUTES + 60)).strftime("%Y-%m-%d %H:%M"))
    kept = b"c", b"o", b"k", b"t", b"h"
    assert story.rows_of(*kept) == plain.rows_of(*kept)
    assert said(story.effects) == said(plain.effects)


@given(ARRIVALS)
def test_the_index_of_timers_is_what_customers_wait_for(history: list[Happening]) -> None:
    story = Story(POLICY)
    for it in history:
        tell(story, it)
        found: defaultdict[str, list[tuple[str, int]]] = defaultdict(list)
        for table in (PLAIN, HELD):
            for _, timer in story.rows.first(table, 1000, "\x7f"):
                assert isinstance(timer, Timer)
                found[timer.subject].append((timer.kind, timer.due))
        for customer in CUSTOMERS:
            assert tuple(sorted(found[customer])) == story.row(customer).timers


@given(ARRIVALS)
def test_the_last_published_profile_is_the_customer_and_each_differs_from_the_one_before(
    history: list[Happening],
) -> None:
    story = Story(POLICY)
    policy = parsed_with(POLICY)
    last: dict[str, CustomerProfile] = {}
    for it in history:
        before = len(story.effects)
        tell(story, it)
        for each in story.effects[before:]:
            if isinstance(each, CustomerProfile):
                previous = last.get(each.customer_id)
                assert previous is None or _content(previous) != _content(each)
                last[each.customer_id] = each
        for customer, published in last.items():
            now = public_profile(customer, story.row(customer), policy, published.as_of)
            assert now == published


def _content(published: CustomerProfile) -> dict[str, object]:
    return {name: getattr(published, name) for name in published.__struct_fields__ if name != "as_of"}


@given(ARRIVALS)
def test_a_tier_is_what_its_conditions_say_t_48_t_07(history: list[Happening]) -> None:
    for changed in told(history).decided(TierChanged):
        tiers = {each.of: True for each in changed.conditions}
        for each in changed.conditions:
            tiers[each.of] &= each.holds
        assert changed.to_tier == next((name for name in reversed(tiers) if tiers[name]), None)
        assert list(tiers) == ["gold", "platinum", "diamond"]


NOTED = ("value", "since", "last_order", "orders")
"""Facts whose last cause is recounted, by the field of `Moved`."""


@given(IN_TIME)
def test_a_condition_names_what_last_moved_its_fact_t_48(history: list[Happening]) -> None:
    """Recounted by looking at the facts before and after each event."""
    story, heard = Story(POLICY), 0
    known = dict.fromkeys(CUSTOMERS, (0, None, None, 0))
    moved: dict[tuple[str, str], str] = {}

    def check(decisions: Iterable[Decided]) -> None:
        for each in decisions:
            for condition in each.conditions:
                fact = "tenure" if condition.name.startswith("tenure_") else condition.name
                if fact in FACTS:
                    assert condition.moved_by == moved.get((each.customer_id, FACTS[fact])), condition
            if isinstance(each, TierChanged):
                moved[each.customer_id, "tier"] = each.cause

    for it in history:
        tell(story, it)
        fresh = story.decided()[heard:]
        heard += len(fresh)
        # The tick that brings the clock to the event's instant was folded before the event.
        check(each for each in fresh if each.origin.offset < story.offset - 1)
        for customer in CUSTOMERS:
            row = story.row(customer)
            now = (row.value_minor, row.since, row.last_order_at, row.orders)
            for name, before, after in zip(NOTED, known[customer], now, strict=True):
                if before != after:
                    moved[customer, name] = f"{SOURCES.get(it.kind, 'orders')}/{it.kind}-{it.minute}"
            known[customer] = now
            assert [getattr(row.moved, name) for name in NOTED] == [moved.get((customer, name)) for name in NOTED]
        check(each for each in fresh if each.origin.offset >= story.offset - 1)


@given(ARRIVALS)
def test_alerts_and_retractions_alternate_sensibly_t_39(history: list[Happening]) -> None:
    """A retraction names the open alert; one silence has one alert."""
    story = told(history)
    for customer in CUSTOMERS:
        raised: dict[str, AtRiskRaised] = {}
        latest = None
        for each in story.decided():
            if each.customer_id == customer and isinstance(each, AtRiskRaised):
                assert each.silent_days > 25
                raised[each.decision_id] = latest = each
            elif each.customer_id == customer and isinstance(each, AtRiskRetracted):
                assert latest is not None
                assert each.retracts == latest.decision_id
                latest = None
        assert len(raised) == len([e for e in story.decided(AtRiskRaised) if e.customer_id == customer])


@given(ARRIVALS)
def test_a_clock_far_behind_quarantines_and_nothing_else(history: list[Happening]) -> None:
    story = Story(POLICY)
    story.keeps_time = False
    story.tick("2023-01-01")
    before = story.stored()
    assert all(isinstance(each, Quarantined) for it in history for each in tell(story, it))
    assert story.stored() == before


# An independent, naive programme: it looks at every local midnight and at every event


def months_after(day: date, months: int) -> date:
    month = day.month - 1 + months
    year, month = day.year + month // 12, month % 12 + 1
    while True:
        try:
            return date(year, month, day.day)
        except ValueError:
            day = day.replace(day=day.day - 1)


def naive_tiers(history: Sequence[Happening], customer: str) -> list[tuple[str, str | None]]:
    """Each change of tier as (local date, tier): recomputed from all events so far, at each moment."""
    tiers = [(tier["name"], tier["lifetime_value_minor"], tier["tenure_months"]) for tier in POLICY["tiers"]]  # type: ignore[attr-defined]
    events = [(START + timedelta(minutes=it.minute), it) for it in history if it.customer == customer]
    midnights = [(START + timedelta(hours=2, days=n), None) for n in range(500)]
    changes: list[tuple[str, str | None]] = []
    held, below_since = -1, None
    for moment, it in sorted([*events, *midnights], key=lambda each: (each[0], each[1] is not None)):
        so_far = [each for when, each in events if when < moment or each is it]
        joined = [START + timedelta(minutes=each.minute) for each in so_far if each.kind in ("order", "register")]
        if not joined:
            continue
        value, _ = recount(so_far, customer)
        since = min(joined).date()
        deserved = max(
            (
                n
                for n, (_, floor, months) in enumerate(tiers)
                if value >= floor and moment.date() >= months_after(since, months)
            ),
            default=-1,
        )
        below_since = None if deserved >= held else below_since or moment.date()
        over = below_since is not None and it is None and moment.date() >= below_since + timedelta(days=21)
        if deserved > held or over:
            held, below_since = deserved, None
            changes.append((moment.date().isoformat(), tiers[held][0] if held >= 0 else None))
    return changes


@settings(max_examples=200)
@given(IN_TIME)
def test_tiers_are_those_of_a_naive_recount_r_tier_01_c_07_t_11_t_12(history: list[Happening]) -> None:
    story = Story(POLICY)
    for it in history:
        tell(story, it)
    story.tick("2024-06-13")
    for customer in CUSTOMERS:
        decided = [
            (
                story.local(int(each.cause.rpartition("/")[2]) if each.cause.startswith("timer") else each.decided_at)[
                    :10
                ],
                each.to_tier,
            )
            for each in story.decided(TierChanged)
            if each.customer_id == customer
        ]
        assert decided == naive_tiers(history, customer)


def test_work_remains_is_harmless_when_nothing_is_left() -> None:
    story = Story(POLICY)
    before = story.stored()
    assert story.tell("#0", WorkRemains(story.at("2024-01-01"))) == []
    assert story.stored() == before
