"""An upstream system whose client checks nothing: header names that are no text, stamps before 1970.

`python -m tests.faults.rude_producer` reads one record a line, `{"topic", "key", "value", "name", "stamp"}` with bytes in
hexadecimal, and answers each with its partition and offset. A process of its own: only aiokafka without its compiled
parts lets a header name through as it is.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys

os.environ["AIOKAFKA_NO_EXTENSIONS"] = "1"

from aiokafka import AIOKafkaProducer


class Name(str):
    """A header name that becomes whatever bytes it was made of."""

    __slots__ = ()

    def encode(self, *_: str) -> bytes:
        return bytes.fromhex(self)


async def main() -> None:
    producer = AIOKafkaProducer(bootstrap_servers=os.environ["LAUREL_BOOTSTRAP"])
    await producer.start()
    try:
        for line in sys.stdin:
            record = json.loads(line)
            key, value = bytes.fromhex(record["key"]), bytes.fromhex(record["value"])
            headers = [(Name(record["name"]), b"")] if record["name"] else []
            stands = await producer.send_and_wait(
                record["topic"], value, key, partition=0, timestamp_ms=record["stamp"], headers=headers
            )
            print(stands.partition, stands.offset)
    finally:
        await producer.stop()


if __name__ == "__main__":
    asyncio.run(main())
