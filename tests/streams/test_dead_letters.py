"""Dead letters on a real broker: looked at, sent again, and counted once (D14, I-1)."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from schemas import events as e
from schemas.codec import encode
from streams.records import REDRIVEN, Outgoing, parse_origin
from tests.streams.commands import Answer, Caller
from tests.streams.history import DAY, placed
from tests.streams.systems import System


@pytest.fixture(scope="module")
def system(bootstrap: str, tmp_path_factory: pytest.TempPathFactory) -> System:
    """Give a system with three dead letters: two orders whose records were stamped too early, and one of garbage."""
    system = System(bootstrap, tmp_path_factory.mktemp("dead"), tick_every_s="0.5", tick_idle_s="0.5")
    system.publish([too_early("ada", 1_000, "o1"), too_early("bob", 2_000, "o2")])
    system.publish([Outgoing("orders", b"key", b"garbage"), stamped("ada", 5_000, "o3", now())])
    with system.working():
        system.wait_until_idle()
    return system


def now() -> int:
    return int(time.time() * 1000)


def stamped(customer: str, goods: int, order: str, stamp: int) -> Outgoing:
    return Outgoing("orders", customer.encode(), encode(event(customer, goods, order)), None, stamp)


def event(customer: str, goods: int, order: str) -> e.OrderPlaced:
    return placed(customer, now() - DAY, goods, order)


def too_early(customer: str, goods: int, order: str) -> Outgoing:
    """Its event is ahead of its record's stamp, as no event can be."""
    return stamped(customer, goods, order, now() - 9 * DAY)


def listed(called: Caller, *words: str) -> list[dict[str, Any]]:
    answer = called("dead-letters", "list", "--json", *words)
    assert answer.code == 0, answer.err
    return [json.loads(line) for line in answer.out.splitlines()]


def redrive(called: Caller, *words: str) -> Answer:
    return called("dead-letters", "redrive", "--because", "ticket 4711", *words)


def values(system: System) -> dict[str, int]:
    return {profile.customer_id: profile.lifetime_value_minor for profile in system.contents("customer-profiles")}


def test_the_list_shows_each_with_origin_and_reason_and_counts_them(called: Caller) -> None:
    assert {(each["reason"], each["origin"].partition("/")[0]) for each in listed(called)} == {
        ("implausible_date", "orders"),
        ("undecodable", "orders"),
    }
    assert [each["reason"] for each in listed(called, "--reason", "undecodable")] == ["undecodable"]
    assert listed(called, "--topic", "support") == []
    told = called("dead-letters", "list", "--last", "1").out
    assert "2 implausible_date" in told
    assert "3 in all" in told


def test_one_is_shown_with_its_bytes_and_whether_it_may_succeed_now(called: Caller) -> None:
    (bad,) = listed(called, "--reason", "undecodable")
    shown = json.loads(called("dead-letters", "show", *bad["place"].split("/")).out)
    assert shown["key"] == "key"
    assert shown["raw"] == "Z2FyYmFnZQ=="
    assert "in vain: it is undecodable still" in shown["redrive"]
    good = next(each for each in listed(called) if each["reason"] == "implausible_date")
    shown = json.loads(called("dead-letters", "show", *good["place"].split("/")).out)
    assert shown["record"]["order_id"] in {"o1", "o2"}
    assert shown["redrive"] == "may succeed"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("redrive", "--because", "x"), "name one dead letter"),
        (("redrive", "0", "--because", "x"), "name one dead letter"),
        (("redrive", "0", "1", "--all", "--because", "x"), "name one dead letter"),
        (("redrive", "--all", "--because", "x", "--per-second", "0"), "above 0"),
        (("redrive", "0", "4711", "--because", "x"), "no dead letter at 0/4711"),
        (("show", "1", "4711"), "no dead letter at 1/4711"),
    ],
)
def test_a_call_that_names_nothing_sends_nothing(
    system: System, called: Caller, words: tuple[str, ...], said: str
) -> None:
    before = system.records("redrives")
    answer = called("dead-letters", *words)
    assert answer.code == 2
    assert said in answer.err
    assert system.records("redrives") == before


def test_sent_again_they_go_the_normal_way_once(system: System, called: Caller) -> None:
    dry = redrive(called, "--all", "--dry-run")
    assert (dry.code, system.records("redrives")) == (1, [])
    assert "2 of 3 would be sent again" in dry.out
    first = next(each["place"] for each in listed(called) if each["reason"] == "implausible_date")
    assert redrive(called, *first.split("/"), "--by", "grace").code == 0
    rest = redrive(called, "--all", "--by", "grace", "--per-second", "5")
    assert rest.code == 1, "two are left where they are"
    assert "1 of 3 were sent again" in rest.out
    assert "1 left: was sent again before" in rest.out
    assert "1 left: it is undecodable still" in rest.out
    headers = [dict(record.headers) for record in system.records("redrives")]
    assert [(each["redriven-by"], each["redriven-because"]) for each in headers] == [(b"grace", b"ticket 4711")] * 2
    origins = [parse_origin(each[REDRIVEN]) for each in headers]
    assert {f"{partition}/{offset}" for _, partition, offset in origins} == {
        each["place"] for each in listed(called) if each["sent_again"]
    }
    # Once more, on purpose, and once more from upstream: the event is the same, so it counts once.
    assert redrive(called, "--reason", "implausible_date", "--again").code == 0
    system.publish([Outgoing("orders", r.key, r.value) for r in system.records("orders") if b"o1" in (r.value or b"")])
    with system.working():
        system.wait_until_idle()
    assert values(system) == {"ada": 6_000, "bob": 2_000}
    assert len(listed(called)) == 3
    assert called("verify", "--json").code == 0


def test_garbage_sent_again_by_hand_is_a_dead_letter_of_the_dead_letter(
    bootstrap: str, laurel: Caller, tmp_path: Path
) -> None:
    """Whoever writes to `redrives` without this command: nothing is lost then either."""
    system = System(bootstrap, tmp_path)
    system.write([Outgoing("redrives", b"k", b"garbage", None, None, [(REDRIVEN, b"dead-letters/0/7")])])
    with system.working():
        system.wait_until_idle()
    (again,) = listed(laurel.given(**system.given))
    assert (again["origin"].partition("/")[0], again["redriven_from"]) == ("redrives", "dead-letters/0/7")
