"""A policy that comes into force, for everybody: in pieces that do not show, at once or after the days of grace (D8)."""

from collections.abc import Iterable
from uuid import uuid5

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors import step as module
from processors.explanation import NAMESPACE
from processors.partition import HERE, PARTITION
from processors.step import Effect, Send, UnitFailed
from schemas.decisions import AtRiskRaised, ContactRouted, Quarantined, ReturnDecided, TierChanged
from schemas.events import WorkRemains
from schemas.profiles import CustomerProfile
from tests.processors.story import Document, Story, none_of, only, policy_with


def cheaper(name: str = "cheaper", factor: int = 2, **changes: object) -> Document:
    """A policy whose tiers ask for a part of the value."""
    document = policy_with({"version": name, **changes})
    for tier in document["tiers"]:
        tier["lifetime_value_minor"] //= factor
    return document


def crowd(customers: int, goods: str = "1500.00") -> Story:
    """So many customers of ten years, who are Gold since the start of 2024."""
    story = Story()
    story.answers_itself = False
    for n in range(customers):
        story.register("2014-01-01", customer=f"c{n:03d}")
    story.tick("2024-01-01")
    for n in range(customers):
        story.order("2024-01-01", goods, customer=f"c{n:03d}")
    return story


def tiers(story: Story, customers: int) -> list[str | None]:
    return [story.row(f"c{n:03d}").tier for n in range(customers)]


def compared(story: Story) -> str | None:
    found = story.rows.get(PARTITION, HERE)
    assert found is not None
    return found.compared


# Everybody, in pieces


def test_everybody_is_compared_in_pieces_that_the_log_orders_d8(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "COMPARED_PER_RECORD", 4)
    story = crowd(10)
    first = story.activate(cheaper(), "2024-01-02")
    assert [each.customer_id for each in first if isinstance(each, TierChanged)] == ["c000", "c001", "c002", "c003"]
    message = only(first, Send)
    assert (message.subject, message.event) == ("#0", WorkRemains(story.at("2024-01-01")))
    second = story.answer(message)
    assert tiers(story, 10) == ["platinum"] * 8 + ["gold"] * 2
    third = story.answer(only(second, Send))
    assert tiers(story, 10) == ["platinum"] * 10
    assert none_of(third, Send), "who has come to the last customer asks for no more"
    assert compared(story) is None
    assert story.tell("#0", WorkRemains(story.at("2024-01-01"))) == []


def test_a_number_that_the_pieces_divide_ends_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "COMPARED_PER_RECORD", 5)
    story = crowd(10)
    story.answers_itself = True
    story.activate(cheaper(), "2024-01-02")
    assert tiers(story, 10) == ["platinum"] * 10
    assert compared(story) is None


def test_a_customer_s_record_waits_for_nobody_else_d8(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "COMPARED_PER_RECORD", 1)
    story = crowd(5)
    story.activate(cheaper(), "2024-01-02")
    effects = story.contact("2024-01-01", customer="c004")
    assert {getattr(each, "customer_id", "") for each in effects} == {"c004"}
    assert tiers(story, 5) == ["platinum", "gold", "gold", "gold", "platinum"]


def test_a_tick_goes_on_where_no_message_has_come_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "COMPARED_PER_RECORD", 2)
    story = crowd(6)
    story.activate(cheaper(), "2024-01-02")
    for day in ("02", "03"):
        assert none_of(story.tick(f"2024-01-{day}"), Send), "one message is on its way already"
    assert tiers(story, 6) == ["platinum"] * 6


def test_the_first_policy_finds_nobody_to_compare() -> None:
    story = Story()
    assert compared(story) is None
    assert story.stored().keys() == {b"#" + b"#", b"ddefault-1"}


def test_before_the_first_tick_the_work_waits_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "COMPARED_PER_RECORD", 1)
    story = Story()
    story.keeps_time = False
    for customer in ("ada", "bob"):
        story.register("2014-01-01", customer=customer)
        story.order("2024-01-01", "900.00", customer=customer)
    assert none_of(story.activate(cheaper(), "2024-01-02"), Send)
    story.tick("2024-01-02")
    assert [story.row(each).tier for each in ("ada", "bob")] == ["gold", "gold"]


# What a customer hears of it


def test_a_decision_names_the_activation_as_its_cause_d7() -> None:
    story = crowd(1)
    changed = only(story.activate(cheaper(), "2024-01-02"), TierChanged)
    cause = "activation/activation-cheaper-2024-01-02"
    assert (changed.cause, changed.policy_version, changed.reason) == (cause, "cheaper", "upgrade")
    assert changed.decision_id == str(uuid5(NAMESPACE, f"c000\x1f{cause}\x1fTierChanged\x1fplatinum"))
    assert story.row("c000").moved.tier == cause
    value = next(each for each in changed.conditions if (each.of, each.name) == ("platinum", "lifetime_value_minor"))
    assert (value.threshold, value.moved_by) == (125_000, "orders/e4")


