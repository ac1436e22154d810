"""Publishing and withdrawing policies, on a real broker: what people are told, and what becomes of it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from schemas.codec import decode, encode
from schemas.decisions import Quarantined
from schemas.directives import PolicyPublished
from schemas.events import PolicyActivated
from streams import programme
from streams.clock import now_ms
from tests.streams.commands import Answer, Caller
from tests.streams.history import DAY, placed, policy, published, registered
from tests.streams.systems import PARTITIONS, System

WHO = ("--author", "p-1", "--role", "administrator", "--reason", "yearly_review")
CUSTOMERS = [f"c{n}" for n in range(30)]


@pytest.fixture(scope="module")
def system(bootstrap: str, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Give a system at work whose customers would all be Platinum at half the price."""
    system = System(bootstrap, tmp_path_factory.mktemp("programme"), tick_every_s=0.5, tick_idle_s=0.5)
    now = now_ms()
    joined = [registered(who, now - 4_000 * DAY, f"joined-{who}") for who in CUSTOMERS]
    bought = [placed(who, now - DAY, 150_000, f"o{n}") for n, who in enumerate(CUSTOMERS)]
    system.publish(map(published, [*joined, *bought]))
    with system.working():
        system.wait_until_idle()
        yield system


def file(folder: Path, version: str, factor: float = 0.5, **changes: Any) -> str:
    path = folder / f"{version}.yaml"
    path.write_text(policy(version, factor, **changes))  # JSON is YAML
    return str(path)


def history(called: Caller) -> dict[str, dict[str, Any]]:
    answer = called("policy", "history", "--json")
    return {each["version"]: each for each in map(json.loads, answer.out.splitlines())}


def words(answer: Answer) -> str:
    return " ".join(re.sub("[│┃]", " ", answer.out + answer.err).split())


def test_a_version_is_published_and_in_force_everywhere_and_everybody_is_compared(
    system: System, called: Caller, tmp_path: Path
) -> None:
    path = file(tmp_path, "half")
    tried = called("policy", "publish", path, *WHO, "--dry-run")
    assert tried.code == 0
    assert "tiers.gold.lifetime_value_minor 100000 50000" in words(tried)
    assert "would be in force at once; nothing was published" in tried.out
    assert system.records("operations") == []
    done = called("policy", "publish", path, *WHO, "--wait")
    assert done.code == 0, done.err
    assert "in force everywhere" in done.out
    system.wait_until_idle()
    (command,) = system.contents("operations")
    activated = [each for each in system.contents("timeline") if isinstance(each, PolicyActivated)]
    assert len({each.activation_id for each in activated[-1:]}) == 1
    half = [each for each in activated if each.version == "half"]
    assert len(half) == PARTITIONS
    risen = [each for each in system.contents("tier-changes") if each.cause == f"activation/{half[0].activation_id}"]
    assert sorted(each.customer_id for each in risen) == sorted(CUSTOMERS)
    assert {(each.to_tier, each.policy_version) for each in risen} == {("platinum", "half")}
    told = history(called)["half"]
    assert (told["state"], told["in_force"], told["approved_by"]) == (
        "effective", PARTITIONS, f"operations/{command.event_id}",
    )  # fmt: skip
    assert f"in force on {PARTITIONS} of {PARTITIONS}" in called("policy", "history").out
    # What people ask of it afterwards
    why = called("why", "c3")
    assert "c3 has Platinum" in why.out
    said = called("explain", risen[0].decision_id, "--for", "auditor").out
    assert "policy half, which came into force for everybody" in said
    traced = [json.loads(line) for line in called("trace", command.event_id, "--json").out.splitlines()]
    assert [each["what"] for each in traced] == ["taken"] + ["activated"] * PARTITIONS


def test_a_version_for_later_is_withdrawn(system: System, called: Caller, tmp_path: Path) -> None:
    assert called("policy", "publish", file(tmp_path, "later"), *WHO, "--effective-from", "2098-01-01").code == 0
    system.wait_until_idle()
    told = history(called)["later"]
    assert (told["state"], told["effective_from"]) == ("approved", "2098-01-01T00:00:00.000+00:00")
    clash = called("policy", "publish", file(tmp_path, "clash"), *WHO, "--effective-from", "2098-01-01")
    assert (
        clash.code,
        "instant_taken: found effective_at 2098-01-01 00:00:00 UTC, for which later" in words(clash),
    ) == (2, True)
    done = called("policy", "withdraw", "later", *WHO, "--wait")
    assert (done.code, "done" in done.out) == (0, True)
    told = history(called)["later"]
    assert (told["state"], bool(told["withdrawn_by"]), told["partitions"]) == ("withdrawn", True, 0)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("withdraw", "nobody"), "unknown_version"),
        (("withdraw", "default-1", "--role", "manager"), "not_permitted: found the role manager"),
        (("withdraw", "default-1", "--author", "#1"), "invalid_id"),
        (("publish", "{wrong}"), "allowed is Expected `int` >= 0"),
        (("publish", "{reused}"), "another document"),
        (("publish", "{good}", "--effective-from", "2020-01-01"), "instant_passed"),
    ],
)
def test_what_would_be_refused_is_refused_before_it_is_published(
    system: System, called: Caller, tmp_path: Path, given: tuple[str, ...], said: str
) -> None:
    files = {
        "wrong": file(tmp_path, "wrong", grace_days=-1),
        "reused": file(tmp_path, "default-1", 0.7),
        "good": file(tmp_path, "good"),
    }
    before = len(system.records("operations"))
    answer = called(
        "policy",
        *(word.format(**files) for word in given),
        *(() if "--role" in given or "--author" in given else WHO),
        *(WHO[:2] + WHO[4:] if "--role" in given else ()),
        *(WHO[2:] if "--author" in given else ()),
    )
    assert answer.code == 2
    assert said in words(answer)
    assert len(system.records("operations")) == before


def test_what_nobody_checked_is_refused_by_the_fold_and_whoever_waits_is_told(system: System) -> None:
    about = {"event_id": "forged", "occurred_at": now_ms(), "author_id": "p", "role": "agent", "reason": "r"}
    command = PolicyPublished(**about, version="mine", document=policy("mine"))
    refused = programme.obeyed(system.settings, programme.send(system.settings, command))
    assert isinstance(refused, Quarantined)
    assert refused.reason == "not_permitted"
    assert decode(refused.record) == command
    assert refused.record == encode(command)


def test_after_all_of_that_everything_is_as_the_timeline_says(system: System, called: Caller) -> None:
    system.wait_until_idle()
    answer = called("verify", "--json")
    assert answer.code == 0, answer.out
