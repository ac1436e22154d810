"""The fixed job through laurel's live channel, table and commit code: value, count and tier per customer, exactly once.

Usage: LAUREL_NAMESPACE=... python -m tests.bench.fixed_job worker --without-web -l warn

Only the fold is another than the product's: the same `BatchTopic`, `Stage`, `Membership`, `Transactions`, `RowTable`,
changelog and RocksDB. The source's events are the schemaless Avro that the other engines of the comparison read.
"""

from operator import attrgetter
from typing import Any

import faust

from state.overlay import Overlay
from streams import logs
from streams.app import NoFaustKafka, RowTable
from streams.batches import Batch, BatchTopic
from streams.engine import Engine
from streams.records import Outgoing, Record
from streams.restoring import Tables
from streams.settings import Settings
from tests.bench import meter
from tests.bench.fixed_rows import NEW, TOTALS, Total
from tests.bench.orders import decode, tier_of

partition_of, offset_of = attrgetter("partition"), attrgetter("offset")
CHANGELOG, TIERS = "fixed-changelog", "fixed-tiers"


class JobSettings(Settings):
    """The worker's own, but the orders are shared by all runs on a broker: their topic has no namespace."""

    def topic(self, name: str) -> str:
        return name if name == meter.TOPIC else super().topic(name)


def fold(rows: Overlay, record: Record, skipped: frozenset[str]) -> list[Outgoing]:
    """Add an order; tell when the tier changes."""
    order = decode(record.value or b"")
    customer = order["customer_id"]
    row = rows.get(TOTALS, customer) or NEW
    value = row.lifetime_value_minor + order["amount_minor"]
    tier = tier_of(value)
    rows.put(TOTALS, Total(value, row.orders + 1, tier), customer)
    rows.keep()
    return [] if tier == row.tier else [Outgoing(TIERS, record.key, b'{"tier": %d}' % tier, record.partition)]


settings = JobSettings(agents="customers", health_port=0)
logs.configure()
app = faust.App(
    "fixed-job",
    broker="kafka://none",
    datadir=str(settings.data_dir),
    web_enabled=False,
    Topic=BatchTopic,
    Table=RowTable,
)
app.boot_strategy = NoFaustKafka(app)
engine = Engine(settings, fold, Tables("customers", meter.TOPIC, CHANGELOG))
source = app.topic(settings.topic(meter.TOPIC), maxsize=1)
totals = app.Table(TOTALS.name, help=TOTALS.about)
watch = meter.Meter()


@app.on_worker_init.connect
def make_data_dir(*_: Any, **__: Any) -> None:
    """Faust makes its own folder, but not the ones above it."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)


@app.agent(source, name="customers")
async def customers(batches: faust.Stream[Batch]) -> None:
    """Adds orders up."""
    committed: dict[int, int] = {}
    async for batch in batches:
        await batch.fold()
        await batch.commit()
        committed.update(zip(map(partition_of, batch.records), map(offset_of, batch.records), strict=True))
        watch.reached(sum(committed.values()) + len(committed))


@app.service
class Running(faust.Service):
    """Gives the agent its batches."""

    @faust.Service.task
    async def _work(self) -> None:
        app.flow_control.resume()
        await engine.work({"customers": source})

    async def on_stop(self) -> None:
        """Drain."""
        await engine.drain()


if __name__ == "__main__":
    app.main()
