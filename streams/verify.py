"""`laurel verify`: is what laurel holds and published what its history says? (I-1 to I-5)

Partition by partition, from the broker's committed records: the timeline is folded again and compared with the
changelog, with the tables on this disk, and with the published decisions; sources are compared with timeline and dead
letters; sequence numbers are counted; a second fold in another environment must give the same bytes. A system that is
running can be verified: each comparison is as of a position that both sides have passed.
"""

import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.table import Table as RichTable

from processors.tables import TABLES as ROW_TABLES
from schemas.codec import Rejected, decode
from schemas.decisions import Decided
from schemas.topics import INTAKE, TOPICS
from state.encoding import decode_row
from state.partition import POSITION, read_position, state_of
from state.rocks import RocksStore
from streams.kafka import Place, admin, committed, partitions_of, read_partitions
from streams.records import AT, ORIGIN, Outgoing, Record, parse_origin
from streams.refolding import BATCH_SIZE, TABLES, Digest, FoldStoppedError, Refold, batches, timeline
from streams.settings import Settings
from streams.skips import load

Advance = Callable[[int], None]
OUTPUTS = tuple(topic.name for topic in TOPICS if topic.writer == "customers" and topic.types)
COMPACTED = "customer-profiles"


@dataclass
class Check:
    """One comparison on one partition: how many things were compared, how many differ, and the first that does."""

    invariant: str
    what: str
    partition: int
    compared: int = 0
    differences: int = 0
    first: str = ""

    def differ(self, where: str) -> None:
        """Count a difference."""
        self.differences += 1
        self.first = self.first or where


@dataclass
class Report:
    """All comparisons."""

    checks: list[Check] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether something was compared and nothing differs."""
        return any(check.compared for check in self.checks) and not any(check.differences for check in self.checks)

    def _sums(self) -> dict[tuple[str, str], tuple[int, int]]:
        sums: defaultdict[tuple[str, str], tuple[int, int]] = defaultdict(lambda: (0, 0))
        for check in self.checks:
            compared, differences = sums[check.invariant, check.what]
            sums[check.invariant, check.what] = (compared + check.compared, differences + check.differences)
        return dict(sums)

    def first_differences(self) -> Iterator[str]:
        """The first difference of each kind, with its position."""
        said = set()
        for check in self.checks:
            if check.differences and (check.invariant, check.what) not in said:
                said.add((check.invariant, check.what))
                yield f"{check.invariant} {check.what}, partition {check.partition}: {check.first}"

    def table(self) -> RichTable:
        """For people."""
        table = RichTable("invariant", "compared", "what", "differences")
        for (invariant, what), (compared, differences) in self._sums().items():
            table.add_row(invariant, str(compared), what, str(differences))
        return table

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "verified": self.clean,
            "checks": [
                {"invariant": invariant, "what": what, "compared": compared, "differences": differences}
                for (invariant, what), (compared, differences) in self._sums().items()
            ],
            "first_differences": list(self.first_differences()),
        }


def verify(settings: Settings, advance: Advance = lambda _: None, *, local: bool = True) -> Report:
    """Compare everything. Raises `KafkaException` where the broker does not answer."""
    report = Report()
    asking = admin(settings)
    count = partitions_of(asking, settings.topic(TABLES.source))
    cluster = str(asking.list_topics(timeout=10).cluster_id)
    report.checks += check_origins(settings, count)
    digests: dict[int, tuple[int, str]] = {}
    for partition in range(count):
        copies = local_copies(settings, cluster, partition) if local else {}
        checks, position, digest = _check_partition(settings, partition, copies, advance)
        report.checks += checks
        if digest is not None:
            digests[partition] = (position, digest)
    report.checks += _check_again(settings, digests)
    return report


def local_copies(settings: Settings, cluster: str, partition: int) -> dict[Path, RocksStore]:
    """The tables of a partition on this disk, whichever worker's; opened without disturbing it."""
    name = settings.namespace or "laurel"
    found = (settings.data_dir / cluster).glob(f"{name}-*/p{partition}")
    return {path: RocksStore(path, read_only=True) for path in sorted(found)}


