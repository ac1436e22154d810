"""What a person said is sealed, and gone with its keys: from every topic, disk and snapshot of a real broker (T-46, D11)."""

import base64
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from deploy.broker import local, runs
from schemas import commands as c
from schemas import events as e
from schemas.codec import MARKER, encode, to_json
from schemas.examples import example
from schemas.sealing import Key, key_id
from schemas.source import CustomerEvent
from schemas.topics import TOPICS
from streams import dead_letters
from streams.clock import now_ms
from streams.day_keys import DAYS_KEPT, DayKeys
from streams.keychain import day_of
from streams.keys import Keyring
from streams.records import Outgoing, parse_origin
from tests.streams import systems
from tests.streams.commands import Caller
from tests.streams.history import DAY, ms, placed, registered
from tests.streams.systems import System

BOUGHT = ms("2026-01-05")
ADA = {
    "note": "ADA-NOTE: she is expecting twins",
    "answer": "ADA-ANSWER: the courier was rude to my mother",
    "dispute": "ADA-DISPUTE: I never wore it, ask my doctor",
    "spoilt": "ADA-SPOILT: no Avro at all, but her address",
    "currency": "ADA-CURRENCY: written into the wrong field",
}
BOB = "BOB-NOTE: is allergic to nuts"
CARL = "CARL-SPOILT: somebody who never said anything else"


def event(kind: type[CustomerEvent], customer: str, number: int, **fields: Any) -> dict[str, Any]:
    """An example as a line, without what it has sealed already."""
    line = to_json(example(kind))
    told = {"event_id": f"e-{customer}-{number}", "customer_id": customer, "occurred_at": BOUGHT + number * DAY}
    return {name: value for name, value in line.items() if not name.endswith("_sealed")} | told | fields


def raw(customer: str, value: bytes) -> dict[str, Any]:
    return {"topic": "orders", "key": customer, "raw": base64.b64encode(value).decode(), "timestamp": BOUGHT + 9 * DAY}


def story() -> Iterator[dict[str, Any]]:
    for n, who in enumerate(("ada", "bob", "carl")):
        yield to_json(registered(who, ms("2022-01-01"), f"e-{who}"))
        yield to_json(placed(who, BOUGHT, 150_000 + n, f"o-{who}"))
    yield event(c.NoteAdded, "ada", 1, note=ADA["note"])
    yield event(e.SurveyAnswered, "ada", 2, answer=ADA["answer"])
    yield event(e.ReturnDisputed, "ada", 3, note=ADA["dispute"])
    yield event(c.NoteAdded, "bob", 4, note=BOB)
    yield event(e.IdsLinked, "dora", 5, other_customer_id="ada")
    yield raw("ada", ADA["spoilt"].encode())
    yield event(e.OrderPlaced, "ada", 6, currency=ADA["currency"], unchecked=True)
    yield raw("carl", MARKER + CARL.encode())


@pytest.fixture(scope="module")
def cluster() -> Iterator[local.Cluster]:
    """Give a broker whose disk can be looked at, and which compacts in seconds instead of days."""
    with local.Cluster(runs.own_run() / "erasure-broker", settings={"log.cleaner.backoff.ms": "100"}) as cluster:
        yield cluster
        systems.clear()


