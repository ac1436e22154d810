"""Records in Confluent's wire format through both stages in memory: the same decisions as from any other record (D9)."""

from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from schemas import events as e
from schemas.codec import Contract, Rejected, decode, encode, load_schema
from schemas.confluent import framed, understand
from schemas.topics import INTAKE, SOURCES
from streams.batches import Folded
from streams.clock import EventsClock, WallClock
from streams.dead_letters import dead_letter, still_wrong
from streams.driver import FoldStoppedError
from streams.framing import RegistryError
from streams.intake import Intake
from streams.records import FRAME, ORIGIN, REASON, REDRIVEN, Outgoing, Record
from streams.translation import hash_of, hash_of_source
from tests.schemas.upstream import changed, field, fields_of, text, written
from tests.streams.engines import decoded, engine, ran, rows
from tests.streams.history import NOON, history, placed, record, registered
from tests.streams.test_intake import held, intake, without_ticks

SHOP = changed("OrderPlaced", lambda fields: fields.append({"name": "shop", "type": "string"}), namespace="com.shop")
LOSSY = changed("OrderPlaced", lambda fields: fields.remove(field(fields, "order_id")))


class Known:
    """Schemas that were asked for already; a text instead of one while there is no answer."""

    def __init__(self, **schemas: Any) -> None:
        self.contracts: dict[int, Contract | Rejected | str] = {
            int(number[1:]): given if isinstance(given, str | Rejected) else understand(text(given))
            for number, given in schemas.items()
        }

    def contract(self, schema_id: int) -> Contract | Rejected | str:
        return self.contracts[schema_id]


def waiting_for(schemas: Known | None, clock: EventsClock | WallClock | None = None) -> Intake:
    return intake(clock or EventsClock("UTC", 36_500), schemas=schemas)


def told(folded: Folded | None) -> list[Outgoing]:
    assert folded is not None
    return without_ticks(folded)


def one(value: bytes, schemas: Known | None, topic: str = "orders", **given: Any) -> Outgoing:
    (outgoing,) = told(waiting_for(schemas).fold([record(value, topic, **given)]))
    return outgoing


def headers(outgoing: Outgoing) -> dict[str, str]:
    return {name: value.decode() for name, value in outgoing.headers}


ORDER = placed()
AS_OURS = framed(encode(ORDER), 1)
AS_THEIRS = written(SHOP, fields_of(ORDER) | {"shop": "Utrecht"}, 2)
SCHEMAS = Known(
    _1=load_schema("OrderPlaced"), _2=SHOP, _3=LOSSY, _4=changed("OrderPlaced", name="Basket"),
    _5=Rejected("unknown_schema", "found schema id 5, which http://registry does not have"),
)  # fmt: skip


# One record


def test_of_a_contract_as_it_is_only_the_frame_changes() -> None:
    taken = one(AS_OURS, SCHEMAS, headers=[("theirs", b"1")])
    assert (taken.topic, taken.key, taken.value, taken.timestamp) == ("timeline", b"ada", encode(ORDER), NOON)
    assert headers(taken) == {ORIGIN: "orders/0/0", FRAME: "1"}


def test_of_another_schema_the_record_is_written_as_the_contract() -> None:
    taken = one(AS_THEIRS, SCHEMAS)
    assert (taken.topic, taken.key, taken.value) == ("timeline", b"ada", encode(ORDER))
    assert headers(taken) == {ORIGIN: "orders/0/0", FRAME: f"2/{hash_of(AS_THEIRS):016x}"}


