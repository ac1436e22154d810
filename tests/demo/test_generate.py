"""The demo's generator: the same bytes every time, the real and the invented apart, poison of every kind."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from deploy.demo import generate, history
from deploy.demo.synthetic import Rates
from tests.demo.shop import EVENTFUL, Shop, demo_policy, engine, lines, policy_of

HISTORY = "".join(
    f"{customer:05d} 1997{month:02d}{1 + (customer * month) % 28:02d} {1 + customer % 4} {customer * month}.{month:02d}\n"
    for customer in range(12)
    for month in range(1, 13)
)
POLICY = "deploy/demo/policy.yaml"
KINDS = {
    "undecodable",
    "empty",
    "unknown_schema",
    "wrong_topic",
    "invalid_amount",
    "unknown_currency",
    "implausible_date",
    "invalid_id",
}
"""What issue 3 asks to be refused, by the reason that the dead letters give."""


def _run(folder: Path, seed: int = 1, **environment: str) -> subprocess.CompletedProcess[str]:
    (folder.parent / "history.txt").write_text(HISTORY)
    call = [
        "--history",
        str(folder.parent / "history.txt"),
        "--policy",
        POLICY,
        "--into",
        str(folder),
        "--seed",
        str(seed),
    ]
    return subprocess.run(
        [sys.executable, "-m", "deploy.demo.generate", *call],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def _bytes(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_same_input_and_seed_same_bytes(tmp_path: Path) -> None:  # I-5
    _run(tmp_path / "a", TZ="Pacific/Kiritimati", PYTHONHASHSEED="1")
    _run(tmp_path / "b", TZ="America/Los_Angeles", PYTHONHASHSEED="2")
    assert _bytes(tmp_path / "a") == _bytes(tmp_path / "b")
    assert _run(tmp_path / "c", seed=2).returncode == 0
    assert _bytes(tmp_path / "c")["synthetic-seed-2.jsonl"] != _bytes(tmp_path / "a")["synthetic-seed-1.jsonl"]
    assert _bytes(tmp_path / "c")["history.jsonl"] == _bytes(tmp_path / "a")["history.jsonl"]


def test_it_says_what_is_synthetic_in_its_first_line_and_in_the_files_name(tmp_path: Path) -> None:
    done = _run(tmp_path / "a")
    assert done.stdout.startswith("SYNTHETIC: ")
    events = {"history.jsonl", "synthetic-seed-1.jsonl", "events.jsonl"}
    assert events | {"policy.json", "generated.json"} == set(_bytes(tmp_path / "a"))


def test_a_wrong_line_ends_it_with_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "wrong.txt").write_text("anna 19970112 1 12.00\nanna 1997 1 12.00\n")
    call = ["--history", str(tmp_path / "wrong.txt"), "--policy", POLICY, "--into", str(tmp_path / "out")]
    done = subprocess.run(
        [sys.executable, "-m", "deploy.demo.generate", *call], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.strip().endswith(
        "found the date '1997'; expected a day between 1990-01-01 and 2100-01-01 as YYYYMMDD"
    )
    assert not (tmp_path / "out").exists()


@pytest.fixture
def purchases(tmp_path: Path) -> list[history.Purchase]:
    (tmp_path / "history.txt").write_text(HISTORY)
    return history.read(tmp_path / "history.txt")


def test_the_real_file_holds_the_history_and_nothing_else(purchases: list[history.Purchase]) -> None:
    real, _, _ = generate.generate(purchases, policy_of(demo_policy()), 1)
    assert [event["occurred_at"] for event in real] == sorted(event["occurred_at"] for event in real)
    assert {event["type"] for event in real} == {"OrderPlaced"}
    assert len({event["order_id"] for event in real}) == len(purchases)
    total = sum(line["goods_minor"] for event in real for line in event["lines"])
    assert total == sum(purchase.amount_minor for purchase in purchases)


def test_every_type_of_event_is_invented(purchases: list[history.Purchase]) -> None:
    _, invented, _ = generate.generate(purchases, policy_of(demo_policy()), 1, EVENTFUL)
    assert {event["type"] for event in invented if "type" in event} == {
        "OrderPlaced",
        "OrderDelivered",
        "OrderCancelled",
        "OrderRefunded",
        "ReturnRequested",
        "CustomerRegistered",
        "ContactOpened",
    }


def test_poison_of_every_kind_is_refused_for_its_reason_and_nothing_else_is(tmp_path: Path) -> None:
    shop = Shop(tmp_path, HISTORY, demo_policy())
    expected = Counter(event["refused_as"] for event in shop.synthetic if "refused_as" in event)
    assert set(expected) == KINDS
    assert Counter(line["reason"] for line in lines("dead-letters", shop.driver)) == expected
    assert not lines("quarantined", shop.driver)


def test_a_history_with_long_silences_may_jump_over_them(tmp_path: Path) -> None:  # T-19
    (tmp_path / "history.txt").write_text("anna 19970101 1 10.00\nanna 19970801 1 10.00\n")
    quiet = Rates(*(0.0 for _ in Rates._fields))
    real, invented, jump_days = generate.generate(
        history.read(tmp_path / "history.txt"), policy_of(demo_policy()), 1, quiet
    )
    assert jump_days == 31 + 28 + 31 + 30 + 31 + 30 + 31  # less the hour of daylight saving, and a day to be sure
    assert invented[-1]["order_id"] == "o-poison-ahead"
    assert invented[-1]["occurred_at"] > real[-1]["occurred_at"] + jump_days * 86_400_000


def test_lines_are_what_publish_takes(purchases: list[history.Purchase]) -> None:
    real, invented, _ = generate.generate(purchases, policy_of(demo_policy()), 1)
    events = list(generate.in_time(real, invented))
    assert [generate.stamp(event) for event in events] == sorted(map(generate.stamp, events))
    driver = engine(json.loads(json.dumps(events)), demo_policy())
    taken = sum(
        not line["headers"]["origin"].startswith("messages/") for line in lines("timeline", driver) if "headers" in line
    ) + len(lines("dead-letters", driver))
    assert taken == len(events)
