"""Ids that turn out to be of one customer: what adds up, what stays, what wins, and how it is undone (R-CUST-11, T-24, T-25)."""

import pytest
from msgspec.structs import asdict

from processors import moving
from processors.customer import CUSTOMERS, Customer
from processors.order import ORDERS, Mishap, Order, joined
from processors.partition import HERE
from processors.tables import TABLES
from processors.vip_share import CENSUS
from schemas import events as e
from schemas.codec import encode
from schemas.decided import Decided
from schemas.decisions import (
    AtRiskClosed,
    CommandAnswered,
    ContactRouted,
    EscalationDue,
    NotificationRequested,
    Quarantined,
    ReturnDecided,
    TierChanged,
)
from schemas.messages import RowsMoved
from tests.processors.network import START, Network
from tests.processors.story import Story, minor, none_of, only

DAY = 86_400_000


def of_ada_and_bob() -> Story:
    """Ada is a customer since 2019 and spent 600, Bob since 2022 and spent 700; gold asks for 1,000."""
    story = Story()
    story.register("2019-01-01")
    story.register("2022-01-01", customer="bob")
    story.order("2023-11-01", "600.00", "o1")
    story.order("2023-12-01", "700.00", "o2", customer="bob")
    story.tick("2024-01-01")
    return story


def facts(row: Customer) -> dict[str, object]:
    """What a customer did, and what came of it, but for what is armed, when the last decision was, and what moved what."""
    left_out = ("timers", "fired", "sequence", "moved")
    found = {name: value for name, value in asdict(row).items() if name not in left_out}
    return found | {"synchrony": row.synchrony.systems}


def test_value_adds_up_tenure_is_the_earliest_and_the_tier_changes_once_t_24() -> None:
    story = of_ada_and_bob()
    told = story.link("2024-01-02", "bob")
    change = only(told, TierChanged)
    assert (change.customer_id, change.from_tier, change.to_tier, change.reason) == ("ada", None, "gold", "linked")
    row = story.row("ada")
    assert (row.value_minor, row.orders, row.since) == (minor("1300.00"), 2, story.at("2019-01-01"))
    assert (row.first_order_at, row.last_order_at) == (story.at("2023-11-01"), story.at("2023-12-01"))
    assert row.family == ("ada", "bob")
    assert story.row("bob") == Customer(
        host="ada", sequence=0, timers=story.row("bob").timers, fired=story.row("bob").fired
    )


def test_the_smaller_id_stays_whatever_the_link_says() -> None:
    for customer, other in (("ada", "bob"), ("bob", "ada")):
        story = of_ada_and_bob()
        story.link("2024-01-02", other, customer=customer)
        assert (story.row("ada").family, story.row("bob").host) == (("ada", "bob"), "ada")


def test_a_forwarded_id_says_where_it_went_and_is_counted_no_more_r_cust_11() -> None:
    story = of_ada_and_bob()
    story.link("2024-01-02", "bob")
    gone, stays = story.profiles["bob"], story.profiles["ada"]
    assert (gone.linked_to, gone.lifetime_value_minor, gone.tier) == ("ada", 0, None)
    assert (stays.linked_to, stays.lifetime_value_minor, stays.tier) == (None, minor("1300.00"), "gold")
    census = story.rows.get(CENSUS, HERE)
    assert census is not None
    assert (census.customers, census.vips) == (1, 1)
    story.unlink("2024-01-03", "bob")
    assert (story.profiles["bob"].linked_to, story.profiles["bob"].lifetime_value_minor) == (None, minor("700.00"))
    census = story.rows.get(CENSUS, HERE)
    assert census is not None
    assert census.customers == 2


def test_who_was_never_linked_costs_no_row_more() -> None:
    story = of_ada_and_bob()
    assert story.rows_of(b"L", b"i", b"e", b"s") == {}
    story.link("2024-01-02", "bob")
    assert story.rows_of(b"L", b"i", b"e") != {}
    story.unlink("2024-01-03", "bob")
    assert set(story.rows_of(b"L", b"i", b"e", b"s")) == {b"Lada", b"Lbob"}, "what was told of the pair is remembered"


