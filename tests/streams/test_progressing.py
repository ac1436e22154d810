"""What waits is counted once, by topic."""

from pathlib import Path

from streams.progressing import waiting_by_topic
from streams.reading import bounds
from streams.records import Outgoing
from tests.streams.systems import PARTITIONS, System


def test_the_timeline_is_looked_at_twice_and_counted_once(bootstrap: str, tmp_path: Path) -> None:
    system = System(bootstrap, tmp_path)
    system.write([Outgoing("timeline", b"ada", b"x", partition) for partition in range(PARTITIONS)] * 50)
    ends = bounds(system.settings, [(system.settings.topic("timeline"), n) for n in range(PARTITIONS)])
    waiting = waiting_by_topic(system.settings)
    assert waiting.pop("timeline") == sum(end for _, end in ends.values())
    assert set(waiting.values()) == {0}
