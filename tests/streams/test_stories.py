"""Stories of every kind of event, drawn by seed, through the whole engine in memory: what must hold whatever happens to whom."""

import os
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Callable
from functools import cache
from random import Random
from typing import Any

import pytest

from processors.compensations import COMPENSATIONS
from processors.reward_requests import REQUESTS
from processors.stock import STOCKS, Stock
from schemas import commands as c
from schemas import events as e
from schemas.decided import Decided
from schemas.rewards import OPENING, RewardStocked, RewardStockMoved
from schemas.topics import PUBLISHED
from state.overlay import Overlay
from streams.accuracy import check_points
from streams.driver import Driver
from streams.records import Outgoing
from tests.streams.engines import decoded, fingerprint, ran
from tests.streams.history import DAY, history, ms, published

IDS = tuple(f"c{number}" for number in range(8))
BEGINS, DAYS, EVENTS = ms("2023-03-01"), 300, 160
FOUND = (116, 142, 206)
"""Stories without rewards that have found something: in 116 and 206 two decisions had one id."""
STORY = pytest.mark.parametrize("seed", [0, 1, 2, *FOUND])


def happenings(chance: Random, base: dict[str, Any]) -> tuple[Callable[[], Any], ...]:
    """What may happen to a customer, few objects among them, so that events meet."""
    order, at = f"z{chance.randrange(40)}", base["occurred_at"]
    person = {"author_id": "mia", "reason": "sorry"}

    def some(prefix: str, many: int) -> str:
        return f"{prefix}{chance.randrange(many)}"

    launch = "spring-box" if order.endswith("3") else None
    lines = (
        e.OrderLine("l1", 2, chance.randrange(1, 200_000), shipping_minor=490),
        e.OrderLine("l2", 1, 999, launch_id=launch),
    )
    return (
        lambda: e.OrderPlaced(
            **base, order_id=order, currency="USD", channel=chance.choice([None, "web"]), lines=lines
        ),
        lambda: e.OrderDelayed(
            **base, order_id=order, promised_at=at, expected_at=at + chance.randrange(9) * DAY, reason="carrier"
        ),
        lambda: e.OrderFailed(**base, order_id=order, shipment_id=chance.choice([None, "s1", "s2"]), reason="carrier"),
        lambda: e.OrderShipped(**base, order_id=order, shipment_id="s1", lines=(e.Units("l1", 1),)),
        lambda: e.OrderDelivered(**base, order_id=order),
        lambda: e.OrderCancelled(**base, order_id=order),
        lambda: e.OrderRefunded(
            **base,
            order_id=order,
            refund_id=base["event_id"],
            goods_minor=chance.randrange(1, 90_000),
            line_id=chance.choice([None, "l1"]),
        ),
        lambda: c.CompensationGranted(
            **base,
            **person,
            role=chance.choice(["agent", "manager", "cleaner"]),
            compensation_id=some("k", 30),
            kind="credit",
            currency="USD",
            amount_minor=chance.randrange(6_000),
        ),
        lambda: c.CompensationReviewed(
            **base,
            author_id="bea",
            reason="sorry",
            role=chance.choice(["agent", "manager", "administrator"]),
            compensation_id=some("k", 30),
            verdict=chance.choice(["approved", "refused"]),
        ),
        lambda: c.PointsAdjusted(
            **base,
            **person,
            role=chance.choice(["agent", "manager"]),
            adjustment_id=some("a", 20),
            points=chance.randrange(-300, 300),
        ),
        lambda: e.RewardRequested(**base, request_id=some("q", 20), reward_id=chance.choice(["cup", "tote-bag"])),
        lambda: e.RewardFulfilled(**base, request_id=some("q", 20)),
        lambda: e.RewardCancelled(**base, request_id=some("q", 20)),
        lambda: e.StatusReported(
            **base,
            system=chance.choice(["crm", "orders", "warehouse"]),
            tier=chance.choice([None, "gold", "platinum"]),
            seen_sequence=chance.choice([None, 1, 5]),
        ),
        lambda: e.IdsLinked(**base, other_customer_id=chance.choice(IDS)),
        lambda: e.IdsUnlinked(**base, other_customer_id=chance.choice(IDS)),
        lambda: e.ReturnRequested(**base, return_id=some("r", 20), order_id=order, lines=(e.ReturnLine("l1", 1),)),
        lambda: c.ReturnReviewed(
            **base, **person, role="manager", return_id=some("r", 20), order_id=order, verdict="approved"
        ),
        lambda: e.ContactOpened(**base, case_id=base["event_id"], channel="phone"),
        lambda: c.NoteAdded(**base, **person, role=chance.choice(["agent", "cleaner"]), kind="care"),
        lambda: e.CustomerVisited(**base, channel="web"),
        lambda: e.SurveyAnswered(**base, survey_id="s", question_id=some("q", 4), score=5),
    )


