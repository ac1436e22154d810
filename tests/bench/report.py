"""The comparison for people: a table, a chart, and what is needed to repeat it."""

import os
import platform
import re
import shlex
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import pairwise
from operator import attrgetter
from pathlib import Path
from statistics import median
from typing import NamedTuple

from tests.bench.engines import ENGINES, PEERS, ROOT
from tests.bench.meter import Measured
from tests.bench.orders import CUSTOMERS, PARTITIONS

Round = Mapping[str, Measured]
"""What each engine measured when its turn came; an engine whose run was void is missing."""
BASE = "plain-faust"
WHOLE = "laurel-whole"
WIDTH = 50
PACKAGES = ("faust-streaming", "aiokafka", "confluent-kafka", "rocksdict", "fastavro", "msgspec")
JOB = """\
{events:,} orders of {customers:,} customers in {partitions} partitions; per customer lifetime value, number and tier in
RocksDB with a changelog topic, and an event for every change of tier; one worker process of one thread, or `all-cores`: as many
workers, or threads, as cores. laurel does it through its live channel, table and commit code (`tests/bench/fixed_job.py`). After
every run of laurel the changelog and the tier events are recounted from the orders; a run that differs anywhere is void."""
WHOLE_JOB = """\
laurel-whole is another job, the product's own (`tests/bench/shop.py`): intake and customers, orders with all that comes of
them under the shipped policy, explained decisions, flags, points, profiles. A run is void unless `laurel verify` finds nothing."""
CAUTION = """\
The broker and whatever else the machine does share its cores with the worker: only ratios of one run mean anything, and
CPU per million says more than the clock. CPU and memory are the worker's alone. Plain Faust is given the first orders
only, and a nearly empty table with them, both in its favour."""
PEERS_NOTE = "The programs of quix and kafka-streams are reference programs outside this repository"
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


class Claim(NamedTuple):
    """What one engine must reach of another's figure in the same round."""

    engine: str
    peer: str
    bound: float
    what: str = "events a second"
    figure: Callable[[Measured], float] = attrgetter("rate")
    at_least: bool = True


CLAIMS = (
    Claim("laurel", BASE, 15),
    Claim("laurel", "quix", 1.3),
    Claim("laurel", "kafka-streams", 1.0, "CPU an event", attrgetter("cpu_s_per_million"), at_least=False),
    Claim("laurel-all-cores", "kafka-streams-all-cores", 1.0),
    Claim(WHOLE, "raw-loop", 0.2),
)


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


def chart(rounds: Sequence[Round]) -> str:
    """Medians as bars."""
    return bars({engine: _median_rate(rounds, engine) for engine in _by_rate(rounds)})


def bars(figures: Mapping[str, float]) -> str:
    """Figures drawn beside one another, under their names."""
    most, names = max(figures.values()), max(map(len, figures))
    lines = [
        f"{name:>{names}} {'█' * max(1, round(WIDTH * each / most))} {each:,.0f}" for name, each in figures.items()
    ]
    return "\n".join(["```text", *lines, "```"])


def judged(rounds: Sequence[Round]) -> list[tuple[bool, str]]:
    """Each claim of which both engines ran: whether it holds, in every round and not only in the middle one, and what was found."""
    found = []
    for claim in CLAIMS:
        both = [(each[claim.engine], each[claim.peer]) for each in rounds if {claim.engine, claim.peer} <= each.keys()]
        if not both:
            continue
        shares = [claim.figure(own) / claim.figure(peer) for own, peer in both]
        holds = min(shares) >= claim.bound if claim.at_least else max(shares) <= claim.bound
        wanted = f"at {'least' if claim.at_least else 'most'} {claim.bound:g} times {claim.peer}'s {claim.what}"
        text = f"{claim.engine} {wanted}: {'holds' if holds else 'does NOT hold'}, {spread(shares, '.2f')} times."
        found.append((holds, text))
    return found


def page(rounds: Sequence[Round], voids: Sequence[str], command: str, events: int) -> str:
    peers = [engine for engine in _by_rate(rounds) if engine in PEERS]
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    parts = [
        "# The same job in several engines",
        JOB.format(events=events, customers=CUSTOMERS, partitions=PARTITIONS),
        "\n".join(table(rounds)),
        "Events a second, medians:",
        chart(rounds),
        *([WHOLE_JOB] if WHOLE in _by_rate(rounds) else []),
        "\n".join(f"- {text}" for _, text in judged(rounds)),
        *[f"Void: {text}" for text in voids],
        CAUTION,
        "\n".join(
            [
                f"- {datetime.now(UTC):%Y-%m-%d}, commit {commit()}, {len(rounds)} rounds, engines taking turns in each",
                f"- {os.cpu_count()} cores; Python {platform.python_version()}; {versions}",
                f"- `{command}`",
                *[f"- {PEERS_NOTE}" for _ in peers[:1]],
            ]
        ),
    ]
    return "\n\n".join(parts) + "\n"


def output(parser: ArgumentParser) -> None:
    """Add the option that says which page a program writes; a trial run writes none."""
    parser.add_argument(
        "--output", type=Path, help="the page to write the section into, as deploy/bench.md; without it none is"
    )


def tell(path: Path | None, section: str) -> None:
    """Print a section, and put it into a page where one is named."""
    if path is not None:
        write(path, section)
    print(section)


def write(path: Path, section: str) -> None:
    """Put a section into the page in place of the one under its heading; the others stay."""
    title = section.partition("\n")[0]
    old = re.split(r"^(?=# )", path.read_text(encoding="utf-8") if path.exists() else "", flags=re.MULTILINE)
    kept = [each.strip() for each in old if each.strip()]
    places = [number for number, each in enumerate(kept) if each.partition("\n")[0] == title]
    at = places[0] if places else len(kept)
    kept[at : at + 1] = [section.strip()]
    path.write_text("\n\n".join(kept) + "\n", encoding="utf-8")


def command(script: str, beside: Path | None = None, *options: str) -> str:
    """The command that measured this, for a page: where the other checkout is, is nobody's business, nor is the page's own name."""
    words = [word for before, word in pairwise(sys.argv) if not {before, word.partition("=")[0]} & {"--output"}]
    shown = ["DIR" if word == str(beside) else word for word in words]
    return shlex.join(["uv", "run", *options, "python", script, *shown])


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
