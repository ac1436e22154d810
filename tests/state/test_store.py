"""One contract for every store, and what only a store on disk can do."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from state.rocks import RocksStore, destroy
from state.store import Store
from tests.state.stores import EVERY_STORE, Opened, empty

KEY = st.lists(st.sampled_from([0x00, 0x01, 0x61, 0x62, 0xFE, 0xFF]), max_size=4).map(bytes)
"""Few letters, so that keys meet, prefix each other and stand at the ends of the order; the empty key too."""
VALUE = st.sampled_from([b"", b"\x00", b"a"]) | st.binary(max_size=20)
CHANGES = st.dictionaries(KEY, VALUE | st.none(), max_size=6)
Model = dict[bytes, bytes]


def expected_scan(model: Model, start: bytes, stop: bytes | None) -> list[tuple[bytes, bytes]]:
    return sorted((key, value) for key, value in model.items() if key >= start and (stop is None or key < stop))


def apply(model: Model, changes: Mapping[bytes, bytes | None]) -> None:
    for key, value in changes.items():
        if value is None:
            model.pop(key, None)
        else:
            model[key] = value


@EVERY_STORE
def test_a_store_is_a_sorted_dictionary(opened: Opened) -> None:
    with opened() as store:

        @settings(max_examples=200)
        @given(st.lists(CHANGES, max_size=6), st.lists(KEY, max_size=8), st.lists(st.tuples(KEY, KEY | st.none())))
        def law(
            batches: list[dict[bytes, bytes | None]], keys: list[bytes], ranges: list[tuple[bytes, bytes | None]]
        ) -> None:
            empty(store)
            model: Model = {}
            for changes in batches:
                store.write(changes)
                apply(model, changes)
            assert [store.get(key) for key in keys] == [model.get(key) for key in keys]
            assert list(store.scan()) == sorted(model.items())
            for start, stop in ranges:
                assert list(store.scan(start, stop)) == expected_scan(model, start, stop)

        law()


@EVERY_STORE
def test_an_empty_store_has_nothing(opened: Opened) -> None:
    with opened() as store:
        assert store.get(b"a") is None
        assert store.get(b"") is None
        assert list(store.scan()) == []


@EVERY_STORE
def test_an_empty_value_is_a_value_t_23(opened: Opened) -> None:
    with opened() as store:
        store.write({b"empty": b"", b"zero": b"\x00", b"": b"under the empty key"})
        assert store.get(b"empty") == b""
        assert dict(store.scan()) == {b"": b"under the empty key", b"empty": b"", b"zero": b"\x00"}
        store.write({b"empty": None, b"": None, b"never there": None})
        assert list(store.scan()) == [(b"zero", b"\x00")]


@EVERY_STORE
def test_bounds_take_in_the_start_and_leave_out_the_stop(opened: Opened) -> None:
    keys = [b"", b"\x00", b"a", b"a\x00", b"a\xff", b"a\xff\xff", b"b", b"\xff", b"\xff\xff"]
    with opened() as store:
        store.write(dict.fromkeys(reversed(keys), b"x"))
        assert [key for key, _ in store.scan()] == keys
        assert [key for key, _ in store.scan(b"a", b"b")] == [b"a", b"a\x00", b"a\xff", b"a\xff\xff"]
        assert [key for key, _ in store.scan(b"a\x00\x00", b"a\xff\xff")] == [b"a\xff"]
        assert [key for key, _ in store.scan(b"\xff")] == [b"\xff", b"\xff\xff"]
        assert [key for key, _ in store.scan(b"\xff\xff\xff")] == []
        assert [key for key, _ in store.scan(b"a", b"a")] == []
        assert [key for key, _ in store.scan(b"b", b"a")] == []
        assert [key for key, _ in store.scan(b"", b"")] == []


@EVERY_STORE
def test_a_store_says_about_how_much_it_holds(opened: Opened) -> None:
    with opened() as store:
        assert store.size().rows == 0
        store.write({bytes((n,)): b"x" * 1_000 for n in range(100)})
        rows, size_bytes = store.size()
        assert rows == 100
        assert size_bytes >= 100_000


class Breaking(dict[bytes, bytes | None]):
    """Changes whose caller fails half-way."""

    def items(self) -> Iterator[tuple[bytes, bytes | None]]:  # type: ignore[override]
        yield b"a", b"new"
        yield b"b", None
        self.fail()

    def fail(self) -> NoReturn:
        raise RuntimeError("half-way")


@EVERY_STORE
def test_changes_are_applied_all_or_none(opened: Opened) -> None:
    with opened() as store:
        store.write({b"a": b"old", b"b": b"old"})
        with pytest.raises(RuntimeError):
            store.write(Breaking())
        assert dict(store.scan()) == {b"a": b"old", b"b": b"old"}


@EVERY_STORE
def test_what_is_written_while_a_scan_is_read_does_not_disturb_it(opened: Opened) -> None:
    with opened() as store:
        store.write({bytes((n,)): b"x" for n in range(10)})
        found = []
        for key, _ in store.scan(b"", b"\x05"):
            found.append(key)
            store.write({key: b"y", b"\x09": None})
        assert found == [bytes((n,)) for n in range(5)]


# On disk


def test_rows_are_there_when_the_store_is_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "not" / "there" / "yet"
    for n in range(3):
        store = RocksStore(path)
        assert dict(store.scan()) == {bytes((m,)): b"" for m in range(n)}
        store.write({bytes((n,)): b"", b"gone": b"x"})
        store.write({b"gone": None})
        store.close()


def test_a_copy_can_be_read_while_its_owner_writes_it(tmp_path: Path) -> None:
    owner = RocksStore(tmp_path / "rows")
    owner.write({b"a": b"1"})
    reader = RocksStore(tmp_path / "rows", read_only=True)
    owner.write({b"a": b"2", b"b": b"2"})
    assert dict(reader.scan()) == {b"a": b"1"}, "a reader sees the copy as it was when opened"
    with pytest.raises(Exception, match="read only"):
        reader.write({b"c": b"3"})
    reader.close()
    assert dict(owner.scan()) == {b"a": b"2", b"b": b"2"}
    owner.close()


def test_reading_a_copy_that_is_not_there_makes_none(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="No such file"):
        RocksStore(tmp_path / "rows", read_only=True)
    assert not list(tmp_path.glob("rows/CURRENT"))


def test_a_store_has_one_owner(tmp_path: Path) -> None:
    owner = RocksStore(tmp_path / "rows")
    with pytest.raises(Exception, match="lock"):
        RocksStore(tmp_path / "rows")
    owner.close()
    RocksStore(tmp_path / "rows").close()


def test_destroying_removes_the_rows_and_may_be_repeated(tmp_path: Path) -> None:
    store = RocksStore(tmp_path / "rows")
    store.write({b"a": b"1"})
    store.close()
    destroy(tmp_path / "rows")
    destroy(tmp_path / "rows")
    store = RocksStore(tmp_path / "rows")
    assert list(store.scan()) == []
    store.close()


WRITER = """
import sys
from pathlib import Path
from state.rocks import RocksStore

