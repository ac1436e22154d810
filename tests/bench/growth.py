"""What an event costs when there is more of everything: customers, partitions, lines of an order; and a tick that does nothing.

Usage: uv run python tests/bench/growth.py [--most CUSTOMERS]

Measured is the work that the customers' agent does for a batch, over RocksDB and without a broker: `Partitions.fold` under the
shipped policy, and its settling. The curves become a section of deploy/bench.md.
"""

import argparse
import itertools
import math
import os
import random
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from deploy.broker import runs
from schemas import events as e
from schemas.codec import encode
from schemas.partitions import partition_of, reserved
from state.partition import PartitionState
from state.rocks import RocksStore
from streams import policies
from streams.batches import Folded
from streams.customers import Partitions
from streams.folding import fold
from streams.memory import give_back
from streams.records import ORIGIN, Outgoing, Record
from streams.restoring import Tables
from tests.bench import report
from tests.bench.meter import peak_mb

BEGIN, HOUR = 1_700_000_000_000, 3_600_000
CUSTOMERS, PARTITIONS, LINES = (10_000, 100_000, 1_000_000, 5_000_000), (1, 4, 16, 64, 256), (1, 10, 100)
USUAL_CUSTOMERS, USUAL_PARTITIONS = 100_000, 4
BATCH, BATCHES = 4_000, 5
"""Events of a batch, as a worker takes them from a backlog, and how many batches are measured: the median counts."""
AT_ONCE, FEWER = 20_000, 400
"""Customers who are brought in at once; events of a batch where each is larger."""
RESTING_S, LOOK_S = 0.05, 3.0
"""CPU of a look in which nothing is done, and how long one takes: between two compactions it may be still for a moment."""
TICKS = 200
HISTORIES = (0, 1, 10, 100)
"""Orders of a customer."""
Figures = dict[str, dict[str, float]]
"""By curve: its bars, by name."""
TITLE = "# An event, when there is more of everything"
JOB = """\
CPU µs an event of the customers' agent, in batches of {batch:,} over RocksDB, without a broker: orders of customers who are
drawn evenly; of 10,000 many come twice in what is measured. Each customer has joined, ordered and visited before. Medians of
{batches} batches; on a machine that others share, bars that were measured minutes apart differ by a fifth for nothing.

What grows in other ways stands elsewhere on this page: a customer's history ("A step and the length of a customer's history"), and
workers (`laurel-all-cores` beside `laurel` at the top: they share nothing but the broker and its cores)."""


def name(number: int) -> str:
    """All of one length: a customer's rows are another's with the name in its place."""
    return f"c{number:07d}"


@dataclass
class Shop:
    """Customers in partitions on a disk, as one worker has them."""

    folder: Path
    partitions: int
    customers: int = 0
    orders: int = 0
    ticked_at: int = BEGIN + 2 * HOUR
    offsets: dict[int, int] = field(init=False)

    def __post_init__(self) -> None:
        """Open the partitions, each under the shipped policy."""
        self.work = Partitions(Tables(), fold, self.partitions)
        policy = policies.activation(policies.default_file())
        self.offsets = dict.fromkeys(range(self.partitions), 0)
        for partition in range(self.partitions):
            self.work.states[partition] = PartitionState(RocksStore(self.folder / str(partition)))
        self.commit([self.record(reserved(n), policy, n) for n in range(self.partitions)])

    def record(self, subject: str, event: e.Event, partition: int | None = None, source: str = "") -> Record:
        """An event on the timeline."""
        place = partition_of(subject, self.partitions) if partition is None else partition
        offset = self.offsets[place]
        self.offsets[place] += 1
        headers = ((ORIGIN, f"{source}/{place}/{offset}".encode()),) if source else ()
        return Record("timeline", place, offset, BEGIN, subject.encode(), encode(event), headers)

    def rest(self) -> None:
        """Wait until RocksDB has tidied up after itself: what it still does for the rows before is no event's cost."""
        used = -math.inf
        while time.process_time() - used > RESTING_S:
            used = time.process_time()
            time.sleep(LOOK_S)

    def commit(self, records: Iterable[Record]) -> Folded:
        """Fold a batch, and settle it as if the broker had it. Raises `SystemExit` where a rule raised."""
        folded = self.work.fold(records)
        if folded is None or folded.stopped:
            raise SystemExit(f"the fold stopped: {folded}")
        folded.settle(dict.fromkeys(folded.markers, 0))
        return folded

    def grow(self, customers: int) -> None:
        """Bring in more customers: the rows of one, under the others' names."""
        template, own = one(1).rows, name(0).encode()
        for first in range(self.customers, customers, AT_ONCE):
            changes: dict[int, dict[bytes, bytes | None]] = {partition: {} for partition in self.offsets}
            for number in range(first, min(first + AT_ONCE, customers)):
                other = name(number).encode()
                rows = changes[partition_of(name(number), self.partitions)]
                rows.update({key.replace(own, other): value.replace(own, other) for key, value in template.items()})
            for partition, rows in changes.items():
                self.work.states[partition].store.write(rows)
            print(f"\r{first + AT_ONCE:>12,} customers", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)
        self.customers = customers
        give_back()  # as a worker does that has restored its partitions

    def close(self) -> None:
        """Give the files back."""
        for state in self.work.states.values():
            state.store.close()