def test_events_of_either_id_are_the_customers_and_count_once_t_15() -> None:
    story = of_ada_and_bob()
    story.link("2024-01-02", "bob")
    story.order("2024-01-03", "50.00", "o3", customer="bob", event="late")
    story.order("2024-01-03", "50.00", "o3", customer="bob", event="late")
    story.refund("2024-01-04", "20.00", "o2", customer="bob", event="back")
    assert (story.row().value_minor, story.row().orders) == (minor("1330.00"), 3)
    assert story.row().moved.value == "orders/back", "the cause is what it was"


def test_a_shared_order_counts_once_and_one_half_told_under_each_id_is_one_t_24() -> None:
    story = of_ada_and_bob()
    story.order("2023-12-01", "700.00", "o2")
    story.refund("2023-12-02", "100.00", "o1", customer="bob")
    assert story.row().value_minor == minor("1300.00")
    story.link("2024-01-02", "bob")
    assert (story.row().value_minor, story.row().orders) == (minor("1200.00"), 2)
    assert story.row().activity.awaited == 0, "the refund found its order"
    story.cancel("2024-01-03", "o2")
    assert (story.row().value_minor, story.row().orders) == (minor("500.00"), 1)
    story.unlink("2024-01-04", "bob")
    assert (story.row("ada").value_minor, story.row("bob").value_minor) == (minor("600.00"), minor("700.00"))
    assert (story.row("ada").orders, story.row("bob").orders) == (1, 1)
    assert story.row("bob").activity.awaited == 1


def test_who_referred_themselves_has_referred_nobody_and_a_shared_answer_counts_once() -> None:
    story = of_ada_and_bob()
    story.refer("2024-01-01", "bob")
    story.refer("2024-01-01", "eve")
    story.refer("2024-01-01", "eve", customer="bob")
    story.reply("2024-01-01", "q1")
    story.reply("2024-01-01", "q1", customer="bob")
    story.link("2024-01-02", "bob")
    assert (story.row().activity.referrals, story.row().activity.answers) == (1, 1)
    story.unlink("2024-01-03", "bob")
    assert (story.row().activity.referrals, story.row("bob").activity.referrals) == (2, 1)


def test_unlinking_restores_both_and_what_happened_since_stays_with_its_own_id() -> None:
    story = of_ada_and_bob()
    ada, bob = facts(story.row("ada")), facts(story.row("bob"))
    story.link("2024-01-02", "bob")
    story.unlink("2024-01-03", "bob")
    assert (facts(story.row("ada")), facts(story.row("bob"))) == (ada, bob)
    story.link("2024-01-04", "bob")
    story.order("2024-01-05", "5.00", "o5")
    story.order("2024-01-05", "7.00", "o7", customer="bob")
    story.unlink("2024-01-06", "ada", customer="bob")
    assert story.row("ada").value_minor == minor("605.00")
    assert story.row("bob").value_minor == minor("707.00")
    assert story.rows.get(ORDERS, "bob", "o7") is not None
    assert story.rows.get(ORDERS, "ada", "o7") is None


def test_a_link_that_was_a_mistake_gives_nobody_a_tier_for_good() -> None:
    """Whoever is separated stands as before; what their own facts give they have."""
    story = of_ada_and_bob()
    story.link("2024-01-02", "bob")
    change = only(story.unlink("2024-01-03", "bob"), TierChanged)
    assert (change.from_tier, change.to_tier, change.reason) == ("gold", None, "unlinked")
    assert (story.row("ada").tier, story.row("bob").tier) == (None, None)
    story.link("2024-01-04", "bob")
    story.order("2024-01-05", "1000.00", "o5", customer="bob")
    told = story.unlink("2024-01-06", "bob")
    changes = {each.customer_id: (each.from_tier, each.to_tier) for each in told if isinstance(each, TierChanged)}
    assert changes == {"ada": ("gold", None), "bob": (None, "gold")}


