"""A consumer of laurel's decisions, as a system of yours would be. Copy it, and put your effect where `would` is.

    pip install confluent-kafka fastavro
    python consumer.py    # with LAUREL_BOOTSTRAP, LAUREL_NAMESPACE and LAUREL_REGISTRY_URL, as `laurel sandbox` prints them

- It reads committed records only. What a transaction wrote that was then aborted never happened.
- It acts once for each decision, however often it is killed: done is what stands in its database under `decision_id`, and
  Kafka hears of its position only after that. An effect outside the database may come twice then: give it `decision_id` too.
- It notices a decision that is missing. `sequence` counts a customer's decisions from 1 over ALL decision topics: seen from
  one topic alone, 1, 4, 9 is in order. So it reads all of them, also where it acts on one (`--act-on`), and the profiles,
  which tell each customer's latest number: without them, the last decision could be missing unnoticed.
"""

import argparse
import io
import json
import os
import signal
import sqlite3
import sys
import urllib.request
from pathlib import Path

from confluent_kafka import Consumer, IsolationLevel, KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, OffsetSpec
from fastavro import parse_schema, schemaless_reader
from fastavro.schema import fingerprint, to_parsing_canonical_form

DECISIONS = (
    "tier-changes",
    "return-decisions",
    "priority-routing",
    "at-risk-alerts",
    "notification-requests",
    "command-answers",
    "discrepancies",
    "rewards",
    "recovery",
    "fulfilment",
    "points",
    "launches",
)
PROFILES = "customer-profiles"
TABLES = """
CREATE TABLE IF NOT EXISTS done (decision_id TEXT PRIMARY KEY, customer_id TEXT, sequence INTEGER, effect TEXT);
CREATE INDEX IF NOT EXISTS of_customer ON done (customer_id);
CREATE TABLE IF NOT EXISTS told (customer_id TEXT PRIMARY KEY, partition INTEGER, sequence INTEGER);
"""
TELL = "INSERT INTO told VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET sequence = max(sequence, excluded.sequence)"
FEWER_DONE = """
SELECT customer_id, partition FROM told
WHERE sequence > (SELECT count(*) FROM done WHERE customer_id = told.customer_id)
"""


WOULD = {
    "TierChanged": "set {customer_id} to {to_tier}, after {from_tier}",
    "ReturnDecided": "{verdict} return {return_id} of {customer_id}: {amount_minor} minor units",
    "ContactRouted": "put case {case_id} of {customer_id} into queue {queue}",
    "AtRiskRaised": "call {customer_id}, silent for {silent_days} days",
    "AtRiskRetracted": "not call {customer_id}: {retracts} was wrong",
    "OrderFlagged": "pack order {order_id} of {customer_id} by {pick_by}",
    "NotificationRequested": "tell {customer_id} of {notice}, unless it is after {expires_at}",
}


def would(kind: str, said: dict) -> str:
    """What this system would do for a decision: yours goes here, in the transaction of the database if it can."""
    effect = WOULD.get(kind, f"take note of {kind} of {{customer_id}}").format(**said)
    return f"{effect}, instead of what {said['supersedes']} asked for" if said.get("supersedes") else effect


class Schemas:
    """The schemas that records were written with, by the bytes that a record opens with."""

    def __init__(self, registry: str | None, folder: Path | None) -> None:
        self._registry, self._known = registry, {}
        for file in folder.rglob("*.avsc") if folder else ():
            self._keep(json.loads(file.read_text()))

    def read(self, value: bytes) -> tuple[str, dict]:
        """A record and its type: Avro's single-object encoding (c301 and a fingerprint), or Confluent's (00 and an id)."""
        opening = value[: 5 if value[0] == 0 else 10]
        if opening not in self._known:
            self._fetch(opening)
        schema = self._known[opening]
        return schema["name"].rpartition(".")[2], schemaless_reader(io.BytesIO(value[len(opening) :]), schema)

    def _fetch(self, opening: bytes) -> None:
        if opening[0] == 0:
            found = self._get(f"schemas/ids/{int.from_bytes(opening[1:], 'big')}")
            self._known[opening] = parse_schema(json.loads(found["schema"]))
            return
        for subject in self._get("subjects"):  # a registry does not know fingerprints: of all it has, ours is made here
            for version in self._get(f"subjects/{subject}/versions"):
                self._keep(json.loads(self._get(f"subjects/{subject}/versions/{version}")["schema"]))

    def _keep(self, schema: dict) -> None:
        crc = bytes.fromhex(fingerprint(to_parsing_canonical_form(schema), "CRC-64-AVRO"))
        self._known[b"\xc3\x01" + crc] = parse_schema(schema)

    def _get(self, path: str) -> object:
        with urllib.request.urlopen(f"{self._registry}/{path}", timeout=10) as answer:
            return json.load(answer)


