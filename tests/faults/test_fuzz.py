"""Malformed records by the ten thousand: each becomes a dead letter as it was, and nobody else notices (I-1).

`LAUREL_FUZZ_RECORDS` says how many.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING

from schemas.codec import Rejected, decode
from schemas.topics import INTAKE, TOPIC_OF
from streams.burying import bury
from streams.intake import subject_of
from streams.keychain import MemoryKeys
from streams.records import Record
from tests.faults.events import Published
from tests.faults.fuzzing import Fuzzer
from tests.faults.system import PARTITIONS, ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.events import History
    from tests.faults.system import System

RECORDS = int(os.environ.get("LAUREL_FUZZ_RECORDS", "10000"))
GOOD_ONE_IN = 10
TROUBLE = ("bug", "batch_again", "transaction_aborted", "partition_stopped", "revoked", "fetch_failed")


def test_malformed_records_by_the_ten_thousand(system: System, seed: int) -> None:
    (worker,) = system.start("a", LAUREL_BATCH_SIZE=4000)
    process = worker.process
    system.publisher.publish(mixed(Fuzzer(seed), system.publisher.history))
    system.finish()
    reasons = Counter(published.reason for published in system.publisher.journal.values() if published.reason)
    assert reasons.total() >= RECORDS
    assert worker.counted("laurel_dead_letters_total") == reasons
    # Nobody stopped, nobody began again.
    assert worker.process is process
    assert worker.running
    said = worker.ready()
    assert said["ready"] is True
    assert said["partitions"] == {"intake": len(INTAKE) * PARTITIONS, "customers": PARTITIONS}
    assert not [line for trouble in TROUBLE for line in worker.said(trouble)]


def test_what_no_polite_client_writes(system: System) -> None:
    """A header's name that is no text spoils nothing but the headers; a stamp before 1970 is carried on."""
    (worker,) = system.start("a")
    good = Fuzzer(1).good[0]
    event = decode(good)
    rude = []
    for stamp in (None, 0, -1, -(10**15)):
        far = None if stamp is None else "implausible_date"  # the event is decades after its stamp
        for name in ("", "fffe"):
            rude.append((Published("orders", b"bad", b"bad", None, "undecodable"), name, stamp))
            rude.append((Published(TOPIC_OF[type(event)], b"k", good, None if far else event, far), name, stamp))
    publish_rudely(system, rude)
    system.publisher.publish([system.publisher.history.next() for _ in range(50)])
    system.finish()
    assert worker.running
    assert not [line for trouble in TROUBLE for line in worker.said(trouble)]


def publish_rudely(system: System, rude: list[tuple[Published, str, int | None]]) -> None:
    """Publish with a client that checks nothing: records with a header's name, in hexadecimal, and a stamp."""
    lines = [
        json.dumps({
            "topic": system.namespace + record.topic, "key": record.key.hex(), "value": record.value.hex(),
            "name": name, "stamp": stamp,
        })
        for record, name, stamp in rude
    ]  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.rude_producer"],
        cwd=ROOT, env=system.environment, check=True, text=True, stdout=subprocess.PIPE, input="\n".join(lines),
    )  # fmt: skip
    for (record, _, _), stands in zip(rude, done.stdout.splitlines(), strict=True):
        partition, offset = map(int, stands.split())
        system.publisher.journal[record.topic, partition, offset] = record


def test_the_judge_and_intake_agree_on_every_record(seed: int) -> None:
    """Also on what neither a broker nor a worker has to be there for: the next ten thousand."""
    fuzzer = Fuzzer(seed + 1)
    for published in islice(fuzzer.records(), 10_000):
        record = Record(published.topic, 0, 0, fuzzer.now, published.key, published.value, published.headers)
        refused = subject_of(record)
        assert isinstance(refused, Rejected), published
        assert refused.reason == published.reason, (published, refused)
        assert refused.detail
        assert bury(record, refused, MemoryKeys()) == bury(record, subject_of(record), MemoryKeys()), (
            "not the same twice"
        )


def mixed(fuzzer: Fuzzer, history: History) -> Iterator[Published]:
    for number, malformed in enumerate(islice(fuzzer.records(), RECORDS)):
        yield malformed
        if number % GOOD_ONE_IN == 0:
            yield history.next()
