"""The tables of one partition: rows, position and copy are one batch; the copy's own rows are no part of the state."""

from collections.abc import Mapping

import pytest

from state.encoding import decode_row
from state.partition import COPY, POSITION, Copy, PartitionState, Position, read_position, state_of
from state.store import Store
from tests.state.stores import EVERY_STORE, Opened
from tests.state.tables import LAST, MARKS, TALLIES, Nothing, Tally


class Recording:
    """A real store that keeps what was written to it, batch by batch, and may fail to write."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.batches: list[Mapping[bytes, bytes | None]] = []
        self.full = False
        self.get, self.scan, self.close = store.get, store.scan, store.close

    def write(self, changes: Mapping[bytes, bytes | None]) -> None:
        if self.full:
            raise OSError("disk full")
        self.batches.append(dict(changes))
        self._store.write(changes)


def commit(state: PartitionState, position: int, changelog: int) -> dict[bytes, bytes | None]:
    """What a batch does once its transaction is committed."""
    changes = state.changes(position)
    state.settle(changes, Copy(changelog, 1_000))
    return changes


@EVERY_STORE
def test_a_new_partition_reflects_nothing(opened: Opened) -> None:
    with opened() as store:
        state = PartitionState(store)
        assert state.position is None
        assert state.copy is None
        assert list(state_of(store)) == []


@EVERY_STORE
def test_rows_position_and_copy_are_written_in_one_batch_d2(opened: Opened) -> None:
    with opened() as real:
        store = Recording(real)
        state = PartitionState(store)
        state.overlay.put(TALLIES, Tally(7), "a")
        state.overlay.delete(MARKS, "b")
        state.overlay.keep()
        assert store.batches == [], "nothing is written before the commit"
        changes = commit(state, 42, 99)
        assert len(store.batches) == 1
        assert set(store.batches[0]) == {TALLIES.key("a"), MARKS.key("b"), POSITION.key(), COPY.key()}
        assert (state.position, state.copy) == (42, Copy(99, 1_000))
        assert list(changes)[-1] == POSITION.key(), "the position row is the last record of the changelog"
        assert COPY.key() not in changes, "the copy's own row does not travel"


@EVERY_STORE
def test_every_batch_moves_the_position_also_one_that_changed_no_row_d2(opened: Opened) -> None:
    with opened() as store:
        state = PartitionState(store)
        assert set(commit(state, 1, 1)) == {POSITION.key()}
        assert set(commit(state, 2, 2)) == {POSITION.key()}
        assert (state.position, read_position(store)) == (2, 2)


@EVERY_STORE
def test_the_position_zero_is_a_position_t_23(opened: Opened) -> None:
    with opened() as store:
        state = PartitionState(store)
        commit(state, 0, 0)
        assert state.position == 0
        assert state.copy == Copy(0, 1_000)


@EVERY_STORE
def test_a_batch_that_cannot_be_written_leaves_all_as_it_was(opened: Opened) -> None:
    with opened() as real:
        store = Recording(real)
        state = PartitionState(store)
        state.overlay.put(TALLIES, Tally(1), "a")
        state.overlay.keep()
        commit(state, 1, 1)
        before = dict(real.scan())
        state.overlay.put(TALLIES, Tally(2), "a")
        state.overlay.keep()
        store.full = True
        with pytest.raises(OSError, match="full"):
            commit(state, 2, 2)
        assert dict(real.scan()) == before
        assert state.overlay.get(TALLIES, "a") == Tally(2), "what was not written is not taken for written"


@EVERY_STORE
def test_rows_of_the_copy_alone_are_no_part_of_the_state(opened: Opened) -> None:
    with opened() as one, opened() as other:
        for store, changelog in ((one, 5), (other, 500)):
            state = PartitionState(store)
            state.overlay.put(TALLIES, Tally(), "zero")
            state.overlay.put(LAST, Tally(3), "\U0010ffff")
            state.overlay.put(MARKS, Nothing(), "")
            state.overlay.keep()
            commit(state, 3, changelog)
        assert dict(one.scan()) != dict(other.scan())
        assert list(state_of(one)) == list(state_of(other))
        assert {key for key, _ in state_of(one)} == {
            TALLIES.key("zero"), MARKS.key(""), LAST.key("\U0010ffff"), POSITION.key(),
        }  # fmt: skip


@EVERY_STORE
def test_a_copy_restored_from_the_changelog_is_the_state_it_came_from(opened: Opened) -> None:
    with opened() as origin, opened() as restored:
        state, changelog = PartitionState(origin), list[tuple[bytes, bytes | None]]()
        for n in range(5):
            state.overlay.put(TALLIES, Tally(n), "a")
            state.overlay.put(MARKS, Nothing(), str(n))
            state.overlay.delete(MARKS, str(n - 1))
            state.overlay.keep()
            changelog += commit(state, n + 1, 0).items()
        copy = PartitionState(restored)
        middle = len(changelog) // 2
        copy.restore(dict(changelog[:middle]), Copy(middle, 1))
        assert copy.copy == Copy(middle, 1)
        copy.restore(dict(changelog[middle:]), Copy(len(changelog), 2))
        assert dict(state_of(restored)) == dict(state_of(origin))
        assert copy.position == 5
        assert copy.overlay.get(TALLIES, "a") == Tally(4)
        # The same records once more, as after a crash between two batches of a restore.
        copy.restore(dict(changelog[middle:]), Copy(len(changelog), 3))
        assert dict(state_of(restored)) == dict(state_of(origin))


@EVERY_STORE
def test_restoring_writes_rows_and_how_far_they_go_in_one_batch(opened: Opened) -> None:
    with opened() as real:
        store = Recording(real)
        state = PartitionState(store)
        state.restore({b"a1": None, b"a2": b""}, Copy(3, 1))
        assert [set(batch) for batch in store.batches] == [{b"a1", b"a2", COPY.key()}]
        assert store.get(b"a1") is None
        assert store.get(b"a2") == b"", "an empty value is a row; only None removes one (T-23)"


def test_the_position_row_is_one_like_others_and_the_copys_row_never_leaves_the_disk() -> None:
    assert decode_row(POSITION, bytes((1, 0x91, 42))) == Position(42)
    assert COPY.key() == b"\x00"
