"""A real registry, with Confluent's own serializers on the other side (D9)."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from time import sleep
from typing import Any

import pytest
from confluent_kafka.schema_registry import (
    Schema,
    SchemaReference,
    SchemaRegistryClient,
    topic_record_subject_name_strategy,
)
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from msgspec.structs import replace

from schemas import decisions as d
from schemas import events as e
from schemas.codec import CONTRACTS, HEADER_BYTES, Contract, Rejected, encode, load_schema
from schemas.confluent import single_object
from schemas.examples import example
from schemas.topics import PUBLISHED, SOURCES, TOPIC_OF
from streams import doctor, framing, registration
from streams.framing import RegistryError
from streams.records import SCHEMA, Outgoing, restored
from streams.registry import Registry, Subject, client, subjects
from streams.settings import Settings
from tests.schemas.upstream import CENTURY, Fields, changed, field, fields_of, text
from tests.streams.commands import Caller
from tests.streams.relay import Relay

ORDER: e.OrderPlaced = example(e.OrderPlaced)
CHANGE: d.TierChanged = example(d.TierChanged)
STRATEGY = {"subject.name.strategy": topic_record_subject_name_strategy}
UNREGISTERED = 2_000_000_000


@pytest.fixture
def settings(registry: str) -> Settings:
    """Give a system of its own: its topics' names, hence its subjects, are nobody else's."""
    return Settings(registry_url=registry, namespace=f"t{os.urandom(4).hex()}-")


@pytest.fixture
def confluent(settings: Settings) -> Iterator[SchemaRegistryClient]:
    with SchemaRegistryClient({"url": settings.registry_url}) as made:
        yield made


def serialized(confluent: SchemaRegistryClient, topic: str, schema: Any, event: Any, **more: Any) -> bytes:
    """As a producer with Confluent's client writes it, registering its schema by the way."""
    serializer = AvroSerializer(confluent, schema if isinstance(schema, Schema) else text(schema), conf=STRATEGY)
    fields = fields_of(event) | more
    value = serializer(fields, SerializationContext(topic, MessageField.VALUE))
    assert isinstance(value, bytes)
    assert value[0] == 0
    return value


def deserialized(confluent: SchemaRegistryClient, topic: str, value: bytes | None, schema: Any = None) -> Any:
    """As a consumer with Confluent's client reads it, with the writer's schema or one of its own."""
    reader = AvroDeserializer(confluent, None if schema is None else text(schema), conf=STRATEGY)
    return reader(value, SerializationContext(topic, MessageField.VALUE))


def number(value: bytes) -> int:
    return int.from_bytes(value[1:5], "big")


def understood(settings: Settings, value: bytes) -> bytes | Rejected:
    with Registry(settings) as registry:
        contract = registry.contract(number(value))
    assert isinstance(contract, Contract), contract
    return single_object(contract, value)


# What others publish


def test_a_producer_with_confluents_client_is_read(settings: Settings, confluent: SchemaRegistryClient) -> None:
    for kind in (e.OrderPlaced, e.ReturnRequested, e.OrderShipped, e.SurveyAnswered):
        event = example(kind)
        value = serialized(confluent, settings.topic(TOPIC_OF[kind]), load_schema(kind.__name__), event)
        assert understood(settings, value) == encode(event)


def test_a_producer_with_a_schema_of_its_own_is_read(settings: Settings, confluent: SchemaRegistryClient) -> None:
    schema = changed("OrderPlaced", lambda fields: fields.append(CENTURY), namespace="com.shop")
    value = serialized(confluent, settings.topic("orders"), schema, ORDER, century=1.5)
    assert understood(settings, value) == encode(ORDER)


def test_a_producer_whose_schema_refers_to_others_is_read(settings: Settings, confluent: SchemaRegistryClient) -> None:
    """Each reference may refer on, and two of them to the same."""
    subject = settings.namespace
    line = field(load_schema("OrderPlaced")["fields"], "lines")["type"]["items"]
    amount = {"type": "record", "name": "Amount", "namespace": "com.shop", "fields": [CENTURY]}
    more: Fields = [{"name": name, "type": "com.shop.Amount"} for name in ("net", "gross")]
    position = line | {"name": "Position", "namespace": "com.shop", "fields": [*line["fields"], *more]}
    schema = changed("OrderPlaced", lambda fields: fields.append(more[0]), namespace="com.shop")
    field(schema["fields"], "lines")["type"]["items"] = "com.shop.Position"
    to_amount = SchemaReference("com.shop.Amount", f"{subject}amount", 1)
    to_position = SchemaReference("com.shop.Position", f"{subject}position", 1)
    confluent.register_schema(f"{subject}amount", Schema(text(amount), "AVRO"))
    confluent.register_schema(f"{subject}position", Schema(text(position), "AVRO", [to_amount]))
    whole = Schema(text(schema), "AVRO", [to_position, to_amount])
    century = {"century": 1.0}
    lines = [fields_of(each) | {"net": century, "gross": century} for each in ORDER.lines]
    value = serialized(confluent, settings.topic("orders"), whole, ORDER, lines=lines, net=century)
    assert understood(settings, value) == encode(ORDER)