@pytest.fixture(scope="module")
def system(cluster: local.Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Give a system with the story, whose worker runs."""
    system = System(cluster.bootstrap, tmp_path_factory.mktemp("erasure"), tick_every_s="0.5", tick_idle_s="0.5")
    file = system.folder / "events.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in story()))
    answer = system.laurel("publish", str(file))
    assert answer.code == 0, answer.err
    file.unlink()
    with system.working():
        system.wait_until_idle()
        yield system


def keys_of(system: System, *owners: str) -> list[Key]:
    with Keyring(system.settings) as ring:
        ring.refresh()
        return [key for owner in owners or ring.chain.days() for key in ring.chain.all_of(owner)]


def read(called: Caller, customer: str) -> dict[str, str]:
    """What `timeline --unseal` reads of a customer, by the event."""
    lines = map(json.loads, called("timeline", customer, "--unseal", "--json").out.splitlines())
    return {line["record"]["type"]: text for line in lines for text in line.get("unsealed", {}).values()}


def profiles(system: System) -> dict[str, Any]:
    return {each.customer_id: each for each in system.contents("customer-profiles")}


def letters(system: System) -> dict[bytes, dead_letters.DeadLetter]:
    return {letter.origin.encode(): letter for letter in dead_letters.find(system.settings)}


def found_in(data: bytes, wanted: Iterable[bytes]) -> list[bytes]:
    return [each for each in wanted if each in data]


def on_disk(folder: Path, wanted: Iterable[bytes], but: str = "no such file") -> dict[str, list[bytes]]:
    """Files below a folder that hold one of these, in whatever encoding: files that vanish meanwhile hold nothing."""
    held = {}
    for path in folder.rglob("*"):
        if path.is_file() and but not in str(path):
            try:
                data = path.read_bytes()
            except FileNotFoundError:
                continue
            if hits := found_in(data, wanted):
                held[str(path.relative_to(folder))] = hits
    return held


def in_topics(system: System, wanted: Iterable[bytes]) -> dict[str, list[bytes]]:
    """The same of every record of every topic: key, value and headers, as a consumer gets them."""
    held: dict[str, list[bytes]] = {}
    for topic in TOPICS:
        for record in system.records(topic.name):
            headers = b"".join(name.encode() + (value or b"") for name, value in record.headers)
            if hits := found_in((record.key or b"") + (record.value or b"") + headers, wanted):
                held.setdefault(topic.name, []).extend(hits)
    return held


def test_the_text_is_read_by_who_may_and_hidden_from_all_others(system: System, called: Caller) -> None:
    assert read(called, "ada") == {
        "NoteAdded": ADA["note"], "SurveyAnswered": ADA["answer"], "ReturnDisputed": ADA["dispute"],
    }  # fmt: skip
    assert read(called, "bob") == {"NoteAdded": BOB}
    assert ADA["note"] in called("timeline", "ada", "--unseal").out
    assert "ADA-" not in called("timeline", "ada").out
    assert "ADA-" not in called("tail", "timeline", "--all").out + called("tail", "dead-letters", "--all").out
    assert len(keys_of(system, "ada")) == 1, "one key for all that a person says"


def test_dead_letters_are_whole_for_who_may_open_them(system: System, called: Caller) -> None:
    by_text = {(letter.record.value or b""): letter for letter in letters(system).values()}
    assert by_text[ADA["spoilt"].encode()].record.key == b"ada"
    assert len(by_text) == 3
    owners = {}
    with Keyring(system.settings) as ring:
        for record in system.records("dead-letters"):
            key = ring.find(key_id(record.value or b"") or b"")
            assert key is not None
            owners[record.header("origin")] = (key.owner, record.key)
    assert sorted(owners.values(), key=str) == [("#" + day_of(now_ms())[1:], None), ("ada", b"ada"), ("ada", b"ada")]
    found = called("trace", "e-ada-6", "--json")
    assert json.loads(found.out)["what"] == "buried"
    assert called("verify", "--json").code == 0


def test_a_dry_run_says_what_would_go_and_nothing_does(system: System, called: Caller) -> None:
    before = [system.records(topic) for topic in ("keys", "operations")]
    answer = called("erase", "ada", "--reason", "requested", "--dry-run")
    assert answer.code == 0, answer.err
    told = {line.split()[3]: line.split()[0] for line in answer.out.splitlines() if " records of " in line}
    assert told == {
        "operations": "1", "interactions": "1", "returns": "1", "timeline": "3", "dead-letters": "2",
    }  # fmt: skip
    assert "dora is linked to ada" in answer.out
    assert answer.out.count("  orders/") == 2, "where the spoilt originals are"
    assert [system.records(topic) for topic in ("keys", "operations")] == before


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("ada", "--reason", "requested"), 2, "nothing was erased"),
        (("ada", "--reason", "", "--yes"), 2, "reason"),
        (("#2026-11-26", "--reason", "x", "--yes"), 2, "customer_id"),
        (("nobody", "--reason", "x", "--yes"), 1, "nothing is sealed for nobody"),
        (("carl", "--reason", "x", "--dry-run"), 1, ""),
    ],
)
def test_a_call_that_must_not_erase_erases_nothing(
    system: System, called: Caller, words: tuple[str, ...], code: int, said: str
) -> None:
    before = system.records("keys")
    answer = called("erase", *words)
    assert (answer.code, said in answer.err) == (code, True), answer
    assert system.records("keys") == before


def test_keys_made_at_once_by_two_publishers_both_open(system: System) -> None:
    with Keyring(system.settings) as one, Keyring(system.settings) as other:
        one.refresh()
        other.refresh()
        first, second = one.make("eve"), other.make("eve")
        assert first != second
        assert {one.find(second.id), other.find(first.id)} == {first, second}
        assert one.find(bytes(16)) is None


def test_keys_of_days_are_made_ahead_and_deleted_after_thirty_days_by_the_brokers_clock_only(
    cluster: local.Cluster, tmp_path: Path
) -> None:
    system = System(cluster.bootstrap, tmp_path)
    now = ms("2031-03-31 23:30")
    long_ago, last = day_of(now - (DAYS_KEPT + 1) * DAY), day_of(now - DAYS_KEPT * DAY)
    with Keyring(system.settings) as ring:
        past, kept, ada = ring.make(long_ago), ring.make(last), ring.make("ada")
        by_itself = DayKeys(system.settings, lambda: None)
        by_itself.renew()
        assert by_itself.today().owner == day_of(now_ms())
        ring.refresh()
        assert ring.chain.find(past.id) == past
        told = DayKeys(system.settings, lambda: now)
        told.renew()
        assert told.today().owner == "#2031-03-31"
        assert told.of("ada") == ada
        assert told.of("#2031-03-31") is None, "a day is no person"
        ring.refresh()
        assert ring.chain.find(past.id) is None
        assert ring.chain.find(kept.id) == kept
        assert ring.chain.of("#2031-04-01"), "half an hour before the day begins"
        records = system.records("keys")
        told.renew()
        assert system.records("keys") == records, "once"
    for each in (by_itself, told):
        each._ring.close()


def test_erased_is_erased_and_nothing_else_changes(
    system: System, cluster: local.Cluster, called: Caller, tmp_path: Path
) -> None:
    said = [text.encode() for text in ADA.values()]
    snapshots = tmp_path / "snapshots"
    assert called("verify", "--snapshots", str(snapshots)).code == 0
    before, erased = profiles(system), keys_of(system, "ada")
    secrets = [key.secret for key in erased]
    assert in_topics(system, secrets) == {"keys": secrets}
    assert on_disk(cluster.directory, secrets), "this search finds what is there"

    answer = called("erase", "ada", "--reason", "requested", "--by", "grace", "--role", "privacy", "--yes")
    assert (answer.code, "1 keys are deleted" in answer.out) == (0, True), answer
    force_compaction(system)
    while on_disk(cluster.directory, secrets):
        """The broker cleans in a thread of its own."""
    system.wait_until_idle()

    # The spoilt originals are their upstream system's, and are removed as `erase` said where.
    origins = [parse_origin(word.encode()) for word in answer.out.split() if word.startswith("orders/")]
    assert len(origins) == 2
    assert set(in_topics(system, said)) == {"orders"}
    for _, partition, offset in sorted(origins):
        remove_up_to(system, partition, offset)
    assert in_topics(system, [*said, *secrets]) == {}
    assert on_disk(cluster.directory, [*said, *secrets], but="orders-") == {}
    assert on_disk(system.folder, [*said, *secrets]) == {}, "tables, logs"
    assert on_disk(snapshots, [*said, *secrets]) == {}

    assert set(read(called, "ada").values()) == {"(its key was deleted)"}
    assert "ADA-" not in called("dead-letters", "list", "--json").out
    lost = [letter for letter in letters(system).values() if letter.lost]
    assert {letter.lost for letter in lost} == {"its key was deleted"}
    assert sorted(letter.reason for letter in lost) == ["undecodable", "unknown_currency"]
    again = called("dead-letters", "redrive", "--reason", "unknown_currency", "--because", "x")
    assert (again.code, "its key was deleted" in again.out) == (1, True)

    # Others' text, everybody's totals, and every record but the audit's are as they were.
    assert read(called, "bob") == {"NoteAdded": BOB}
    assert [letter.record.value for letter in letters(system).values() if not letter.lost] == [MARKER + CARL.encode()]
    assert profiles(system) == before
    for words in ((), ("--snapshots", str(snapshots))):
        verified = called("verify", *words)
        assert verified.code == 0, verified.out
    assert "the keys of 2 dead letters were deleted" in called("verify").out
    (audit,) = (each for each in system.contents("timeline") if isinstance(each, c.PersonalTextErased))
    assert (audit.customer_id, audit.author_id, audit.role, audit.reason) == ("ada", "grace", "privacy", "requested")

    what_comes_after_is_sealed_anew(system, called, tmp_path / "more.jsonl")


def what_comes_after_is_sealed_anew(system: System, called: Caller, file: Path) -> None:
    """The running worker has forgotten the key, and a publisher makes another one.

    No test of its own: those of a module may run in several processes, each with a system that erased nothing.
    """
    assert keys_of(system, "ada") == []
    bad = Outgoing("orders", b"ada", b"broken again", 0, now_ms())
    system.publish([bad])
    system.wait_until_idle()
    (later,) = [letter for letter in letters(system).values() if letter.record.value == b"broken again"]
    assert later.lost is None
    file.write_text(json.dumps(event(c.NoteAdded, "ada", 20, note="ADA is back")))
    assert called("publish", str(file)).code == 0
    system.wait_until_idle()
    assert "ADA is back" in read(called, "ada").values()
    assert len(keys_of(system, "ada")) == 1


def test_who_has_only_a_days_key_is_erased_with_the_day_if_asked(system: System, called: Caller) -> None:
    dry = called("erase", "carl", "--reason", "requested", "--dry-run")
    assert (dry.code, "1 keys of days" in dry.out, "at once with --days" in dry.out) == (1, True, True)
    days = len(keys_of(system))
    assert called("erase", "carl", "--reason", "requested", "--days", "--yes").code == 0
    assert len(keys_of(system)) < days + 1
    assert not any(CARL.encode() in (letter.record.value or b"") for letter in letters(system).values())
    assert called("verify").code == 0
    system.publish([Outgoing("orders", b"carl", encode(registered("carl")), 0, now_ms())])
    system.wait_until_idle()
    assert any(not letter.lost and letter.reason == "wrong_topic" for letter in letters(system).values())


def force_compaction(system: System) -> None:
    """What takes two days with the topic's own settings: its lag passes, and the next key lets the broker close a segment."""
    name = system.settings.topic("keys")
    entry = ConfigEntry("max.compaction.lag.ms", "100", incremental_operation=AlterConfigOpType.SET)
    delay = ConfigEntry("file.delete.delay.ms", "0", incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, name, incremental_configs=[entry, delay])
    client = AdminClient({"bootstrap.servers": system.settings.bootstrap})
    for future in client.incremental_alter_configs([resource]).values():
        future.result()
    with Keyring(system.settings) as ring:
        ring.make("#2031-05-01")


def remove_up_to(system: System, partition: int, offset: int) -> None:
    place = TopicPartition(system.settings.topic("orders"), partition, offset + 1)
    client = AdminClient({"bootstrap.servers": system.settings.bootstrap})
    client.delete_records([place])[place].result()
