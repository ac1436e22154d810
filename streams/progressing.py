"""How much waits: before intake, and before the fold."""

import time
from collections import Counter
from collections.abc import Callable

from schemas.topics import INTAKE
from streams.lag import waiting
from streams.settings import Settings

LOOK_S = 0.5
QUIET_LOOKS = 3


def waiting_by_topic(settings: Settings) -> dict[str, int]:
    """Offsets between position and end, by topic. The timeline is looked at first and last: what moves on shows."""
    counts = dict.fromkeys((*INTAKE, "timeline"), 0)
    for agent, topics in (("customers", ("timeline",)), ("intake", INTAKE), ("customers", ("timeline",))):
        look: Counter[str] = Counter()
        for (topic, _), (position, end) in waiting(settings, agent, topics).items():
            look[settings.bare(topic)] += end - position
        counts |= {topic: max(counts[topic], count) for topic, count in look.items()}
    return counts


def wait_until_idle(settings: Settings, advance: Callable[[int], None]) -> None:
    """Return when nothing has waited for several looks in a row."""
    quiet, before = 0, 0
    while quiet < QUIET_LOOKS:
        left = sum(waiting_by_topic(settings).values())
        advance(max(0, before - left))
        before = left
        quiet = quiet + 1 if left == 0 else 0
        time.sleep(LOOK_S)
