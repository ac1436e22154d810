"""How far the sources are ahead of intake: the age of the oldest record that no worker has taken (D4)."""

from collections.abc import Iterable
from time import monotonic

import structlog
from confluent_kafka import KafkaException

from schemas.topics import SOURCES
from streams.clock import DAY_MS, now_ms
from streams.kafka import TIMEOUT_S, Place, admin, committed, partitions_of
from streams.reading import bounds, first, read
from streams.settings import Settings
from streams.watch import Watch

log = structlog.get_logger()
EVERY_S = 5.0
TRUSTED_S = 30.0
"""A figure older than this says nothing of what came since; before the first one, anything may wait."""
MARKERS = 64
"""A gap up to this is looked into: it may hold nothing but the marks that end transactions."""


def waiting(settings: Settings, agent: str, topics: Iterable[str]) -> dict[Place, tuple[int, int]]:
    """Partitions with records that the agent's group has not taken: position and end."""
    asking = admin(settings)
    places = [
        (settings.topic(topic), partition)
        for topic in topics
        for partition in range(partitions_of(asking, settings.topic(topic)))
    ]
    positions, found = committed(settings, agent, places), bounds(settings, places)
    gaps = {
        # What is gone before it was taken is not waiting any more.
        place: (max(low, positions[place] or 0), high)
        for place, (low, high) in found.items()
    }
    small = {place: position for place, (position, high) in gaps.items() if 0 < high - position <= MARKERS}
    real = {(settings.topic(record.topic), record.partition) for records in read(settings, small) for record in records}
    return {
        place: (position, high)
        for place, (position, high) in gaps.items()
        if position < high and (place not in small or place in real)
    }


def oldest_waiting(settings: Settings) -> int | None:
    """The timestamp of the oldest source record that intake has not taken, or None when nothing waits."""
    oldest: int | None = None
    for place, (position, _) in waiting(settings, "intake", SOURCES).items():
        record = first(settings, place, position)
        if record is not None:
            oldest = record.timestamp if oldest is None else min(oldest, record.timestamp)
    return oldest


class SourceLag:
    """Measures again and again, in a thread of its own; ticks carry the last figure."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._behind_ms = DAY_MS
        self._measured = -TRUSTED_S
        self._watch = Watch("lag", self._measure, EVERY_S, TIMEOUT_S)

    def start(self) -> None:
        """Measure once, then go on doing so."""
        self._measure()
        self._watch.start(EVERY_S)

    def stop(self) -> None:
        """Stop measuring."""
        self._watch.stop()

    def behind_ms(self) -> int:
        """Milliseconds; 0 when nothing waits. A figure that is old grows: what came since may wait as long."""
        age_s = monotonic() - self._measured
        return self._behind_ms + (int(age_s * 1000) if age_s > TRUSTED_S else 0)

    def _measure(self) -> None:
        began = monotonic()
        try:
            oldest = oldest_waiting(self._settings)
        except KafkaException as error:
            log.warning("lag_unknown", because=error.args[0].str())
        else:
            self._behind_ms = 0 if oldest is None else max(0, now_ms() - oldest)
            self._measured = began
