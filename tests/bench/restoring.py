"""Compares restoring a partition from nothing with Kafka Streams restoring the same changelog, in turns on one broker.

Usage: uv run python tests/bench/restoring.py [--rows N] [--runs R] [--beside CHECKOUT]

The broker is LAUREL_BOOTSTRAP's, or one that starts and ends with the comparison. The table becomes a section of
deploy/bench.md.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from deploy.broker import java, runs
from streams import policies, topics
from streams.settings import Settings
from tests.bench import changelog, report
from tests.bench.changelog import Filled
from tests.bench.compare import broker, say, turns
from tests.bench.meter import Measured, peak_mb
from tests.bench.orders import delete_topics

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TITLE = "# Restoring a partition from nothing"
PEER = "Kafka Streams 4.1"
JOB = """\
A changelog partition of {records:,} records, {megabytes:,.0f} MB, in which {rows:,} rows are left: what the fold of a
history wrote, overwritten and removed rows included, repeated for other keys (`tests/bench/changelog.py`). laurel restores
it with the code that a worker restores with, into an empty folder; Kafka Streams restores a topic with the same keys and
values into its RocksDB store, with its defaults and exactly once v2. Both are counted afterwards: rows that are missing
void the run. CPU and seconds are of the restore alone, without the start of either process."""
HEADER = (
    "| engine | records/s, median (min-max) | live rows/s | times Kafka Streams in the same round | CPU s | peak MB |"
)


def laurel(root: Path, bootstrap: str, namespace: str, folder: Path) -> list[str | Path]:
    return [sys.executable, HERE / "restore_once.py", namespace, folder]


def kafka_streams(jars: Path, bootstrap: str, name: str, folder: Path) -> list[str | Path]:
    program = HERE / "kafka-streams" / "Restore.java"
    return [java.find(), "-Xmx1g", "-cp", f"{jars}/*", program, bootstrap, name, f"{name}-in", folder]


def built(folder: Path) -> Path:
    """The jars of Kafka Streams, from Maven; Java compiles the one file when it starts it."""
    shutil.copy(HERE / "kafka-streams" / "pom.xml", folder)
    maven = ["mvn", "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=jars"]
    path = {"PATH": f"{Path(java.find()).parent}:{os.environ['PATH']}"}
    subprocess.run(maven, cwd=folder, env=os.environ | path, check=True)
    return folder / "jars"


def turn(command: Sequence[str | Path], folder: Path, filled: Filled, environment: Mapping[str, str]) -> Measured:
    """Run a restore in a process of its own, and count what it restored."""
    folder.mkdir()
    process = subprocess.Popen(
        command, env=os.environ | environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    runs.register(runs.own_run() / "bench-restore.pid", process.pid)
    peaks = [0.0]

    def watch() -> None:
        while process.poll() is None:
            peaks.append(peak_mb(process.pid))
            time.sleep(0.1)

    threading.Thread(target=watch, daemon=True).start()
    lines = (process.communicate()[0] or "").splitlines()
    told = json.loads(lines[-1]) if lines else {}
    shutil.rmtree(folder, ignore_errors=True)
    if told.get("rows") != filled.rows:
        raise SystemExit(f"{command[0]} restored {told.get('rows')} rows of {filled.rows}")
    return Measured(filled.records, told["seconds"], told["cpu_s"], told.get("peak_mb", max(peaks)))


def compare(given: argparse.Namespace, bootstrap: str, folder: Path) -> tuple[list[dict[str, Measured]], Filled]:
    name = f"restore{os.getpid()}-"
    settings = Settings(bootstrap=bootstrap, namespace=name)
    topics.create(settings, 1, 1, policies.activation(policies.default_file()))
    theirs = f"{name}streams"
    changelog.create(bootstrap, f"{theirs}-in", f"{theirs}-s-changelog")
    say(f"{given.rows:,} rows into two changelogs")
    filled = changelog.fill(bootstrap, settings.topic("customer-state"), given.rows)
    changelog.fill(bootstrap, f"{theirs}-s-changelog", given.rows)
    say(str(filled))
    jars = built(folder)
    engines = {"laurel": ROOT} | ({"laurel before": given.beside.resolve()} if given.beside else {}) | {PEER: jars}
    rounds: list[dict[str, Measured]] = [{} for _ in range(given.runs)]
    for number, engine in turns(list(engines), given.runs):
        data = folder / f"{number}-{engine.replace(' ', '-')}"
        if engine == PEER:
            command = kafka_streams(jars, bootstrap, theirs, data)
        else:
            command = laurel(engines[engine], bootstrap, name, data)
        environment = {"PYTHONPATH": str(engines[engine]), "LAUREL_BOOTSTRAP": bootstrap}
        one = rounds[number][engine] = turn(command, data, filled, environment)
        say(
            f"round {number + 1}  {engine:18} {one.rate:>9,.0f} records/s  {one.cpu_s:5.1f} CPU s  {one.peak_mb:5.0f} MB"
        )
    delete_topics(bootstrap, name)
    return rounds, filled


def section(rounds: Sequence[Mapping[str, Measured]], filled: Filled, command: str) -> str:
    lines = [HEADER, "| --- | ---: | ---: | ---: | ---: | ---: |"]
    for engine in rounds[0]:
        taken = [each[engine] for each in rounds]
        cells = (
            engine,
            report.spread([one.rate for one in taken]),
            report.spread([filled.rows / one.seconds for one in taken]),
            report.spread([each[engine].rate / each[PEER].rate for each in rounds], ".2f"),
            report.spread([one.cpu_s for one in taken], ".1f"),
            report.spread([one.peak_mb for one in taken]),
        )
        lines.append(f"| {' | '.join(cells)} |")
    made = f"- commit {report.commit()}, {len(rounds)} rounds, engines taking turns in each; {os.cpu_count()} cores"
    parts = [TITLE, JOB.format(**filled._asdict()), "\n".join(lines), f"{made}\n- `{command}`"]
    return "\n\n".join(parts) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows that are left")
    parser.add_argument("--runs", type=int, default=3, help="rounds; in each every engine has its turn")
    parser.add_argument("--beside", type=Path, help="another checkout of laurel, measured too")
    report.output(parser)
    given = parser.parse_args()
    folder = runs.own_run() / "restoring"
    folder.mkdir()
    with broker() as bootstrap:
        rounds, filled = compare(given, bootstrap, folder)
    text = section(rounds, filled, report.command("tests/bench/restoring.py", given.beside))
    report.tell(given.output, text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