def _check_partition(
    settings: Settings, partition: int, copies: dict[Path, RocksStore], advance: Advance
) -> tuple[list[Check], int, str | None]:
    changelog = _changelog(settings, partition)
    position_row = changelog.get(POSITION.key())
    position = decode_row(POSITION, position_row).timeline if position_row else 0
    borders = {path: read_position(store) or 0 for path, store in copies.items()}
    published = Published(settings, partition, position)
    in_changelog = Check("I-2", "rows of the changelog", partition)
    on_disk = Check("I-2", "rows of the tables on disk", partition)
    refold, digest = Refold(partition, load(settings)), Digest()
    checks = [in_changelog, on_disk, *published.checks]
    try:
        for batch in batches(timeline(settings, partition, position), BATCH_SIZE, set(borders.values())):
            outputs = refold.fold(batch)
            digest.outputs(outputs)
            published.compare(outputs)
            advance(len(batch))
            reached = {path for path, border in borders.items() if border == refold.position}
            for path in reached:
                _compare_rows(dict(state_of(copies[path])), refold, on_disk, str(path))
    except FoldStoppedError as error:
        in_changelog.differ(str(error))
        return checks, position, None
    finally:
        for store in copies.values():
            store.close()
    _compare_rows(changelog, refold, in_changelog, settings.topic(TABLES.changelog))
    published.finish()
    return checks, position, digest.rows(refold.state)


def _changelog(settings: Settings, partition: int) -> dict[bytes, bytes]:
    rows: dict[bytes, bytes] = {}
    for record in read_partitions(settings, TABLES.changelog, [partition]):
        key = record.key or b""
        if record.value is None:
            rows.pop(key, None)
        else:
            rows[key] = record.value
    return rows


def _compare_rows(found: dict[bytes, bytes], refold: Refold, check: Check, where: str) -> None:
    expected = dict(state_of(refold.state.store))
    for key in sorted(expected.keys() | found.keys()):
        check.compared += 1
        if expected.get(key) != found.get(key):
            check.differ(f"{where}: {_row_name(key)}: the fold has {_row(expected, key)}, found {_row(found, key)}")


def _row_name(key: bytes) -> str:
    table = next((table for table in (*ROW_TABLES, POSITION) if table.prefix == key[:1]), None)
    return repr(key) if table is None else f"{table.name} {'/'.join(table.parts(key))}"


def _row(rows: dict[bytes, bytes], key: bytes) -> str:
    data = rows.get(key)
    if data is None:
        return "no such row"
    table = next((table for table in (*ROW_TABLES, POSITION) if table.prefix == key[:1]), None)
    return data.hex() if table is None else str(decode_row(table, data))


class Published:
    """The published records of a partition, beside what the fold publishes (I-3), and their numbers (I-4)."""

    def __init__(self, settings: Settings, partition: int, position: int) -> None:
        self._position = position
        self._found = {
            topic: self._up_to(read_partitions(settings, topic, [partition])) for topic in OUTPUTS if topic != COMPACTED
        }
        self._profiles = {record.key: record for record in read_partitions(settings, COMPACTED, [partition])}
        self._expected_profiles: dict[bytes | None, Outgoing] = {}
        self._of_topic = {topic: Check("I-3", topic, partition) for topic in OUTPUTS}
        self._numbers = Check("I-4", "sequence numbers", partition)
        self._last: dict[str, set[int]] = defaultdict(set)
        self._begun: set[str] = set()

    @property
    def checks(self) -> list[Check]:
        """The comparisons, filled as the fold goes on."""
        return [*self._of_topic.values(), self._numbers]

    def _up_to(self, records: Iterator[Record]) -> Iterator[Record]:
        return (record for record in records if _offset(record.header(AT)) < self._position)

    def compare(self, outputs: list[Outgoing]) -> None:
        """Compare what a batch publishes with what was published."""
        for expected in outputs:
            if expected.topic == COMPACTED:
                self._expected_profiles[expected.key] = expected
                continue
            check = self._of_topic[expected.topic]
            found = self._next(expected)
            if found is EXPIRED:
                continue
            check.compared += 1
            if found is None:
                check.differ(f"missing: {_said(expected.value)}")
            elif (found.key, found.value) != (expected.key, expected.value):
                check.differ(f"offset {found.offset} is {_said(found.value)}; the fold says {_said(expected.value)}")
            if found is not None:
                self._number(found)

    def _next(self, expected: Outgoing) -> Any:
        """The record found where `expected` belongs; what retention has removed from the front is passed over."""
        if expected.topic not in self._begun:
            first = next(self._found[expected.topic], None)
            if first is not None and first.offset > 0 and _offset(first.header(AT)) > _at(expected):
                self._found[expected.topic] = _chain(first, self._found[expected.topic])
                return EXPIRED
            self._begun.add(expected.topic)
            return first
        return next(self._found[expected.topic], None)

    def _number(self, record: Record) -> None:
        decision = decode(record.value)
        if isinstance(decision, Decided):
            self._numbers.compared += 1
            seen = self._last[decision.customer_id]
            if decision.sequence in seen:
                self._numbers.differ(f"{record.topic} offset {record.offset}: {decision.customer_id} has {decision.sequence} twice")
            seen.add(decision.sequence)

    def finish(self) -> None:
        """After the fold: nothing may be left over, the last profiles must agree, and the numbers have no gap."""
        for topic, left in self._found.items():
            for record in left:
                self._of_topic[topic].compared += 1
                self._of_topic[topic].differ(f"offset {record.offset} is {_said(record.value)}; the fold has no such record")
        check = self._of_topic[COMPACTED]
        for key in self._profiles.keys() | self._expected_profiles.keys():
            found, expected = self._profiles.get(key), self._expected_profiles.get(key)
            if found is not None and _offset(found.header(AT)) >= self._position:
                continue  # newer than what was folded; what it replaced may be compacted away
            check.compared += 1
            if found is None or expected is None or found.value != expected.value:
                check.differ(
                    f"{(key or b'').decode()}: found {_said(found.value if found else None)}; "
                    f"the fold says {_said(expected.value if expected else None)}"
                )
        for customer, numbers in self._last.items():
            if len(numbers) != max(numbers) - min(numbers) + 1:
                gap = next(n for n in range(min(numbers), max(numbers)) if n not in numbers)
                self._numbers.differ(f"{customer} has no {gap}")


