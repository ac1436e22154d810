"""What a programme of some size costs: `python -m deploy.capacity` writes the page, with numbers it prints your answer.

Usage: uv run python -m deploy.capacity [--events-per-s 200 --customers 1000000 --years 5 [--orders-per-year 6]]

The arithmetic is `need`; what it multiplies was measured, and stands in deploy/bench.md.
"""

import argparse
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import NamedTuple

from state.rocks import MEMTABLE_BYTES
from streams.settings import Settings

PAGE = Path(__file__).with_name("capacity.md")
REPLICAS = 3


class Figure(NamedTuple):
    """Something measured: what it is, and how it is written in deploy/bench.md."""

    value: float
    what: str
    written: tuple[str, ...]


EVENT_CPU_MS = Figure(0.6, "CPU ms of a worker for an event, of a million customers", (" 567\n",))
ROWS = Figure(9, "rows of a customer without an order", ("| 0 | 9 |",))
ROWS_MORE = Figure(3, "further rows for each order", ("| 100 | 311 |", "| 10 | 40 |"))
BYTES = Figure(700, "bytes of a customer's rows without an order", ("| 0 | 9 | 659 |",))
BYTES_MORE = Figure(206, "further bytes for each order", ("| 100 | 311 | 21,276 |", "| 1 | 13 | 1,046 |"))
WRITTEN = Figure(
    1_120,
    "bytes that an event writes to the broker, before compression and replicas",
    tuple(f"| {size} |" for size in ("155", "331", "241", "1,224", "282")),
)
CHANGELOG = Figure(730, "of which for the changelog and the profiles, which are compacted", ("| 1,224 |", "| 241 |"))
READ = Figure(160, "bytes of an event that a worker reads, of the source and of the timeline", ("| 155 |",))
RESTORED = Figure(170_000, "live rows a second that a worker restores from nothing", ("(173,742-",))
WORKER_MB = Figure(370, "MB of a worker beside its partitions' buffers", (" 404\n",))
ROW_MEMORY = Figure(
    2.4, "bytes of memory for each row on disk: its part of a filter and an index", (" 404\n", " 528\n")
)
TICK_MS = Figure(0.06, "CPU ms of a tick before which nothing fell due", (" 55\n",))
FIGURES = (
    EVENT_CPU_MS, ROWS, ROWS_MORE, BYTES, BYTES_MORE, WRITTEN, CHANGELOG, READ, RESTORED, WORKER_MB, ROW_MEMORY, TICK_MS,
)  # fmt: skip
BUSY = 0.5
"""A core is to be half busy at the peak, so that what was missed is made up for as quickly as it came."""
RESTORE_S = 60
"""A partition is to be so small that it is restored in this time."""
ROOM = 1.5
"""What RocksDB and a compacted topic keep beside the rows that count."""
PARTITION_MB = MEMTABLE_BYTES >> 20
TICK_EVERY_S = Settings.model_fields["tick_every_s"].default
EVENTS_PER_ORDER = 3
"""Its placing, its shipment, and one of everything else: visits, contacts, returns."""


@dataclass(frozen=True)
class Load:
    """What a programme asks for: events a second at the peak; who is kept, and for how long."""

    events_per_s: float
    customers: int
    years: float
    orders_per_year: float = 6


@dataclass(frozen=True)
class Need:
    """What it takes."""

    cores: float
    workers: int
    partitions: int
    memory_gb: float
    """Of all workers."""
    tables_gb: float
    """Of all workers together; each has its part, or, with warm copies, all of it."""
    topics_gb: float
    """On all brokers, of sources and what laurel writes, kept for ever."""
    network_mb_s: float
    """Into and out of the brokers at the peak, replicas among it."""
    restore_s: float
    """Until the partitions of one worker that is gone work again, from nothing."""
    replay_h: float
    """Until all years are folded again, as `verify` and an import do it, on as many cores."""


def need(load: Load) -> Need:
    """The arithmetic, as it stands on the page."""
    orders = load.years * load.orders_per_year
    rows = load.customers * (ROWS.value + ROWS_MORE.value * orders)
    row_bytes = load.customers * (BYTES.value + BYTES_MORE.value * orders)
    events = load.customers * orders * EVENTS_PER_ORDER
    # A partition is folded by one thread: no more than half of what one can do.
    by_rate = load.events_per_s * EVENT_CPU_MS.value / 1_000 / BUSY
    partitions = max(4, ceil(by_rate), ceil(rows / (RESTORED.value * RESTORE_S)))
    ticking = partitions / TICK_EVERY_S * TICK_MS.value / 1_000
    cores = by_rate + ticking
    workers = max(2, ceil(cores))
    appended = WRITTEN.value - CHANGELOG.value + READ.value / 2  # the source's own record, and what is kept of ours
    return Need(
        cores=cores,
        workers=workers,
        partitions=partitions,
        memory_gb=(workers * WORKER_MB.value + partitions * PARTITION_MB) / 1_000 + rows * ROW_MEMORY.value / 1e9,
        tables_gb=row_bytes * ROOM / 1e9,
        topics_gb=(events * appended + row_bytes * ROOM) * REPLICAS / 1e9,
        network_mb_s=load.events_per_s * (WRITTEN.value * REPLICAS + READ.value) / 1e6,
        restore_s=rows / workers / RESTORED.value,
        replay_h=events * EVENT_CPU_MS.value / 1_000 / workers / 3_600,
    )