def test_nobody_loses_by_a_link_and_earlier_decisions_keep_their_ids_t_24() -> None:
    story = Story({"notifications": "shipped"})
    story.register("2014-01-01", customer="bob")
    story.order("2024-01-01", "2500.00", "o1", customer="bob")
    story.order("2024-01-01", "1.00", "o2")
    held = story.row("bob")
    earlier = [each.decision_id for each in story.decided()]
    told = story.link("2024-01-02", "bob")
    change = only(told, TierChanged)
    assert (change.from_tier, change.to_tier, change.vip_since) == (None, held.tier, held.vip_since)
    assert only(told, NotificationRequested).customer_id == "ada"
    assert [each.decision_id for each in story.decided()][: len(earlier)] == earlier
    assert story.row("bob").sequence == held.sequence
    story.unlink("2024-01-03", "bob")
    story.contact("2024-01-04", customer="bob")
    for customer in ("ada", "bob"):
        numbers = [each.sequence for each in story.decided() if each.customer_id == customer]
        assert numbers == list(range(1, len(numbers) + 1))
    ids = [each.decision_id for each in story.decided()]
    assert len(ids) == len(set(ids))


def test_chains_and_cycles_come_together_under_the_smallest_id() -> None:
    story = Story()
    for number, name in enumerate(("dan", "cleo", "bob", "ada")):
        story.order("2024-01-01", f"{10**number}.00", f"o{number}", customer=name)
    story.link("2024-01-02", "cleo", customer="dan")
    story.link("2024-01-03", "bob", customer="cleo")
    story.link("2024-01-04", "dan", customer="bob")
    assert story.row("bob").family == ("bob", "cleo", "dan")
    story.link("2024-01-05", "dan", customer="ada")
    assert story.row("ada").family == ("ada", "bob", "cleo", "dan")
    assert {story.row(each).host for each in ("bob", "cleo", "dan")} == {"ada"}
    assert story.row("ada").value_minor == minor("1111.00")
    story.unlink("2024-01-06", "cleo", customer="dan")
    assert story.row("ada").family == ("ada", "bob", "cleo", "dan"), "they hang together through Bob"
    story.unlink("2024-01-07", "dan", customer="ada")
    assert story.row("ada").family == ()
    assert story.row("bob").family == ("bob", "cleo", "dan")
    assert (story.row("ada").value_minor, story.row("bob").value_minor) == (minor("1000.00"), minor("111.00"))


def test_of_two_designations_the_written_rule_names_the_one_that_stands_and_the_other_comes_back_t_25() -> None:
    story = of_ada_and_bob()
    story.designate("2024-01-02", "gold", designation="d-ada")
    story.designate("2024-01-02", "platinum", designation="d-bob", customer="bob")
    story.link("2024-01-03", "bob")
    stands = story.row().people.designation
    assert stands is not None
    assert (stands.designation_id, story.row().tier) == ("d-bob", "platinum")
    story.unlink("2024-01-04", "bob")
    ada, bob = story.row("ada").people.designation, story.row("bob").people.designation
    assert ada is not None
    assert bob is not None
    assert (ada.designation_id, story.row("ada").tier) == ("d-ada", "gold")
    assert (bob.designation_id, story.row("bob").tier) == ("d-bob", "platinum")


def test_what_people_decide_while_ids_are_linked_stays_with_the_id_of_the_command() -> None:
    story = of_ada_and_bob()
    story.link("2024-01-03", "bob")
    answer = only(story.designate("2024-01-04", "platinum", designation="d-1", customer="bob"), CommandAnswered)
    assert (answer.customer_id, answer.verdict) == ("ada", "accepted")
    again = story.designate("2024-01-05", "platinum", designation="d-2")
    assert only(again, CommandAnswered).verdict == "refused", "a customer has one designation, whatever the id"
    story.unlink("2024-01-06", "bob")
    assert story.row("ada").people.designation is None
    assert story.row("bob").people.designation is not None
    assert (story.row("ada").tier, story.row("bob").tier) == (None, "platinum")