store = RocksStore(Path(sys.argv[1]))
n = 0
while True:
    n += 1
    store.write({f"row-{m}".encode(): str(n).encode() for m in range(500)})
    if n == 20:
        print("many", flush=True)
"""


def test_a_batch_survives_kill_9_whole_or_not_at_all(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", WRITER, tmp_path / "rows"], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"many\n"
        process.kill()
    store = RocksStore(tmp_path / "rows")
    rows = list(store.scan())
    store.close()
    assert len(rows) == 500
    (last,) = {value for _, value in rows}
    assert int(last) >= 20


def check_closed(store: Store) -> None:
    with pytest.raises(Exception, match="closed"):
        store.get(b"a")


def test_a_closed_store_on_disk_cannot_be_used(tmp_path: Path) -> None:
    store = RocksStore(tmp_path / "rows")
    store.close()
    check_closed(store)


def test_rows_that_are_not_there_are_not_looked_for_on_disk(tmp_path: Path) -> None:
    def cost(keys: list[bytes]) -> int:
        """Bytes of files that are read for as many rows."""
        before = bytes_read()
        assert len({store.get(key) is None for key in keys}) == 1
        return bytes_read() - before

    there, absent = ([b"%06d" % number for number in range(first, 100_000, 2)] for first in (0, 1))
    store = RocksStore(tmp_path / "p0")
    store.write(dict.fromkeys(there, b"v" * 100))
    store.close()
    store = RocksStore(tmp_path / "p0")  # what was in memory is in files now
    try:
        cost(there[:1])  # opens the files
        # Of two halves: blocks that were read stay in memory.
        in_vain = cost(absent[:25_000:20])
        assert in_vain * 3 < cost(there[25_000::20])
    finally:
        store.close()


def bytes_read() -> int:
    (line,) = (line for line in Path("/proc/self/io").read_text().splitlines() if line.startswith("rchar"))
    return int(line.split()[1])