SIZES = (
    Load(10, 100_000, 3),
    Load(200, 1_000_000, 5),
    Load(2_000, 5_000_000, 10),
    Load(20_000, 50_000_000, 10),
)

INTRODUCTION = f"""\
<!-- Written by `python -m deploy.capacity`; the arithmetic stands there. -->

# What a programme costs in cores, memory, disk, network and time

For numbers of your own: `uv run python -m deploy.capacity --events-per-s 200 --customers 1000000 --years 5`. It is made of the few
figures below, measured on two shared cores with Python 3.11 ([bench.md](bench.md)), and right within a factor of two.

- **Cores**, of workers at the peak: {EVENT_CPU_MS.value} ms an event, half busy, so that a backlog shrinks as quickly as it grew; and
  {TICK_MS.value} ms a tick, one a partition in {TICK_EVERY_S} s. Brokers take about as much again.
- **Partitions**: one is folded by one thread, so no fewer than cores; and each is to be restored within {RESTORE_S} s, at
  {RESTORED.value:,} rows a second. They are chosen once: all topics of the programme have as many.
- **Tables**: {ROWS.value} rows a customer and {ROWS_MORE.value} an order, {BYTES.value} bytes and {BYTES_MORE.value}; {ROOM} times that for what RocksDB has not tidied up yet.
- **Topics** are kept for ever: an event's own record, and {WRITTEN.value:,} bytes that follow from it, of which {CHANGELOG.value} are compacted to
  the rows again; {REPLICAS} replicas, before compression (`LAUREL_KAFKA='{{"compression.type":"lz4"}}'`). {EVENTS_PER_ORDER} events an order: its
  placing, its shipment, and one of everything else.
- **Network**: what is written, {REPLICAS} times, and {READ.value} bytes read, of the source and of the timeline.
- **Memory**: {WORKER_MB.value} MB a worker, and {PARTITION_MB} MB a partition, for rows that are not on disk yet;
  and {ROW_MEMORY.value} bytes a row, for filters and indexes that tell where on disk it is.
- **Restored in**: the rows of one worker's partitions, from nothing. A worker that comes back to its own disk reads but the rest, in
  seconds; with `LAUREL_WARM_COPIES` so does whoever takes over, and each worker has every row on its disk. More workers than
  cores would need share what is to be restored.
- **Folded again in**: all events of all years, as `laurel verify` from the beginning, an import and a what-if do it, on as many
  workers.

A machine that is lost leaves its part of all this to the others: have one worker more than you need.
"""
COLUMNS = (
    ("cores", lambda it: f"{it.cores:,.1f}"),
    ("workers", lambda it: f"{it.workers:,}"),
    ("partitions", lambda it: f"{it.partitions:,}"),
    ("memory GB", lambda it: f"{it.memory_gb:,.1f}"),
    ("tables GB", lambda it: f"{it.tables_gb:,.0f}"),
    ("topics GB", lambda it: f"{it.topics_gb:,.0f}"),
    ("network MB/s", lambda it: f"{it.network_mb_s:,.2f}"),
    ("restored in", lambda it: f"{it.restore_s:,.0f} s"),
    ("folded again in", lambda it: f"{it.replay_h:,.1f} h"),
)
"""What is shown of a need, and how."""


def table(loads: tuple[Load, ...]) -> str:
    """What each load needs, a row each."""
    names = ["events/s", "customers", "years", *[name for name, _ in COLUMNS]]
    lines = [f"| {' | '.join(names)} |", f"|{' ---: |' * len(names)}"]
    for load in loads:
        found = need(load)
        cells = [f"{load.events_per_s:,.0f}", f"{load.customers:,}", f"{load.years:g}"]
        lines.append(f"| {' | '.join([*cells, *[shown(found) for _, shown in COLUMNS]])} |")
    return "\n".join(lines)


def page() -> str:
    """The whole page, as it stands in the file."""
    parts = [
        INTRODUCTION,
        f"With {Load.orders_per_year} orders a customer and year:\n",
        table(SIZES),
    ]
    return "\n".join(parts) + "\n"


def main() -> None:
    """Write the page; or answer for the numbers that are given."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--events-per-s", type=float, help="at the peak")
    parser.add_argument("--customers", type=int)
    parser.add_argument("--years", type=float, help="that are kept")
    parser.add_argument("--orders-per-year", type=float, default=Load.orders_per_year, help="of a customer")
    given = vars(parser.parse_args())
    asked = [given[name] for name in ("events_per_s", "customers", "years")]
    if all(each is None for each in asked):
        PAGE.write_text(page(), encoding="utf-8")
    elif any(each is None or each <= 0 for each in [*asked, given["orders_per_year"]]):
        parser.error("--events-per-s, --customers and --years are needed together, each above 0")
    else:
        print(table((Load(**given),)))


if __name__ == "__main__":
    main()
