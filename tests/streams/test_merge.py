"""The merge: by timestamp, each partition in its own order, and never before what could still come (D3)."""

from collections import defaultdict
from itertools import groupby

from hypothesis import given
from hypothesis import strategies as st

from streams.intake import Merge
from streams.records import Record

A, B, C = ("orders", 0), ("orders", 1), ("returns", 0)
Stamps = dict[tuple[str, int], list[int]]


def records(stamps: Stamps) -> dict[tuple[str, int], list[Record]]:
    """One record for each timestamp, with offsets."""
    return {
        (topic, partition): [Record(topic, partition, n, at, None, b"") for n, at in enumerate(ats)]
        for (topic, partition), ats in stamps.items()
    }


def merge_of(*places: tuple[str, int]) -> Merge:
    merge = Merge()
    for place in places:
        merge.add(place)
    return merge


def taken(merge: Merge, limit: int = 1_000) -> list[tuple[str, int, int]]:
    """Topic, partition and timestamp of what leaves."""
    return [(record.topic, record.partition, record.timestamp) for record in merge.take(limit)]


STAMPS = st.fixed_dictionaries({place: st.lists(st.integers(0, 9), max_size=8) for place in (A, B, C)})
"""Timestamps that meet, and go back within a partition."""


def whole(stamps: Stamps) -> list[Record]:
    """The order in which all leave when all is there."""
    merge = merge_of(*stamps)
    merge.at_end = set(stamps)
    merge.put(record for each in records(stamps).values() for record in each)
    return list(merge.take(1_000))


@given(STAMPS)
def test_all_leave_once_and_each_partition_keeps_its_order_also_where_its_timestamps_go_back(stamps: Stamps) -> None:
    left = defaultdict(list)
    for record in whole(stamps):
        left[record.place].append(record.offset)
    assert left == {place: list(range(len(ats))) for place, ats in stamps.items() if ats}


@given(STAMPS)
def test_partitions_in_order_leave_in_one_order(stamps: Stamps) -> None:
    stamps = {place: sorted(ats) for place, ats in stamps.items()}
    left = [(record.timestamp, record.place) for record in whole(stamps)]
    assert left == sorted((at, place) for place, ats in stamps.items() for at in ats)


@given(STAMPS)
def test_nothing_leaves_before_an_earlier_head_of_another_partition(stamps: Stamps) -> None:
    waiting = {place: list(ats) for place, ats in stamps.items()}
    for record in whole(stamps):
        assert record.timestamp == waiting[record.place].pop(0)
        assert all(record.timestamp <= ats[0] for place, ats in waiting.items() if ats and place != record.place)


@given(STAMPS, st.randoms(use_true_random=False), st.integers(1, 5))
def test_the_order_does_not_depend_on_how_records_arrive_or_how_many_are_taken(
    stamps: Stamps, random: object, limit: int
) -> None:
    """As long as a partition with more to come is not at its end."""
    merge, left = merge_of(*stamps), list[Record]()
    coming = records(stamps)
    while any(coming.values()) or any(merge.buffers.values()):
        merge.at_end = {place for place, more in coming.items() if not more}
        some = list(merge.take(limit))
        assert len(some) <= limit
        left += some
        fed = [place for place, more in coming.items() if more]
        if fed:
            place = random.choice(fed)  # type: ignore[attr-defined]
            count = random.randint(1, 3)  # type: ignore[attr-defined]
            merge.put(coming[place][:count])
            coming[place] = coming[place][count:]
    assert left == whole(stamps)


def test_a_partition_that_has_more_to_come_is_waited_for() -> None:
    merge = merge_of(A, B)
    merge.put(records({A: [5, 6]})[A])
    assert taken(merge) == [], "B may still bring something earlier"
    merge.at_end = {B}
    assert taken(merge) == [("orders", 0, 5), ("orders", 0, 6)]


def test_the_merge_stops_where_a_partition_runs_dry() -> None:
    merge = merge_of(A, B)
    merge.put(records({A: [1], B: [2, 3]})[A])
    merge.put(records({A: [1], B: [2, 3]})[B])
    assert taken(merge) == [("orders", 0, 1)], "the next of A may be earlier than 2"
    merge.at_end = {A}
    assert taken(merge) == [("orders", 1, 2), ("orders", 1, 3)]


def test_a_partition_that_is_new_is_waited_for_and_one_that_went_is_not() -> None:
    merge = merge_of(A)
    merge.put(records({A: [1, 2]})[A])
    merge.add(B)
    assert taken(merge) == []
    merge.remove(B)
    merge.at_end = {A}
    assert taken(merge, 1) == [("orders", 0, 1)]
    merge.remove(A)
    assert taken(merge) == [], "its next owner reads it again"
    merge.add(A)
    assert taken(merge) == []


def test_ties_go_by_place_so_that_two_runs_agree() -> None:
    stamps = {C: [1, 1], B: [1], A: [1]}
    assert [place for place, _ in groupby(record.place for record in whole(stamps))] == [A, B, C]


def test_adding_a_partition_twice_keeps_what_it_had() -> None:
    merge = merge_of(A)
    merge.put(records({A: [1]})[A])
    merge.add(A)
    merge.at_end = {A}
    assert taken(merge) == [("orders", 0, 1)]
