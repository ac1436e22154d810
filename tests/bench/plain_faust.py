"""The fixed job as Faust's documentation shows it: an agent over a topic, a table in RocksDB with its changelog.

Usage: python -m tests.bench.plain_faust worker --without-web -l warn

One event at a time, at least once. What is tuned is tuned in its favour: larger fetches, rarer commits, a lingering
producer; and it counts as done with the last event, not with the last commit.
"""

from typing import Any

import faust

from tests.bench import meter
from tests.bench.orders import PARTITIONS, decode, tier_of

app = faust.App(
    f"{meter.RUN}-faust",
    broker=f"kafka://{meter.BOOTSTRAP}",
    store="rocksdb://?driver=rocksdict",
    datadir=str(meter.FOLDER),
    topic_partitions=PARTITIONS,
    producer_linger=0.02,
    stream_buffer_maxsize=16_384,
    broker_max_poll_records=2_000,
    broker_commit_every=10_000,
)
source = app.topic(meter.TOPIC, key_type=str, value_type=bytes, key_serializer="raw", value_serializer="raw")
tiers = app.topic(f"{meter.RUN}-faust-tiers", key_type=str, key_serializer="raw", partitions=PARTITIONS)
totals = app.Table("totals", key_type=str, partitions=PARTITIONS)
watch = meter.Meter()


@app.agent(source)
async def customers(stream: Any) -> None:
    done = 0
    async for customer, value in stream.items():
        row = totals.get(customer) or [0, 0, 0]
        lifetime_value = row[0] + decode(value)["amount_minor"]
        tier = tier_of(lifetime_value)
        totals[customer] = [lifetime_value, row[1] + 1, tier]
        if tier != row[2]:
            await tiers.send(key=customer, value={"tier": tier})
        done += 1
        watch.reached(done)


if __name__ == "__main__":
    app.main()
