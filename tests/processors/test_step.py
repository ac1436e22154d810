"""One step: the order of units, deferred work, skips, quarantine, bugs."""

import json
from typing import Any

import pytest
from msgspec.structs import replace

from processors import fold
from processors import step as module
from processors.order import ORDERS
from processors.partition import HERE, PARTITION, Partition
from processors.refunds import total_minor
from processors.step import Entry, NewerRules, Send, UnitFailed, step
from processors.tables import TABLES
from processors.timers import HELD, PLAIN
from schemas.decisions import AtRiskRaised, ContactRouted, Quarantined, TierChanged
from schemas.events import (
    ClockTicked,
    ContactOpened,
    CustomerRegistered,
    OrderLine,
    OrderPlaced,
    PolicyActivated,
    RulesChanged,
    WorkRemains,
)
from schemas.fields import LARGEST_MINOR
from schemas.profiles import CustomerProfile
from state.memory import MemoryStore
from state.overlay import Overlay
from tests.processors.story import NO_STAGES, Story, none_of, only, policy_with


def partition(story: Story) -> Partition:
    found = story.rows.get(PARTITION, HERE)
    assert found is not None
    return found


def anniversaries(customers: int) -> Story:
    """So many customers who become Gold on 1 January 2024."""
    story = Story(NO_STAGES)
    story.answers_itself = False
    for n in range(customers):
        story.order("2023-01-01", "1000.00", customer=f"c{n:03d}")
    return story


# Time


def test_a_tick_at_or_before_the_last_one_folds_to_nothing_d4() -> None:
    story = Story()
    story.tick("2024-01-02")
    before = story.stored()
    for late in ("2024-01-02", "2024-01-01"):
        assert story.tick(late, behind_s=9999) == []
        assert story.stored() == before


def test_a_tick_that_comes_twice_does_not_say_that_sources_caught_up_d4() -> None:
    story = Story()
    story.tick("2024-01-02", behind_s=9999)
    before = story.stored()
    story.tick("2024-01-02")
    assert story.stored() == before


def test_an_event_ahead_of_the_clock_is_quarantined_and_changes_nothing_t_19() -> None:
    story = Story()
    story.keeps_time = False
    story.tick("2024-01-01")
    before = story.stored()
    found = only(story.order("2024-01-02 00:01", "10.00"), Quarantined)
    assert (found.reason, found.customer_id, found.record) == ("ahead_of_clock", "ada", b"original")
    assert found.origin.offset == story.offset - 1
    assert story.stored() == before
    assert not none_of(story.order("2024-01-02", "10.00"), CustomerProfile)


def test_what_waited_through_an_outage_is_not_ahead_of_a_clock_that_stood_still_t_19() -> None:
    """Its stamp tells how far time had gone; the first tick comes only after it."""
    story = Story()
    story.keeps_time = False
    story.tick("2024-01-01")
    late = story.at("2024-01-03 12:00")
    lines = (OrderLine("l1", 1, 1_000),)
    order = OrderPlaced(event_id="e", customer_id="ada", occurred_at=late, order_id="o", currency="USD", lines=lines)
    (profile,) = (each for each in story.tell("ada", order, stamp=late) if isinstance(each, CustomerProfile))
    assert profile.lifetime_value_minor == 1_000
    ahead = replace(order, event_id="f", order_id="p", occurred_at=late + 25 * 3_600_000)
    assert only(story.tell("ada", ahead, stamp=late), Quarantined).reason == "ahead_of_clock"


def test_an_order_that_no_shop_sells_is_quarantined_t_01() -> None:
    """Each part is within its bound; together they would leave 64 bits."""
    story = Story()
    largest = LARGEST_MINOR
    assert none_of(story.order("2024-01-01", lines=[OrderLine("l1", 1, largest)]), Quarantined)
    assert story.row().value_minor == largest
    story.tick("2024-01-02")
    before = story.stored()
    for lines, rate in (
        ([OrderLine("l1", 1, largest), OrderLine("l2", 1, 0, 0, 1)], 1_000_000),
        ([OrderLine("l1", 1, largest)], 1_000_001),
    ):
        found = only(story.order("2024-01-02", order="o2", lines=lines, rate_ppm=rate), Quarantined)
        assert found.reason == "invalid_amount"
        assert story.stored() == before


