"""Where an event's CPU goes, step by step, and what the clients, Avro and RocksDB alone would take for it.

Usage: uv run --with py-spy python tests/bench/spending.py [--events N] [--seconds S]

py-spy looks at a worker's Python threads while it works through the fixed job, and through the whole job; what the clients' and
RocksDB's own threads take comes from the system. The tables become a section of deploy/bench.md.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from confluent_kafka import Consumer, Producer, TopicPartition

from deploy.broker import runs
from state.encoding import decode_row, encode_row
from state.rocks import RocksStore
from streams.kafka import member, transactional
from streams.settings import Settings
from tests.bench import engines, meter, recounting, report
from tests.bench.compare import broker, say
from tests.bench.fixed_rows import TOTALS, Total
from tests.bench.orders import PARTITIONS, create_topics, decode, delete_topics, encode, fill, orders

TITLE = "# Where an event's CPU goes"
JOB = """\
CPU µs an event, of one worker at full speed. Python's threads are divided by what `py-spy` saw {looks} of them do while they ran;
the others' CPU is what the system counted. A limit is what the part alone takes for as many records, in a loop of its own, its
own threads included. A look stops the worker for a moment, so all is dearer than in the comparison; and of the whole job intake
runs ahead of the fold, so that its share is too large."""
RATE = 200
"""Looks a second."""
LIMIT_RECORDS, BATCH = 100_000, 4_000
STEPS: Mapping[str, str] = {
    "schemas/codec.py:encode": "encode",
    "schemas/codec.py:encode_fields": "encode",
    "schemas/codec.py": "decode",
    "schemas/wire.py": "decode",
    "bench/orders.py": "decode",
    "state/overlay.py:keep": "encode",
    "state/overlay.py:_encode": "encode",
    "state/overlay.py:settle": "state write",
    "state/overlay.py": "state read",
    "processors/row_bytes.py:encode_row": "encode",
    "processors/row_bytes.py:decode_row": "state read",
    "state/rocks.py:write": "state write",
    "state/rocks.py": "state read",
    "state/partition.py:settle": "state write",
    "streams/transactions.py:send": "produce",
    "streams/framing.py": "produce",
    "streams/transactions.py": "commit",
    "streams/membership.py": "fetch",
    "streams/kafka.py": "fetch",
    "streams/records.py:addressed": "fold",
    "streams/records.py": "fetch",
    "streams/intake.py": "intake",
    "streams/positions.py": "intake",
    "streams/burying.py": "intake",
    "streams/folding.py": "fold",
    "streams/customers.py": "fold",
    "bench/fixed_job.py": "fold",
    "streams/counting.py": "counting",
    "processors/": "fold",
}
"""By function, module or folder, the innermost first; what is in none of them is the engine's own: agents, threads, looks."""
WAITING = ("/threading.py", "/selectors.py", "/concurrent/futures/thread.py")
"""Who stands there waits, though py-spy may take it for running."""
OWN, THEIRS = "agents and threads", "the clients' and RocksDB's own threads"


class Limit(NamedTuple):
    """What a part takes alone: the step it stands for, and how."""

    step: str
    how: str
    us: float


def step_of(frames: list[str]) -> str:
    """The step that a stack belongs to; a frame is `function (path:line)`."""
    for frame in reversed(frames):
        function, _, rest = frame.partition(" (")
        path, function = rest.rpartition(":")[0], function.rpartition(".")[2]
        for known, step in STEPS.items():
            where, _, name = known.partition(":")
            if where in path and name in ("", function):
                return step
    return OWN


def threads_us(pid: int) -> tuple[float, float]:
    """CPU µs of a process so far: of Python's threads, and of all others."""
    found = [0.0, 0.0]
    for task in Path(f"/proc/{pid}/task").iterdir():
        foreign = (task / "comm").read_text(encoding="utf-8").startswith(("rdk:", "rocksdb:"))
        found[foreign] += meter.cpu_s(pid, task.name) * 1e6
    return found[0], found[1]


def watched(pid: int, done: Callable[[], int], most: int, seconds: int, folder: Path) -> tuple[dict[str, float], int]:
    """CPU µs an event by step, once so many events are past, and how many looks it rests on."""
    while done() < most // 10:
        time.sleep(0.1)
    stacks = folder / "stacks"
    before, began = threads_us(pid), done()
    options = f"--pid {pid} --duration {seconds} --rate {RATE} --format raw --full-filenames --output".split()
    subprocess.run(["py-spy", "record", *options, str(stacks)], check=True, capture_output=True)
    after, events = threads_us(pid), done() - began
    if done() >= most:
        raise SystemExit("the events were over before the looks: give more of them, or fewer seconds")
    looks: Counter[str] = Counter()
    for line in stacks.read_text(encoding="utf-8").splitlines():
        frames, _, number = line.rpartition(" ")
        if not frames.rpartition(" (")[2].partition(":")[0].endswith(WAITING):
            looks[step_of(frames.split(";"))] += int(number)
    python, others = ((end - begin) / events for begin, end in zip(before, after, strict=True))
    return {step: python * number / looks.total() for step, number in looks.items()} | {THEIRS: others}, looks.total()


def fixed(given: argparse.Namespace, bootstrap: str, folder: Path) -> tuple[dict[str, float], int]:
    """The fixed job."""
    topic, name = f"spending{os.getpid()}-orders", f"spending{os.getpid()}-fixed"
    fill(bootstrap, topic, given.events)
    folder.mkdir()
    run = engines.Run(bootstrap, topic, given.events, name, folder)
    engines.prepare(run)
    done = recounting.counter(bootstrap, f"{name}-laurel-customers", topic)
    with engines.process(run, "fixed_job", *engines.WORKER, **engines.told(run, "bench")) as worker:
        return watched(worker.pid, done, given.events, given.seconds, folder)