class Written(NamedTuple):
    """What came of one customer's history: the rows that are left, and by topic each record's size in bytes."""

    rows: dict[bytes, bytes]
    records: dict[str, list[int]]


@cache
def one(orders: int) -> Written:
    """The first of all customers, with so many orders."""
    with tempfile.TemporaryDirectory() as folder:
        shop, who = Shop(Path(folder), 1), name(0)
        about = {"customer_id": who, "occurred_at": BEGIN}
        happened = [
            shop.record(who, e.CustomerRegistered(event_id="j", **about), source="customers"),
            shop.record(who, e.CustomerVisited(event_id="v", channel="web", **about), source="interactions"),
            *[each for number in range(orders) for each in shipped(shop, who, f"o{number}")],
        ]
        records: dict[str, list[int]] = defaultdict(list)
        for record in happened:  # each a batch of its own: many at once would write some rows together
            for written in (record, *shop.commit([record]).outgoing):
                records[written.topic].append(size(written))
        rows = {key: value for key, value in shop.work.states[0].store.scan() if who.encode() in key}
        shop.close()
    return Written(rows, records)


def shipped(shop: Shop, customer: str, name: str) -> tuple[Record, Record]:
    """An order, and its shipment."""
    about = {"event_id": f"s-{name}", "customer_id": customer, "occurred_at": BEGIN + HOUR}
    parcel = e.OrderShipped(**about, order_id=name, shipment_id="s", lines=(e.Units("l0", 1),))
    return (
        shop.record(customer, order(customer, name, 1), source="orders"),
        shop.record(customer, parcel, source="operations"),
    )


def size(record: Record | Outgoing) -> int:
    """Bytes of key, value and headers, before compression."""
    return sum(len(part or b"") for part in (record.key, record.value, *itertools.chain(*record.headers)))


def sizes() -> list[str]:
    """What customers hold, and what a further order writes."""
    lines = ["| orders of a customer | rows | bytes of keys and values |", "| ---: | ---: | ---: |"]
    for orders in HISTORIES:
        rows = one(orders).rows
        lines.append(f"| {orders:,} | {len(rows):,} | {sum(len(key) + len(value) for key, value in rows.items()):,} |")
    few, many = one(HISTORIES[-2]).records, one(HISTORIES[-1]).records
    more = HISTORIES[-1] - HISTORIES[-2]
    lines += ["", "| a further order and its shipment write to | records | bytes |", "| --- | ---: | ---: |"]
    for topic in many:
        before, after = few.get(topic, []), many[topic]
        lines.append(
            f"| {topic} | {(len(after) - len(before)) / more:.1f} | {(sum(after) - sum(before)) / more:,.0f} |"
        )
    return lines


def order(customer: str, name: str, lines: int) -> e.OrderPlaced:
    """An order of so many lines."""
    items = tuple(e.OrderLine(f"l{number}", 1, 1_000) for number in range(lines))
    about = {"event_id": f"e-{name}", "customer_id": customer, "occurred_at": BEGIN + HOUR}
    return e.OrderPlaced(**about, order_id=name, currency="USD", lines=items)


def orders(shop: Shop, count: int, lines: int) -> list[Record]:
    """Orders of whomever, none of them seen before."""
    draw, first = random.Random(shop.orders), shop.orders
    shop.orders += count
    who = [name(draw.randrange(shop.customers)) for _ in range(count)]
    return [
        shop.record(each, order(each, f"o{first + number}", lines), source="orders") for number, each in enumerate(who)
    ]


