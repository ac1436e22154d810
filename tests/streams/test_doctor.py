"""`laurel doctor`: each line says how it is, what was found, and what to do."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

from deploy.broker.local import free_port
from schemas.topics import TOPICS
from streams import clock, doctor
from streams.doctor import Finding
from streams.kafka import admin
from tests.streams.commands import Caller
from tests.streams.systems import System

HOUR_MS = 3_600_000


@pytest.fixture(scope="module")
def system(bootstrap: str, tmp_path_factory: pytest.TempPathFactory) -> System:
    """Give topics that are as they should be."""
    return System(bootstrap, tmp_path_factory.mktemp("examined"))


def examined(called: Caller, code: int) -> dict[str, Finding]:
    answer = called("doctor", "--json")
    assert answer.code == code, answer.out + answer.err
    return {found["about"]: Finding(**found) for found in map(json.loads, answer.out.splitlines())}


def test_a_healthy_system_has_a_line_for_each_thing(called: Caller) -> None:
    found = examined(called, 0)
    verdicts = {about: each.verdict for about, each in found.items()}
    one_broker = {"copies": "weak"}
    assert (
        verdicts
        == dict.fromkeys(
            ("broker", "topics", "retention", "copies", "rights", "broker settings", "clock", "disk"), "ok"
        )
        | one_broker
    )
    assert f"{len(TOPICS)} topics" in found["rights"].found
    assert "laurel topics create --replicas 3" in found["copies"].do
    drawn = called("doctor")
    assert drawn.code == 0
    for about in verdicts:
        assert about in drawn.out


@contextmanager
def kept(system: System, topic: str, for_ms: str) -> Iterator[None]:
    """A topic's records go after so long."""

    def keep(value: str) -> None:
        entry = ConfigEntry("retention.ms", value, incremental_operation=AlterConfigOpType.SET)
        resource = ConfigResource(ResourceType.TOPIC, system.settings.topic(topic), incremental_configs=[entry])
        asking = admin(system.settings)
        for future in asking.incremental_alter_configs([resource]).values():
            future.result()

    keep(for_ms)
    try:
        yield
    finally:
        keep("-1")


def test_a_source_that_forgets_within_a_week_is_weak(system: System, called: Caller) -> None:
    with kept(system, "returns", "172800000"):
        found = examined(called, 0)
    assert "retention" not in found
    assert found["retention of returns"].verdict == "weak"
    assert "after 2.0 days" in found["retention of returns"].found
    assert system.settings.topic("returns") in found["retention of returns"].do
    assert "for ever" in examined(called, 0)["retention"].found


def test_a_local_copy_may_not_be_older_than_half_of_what_tombstones_are_kept(called: Caller) -> None:
    assert examined(called.given(max_copy_age_s="302400"), 0)["retention"].verdict == "ok"
    found = examined(called.given(max_copy_age_s="302401"), 1)["retention"]
    assert found.verdict == "wrong"
    assert "LAUREL_MAX_COPY_AGE_S must be at most 302400" in found.do


def test_a_topic_that_forgets_is_wrong_with_what_would_be_right(system: System, called: Caller) -> None:
    with kept(system, "timeline", "604800000"):
        found = examined(called, 1)["topic timeline"]
    assert found.verdict == "wrong"
    assert "retention.ms is 604800000; it must be -1" in found.found
    assert found.do


def test_before_topics_are_created_they_are_what_is_wrong(system: System, called: Caller) -> None:
    found = examined(called.given(namespace="nobody-"), 1)
    assert {about for about, each in found.items() if each.verdict == "wrong"} == {
        f"topic {topic.name}" for topic in TOPICS
    }


@pytest.mark.parametrize(
    ("name", "value", "setting"),
    [
        ("session_timeout_ms", "1", "group.min.session.timeout.ms"),
        ("session_timeout_ms", "99999999", "group.max.session.timeout.ms"),
        ("transaction_timeout_ms", "99999999", "transaction.max.timeout.ms"),
    ],
)
def test_a_setting_that_the_broker_would_refuse_is_found_first(
    called: Caller, name: str, value: str, setting: str
) -> None:
    wrong = [each for each in examined(called.given(**{name: value}), 1).values() if each.verdict == "wrong"]
    assert len(wrong) == 1
    assert wrong[0].about.startswith("broker ")
    assert wrong[0].found.startswith(f"{setting} is ")
    assert value in wrong[0].do


@pytest.mark.parametrize("ahead_ms", [-HOUR_MS, HOUR_MS])
def test_a_clock_that_is_off_is_told_with_its_sign(
    called: Caller, monkeypatch: pytest.MonkeyPatch, ahead_ms: int
) -> None:
    monkeypatch.setattr(doctor, "now_ms", lambda: clock.now_ms() + ahead_ms)
    found = examined(called, 1)["clock"]
    assert found.verdict == "wrong"
    assert found.found.startswith(f"{'+' if ahead_ms > 0 else '-'}3")


def test_the_entry_that_measured_the_clock_is_nobody_s(system: System, called: Caller) -> None:
    examined(called, 0)
    assert {record.value for record in system.records("workers") if (record.key or b"").startswith(b"doctor-")} == {
        None
    }


def test_a_disk_that_cannot_be_written_to(called: Caller, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    found = examined(called.given(data_dir=str(tmp_path / "file" / "data")), 1)["disk"]
    assert (found.verdict, "cannot be written to" in found.found) == ("wrong", True)


def test_without_a_broker_it_is_exit_code_3_and_the_disk_is_looked_at_all_the_same(laurel: Caller) -> None:
    address = f"127.0.0.1:{free_port()}"
    found = examined(laurel.given(bootstrap=address), 3)
    assert {about: each.verdict for about, each in found.items()} == {"broker": "wrong", "disk": "ok"}
    assert address in found["broker"].found
    assert "LAUREL_BOOTSTRAP" in found["broker"].do