def test_an_id_that_the_registry_does_not_have_is_told_with_the_registry(settings: Settings) -> None:
    with Registry(settings) as registry:
        found = registry.contract(UNREGISTERED)
    assert isinstance(found, Rejected)
    assert found.reason == "unknown_schema"
    assert f"schema id {UNREGISTERED}" in found.detail
    assert settings.registry_url in found.detail


@pytest.mark.parametrize(
    ("kind", "schema", "reason", "told"),
    [
        ("AVRO", changed("OrderPlaced", lambda fields: [fields.pop(0)]), "incompatible_schema", "event_id is missing"),
        ("AVRO", changed("OrderPlaced", name="Basket"), "unknown_schema", "laurel.Basket"),
        (
            "JSON",
            {"type": "object", "$schema": "http://json-schema.org/draft-07/schema#"},
            "incompatible_schema",
            "JSON",
        ),
    ],
    ids=["lacks a field", "no contract's name", "no Avro"],
)
def test_a_schema_that_is_no_contract_is_told_with_its_id(
    settings: Settings, confluent: SchemaRegistryClient, kind: str, schema: Any, reason: str, told: str
) -> None:
    registered = confluent.register_schema(f"{settings.namespace}subject", Schema(text(schema), kind))
    with Registry(settings) as registry:
        found = registry.contract(registered)
    assert isinstance(found, Rejected)
    assert found.reason == reason
    assert f"schema id {registered} of {settings.registry_url}" in found.detail
    assert told in found.detail


# A registry that is away


def until(ask: Callable[[], Contract | Rejected | str], kind: type) -> Any:
    """What is told once it is of a kind: asking goes on beside."""
    while not isinstance(found := ask(), kind):
        sleep(0.05)
    return found


def test_a_registry_that_is_away_is_waited_for(settings: Settings, confluent: SchemaRegistryClient) -> None:
    value = serialized(confluent, settings.topic("orders"), load_schema("OrderPlaced"), ORDER)
    with (
        Relay(settings.registry_url) as way,
        Registry(settings.model_copy(update={"registry_url": way.url})) as registry,
    ):
        told = registry.contract(number(value))
        assert isinstance(told, str), "neither refused nor known"
        assert way.url in told
        assert str(number(value)) in told
        assert "ConnectError" in told
        way.open()
        contract = until(lambda: registry.contract(number(value)), Contract)
        assert contract is CONTRACTS[e.OrderPlaced]
        way.close()
        assert registry.contract(number(value)) is contract, "an id means the same for ever"
        assert isinstance(registry.contract(UNREGISTERED), str)
        way.open()
        assert until(lambda: registry.contract(UNREGISTERED), Rejected).reason == "unknown_schema"


@pytest.mark.parametrize("path", ["/nowhere", "/apis/registry/v2"])
def test_what_answers_but_is_no_registry_refuses_nothing(settings: Settings, path: str) -> None:
    """Else a wrong setting would bury every record."""
    url = settings.registry_url.replace("/apis/ccompat/v7", path)
    with Registry(Settings(registry_url=url)) as registry:
        assert isinstance(registry.contract(UNREGISTERED), str)


def test_settings_that_the_client_refuses_are_named() -> None:
    for given in ({"registry": {"nonsense": "1"}}, {"registry_url": "nowhere"}):
        with pytest.raises(RegistryError, match="LAUREL_REGISTRY"):
            Registry(Settings.model_validate({"registry_url": "http://127.0.0.1:1"} | given))
    with pytest.raises(RegistryError, match="set LAUREL_REGISTRY_URL"):
        client(Settings())


# Laurel's own contracts


def standings(settings: Settings) -> dict[str, registration.Standing]:
    return {each.subject: each for each in registration.check(settings)}