def test_the_record_finds_the_customer_under_the_new_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes due before a record comes before it: a return finds the tier that the policy gave (T-31)."""
    monkeypatch.setattr(module, "COMPARED_PER_RECORD", 1)
    story = crowd(3)
    story.activate(cheaper(), "2024-01-02")
    effects = story.send_back("2024-01-02", customer="c002")
    decided = [each for each in effects if getattr(each, "customer_id", "") == "c002"]
    assert [type(each) for each in decided] == [TierChanged, ReturnDecided, CustomerProfile]
    changed, verdict, _ = decided
    assert isinstance(changed, TierChanged)
    assert isinstance(verdict, ReturnDecided)
    assert (changed.cause, verdict.tier) == ("activation/activation-cheaper-2024-01-02", "platinum")
    assert verdict.policy_version == "default-1", "the order's own date governs what may be sent back (T-30)"


def test_a_fall_under_a_new_policy_has_its_days_of_grace_c_07() -> None:
    story = crowd(1)
    dearer = policy_with({"version": "dearer", "grace_days": 10})
    for tier in dearer["tiers"]:
        tier["lifetime_value_minor"] *= 10
    assert none_of(story.activate(dearer, "2024-02-01"), TierChanged)
    assert story.row("c000").falls_at == story.at("2024-02-12")
    assert none_of(story.tick("2024-02-11 23:59"), TierChanged)
    changed = only(story.tick("2024-02-12"), TierChanged)
    assert (changed.to_tier, changed.reason, changed.policy_version) == (None, "downgrade", "dearer")


def test_a_fall_is_forgotten_where_the_old_policy_comes_back_in_time_t_12() -> None:
    story = crowd(1)
    dearer = policy_with({"version": "dearer"})
    for tier in dearer["tiers"]:
        tier["lifetime_value_minor"] *= 10
    story.activate(dearer, "2024-02-01")
    story.activate(story.document, "2024-02-10")
    story.tick("2024-06-01")
    assert [each.to_tier for each in story.decided(TierChanged)] == ["gold"]


def test_a_shorter_silence_alerts_at_once_and_a_longer_one_later_r_risk_01() -> None:
    story = crowd(1)
    story.tick("2024-01-20")
    eager = policy_with({"version": "eager", "at_risk": {"silent_days": 10}})
    raised = only(story.activate(eager, "2024-01-20"), AtRiskRaised)
    assert (raised.silent_days, raised.policy_version) == (19, "eager")
    patient = crowd(1)
    patient.activate(policy_with({"version": "patient", "at_risk": {"silent_days": 60}}), "2024-01-20")
    assert none_of(patient.tick("2024-02-20"), AtRiskRaised)
    assert only(patient.tick("2024-03-02"), AtRiskRaised).silent_days == 61


def test_profiles_are_published_for_those_of_whom_they_say_something_new() -> None:
    story = crowd(2)
    longer = policy_with({"version": "longer", "returns": {"assumed_delivery_days": 20}})
    assert none_of(story.activate(longer, "2024-01-02"), CustomerProfile)
    assert {story.row(f"c00{n}").policy_version for n in range(2)} == {"longer"}
    told = [each for each in story.activate(cheaper(factor=1), "2024-01-03") if isinstance(each, CustomerProfile)]
    assert told == [], "another name for the same"
    told = [each for each in story.activate(cheaper("half"), "2024-01-04") if isinstance(each, CustomerProfile)]
    assert [(each.customer_id, each.tier, each.policy_version) for each in told] == [
        ("c000", "platinum", "half"), ("c001", "platinum", "half"),
    ]  # fmt: skip


def test_who_is_new_is_compared_with_nothing_older() -> None:
    story = crowd(1)
    story.activate(cheaper(), "2024-01-02")
    effects = story.contact("2024-01-02", customer="new")
    assert [type(each) for each in effects] == [ContactRouted, CustomerProfile]
    assert story.row("new").activations == 2


# One activation after another


def test_another_activation_begins_again_and_each_customer_goes_through_both(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "COMPARED_PER_RECORD", 2)
    story = crowd(5)
    story.activate(cheaper("half"), "2024-01-02")
    story.activate(cheaper("tenth", 10), "2024-01-03")
    assert compared(story) == "c001", "it began again"
    story.answers_itself = True
    story.tell("#0", WorkRemains(story.at("2024-01-01")))
    for n in range(5):
        mine = [each for each in story.decided(TierChanged) if each.customer_id == f"c00{n}"]
        assert [(each.to_tier, each.policy_version) for each in mine] == [
            ("gold", "default-1"), ("platinum", "half"), ("diamond", "tenth"),
        ]  # fmt: skip


def test_what_was_due_before_an_activation_is_judged_by_the_policy_of_its_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """However late its turn comes: who fell under the old policy rises under the new one."""
    monkeypatch.setattr(module, "UNITS_PER_RECORD", 1)
    monkeypatch.setattr(module, "COMPARED_PER_RECORD", 1)
    story = crowd(4)
    for n in range(4):
        story.refund("2024-01-05", "1400.00", "o1", "f", customer=f"c00{n}")
    story.tick("2024-02-10")
    story.activate(cheaper("tenth", 10), "2024-02-10")
    story.answers_itself = True
    story.tell("#0", WorkRemains(story.at("2024-01-01")))
    for n in range(4):
        mine = [each for each in story.decided(TierChanged) if each.customer_id == f"c00{n}"]
        assert [(each.to_tier, each.policy_version) for each in mine] == [
            ("gold", "default-1"), (None, "default-1"), ("gold", "tenth"),
        ]  # fmt: skip


# Bugs and skips


def test_a_bug_under_a_new_policy_names_its_customer_and_a_skip_lets_the_others_go_d12(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    story = crowd(3)
    with monkeypatch.context() as patched:
        kind = module.subjects.CUSTOMER

        def fail(unit: object, row: object) -> object:
            raise ZeroDivisionError("a bug")

        patched.setattr(module.subjects, "CUSTOMER", kind._replace(fold_activation=fail))
        with pytest.raises(UnitFailed) as raised:
            story.activate(cheaper(), "2024-01-02")
    assert raised.value.unit == "activation/activation-cheaper-2024-01-02/c000"
    story.activate(cheaper(), "2024-01-02", skipped={raised.value.unit})
    assert tiers(story, 3) == ["gold", "platinum", "platinum"]
    story.contact("2024-01-03", customer="c000")
    assert story.row("c000").tier == "platinum", "the customer's next record makes up for it"


# A customer's history is their own


ACTIVATIONS = st.lists(st.tuples(st.integers(1, 300), st.sampled_from([1, 2, 5, 10])), max_size=3)
DAYS = st.lists(
    st.tuples(st.integers(1, 300), st.sampled_from(["c000", "c001", "c002"]), st.integers(0, 400)), max_size=12
)


def day(number: int) -> str:
    return f"2024-{1 + number // 28:02d}-{1 + number % 28:02d}"


def decisions(effects: Iterable[Effect], customer: str) -> list[tuple[object, ...]]:
    return [
        (each.decision_id, each.sequence, each.cause, each.policy_version, each.conditions)
        for each in effects
        if isinstance(each, TierChanged | AtRiskRaised) and each.customer_id == customer
    ]


def live(
    activations: list[tuple[int, int]],
    orders: list[tuple[int, str, int]],
    customers: Iterable[str],
    delays: Iterable[int],
) -> Story:
    """A year of some customers; each `WorkRemains` comes when it likes."""
    story = Story({"grace_days": 5, "at_risk": {"silent_days": 20}})
    story.answers_itself = False
    for customer in ("c000", "c001", "c002"):
        if customer in customers:
            story.register("2014-01-01", customer=customer, event=f"joined-{customer}")
            story.order("2024-01-01", "1000.00", f"first-{customer}", customer=customer, event=f"first-{customer}")
    waiting = [each for each in story.effects if isinstance(each, Send)]
    late = iter(delays)
    happenings = [(at, 1, n) for n, (at, _) in enumerate(activations)] + [
        (at, 0, n) for n, (at, _, _) in enumerate(orders)
    ]
    for at, activates, n in sorted([*happenings, (320, 2, 0)]):
        effects = story.tick(day(at))
        if activates == 1:
            document = cheaper(f"v{n}", activations[n][1], grace_days=5, at_risk={"silent_days": 10 + 5 * n})
            effects += story.activate(document, day(at))
        elif activates == 0 and orders[n][1] in customers:
            who, goods = orders[n][1:]
            if goods < 200:
                effects += story.refund(day(at), f"{goods}.00", f"first-{who}", f"f{n}", customer=who, event=f"f{n}")
            else:
                effects += story.order(day(at), f"{goods}.00", f"o{n}", customer=who, event=f"o{n}")
        waiting += [each for each in effects if isinstance(each, Send)]
        if waiting and next(late, 0) == 0:
            waiting += [each for each in story.answer(waiting.pop(0)) if isinstance(each, Send)]
    while waiting:
        waiting += [each for each in story.answer(waiting.pop(0)) if isinstance(each, Send)]
    return story


@settings(max_examples=150)
@given(
    ACTIVATIONS,
    DAYS,
    st.sampled_from([1, 2, 100]),
    st.sampled_from([1, 2, 500]),
    st.lists(st.integers(0, 3), max_size=40),
)
def test_nothing_shows_when_one_s_turn_came_d8(
    activations: list[tuple[int, int]], orders: list[tuple[int, str, int]], units: int, looked: int, delays: list[int]
) -> None:
    """Neither the size of pieces, nor how long messages take, nor that there are other customers (`laurel why`)."""
    everybody = ("c000", "c001", "c002")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module, "UNITS_PER_RECORD", units)
        patched.setattr(module, "COMPARED_PER_RECORD", looked)
        cut = live(activations, orders, everybody, delays)
    plain = live(activations, orders, everybody, ())
    assert cut.rows_of(b"c", b"o", b"t", b"h") == plain.rows_of(b"c", b"o", b"t", b"h")
    assert none_of(cut.effects, Quarantined)
    for customer in everybody:
        alone = live(activations, orders, (customer,), ())
        assert cut.row(customer) == alone.row(customer)
        assert (
            decisions(cut.effects, customer) == decisions(plain.effects, customer) == decisions(alone.effects, customer)
        )
