"""The recount: independent of laurel, equal to it where it is right, and different where it was tampered with."""

import ast
import json
import subprocess
import sys
from collections.abc import Callable
from copy import deepcopy
from datetime import date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.demo import recount
from deploy.demo.synthetic import Dice
from tests.demo.shop import Document, Shop, demo_policy

RECOUNT = Path(recount.__file__)
ZONE = ZoneInfo("America/New_York")


def test_it_imports_the_standard_library_and_nothing_else() -> None:  # issue 3: importing nothing of ours
    tree = ast.parse(RECOUNT.read_text(encoding="utf-8"))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "." * node.level for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in imported} <= sys.stdlib_module_names
    assert not {"importlib", "runpy", "subprocess"} & imported
    assert not {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} & {"__import__", "eval", "exec"}


def test_it_runs_where_nothing_else_is_installed() -> None:
    done = subprocess.run([sys.executable, "-I", "-S", str(RECOUNT), "--help"], capture_output=True, check=False)
    assert done.returncode == 0


# --- against the engine ---------------------------------------------------------------------------------------------


@st.composite
def histories(draw: st.DrawFn) -> str:
    """Some customers' purchases, in any order; many on one day, some lines twice. Their content is one number's doing:
    drawn one by one, they would be few and alike."""
    dice = Dice(str(draw(st.integers(0, 10**9))))
    first = date(1996, 1, 1) + timedelta(days=dice.between(0, 900))
    lines = [
        f"{dice.between(1, 5)} {first + timedelta(days=dice.between(0, 250)):%Y%m%d} {dice.between(1, 4)} "
        f"{dice.between(0, 150)}.{dice.between(0, 9)}\n"
        for _ in range(draw(st.integers(1, 50)))
    ]
    return "".join(line * (1 + dice.falls(0.1)) for line in lines)


@st.composite
def policies(draw: st.DrawFn) -> Document:
    """The demo's, with so many tiers that customers keep crossing their floors, and grace that some of them outlast."""
    document = demo_policy()
    dice = Dice(str(draw(st.integers(0, 10**9))))
    names = [tier["name"] for tier in document["tiers"]] + [
        f"tier-{number}" for number in range(draw(st.integers(0, 9)))
    ]
    floors = sorted(dice.between(0, 50_000) for _ in names)
    zones = ("America/New_York", "UTC", "Pacific/Auckland", "America/Sao_Paulo")
    return document | {
        "tiers": [
            {"name": name, "label": name, "lifetime_value_minor": floor, "tenure_months": dice.between(0, 4)}
            for name, floor in zip(names, floors, strict=True)
        ],
        "grace_days": dice.between(0, 60),
        "time_zone": dice.one_of(zones),
        "missing_day": dice.one_of(("last_of_month", "first_of_next")),
    }


@given(text=histories(), document=policies(), seed=st.integers(0, 1000))
@settings(max_examples=40, deadline=None)
def test_it_counts_what_the_engine_counts(text: str, document: Document, seed: int) -> None:  # C-07, T-03..T-17, D4
    with TemporaryDirectory() as folder:
        found = recount.result(Shop(Path(folder), text, document, seed).call())
    assert found["mismatches"] == []
    assert found["equal"]


# --- against tampering -----------------------------------------------------------------------------------------------

HISTORY = "".join(
    f"{customer:05d} 1997{month:02d}{10 + customer} 2 {20 * customer}.99\n"
    for month in range(1, 13)
    for customer in range(5)
)


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return Shop(tmp_path_factory.mktemp("shop"), HISTORY, demo_policy())


@pytest.fixture
def shop(untouched: Shop, tmp_path: Path) -> Shop:
    """The shop's files, to be tampered with."""
    shop = deepcopy(untouched)
    shop.folder = tmp_path
    for file in untouched.folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    return shop


def _profiles(shop: Shop, change: Callable[[dict[str, Any]], None]) -> str:
    """Change the last profile of somebody with a tier; who that is."""
    content = shop.read("customer-profiles")
    line = next(line for line in reversed(content) if line["record"]["tier"])
    change(line["record"])
    shop.write("customer-profiles", content)
    return str(line["record"]["customer_id"])


def test_an_honest_run_is_equal(shop: Shop) -> None:
    found = recount.result(shop.call())
    assert found["equal"]
    assert found["gross_order_value_minor"] == 12 * (99 + 2099 + 4099 + 6099 + 8099)
    assert 0 < found["net_lifetime_value_minor"] < found["gross_order_value_minor"]  # T-03
    assert len(found["tiers"]) > 1


