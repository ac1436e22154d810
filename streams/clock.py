"""The log's time: which ticks intake writes, and when (D4).

Two sources. `WallClock`: this machine's clock, a tick per partition every few seconds. `EventsClock`: the records
themselves, for imports, simulations and the demo; it ticks at every local midnight that the history passes and before
every record over an hour later than the last tick.
"""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


def now_ms() -> int:
    """This machine's clock, milliseconds since 1970 UTC."""
    return time.time_ns() // 1_000_000


def midnights(after: int, until: int, zone: ZoneInfo) -> Iterator[int]:
    """The local midnights later than `after` and not later than `until`, in milliseconds since 1970 UTC."""
    day = datetime.fromtimestamp(after / 1000, UTC).astimezone(zone).date()
    while True:
        day += timedelta(days=1)
        instant = int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp() * 1000)
        if instant > until:
            return
        yield instant


class EventsClock:
    """Time as the merged records tell it. One worker must hold every partition, or it would not see the minimum."""

    def __init__(self, time_zone: str, max_jump_days: int) -> None:
        self._zone = ZoneInfo(time_zone)
        self._max_jump_ms = max_jump_days * DAY_MS
        self.last: int | None = None

    def jumps(self, timestamp: int) -> bool:
        """Whether a record is so far ahead that its date must be wrong; time must not follow it."""
        return self.last is not None and timestamp - self.last > self._max_jump_ms

    def before(self, timestamp: int) -> list[int]:
        """The instants to tick before a record of this timestamp is appended."""
        if self.last is None:
            self.last = timestamp
            return [timestamp]
        instants = [] if timestamp <= self.last else list(midnights(self.last, timestamp, self._zone))
        if timestamp - (instants[-1] if instants else self.last) > HOUR_MS:
            instants.append(timestamp)
        if instants:
            self.last = instants[-1]
        return instants


class WallClock:
    """This machine's time; each partition of `messages` that the worker owns ticks its partition of the timeline."""

    def __init__(self, every_s: float, idle_s: float) -> None:
        self._every_ms, self._idle_ms = int(every_s * 1000), int(idle_s * 1000)
        self._ticked: dict[int, int] = {}
        self._busy: set[int] = set()

    def saw_events(self) -> None:
        """Records were appended, to which partitions is the producer's knowledge: all of them count as busy."""
        self._busy.update(self._ticked)

    def due(self, partitions: set[int], now: int) -> set[int]:
        """The partitions whose next tick is due."""
        return {
            partition
            for partition in partitions
            if now - self._ticked.get(partition, 0) >= (self._every_ms if partition in self._busy else self._idle_ms)
        }

    def ticked(self, partitions: set[int], now: int) -> None:
        """The ticks of these partitions are committed."""
        self._ticked.update(dict.fromkeys(partitions, now))
        self._busy -= partitions