def about_rewards(chance: Random, base: dict[str, Any]) -> tuple[Callable[[], Any], ...]:
    """What may happen around the stock of two rewards; requests of several ids may have one name."""
    person = {"author_id": "mia", "reason": "goodwill"}
    request = f"{chance.choice([base['customer_id'], 'any'])}-{chance.randrange(4)}"
    reward = chance.choice(["gift-box", "gift-box", "signed-print"])
    stock = {
        "event_id": base["event_id"],
        "occurred_at": base["occurred_at"],
        "role": chance.choice(["warehouse", "agent"]),
    }
    return (
        lambda: c.PointsAdjusted(**base, **person, role="manager", adjustment_id=base["event_id"], points=2_000),
        lambda: e.RewardRequested(**base, request_id=request, reward_id=reward),
        lambda: e.RewardRequested(**base, request_id=request, reward_id=reward, quantity=2),
        lambda: e.RewardFulfilled(**base, request_id=request),
        lambda: e.RewardCancelled(**base, request_id=request),
        lambda: e.SubstituteAnswered(**base, request_id=request, verdict=chance.choice(["approved", "refused"])),
        lambda: RewardStocked(**stock, **person, reward_id=reward, units=chance.randrange(-1, 6)),
    )


def story(seed: int) -> list[Outgoing]:
    chance, told = Random(seed), list(history(seed, customers=8, events=120, days=DAYS))
    for number in range(EVENTS):
        at = BEGINS + chance.randrange(DAYS) * DAY + chance.randrange(DAY)
        base = {"event_id": f"x{seed}-{number}", "customer_id": chance.choice(IDS), "occurred_at": at}
        told.append(published(chance.choice(happenings(chance, base))(), at))
    chance = Random(f"rewards {seed}")
    for number in range(0 if seed in FOUND else EVENTS):
        # Within two months, so that requests, their ends and what is offered meet.
        at = BEGINS + chance.randrange(60 * DAY)
        base = {"event_id": f"y{seed}-{number}", "customer_id": chance.choice(IDS), "occurred_at": at}
        told.append(published(chance.choice(about_rewards(chance, base))(), at))
    return sorted(told, key=lambda each: each.timestamp or 0)


@cache
def told(seed: int) -> Driver:
    """To look at, not to change."""
    return ran(story(seed), partitions=1 + seed % 4, batch_size=(1_000, 7, 50)[seed % 3])


@STORY
def test_numbers_have_no_gaps_and_no_two_decisions_one_id_i_4_d7(seed: int) -> None:
    numbers, ids = defaultdict[str, list[int]](list), Counter[str]()
    for topic in PUBLISHED:
        for each in decoded(told(seed), topic):
            if isinstance(each, Decided):
                numbers[each.customer_id].append(each.sequence)
                ids[each.decision_id] += 1
    assert [each for each, times in ids.items() if times > 1] == []
    assert all(sorted(each) == list(range(1, len(each) + 1)) for each in numbers.values())
    assert len(ids) > 100


@STORY
def test_accounts_add_up_and_every_question_is_answered_r_pts_06_d6(seed: int) -> None:
    for partition, state in told(seed).customers.states.items():
        rows = Overlay(state.store)
        assert check_points(rows, partition).first == ""
        assert [key for key, row in rows.first(COMPENSATIONS, 1_000, above="") if row.state == "asked"] == []
        assert [key for key, row in rows.first(REQUESTS, 1_000, above="") if row.state == "asked"] == []


@STORY
def test_units_of_rewards_are_free_held_or_given_r_pts_05(seed: int) -> None:
    """Over all partitions: what a reward holds is what requests have, whatever ids are linked or went apart."""
    held, stocks = Counter[str](), dict[str, Stock]()
    for state in told(seed).customers.states.values():
        rows = Overlay(state.store)
        stocks |= {key[0].removeprefix(OPENING): row for key, row in rows.first(STOCKS, 1_000, above="")}
        for _, row in rows.first(REQUESTS, 1_000, above=""):
            held[row.reward_id] += row.quantity if row.has_units else 0
    moved = Counter[str]()
    for each in decoded(told(seed), "rewards"):
        if isinstance(each, RewardStockMoved):
            moved[each.reward_id] += {"added": each.units, "removed": -each.units}.get(each.change, 0)
    assert {name: row.held for name, row in stocks.items() if row.held} == dict(+held)
    assert all(row.free >= 0 and moved[name] == row.free + row.held + row.given for name, row in stocks.items())


def test_bytes_do_not_depend_on_the_hash_seed_i_5() -> None:
    """An order that two ids know has its row from both: in story 142 what went wrong with it stood in the order of hashes."""
    code = "from tests.streams.test_stories import *; print(fingerprint(told(142)))"
    found = {
        subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }  # fmt: skip
    assert found == {f"{fingerprint(told(142))}\n"}
