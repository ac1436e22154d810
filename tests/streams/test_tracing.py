"""What became of an event and of a customer, and why: asked of a real broker."""

import json
from pathlib import Path
from typing import Any, get_args

import pytest
from msgspec.structs import replace

from schemas import commands as c
from schemas import events as e
from schemas.codec import encode
from schemas.decided import Decided
from schemas.decisions import ReturnDecided, TierChanged
from schemas.examples import example
from schemas.profiles import CustomerProfile
from schemas.source import SourceEvent
from streams.progressing import waiting_by_topic
from streams.records import Outgoing
from streams.standing import standing
from streams.tracing import READ_AS
from tests.streams.commands import Answer, Caller
from tests.streams.history import DAY, history, ms, placed, published, registered
from tests.streams.systems import System

BOUGHT = ms("2024-01-01")
ASKED: dict[str, Any] = {"return_id": "b1", "order_id": "o1", "lines": (e.ReturnLine("l1", 1),)}
ERASED = replace(example(c.PersonalTextErased), event_id="e-erased", customer_id="ada", occurred_at=BOUGHT + DAY)
STORY: tuple[SourceEvent, ...] = (
    registered("ada", ms("2022-01-01"), "e-ada"),
    placed("ada", BOUGHT, 150_000, "o1"),
    ERASED,
    e.OrderDelivered(event_id="e-delivered", customer_id="ada", occurred_at=BOUGHT + 2 * DAY, order_id="o1"),
    e.ReturnRequested(event_id="e-asked", customer_id="ada", occurred_at=BOUGHT + 3 * DAY, **ASKED),
    e.ReturnRequested(event_id="e-again", customer_id="ada", occurred_at=BOUGHT + 4 * DAY, **ASKED),
    placed("bob", BOUGHT + 60 * DAY, 100, "o2"),
)


@pytest.fixture(scope="module")
def system(bootstrap: str, tmp_path_factory: pytest.TempPathFactory) -> System:
    """Give a system that folded the story and a history, with an order that was taken and waits to be folded."""
    system = System(bootstrap, tmp_path_factory.mktemp("traced"), clock="events", max_jump_days=4_000)
    system.publish(map(published, STORY))
    early = placed("ada", BOUGHT + 61 * DAY, 5, "early")
    system.publish([Outgoing("orders", b"ada", encode(early), None, BOUGHT + 59 * DAY)])
    with system.working():
        system.wait_until_idle()
        told = list(history(7, customers=20, events=150))
        system.publish(told)
        system.wait_until_idle()
        # By now c4 is known as c3: what comes for it is passed on.
        later = max(record.timestamp or 0 for record in told) + DAY
        late = e.ContactOpened(event_id="late-k", customer_id="c4", occurred_at=later, case_id="k-late", channel="mail")
        system.publish([published(late)])
        system.wait_until_idle()
    system.publish([published(placed("ada", BOUGHT + 70 * DAY, 7, "waiting"))])
    with system.working(agents="intake"):
        while waiting_by_topic(system.settings)["orders"]:
            system.still_working()
    return system


def told(answer: Answer) -> list[dict[str, Any]]:
    assert answer.code == 0, answer.err
    return [json.loads(line) for line in answer.out.splitlines()]


def one(system: System, kind: type[Decided], customer: str = "ada") -> Decided:
    topics = ("tier-changes", "return-decisions", "priority-routing", "at-risk-alerts", "notification-requests")
    (found,) = (
        each
        for topic in topics
        for each in system.contents(topic)
        if isinstance(each, kind) and each.customer_id == customer
    )
    return found