EXPIRED: Any = object()


def _chain(first: Record, rest: Iterator[Record]) -> Iterator[Record]:
    yield first
    yield from rest


def _offset(header: bytes | None) -> int:
    return int(header or -1)


def _at(record: Outgoing) -> int:
    return next((int(value) for name, value in record.headers if name == AT), -1)


def _said(value: bytes | None) -> str:
    content = decode(value)
    return "nothing" if value is None else content.detail if isinstance(content, Rejected) else str(content)


def check_origins(settings: Settings, count: int) -> list[Check]:
    """I-1: each source record that intake has passed is in timeline or dead letters, once."""
    asking = admin(settings)
    places = [(topic, n) for topic in INTAKE for n in range(partitions_of(asking, settings.topic(topic)))]
    full = {(settings.topic(topic), partition): (topic, partition) for topic, partition in places}
    positions = {full[place]: position or 0 for place, position in committed(settings, "intake", full).items()}
    times: dict[Place, bytearray] = {place: bytearray(position) for place, position in positions.items()}
    for topic in (TABLES.source, "dead-letters"):
        for partition in range(count):
            for record in read_partitions(settings, topic, [partition]):
                _mark(record, times)
    return [_compare_origins(settings, place, times[place]) for place in places]


def _mark(record: Record, times: dict[Place, bytearray]) -> None:
    header = record.header(ORIGIN)
    if header is None:
        return
    topic, partition, offset = parse_origin(header)
    seen = times.get((topic, partition))
    if seen is not None and offset < len(seen):
        seen[offset] = min(255, seen[offset] + 1)


def _compare_origins(settings: Settings, place: Place, seen: bytearray) -> Check:
    topic, partition = place
    check = Check("I-1", "source records in timeline or dead letters", partition)
    there = 0
    for record in read_partitions(settings, topic, [partition]):
        if record.offset >= len(seen):
            break
        there += 1
        check.compared += 1
        if seen[record.offset] != 1:
            check.differ(f"{topic}/{partition} offset {record.offset} is there {seen[record.offset]} times")
        seen[record.offset] = 0
    return check


def _check_again(settings: Settings, digests: dict[int, tuple[int, str]]) -> list[Check]:
    """I-5: the second fold, in a process with another time zone, hash seed, wall clock and batch size."""
    if not digests:
        return []
    environment = os.environ | {"TZ": "Pacific/Kiritimati", "PYTHONHASHSEED": "4711"}
    environment |= {"LAUREL_BOOTSTRAP": settings.bootstrap, "LAUREL_NAMESPACE": settings.namespace}
    positions = json.dumps({partition: position for partition, (position, _) in digests.items()})
    done = subprocess.run(  # noqa: S603 - our own module, our own arguments
        [sys.executable, "-W", "ignore", "-m", "streams.refolding", positions],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    found = {line["partition"]: line["digest"] for line in map(json.loads, done.stdout.splitlines())}
    checks = []
    for partition, (position, digest) in digests.items():
        check = Check("I-5", "partitions folded again elsewhere", partition, compared=1)
        if found.get(partition) != digest:
            check.differ(f"up to {position}: {found.get(partition) or done.stderr.strip()[-300:]} is not {digest}")
        checks.append(check)
    return checks
