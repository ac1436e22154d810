"""`laurel report`: from what was published, on a real broker; the figure also from a story's own decisions."""

import csv
import json
from typing import Any

import pytest
from msgspec.structs import replace

from schemas.codec import encode
from schemas.decided import Condition
from schemas.decisions import AtRiskClosed, AtRiskRaised, AtRiskRetracted, ContactClosed, ReturnDecided
from schemas.discrepancies import DiscrepancyFound, DiscrepancyResolved
from schemas.examples import example
from schemas.launches import EarlyAccessOpened, LaunchBought
from schemas.ledger import PointsMoved, RewardAnswered
from schemas.profiles import CustomerProfile
from schemas.rewards import RewardStockMoved
from streams.differing import Standing, by_system
from streams.records import Outgoing
from streams.retained import ends_by_tier, retained_permille
from streams.settled import Settled, by_tier
from tests.processors.story import Story
from tests.streams.commands import Answer, Caller
from tests.streams.history import ms
from tests.streams.systems import System

FREE = replace(example(CustomerProfile), status="active")


def profile(customer: str, tier: str | None, **fields: Any) -> CustomerProfile:
    told = {"vip_since": ms("2024-02-29"), "contact_purposes": ("email", "feedback"), "birth_month": None}
    return replace(FREE, **told | {"customer_id": customer, "tier": tier} | fields)


PROFILES = (
    *(profile(f"gold-{n}", "gold") for n in range(40)),
    *(profile(f"diamond-{n}", "diamond") for n in range(4)),
    profile("silent", "gold", contact_purposes=("email",)),
    profile("gone", "gold", status="cancelled", birth_month=2),
    profile("guest", None, birth_month=2),
    profile("bob", None, linked_to="ada"),
    profile("gold-0", "gold", birth_month=2, vip_since=ms("2024-05-01")),
)


LISTED = Condition("reward", "reward", "box", "in", "box, cup", holds=True)
ANSWER = replace(example(RewardAnswered), conditions=(LISTED,), reward_id="box", instead_of=None, verdict="reserved")
CAPTURED = replace(example(PointsMoved), movement="captured", reward_id="box", cost_minor=700)
REDEEMED = (
    ANSWER,
    replace(ANSWER, verdict="refused"),
    replace(ANSWER, reward_id="cup", instead_of="box", verdict="offered"),
    replace(ANSWER, reward_id="cup", instead_of="box", conditions=()),
    CAPTURED,
    replace(CAPTURED, cost_minor=801),
    replace(CAPTURED, reward_id="cup", cost_minor=300),
    replace(CAPTURED, movement="released", reward_id=None, cost_minor=None),
)
STOCK = [replace(example(RewardStockMoved), reward_id="box", free=free, held=1, given=4) for free in (9, 3)]
NOW = ms("2024-03-01")
HOUR_MS = 3_600_000
FOUND = [
    replace(
        example(DiscrepancyFound), decision_id=f"d{n}", system=system, reason=reason, differs_since=NOW - n * HOUR_MS
    )
    for n, (system, reason) in enumerate(
        [("crm", "silent"), ("crm", "differs"), ("crm", "silent"), ("orders", "behind")]
    )
]
DIFFERING = (
    *FOUND,
    replace(example(DiscrepancyResolved), discrepancy_id="d0", system="crm", minutes_differing=90),
    replace(example(DiscrepancyResolved), discrepancy_id="d3", system="orders", minutes_differing=500),
)


def test_discrepancies_are_counted_by_system_with_their_age_r_sync_02() -> None:
    crm, orders = by_system(DIFFERING, NOW)
    assert crm == Standing("crm", 2, 120, {"differs": 1, "silent": 1}, 1, 90)
    assert orders == Standing("orders", 0, None, {}, 1, 500)
    assert by_system((), NOW) == []


CLOSED = replace(example(ContactClosed), tier="gold", case_id="k1", resolution_minutes=50)
CONTACTS = (
    CLOSED,
    replace(CLOSED, first_contact=False, resolved_in_time=False, resolution_minutes=90),
    replace(CLOSED, case_id="k2", resolution_minutes=10),
    replace(CLOSED, case_id="k2", customer_id="bob", tier=None, answered_in_time=False, resolution_minutes=500),
)


def test_contacts_are_counted_once_each_as_they_were_said_last_r_rte_05_r_rte_10() -> None:
    assert by_tier(CONTACTS) == [
        Settled("gold", 2, 500, 1000, 500, 50, 90),
        Settled("none", 1, 1000, 0, 1000, 500, 500),
        Settled("all", 3, 666, 666, 666, 90, 500),
    ]
    assert by_tier(()) == []


