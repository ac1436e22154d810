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
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.bench import report
from tests.bench.engines import ROOT
from tests.bench.step_once import CUSTOMERS

TITLE = "# What an event of the whole job costs"


def turn(root: Path, events: int, *, looking: bool) -> dict[str, Any]:
    """A run in a process of its own, with the code of a checkout and this one's events."""
    command = [sys.executable, str(ROOT / "tests/bench/step_once.py"), str(events), *(["--looking"] if looking else [])]
    environment = os.environ | {"PYTHONPATH": f"{root}{os.pathsep}{ROOT}", "PYTHONHASHSEED": "0"}
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
    report.output(parser)
    given = parser.parse_args()
    found = compare(given)
    text = section(found, given, report.command("tests/bench/step_cost.py", given.beside))
    report.tell(given.output, text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
