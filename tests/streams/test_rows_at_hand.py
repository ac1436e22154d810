"""A worker keeps so many rows at hand, however many partitions it has."""

import pytest

from state.memory import MemoryStore
from state.overlay import Overlay
from state.partition import PartitionState
from streams import customers
from streams.customers import Partitions
from streams.records import Outgoing, Record
from streams.restoring import Tables
from tests.state.tables import TALLIES, Tally

MOST = 40


def note(rows: Overlay, record: Record, _: frozenset[str]) -> list[Outgoing]:
    """A row for each record."""
    rows.put(TALLIES, Tally(record.offset), str(record.offset))
    rows.keep()
    return []


@pytest.mark.parametrize("count", [1, 4])
def test_the_rows_that_a_worker_keeps_at_hand_are_shared_by_its_partitions(
    monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    monkeypatch.setattr(customers, "CACHED_ROWS", MOST)
    work = Partitions(Tables(), note, count)
    work.states.update({n: PartitionState(MemoryStore()) for n in range(count)})
    most = 0
    for start in range(0, 100, 5):
        told = [Record("timeline", n, at, 0, None, b"") for n in range(count) for at in range(start, start + 5)]
        folded = work.fold(told)
        assert folded is not None
        folded.settle(dict.fromkeys(folded.markers, 0))
        most = max(most, sum(len(state.overlay._rows) for state in work.states.values()))
    assert MOST // 2 < most <= MOST
