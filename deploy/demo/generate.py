"""The demo's input: a purchase history as events, and SYNTHETIC events around it, as files for `laurel publish`.

`python -m deploy.demo.generate --history FILE --policy FILE --seed 1 --into FOLDER` writes into the folder

- `history.jsonl`: the purchases of the history, each line an OrderPlaced;
- `synthetic-seed-1.jsonl`: what a seeded generator invented (deliveries, returns, refunds, poison records and more);
- `events.jsonl`: both, in the order of time, as they are published;
- `policy.json`: the policy as it travels;
- `generated.json`: how many of what, and how far time jumps between two events.

The same history, policy and seed give the same bytes.
"""

from __future__ import annotations

import argparse
import heapq
import json
import sys
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

from deploy.demo.events import Event, placed
from deploy.demo.history import HistoryError, Purchase, read
from deploy.demo.poison import beyond_reach, poison
from deploy.demo.synthetic import DAY_MS, Rates, Times, synthetic
from processors.policy import Policy
from streams.policies import PolicyFileError, load

LEAST_JUMP_DAYS = 31
SAID = (
    "SYNTHETIC: returns, refunds, cancellations, deliveries, registrations, contacts and poison records are invented\n"
    "by a generator (seed {seed}): {synthetic:,} events. Real, from the history: {history:,} purchases."
)


def generate(
    purchases: list[Purchase], policy: Policy, seed: int, rates: Rates | None = None
) -> tuple[list[Event], list[Event], int]:
    """The real events, the synthetic ones, both in the order of time, and the days that time must be able to jump."""
    times = Times(policy.time_zone, max(purchase.day for purchase in purchases))
    currency = policy.currency
    real = [placed(purchase, times.order(purchase.day), currency) for purchase in purchases]
    invented = list(synthetic(purchases, currency, times, seed, rates or Rates()))
    jump_days = _jump_days(real + invented)
    invented += poison(purchases, currency, times, seed)
    invented += beyond_reach(purchases, currency, times, jump_days)
    return sorted(real, key=stamp), sorted(invented, key=stamp), jump_days


def stamp(event: Event) -> int:
    """When a line reaches its topic, milliseconds since 1970 UTC."""
    return int(event["timestamp"] if "timestamp" in event else event["occurred_at"])


def in_time(real: Iterable[Event], invented: Iterable[Event]) -> Iterable[Event]:
    """Both as they are published; of two of one instant, the real one first."""
    return heapq.merge(real, invented, key=stamp)


def _jump_days(events: list[Event]) -> int:
    """Whole days that cover the longest silence of the history, at least `LEAST_JUMP_DAYS`."""
    silences = (later - earlier for earlier, later in pairwise(sorted(map(stamp, events))))
    return max(LEAST_JUMP_DAYS, max(silences, default=0) // DAY_MS + 1)


def write(path: Path, events: Iterable[Event]) -> None:
    """One JSON object a line."""
    with path.open("w", encoding="utf-8", newline="\n") as lines:
        lines.writelines(json.dumps(event, separators=(",", ":")) + "\n" for event in events)


def _counts(real: list[Event], invented: list[Event], jump_days: int, seed: int) -> dict[str, Any]:
    kinds = Counter("poison" if "refused_as" in event else event["type"] for event in invented)
    return {
        "events": len(real) + len(invented),
        "history": len(real),
        "synthetic": len(invented),
        "synthetic_by_type": dict(sorted(kinds.items())),
        "seed": seed,
        "max_jump_days": jump_days,
    }


def main() -> int:
    """Write the files; exit code 2 where history or policy cannot be read."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--history", type=Path, required=True, help="lines of customer, YYYYMMDD, items, amount")
    parser.add_argument("--policy", type=Path, required=True, help="the policy file: its zone and currency are used")
    parser.add_argument("--seed", type=int, default=1, help="of the generator")
    parser.add_argument("--into", type=Path, required=True, help="folder for the files")
    given = parser.parse_args()
    try:
        policy, document = load(given.policy)
        real, invented, jump_days = generate(read(given.history), policy, given.seed)
    except (HistoryError, PolicyFileError) as error:
        print(error, file=sys.stderr)
        return 2
    counts = _counts(real, invented, jump_days, given.seed)
    print(SAID.format(**counts))
    given.into.mkdir(parents=True, exist_ok=True)
    write(given.into / "history.jsonl", real)
    write(given.into / f"synthetic-seed-{given.seed}.jsonl", invented)
    write(given.into / "events.jsonl", in_time(real, invented))
    (given.into / "policy.json").write_text(document + "\n", encoding="utf-8")
    (given.into / "generated.json").write_text(json.dumps(counts) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