def test_an_event_is_followed_to_what_it_led_to(system: System, called: Caller) -> None:
    taken, *moments = told(called("trace", "e-o1", "--json"))
    by_type = {each["record"]["type"]: each for each in moments}
    assert by_type.keys() == {"TierChanged", "NotificationRequested", "OrderFlagged", "PointsMoved"}
    decided, asked, flagged = (by_type[name] for name in ("TierChanged", "NotificationRequested", "OrderFlagged"))
    assert (taken["what"], taken["topic"], taken["record"]["order_id"]) == (
        "taken",
        "timeline",
        "o1",
    )
    assert (decided["what"], decided["record"]["type"]) == ("decided", "TierChanged")
    assert decided["record"]["decision_id"] == one(system, TierChanged).decision_id
    assert decided["record"]["origin"]["offset"] == taken["offset"]
    assert (asked["what"], asked["record"]["notice"]) == ("decided", "welcome")
    assert asked["record"]["follows"] == decided["record"]["decision_id"]
    assert (flagged["record"]["type"], flagged["record"]["tier"]) == ("OrderFlagged", "gold")
    drawn = called("trace", "e-o1")
    assert (drawn.code, "nothing was decided" in drawn.out) == (0, False)


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ("e-delivered", "it is a fact"),
        ("e-erased", "no rule reads PersonalTextErased yet"),
        ("e-again", "the same object was decided under another event's id"),
        ("e-waiting", "it is not folded yet"),
    ],
)
def test_or_it_is_said_why_nothing_followed(called: Caller, event: str, words: str) -> None:
    answer = called("trace", event)
    assert answer.code == 0
    assert words in " ".join(answer.out.split())


def test_of_every_event_that_a_rule_reads_it_can_be_said_why_nothing_followed() -> None:
    events = {kind for kind in get_args(e.Event) if issubclass(kind, SourceEvent)}
    assert {kind for kind in events if not any(kind in kinds for kinds, _ in READ_AS)} == {c.PersonalTextErased}


def test_an_event_of_a_linked_id_is_followed_to_where_its_state_is(called: Caller) -> None:
    moments = told(called("trace", "late-k", "--json"))
    assert [each["what"] for each in moments][:2] == ["taken", "passed on"]
    assert moments[-1]["what"] == "decided"
    assert moments[-1]["record"]["customer_id"] == "c3"


def test_an_event_that_was_buried_is_found_in_the_dead_letters(called: Caller) -> None:
    (buried,) = told(called("trace", "e-early", "--json"))
    assert (buried["what"], buried["headers"]["reason"]) == ("buried", "implausible_date")
    assert "implausible_date" in called("trace", "e-early").out


@pytest.mark.parametrize("event", ["e-nobody", "e-o", "ada", "o1"])
def test_what_is_no_event_of_ours_is_exit_code_1(called: Caller, event: str) -> None:
    """Part of an id, or the id of something else that events name, is not the event."""
    answer = called("trace", event)
    assert (answer.code, answer.out) == (1, "")
    assert event in answer.err


def test_a_customer_s_timeline_has_each_decision_behind_its_cause(system: System, called: Caller) -> None:
    moments = told(called("timeline", "ada", "--json"))
    kinds = [moment["record"]["type"] for moment in moments]
    mine = [type(each).__name__ for each in STORY if each.customer_id == "ada"]
    assert [kind for moment, kind in zip(moments, kinds, strict=True) if moment["what"] == "taken"] == [
        *mine,
        "OrderPlaced",
    ]
    assert kinds[kinds.index("OrderPlaced") + 1] == "TierChanged"
    assert kinds[kinds.index("ReturnRequested") + 1] == "ReturnDecided"
    numbers = [moment["record"]["sequence"] for moment in moments if moment["what"] == "decided"]
    assert numbers == list(range(1, len(numbers) + 1)), "every decision, in its order"
    drawn = called("timeline", "ada", "--last", "2")
    assert f"{len(moments)} in all" in drawn.out
    assert "TierChanged" not in drawn.out
    assert called("timeline", "nobody").code == 1


def test_a_decision_is_explained_to_each_audience(system: System, called: Caller) -> None:
    decision = one(system, ReturnDecided)
    customer, agent, auditor = (
        called("explain", decision.decision_id, "--for", audience).out for audience in ("customer", "agent", "auditor")
    )
    assert customer.startswith(
        "We will look at your return b1 and come back to you.\nIt is worth 1,500.00 USD; above 250.00"
    )
    assert "return b1 of order o1 by customer ada goes to a person for review" in agent
    assert "yes the order is known" in agent
    assert "last moved by orders/e-o1" not in agent
    assert "last moved by orders/e-o1" in auditor
    assert decision.decision_id in auditor
    (published,) = told(called("explain", decision.decision_id, "--json"))
    assert published["record"]["decision_id"] == decision.decision_id
    unknown = called("explain", decision.decision_id[:-1])
    assert (unknown.code, unknown.out) == (1, "")