def test_a_return_under_one_id_finds_the_order_of_the_other_once_r_cust_11() -> None:
    story = of_ada_and_bob()
    story.deliver("2023-12-20", "o2", customer="bob")
    story.link("2024-01-02", "bob")
    verdict = only(story.send_back("2024-01-03", order="o2", back="b1"), ReturnDecided)
    assert (verdict.customer_id, verdict.tier, verdict.amount_minor) == ("ada", "gold", minor("700.00"))
    assert all(each.holds for each in verdict.conditions if each.name == "order_known")
    twice = only(story.send_back("2024-01-04", order="o2", back="b2", customer="bob"), ReturnDecided)
    assert twice.verdict == "deny", "its units are spoken for"
    none_of(story.send_back("2024-01-04", order="o2", back="b2", customer="bob"), ReturnDecided)
    assert sum(count for _, count in story.row().returned) == 2
    story.unlink("2024-01-05", "bob")
    held = story.rows.get(ORDERS, "bob", "o2")
    assert held is not None
    assert {each.return_id for each in held.returns} == {"b1", "b2"}, "what is reserved of an order goes with the order"
    assert [sum(count for _, count in story.row(each).returned) for each in ("ada", "bob")] == [1, 1]


def test_service_under_either_id_sees_the_one_tier_and_open_cases_go_with_their_id_r_cust_11() -> None:
    escalation = [{"after_minutes": 60, "to": "team-lead"}]
    gold = {
        "queue": "vip",
        "priority": 20,
        "response_minutes": 120,
        "resolution_minutes": 1440,
        "escalation": escalation,
    }
    story = Story({"routing": {"tiers": {"gold": gold}}})
    story.register("2014-01-01", customer="bob")
    story.order("2023-12-01", "1700.00", "o2", customer="bob")
    story.contact("2024-01-02 10:00", "k0", customer="bob")
    story.link("2024-01-02 10:01", "bob")
    routed = only(story.contact("2024-01-02 10:02", "k1", customer="bob"), ContactRouted)
    story.contact("2024-01-02 10:03", "k2")
    assert (routed.customer_id, routed.tier) == ("ada", "gold")
    assert {case for _, case in story.row().cases} == {"k0", "k1", "k2"}
    story.unlink("2024-01-02 10:04", "bob")
    assert [{case for _, case in story.row(each).cases} for each in ("ada", "bob")] == [{"k2"}, {"k0", "k1"}]
    due = [each for each in story.tick("2024-01-02 11:30") if isinstance(each, EscalationDue)]
    assert {(each.customer_id, each.case_id) for each in due} == {("ada", "k2"), ("bob", "k0"), ("bob", "k1")}


def test_a_membership_is_that_of_all_subscriptions() -> None:
    story = of_ada_and_bob()
    story.subscribe("2024-01-01", "10.00", "s1")
    story.subscribe("2024-01-01", "15.00", "s2", customer="bob")
    story.link("2024-01-02", "bob")
    assert story.row().membership.monthly_minor == minor("25.00")
    story.leave("2024-01-03", "s2", customer="bob")
    assert (story.row().membership.status, story.row().membership.monthly_minor) == ("active", minor("10.00"))
    story.unlink("2024-01-04", "bob")
    assert (story.row("ada").membership.status, story.row("bob").membership.status) == ("active", "cancelled")


def test_an_episode_goes_on_under_the_customer_and_home_with_its_id() -> None:
    story = Story()
    story.order("2024-01-01", "2500.00", "o1", customer="bob")
    story.register("2014-01-01", customer="bob")
    story.tick("2024-02-20")
    alert = story.row("bob").alert
    assert alert is not None
    story.link("2024-02-21", "bob")
    assert story.row("ada").alert == alert
    closed = only(story.order("2024-02-22", "5.00", "o2"), AtRiskClosed)
    assert (closed.customer_id, closed.alert_id, closed.outcome) == ("ada", alert.decision_id, "retained")
    story.unlink("2024-02-23", "bob")
    assert story.row("ada").alert is None
    back = story.row("bob").alert
    assert back is not None
    assert back.outcome == "retained"


@pytest.mark.parametrize(
    ("tell", "reason"),
    [
        (lambda story: story.link("2024-01-02", "ada"), "linked_to_itself"),
        (lambda story: story.unlink("2024-01-02", "ada"), "linked_to_itself"),
        (lambda story: story.unlink("2024-01-02", "bob"), "not_linked"),
    ],
)
def test_what_makes_no_sense_is_quarantined_with_the_reason(tell: object, reason: str) -> None:
    story = of_ada_and_bob()
    before = facts(story.row())
    assert callable(tell)
    assert only(tell(story), Quarantined).reason == reason
    assert facts(story.row()) == before