@pytest.mark.parametrize(
    "change",
    [
        lambda profile: profile.update(lifetime_value_minor=profile["lifetime_value_minor"] + 1),
        lambda profile: profile.update(orders=profile["orders"] - 1),
        lambda profile: profile.update(tier=None),
        lambda profile: profile.update(tier="bronze"),
    ],
    ids=["a cent", "an order", "no tier", "another tier"],
)
def test_a_profile_that_was_tampered_with_is_found(shop: Shop, change: Callable[[dict[str, Any]], None]) -> None:
    customer = _profiles(shop, change)
    found = recount.result(shop.call())
    assert not found["equal"]
    assert [mismatch["customer_id"] for mismatch in found["mismatches"]] == [customer]


def test_a_customer_who_is_missing_and_one_too_many_are_found(shop: Shop) -> None:
    content = shop.read("customer-profiles")
    missing = content[0]["record"]["customer_id"]
    stranger = content[-1] | {"record": content[-1]["record"] | {"customer_id": "c-stranger"}}
    shop.write("customer-profiles", [line for line in content if line["record"]["customer_id"] != missing] + [stranger])
    found = recount.result(shop.call())
    assert {m["customer_id"]: (m["recounted"] is None, m["profile"] is None) for m in found["mismatches"]} == {
        missing: (False, True),
        "c-stranger": (True, False),
    }


def test_an_older_profile_left_last_is_found(shop: Shop) -> None:
    content = shop.read("customer-profiles")
    customer = content[-1]["record"]["customer_id"]
    oldest = next(line for line in content if line["record"]["customer_id"] == customer)
    shop.write("customer-profiles", [*content, oldest])
    assert recount.result(shop.call())["differences"] == 1


def test_a_tick_that_is_missing_and_one_that_lies_are_found(shop: Shop) -> None:  # D4
    content = shop.read("timeline")
    ticks = [line for line in content if line["record"]["type"] == "ClockTicked"]
    shop.write("timeline", [line for line in content if line is not ticks[-1]])
    assert recount.result(shop.call())["mismatches"][0]["ticks_of_partition"] == ticks[-1]["partition"]
    ticks[3]["record"]["at"] += 1
    shop.write("timeline", content)
    assert recount.result(shop.call())["mismatches"][0]["ticks_of_partition"] == ticks[3]["partition"]
    shop.write("timeline", [])
    assert not recount.result(shop.call())["equal"]


def test_a_dead_letter_too_few_or_for_another_reason_is_found(shop: Shop) -> None:
    content = shop.read("dead-letters")
    shop.write("dead-letters", content[1:])
    assert recount.result(shop.call())["mismatches"][0]["dead_letters"] == content[0]["reason"]


def test_its_exit_code_says_whether_all_is_equal(shop: Shop) -> None:
    call = [f"--{name.replace('_', '-')}={value}" for name, value in vars(shop.call()).items()]
    command = [sys.executable, "-I", "-S", str(RECOUNT), *call]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, json.loads(done.stdout)["equal"]) == (0, True), done.stderr
    _profiles(shop, lambda profile: profile.update(orders=99))
    assert subprocess.run(command, capture_output=True, check=False).returncode == 1
    (shop.folder / "synthetic.jsonl").write_text(
        '{"type": "OrderMoved", "customer_id": "c", "occurred_at": 852100000000}'
    )
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "no rule for OrderMoved" in done.stderr


# --- its own rules, with numbers worked out by hand -------------------------------------------------------------------


RULES = demo_policy() | {
    "tiers": [{"name": "gold", "label": "Gold", "lifetime_value_minor": 20_000, "tenure_months": 6}],
    "grace_days": 30,
}


def _at(day: str, hour: int = 12) -> int:
    return int(datetime.fromisoformat(day).replace(hour=hour, tzinfo=ZONE).timestamp()) * 1000


def _order(day: str, minor: int, order_id: str = "o-1") -> Document:
    lines = [{"goods_minor": minor}]
    return {"type": "OrderPlaced", "customer_id": "c", "occurred_at": _at(day), "order_id": order_id, "lines": lines}


def _refund(day: str, minor: int, order_id: str = "o-1", refund_id: str = "f-1", hour: int = 13) -> Document:
    fields = {"order_id": order_id, "refund_id": refund_id, "goods_minor": minor}
    return {"type": "OrderRefunded", "customer_id": "c", "occurred_at": _at(day, hour)} | fields


def _until(day: str) -> Document:
    return {"type": "ContactOpened", "customer_id": "somebody else", "occurred_at": _at(day)}


def _counted(*events: Document) -> tuple[int, int, str | None]:
    customers, _, _ = recount.recount(events, RULES, 10_000)
    return tuple(customers["c"].values())