@pytest.fixture(scope="module")
def system(bootstrap: str, tmp_path_factory: pytest.TempPathFactory) -> System:
    """Give a system whose profiles and alerts are there, as a worker would have left them; gold-0 has two."""
    system = System(bootstrap, tmp_path_factory.mktemp("reports"))
    alerts = [replace(example(AtRiskRaised), decision_id=f"a{n}", tier="gold") for n in range(3)]
    closed = replace(example(AtRiskClosed), alert_id="a0", outcome="lost")
    ends = (closed, replace(closed, outcome="retained"), replace(example(AtRiskRetracted), retracts="a1"))
    asked = replace(example(ReturnDecided), tier="gold", supersedes=None, objection=None, decided_by=None)
    asked = replace(asked, requested_at=ms("2026-05-02"), decided_at=ms("2026-05-02 01:00"), verdict="approve")
    by_person = replace(asked, verdict="deny", decided_by="p-1", supersedes="first", decided_at=ms("2026-05-03"))
    let_in = replace(example(EarlyAccessOpened), customer_id="bob")
    bought = replace(example(LaunchBought), customer_id="ada", amount_minor=123_456)
    verdicts = (asked, replace(asked, verdict="review"), by_person, replace(asked, requested_at=ms("2026-06-01")))
    system.write(
        [
            *(Outgoing("points", b"ada", encode(each), 0) for each in REDEEMED),
            *(Outgoing("rewards", b"reward/box", encode(each), 1) for each in STOCK),
            *(Outgoing("return-decisions", b"ada", encode(each), 0) for each in verdicts),
            *(Outgoing("customer-profiles", each.customer_id.encode(), encode(each), 0) for each in PROFILES),
            *(Outgoing("at-risk-alerts", b"ada", encode(each), 0) for each in (*alerts, *ends)),
            *(Outgoing("launches", b"ada", encode(each), 0) for each in (let_in, bought)),
            *(Outgoing("discrepancies", b"ada", encode(each), 0) for each in DIFFERING),
            *(Outgoing("priority-routing", b"ada", encode(each), 0) for each in CONTACTS),
        ]
    )
    return system


def told(answer: Answer) -> list[dict[str, object]]:
    assert answer.code == 0, answer.err
    return [json.loads(line) for line in answer.out.splitlines()]


def test_a_panel_is_chosen_from_who_agreed_and_is_the_same_again_r_risk_09_r_rte_15(called: Caller) -> None:
    chosen = told(called("report", "panel", "--session", "q1", "--json"))
    assert [each["tier"] for each in chosen] == ["diamond"] * 4 + ["gold"] * 11
    assert not {"silent", "gone", "guest"} & {each["customer_id"] for each in chosen}
    assert told(called("report", "panel", "--session", "q1", "--json")) == chosen
    assert told(called("report", "panel", "--session", "q2", "--json")) != chosen
    assert "gold-" in called("report", "panel", "--session", "q1").out


def test_a_review_lists_customers_for_people_programs_and_spreadsheets_r_man_12_r_anl_15(called: Caller) -> None:
    whole = told(called("report", "customers", "--tier", "diamond", "--json"))
    assert [each["customer_id"] for each in whole] == [f"diamond-{n}" for n in range(4)]
    assert whole[0]["lifetime_value_minor"] == 101_250
    head, *rows = csv.reader(called("report", "customers", "--no-vip", "--csv").out.splitlines())
    assert [dict(zip(head, row, strict=True))["customer"] for row in rows] == ["guest"]
    assert dict(zip(head, rows[0], strict=True))["lifetime value"] == "1012.50"
    assert "gone" in called("report", "customers", "--status", "inactive", "--more-than", "1012.49").out
    assert "gone" not in called("report", "customers", "--status", "inactive", "--more-than", "1012.50").out


@pytest.mark.parametrize(
    ("flags", "said"),
    [(("--more-than", "1.005"), "decimals"), (("--more-than", "many"), "1000"), (("--tier", "tin"), "gold")],
)
def test_a_review_that_cannot_be_is_refused_with_what_can(called: Caller, flags: tuple[str, ...], said: str) -> None:
    answer = called("report", "customers", *flags)
    assert answer.code == 2
    assert said in answer.err


def test_the_response_to_a_launch_by_tier_r_anl_17(called: Caller) -> None:
    """Bob was let in, and stands as Ada by now, who bought."""
    (gold,) = told(called("report", "launch", "--json"))
    expected = {"launch": "spring-box", "tier": "gold", "let_in": 1, "bought_early": 1, "response_permille": 1000}
    assert gold.items() >= (expected | {"orders_early": 1, "early_minor": 123_456, "orders_released": 0}).items()
    drawn = called("report", "launch", "spring-box").out
    assert "100.0" in drawn
    assert "1,234.56" in drawn
    unknown = called("report", "launch", "sprong-box")
    assert unknown.code == 1
    assert "spring-box" in unknown.err


