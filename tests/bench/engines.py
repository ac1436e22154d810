"""How each engine of the comparison is started, and what came of it: one literal table."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from deploy.broker import runs
from streams import policies, topics
from streams.clock import now_ms
from streams.publishing import publish
from streams.settings import Settings
from tests.bench import meter, peers, recounting, shop
from tests.bench.meter import Measured
from tests.bench.orders import PARTITIONS, create_topics

ROOT = Path(__file__).resolve().parents[2]
WORKER = ("worker", "--without-web", "-l", "warn")
LAUREL = (sys.executable, "-c", "from streams.cli import main; main()")
CORES = os.cpu_count() or 1
GRACE_S = 30
EVERY_MS, PER_CUSTOMER = 10, 15
"""The shop of the whole job takes an order every so many milliseconds, and so many events come of each customer."""


class Run(NamedTuple):
    """One engine's turn: `name` opens every topic, group and folder that it makes, so that nothing was there before."""

    bootstrap: str
    topic: str
    events: int
    name: str
    folder: Path


class VoidError(Exception):
    """The run counts for nothing: the worker ended early, or its results are wrong."""


class Engine(NamedTuple):
    guarantee: str
    work: Callable[[Run], Measured]
    measures: str = "from a tenth of the events to the last commit"


def laurel(run: Run) -> Measured:
    """Void unless changelog, tier events and positions are those of a recount."""
    return _recounted(run, lambda: work(run, "fixed_job", *WORKER, **told(run, "bench")))


def laurel_all_cores(run: Run) -> Measured:
    """As many workers as cores, looked at from outside: what the group has committed, and what the processes used."""

    def measured() -> Measured:
        with ExitStack() as stack:
            names = [f"bench-{number}" for number in range(CORES)]
            workers = [stack.enter_context(process(run, "fixed_job", *WORKER, **told(run, name))) for name in names]
            done = recounting.counter(run.bootstrap, f"{run.name}-laurel-customers", run.topic)
            found = meter.watch(
                [each.pid for each in workers], run.events, done, lambda: all(each.poll() is None for each in workers)
            )
        if found is None:
            raise VoidError(f"nothing was measured:\n{_log(run)}")
        return found

    return _recounted(run, measured)


def _recounted(run: Run, measure: Callable[[], Measured]) -> Measured:
    prepare(run)
    measured = measure()
    if wrong := recounting.differences(run.bootstrap, f"{run.name}-", run.topic, run.events):
        raise VoidError("; ".join(wrong))
    return measured


def prepare(run: Run) -> None:
    """Make the topics of the fixed job."""
    namespace = f"{run.name}-"
    settings = Settings(bootstrap=run.bootstrap, namespace=namespace)
    topics.create(settings, PARTITIONS, 1, policies.activation(policies.default_file()))
    create_topics(run.bootstrap, [f"{namespace}fixed-changelog", f"{namespace}fixed-tiers"])


def told(run: Run, instance: str) -> dict[str, str]:
    """What a worker of laurel is told of its place."""
    return {
        "LAUREL_NAMESPACE": f"{run.name}-",
        "LAUREL_DATA_DIR": str(run.folder / instance),
        "LAUREL_INSTANCE": instance,
        "LAUREL_HEALTH_PORT": "0",
    }


