"""A worker that reads and writes Confluent's wire format, with a registry that goes away and comes back (D9, I-1, I-3)."""

import http.client
import json
from collections.abc import Iterator
from functools import partial
from time import sleep
from typing import Any

import pytest
from confluent_kafka.schema_registry import SchemaRegistryClient
from msgspec.structs import replace

from schemas import decisions as d
from schemas.codec import decode, encode, to_json
from schemas.confluent import framed
from schemas.partitions import partition_of
from streams import dead_letters, registration
from streams.reading import read_messages
from streams.records import FRAME, SCHEMA, Outgoing, Record
from tests.schemas.upstream import CENTURY, changed, field, fields_of
from tests.streams.history import DAY, ms, placed, published, registered
from tests.streams.relay import Relay
from tests.streams.systems import PARTITIONS, System
from tests.streams.test_registry import UNREGISTERED, deserialized, serialized

Ran = tuple[System, dict[str, Any]]
BOUGHT = ms("2024-01-01")
ADA, BOB = (next(f"c{n}" for n in range(99) if partition_of(f"c{n}", PARTITIONS) == p) for p in range(PARTITIONS))
"""Customers of different partitions."""


def became_vip(customer: str, order: str, goods: int = 150_000) -> list[Outgoing]:
    return [
        published(registered(customer, ms("2022-01-01"), f"e-{customer}")),
        published(placed(customer, BOUGHT, goods, order)),
    ]


def health(system: System) -> dict[str, Any]:
    """What the worker says on /ready."""
    asking = http.client.HTTPConnection("127.0.0.1", system.settings.health_port, timeout=5)
    try:
        asking.request("GET", "/ready")
        said: dict[str, Any] = json.load(asking.getresponse())
        return said
    finally:
        asking.close()


def waits(system: System) -> dict[str, Any]:
    """What the worker says, once it says that something stopped."""
    while (said := health(system))["state"] != "partitions stopped":
        system.still_working()
        sleep(0.1)
    return said