@pytest.mark.parametrize(
    ("value", "reason", "detail"),
    [
        (framed(encode(ORDER), 3), "incompatible_schema", "order_id is missing"),
        (framed(encode(ORDER), 4), "unknown_schema", "laurel.Basket"),
        (framed(encode(ORDER), 5), "unknown_schema", "schema id 5, which http://registry does not have"),
        (AS_OURS[:-1], "undecodable", "EOFError"),
        (AS_OURS + b"!", "undecodable", "1 bytes follow"),
        (AS_THEIRS + b"!", "undecodable", "1 bytes follow"),
        (AS_OURS[:4], "undecodable", "c301"),
        (framed(encode(registered()), 1), "undecodable", "OrderPlaced"),
        (AS_OURS[:5] + encode(replace(ORDER, occurred_at=NOON + 2 * 86_400_000))[10:], "implausible_date", "a day"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_what_cannot_be_taken_is_buried_with_its_own_bytes(value: bytes, reason: str, detail: str) -> None:
    buried = one(value, SCHEMAS, headers=[(REDRIVEN, b"dead-letters/0/9")], key=b"\xff")
    assert buried.topic == "dead-letters"
    assert (held(buried).key, held(buried).value) == (b"\xff", value)
    assert headers(buried)[REASON] == reason
    assert detail in held(buried).detail
    assert headers(buried)[REDRIVEN] == "dead-letters/0/9"
    assert FRAME not in headers(buried)


def test_without_a_registry_it_is_refused_and_says_what_to_set() -> None:
    buried = one(AS_OURS, None)
    assert held(buried).value == AS_OURS
    assert headers(buried)[REASON] == "unknown_schema"
    assert "schema id 1" in held(buried).detail
    assert "LAUREL_REGISTRY_URL" in held(buried).detail


@pytest.mark.parametrize("topic", INTAKE)
def test_every_source_may_be_in_confluents_format_but_not_what_laurel_tells_itself(topic: str) -> None:
    outgoing = one(AS_OURS, SCHEMAS, topic)
    if topic in ("orders", "redrives"):
        assert outgoing.value == encode(ORDER)
    else:
        assert headers(outgoing)[REASON] == ("wrong_topic" if topic in SOURCES else "unknown_schema")


def test_the_header_tells_what_the_source_holds() -> None:
    """So that `verify` compares it with its source, and no registry is asked."""
    for value in (AS_OURS, AS_THEIRS, encode(ORDER)):
        taken = one(value, SCHEMAS)
        found = Record("timeline", 0, 0, NOON, taken.key, taken.value, taken.headers)
        assert hash_of_source(found) == hash_of(value)
        assert hash_of_source(replace(found, headers=[*taken.headers[:1], (FRAME, b"9")])) != hash_of(value)
    for forged in (b"x", b"1/x", b"-1", b"%d" % 2**32, b"", b"/", b"1/0", b"1/-5", b"1/" + b"f" * 17, b"\xff"):
        found = Record("timeline", 0, 0, NOON, b"", AS_OURS, [(FRAME, forged)])
        assert hash_of_source(found) not in {hash_of(value) for value in (AS_OURS, AS_THEIRS, encode(ORDER))}
        assert 0 < hash_of_source(found) < 2**64, "0 is what is elsewhere"
    changed_since = Record("timeline", 0, 0, NOON, b"ada", encode(ORDER) + b"!", [(FRAME, b"1")])
    assert hash_of_source(changed_since) != hash_of(AS_OURS)


# A schema that is not known yet


def test_a_partition_waits_for_a_schema_and_the_others_go_on() -> None:
    schemas = Known(_1="waiting: http://registry does not answer", _2=SHOP)
    working = waiting_for(schemas, WallClock(3600, 3600))
    waiting = [record(AS_OURS, "orders", (0, n), NOON + n) for n in (1, 2)]
    before = record(ORDER, "orders", (0, 0), NOON - 1)
    waiting.append(record(placed(order="o3"), "orders", (0, 3), NOON + 3))  # needs no registry, but its turn
    others = [record(AS_THEIRS, "orders", (1, 0), NOON), record(registered(), "interactions", (0, 0), NOON + 9)]
    folded = working.fold([before, *waiting, *others])
    assert folded is not None
    assert folded.stopped == {("orders", 0): "waiting: http://registry does not answer"}
    assert {place: folded.offsets[place] for place in (("orders", 1), ("interactions", 0))} == {
        ("orders", 1): 1, ("interactions", 0): 1,
    }  # fmt: skip
    assert folded.offsets["orders", 0] == 1, "what came before it"
    assert [each.topic for each in told(folded)] == ["timeline"] * 3

    working.release(("orders", 0))  # as the stage does with a partition that stopped
    assert working.answered(folded.stopped) == []
    schemas.contracts[1] = understand(text(load_schema("OrderPlaced")))
    assert working.answered([("orders", 0), ("orders", 1)]) == [("orders", 0)]
    assert working.answered([("orders", 1)]) == []
    working.begin(("orders", 0), 1)
    assert working.answered([("orders", 0)]) == []
    assert [each.value for each in told(working.fold(waiting))] == [encode(ORDER)] * 2 + [encode(placed(order="o3"))]


def test_a_partition_that_waits_is_told_though_nothing_else_is_to_be_committed() -> None:
    folded = waiting_for(Known(_1="waiting"), WallClock(3600, 3600)).fold([record(AS_OURS, "orders")])
    assert folded is not None
    assert folded.stopped == {("orders", 0): "waiting"}
    assert ("orders", 0) not in folded.offsets


def test_nobody_asks_for_a_schema_of_a_record_in_single_object_encoding() -> None:
    class Untouchable(Known):
        def contract(self, schema_id: int) -> Contract | Rejected | str:
            raise AssertionError(schema_id)

    assert one(encode(ORDER), Untouchable()).value == encode(ORDER)


# Whole histories


def in_confluents_format(records: list[Outgoing]) -> Iterator[Outgoing]:
    """The same, in turn as it is, in the contract's own schema, and in another one."""
    for number, each in enumerate(records):
        event = decode(each.value)
        if isinstance(event, e.OrderPlaced) and number % 3 == 1:
            yield replace(each, value=written(SHOP, fields_of(event) | {"shop": "Utrecht"}, 2))
        elif isinstance(event, e.OrderPlaced) and number % 3 == 2:
            yield replace(each, value=framed(each.value or b"", 1))
        else:
            yield each


def test_the_same_history_in_either_format_gives_the_same_rows_and_decisions() -> None:
    records = list(history(5, customers=40, days=60, events=200))
    plain = ran(records, schemas=SCHEMAS)
    other = ran(in_confluents_format(records), schemas=SCHEMAS)
    assert [each.value for each in plain.logs.all("timeline")] == [each.value for each in other.logs.all("timeline")]
    assert sum(1 for each in other.logs.all("timeline") if each.header(FRAME)) > 50
    assert rows(plain) == rows(other)
    assert decoded(plain, "tier-changes") == decoded(other, "tier-changes") != []


def test_an_event_in_both_formats_counts_once() -> None:
    """T-15: the event is the one that it was, however it came."""
    driver = ran(
        [Outgoing("orders", b"ada", value, None, NOON) for value in (encode(ORDER), AS_OURS, AS_THEIRS)],
        schemas=SCHEMAS,
    )
    (profile,) = {each.lifetime_value_minor for each in decoded(driver, "customer-profiles")}
    assert profile == 1_000


def test_a_dead_letter_is_taken_once_its_schema_is_known() -> None:
    driver = ran([Outgoing("orders", b"ada", AS_OURS, None, NOON)])
    (buried,) = driver.logs.all("dead-letters")
    letter = dead_letter(buried, driver.keys.chain.find)
    assert "LAUREL_REGISTRY_URL" in (still_wrong(letter) or "")
    assert "order_id is missing" in (still_wrong(letter, Known(_1=LOSSY)) or "")
    assert still_wrong(letter, SCHEMAS) is None
    with pytest.raises(RegistryError, match="waiting for it"):
        still_wrong(letter, Known(_1="waiting for it"))
    again = Outgoing("redrives", b"ada", letter.record.value, None, NOON, [(REDRIVEN, b"dead-letters/0/0")])
    driver = ran([again], schemas=SCHEMAS)
    assert ORDER in decoded(driver, "timeline")


def test_the_driver_says_that_it_waits_and_loses_nothing() -> None:
    driver = engine([Outgoing("orders", b"ada", AS_OURS, None, NOON)], schemas=Known(_1="waiting for schema 1"))
    with pytest.raises(FoldStoppedError, match="waiting for schema 1"):
        driver.run()