def test_anniversaries_and_birthdays_of_a_month_r_risk_06_r_risk_07(called: Caller) -> None:
    found = told(called("report", "celebrations", "2025-02", "--json"))
    assert {(each["customer_id"], each["kind"], each["on"]) for each in found} == {
        *((f"gold-{n}", "anniversary", "2025-02-28") for n in range(1, 40)),
        *((f"diamond-{n}", "anniversary", "2025-02-28") for n in range(4)),
        ("silent", "anniversary", "2025-02-28"),
        ("gold-0", "birthday", "2025-02"),
    }
    assert told(called("report", "celebrations", "2024-02", "--json")) == [
        {"customer_id": "gold-0", "tier": "gold", "kind": "birthday", "on": "2024-02", "years": None}
    ]
    wrong = called("report", "celebrations", "2025-13")
    assert (wrong.code, "found '2025-13'; a month as 2026-05 is needed" in wrong.err) == (2, True)


def test_the_share_of_those_kept_r_risk_04_t_40(called: Caller) -> None:
    gold, everyone = told(called("report", "retention", "--json"))
    assert gold == {"tier": "gold", "retained_permille": 1000, "retained": 1, "lost": 0, "retracted": 1, "open": 1}
    assert everyone == gold | {"tier": "all"}
    assert "100.0" in called("report", "retention").out


def test_which_systems_differ_r_sync_02(called: Caller) -> None:
    answer = called("report", "discrepancies", "--json")
    crm, orders = (json.loads(line) for line in answer.out.splitlines())
    assert answer.code == 1
    assert (crm["system"], crm["open"], crm["reasons"]) == ("crm", 2, {"differs": 1, "silent": 1})
    assert crm["oldest_minutes"] > 120
    assert (orders["open"], orders["resolved"], orders["longest_minutes"]) == (0, 1, 500)
    assert "differs 1, silent 1" in called("report", "discrepancies").out


def test_how_contacts_went_by_tier_r_rte_04_r_rte_05_r_rte_10_r_rte_13_r_rte_15(called: Caller) -> None:
    answer = called("report", "contacts", "--json")
    found = [json.loads(line) for line in answer.out.splitlines()]
    assert [(each["tier"], each["contacts"], each["first_contact_permille"]) for each in found] == [
        ("gold", 2, 500), ("none", 1, 1000), ("all", 3, 666),
    ]  # fmt: skip
    assert "66.6" in called("report", "contacts").out


def test_returns_by_month_and_tier_r_ret_15(called: Caller) -> None:
    gold, vips, everyone = told(called("report", "returns", "--month", "2026-05", "--json"))
    assert (gold["month"], gold["tier"], gold["asked"], gold["auto_approved_permille"]) == ("2026-05", "gold", 2, 500)
    assert (gold["denied_by_person"], gold["mean_seconds"]) == (1, 25 * 3600 // 2)
    assert vips == gold | {"tier": "VIPs"}
    assert everyone == gold | {"tier": "all"}
    assert {each["month"] for each in told(called("report", "returns", "--json"))} == {"2026-05", "2026-06"}
    assert "50.0" in called("report", "returns").out
    nobody = called("report", "returns", "--month", "2026-07")
    assert (nobody.code, "nobody asked for a return in 2026-07" in nobody.err) == (1, True)


def test_rewards_with_their_cost_per_redemption_and_their_stock_r_pts_10(called: Caller) -> None:
    box, cup, everything = told(called("report", "rewards", "--json"))
    assert box == {
        "reward_id": "box", "asked": 3, "granted": 1, "offered": 1, "substituted": 1, "refused": 1, "redeemed": 2,
        "cost_minor": 1501, "cost_per_redemption_minor": 750, "stock": {"free": 3, "held": 1, "given": 4},
    }  # fmt: skip
    assert (cup["asked"], cup["redeemed"], cup["cost_per_redemption_minor"], cup["stock"]) == (0, 1, 300, None)
    assert (everything["reward_id"], everything["redeemed"], everything["cost_minor"]) == ("#all", 3, 1801)
    assert "15.01" in called("report", "rewards").out


def test_the_share_of_a_story_t_40() -> None:
    """Of eight at risk four order in time, one does not, two are still open, and one alert was wrong."""
    story = Story()
    for n in range(8):
        story.register("2014-01-01", customer=f"c{n}")
        story.order("2024-01-01", "1000.00", customer=f"c{n}")
    story.tick("2024-02-16")
    story.order("2024-02-10", "1.00", "late", customer="c7")
    for n in range(4):
        story.order("2024-03-01", "1.00", "o2", customer=f"c{n}")
    story.leave("2024-03-02", customer="c4")
    counted = ends_by_tier(story.decided())["gold"]
    assert counted == {"retained": 4, "lost": 1, "retracted": 1, "open": 2}
    assert retained_permille(counted) == 800