def test_refunds_without_end_stay_in_64_bits_t_04() -> None:
    story = Story()
    for n in range(3):
        story.refund("2024-01-01", f"{LARGEST_MINOR // 100}.00", refund=f"f{n}")
    order = story.rows.get(ORDERS, "ada", "o1")
    assert order is not None
    assert total_minor(order.refunds) == LARGEST_MINOR


def test_before_the_first_tick_nothing_is_ahead() -> None:
    story = Story()
    story.keeps_time = False
    assert none_of(story.order("2099-01-01", "10.00"), Quarantined)


def test_an_event_from_the_future_moves_nobodys_clock_t_19() -> None:
    story = Story()
    story.keeps_time = False
    story.tick("2023-12-31 12:00")
    story.order("2022-12-31 23:00", "1000.00", customer="bob")
    story.order("2024-01-01 11:00", "1.00")
    assert partition(story).at == story.at("2023-12-31 12:00")
    assert story.row("bob").alert is None or story.row("bob").alert.at <= story.at("2023-12-31 12:00")


def test_the_instant_of_evaluation_is_the_later_of_clock_and_event() -> None:
    story = Story()
    story.keeps_time = False
    story.order("2023-01-01 10:00", "1000.00")
    story.tick("2023-12-31 20:00")
    early = only(story.contact("2023-12-31 23:00", "k1"), ContactRouted)
    assert (early.decided_at, early.tier) == (story.at("2023-12-31 23:00"), None)
    ahead = only(story.contact("2024-01-01 08:00", "k2"), ContactRouted)
    assert (ahead.decided_at, ahead.tier) == (story.at("2024-01-01 08:00"), "gold")


# Policies


def test_a_record_before_any_policy_is_a_bug_that_says_so() -> None:
    story = Story(started=False)
    with pytest.raises(UnitFailed) as raised:
        story.contact("2024-01-01")
    assert raised.value.unit == "record"
    assert "no policy is in force" in str(raised.value.__cause__)


def test_a_policy_that_is_none_is_quarantined_and_the_old_one_stays() -> None:
    story = Story()
    before = partition(story)
    found = only(story.activate({"version": "broken"}, "2024-01-01"), Quarantined)
    assert found.reason == "invalid_policy"
    assert partition(story) == before
    assert not none_of(story.contact("2024-01-02"), ContactRouted)


def test_a_version_never_changes_its_content() -> None:
    story = Story()
    found = only(story.activate(policy_with({"grace_days": 5}), "2024-01-01"), Quarantined)
    assert "named before" in found.detail


def test_the_currency_of_a_programme_never_changes() -> None:
    found = only(Story().activate(policy_with({"version": "euro", "currency": "EUR"}), "2024-01-01"), Quarantined)
    assert found.detail.startswith("$.currency: found EUR; allowed is USD")


def test_a_version_is_activated_under_its_own_name() -> None:
    story = Story()
    event = PolicyActivated("a", "v9", story.at("2024-01-01"), json.dumps(policy_with({"version": "v2"})))
    assert (
        only(story.tell("#0", event), Quarantined).detail
        == "$.version: found v2; allowed is v9, the name that it comes under"
    )


def test_of_two_versions_from_one_date_the_later_activation_holds_d5() -> None:
    story = Story()
    for version, shipping in (("mistake", True), ("corrected", False)):
        changes = {"version": version, "lifetime_value": {"shipping": shipping}}
        story.activate(policy_with(changes), "2024-01-01")
    story.order("2024-01-02", lines=[OrderLine("l1", 1, 100, 0, 0, 50)])
    assert story.row().value_minor == 100


def test_a_version_can_come_back_d5() -> None:
    story = Story()
    story.activate(policy_with({"version": "v2", "grace_days": 5}), "2024-01-01")
    story.activate(story.document, "2024-02-01")
    assert only(story.contact("2024-02-02"), ContactRouted).policy_version == "default-1"
    assert [each.version for each in partition(story).versions] == ["default-1", "v2", "default-1"]


def test_a_repeated_activation_is_one() -> None:
    story = Story()
    before = story.stored()
    story.activate(story.document, "1995-01-01")
    assert story.stored() == before


# Rules versions


def test_newer_rules_pause_the_partition_d12() -> None:
    story = Story()
    before = story.stored()
    with pytest.raises(NewerRules):
        story.tell("#0", RulesChanged(module.RULES_VERSION + 1))
    assert story.stored() == before


def test_decisions_name_the_rules_that_the_log_asked_for_d12() -> None:
    story = Story()
    story.tell("#0", RulesChanged(module.RULES_VERSION))
    assert only(story.contact("2024-01-01"), ContactRouted).rules_version == module.RULES_VERSION


