"""Measures how long an event waits for what comes of it, in laurel and in Kafka Streams, in turns on one broker.

Usage: uv run python tests/bench/latency.py [--seconds S] [--runs R] [--engines raw,laurel,laurel-whole,kafka-streams]

The broker is LAUREL_BOOTSTRAP's, or one that starts and ends with the comparison. Each engine is started anew in its turn,
warmed up, and given events at each rate; an event waits from its publication to the arrival of what came of it at a consumer
that reads committed records. The table becomes a section of deploy/bench.md.
"""

import argparse
import itertools
import json
import os
import random
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from statistics import median
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from deploy.broker import java, runs
from schemas.codec import HEADER_BYTES, decode, load_schema
from streams import policies, topics
from streams.clock import now_ms
from streams.records import Outgoing
from streams.settings import Settings
from tests.bench import report
from tests.bench.compare import broker, say, turns
from tests.bench.engines import LAUREL, VoidError, running
from tests.bench.meter import cpu_s
from tests.bench.orders import create_topics, delete_topics
from tests.bench.restoring import built
from tests.bench.traffic import COLLECT_MS, Traffic, contacts, quantile
from tests.streams.history import placed, published

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PARTITIONS, CUSTOMERS = 4, 10_000
FIRST_RATE, WARM_UP_RATE, WARM_UP_S = 20, 1_000, 15
TITLE = "# How long an event waits"
JOB = """\
Events of {customers:,} customers in {partitions} partitions at a rate, {seconds} s each, one worker on one broker. An event waits
from its publication to the arrival of what came of it at a consumer that reads committed records. The publisher collects records
for {collected} ms before it sends them, for all alike. `raw` publishes and consumes, and nothing else. `laurel` is the product's
worker, intake and customers, with a fold as small as the fixed job's (`tests/bench/two_stages.py`); `kafka-streams` does the same in
two sub-topologies with a topic between them, exactly once v2, all else by default (`tests/bench/kafka-streams/TwoStages.java`): it
commits every 100 ms, and an event waits for two commits.
`laurel-whole` is the product as it is: half of its events are contacts, and a contact waits for its routing."""
HEADER = "| events/s | engine | waits | p50 ms (min-max) | p99 ms | p99.9 ms | longest ms | of Kafka Streams' p99 | CPU, % of a core |"
PEER = "kafka-streams"
PROMISED = 1_000
TWO_STAGES = (sys.executable, "-m", "tests.bench.two_stages", "worker", "--without-web", "-l", "warn")


class Engine(NamedTuple):
    """How an engine is started, and what it is given and says: `heard` names the event that a record came of."""

    command: Callable[[Settings, Path, Path | None], Sequence[str | Path]]
    topics: Sequence[str]
    events: Callable[[], Iterator[tuple[str | None, Outgoing]]]
    heard: Callable[[bytes], str | None]
    most: int
    """Events a second that it is asked for at most."""


def kafka_streams(settings: Settings, folder: Path, jars: Path | None) -> Sequence[str | Path]:
    schema = folder / "OrderPlaced.avsc"
    schema.write_text(json.dumps(load_schema("OrderPlaced")), encoding="utf-8")
    name = settings.namespace
    create_topics(settings.bootstrap, [f"{name}between"])
    places = (f"{name}streams", f"{name}orders", f"{name}between", f"{name}tier-changes", folder / "data", schema)
    program = HERE / "kafka-streams" / "TwoStages.java"
    return [java.find(), "-Xmx1g", "-cp", f"{jars}/*", program, settings.bootstrap, *places]


def orders() -> Iterator[tuple[str, Outgoing]]:
    draw = random.Random(7)
    for number in itertools.count():
        order = placed(f"c{draw.randrange(CUSTOMERS):06d}", now_ms(), 100, f"n{number}")
        yield order.event_id, published(order)