def whole(run: Run) -> Measured:
    """Void unless `laurel verify` finds nothing."""
    prepare_whole(run)
    where = told(run, "bench")
    measured = work(run, "whole_job", *WORKER, **where)
    environment = os.environ | where | {"LAUREL_BOOTSTRAP": run.bootstrap}
    verified = subprocess.run(
        [*LAUREL, "verify"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if verified.returncode:
        raise VoidError(f"not verified: {verified.stdout[-2_000:]}{verified.stderr[-2_000:]}")
    return measured


def prepare_whole(run: Run) -> Settings:
    """Make the product's topics, and publish the shop's events, up to now."""
    settings = Settings(bootstrap=run.bootstrap, namespace=f"{run.name}-")
    topics.create(settings, PARTITIONS, 1, policies.activation(policies.default_file()))
    begin = now_ms() - run.events * EVERY_MS
    publish(settings, islice(shop.happenings(run.events // PER_CUSTOMER, begin, EVERY_MS), run.events), lambda _: None)
    return settings


def plain_faust(run: Run) -> Measured:
    # Faust makes it too, but not always: then it looks for it ten times a second, for ever.
    create_topics(run.bootstrap, [f"{run.name}-faust-tiers"])
    return work(run, "plain_faust", *WORKER)


def raw_loop(run: Run) -> Measured:
    create_topics(run.bootstrap, [f"{run.name}-raw-tiers", f"{run.name}-raw-changelog"])
    return work(run, "raw_loop")


def quix(run: Run) -> Measured:
    return peers.quix(run.bootstrap, run.topic, run.events, run.folder)


def kafka_streams(run: Run) -> Measured:
    return peers.kafka_streams(run.bootstrap, run.topic, run.events, run.folder)


def kafka_streams_all_cores(run: Run) -> Measured:
    return peers.kafka_streams(run.bootstrap, run.topic, run.events, run.folder, CORES)


POSITIONS = "the same, by the group's positions"
ENGINES: Mapping[str, Engine] = {
    "laurel": Engine("exactly once", laurel),
    "laurel-all-cores": Engine("exactly once", laurel_all_cores, POSITIONS),
    "laurel-whole": Engine("exactly once", whole),
    "plain-faust": Engine("at least once", plain_faust, "from a tenth of the events to the last event"),
    "raw-loop": Engine("at least once", raw_loop),
    "quix": Engine("exactly once", quix, "by itself: first event to last; CPU with its start"),
    "kafka-streams": Engine("exactly once v2", kafka_streams, POSITIONS),
    "kafka-streams-all-cores": Engine("exactly once v2", kafka_streams_all_cores, POSITIONS),
}
PEERS = {name for name in ENGINES if name.startswith(("quix", "kafka-streams"))}
"""Their programs are not ours."""
MANDATORY = ("laurel", "plain-faust")


def work(run: Run, program: str, *arguments: str, **environment: str) -> Measured:
    """Run a worker until it says that it is done, then let it drain. Raises `VoidError` if it ends before."""
    with process(run, program, *arguments, **environment) as started:
        for line in started.stdout or ():
            if (at := line.find('{"events"')) >= 0:
                return Measured(**json.loads(line[at:]))
    raise VoidError(f"{program} ended early:\n{_log(run)}")


def _log(run: Run) -> str:
    return (run.folder / "log").read_text(encoding="utf-8")[-2_000:]


@contextmanager
def process(run: Run, program: str, *arguments: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """A worker of the comparison, told what to do; it drains at the end."""
    job = {
        "LAUREL_BOOTSTRAP": run.bootstrap,
        "BENCH_TOPIC": run.topic,
        "BENCH_EVENTS": str(run.events),
        "BENCH_RUN": run.name,
        "BENCH_FOLDER": str(run.folder),
    }
    command = [sys.executable, "-m", f"tests.bench.{program}", *arguments]
    with running(command, run.folder / "log", job | environment, subprocess.PIPE) as started:
        yield started


@contextmanager
def running(
    command: Sequence[str | Path], log: Path, environment: Mapping[str, str], stdout: int | None = None
) -> Iterator[subprocess.Popen[str]]:
    """A program until the end of the block, when it may drain; what it says goes to the log, but for what `stdout` takes."""
    with log.open("a", encoding="utf-8") as said:
        started = subprocess.Popen(
            command, cwd=ROOT, env=os.environ | environment, stdout=stdout or said, stderr=said, text=True
        )
    runs.register(runs.own_run() / f"bench-{started.pid}.pid", started.pid)  # it ends even if we are killed
    try:
        yield started
    finally:
        end(started)


def end(process: subprocess.Popen[str]) -> None:
    """SIGTERM, so that it drains; what does not within half a minute is killed."""
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    try:
        process.communicate(timeout=GRACE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
