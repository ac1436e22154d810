"""The fixed job in one plain loop: what Python's Kafka client and RocksDB allow without an engine, at least once.

Usage: python -m tests.bench.raw_loop

A batch is read, added up, written to changelog and store, flushed, and its positions are committed.
"""

import msgspec
from confluent_kafka import Consumer, Producer
from rocksdict import Options, Rdict, WriteBatch

from tests.bench import meter
from tests.bench.orders import decode, tier_of

BATCH = 4_000
Row = tuple[int, int, int]
pack = msgspec.msgpack.Encoder().encode
unpack = msgspec.msgpack.Decoder(Row).decode


def produce(producer: Producer, topic: str, key: bytes, value: bytes, partition: int) -> None:
    while True:
        try:
            producer.produce(topic, value, key, partition)
        except BufferError:
            producer.poll(0.1)
        else:
            return


def main() -> None:
    consumer = Consumer(
        {
            "bootstrap.servers": meter.BOOTSTRAP,
            "group.id": f"{meter.RUN}-raw",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    producer = Producer({"bootstrap.servers": meter.BOOTSTRAP, "enable.idempotence": True, "linger.ms": 5})
    options = Options(raw_mode=True)
    options.create_if_missing(True)
    store = Rdict(str(meter.FOLDER / "rows"), options)
    watch, done = meter.Meter(), 0
    consumer.subscribe([meter.TOPIC])
    while not watch.done:
        messages = [message for message in consumer.consume(BATCH, 0.1) if message.error() is None]
        if not messages:
            continue
        rows: dict[bytes, tuple[Row, int]] = {}
        for message in messages:
            key, partition = message.key(), message.partition()
            known = rows.get(key)
            if known is None:
                data = store.get(key)
                row = unpack(data) if data else (0, 0, 0)
            else:
                row = known[0]
            value = row[0] + decode(message.value())["amount_minor"]
            tier = tier_of(value)
            rows[key] = (value, row[1] + 1, tier), partition
            if tier != row[2]:
                produce(producer, f"{meter.RUN}-raw-tiers", key, b'{"tier": %d}' % tier, partition)
        batch = WriteBatch(raw_mode=True)
        for key, (row, partition) in rows.items():
            data = pack(row)
            batch.put(key, data)
            produce(producer, f"{meter.RUN}-raw-changelog", key, data, partition)
        producer.flush()
        store.write(batch)
        consumer.commit(asynchronous=False)
        done += len(messages)
        watch.reached(done)
    consumer.close()


if __name__ == "__main__":
    main()
