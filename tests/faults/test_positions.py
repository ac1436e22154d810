"""Positions that the broker forgot, and history that it removed: never from the beginning again, never past a gap (D2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.faults.system import System


def test_expired_positions(system: System) -> None:
    a, b = system.start("a", "b")
    system.publisher.start()
    system.await_progress()
    a.kill()
    b.kill()
    system.forget_positions()
    assert system.positions("customers") == system.positions("intake") == {}
    a.start()
    b.start()
    system.await_progress()
    assert a.said("positions_expired") + b.said("positions_expired")
    system.finish()


def test_a_position_that_was_looked_for_is_looked_for_once(system: System) -> None:
    """All of the timeline was read for it: it is written down at once, also where nothing new ever comes."""
    (a,) = system.start("a")
    system.publisher.publish([system.publisher.history.next() for _ in range(300)])
    system.await_idle()
    ends = {(topic, partition): offset + 1 for topic, partition, offset in sorted(system.publisher.journal)}
    a.kill()
    system.forget_positions()
    a.start()
    system.wait(
        lambda: ends.items() <= system.positions("intake").items(), "the position of each source that has records"
    )
    system.finish()


def test_a_source_whose_old_records_are_gone(system: System) -> None:
    """Retention removes what was taken long ago; that harms nobody, however often workers come and go."""
    (a,) = system.start("a")
    system.publisher.publish([system.publisher.history.next() for _ in range(500)])
    system.await_idle()
    taken = system.positions("intake")
    system.truncate("orders", {partition: at for (topic, partition), at in taken.items() if topic == "orders"})
    system.publisher.start()
    system.start("b")
    assert a.terminate() == 0
    a.start()
    system.await_progress()
    system.publisher.stop()
    system.await_idle()
    # I-1 cannot be asked of records that are gone; everything else can.
    assert system.violations() == []


def test_records_that_are_gone_before_they_were_taken(system: System) -> None:
    """One partition of one source has a hole: it stops and says so; everything else goes on."""
    (a,) = system.start("a")
    system.publisher.publish([system.publisher.history.next() for _ in range(100)])
    system.await_idle()
    assert a.terminate() == 0
    at = system.positions("intake")["orders", 1]
    system.publisher.publish([system.publisher.history.next() for _ in range(200)])
    assert sum(place[:2] == ("orders", 1) and place[2] >= at for place in system.publisher.journal) > 5
    system.truncate("orders", {1: at + 5})
    a.start()
    system.wait(lambda: "orders/1" in a.ready().get("stopped", {}), "orders/1 to stop")
    assert "gone" in a.ready()["stopped"]["orders/1"]
    system.await_progress()
    system.wait(
        lambda: (
            system.oracle.read()
            or all(place[:2] == ("orders", 1) for place in system.oracle.missing(system.publisher.journal))
        ),
        "the other sources to go on",
    )
