"""A rolling restart with the next release, which has another version of a row and of a schema (D8, D9)."""

from __future__ import annotations

import io
import json
import shutil
from typing import TYPE_CHECKING, Any

import fastavro
import pytest
from fastavro.schema import fingerprint, to_parsing_canonical_form

from schemas import events as e
from schemas.codec import MARKER
from schemas.fields import EARLIEST_MS
from tests.faults.events import Published
from tests.faults.system import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.system import System, Worker

TILL = {"name": "till", "type": ["null", "string"], "default": None, "doc": "at which till it was placed; null: none"}


@pytest.fixture
def next_release(tmp_path: Path) -> Path:
    """Give a copy of the code in which orders name a till, and customers' rows count those that came with one."""
    release = tmp_path / "release"
    for package in ("schemas", "processors", "state", "streams"):
        shutil.copytree(ROOT / package, release / package, ignore=shutil.ignore_patterns("__pycache__"))
    contract = release / "schemas" / "avsc" / "OrderPlaced.avsc"
    schema = json.loads(contract.read_text())
    schema["fields"].append(TILL)
    contract.write_text(json.dumps(schema))
    edit(
        release / "schemas" / "events.py",
        "    lines: Annotated[tuple[OrderLine, ...], Meta(min_length=1)]\n",
        "    lines: Annotated[tuple[OrderLine, ...], Meta(min_length=1)]\n    till: str | None = None\n",
    )
    edit(
        release / "processors" / "customer.py",
        'policy_version: str = ""\n',
        'policy_version: str = ""\n    told: int = 0\n',
    )
    edit(
        release / "processors" / "customer.py",
        "    8,\n    {1: grown, 2: grown, 3: _alert_with_tier, 4: grown, 5: grown, 6: grown, 7: grown},\n",
        "    9,\n    {1: grown, 2: grown, 3: _alert_with_tier, 4: grown, 5: grown, 6: grown, 7: grown, 8: lambda old: [*old[:11], 0, *old[11:]]},\n",
    )
    edit(
        release / "processors" / "facts.py",
        "    customer = ordered(customer, ",
        "    customer = replace(customer, told=customer.told + (event.till is not None))\n    customer = ordered(customer, ",
    )
    return release


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert text.count(old) == 1, f"{file.name} has changed: {old!r} is there {text.count(old)} times"
    file.write_text(text.replace(old, new))


def with_till(release: Path, number: int) -> Published:
    """An order as an upstream system of the next release publishes it."""
    event = e.OrderPlaced(
        event_id=f"next-{number}", customer_id=f"next-customer-{number % 7}", occurred_at=EARLIEST_MS + 10**12,
        order_id=f"next-order-{number}", currency="USD", lines=(e.OrderLine("l", 1, 100_000 + number),),
    )  # fmt: skip
    line = {"line_id": "l", "quantity": 1, "goods_minor": 100_000 + number, "discount_minor": 0, "tax_minor": 0}
    fields: dict[str, Any] = {
        "event_id": event.event_id, "customer_id": event.customer_id, "occurred_at": event.occurred_at,
        "order_id": event.order_id, "currency": "USD", "rate_ppm": 1_000_000, "lines": [line | {"shipping_minor": 0}],
        "till": "7",
    }  # fmt: skip
    folder = release / "schemas" / "avsc"
    schema = json.loads((folder / "OrderPlaced.avsc").read_text())
    for field in schema["fields"]:
        if field["name"] == "lines":
            field["type"]["items"] = json.loads((folder / "OrderLine.avsc").read_text())
    buffer = io.BytesIO(MARKER + bytes.fromhex(fingerprint(to_parsing_canonical_form(schema), "CRC-64-AVRO")))
    buffer.seek(0, io.SEEK_END)
    fastavro.schemaless_writer(buffer, schema, fields)
    return Published("orders", event.customer_id.encode(), buffer.getvalue(), event)


def stopped(worker: Worker) -> str:
    return " ".join(worker.ready().get("stopped", {}).values())


def test_a_rolling_restart_with_another_row_and_another_schema(system: System, next_release: Path) -> None:
    """Nobody stops the events for it (R-SYNC-05)."""
    workers = system.start("a", "b")
    system.publisher.start()
    system.await_progress()
    present, system.code = system.code, next_release
    for worker in workers:
        assert worker.terminate() == 0
        worker.start()
        system.await_running(worker)
        system.await_progress()
    # Those who publish are upgraded last: until then nobody would know their records.
    system.publisher.besides([with_till(next_release, number) for number in range(200)])
    system.await_progress()
    system.publisher.stop()
    system.await_idle()
    assert system.violations() == []

    # Back to the present release: it must not touch rows that it does not know, and says so.
    assert workers[1].terminate() == 0
    system.code = present
    workers[1].start()
    system.publisher.start()
    system.wait(lambda: "upgrade this worker" in stopped(workers[1]), "the old release to stop its partitions")
    assert workers[1].terminate() == 0
    system.code = next_release
    workers[1].start()
    system.await_progress()
    system.finish()