def test_a_link_told_twice_or_late_after_its_end_changes_nothing_t_15_t_16() -> None:
    story = of_ada_and_bob()
    story.link("2024-01-02", "bob", event="l")
    before = story.stored()
    none_of(story.link("2024-01-02", "bob", event="l"), Decided)
    assert story.stored() == before
    story.unlink("2024-01-05", "bob")
    story.link("2024-01-04", "bob", customer="bob")
    assert (story.row("ada").family, story.row("bob").host) == ((), None)


def test_one_id_has_so_many_links_and_no_more() -> None:
    story = Story()
    for number in range(70):
        story.link("2024-01-02", f"x{number:02d}")
    assert len(story.row().family) == 64
    refused = [each for each in story.effects if isinstance(each, Quarantined)]
    assert {each.reason for each in refused} == {"too_many_links"}
    assert len(refused) == 7


def test_separations_of_ids_that_nobody_linked_leave_room_for_links_t_16() -> None:
    story = Story()
    for number in range(70):
        story.unlink(f"2024-01-{2 + number // 24:02} {number % 24:02}:00", f"x{number:02d}")
    story.link("2024-02-01", "bob")
    assert story.row().family == ("ada", "bob")
    story.link("2024-01-01", "x69")
    assert story.row().family == ("ada", "bob"), "the last ones are remembered"


def test_a_long_history_moves_in_pieces_that_every_broker_takes_d6() -> None:
    net = Network({"ada": 0, "bob": 1})
    at = START + 3000 * DAY
    lines = tuple(e.OrderLine(f"line-{number}", 1, 100) for number in range(40))
    net.publish(
        e.OrderPlaced(
            event_id=f"e{number}", customer_id="bob", occurred_at=at, order_id=f"o{number}", currency="USD", lines=lines
        )
        for number in range(1000)
    )
    net.publish([e.IdsLinked(event_id="l", customer_id="bob", occurred_at=at + 1, other_customer_id="ada")])
    net.run()
    pieces = [each.event for each in net.effects if getattr(each, "event", None).__class__ is RowsMoved]
    assert len(pieces) > 2
    assert max(len(encode(each)) for each in pieces) < 262_144
    assert (net.row("ada").orders, net.row("ada").value_minor) == (1000, 1000 * 40 * 100)
    assert dict(net.stores[1].scan(b"obob", b"obob\x01")) == {}


def test_each_table_moves_with_its_id_or_is_known_not_to() -> None:
    """Whoever adds a table of customers decides which (D6)."""
    stay = {
        "partition",
        "policies",
        "customers",
        "figures",
        "timers",
        "held-timers",
        "census",
        "programme",
        "policy-versions",
        "agents",
        "reward-stock",
        "reward-figures",
    }
    of_families = {"families", "overlaps"}
    assert {table.name for table in TABLES} == {table.name for table in moving.MOVED} | stay | of_families


def test_each_field_of_a_customer_is_a_fact_of_ids_or_stands_for_all_of_them() -> None:
    """Whoever adds a field decides how ids of one customer have it together: see `processors.parts`."""
    facts_of_ids = {"since", "value_minor", "orders", "first_order_at", "last_order_at", "membership", "returned",
                    "consents", "birth", "activity", "cases", "moved", "points", "undispatched", "synchrony", "recent",
                    "unsettled"}  # fmt: skip
    standing = {"tier", "vip_since", "falls_at", "alert", "win_back", "celebrated", "people", "opened"}
    of_the_row = {"sequence", "policy_version", "activations", "timers", "fired", "host", "family"}
    assert set(CUSTOMERS.row.__struct_fields__) == facts_of_ids | standing | of_the_row


def test_what_went_wrong_with_an_order_that_two_ids_know_is_one_mishap_i_5() -> None:
    one, other = (Order(mishaps=(Mishap("delay", None, late, f"orders/{late}"),)) for late in (5, 9))
    assert joined([one, other]).mishaps == joined([other, one]).mishaps == other.mishaps
