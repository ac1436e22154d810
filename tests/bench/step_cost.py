"""What an event of the whole job costs, in all and part by part: CPU microseconds, both stages, over the driver in memory.

Usage: uv run python tests/bench/step_cost.py [--events N] [--runs R] [--beside CHECKOUT]

Each run is a process of its own that folds the same events (`tests/bench/shop.py`), of one checkout and of the other in turns.
CPU is the process's own, so that other work on the machine shows little. The parts come from runs that are not timed: the
stack is looked at a thousand times a second, and each look counts for the innermost function that belongs to a part. All
runs of a round must come to the same bytes, or they are not compared. The table becomes a section of deploy/bench.md.
"""

import argparse
import json
import os
import platform
import shlex
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from statistics import median
from types import FrameType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

TITLE = "# What an event of the whole job costs"
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

    def __enter__(self) -> "Looks":
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
    from tests.bench.shop import happenings
    from tests.streams.engines import engine, fingerprint

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


def turn(root: Path, events: int, *, looking: bool) -> dict[str, Any]:
    """A run in a process of its own, with the code of a checkout and this one's events."""
    command = [sys.executable, str(Path(__file__)), "--once", str(events), *(["--looking"] if looking else [])]
    environment = os.environ | {"BENCH_ROOT": str(root), "PYTHONHASHSEED": "0"}
    lines = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=True).stdout
    told: dict[str, Any] = json.loads(lines.splitlines()[-1])
    return told


def compare(given: argparse.Namespace) -> dict[str, list[dict[str, Any]]]:
    trees = ({"before": given.beside.resolve()} if given.beside else {}) | {"now": ROOT}
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in trees}
    for number in range(given.runs):
        order = list(trees.items())
        for name, root in order if number % 2 == 0 else reversed(order):
            plain, looked = (turn(root, given.events, looking=looking) for looking in (False, True))
            found[name].append(plain | {"looks": looked["looks"]})
            print(f"round {number + 1}  {name:7} {plain['us']:6.1f} µs  {plain['fingerprint'][:12]}", file=sys.stderr)
    if len({each["fingerprint"] for runs in found.values() for each in runs}) > 1:
        raise SystemExit("the runs came to different bytes: there is nothing to compare")
    return found


def parts(runs: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """CPU microseconds of each part."""
    looks = sum((Counter(each["looks"]) for each in runs), Counter[str]())
    cost = median(each["us"] for each in runs)
    return {part: cost * number / looks.total() for part, number in looks.most_common()}


def section(found: Mapping[str, Sequence[Mapping[str, Any]]], given: argparse.Namespace, command: str) -> str:
    from tests.bench import report

    split = {name: parts(runs) for name, runs in found.items()}
    names = list(split["now"]) + [part for part in split.get("before", {}) if part not in split["now"]]
    lines = [f"| CPU µs an event | {' | '.join(found)} |", f"| --- | {' | '.join('---:' for _ in found)} |"]
    lines += [
        f"| {part} | {' | '.join(f'{each.get(part, 0):.1f}' for each in split.values())} |"
        for part in names
        if max(each.get(part, 0) for each in split.values()) >= 0.05
    ]
    totals = [report.spread([each["us"] for each in runs], ".1f") for runs in found.values()]
    lines.append(f"| **all** | {' | '.join(totals)} |")
    about = (
        f"{given.events:,} events of {CUSTOMERS:,} customers in 4 partitions (`tests/bench/shop.py`), both stages in memory, in\n"
        f"turns, {given.runs} rounds, median (min-max); all runs came to the same bytes."
    )
    made = f"- commit {report.commit()}; {os.cpu_count()} cores; Python {platform.python_version()}\n- `{command}`"
    return "\n\n".join([TITLE, about, "\n".join(lines), made]) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=3, help="rounds; in each every checkout has its turn")
    parser.add_argument("--beside", type=Path, help="another checkout of laurel, measured too")
    parser.add_argument("--output", type=Path, default=ROOT / "deploy" / "bench.md", help="the page to write")
    parser.add_argument("--once", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--looking", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.once:
        sys.path.insert(0, os.environ["BENCH_ROOT"])
        print(json.dumps(once(given.once, looking=given.looking)))
        return 0
    found = compare(given)
    shown = ["DIR" if word == str(given.beside) else word for word in sys.argv[1:]]
    text = section(found, given, shlex.join(["uv", "run", "python", "tests/bench/step_cost.py", *shown]))
    report_to(given.output, text)
    print(text)
    return 0


def report_to(path: Path, text: str) -> None:
    from tests.bench import report

    report.write(path, text)


if __name__ == "__main__":
    sys.exit(main())
