"""One run of `step_cost.py`, in a process of its own: fold the shop's events, and say what it took.

Usage: PYTHONPATH=CHECKOUT:HERE python tests/bench/step_once.py EVENTS [--looking]
"""

import json
import signal
import sys
import time
from collections import Counter
from collections.abc import Mapping
from itertools import islice
from types import FrameType
from typing import Any, Self

from tests.bench.shop import happenings
from tests.streams.engines import engine, fingerprint

CUSTOMERS, BEGIN, EVERY = 1_000, 1_700_000_000_000, 300_000
"""An order every five minutes: ticks are few beside events, as under load."""
LOOK_S = 0.001
PARTS: Mapping[str, str] = {
    "schemas.codec.encode": "decisions and messages encoded",
    "schemas.codec.encode_fields": "decisions and messages encoded",
    "schemas.codec": "events decoded",
    "schemas.wire": "events decoded",
    "streams.intake": "intake",
    "streams.burying": "intake",
    "state.overlay.keep": "rows encoded",
    "state.overlay": "rows read",
    "state.encoding.decode_row": "rows read",
    "processors.row_bytes.decode_row": "rows read",
    "state.partition": "rows written",
    "state.memory": "rows written",
    "streams.driver": "the driver itself",
    "streams.customers": "batches",
    "streams.folding": "batches",
    "processors.public_profile": "public profile",
    "processors.qualification": "tier",
    "processors.tiers": "tier",
    "processors.approval": "tier",
    "processors.timers": "timers",
    "processors.point_rules": "points",
    "processors.ledger": "points",
    "processors.lots": "points",
    "processors.accrual": "points",
    "processors.bookings": "points",
    "processors.facts": "facts",
    "processors.order": "facts",
    "processors.lifetime_value": "facts",
    "processors.activity": "facts",
    "processors.interactions": "facts",
    "processors.movements": "facts",
    "processors.fulfilment": "fulfilment",
    "processors.at_risk": "at risk, win-back, celebrations",
    "processors.win_back": "at risk, win-back, celebrations",
    "processors.celebrations": "at risk, win-back, celebrations",
    "processors.service": "service",
    "processors.routing": "service",
    "processors.recovery": "service",
    "processors.return_rules": "returns",
    "processors.return_rights": "returns",
    "processors.returns": "returns",
    "processors.step": "step",
    "processors.work": "step",
    "processors.partition": "step",
    "processors.fold.wanted": "timers",
    "processors.fold": "other rules",
    "processors.notices": "other rules",
    "processors.synchronisation": "other rules",
    "processors.lifecycle": "other rules",
    "processors.figures": "other rules",
}
"""By function or module; what is in none of them counts for who called it."""


class Looks:
    """Where the program is, a thousand times a second."""

    def __init__(self) -> None:
        self.parts = Counter[str]()

    def __enter__(self) -> Self:
        signal.signal(signal.SIGALRM, self._look)
        signal.setitimer(signal.ITIMER_REAL, LOOK_S, LOOK_S)
        return self

    def __exit__(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)

    def _look(self, _: int, frame: FrameType | None) -> None:
        part = None
        while frame is not None and part is None:
            module = frame.f_globals.get("__name__", "")
            part = PARTS.get(f"{module}.{frame.f_code.co_name}") or PARTS.get(module)
            frame = frame.f_back
        self.parts[part or "elsewhere"] += 1


def once(events: int, *, looking: bool) -> dict[str, Any]:
    """Fold the events, and say what it took: in the process that is asked."""
    driver = engine(islice(happenings(CUSTOMERS, BEGIN, EVERY), events), partitions=4)
    found: dict[str, int] = {}
    began = time.process_time()
    if looking:
        with Looks() as looks:
            driver.run()
        found = dict(looks.parts)
    else:
        driver.run()
    used = time.process_time() - began
    return {"us": used / events * 1e6, "looks": found, "fingerprint": fingerprint(driver)}


if __name__ == "__main__":
    print(json.dumps(once(int(sys.argv[1]), looking="--looking" in sys.argv)))