def test_registering_checking_and_what_differs(
    settings: Settings, laurel: Caller, confluent: SchemaRegistryClient
) -> None:
    given = laurel.given(registry_url=settings.registry_url, namespace=settings.namespace)
    names = {
        f"{settings.topic(topic)}-laurel.{kind.__name__}" for kind, topic in TOPIC_OF.items() if topic != "messages"
    }
    answer = given("schemas", "check")
    assert answer.code == 1
    assert "not there" in answer.out
    assert framing.missing(settings) == [each.name for each in subjects(settings)]
    with pytest.raises(RegistryError, match="laurel schemas register"):
        framing.of_decisions(settings.model_copy(update={"decisions_wire": "confluent"}))

    answer = given("schemas", "register", "--json")
    assert answer.code == 0, answer
    assert answer.out.count('"found": "registered"') == len(names)
    answer = given("schemas", "register")
    assert answer.code == 0
    assert "there already" in answer.out
    assert given("schemas", "check").code == 0
    assert {each.subject for each in standings(settings).values() if each.well} == names
    assert framing.missing(settings) == []

    subject = f"{settings.topic('orders')}-laurel.OrderPlaced"
    later = changed("OrderPlaced", lambda fields: fields.append({"name": "must", "type": "string", "default": ""}))
    confluent.register_schema(subject, Schema(text(later), "AVRO"))
    assert standings(settings)[subject].well, "an older version is as good: ids are for ever"


def test_a_contract_that_the_registry_refuses_is_told(
    settings: Settings, laurel: Caller, confluent: SchemaRegistryClient
) -> None:
    """Where somebody has another schema under this subject, and the registry's rule forbids ours beside it."""
    subject = f"{settings.topic('orders')}-laurel.OrderPlaced"
    other = changed("OrderPlaced", lambda fields: fields[0].update(type="long"))
    confluent.register_schema(subject, Schema(text(other), "AVRO"))
    confluent.set_compatibility(subject, "FULL")
    standing = standings(settings)[subject]
    assert not standing.well
    assert "another, version 1" in standing.found
    assert "would refuse" in standing.do
    answer = laurel.given(registry_url=settings.registry_url, namespace=settings.namespace)(
        "schemas", "register", "--json"
    )
    assert answer.code == 1
    told = {line["subject"]: line for line in map(json.loads, answer.out.splitlines())}
    assert told[subject]["found"].startswith("refused: ")
    assert "409" in told[subject]["found"]
    assert [each for each in told.values() if not each["well"]] == [told[subject]], "the others are registered"


def test_the_commands_say_that_there_is_no_registry(laurel: Caller) -> None:
    Path("events.jsonl").touch()
    words = (("schemas", "check"), ("schemas", "register"), ("publish", "events.jsonl", "--wire", "confluent"))
    for url, said in (("", "LAUREL_REGISTRY_URL"), ("http://127.0.0.1:1", "http://127.0.0.1:1: ConnectError")):
        for each in words:
            answer = laurel.given(registry_url=url)(*each)
            assert answer.code == 3
            assert said in answer.err
            assert "Traceback" not in answer.err


def test_the_doctor_looks_at_it(settings: Settings) -> None:
    found = doctor._registry(settings)
    assert (found.verdict, found.do) == ("weak", "laurel schemas register")
    writing = settings.model_copy(update={"decisions_wire": "confluent"})
    assert doctor._registry(writing).verdict == "wrong", "its workers wait"
    assert all(each.well for each in registration.register(settings))
    assert doctor._registry(writing).verdict == "ok"
    away = doctor._registry(Settings(registry_url="http://127.0.0.1:1"))
    assert away.verdict == "wrong"
    assert "ConnectError" in away.found


def test_a_subject_is_named_as_confluents_strategy_names_it(settings: Settings) -> None:
    for subject in subjects(settings):
        context = SerializationContext(settings.topic(subject.topic), MessageField.VALUE)
        record = f"laurel.{subject.kind.__name__}"
        assert subject.name == topic_record_subject_name_strategy(context, record)
    assert {each.topic for each in subjects(settings)} == {*SOURCES, *PUBLISHED} - {"redrives"}


# What laurel publishes


@pytest.fixture
def decided(settings: Settings) -> Settings:
    """Give settings of a system whose contracts are registered."""
    assert all(each.well for each in registration.register(settings))
    return settings.model_copy(update={"decisions_wire": "confluent"})