def test_a_tier_needs_value_and_tenure_and_comes_by_time_alone() -> None:  # C-02, T-06, T-11
    assert _counted(_order("1997-01-15", 20_000), _until("1997-07-14")) == (20_000, 1, None)
    assert _counted(_order("1997-01-15", 20_000), _until("1997-07-15")) == (20_000, 1, "gold")
    assert _counted(_order("1997-01-15", 19_999), _until("1997-07-15")) == (19_999, 1, None)


def test_who_falls_keeps_the_tier_for_the_days_of_grace() -> None:  # C-07
    past = (_order("1997-01-15", 20_000), _refund("1997-08-01", 1))
    assert _counted(*past, _until("1997-08-31")) == (19_999, 1, "gold")  # 30 whole days after the day of the drop
    assert _counted(*past, _until("1997-09-01")) == (19_999, 1, None)
    assert _counted(*past, _order("1997-08-31", 1, "o-2"), _until("1997-12-01")) == (20_000, 2, "gold")  # T-12
    assert _counted(*past, _order("1997-09-01", 1, "o-2"), _until("1997-12-01")) == (20_000, 2, "gold")  # anew


def test_a_further_drop_does_not_prolong_the_grace() -> None:  # C-07
    past = (_order("1997-01-15", 20_000), _refund("1997-08-01", 1), _refund("1997-08-20", 1, refund_id="f-2"))
    assert _counted(*past, _until("1997-09-01")) == (19_998, 1, None)


def test_a_recovery_ends_the_grace_and_the_next_drop_has_its_own() -> None:  # C-07, T-12
    past = (_order("1997-01-15", 20_000), _refund("1997-08-01", 1), _order("1997-08-10", 1, "o-2"))
    again = _refund("1997-08-20", 1, refund_id="f-2")
    assert _counted(*past, again, _until("1997-09-19")) == (19_999, 2, "gold")
    assert _counted(*past, again, _until("1997-09-20")) == (19_999, 2, None)


def test_reversals_never_exceed_the_order_and_count_once() -> None:  # T-04, T-15
    cancelled = {"type": "OrderCancelled", "customer_id": "c", "occurred_at": _at("1997-02-03"), "order_id": "o-1"}
    twice = (_refund("1997-02-01", 300), _refund("1997-02-02", 300))
    assert _counted(_order("1997-01-15", 1_000), *twice) == (700, 1, None)
    assert _counted(_order("1997-01-15", 1_000), _refund("1997-02-01", 1_001)) == (0, 1, None)
    assert _counted(_order("1997-01-15", 1_000), *twice, cancelled) == (0, 0, None)
    assert _counted(_order("1997-01-15", 1_000), _order("1997-01-15", 1_000)) == (1_000, 1, None)


def test_a_reversal_waits_for_its_order() -> None:  # T-17
    assert _counted(_refund("1997-01-15", 400, hour=11)) == (0, 0, None)
    assert _counted(_refund("1997-01-15", 400, hour=11), _order("1997-01-15", 1_000)) == (600, 1, None)


@pytest.mark.parametrize(
    ("rule", "months", "day"),
    [
        ("last_of_month", 1, "1997-02-28"),
        ("first_of_next", 1, "1997-03-01"),
        ("last_of_month", 13, "1998-02-28"),
        ("last_of_month", 37, "2000-02-29"),
        ("first_of_next", 5, "1997-07-01"),
        ("last_of_month", 12, "1998-01-31"),
    ],
)
def test_a_day_that_a_month_lacks(rule: str, months: int, day: str) -> None:  # T-08, T-09
    assert recount.months_after(date(1997, 1, 31), months, rule) == date.fromisoformat(day)


def test_time_ticks_at_midnights_and_before_what_is_an_hour_later() -> None:  # D4
    events = [{"occurred_at": _at("1997-04-05", hour)} for hour in (12, 13, 15)] + [
        {"occurred_at": _at("1997-04-07", 0)}
    ]
    _, ticks = recount.take(events, ZONE, 31)
    assert [datetime.fromtimestamp(at / 1000, ZONE).strftime("%d %H") for at in ticks] == [
        "05 12",
        "05 15",
        "06 00",
        "07 00",
    ]
    assert ticks[3] - ticks[2] == 23 * recount.HOUR_MS  # daylight saving began


def test_what_is_beyond_the_logs_reach_is_not_taken() -> None:  # T-19
    customers, _, beyond = recount.recount([_order("1997-01-15", 1), _order("1997-02-16", 1, "o-2")], demo_policy(), 31)
    assert (customers["c"]["orders"], beyond) == (1, 1)
