"""A rule that raises on one record stops that record's partition only, until somebody leaves the record out (D12)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas import events as e
from schemas.codec import encode
from tests.faults.events import Published
from tests.faults.system import HURT, PARTITIONS

if TYPE_CHECKING:
    from tests.faults.system import System


def test_one_partition_stops_and_goes_on_when_the_record_is_skipped(system: System) -> None:
    sound, broken = system.worker("sound"), system.worker("broken")
    broken.start(HURT, HURT_RAISE_ON="broken")
    system.await_running(broken)
    system.publisher.start()
    system.await_progress()
    event = e.CustomerRegistered(event_id="broken-1", customer_id="unlucky", occurred_at=1_700_000_000_000)
    system.publisher.publish([Published("interactions", b"unlucky", encode(event), event)])
    place = next(place for place, made in system.publisher.journal.items() if made.event is event)

    system.wait(lambda: broken.ready().get("state") == "partitions stopped", "the partition to stop")
    system.oracle.read()
    (record,) = system.oracle.timeline["/".join(map(str, place))]
    partition, offset = record.partition(), record.offset()
    where, why = next(iter(broken.ready()["stopped"].items()))
    assert where == f"timeline/{partition}"
    for part in (f"timeline/{partition} offset {offset}", "unit record", "a bug on broken-1", "laurel skip"):
        assert part in why
    (said,) = broken.said("partition_stopped")
    assert (said["topic"], said["partition"], said["because"]) == ("timeline", partition, why)
    others = set(range(PARTITIONS)) - {partition}
    # Also what stands still is seen: its rows, and under which policy (PolicyVersionsDiffer is about such a one).
    assert broken.counted("laurel_table_rows").keys() == {str(n) for n in range(PARTITIONS)}
    before = system.positions("customers")
    system.wait(
        lambda: all(system.positions("customers")["timeline", n] > before["timeline", n] + 2 for n in others),
        "the other partitions to go on",
    )
    assert system.positions("customers")["timeline", partition] == before["timeline", partition] <= offset

    # Another worker joins, and the partition stays where it is: with whoever has the bug, in whatever state it is.
    sound.start(HURT, HURT_RAISE_ON="broken")
    system.wait(lambda: sound.ready().get("state") in {"running", "partitions stopped"}, "the second worker")
    done = system.laurel("skip", partition, offset, "--unit", "record", "--reason", "a test")
    assert done.returncode == 0, done.stderr
    system.await_progress()
    system.await_running(sound, broken)
    system.publisher.stop()
    system.await_idle()

    refused = system.laurel("skip", partition, offset, "--unit", "record", "--reason", "too late")
    assert refused.returncode == 2
    assert "past" in refused.stderr
    assert system.violations(skipped={place}) == []
    assert broken.running
    assert len(broken.said("bug")) >= 1