def test_a_consumer_with_confluents_client_reads_decisions(decided: Settings, confluent: SchemaRegistryClient) -> None:
    frame = framing.of_decisions(decided)
    for subject in subjects(decided):
        if subject.topic in PUBLISHED:
            said = example(subject.kind)
            record = Outgoing(subject.topic, b"ada", encode(said), headers=[("at", b"3")])
            sent = frame(record)
            found = deserialized(confluent, decided.topic(subject.topic), sent.value)
            assert found.keys() == fields_of(said).keys()
            assert restored(subject.topic, sent.value, sent.headers) == record.value
            assert dict(sent.headers) == {"at": b"3", SCHEMA: (record.value or b"")[:HEADER_BYTES].hex().encode()}
            assert replace(sent, value=record.value, headers=record.headers) == record


def test_what_is_no_decision_stays_as_it_is(decided: Settings) -> None:
    frame = framing.of_decisions(decided)
    for record in (
        Outgoing("customer-state", b"k", b"\x01row"),
        Outgoing("customer-profiles", b"ada", None),
        Outgoing("messages", b"#0", encode(e.WorkRemains(1))),
        Outgoing("timeline", b"ada", encode(ORDER)),
    ):
        assert frame(record) is record


@pytest.mark.parametrize("header", [b"", b"c3", b"xyz", b"\xff", None])
def test_a_record_whose_header_is_not_laurels_is_given_as_it_is_or_refused(header: bytes | None) -> None:
    """By whoever reads it, as bytes that are no record: never an error, never something else."""
    value = b"\0\0\0\0\1" + encode(CHANGE)[10:]
    found = restored("tier-changes", value, [] if header is None else [(SCHEMA, header)])
    assert found is not None
    assert found[:2] != b"\xc3\x01"
    assert restored("orders", value, [(SCHEMA, encode(CHANGE)[:10].hex().encode())]) == value, "others' are intake's"


def test_upstream_can_be_imitated(decided: Settings, confluent: SchemaRegistryClient) -> None:
    frame = framing.of_sources(decided, "confluent")
    sent = frame(Outgoing("orders", b"ada", encode(ORDER)))
    assert deserialized(confluent, decided.topic("orders"), sent.value)["order_id"] == ORDER.order_id
    assert understood(decided, sent.value or b"") == encode(ORDER)
    bad = Outgoing("orders", b"ada", b"no record at all")
    assert frame(bad) is bad


# Evolution, both ways, in both formats

NEWER: dict[type, Callable[[Fields], object]] = {
    e.OrderPlaced: lambda fields: fields.append({"name": "gift", "type": ["null", "string"], "default": None}),
    d.TierChanged: lambda fields: fields.append({"name": "campaign", "type": "string", "default": "none"}),
}
OLDER: dict[type, Callable[[Fields], object]] = {
    e.OrderPlaced: lambda fields: fields.remove(field(fields, "rate_ppm")),
    d.TierChanged: lambda fields: fields.remove(field(fields, "vip_since")),
}


@pytest.mark.parametrize("versions", [NEWER, OLDER], ids=["newer", "older"])
def test_a_producer_of_another_version_is_read(
    settings: Settings, confluent: SchemaRegistryClient, versions: dict[type, Callable[[Fields], object]]
) -> None:
    schema = changed("OrderPlaced", versions[e.OrderPlaced])
    value = serialized(confluent, settings.topic("orders"), schema, ORDER, gift="ribbon")
    expected = replace(ORDER, rate_ppm=1_000_000) if versions is OLDER else ORDER
    assert understood(settings, value) == encode(expected)


@pytest.mark.parametrize("versions", [NEWER, OLDER], ids=["newer", "older"])
def test_a_consumer_of_another_version_reads_decisions(
    decided: Settings, confluent: SchemaRegistryClient, versions: dict[type, Callable[[Fields], object]]
) -> None:
    """The writer's schema is the registry's, the reader's is their own."""
    sent = framing.of_decisions(decided)(Outgoing("tier-changes", b"ada", encode(CHANGE)))
    reader = changed("TierChanged", versions[d.TierChanged])
    found = deserialized(confluent, decided.topic("tier-changes"), sent.value, reader)
    assert found["decision_id"] == CHANGE.decision_id
    assert found.keys() == {each["name"] for each in reader["fields"]}
    assert found.get("campaign") == ("none" if versions is NEWER else None)


def test_subjects_are_of_types_that_have_contracts(settings: Settings) -> None:
    assert all(isinstance(each, Subject) and each.kind in CONTRACTS for each in subjects(settings))
