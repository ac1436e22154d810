"""`laurel verify`: whether what laurel holds and published is what its history says (I-1 to I-5).

Partition by partition, from the broker's committed records: the timeline is folded again and compared with the
changelog, with the tables on this disk, and with the published decisions; sources are compared with timeline and dead
letters; sequence numbers are counted; a second fold in another environment must give the same bytes. A system that is
running can be verified: each comparison is as of a position that both sides have passed.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from time import sleep
from typing import Any

import msgspec

from processors.rows import SEPARATOR, Table
from processors.tables import TABLES as ROW_TABLES
from state.encoding import RowTooNewError, decode_row, encode_row
from state.overlay import Overlay
from state.partition import COPY, POSITION, state_of
from state.rocks import RocksStore
from state.store import StoreError
from streams.accuracy import check_points
from streams.elsewhere import Ask, Elsewhere
from streams.kafka import TIMEOUT_S, admin, committed, partitions_of
from streams.keeping import SOURCES, Snapshots
from streams.origins import check_origins, read_ledger
from streams.published import Published, Written
from streams.reading import bounds
from streams.refolding import BATCH_SIZE, TABLES, Digest, FoldStoppedError, Refold, batches, timeline
from streams.report import Check, Range, Report
from streams.settings import Settings
from streams.skips import load

Advance = Callable[[int], None]
OPEN_TRIES, OPEN_AGAIN_S = 20, 0.2


def verify(
    settings: Settings, advance: Advance = lambda _: None, *, local: bool = True, snapshots: Path | None = None
) -> Report:
    """Compare everything, or with a folder of snapshots what they do not hold yet, which are then brought up to date.

    Raises `KafkaException` where the broker does not answer, and `FolderError` where the folder cannot be used.
    """
    asking = admin(settings)
    cluster = str(asking.list_topics(timeout=TIMEOUT_S).cluster_id)
    if snapshots is None:
        return _verify(settings, cluster, advance, None, local=local)
    with Snapshots(settings, cluster, snapshots) as kept:
        report = _verify(settings, cluster, advance, kept, local=local)
        report.notes += kept.notes
        return report


def _verify(settings: Settings, cluster: str, advance: Advance, snapshots: Snapshots | None, *, local: bool) -> Report:
    report = Report()
    count = partitions_of(admin(settings), settings.topic(TABLES.source))
    _check_sources(settings, count, report, snapshots)
    digests: dict[int, tuple[int, str]] = {}
    with Elsewhere(settings) as elsewhere:
        for partition in range(count):
            copies = local_copies(settings, cluster, partition) if local else []
            checks, position, digest = _check_partition(
                settings, (partition, count), copies, elsewhere.ask, advance, snapshots
            )
            report.checks += checks
            report.ranges.append(Range(TABLES.source, partition, _started(snapshots, partition), position))
            if digest is not None:
                digests[partition] = (position, digest)
        again = elsewhere.compare(digests)
    report.checks += again
    for check in again:
        if snapshots and not check.differences:
            snapshots.keep(_part(check.partition))
    return report


def _part(partition: int) -> str:
    return f"p{partition}"


def _started(snapshots: Snapshots | None, partition: int) -> int:
    start = snapshots.used.get(_part(partition)) if snapshots else None
    return start.header.position if start else 0


def _check_sources(settings: Settings, count: int, report: Report, snapshots: Snapshots | None) -> None:
    ledger = read_ledger(snapshots.start(SOURCES) if snapshots else None)
    before = dict(ledger.checked)
    checks = check_origins(settings, count, ledger)
    report.checks += checks
    if ledger.lost:
        report.notes.append(
            f"the keys of {ledger.lost} dead letters were deleted: that they are there is all that is compared"
        )
    report.ranges += [
        Range(topic, partition, before.get((topic, partition), 0), end)
        for (topic, partition), end in ledger.checked.items()
    ]
    if snapshots and ledger.settled and not any(check.differences for check in checks):
        snapshots.prepare(SOURCES, sum(ledger.read.values()), ledger.checked | ledger.read, ledger.body())
        snapshots.keep(SOURCES)


def local_copies(settings: Settings, cluster: str, partition: int) -> list[Path]:
    """Where the tables of a partition lie on this disk, whichever worker's."""
    return sorted((settings.data_dir / cluster).glob(f"{settings.namespace or 'laurel'}-*/p{partition}"))


def open_copies(paths: Iterable[Path], check: Check) -> dict[Path, RocksStore]:
    """The copies that are a state of their partition, opened without disturbing their worker.

    One that cannot be opened is looked at again for some seconds, for its worker may be making it anew; then it differs.
    """
    opened: dict[Path, RocksStore] = {}
    for path in paths:
        try:
            if is_whole(store := _opened(path)):
                opened[path] = store
        except StoreError as error:
            if (path / "CURRENT").exists():  # else no tables are there
                check.differ(f"cannot be read: {error}")
    return opened


def _opened(path: Path) -> RocksStore:
    for _ in range(OPEN_TRIES):
        try:
            return RocksStore(path, read_only=True)
        except StoreError:
            sleep(OPEN_AGAIN_S)
    return RocksStore(path, read_only=True)


def is_whole(store: RocksStore) -> bool:
    """Whether the copy is a state of its partition: one that is being restored is none yet."""
    data = store.get(COPY.key())
    return data is None or decode_row(COPY, data).whole