@pytest.fixture(scope="module")
def ran(bootstrap: str, registry: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    """Give a system that has run with the registry there, away, and back; and what was seen on the way."""
    with Relay(registry) as way, SchemaRegistryClient({"url": registry}) as confluent:
        way.open()
        system = System(bootstrap, tmp_path_factory.mktemp("wire"), registry_url=way.url, decisions_wire="confluent")
        assert all(each.well for each in registration.register(system.settings))
        seen: dict[str, Any] = {"confluent": confluent}
        write = partial(serialized, confluent, system.settings.topic("orders"))
        theirs = changed("OrderPlaced", lambda fields: fields.append(CENTURY), namespace="com.shop")
        with system.working():
            system.publish(became_vip(ADA, "o-ada"))
            system.wait_until_idle()

            way.close()
            unknown = write(theirs, placed(ADA, BOUGHT + DAY, 700, "o-late"), century=1.5)
            system.publish([Outgoing("orders", ADA.encode(), unknown, None, BOUGHT + DAY)])
            seen["away"] = waits(system)
            system.publish(became_vip(BOB, "o-bob"))
            while not any(each.key == BOB.encode() for each in system.records("tier-changes")):
                system.still_working()
                sleep(0.1)
            seen["meanwhile"] = [*system.records("timeline"), *system.records("dead-letters")]
            way.open()
            system.wait_until_idle()
            seen["back"] = health(system)

            event = placed(ADA, BOUGHT + 2 * DAY, 800, "o-line")
            file = system.folder / "more.jsonl"
            file.write_text(json.dumps(to_json(event)))
            seen["published"] = system.laurel("publish", str(file), "--wire", "confluent")
            lossy = changed("OrderPlaced", lambda fields: fields.remove(field(fields, "order_id")))
            poison = [framed(encode(event), UNREGISTERED), write(lossy, event)]
            system.publish([Outgoing("orders", b"bad", value, None, BOUGHT) for value in poison])
            system.wait_until_idle()
        way.close()
        yield system, seen


def of(records: list[Record], customer: str) -> list[Record]:
    return [record for record in records if record.key == customer.encode()]


def test_a_partition_waits_for_the_registry_and_says_so(ran: Ran) -> None:
    _, seen = ran
    assert seen["away"]["ready"] is False
    ((place, why),) = seen["away"]["stopped"].items()
    assert place == f"orders/{partition_of(ADA, PARTITIONS)}"
    assert why.startswith("waiting for schema id ")
    assert seen["back"]["state"] == "running"
    assert "stopped" not in seen["back"]


def test_the_others_go_on_and_nothing_is_refused_meanwhile(ran: Ran) -> None:
    _, seen = ran
    assert len(of(seen["meanwhile"], BOB)) == 2
    assert len(of(seen["meanwhile"], ADA)) == 2
    assert not [each for each in seen["meanwhile"] if each.topic == "dead-letters"]


def test_what_waited_was_taken_when_the_registry_came_back(ran: Ran) -> None:
    system, _ = ran
    late, in_line = of(system.records("timeline"), ADA)[-2:]
    assert late.value == encode(placed(ADA, BOUGHT + DAY, 700, "o-late"))
    assert b"/" in (late.header(FRAME) or b"")
    assert in_line.value == encode(placed(ADA, BOUGHT + 2 * DAY, 800, "o-line"))
    assert (in_line.header(FRAME) or b"").isdigit()


def test_an_upstream_in_confluents_format_can_be_imitated(ran: Ran) -> None:
    system, seen = ran
    assert seen["published"].code == 0
    sent = next(each for each in system.records("orders") if each.value and each.value[5:] == encode(placed(ADA, BOUGHT + 2 * DAY, 800, "o-line"))[10:])  # fmt: skip
    assert deserialized(seen["confluent"], sent.topic, sent.value)["order_id"] == "o-line"


def test_what_cannot_be_read_is_a_dead_letter_with_its_reason(ran: Ran) -> None:
    system, _ = ran
    buried = {letter.reason: letter.detail for letter in dead_letters.find(system.settings)}
    assert buried.keys() == {"unknown_schema", "incompatible_schema"}
    assert f"schema id {UNREGISTERED}" in buried["unknown_schema"]
    assert "order_id is missing" in buried["incompatible_schema"]


def test_it_verifies_clean_without_a_registry(ran: Ran) -> None:
    system, _ = ran
    answer = system.laurel("verify", "--json")
    assert answer.code == 0, answer
    said = json.loads(answer.out)
    compared = {each["what"]: each["compared"] for each in said["checks"] if each["compared"]}
    assert compared["tier-changes"] > 0
    assert compared["sequence numbers"] > 0


def test_a_consumer_with_confluents_client_reads_the_decisions(ran: Ran) -> None:
    system, seen = ran
    topic = system.settings.topic("tier-changes")
    starts = {(topic, partition): 0 for partition in range(PARTITIONS)}
    messages = [each for some in read_messages(system.settings, starts) for each in some]
    found = {
        (message.partition(), message.offset()): deserialized(seen["confluent"], topic, message.value())
        for message in messages
    }
    changes = {(each.partition, each.offset): each for each in system.records("tier-changes")}
    assert found.keys() == changes.keys()
    for place, said in found.items():
        change = decode(changes[place].value)
        assert (said["decision_id"], said["customer_id"]) == (change.decision_id, change.customer_id)
        assert said["conditions"] == list(fields_of(change)["conditions"])
    assert {said["customer_id"] for said in found.values()} == {ADA, BOB}
    for message in messages:
        written = changes[message.partition(), message.offset()].value or b""
        assert dict(message.headers())[SCHEMA] == written[:10].hex().encode()


def test_people_read_the_decisions_without_a_registry(ran: Ran) -> None:
    system, _ = ran
    (change,) = [each for each in system.contents("tier-changes") if each.customer_id == BOB]
    assert isinstance(change, d.TierChanged)
    answer = system.laurel("tail", "tier-changes", "--all")
    assert change.decision_id in {json.loads(line)["record"]["decision_id"] for line in answer.out.splitlines()}
    answer = system.laurel("explain", change.decision_id)
    assert answer.code == 0, answer
    answer = system.laurel("trace", "e-o-bob", "--json")
    assert change.decision_id in answer.out


def test_decisions_may_change_their_format(ran: Ran) -> None:
    """The frame is the shell's: the history is the same."""
    system, _ = ran
    with system.working(decisions_wire="single-object"):
        system.publish([published(replace(placed(BOB, BOUGHT + DAY, 5_000_000, "o-more"), event_id="more"))])
        system.wait_until_idle()
    changes = of(system.records("tier-changes"), BOB)
    assert [each.header(SCHEMA) is None for each in changes] == [False, True]
    answer = system.laurel("verify")
    assert answer.code == 0, answer