# Deferred work


def test_due_timers_run_in_pieces_d8(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "UNITS_PER_RECORD", 10)
    story = anniversaries(21)
    first = story.tick("2024-01-01")
    assert len([each for each in first if isinstance(each, TierChanged)]) <= 10
    message = only(first, Send)
    assert (message.subject, message.event) == ("#0", WorkRemains(story.at("2024-01-01")))
    assert none_of(story.contact("2024-01-01", customer="zoe"), Send), "one message is on its way already"
    for _ in range(10):
        story.tell("#0", WorkRemains(story.at("2024-01-01")))
    assert not partition(story).pending
    assert {story.row(f"c{n:03d}").tier for n in range(21)} == {"gold"}
    assert none_of(story.tell("#0", WorkRemains(story.at("2024-01-01"))), Send)


def test_no_second_message_while_one_is_on_its_way_d8(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when other records did the work meanwhile, and there is new work."""
    monkeypatch.setattr(module, "UNITS_PER_RECORD", 1)
    story = anniversaries(2)
    only(story.tick("2024-01-01"), Send)
    story.keeps_time = False
    while partition(story).pending:
        assert none_of(story.contact("2024-01-01", f"k{story.offset}", customer="zoe"), Send)
    story.order("2023-01-05", "1000.00", customer="c8")
    story.order("2023-01-05", "1000.00", customer="c9")
    assert none_of(story.tick("2024-01-05"), Send)
    assert partition(story).pending
    only(story.tell("#0", WorkRemains(story.at("2024-01-01"))), Send)


def test_due_timers_run_by_due_instant_d8() -> None:
    story = Story()
    story.order("2023-02-01", "1000.00", customer="b")
    story.order("2023-01-01", "1000.00", customer="a")
    story.order("2023-01-01", "1000.00", customer="c")
    changes = [each for each in story.tick("2025-01-01") if isinstance(each, TierChanged)]
    assert [each.customer_id for each in changes] == ["a", "c", "b"]


def test_a_subjects_own_due_timers_come_before_its_record_d8(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many others wait, the contact finds the customer as the day has made them."""
    monkeypatch.setattr(module, "UNITS_PER_RECORD", 1)
    story = anniversaries(9)
    story.tick("2024-01-01")
    assert story.row("c008").tier is None
    effects = story.contact("2024-01-01", customer="c008")
    decided = [type(each).__name__ for each in effects if getattr(each, "customer_id", "") == "c008"]
    assert decided == ["TierChanged", "AtRiskRaised", "ContactRouted", "CustomerProfile"]
    assert only(effects, ContactRouted).tier == "gold"


def test_the_pieces_do_not_show_in_state_d8(monkeypatch: pytest.MonkeyPatch) -> None:
    ends = []
    for units in (1, 3, 100):
        monkeypatch.setattr(module, "UNITS_PER_RECORD", units)
        story = anniversaries(12)
        story.answers_itself = True
        story.tick("2024-01-01")
        ends.append(story.stored())
    assert ends[0] == ends[1] == ends[2]


def test_work_that_a_unit_makes_due_is_done_or_asked_for_d8(monkeypatch: pytest.MonkeyPatch) -> None:
    """A customer who becomes a VIP in silence is due for an alert at once."""
    monkeypatch.setattr(module, "UNITS_PER_RECORD", 1)
    story = anniversaries(1)
    first = story.tick("2024-01-01")
    assert not none_of(first, TierChanged)
    assert none_of(first, AtRiskRaised)
    only(first, Send)
    assert not none_of(story.tell("#0", WorkRemains(story.at("2024-01-01"))), AtRiskRaised)


@pytest.mark.parametrize("units", [1, 2, 100])
def test_a_customers_timers_run_in_their_own_order_d8(monkeypatch: pytest.MonkeyPatch, units: int) -> None:
    """A long jump. The silence's timer is due first, but too early; armed again it still precedes the fall."""
    monkeypatch.setattr(module, "UNITS_PER_RECORD", units)
    story = Story({"grace_days": 60})
    story.register("2014-01-01")
    story.order("2024-01-01", "1000.00")
    story.order("2024-01-20", "10.00", "o2")
    story.refund("2024-01-21", "1000.00")
    story.tick("2024-06-01")
    decided = [(type(each).__name__, each.cause) for each in story.decided()][1:]
    assert decided == [
        ("AtRiskRaised", f"timer/at_risk/silence/{story.at('2024-03-06')}"),
        ("AtRiskEscalated", f"timer/follow_up/silence/{story.at('2024-03-14')}"),
        ("TierChanged", f"timer/grace/tier/{story.at('2024-03-22')}"),
        ("AtRiskClosed", f"timer/grace/tier/{story.at('2024-03-22')}"),
    ]


def test_without_due_timers_a_record_does_not_look_for_any(monkeypatch: pytest.MonkeyPatch) -> None:
    story = anniversaries(3)
    monkeypatch.setattr(Overlay, "first", lambda *_: pytest.fail("looked into the index"))
    story.keeps_time = False
    story.order("2023-06-01", "10.00", "o2")


def test_a_tick_touches_nobody_without_a_due_timer() -> None:
    story = anniversaries(3)
    before = story.rows_of(b"c", b"o", b"t", b"h")
    story.tick("2023-12-31 23:59")
    assert story.rows_of(b"c", b"o", b"t", b"h") == before


def test_an_order_of_a_vip_moves_no_timer() -> None:
    """Lazy arming: the silence's timer stays until it fires too early."""
    story = Story()
    story.register("2014-01-01")
    story.order("2024-01-01", "1000.00")
    before = story.rows_of(b"t", b"h")
    assert before
    story.order("2024-01-20", "10.00", "o2")
    assert story.rows_of(b"t", b"h") == before


# Bugs and skips


def broken(monkeypatch: pytest.MonkeyPatch, *, timer: str | None = None, event: type | None = None) -> None:
    """A rule with a bug."""

    def fail(*_: Any) -> Any:
        raise ZeroDivisionError("a bug")

    if timer is not None:
        monkeypatch.setattr(fold, "TIMERS", {**fold.TIMERS, timer: (fold.TIMERS[timer][0], fail)})
    if event is not None:
        monkeypatch.setattr(fold, "FACTS", {**fold.FACTS, event: fail})


def test_a_bug_in_a_record_names_the_unit_and_a_skip_leaves_it_out_d12(monkeypatch: pytest.MonkeyPatch) -> None:
    broken(monkeypatch, event=CustomerRegistered)
    story = Story()
    story.tick("2024-01-01")
    before = story.stored()
    with pytest.raises(UnitFailed) as raised:
        story.register("2024-01-01")
    assert raised.value.unit == "record"
    assert isinstance(raised.value.__cause__, ZeroDivisionError)
    assert story.register("2024-01-01", skipped={"record"}) == []
    assert story.stored() == before


def test_a_bug_in_a_timer_names_the_unit_and_a_skip_lets_the_others_run_d12(monkeypatch: pytest.MonkeyPatch) -> None:
    story = anniversaries(2)
    story.order("2023-01-02", "10.00", customer="zoe")
    with monkeypatch.context() as patched:
        broken(patched, timer="tenure")
        with pytest.raises(UnitFailed) as raised:
            story.tick("2024-01-01")
        assert raised.value.unit == f"timer/tenure/c000/tier/{story.at('2024-01-01')}"
    effects = story.tick("2024-01-01", skipped={raised.value.unit})
    assert [each.customer_id for each in effects if isinstance(each, TierChanged)] == ["c001"]
    assert story.row("c000").tier is None
    assert all(kind != "tenure" for kind, _ in story.row("c000").timers)
    story.contact("2024-01-01", customer="c000")
    assert story.row("c000").tier == "gold", "the customer's next record makes up for it"


def test_skipping_the_record_still_runs_the_timers_d12(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "UNITS_PER_RECORD", 1)
    story = anniversaries(3)
    story.tick("2024-01-01")
    effects = story.contact("2024-01-01", customer="c002", skipped={"record"})
    assert none_of(effects, ContactRouted)
    assert only(effects, TierChanged).customer_id == "c002", "its own"
    assert "c000" in {each.customer_id for each in effects if isinstance(each, AtRiskRaised)}, "the next one due"


def test_a_bug_in_an_own_timer_is_not_the_records_d12(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "UNITS_PER_RECORD", 1)
    story = anniversaries(3)
    story.tick("2024-01-01")
    broken(monkeypatch, timer="tenure")
    with pytest.raises(UnitFailed) as raised:
        story.contact("2024-01-01", customer="c002")
    assert raised.value.unit == f"timer/tenure/c002/tier/{story.at('2024-01-01')}"
    skipped = {raised.value.unit}
    skipped.add(f"timer/tenure/c001/tier/{story.at('2024-01-01')}")
    routed = only(story.contact("2024-01-01", customer="c002", skipped=skipped), ContactRouted)
    assert routed.tier == "gold", "the record compares the tier itself"


def test_a_bug_in_a_profile_is_the_units_that_led_to_it_d12(monkeypatch: pytest.MonkeyPatch) -> None:
    story = anniversaries(1)

    def fail(*_: Any) -> Any:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(module, "public_profile", fail)
    with pytest.raises(UnitFailed) as raised:
        story.tick("2024-01-01")
    assert raised.value.unit == f"timer/at_risk/c000/silence/{story.at('2024-01-01')}"


def test_a_failed_step_leaves_no_trace_and_can_be_repeated_d12(monkeypatch: pytest.MonkeyPatch) -> None:
    story, untroubled = anniversaries(2), anniversaries(2)
    with monkeypatch.context() as patched:
        broken(patched, timer="at_risk")
        with pytest.raises(UnitFailed):
            story.tick("2024-01-01")
    story.offset -= 1
    assert story.tick("2024-01-01") == untroubled.tick("2024-01-01")
    assert story.stored() == untroubled.stored()


def test_an_event_without_a_rule_is_a_bug() -> None:
    story = Story()
    with pytest.raises(UnitFailed):
        story.tell("#0", "no event")  # type: ignore[arg-type]


# Contracts with the engine


def test_tables_have_prefixes_of_their_own_and_leave_the_engines_alone() -> None:
    prefixes = [table.prefix for table in TABLES]
    assert len(set(prefixes)) == len(prefixes)
    assert all(len(prefix) == 1 for prefix in prefixes)
    assert not {b"\x00", b"p"} & set(prefixes)
    assert len({table.name for table in TABLES}) == len(TABLES)


def test_the_generation_is_the_callers_i_7() -> None:
    story = Story()
    source = {"event_id": "e", "customer_id": "ada", "occurred_at": story.at("2024-01-01")}
    entry = Entry("timeline", 3, 7, 0, "ada", ContactOpened(**source, case_id="k", channel="chat"), b"", "support")
    routed = only(step(story.rows, entry, generation="what-if"), ContactRouted)
    assert (routed.generation, routed.origin.partition, routed.origin.offset) == ("what-if", 3, 7)


def test_messages_go_to_the_partition_that_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "UNITS_PER_RECORD", 1)
    story = anniversaries(3)
    tick = Entry("timeline", 5, 99, 0, "#5", ClockTicked(story.at("2024-01-01"), 0), b"", "messages")
    assert only(step(story.rows, tick), Send).subject == "#5"


