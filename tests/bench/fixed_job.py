"""The fixed job through laurel's live channel, table and commit code: value, count and tier per customer, exactly once.

Usage: LAUREL_NAMESPACE=... python tests/bench/fixed_job.py worker --without-web -l warn

Only the fold is another than the product's: the same `BatchTopic`, `Stage`, `Membership`, `Transactions`, `RowTable`,
changelog and RocksDB. The source's events are the schemaless Avro that the other engines of the comparison read.
"""

import io
from typing import Any

import fastavro
import faust
from msgspec import Struct

from processors.rows import Table
from state.overlay import Overlay
from streams import logs
from streams.app import NoFaustKafka, RowTable
from streams.batches import Batch, BatchTopic
from streams.engine import Engine
from streams.records import Outgoing, Record
from streams.restoring import Tables
from streams.settings import Settings

SOURCE, CHANGELOG, TIERS = "orders1m", "fixed-changelog", "fixed-tiers"
SCHEMA = fastavro.parse_schema({
    "type": "record", "name": "Order", "fields": [
        {"name": "event_id", "type": "string"},
        {"name": "customer_id", "type": "string"},
        {"name": "order_id", "type": "string"},
        {"name": "amount_minor", "type": "long"},
        {"name": "ts", "type": {"type": "long", "logicalType": "timestamp-millis"}},
    ],
})  # fmt: skip


class Total(Struct, frozen=True, array_like=True):
    """The job's row."""

    lifetime_value_minor: int
    orders: int
    tier: int


TOTALS = Table("totals", b"f", Total, "value, count and tier of each customer")
NEW = Total(0, 0, 0)


def fold(rows: Overlay, record: Record, skipped: frozenset[str]) -> list[Outgoing]:  # noqa: ARG001
    """Add an order; tell when the tier changes."""
    order: Any = fastavro.schemaless_reader(io.BytesIO(record.value or b""), SCHEMA, None)
    customer = order["customer_id"]
    row = rows.get(TOTALS, customer) or NEW
    value = row.lifetime_value_minor + order["amount_minor"]
    tier = 0 if value < 100000 else 1 if value < 250000 else 2
    rows.put(TOTALS, Total(value, row.orders + 1, tier), customer)
    return [] if tier == row.tier else [Outgoing(TIERS, record.key, b'{"tier": %d}' % tier, record.partition)]


settings = Settings(agents="customers", health_port=0)
logs.configure()
app = faust.App(
    "fixed-job", broker="kafka://none", datadir=str(settings.data_dir), web_enabled=False, Topic=BatchTopic, Table=RowTable
)
app.boot_strategy = NoFaustKafka(app)
engine = Engine(settings, fold, Tables("customers", SOURCE, CHANGELOG))
source = app.topic(settings.topic(SOURCE), maxsize=1)
totals = app.Table(TOTALS.name, help=TOTALS.about)


@app.agent(source, name="customers")
async def customers(batches: faust.Stream[Batch]) -> None:
    """Adds orders up."""
    async for batch in batches:
        await batch.fold()
        await batch.commit()


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