def event_id(value: bytes) -> str:
    """An event's first field, read without the others: whoever measures must not be what waits."""
    return value[HEADER_BYTES + 1 : HEADER_BYTES + 1 + value[HEADER_BYTES] // 2].decode()


ENGINES: Mapping[str, Engine] = {
    "raw": Engine(lambda *_: (), ["orders"], orders, event_id, 5_000),
    "laurel": Engine(lambda *_: TWO_STAGES, ["tier-changes"], orders, bytes.decode, 5_000),
    "laurel-whole": Engine(
        lambda *_: [*LAUREL, "worker"],
        ["priority-routing"],
        lambda: contacts(CUSTOMERS),
        lambda value: decode(value).cause,
        1_000,
    ),
    PEER: Engine(kafka_streams, ["tier-changes"], orders, bytes.decode, 5_000),
}


class Found(NamedTuple):
    """What came of a rate: the milliseconds that events waited, in order, and the CPU that the worker took, in % of a core."""

    waits: Sequence[float]
    cpu: float


Rounds = dict[tuple[int, str], list[Found]]
"""By rate and engine."""


def turn(engine: Engine, settings: Settings, folder: Path, given: argparse.Namespace) -> Iterator[tuple[int, Found]]:
    """One engine's turn, rate by rate."""
    folder.mkdir()
    topics.create(settings, PARTITIONS, 1, policies.activation(policies.default_file()))
    command, events = engine.command(settings, folder, given.jars), engine.events()
    environment = {
        "LAUREL_BOOTSTRAP": settings.bootstrap, "LAUREL_NAMESPACE": settings.namespace, "LAUREL_INSTANCE": "bench",
        "LAUREL_DATA_DIR": str(folder / "data"), "LAUREL_HEALTH_PORT": "0",
    }  # fmt: skip
    try:
        with ExitStack() as stack:
            pid = stack.enter_context(running(command, folder / "log", environment)).pid if command else 0
            for rate in (FIRST_RATE, min(engine.most, WARM_UP_RATE)):
                under(engine, settings, events, rate, WARM_UP_S, pid)
            for rate in given.rates:
                if rate <= engine.most and (rate or pid):
                    yield rate, under(engine, settings, events, rate, given.seconds, pid)
    finally:
        delete_topics(settings.bootstrap, settings.namespace)


def under(
    engine: Engine, settings: Settings, events: Iterator[tuple[str | None, Outgoing]], rate: int, seconds: int, pid: int
) -> Found:
    """Publish at a rate, and listen. Raises `VoidError` unless it could, and something came of each event."""
    # All of them first: making them would be what waits.
    traffic = Traffic(settings, list(islice(events, rate * seconds)), rate, engine.topics, engine.heard)
    traffic.start()
    before = cpu_s(pid)
    time.sleep(seconds)
    used = cpu_s(pid) - before
    traffic.stop()
    if traffic.unheard or traffic.published < 0.98 * rate * seconds:
        found = f"{traffic.published:,} were published, and nothing came of {traffic.unheard:,}"
        raise VoidError(f"of {rate * seconds:,} events at {rate:,} a second {found}")
    return Found(sorted(1_000 * each.seconds for each in traffic.waits), 100 * used / seconds)


def quantiles(rounds: Sequence[Found], part: float) -> list[float]:
    """The wait in ms that so great a part did not exceed, of each round."""
    return [quantile(each.waits, part) for each in rounds]


def of_the_peer(found: Rounds, rate: int) -> list[float]:
    """laurel's p99 as a share of Kafka Streams' in the same round."""
    own, peers = (quantiles(found.get((rate, engine), []), 0.99) for engine in ("laurel", PEER))
    return [one / other for one, other in zip(own, peers, strict=False)]


def table(found: Rounds) -> list[str]:
    lines = [HEADER, "| ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"]
    for (rate, engine), rounds in sorted(found.items(), key=lambda each: (each[0][0], list(ENGINES).index(each[0][1]))):
        if rate:
            shares = of_the_peer(found, rate) if engine == "laurel" else []
            times = [
                *[report.spread(quantiles(rounds, part)) for part in (0.5, 0.99, 0.999)],
                f"{max(each.waits[-1] for each in rounds):,.0f}",
                report.spread(shares, ".2f") if shares else "",
            ]
        else:
            times = [""] * 5
        waits = sum(len(each.waits) for each in rounds)
        cpu = report.spread([each.cpu for each in rounds], ".1f") if engine != "raw" else ""
        lines.append(f"| {' | '.join((f'{rate:,}', engine, f'{waits:,}', *times, cpu))} |")
    return lines


def judged(found: Rounds) -> list[str]:
    """What is promised at a thousand events a second, and whether every round kept it; the tails as bars."""
    rounds = {engine: found[PROMISED, engine] for engine in ENGINES if (PROMISED, engine) in found}
    if not {"raw", "laurel", PEER} <= rounds.keys():
        return []
    promises = [
        (f"laurel's p99 below that of {PEER}", of_the_peer(found, PROMISED), 1, "times", ".2f"),
        ("laurel's p50 below 50 ms", quantiles(rounds["laurel"], 0.5), 50, "ms", ",.0f"),
        ("raw's p50 below 5 ms, where that is promised", quantiles(rounds["raw"], 0.5), 5, "ms", ",.0f"),
    ]
    lines = [
        f"- {what}: {'holds' if max(figures) < below else 'does NOT hold'}, {report.spread(figures, form)} {unit}."
        for what, figures, below, unit, form in promises
    ]
    tails = {engine: median(quantiles(some, 0.99)) for engine, some in rounds.items()}
    return [f"At {PROMISED:,} a second:", "\n".join(lines), "p99 there, ms:", report.bars(tails)]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=int, default=30, help="at each rate")
    parser.add_argument("--runs", type=int, default=3, help="rounds; in each every engine has its turn")
    parser.add_argument(
        "--rates", default="0,100,1000,5000", help="events a second; at 0 only the worker's CPU is measured"
    )
    parser.add_argument("--engines", default=",".join(ENGINES))
    report.output(parser)
    given = parser.parse_args()
    given.rates, engines = [int(rate) for rate in given.rates.split(",")], given.engines.split(",")
    if unknown := set(engines) - ENGINES.keys():
        parser.error(f"unknown engines: {', '.join(sorted(unknown))}; known are {', '.join(ENGINES)}")
    folder = runs.own_run() / "latency"
    folder.mkdir()
    given.jars = built(folder) if PEER in engines else None
    found: Rounds = defaultdict(list)
    voids: list[str] = []
    with broker() as bootstrap:
        for number, engine in turns(engines, given.runs):
            settings = Settings(bootstrap=bootstrap, namespace=f"latency{os.getpid()}-{number}-{engine}-")
            try:
                for rate, one in turn(ENGINES[engine], settings, folder / f"{number}-{engine}", given):
                    found[rate, engine].append(one)
                    cells = ", ".join(f"{quantile(one.waits, part):,.0f}" for part in (0.5, 0.99, 0.999) if rate)
                    say(
                        f"round {number + 1}  {engine:14} {rate:>6,} a second: p50, p99, p99.9 {cells} ms; CPU {one.cpu:.1f} %"
                    )
            except VoidError as error:
                voids.append(f"{engine} in round {number + 1}: {error}")
                say(f"VOID  {voids[-1]}")
    made = f"- commit {report.commit()}, {given.runs} rounds, engines taking turns in each; {os.cpu_count()} cores"
    job = JOB.format(collected=COLLECT_MS, customers=CUSTOMERS, partitions=PARTITIONS, seconds=given.seconds)
    ran = report.command("tests/bench/latency.py")
    text = (
        "\n\n".join(
            [
                TITLE,
                job,
                "\n".join(table(found)),
                *judged(found),
                *[f"Void: {text}" for text in voids],
                f"{made}\n- `{ran}`",
            ]
        )
        + "\n"
    )
    report.tell(given.output, text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