class Gaps:
    """Which decisions are missing.

    A number may be missing for a while, as one topic is read before another. It is a gap if it is still missing once every
    topic has been read to where it ended when the hole was seen, with all that open transactions still hid.
    """

    def __init__(self, database: sqlite3.Connection, admin: AdminClient) -> None:
        self._database, self._admin = database, admin
        self.begin(None, [])

    def begin(self, _consumer: Consumer | None, assigned: list) -> None:
        """Partitions come and go: whoever lacks decisions in those that came is looked at anew."""
        mine = {place.partition for place in assigned}
        self.suspects = {who for who, partition in self._database.execute(FEWER_DONE) if partition in mine}
        self.read, self._ends = {}, {}
        # What was missing when it was asked where the topics end: a hole that is seen later has ends of its own.
        self._asked = {}

    def look(self, assigned: list) -> None:
        """Ask where the topics end, or tell what is missing once they were read so far."""
        if not assigned:
            return
        if not self._asked:
            self._asked = {who: missing for who in self.suspects if (missing := self._missing(who))}
            self.suspects = set()
            if self._asked:
                latest = dict.fromkeys(assigned, OffsetSpec.latest())
                ends = self._admin.list_offsets(latest, isolation_level=IsolationLevel.READ_UNCOMMITTED)
                self._ends = {(tp.topic, tp.partition): end.result().offset for tp, end in ends.items()}
        elif all(self.read.get(place, -1) >= end for place, end in self._ends.items()):
            for who, asked in sorted(self._asked.items()):
                if missing := sorted(asked & self._missing(who)):
                    print(f"GAP {who}: decisions {missing} are missing", file=sys.stderr, flush=True)
            self._asked = {}

    def _missing(self, customer: str) -> set[int]:
        (last,) = self._database.execute("SELECT sequence FROM told WHERE customer_id = ?", (customer,)).fetchone()
        seen = self._database.execute("SELECT sequence FROM done WHERE customer_id = ?", (customer,))
        return set(range(1, last + 1)) - {sequence for (sequence,) in seen}


def main() -> None:
    """Read until Ctrl-C."""
    parser = argparse.ArgumentParser(description="Print what a system would do for each of laurel's decisions.")
    parser.add_argument("--state", default="decisions.sqlite", help="the database of what is done")
    parser.add_argument("--act-on", nargs="+", choices=DECISIONS, default=DECISIONS, help="the topics to act on")
    parser.add_argument("--schemas", type=Path, help="a folder of .avsc files to know before the registry is asked")
    parser.add_argument("--group", default="example")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    namespace, kafka = os.environ.get("LAUREL_NAMESPACE", ""), {"bootstrap.servers": os.environ["LAUREL_BOOTSTRAP"]}
    schemas = Schemas(os.environ.get("LAUREL_REGISTRY_URL"), given.schemas)
    database = sqlite3.connect(given.state)
    database.executescript(TABLES)
    gaps = Gaps(database, AdminClient(kafka))
    reading = {
        "group.id": given.group,
        "isolation.level": "read_committed",
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
        "enable.partition.eof": True,  # tells that a topic was read to its end, also where transactions' marks are last
        "session.timeout.ms": 6000,  # so long nobody reads on after a `kill -9`
    }
    # Range assignment, the default, gives one consumer the same partition of all topics: all decisions of a customer.
    consumer = Consumer(kafka | reading)
    topics = [namespace + topic for topic in (*DECISIONS, PROFILES)]
    consumer.subscribe(topics, on_assign=gaps.begin)
    try:
        while True:
            told = []
            for message in consumer.consume(500, 0.5):
                place, error = (message.topic(), message.partition()), message.error()
                if error and error.code() != KafkaError._PARTITION_EOF:
                    raise KafkaException(error)
                gaps.read[place] = message.offset() if error else message.offset() + 1
                if not error and message.value():  # a profile without a value is of somebody who was erased
                    told.append((message.topic().removeprefix(namespace), place[1], *schemas.read(message.value())))
            with database:
                effects = [effect for each in told if (effect := handle(database, given.act_on, *each))]
            if told:
                consumer.commit(asynchronous=False)
                print(*effects, sep="\n", end="\n" if effects else "", flush=True)
            gaps.suspects.update(said["customer_id"] for *_, said in told)
            gaps.look(consumer.assignment())
    except KeyboardInterrupt:
        pass
    finally:
        consumer.close()


def handle(
    database: sqlite3.Connection, acting_on: list, topic: str, partition: int, kind: str, said: dict
) -> str | None:
    """Do what a record asks for, unless that is done; what was done."""
    database.execute(TELL, (said["customer_id"], partition, said["sequence"]))
    if topic == PROFILES:
        return None
    effect = would(kind, said) if topic in acting_on else None
    row = (said["decision_id"], said["customer_id"], said["sequence"], effect)
    new = database.execute("INSERT OR IGNORE INTO done VALUES (?, ?, ?, ?)", row).rowcount
    return f"{said['customer_id']} #{said['sequence']} would {effect}" if new and effect else None


if __name__ == "__main__":
    main()
