"""Sources beside timeline and dead letters (I-1), damaged on a real broker: what is lost, changed, or nobody's."""

from pathlib import Path

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient
from msgspec.structs import replace

from schemas.codec import Rejected
from streams.burying import bury
from streams.keychain import MemoryKeys, day_of, kept, made
from streams.origins import check_origins
from streams.records import DETAIL, ORIGIN, REASON, Outgoing, Record
from streams.report import Check
from tests.streams.systems import PARTITIONS, System

SOURCE = [Outgoing("orders", b"key %d" % n, b"value %d" % n, 0) for n in range(6)]
"""Their offsets are their numbers. Intake has put the odd ones into the dead letters."""


def taken(number: int) -> Outgoing:
    """On the timeline a record has its subject's key, and its own bytes."""
    return Outgoing("timeline", b"ada", SOURCE[number].value, number % PARTITIONS, None, [origin(number)])


KEYS = MemoryKeys()
ELSEWHOSE = MemoryKeys()
"""Of a key that the broker has not: it was deleted."""
ELSEWHOSE.chain.add(made(day_of(0)))


def buried(
    number: int, key: bytes | None, value: bytes | None, reason: str = "undecodable", keys: MemoryKeys = KEYS
) -> Outgoing:
    record = Record("orders", 0, number, 0, key, value)
    return replace(bury(record, Rejected(reason, "why"), keys), partition=0)


def unsealed(number: int, key: bytes | None, value: bytes | None, reason: bytes) -> Outgoing:
    """As laurel wrote them before it sealed."""
    return Outgoing("dead-letters", key, value, 0, None, [origin(number), (REASON, reason), (DETAIL, b"why")])


def origin(number: int) -> tuple[str, bytes]:
    return ORIGIN, b"orders/0/%d" % number


WELL = [buried(n, SOURCE[n].key, SOURCE[n].value) if n % 2 else taken(n) for n in range(len(SOURCE))]


def but(number: int, *instead: Outgoing) -> list[Outgoing]:
    """What intake wrote, with something else instead of what it made of one record."""
    return [*WELL[:number], *instead, *WELL[number + 1 :]]


def changed(record: Outgoing, value: bytes) -> Outgoing:
    return Outgoing(record.topic, record.key, value, record.partition, None, record.headers)


OTHER = "is there with other bytes, or dead under another key"
CASES: dict[str, tuple[list[Outgoing], str]] = {
    "well": (WELL, ""),
    "taken with other bytes": (but(2, changed(WELL[2], b"value 4")), f"orders/0 offset 2 {OTHER}"),
    "taken without bytes": (but(2, changed(WELL[2], b"")), f"orders/0 offset 2 {OTHER}"),
    "buried with other bytes": (but(3, buried(3, SOURCE[3].key, b"value x")), f"orders/0 offset 3 {OTHER}"),
    "buried under another key": (but(3, buried(3, b"key 5", b"value 3")), f"orders/0 offset 3 {OTHER}"),
    "buried without its bytes": (but(3, buried(3, None, None)), f"orders/0 offset 3 {OTHER}"),
    "sealed for another origin": (
        but(3, replace(buried(5, SOURCE[3].key, SOURCE[3].value), headers=buried(3, None, None).headers)),
        f"orders/0 offset 3 {OTHER}",
    ),
    "damaged": (but(3, changed(WELL[3], (WELL[3].value or b"")[:-1] + b"?")), f"orders/0 offset 3 {OTHER}"),
    "sealed under a key that was deleted": (but(3, buried(3, b"x", b"x", keys=ELSEWHOSE)), ""),
    "unsealed": (but(3, unsealed(3, SOURCE[3].key, SOURCE[3].value, b"empty")), ""),
    "unsealed, with other bytes": (but(3, unsealed(3, SOURCE[3].key, b"x", b"empty")), f"orders/0 offset 3 {OTHER}"),
    "too large": (but(3, buried(3, b"x", b"x", "too_large")), ""),
    "too large, with other bytes": (but(3, unsealed(3, b"key 3", b"x", b"too_large")), f"orders/0 offset 3 {OTHER}"),
    "lost": (but(3), "orders/0 offset 3 is there 0 times"),
    "twice": (but(4, WELL[4], WELL[4]), "orders/0 offset 4 is there 2 times"),
}


def of_source(checks: list[Check]) -> Check:
    (check,) = (check for check in checks if check.what.startswith("source records") and check.compared)
    return check


EXPIRED = ("well", "taken with other bytes", "lost")


@pytest.mark.parametrize(
    ("name", "position"),
    [*((name, len(SOURCE)) for name in CASES), *((name, None) for name in EXPIRED)],
    ids=[*CASES, *(f"{name}, positions expired" for name in EXPIRED)],
)
def test_every_source_record_is_there_once_byte_for_byte_i_1(
    bootstrap: str, tmp_path: Path, name: str, position: int | None
) -> None:
    system = System(bootstrap, tmp_path)
    found, said = CASES[name]
    system.write([kept(KEYS.today()), *SOURCE, *found])
    if position is not None:
        system.commit("intake", ("orders", 0), position)
    checks = check_origins(system.settings, PARTITIONS)
    assert [check.first for check in checks if check.differences] == ([said] if said else [])
    assert sum(check.differences for check in checks) == bool(said)
    assert of_source(checks).compared == len(SOURCE)


def test_where_positions_expired_what_comes_after_the_highest_origin_still_waits(
    bootstrap: str, tmp_path: Path
) -> None:
    """Intake will take it up there (D2)."""
    system = System(bootstrap, tmp_path)
    system.write([kept(KEYS.today()), *SOURCE, *WELL[:4]])
    checks = check_origins(system.settings, PARTITIONS)
    assert not any(check.differences for check in checks)
    assert of_source(checks).compared == 4


def test_what_the_source_keeps_no_more_is_compared_with_nothing(bootstrap: str, tmp_path: Path) -> None:
    system = System(bootstrap, tmp_path)
    system.write([kept(KEYS.today()), *SOURCE, *but(5)])
    system.commit("intake", ("orders", 0), len(SOURCE))
    gone = TopicPartition(system.settings.topic("orders"), 0, 2)
    client = AdminClient({"bootstrap.servers": bootstrap})
    client.delete_records([gone])[gone].result()
    check = of_source(check_origins(system.settings, PARTITIONS))
    assert (check.compared, check.differences) == (4, 1)
    assert check.first == "orders/0 offset 5 is there 0 times"


@pytest.mark.parametrize("position", [len(SOURCE), None], ids=["known", "expired"])
def test_what_names_no_source_is_nobodys(bootstrap: str, tmp_path: Path, position: int | None) -> None:
    system = System(bootstrap, tmp_path)
    names = ("orders/0/6", "orders/0/-1", "orders/9/0", "nonsense")
    forged = [Outgoing("timeline", b"ada", b"x", 0, None, [(ORIGIN, name.encode())]) for name in names]
    system.write([kept(KEYS.today()), *SOURCE, *WELL, *forged])
    if position is not None:
        system.commit("intake", ("orders", 0), position)
    (check,) = (check for check in check_origins(system.settings, PARTITIONS) if check.differences)
    assert check.differences == len(names)
    assert check.first.endswith(f"names {names[0]}, which no source has")
