"""Compares engines on the fixed job, in turns on one broker, and writes the table.

Usage: uv run python tests/bench/compare.py [--events N] [--runs R] [--engines laurel,plain-faust,raw-loop]

The broker is LAUREL_BOOTSTRAP's, or one that starts and ends with the comparison. The exit code is 1 when a claim of
`tests/bench/report.py` does not hold in every round, or when a run of laurel was void.
"""

import argparse
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from deploy.broker import local, probe, runs
from tests.bench import peers, report
from tests.bench.engines import ENGINES, MANDATORY, PEERS, Run, VoidError
from tests.bench.meter import Measured
from tests.bench.orders import delete_topics, fill

FAUST_EVENTS, WHOLE_EVENTS = 100_000, 200_000


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--events", type=int, default=1_000_000, help="orders in the topic")
    parser.add_argument("--faust-events", type=int, default=FAUST_EVENTS, help="of these, what plain Faust is given")
    parser.add_argument("--whole-events", type=int, default=WHOLE_EVENTS, help="of the whole job, which has its own")
    parser.add_argument("--runs", type=int, default=3, help="rounds; in each every engine has its turn")
    parser.add_argument("--engines", default="laurel,plain-faust,raw-loop", help=f"of {', '.join(ENGINES)}")
    parser.add_argument("--peers", type=Path, help="folder of the programs for quix and kafka-streams")
    report.output(parser)
    given = parser.parse_args()
    given.engines = given.engines.split(",")
    if unknown := set(given.engines) - ENGINES.keys():
        parser.error(f"unknown engines: {', '.join(sorted(unknown))}; known are {', '.join(ENGINES)}")
    if missing := set(MANDATORY) - set(given.engines):
        parser.error(f"{', '.join(sorted(missing))} must be compared: the ratio is between them")
    if PEERS & set(given.engines) and given.peers is None:
        parser.error(f"{', '.join(sorted(PEERS))} need --peers, the folder of their programs")
    return given


@contextmanager
def broker(**settings: str) -> Iterator[str]:
    """A broker's address; `settings` are for one that is started."""
    if address := os.environ.get("LAUREL_BOOTSTRAP"):
        probe.await_broker(address, seconds=10)
        yield address
    else:
        with local.Cluster(runs.own_run() / "broker", settings=settings) as cluster:
            yield cluster.bootstrap


def turns(engines: Sequence[str], rounds: int) -> Iterator[tuple[int, str]]:
    """Round by round, numbered from 0, every engine; another comes first in each, as the first has the caches to itself."""
    for number in range(rounds):
        first = number % len(engines)
        yield from ((number, engine) for engine in (*engines[first:], *engines[:first]))


def one(engine: str, run: Run) -> Measured:
    """An engine's turn, on a topic that all share, in groups, topics and folders that it shares with nobody."""
    run.folder.mkdir()
    try:
        return ENGINES[engine].work(run)
    finally:
        delete_topics(run.bootstrap, run.name)
        shutil.rmtree(run.folder, ignore_errors=True)


def compare(given: argparse.Namespace, bootstrap: str, folder: Path) -> tuple[Sequence[report.Round], list[str]]:
    prefix = f"bench{os.getpid()}-"
    topic = f"{prefix}orders"
    events_of = {"plain-faust": min(given.events, given.faust_events), "laurel-whole": given.whole_events}
    say(f"{given.events:,} orders into {topic}")
    fill(bootstrap, topic, given.events)
    rounds: list[dict[str, Measured]] = [{} for _ in range(given.runs)]
    voids = []
    for number, engine in turns(given.engines, given.runs):
        events = events_of.get(engine, given.events)
        name = f"{prefix}{number + 1}-{engine}"
        try:
            measured = rounds[number][engine] = one(engine, Run(bootstrap, topic, events, name, folder / name))
        except VoidError as error:
            voids.append(f"{engine} in round {number + 1}: {error}")
            say(f"round {number + 1}  VOID  {voids[-1]}")
        else:
            say(
                f"round {number + 1}  {engine:14} {measured.rate:>9,.0f} events/s  {measured.cpu_s_per_million:5.1f} "
                f"CPU s per million  {measured.peak_mb:5.0f} MB"
            )
    delete_topics(bootstrap, prefix)
    return rounds, voids


def main() -> int:
    given = arguments()
    if given.peers:
        peers.found_in(given.peers.resolve())
    folder = runs.own_run() / "bench"
    folder.mkdir()
    # Kafka's default: several workers that come at once are given their partitions at once.
    with broker(**{"group.initial.rebalance.delay.ms": "3000"}) as bootstrap:
        rounds, voids = compare(given, bootstrap, folder)
    command = report.command("tests/bench/compare.py", given.peers)
    report.tell(given.output, report.page(rounds, voids, command, given.events))
    return 0 if all(holds for holds, _ in report.judged(rounds)) and not voids else 1


if __name__ == "__main__":
    sys.exit(main())