def test_why_a_customer_has_a_tier_and_not_another(called: Caller) -> None:
    answer = called("why", "ada")
    assert answer.code == 0
    assert "ada has Gold since 2024-01-01" in answer.out
    (found,) = told(called("why", "ada", "--tier", "platinum", "--json"))
    value, tenure = found["conditions"]
    assert (value["value"], value["threshold"], value["holds"], value["moved_by"]) == (
        150_000,
        250_000,
        False,
        "orders/e-o1",
    )
    assert (tenure["threshold"], tenure["holds"], tenure["moved_by"]) == ("2024-01-01", True, "interactions/e-ada")
    assert (found["tier"], found["policy"]) == ("gold", "default-1")


def test_why_as_it_was_known_at_another_time(called: Caller) -> None:
    (before,) = told(called("why", "ada", "--at", "2023-06-01", "--json"))
    assert (before["tier"], before["conditions"][0]["value"], before["conditions"][0]["moved_by"]) == (None, 0, None)
    (after,) = told(called("why", "ada", "--at", "2024-01-02", "--json"))
    assert (after["tier"], after["at"]) == ("gold", ms("2024-01-02"))
    assert called("why", "ada", "--at", "2021-01-01").code == 1


def test_where_a_customer_s_points_stand_r_pts_06_r_pts_08(called: Caller) -> None:
    answer = called("points", "ada")
    assert answer.code == 0
    assert "purchase/o1/" in answer.out
    (found,) = told(called("points", "ada", "--json"))
    assert found["balance"] + found["pending"] == 1500
    assert sum(found["forecast"].values()) == 1500
    assert found["accurate"]
    assert [lot["lot"][0] for lot in found["lots"]] == ["registration", "purchase"]
    (before,) = told(called("points", "ada", "--at", "2023-06-01", "--json"))
    assert (before["balance"], before["forecast"]) == (100, {"2024-01": 100})
    assert called("points", "nobody").code == 1


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("nobody",), 1, "nothing ever happened to nobody"),
        (("ada", "--tier", "silver"), 2, "found tier silver; policy default-1 has gold, platinum, diamond"),
    ],
)
def test_why_of_what_is_not_there(called: Caller, words: tuple[str, ...], code: int, said: str) -> None:
    answer = called("why", *words)
    assert (answer.code, answer.out) == (code, "")
    assert said in " ".join(answer.err.split())


def test_what_could_be_returned_before_and_after_it_was_asked_for_r_ret_08(called: Caller) -> None:
    line, order = told(called("entitlements", "ada", "o1", "--at", "2024-01-03T12:00Z", "--json"))
    assert (line["of"], line["verdict"], line["tier"], line["window_ends_at"]) == (
        "line",
        "review",
        "gold",
        ms("2024-02-18"),
    )
    assert (order["of"], order["verdict"]) == ("order", "review")
    said = called("entitlements", "ada", "o1", "--at", "2024-01-04T12:00Z", "--for", "customer").out
    assert "Line l1: cannot come back." in said
    assert "lane standard, label free" in called("entitlements", "ada", "o1").out
    unknown = called("entitlements", "ada", "o9")
    assert (unknown.code, "order o9 of ada is not known" in unknown.err) == (1, True)


def test_one_customer_s_history_alone_leads_to_where_all_histories_led(system: System) -> None:
    profiles = {
        each.customer_id: each for each in system.contents("customer-profiles") if isinstance(each, CustomerProfile)
    }
    last = {each.customer_id: each for each in system.contents("tier-changes") if isinstance(each, TierChanged)}
    assert len(profiles) > 20
    for customer, profile in profiles.items():
        found = standing(system.settings, customer, None, lambda _: None)
        assert found is not None
        assert (found.tier, found.vip_since) == (profile.tier, profile.vip_since)
        value = next(each for each in found.conditions if each.name == "lifetime_value_minor")
        assert value.value == profile.lifetime_value_minor
        if customer in last and profile.linked_to is None:
            assert last[customer].to_tier == found.tier


def test_the_folder_of_the_command_stays_empty(called: Caller) -> None:
    """Whoever asks writes nothing."""
    called("why", "ada")
    assert list(Path().iterdir()) == []