def _check_partition(
    settings: Settings,
    which: tuple[int, int],
    paths: list[Path],
    ask: Ask,
    advance: Advance,
    snapshots: Snapshots | None = None,
) -> tuple[list[Check], int, str | None]:
    partition, count = which
    in_changelog = Check("I-2", "rows of the changelog", partition)
    on_disk = Check("I-2", "rows of the tables on disk", partition)
    copies = open_copies(paths, on_disk)  # before the changelog is read, so none is ahead of it
    passed = _passed(settings, partition)
    changelog = _changelog(settings, partition)
    position = _position(settings, partition, changelog.get(POSITION.key()), passed, in_changelog)
    borders = {path: _border(path, store, position, on_disk) for path, store in copies.items()}
    skips = load(settings)
    skipped = skips.get(partition, {})
    start = snapshots.start(_part(partition), position, skipped) if snapshots else None
    ask(partition, position, start)
    published = Published(settings, partition, count, position, start)
    refold, digest = Refold(partition, count, skips, start=start), Digest()
    checks = [in_changelog, on_disk, *published.checks]
    if snapshots:
        snapshots.notes += [
            f"{path} is at {border}, before the snapshot of {refold.position}: its rows are not compared"
            for path, border in borders.items()
            if 0 < border < refold.position
        ]

    def compare_copies() -> None:
        for path, border in borders.items():
            if 0 < border == refold.position:
                _compare_rows(dict(state_of(copies[path])), refold, on_disk, str(path))

    try:
        compare_copies()
        records = timeline(settings, partition, refold.position, position)
        for batch in batches(records, BATCH_SIZE, set(borders.values())):
            outputs = refold.fold(batch)
            digest.outputs(outputs)
            published.compare(outputs)
            advance(len(batch))
            compare_copies()
    except FoldStoppedError as error:
        in_changelog.differ(str(error))
        return checks, position, None
    finally:
        for store in copies.values():
            store.close()
    _compare_rows(changelog, refold, in_changelog, settings.topic(TABLES.changelog))
    checks.append(check_points(Overlay(refold.state.store), partition))
    published.finish()
    if snapshots and not any(check.differences for check in checks):
        ends = {(TABLES.source, partition): position, **published.ends()}
        body = {"rows": state_of(refold.state.store), **published.body()}
        snapshots.prepare(_part(partition), position, ends, body, skipped)
    return checks, position, digest.rows(refold.state)


def _passed(settings: Settings, partition: int) -> int:
    """The group's position. Asked for before the changelog is read, it is one that the rows have reached."""
    place = (settings.topic(TABLES.source), partition)
    return committed(settings, TABLES.agent, [place])[place] or 0


def _position(settings: Settings, partition: int, row: bytes | None, passed: int, check: Check) -> int:
    """How far the changelog's rows reflect the timeline. What it holds was folded, so it is not beyond the end."""
    place = (settings.topic(TABLES.source), partition)
    _, end = bounds(settings, [place])[place]
    found = 0 if row is None else _timeline_position(row)
    if found is None or found > end:
        said = "cannot be read" if found is None else f"is {found}"
        check.differ(f"{settings.topic(TABLES.changelog)}: the position {said}; {place[0]}/{partition} ends at {end}")
        return end
    if found < passed:
        said = "is missing" if row is None else f"is {found}"
        check.differ(f"{settings.topic(TABLES.changelog)}: the position {said}; the group's is {passed}")
    return min(max(found, passed), end)


def _border(path: Path, store: RocksStore, position: int, check: Check) -> int:
    """How far a local copy reflects the timeline. It was opened before the changelog was read, so it is not ahead."""
    row = store.get(POSITION.key())
    found = 0 if row is None else _timeline_position(row)
    if found is None or found > position:
        said = "cannot be read" if found is None else f"is {found}"
        check.differ(f"{path}: the position {said}; the changelog's is {position}")
    elif not found and next(state_of(store), None) is not None:
        check.differ(f"{path}: there are rows, but no position")
    return found or 0


def _timeline_position(row: bytes) -> int | None:
    try:
        return decode_row(POSITION, row).timeline
    except (msgspec.MsgspecError, RowTooNewError, IndexError):
        return None


def _changelog(settings: Settings, partition: int) -> dict[bytes, bytes]:
    rows: dict[bytes, bytes] = {}
    for record in Written(settings, TABLES.changelog, partition):
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
        if not _same(key, expected.get(key), found.get(key)):
            check.differ(f"{where}: {_row_name(key)}: the fold has {_row(expected, key)}, found {_row(found, key)}")


def _same(key: bytes, expected: bytes | None, found: bytes | None) -> bool:
    """Whether two rows are equal. One that was written before its table's last version is compared as that version."""
    if expected == found or expected is None or found is None or expected[:1] == found[:1]:
        return expected == found
    table = _table(key)
    try:
        return table is not None and encode_row(table, decode_row(table, found)) == expected
    except (msgspec.MsgspecError, RowTooNewError, IndexError):
        return False


def _table(key: bytes) -> Table[Any] | None:
    return next((table for table in (*ROW_TABLES, POSITION) if table.prefix == key[:1]), None)


def _row_name(key: bytes) -> str:
    table = _table(key)
    return repr(key) if table is None else f"{table.name} {key[1:].decode(errors='replace').replace(SEPARATOR, '/')}"


def _row(rows: dict[bytes, bytes], key: bytes) -> str:
    data = rows.get(key)
    if data is None:
        return "no such row"
    table = _table(key)
    try:
        return data.hex() if table is None else str(decode_row(table, data))
    except (msgspec.MsgspecError, RowTooNewError, IndexError):
        return f"what is no row: {data.hex()}"
