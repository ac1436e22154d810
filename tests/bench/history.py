"""Does a step cost more when a customer's history is longer? One customer's orders, from 10 to 100,000, in memory and RocksDB.

The curve becomes a section of deploy/bench.md, with `--output`. Measured is the CPU of the steps alone, over orders,
cancellations, refunds, returns and contacts, at each length of the history; the store is written after each step.
"""

import json
import sys
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[2]))

import yaml

from processors.step import Entry, step
from schemas import events as e
from schemas.source import SourceEvent
from schemas.topics import TOPIC_OF
from state.memory import MemoryStore
from state.overlay import Overlay
from state.rocks import RocksStore
from state.store import Store
from tests.bench import report

LENGTHS = (10, 100, 1_000, 10_000, 100_000)
SAMPLE, ROUNDS = 200, 5
"""Steps that are measured at a length, and how often: the median counts."""
BEGIN, HOUR = 1_500_000_000_000, 3_600_000
TITLE = "# A step and the length of a customer's history"


def happenings(first: int, count: int) -> Iterator[SourceEvent]:
    """Orders, and of every tenth each thing that can become of one."""
    for number in range(first, first + count):
        about = {"event_id": f"e{number}", "customer_id": "ada", "occurred_at": BEGIN + number * HOUR}
        order = f"o{number}"
        match number % 10:
            case 3:
                yield e.OrderCancelled(**about, order_id=f"o{number - 1}")
            case 5:
                yield e.OrderRefunded(**about, order_id=f"o{number - 1}", refund_id="f", goods_minor=100)
            case 7:
                lines = (e.ReturnLine("l", 1),)
                yield e.ReturnRequested(**about, order_id=f"o{number - 1}", return_id=f"b{number}", lines=lines)
            case 9:
                yield e.ContactOpened(**about, case_id=f"k{number}", channel="web")
            case _:
                yield e.OrderPlaced(**about, order_id=order, currency="USD", lines=(e.OrderLine("l", 1, 1_000),))


class History:
    """One customer, over a store."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.rows = Overlay(store)
        self.offset = self.told = 0
        document = yaml.safe_load(Path("processors/default_policy.yaml").read_text())
        self.tell("#0", e.PolicyActivated("a", document["version"], 0, json.dumps(document)))

    def tell(self, subject: str, event: e.Event) -> None:
        source = TOPIC_OF.get(type(event), "messages")
        step(self.rows, Entry("timeline", 0, self.offset, 0, subject, event, b"", source))
        self.rows.keep()
        self.store.write(self.rows.changes())
        self.rows = Overlay(self.store)
        self.offset += 1

    def go_on(self, count: int) -> float:
        """So many happenings; CPU microseconds of each."""
        events = list(happenings(self.told, count))
        self.told += count
        began = time.process_time()
        for event in events:
            self.tell("ada", event)
        return (time.process_time() - began) / count * 1_000_000


def curve(store: Store) -> list[float]:
    history, found = History(store), []
    history.go_on(LENGTHS[0])
    for length in LENGTHS:
        history.go_on(max(length - history.told, 0) or 1)
        found.append(median(history.go_on(SAMPLE) for _ in range(ROUNDS)))
        print(f"{length:>8,} events: {found[-1]:6.1f} µs", flush=True)
    return found


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    report.output(parser)
    given = parser.parse_args()
    stores: dict[str, Callable[[Path], Store]] = {"RocksDB": RocksStore, "In memory": lambda _: MemoryStore()}
    parts = []
    for name, opened in stores.items():
        with tempfile.TemporaryDirectory() as folder:
            print(name)
            found = curve(opened(Path(folder, "rows")))
            figures = {f"{length:,}": each for length, each in zip(LENGTHS, found, strict=True)}
            parts.append(f"{name}, CPU µs a step:\n\n{report.bars(figures)}")
    text = (
        f"{TITLE}\n\nOne customer's events, so many before the {SAMPLE} that are measured, {ROUNDS} times each, medians. Each step\n"
        "writes the store, which a worker does once a batch: compare lengths, not engines.\n\n" + "\n\n".join(parts)
    )
    text += f"\n\n- {time.strftime('%Y-%m-%d')}; Python {sys.version.split()[0]}; `{report.command('tests/bench/history.py')}`\n"
    report.tell(given.output, text)


if __name__ == "__main__":
    main()
