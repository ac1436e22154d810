"""The sandbox's shop: the same one from the same seed, and one in which everything happens that integrators wait for."""

import json
import time
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from deploy.demo.events import Event
from deploy.sandbox import running
from deploy.sandbox.shop import Shop
from schemas.codec import decode
from schemas.topics import TOPIC_OF
from streams import policies, publishing
from streams.clock import DAY_MS, WallClock, now_ms
from streams.console import BAD_INPUT
from streams.driver import Driver
from streams.records import Outgoing
from streams.sandbox_commands import sandbox
from streams.settings import FLAGS
from streams.simulating import prepare

MIX = {"orders": 6, "returns": 1, "interactions": 2, "support": 1}


def shop(seed: int = 7, today: date | None = None) -> Shop:
    return Shop(seed, today or datetime.now(UTC).date(), "UTC", "USD")


def happenings(made: Shop, count: int, now: int, mix: dict[str, int] = MIX) -> list[Event]:
    return [made.happens(mix, now) for _ in range(count)]


def records(events: list[Event]) -> list[Outgoing]:
    return list(publishing.parse(map(json.dumps, events), prepare()))


def test_the_same_seed_is_the_same_shop_at_another_time() -> None:
    one, two = shop(today=date(2026, 1, 10)), shop(today=date(2026, 3, 1))
    moved = 50 * DAY_MS

    def shifted(events: list[Event]) -> list[Event]:
        return [event | {"occurred_at": event["occurred_at"] + moved} for event in events]

    assert shifted(one.history()) == two.history()
    assert shifted(happenings(one, 500, 0)) == happenings(two, 500, moved)
    assert shop(8).history() != shop(7).history()


def test_topics_come_as_the_mix_says() -> None:
    published = records(happenings(shop(), 4000, now_ms()))
    counts = Counter(record.topic for record in published)
    shares = {topic: counts[topic] / 400 for topic in MIX}
    assert all(abs(shares[topic] - weight) < 0.5 for topic, weight in MIX.items()), shares
    only = records(happenings(shop(), 50, now_ms(), {"support": 1, "orders": 0}))
    assert {record.topic for record in only} == {"support"}


def test_every_event_is_one_of_its_own() -> None:
    made = shop()
    events = [*made.history(), *happenings(made, 3000, now_ms())]
    names = Counter((event["type"], event["event_id"]) for event in events)
    twice = [name for name, count in names.items() if count > 1]
    assert len(twice) < 40, "upstream publishes some twice, in the history only (T-15)"
    known = {event["order_id"] for event in events if event["type"] == "OrderPlaced"}
    assert {event["order_id"] for event in events if "order_id" in event} == known


def test_a_minute_of_it_brings_every_kind_of_decision_and_no_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    made, now = shop(), now_ms()
    driver = Driver(policies.activation(policies.default_file()), WallClock(every_s=10, idle_s=10))
    monkeypatch.setattr("streams.intake.now_ms", lambda: now)

    def told(events: list[Event]) -> dict[str, Counter[Any]]:
        nonlocal now
        driver.publish(records(events))
        driver.run()
        now += 60_000
        driver.run()
        kinds = ("to_tier", "verdict", "queue")
        found: dict[str, Counter[Any]] = {}
        for topic in ("tier-changes", "return-decisions", "priority-routing", "at-risk-alerts"):
            decided = [decode(record.value) for record in driver.logs.all(topic)]
            found[topic] = Counter(
                next((getattr(each, kind) for kind in kinds if hasattr(each, kind)), type(each).__name__)
                for each in decided
            )
        return found

    before = told(made.history())
    assert before["tier-changes"].keys() >= {"gold", "platinum"}
    assert before["at-risk-alerts"]["AtRiskRaised"] > 0
    after = told(happenings(made, 1200, now))
    gained = {topic: after[topic] - before[topic] for topic in after}
    assert gained["tier-changes"].keys() >= {"gold", "platinum"}
    assert gained["return-decisions"].keys() >= {"approve", "review", "deny"}
    assert gained["priority-routing"].keys() >= {"general", "vip"}
    assert gained["at-risk-alerts"].keys() >= {"AtRiskRaised", "AtRiskRetracted"}
    assert not list(driver.logs.all("dead-letters"))
    assert not list(driver.logs.all("quarantined"))


def test_live_events_come_at_their_rate_until_the_time_is_over() -> None:
    looks: list[float] = []
    wish = running.Wish(400, 7, MIX, policies.default_file(), "single-object", 1.2)
    began = now_ms()
    events = list(running.live(shop(), wish, lambda: looks.append(time.monotonic())))
    assert 1 <= len(events) <= 481, "never more than the rate"
    assert all(began <= event["occurred_at"] <= now_ms() for event in events if event["type"] != "OrderPlaced")
    assert looks, "somebody looks after the worker meanwhile"
    assert list(running.live(shop(), wish._replace(rate=0, seconds=0.1), lambda: None)) == []


@pytest.mark.parametrize("wrong", ["retruns=1", "orders", "orders=-1", "orders=x", "orders=0", ""])
def test_a_mix_that_is_none_is_refused_with_what_would_be_right(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"orders=6,returns=1|must be above 0"):
        running.mix_of(wrong)
    assert running.mix_of("orders=6, support=1") == {"orders": 6, "support": 1}
    assert set(Shop.HAPPENINGS) <= set(TOPIC_OF.values())


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ({"rate": -1}, "a rate from 0"),
        ({"during": timedelta()}, "a time above 0"),
        ({"mix": "retruns=1"}, "found 'retruns=1' in the mix"),
    ],
)
def test_a_wrong_call_starts_nothing(call: dict[str, Any], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert sandbox(**call) == BAD_INPUT
    assert said in capsys.readouterr().err


def test_no_setting_of_elsewhere_is_taken(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """`laurel sandbox --bootstrap ...` would have its topics on that broker, or be silently passed over."""
    monkeypatch.setitem(FLAGS, "bootstrap", "production:9092")
    assert sandbox() == BAD_INPUT
    assert "found the setting bootstrap" in capsys.readouterr().err