def test_rows_survive_bytes() -> None:
    """Every table is written and read back as the engine would."""
    story = Story({"fulfilment": "shipped", "points": "shipped"})
    story.register("2014-01-01")
    story.order("2024-01-01", "1000.00")
    story.refund("2024-01-02", "1.00")
    story.want("2024-01-02")
    story.send_back("2024-01-03")
    story.contact("2024-01-04")
    story.subscribe("2024-01-05", "10.00")
    story.refer("2024-01-06", "bob")
    story.publish(policy_with({"version": "v2"}), "2024-02-01")
    story.leave("2024-01-06")
    story.designate("2024-01-06", "platinum")
    story.undesignate("2024-01-07")
    story.link("2024-01-08", "bob")
    story.order("2024-01-09", "1.00", customer="bob")
    story.compensate("2024-01-08", "5.00")
    story.restock("2024-01-08", 5)
    written = {key[:1] for key in story.stored()}
    assert written == {table.prefix for table in TABLES} - {PLAIN.prefix}
    fresh = Overlay(MemoryStore())
    fresh.store.write(story.stored())
    for table in TABLES:
        for key, row in story.rows.first(table, 100, "\x7f"):
            assert fresh.get(table, *key) == row
    assert HELD.row is PLAIN.row


def test_a_timer_that_fires_twice_while_time_stands_still_names_its_decisions_differently_d7() -> None:
    story = Story()
    story.register("2014-01-01")
    story.order("2020-01-01", "9000.00")
    story.subscribe("2020-01-01", "10.00")
    story.tick("2024-06-01")
    story.leave("2023-09-01")
    story.resume("2023-12-15")
    story.leave("2024-01-05")
    story.tick("2024-06-02")
    decided = story.decided(TierChanged)
    assert [each.to_tier for each in decided][-3:] == [None, "diamond", None]
    assert len({each.decision_id for each in decided}) == len(decided)