def cost(shop: Shop, lines: int = 1, batch: int = BATCH) -> float:
    """CPU µs an event."""
    shop.rest()
    shop.commit(orders(shop, batch, lines))
    return median(_timed(shop, orders(shop, batch, lines)) for _ in range(BATCHES))


def cost_of_ticks(shop: Shop) -> float:
    """CPU µs a tick before which nothing fell due, each its own batch, as on a quiet day."""
    ticks = []
    for _ in range(TICKS):
        shop.ticked_at += 10_000
        ticks.append(shop.record(reserved(0), e.ClockTicked(shop.ticked_at, 0, shop.partitions), 0))
    shop.commit(ticks[:1])
    return median(_timed(shop, [tick]) for tick in ticks[1:])


def _timed(shop: Shop, records: list[Record]) -> float:
    began = time.process_time()
    shop.commit(records)
    return (time.process_time() - began) / len(records) * 1e6


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--most", type=int, default=CUSTOMERS[-1], help="customers")
    report.output(parser)
    given = parser.parse_args()
    if given.most < CUSTOMERS[0]:
        parser.error(f"--most: {CUSTOMERS[0]:,} at least")
    with tempfile.TemporaryDirectory(dir=runs.own_run()) as folder, alone() as process:
        figures = process.submit(by_customers, Path(folder, "customers"), given.most).result()
        for partitions in PARTITIONS:
            found = process.submit(by_partitions, Path(folder, f"partitions-{partitions}"), partitions).result()
            for what, bars in found.items():
                figures[what] |= bars
    text = section(figures)
    report.tell(given.output, text)
    return 0


def alone() -> ProcessPoolExecutor:
    """Run each curve, and each number of partitions, in a process of its own: what one had in memory is not the next one's."""
    return ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1)


def by_customers(folder: Path, most: int) -> Figures:
    """More and more customers in the usual partitions."""
    figures: Figures = defaultdict(dict)
    shop = Shop(folder, USUAL_PARTITIONS)
    for customers in [each for each in CUSTOMERS if each <= most]:
        shop.grow(customers)
        figures["customers"][f"{customers:,}"] = cost(shop)
        figures["tick"][f"{customers:,}"] = cost_of_ticks(shop)
        figures["memory"][f"{customers:,}"] = peak_mb(field="VmRSS")
        print({what: list(each.values())[-1:] for what, each in figures.items()}, file=sys.stderr)
    shop.close()
    return figures


def by_partitions(folder: Path, partitions: int) -> Figures:
    """The usual customers in so many partitions; in the usual ones, orders of more and more lines too."""
    figures: Figures = defaultdict(dict)
    shop = Shop(folder, partitions)
    shop.grow(USUAL_CUSTOMERS)
    figures["partitions"][f"{partitions:,}"] = cost(shop)
    figures["room"][f"{partitions:,}"] = peak_mb(field="VmRSS")
    if partitions == USUAL_PARTITIONS:
        figures["lines"] = {f"{lines:,}": cost(shop, lines, FEWER) for lines in LINES}
    shop.close()
    return figures


def section(figures: Figures) -> str:
    captions = {
        "customers": f"By customers, in {USUAL_PARTITIONS} partitions. An event reads its own customer's rows, however many others there are:",
        "memory": "Of the same process, MB in memory at that point. Rows at hand and buffers are bounded; filters and indexes, a few bytes a row, are not:",
        "tick": "CPU µs of a tick before which nothing fell due, a batch of its own, by customers. It looks for the first timer:",
        "partitions": f"By partitions of one worker, with {USUAL_CUSTOMERS:,} customers. A batch has the same events, whichever stores they lie in:",
        "room": "MB in memory of each, a process of its own. Each partition's store has buffers, which few rows do not fill:",
        "lines": f"By lines of an order, in batches of {FEWER}. Each line is read, priced and told of in what is published:",
    }
    parts = [f"{caption}\n\n{report.bars(figures[what])}" for what, caption in captions.items()]
    made = f"- commit {report.commit()}; {os.cpu_count()} cores\n- `{report.command('tests/bench/growth.py')}`"
    kept = "\n".join(sizes())
    return "\n\n".join([TITLE, JOB.format(batch=BATCH, batches=BATCHES), *parts, "In bytes:", kept, made]) + "\n"


if __name__ == "__main__":
    sys.exit(main())