def whole(given: argparse.Namespace, bootstrap: str, folder: Path) -> tuple[dict[str, float], int]:
    """The whole job: an event counts once it is folded from the timeline."""
    folder.mkdir()
    run = engines.Run(bootstrap, "timeline", given.whole_events, f"spending{os.getpid()}-whole", folder)
    settings = engines.prepare_whole(run)
    done = recounting.counter(bootstrap, settings.group("customers"), settings.topic(run.topic))
    with engines.process(run, "whole_job", *engines.WORKER, **engines.told(run, "bench")) as worker:
        return watched(worker.pid, done, run.events, given.seconds, folder)


def limits(bootstrap: str, folder: Path) -> list[Limit]:
    """What the clients, Avro and RocksDB take alone, with laurel's own settings of them."""
    topic, sink = f"spending{os.getpid()}-limits", f"spending{os.getpid()}-sink"
    fill(bootstrap, topic, LIMIT_RECORDS)
    create_topics(bootstrap, [sink])
    settings = Settings(bootstrap=bootstrap, namespace=topic)
    values = [encode(order) for order in orders(LIMIT_RECORDS)]
    keys = [order.customer_id.encode() for order in orders(LIMIT_RECORDS)]
    rows = [Total(number, number, 1) for number in range(LIMIT_RECORDS)]
    packed = [encode_row(TOTALS, row) for row in rows]
    store = RocksStore(folder / "limits")

    def fetch() -> None:
        consumer, got = Consumer(member(settings, "limits")), 0
        consumer.assign([TopicPartition(topic, partition, 0) for partition in range(PARTITIONS)])
        while got < LIMIT_RECORDS:
            got += sum(message.error() is None for message in consumer.consume(BATCH, 0.1))
        consumer.close()

    def produce() -> None:
        producer = Producer(transactional(settings, topic))
        producer.init_transactions()
        for batch in batches(zip(keys, packed, strict=True)):
            producer.begin_transaction()
            for key, value in batch:
                producer.produce(sink, value, key)
            producer.commit_transaction()

    def write() -> None:
        for batch in batches(zip(keys, packed, strict=True)):
            store.write(dict(batch))

    shuffled = random.Random(7).sample(keys, len(keys))
    measured = (
        ("fetch", "consuming, and dropping what comes", fetch),
        ("decode", "`fastavro`", lambda: [decode(value) for value in values]),
        ("state write", "a write of RocksDB a batch", write),
        (
            "state read",
            "a row got and unpacked",
            lambda: [decode_row(TOTALS, store.get(key) or b"") for key in shuffled],
        ),
        ("encode", "a row packed", lambda: [encode_row(TOTALS, row) for row in rows]),
        ("produce", "in a transaction a batch, commit included", produce),
    )
    found = [Limit(step, how, cpu_us(work) / LIMIT_RECORDS) for step, how, work in measured]
    store.close()
    return found


def batches(items: Iterator[tuple[bytes, bytes]]) -> Iterator[list[tuple[bytes, bytes]]]:
    """As many at once as a worker takes."""
    while batch := list(islice(items, BATCH)):
        yield batch


def cpu_us(work: Callable[[], object]) -> float:
    """CPU of this process, all its threads."""
    began = time.process_time()
    work()
    return (time.process_time() - began) * 1e6


def section(spent: Mapping[str, Mapping[str, float]], found: list[Limit], looks: int) -> str:
    steps = sorted(
        {step for each in spent.values() for step in each}, key=lambda step: -spent["fixed job"].get(step, 0.0)
    )
    alone = {limit.step: f"{limit.us:.1f}: {limit.how}" for limit in found}
    lines = ["| step | fixed job | whole job | limit of a record |", "| --- | ---: | ---: | --- |"]
    for step in steps:
        cells = [f"{each[step]:.1f}" if step in each else "" for each in spent.values()]
        lines.append(f"| {step} | {' | '.join(cells)} | {alone.get(step, '')} |")
    sums = " | ".join(f"**{sum(each.values()):.1f}**" for each in spent.values())
    lines.append(f"| **all** | {sums} | {sum(limit.us for limit in found):.1f} |")
    made = f"- commit {report.commit()}; {os.cpu_count()} cores\n- `{report.command('tests/bench/spending.py', None, '--with', 'py-spy')}`"
    return "\n\n".join([TITLE, JOB.format(looks=f"{looks:,} times"), "\n".join(lines), made]) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--events", type=int, default=1_000_000, help="of the fixed job")
    parser.add_argument("--whole-events", type=int, default=60_000)
    parser.add_argument("--seconds", type=int, default=10, help="that each job is looked at")
    report.output(parser)
    given = parser.parse_args()
    folder = runs.own_run() / "spending"
    folder.mkdir()
    with broker() as bootstrap, tempfile.TemporaryDirectory(dir=runs.own_run()) as stores:
        found = limits(bootstrap, Path(stores))
        say(str(found))
        spent, looks = {}, 0
        for job, work in {"fixed job": fixed, "whole job": whole}.items():
            spent[job], looked = work(given, bootstrap, folder / job.replace(" ", "-"))
            looks += looked
            say(f"{job}: {spent[job]}")
        delete_topics(bootstrap, f"spending{os.getpid()}")
    text = section(spent, found, looks)
    report.tell(given.output, text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
