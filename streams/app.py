"""The composition root: which agents, over which topics, with which tables. `faust -A streams.app worker` runs it."""

from typing import Any

import faust
from faust.app import BootStrategy

from processors.tables import TABLES
from schemas.topics import INTAKE
from streams import logs
from streams.batches import Batch, BatchTopic
from streams.engine import Engine
from streams.folding import fold
from streams.settings import Settings


class NoFaustKafka(BootStrategy):
    """Faust's own consumer, producer and table recovery are not started (D1)."""

    enable_kafka = False


class RowTable(faust.Table[Any, Any]):
    """One of laurel's tables, as Faust shows it. Its rows live in the partitions' stores; no Faust store exists."""


settings = Settings()
logs.configure()
app = faust.App(
    f"{settings.namespace}laurel",
    broker=f"kafka://{settings.bootstrap}",
    datadir=str(settings.data_dir),
    web_enabled=False,
    Topic=BatchTopic,
    Table=RowTable,
)
app.boot_strategy = NoFaustKafka(app)
engine = Engine(settings, fold)


@app.on_worker_init.connect
def make_data_dir(*_: Any, **__: Any) -> None:
    """Faust makes its own folder, but not the ones above it."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)


sources = app.topic(*(settings.topic(topic) for topic in INTAKE), maxsize=1)
timeline = app.topic(settings.topic("timeline"), maxsize=1)
tables = {table.name: app.Table(table.name, help=table.about) for table in TABLES}


@app.agent(sources, name="intake")
async def intake(batches: faust.Stream[Batch]) -> None:
    """Decides in which order the sources interleave, and appends them to the timeline."""
    async for batch in batches:
        await batch.fold()
        await batch.commit()


@app.agent(timeline, name="customers")
async def customers(batches: faust.Stream[Batch]) -> None:
    """Folds the timeline into the tables, and publishes what was decided."""
    async for batch in batches:
        await batch.fold()
        await batch.commit()


@app.service
class Running(faust.Service):
    """Gives the agents their batches for as long as Faust's worker runs."""

    @faust.Service.task
    async def _work(self) -> None:
        app.flow_control.resume()
        await engine.work({"intake": sources, "customers": timeline})

    async def on_stop(self) -> None:
        """Drain before Faust stops the agents."""
        await engine.drain()
