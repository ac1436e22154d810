"""Dead letters are sealed: for whom, what stays readable, and that nothing a source wrote stands in the open (D11, T-46)."""

import json
from collections import Counter
from itertools import islice

import pytest

from schemas import events as e
from schemas.codec import Rejected, encode, encode_fields, load_schema
from schemas.confluent import framed, understand
from schemas.sealing import Key, key_id
from streams.burying import DAMAGED, DELETED, Contents, bury, dig_up, person_of
from streams.intake import subject_of
from streams.keychain import MemoryKeys
from streams.records import DETAIL, ORIGIN, REASON, REDRIVEN, Outgoing, Record
from streams.translation import translated
from tests.faults.fuzzing import Fuzzer
from tests.streams.history import NOON, placed, record

SAID = "ada said: my divorce is through"


def keys(*people: str) -> MemoryKeys:
    """Keys of these people, and of the day."""
    made = MemoryKeys()
    for person in people:
        made.key_of(person)
    return made


def letter(buried: Outgoing) -> Record:
    return Record(buried.topic, 0, 0, NOON, buried.key, buried.value, buried.headers)


def owner(buried: Outgoing, of: MemoryKeys) -> str:
    key = of.chain.find(key_id(buried.value or b"") or b"")
    assert key is not None
    return key.owner


def refused(bad: Record) -> Rejected:
    why = subject_of(bad)
    assert isinstance(why, Rejected)
    return why


SPOILT = {
    "text instead of a record": (record(SAID.encode(), "orders", key=b"ada"), "undecodable"),
    "text in the currency": (
        record(
            encode_fields(
                e.OrderPlaced,
                {"event_id": "e", "customer_id": "ada", "occurred_at": NOON, "order_id": "o", "currency": SAID,
                 "rate_ppm": 1, "lines": []},
            ),
            "orders", key=b"ada",
        ),
        "unknown_currency",
    ),
    "text as a key": (record(b"bad", "orders", key=SAID.encode()), "undecodable"),
    "text behind the record": (record(encode(placed()) + SAID.encode(), "orders", key=b"ada"), "undecodable"),
}  # fmt: skip


@pytest.mark.parametrize(("bad", "reason"), SPOILT.values(), ids=SPOILT)
@pytest.mark.parametrize("known", [True, False])
def test_nothing_that_a_source_wrote_stands_in_the_open_but_origin_and_reason_do(
    bad: Record, reason: str, *, known: bool
) -> None:
    seals = keys("ada") if known else keys()
    buried = bury(bad, refused(bad), seals)
    assert dict(buried.headers) == {ORIGIN: b"orders/0/0", REASON: reason.encode()}
    assert SAID.encode() not in (buried.value or b"") + (buried.key or b"")
    found = dig_up(letter(buried), seals.chain.find)
    assert (found.key, found.value, found.detail) == (bad.key, bad.value, refused(bad).detail)


def test_it_is_sealed_for_a_person_who_has_a_key_or_else_for_the_day() -> None:
    seals = keys("ada")
    for key, whose in ((b"ada", "ada"), (b"bob", "#"), (b"", "#"), (None, "#"), (b"\xff", "#"), (b"ada ", "#")):
        bad = record(b"bad", "orders", key=key)
        buried = bury(bad, refused(bad), seals)
        assert owner(buried, seals).startswith(whose)
        assert buried.key == (b"ada" if whose == "ada" else None)


def test_whom_the_event_names_goes_before_whom_the_key_names() -> None:
    wrong = record(placed("ada"), "support", key=b"order-17")
    seals = keys("ada", "order-17")
    assert owner(bury(wrong, refused(wrong), seals), seals) == "ada"
    assert person_of(b"order-17", b"bad") == "order-17"


def test_whom_an_event_in_confluents_format_names_is_known_too() -> None:
    wrong = record(framed(encode(placed("ada")), 7), "support", key=b"order-17")
    known = translated(wrong, 7, understand(json.dumps(load_schema("OrderPlaced"))))
    assert isinstance(known.single, bytes)
    for seals, whose in ((keys("ada", "order-17"), "ada"), (keys("order-17"), "#")):
        buried = bury(known, refused(known), seals)
        assert owner(buried, seals).startswith(whose)
        found = dig_up(letter(buried), seals.chain.find)
        assert (found.person, found.value) == ("ada", wrong.value)
    unknown = translated(wrong, 7, Rejected("unknown_schema", "7"))
    assert owner(bury(unknown, refused(unknown), keys("ada", "order-17")), keys("ada", "order-17")) == "order-17"


def test_however_many_come_of_nobody_they_make_no_key() -> None:
    seals, fuzzer = keys(), Fuzzer(7)
    owners = Counter[str]()
    for each in islice(fuzzer.records(), 2_000):
        bad = Record(each.topic, 0, 0, fuzzer.now, each.key, each.value, each.headers)
        buried = bury(bad, refused(bad), seals)
        found = dig_up(letter(buried), seals.chain.find)
        assert (found.key, found.value) == (
            (None, None) if found.detail and buried.value is None else (each.key, each.value)
        )
        owners[owner(buried, seals) if buried.value else "nobody"] += 1
    assert set(owners) <= {"#1970-01-01", "nobody"}
    assert len(seals.chain.days()) == 1


def test_without_its_key_a_letter_still_tells_reason_and_origin_and_that_it_is_lost() -> None:
    seals = keys("ada")
    bad = record(SAID.encode(), "orders", key=b"ada")
    buried = letter(bury(bad, refused(bad), seals))
    assert dig_up(buried, lambda _: None) == Contents(None, None, "", DELETED)
    assert (buried.header(ORIGIN), buried.header(REASON)) == (b"orders/0/0", b"undecodable")


def test_a_letter_that_was_tampered_with_or_moved_is_no_letter() -> None:
    seals = keys("ada")
    bad = record(SAID.encode(), "orders", key=b"ada")
    buried = letter(bury(bad, refused(bad), seals))
    value = buried.value or b""
    moved = Record("dead-letters", 0, 0, NOON, None, value, [(ORIGIN, b"orders/0/1"), (REASON, b"undecodable")])
    for wrong in (value[:-1] + b"x", value[:20], b"", b"garbage" * 20):
        assert dig_up(Record("dead-letters", 0, 0, NOON, None, wrong, buried.headers), seals.chain.find).value is None
    assert dig_up(moved, seals.chain.find).lost == DAMAGED

    def other(number: bytes) -> Key:
        return Key("ada", number, bytes(32))

    assert dig_up(buried, other).lost == DAMAGED


def test_what_laurel_wrote_before_it_sealed_is_read_as_it_stands() -> None:
    old = Record("dead-letters", 0, 0, NOON, b"ada", b"bad", [(ORIGIN, b"orders/0/1"), (DETAIL, b"why")])
    assert dig_up(old, lambda _: None) == Contents(b"ada", b"bad", "why")


def test_a_redriven_letter_keeps_where_it_came_from() -> None:
    again = record(b"bad", "redrives", headers=[(REDRIVEN, b"dead-letters/0/5"), ("x", b"y")])
    assert (REDRIVEN, b"dead-letters/0/5") in bury(again, refused(again), keys()).headers
