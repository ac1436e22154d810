"""The comparison for people: a table, a chart, and what is needed to repeat it."""

import os
import platform
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median

from tests.bench.engines import ENGINES, ROOT
from tests.bench.meter import Measured
from tests.bench.orders import CUSTOMERS, PARTITIONS

Round = Mapping[str, Measured]
"""What each engine measured when its turn came; an engine whose run was void is missing."""
BASE = "plain-faust"
RAW, WHOLE = "raw-loop", "laurel-whole"
WANTED, WANTED_OF_RAW = 10, 0.2
WIDTH = 50
PACKAGES = ("faust-streaming", "aiokafka", "confluent-kafka", "rocksdict", "fastavro", "msgspec")
JOB = """\
{events:,} orders of {customers:,} customers in {partitions} partitions; per customer lifetime value, number and tier in
RocksDB with a changelog topic, and an event for every change of tier; one worker process. laurel does it through its
live channel, table and commit code (`tests/bench/fixed_job.py`). After every run of laurel the changelog and the tier
events are recounted from the orders; a run that differs anywhere is void."""
WHOLE_JOB = """\
laurel-whole is another job, the product's own (`tests/bench/shop.py`): intake and customers, orders with all that comes of
them under the shipped policy, explained decisions, flags, points, profiles. A run is void unless `laurel verify` finds nothing."""
CAUTION = """\
The broker and whatever else the machine does share its cores with the worker: only ratios of one run mean anything, and
CPU per million says more than the clock. CPU and memory are the worker's alone. Plain Faust is given the first orders
only, and a nearly empty table with them, both in its favour."""
HEADER = (
    "engine",
    "guarantee",
    "events",
    "events/s, median (min-max)",
    "times plain Faust in the same run",
    "CPU s per million",
    "peak MB",
    "measured",
)
RULE = ("---", "---", *["---:"] * 5, "---")


def spread(figures: Sequence[float], form: str = ",.0f") -> str:
    """Median and, where there are several, the least and the most."""
    text = format(median(figures), form)
    return text if len(figures) == 1 else f"{text} ({min(figures):{form}}-{max(figures):{form}})"


def ratios(rounds: Sequence[Round], engine: str) -> list[float]:
    """How many times as fast as plain Faust in the same round."""
    return [each[engine].rate / each[BASE].rate for each in rounds if engine in each and BASE in each]


def table(rounds: Sequence[Round]) -> list[str]:
    lines = [HEADER, RULE]
    for engine in _by_rate(rounds):
        runs = [each[engine] for each in rounds if engine in each]
        cells = (
            engine,
            ENGINES[engine].guarantee,
            f"{runs[0].events:,}",
            spread([run.rate for run in runs]),
            spread(times, ".1f") if (times := ratios(rounds, engine)) else "",
            spread([run.cpu_s_per_million for run in runs], ".1f"),
            spread([run.peak_mb for run in runs]),
            ENGINES[engine].measures,
        )
        lines.append(cells)
    return [f"| {' | '.join(cells)} |" for cells in lines]


def chart(rounds: Sequence[Round]) -> list[str]:
    """Medians as bars."""
    rates = {engine: _median_rate(rounds, engine) for engine in _by_rate(rounds)}
    most, names = max(rates.values()), max(map(len, rates))
    return [f"{name:{names}}  {'█' * max(1, round(WIDTH * rate / most))} {rate:,.0f}" for name, rate in rates.items()]


def verdict(rounds: Sequence[Round]) -> tuple[bool, str]:
    """Whether laurel is fast enough, in every round and not only in the middle one."""
    times = ratios(rounds, "laurel")
    if not times:
        return False, "No round has both laurel and plain Faust."
    holds = min(times) >= WANTED
    judged = "holds" if holds else "does NOT hold"
    return holds, f"laurel at least {WANTED} times plain Faust in the same run: {judged}, {spread(times, '.1f')} times."


def of_raw(rounds: Sequence[Round]) -> list[str]:
    """How the whole job stands beside what Python's clients allow for the fixed one, where both ran."""
    both = [(each[WHOLE], each[RAW]) for each in rounds if WHOLE in each and RAW in each]
    if not both:
        return []
    rates = [whole.rate / raw.rate for whole, raw in both]
    cpu = [whole.cpu_s_per_million / raw.cpu_s_per_million for whole, raw in both]
    judged = "holds" if min(rates) >= WANTED_OF_RAW else "does NOT hold"
    found = f"{spread(rates, '.2f')} of it, at {spread(cpu, '.1f')} times its CPU per event"
    return [
        WHOLE_JOB,
        f"The whole job at least {WANTED_OF_RAW} of the raw loop's rate in the same run: {judged}, {found}.",
    ]


def page(rounds: Sequence[Round], voids: Sequence[str], command: str, events: int) -> str:
    java = {"kafka-streams"} & set(_by_rate(rounds))
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    parts = [
        "# The same job in several engines",
        JOB.format(events=events, customers=CUSTOMERS, partitions=PARTITIONS),
        "\n".join(table(rounds)),
        "Events a second, medians:",
        "\n".join(["```text", *chart(rounds), "```"]),
        verdict(rounds)[1],
        *of_raw(rounds),
        *[f"Void: {text}" for text in voids],
        CAUTION,
        "\n".join(
            [
                f"- {datetime.now(UTC):%Y-%m-%d}, commit {commit()}, {len(rounds)} rounds, engines taking turns in each",
                f"- {os.cpu_count()} cores; Python {platform.python_version()}; {versions}",
                f"- `{command}`",
                *[
                    "- The programs of quix and kafka-streams are reference programs outside this repository"
                    for _ in java
                ],
            ]
        ),
    ]
    return "\n\n".join(parts) + "\n"


def write(path: Path, section: str) -> None:
    """Put a section into the page in place of the one under its heading; the others stay."""
    title = section.partition("\n")[0]
    old = re.split(r"^(?=# )", path.read_text(encoding="utf-8") if path.exists() else "", flags=re.MULTILINE)
    kept = [each.strip() for each in old if each.strip()]
    places = [number for number, each in enumerate(kept) if each.partition("\n")[0] == title]
    at = places[0] if places else len(kept)
    kept[at : at + 1] = [section.strip()]
    path.write_text("\n\n".join(kept) + "\n", encoding="utf-8")


def command(script: str, beside: Path | None) -> str:
    """The command that measured this, for a page: where the other checkout is, is nobody's business."""
    shown = ["DIR" if word == str(beside) else word for word in sys.argv[1:]]
    return shlex.join(["uv", "run", "python", script, *shown])


def commit() -> str:
    """The commit that ran, and whether code differed from it."""

    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()

    changed = git("status", "--porcelain", "--", "streams", "state", "processors", "schemas", "tests/bench", "uv.lock")
    return (git("rev-parse", "--short", "HEAD") or "unknown") + (" with changes" if changed else "")


def _median_rate(rounds: Sequence[Round], engine: str) -> float:
    return median(each[engine].rate for each in rounds if engine in each)


def _by_rate(rounds: Sequence[Round]) -> list[str]:
    return sorted({engine for each in rounds for engine in each}, key=lambda engine: -_median_rate(rounds, engine))
