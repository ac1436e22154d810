"""Snapshots of what was verified: the next verification starts there and finds all that the first would (I-1 to I-5)."""

import json
import os
import resource
import shutil
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient, NewTopic
from msgspec.structs import replace

from processors.customer import CUSTOMERS
from processors.step import RULES_VERSION
from schemas import events as e
from schemas.codec import decode, encode
from schemas.partitions import partition_of
from state.encoding import decode_row, encode_row
from streams import skips, snapshots
from streams.kafka import TIMEOUT_S, admin
from streams.keeping import SOURCES, FolderError, Snapshots
from streams.origins import DEAD, TIMELINE, check_origins, read_ledger
from streams.published import Published
from streams.records import ORIGIN, Outgoing
from streams.report import Report
from streams.snapshots import DIGEST_BYTES, FORMAT, RefusedError, Snapshot
from streams.verify import verify
from tests.streams.by_hand import ByHand
from tests.streams.commands import start
from tests.streams.engines import compacted
from tests.streams.history import DAY, history, ms, placed, published, registered
from tests.streams.systems import PARTITIONS, System, as_line

YEAR_AGO, NOW = ms("2022-06-01"), ms("2023-07-01")
PEOPLE = [
    [name for name in (f"c{n}" for n in range(40)) if partition_of(name, PARTITIONS) == partition][:3]
    for partition in range(PARTITIONS)
]
"""Three of each partition; the last does nothing after the first verification."""


def contact(who: str, at: int, case: str) -> Outgoing:
    event = e.ContactOpened(event_id=case, customer_id=who, occurred_at=at, case_id=case, channel="chat")
    return published(event)


def before() -> Iterator[Outgoing]:
    for who in [*PEOPLE[0], *PEOPLE[1]]:
        yield published(registered(who, YEAR_AGO, f"r-{who}"))
        yield published(placed(who, NOW, 150_000, f"o-{who}"))
        yield contact(who, NOW + 1, f"k-{who}")


def after(day: int) -> Iterator[Outgoing]:
    for first, second, _ in PEOPLE:
        for n in range(3):
            yield contact(first, NOW + day * DAY + n, f"k-{first}-{day}-{n}")
        yield contact(second, NOW + day * DAY, f"k-{second}-{day}")
        yield published(placed(second, NOW + day * DAY, 500_000, f"o-{second}-{day}"))


def ranges(report: Report) -> dict[str, tuple[int, int]]:
    return {f"{each.topic}/{each.partition}": (each.start, each.end) for each in report.ranges}


def files(folder: Path, part: str = "") -> list[Path]:
    """Snapshots, the oldest of a part first."""
    return sorted(folder.glob(f"*/*/{part}*.snapshot"))


# With a worker


def test_the_next_verification_reads_only_what_came_since_and_holds_what_a_whole_one_holds(
    bootstrap: str, tmp_path: Path
) -> None:
    system = System(bootstrap, tmp_path, clock="events", max_jump_days=36_500, batch_size=100)
    records, folder = list(history(5, customers=30, days=60, events=80)), tmp_path / "snapshots"
    ends = [0] * PARTITIONS
    for part in (records[:100], records[100:]):
        file = tmp_path / "events.jsonl"
        file.write_text("\n".join(map(as_line, part)))
        assert system.laurel("publish", str(file)).code == 0
        with system.working():
            system.wait_until_idle()
        folded: list[int] = []
        report = verify(system.settings, folded.append, snapshots=folder)
        assert report.clean, list(report.first_differences())
        assert report.notes == []
        found = ranges(report)
        assert [found[f"timeline/{n}"][0] for n in range(PARTITIONS)] == ends
        fresh = [record for record in system.records("timeline") if record.offset >= ends[record.partition]]
        assert sum(folded) == len(fresh) > 50
        on_disk = [check for check in report.checks if check.what == "rows of the tables on disk"]
        assert all(check.compared > 20 for check in on_disk)
        if ends[0] == 0:
            one = next(system.settings.data_dir.glob("*/*-one"))
            other = Path(shutil.copytree(one, one.with_name(one.name.replace("-one", "-two"))))
            least = [check.compared for check in on_disk]
        else:
            fold_has = [check.compared for check in report.checks if check.what == "rows of the changelog"]
            assert [c.compared - rows for c, rows in zip(on_disk, fold_has, strict=True)] == least, "the copy's own too"
        ends = [found[f"timeline/{n}"][1] for n in range(PARTITIONS)]
    report = verify(system.settings, snapshots=folder)
    assert report.clean
    assert [check.compared for check in report.checks if check.what == "rows of the tables on disk"] == [
        check.compared for check in report.checks if check.what == "rows of the changelog"
    ], "of one copy; the other is older than the snapshot, and that is said"
    assert [note.split(" is at ")[0] for note in report.notes] == [str(other / f"p{n}") for n in range(PARTITIONS)]
    assert verify(system.settings, snapshots=tmp_path / "whole").clean
    for whole in files(tmp_path / "whole"):
        (same,) = (file for file in files(folder) if file.name == whole.name)
        assert Snapshot(same).header == Snapshot(whole).header
        assert Snapshot(same).entries == Snapshot(whole).entries
    assert {file.name.split("-")[0] for file in files(folder)} == {"p0", "p1", SOURCES}
    for file in files(folder, "p"):
        assert {"rows", "profiles", "numbers"} <= set(Snapshot(file).entries)


def test_what_was_published_while_it_was_verified_is_read_next_time(bootstrap: str, tmp_path: Path) -> None:
    """A worker goes on meanwhile: what it publishes beyond the position is not compared, and not passed over either."""
    system = System(bootstrap, tmp_path)
    decisions = [
        Outgoing("tier-changes", b"ada", b"decided at %d" % at, 0, None, [("at", b"%d" % at)]) for at in (3, 5, 7)
    ]
    system.write(decisions)
    published = Published(system.settings, 0, PARTITIONS, 5)
    published.compare(decisions[:1])
    published.finish()
    assert not any(check.differences for check in published.checks)
    assert published.ends()["tier-changes", 0] == 1


# By hand


class Verified:
    """A system that was verified, with what its snapshots were then."""

    def __init__(self, bootstrap: str, folder: Path) -> None:
        self.system = System(bootstrap, folder)
        self.hand = ByHand(self.system)
        self.folder = folder / "snapshots"
        self.cluster = str(admin(self.system.settings).list_topics(timeout=TIMEOUT_S).cluster_id)
        self.system.publish(before())
        self.hand.work()
        report = self.verify()
        assert report.clean, list(report.first_differences())
        self.ends = {name: end for name, (_, end) in ranges(report).items()}

    def verify(self) -> Report:
        return verify(self.system.settings, snapshots=self.folder)

    def open(self, folder: Path | None = None) -> Snapshots:
        return Snapshots(self.system.settings, self.cluster, folder or self.folder)


@pytest.fixture(scope="module")
def verified(bootstrap: str, tmp_path_factory: pytest.TempPathFactory) -> Verified:
    """Give a system that was verified once; nobody changes it before those who say so."""
    return Verified(bootstrap, tmp_path_factory.mktemp("verified"))


# What is trusted


@pytest.fixture
def written(verified: Verified, tmp_path: Path) -> Path:
    """Give a copy of the folder of snapshots."""
    return Path(shutil.copytree(verified.folder, tmp_path / "copy"))


def of_p0(folder: Path) -> Path:
    (path,) = files(folder, "p0")
    return path


def test_a_snapshot_with_any_bit_changed_or_cut_anywhere_is_not_trusted(written: Path) -> None:
    path = of_p0(written)
    data = path.read_bytes()
    assert Snapshot(path).header.part == "p0"
    for n in {*range(0, len(data), 11), *range(len(data) - DIGEST_BYTES, len(data)), *range(data.index(b"\n") + 2)}:
        changed = bytearray(data)
        changed[n] ^= 1 << n % 8
        path.write_bytes(changed)
        with pytest.raises(RefusedError):
            Snapshot(path)
    for length in range(0, len(data), 97):
        path.write_bytes(data[:length])
        with pytest.raises(RefusedError):
            Snapshot(path)
    path.write_bytes(data + b"\0")
    with pytest.raises(RefusedError):
        Snapshot(path)


def rewrite(path: Path, **fields: Any) -> None:
    """Another header, and the digest that goes with it."""
    found = Snapshot(path)
    body = {name: entries.items() for name, entries in found.entries.items()}
    snapshots.write(path, replace(found.header, **fields), body)


HEADERS: dict[str, tuple[dict[str, Any], str]] = {
    "newer format": ({"format": FORMAT + 1}, f"it has format {FORMAT + 1}; this code knows {FORMAT}"),
    "newer rules": ({"rules": RULES_VERSION + 1}, f"it was folded by rules version {RULES_VERSION + 1}"),
    "other cluster": ({"cluster": "elsewhere"}, "of cluster elsewhere; this is"),
    "other namespace": ({"namespace": "theirs-"}, "it is of p0 in namespace 'theirs-'"),
    "other partition": ({"part": "p1"}, "it is of p1 in namespace"),
    "another topic": ({"topics": {"timeline": "AAAA"}}, "the topic timeline is another one"),
    "beyond the tables": ({"position": 10**6}, "it is of 1000000, and the tables are at"),
    "beyond an end": ({"ends": {"tier-changes/0": 10**6}}, "it stands at 1000000 of"),
    "other skips": ({"skips": "beef"}, "units were skipped"),
}


@pytest.mark.parametrize("name", HEADERS)
def test_a_snapshot_of_something_else_is_refused_with_the_reason(verified: Verified, written: Path, name: str) -> None:
    path = of_p0(written)
    limit = verified.ends["timeline/0"]
    with verified.open(written) as kept:
        rewrite(path)
        found = kept.start("p0", limit)
        assert found is not None
        assert (found.header.position, kept.notes) == (limit, [])
        fields, said = HEADERS[name]
        rewrite(path, **fields)
        assert kept.start("p0", limit) is None
        (note,) = kept.notes
        assert said in note
        assert note.startswith(f"{path}: ")
        assert note.endswith("not used, p0 starts from the first record")


def test_older_rules_are_trusted_d12(verified: Verified, written: Path) -> None:
    rewrite(of_p0(written), rules=RULES_VERSION - 1)
    with verified.open(written) as kept:
        assert kept.start("p0", verified.ends["timeline/0"]) is not None


def test_only_skips_before_the_position_matter(verified: Verified, written: Path) -> None:
    limit = verified.ends["timeline/0"]
    with verified.open(written) as kept:
        assert kept.start("p0", limit, {limit: frozenset({"record"})}) is not None
        assert kept.start("p0", limit, {limit - 1: frozenset({"record"})}) is None


def test_a_folder_is_used_by_one_verification_at_a_time(verified: Verified) -> None:
    with verified.open(), pytest.raises(FolderError, match="another verification is using it"):
        verified.open().__enter__()
    with verified.open():
        answer = verified.system.laurel("verify", "--snapshots", str(verified.folder))
    assert answer.code == 2
    assert "another verification is using it" in answer.err


def test_a_folder_that_is_none_is_exit_code_2(verified: Verified, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    answer = verified.system.laurel("verify", "--snapshots", str(tmp_path / "file"))
    assert answer.code == 2
    assert "Not a directory" in answer.err
    assert "Traceback" not in answer.err


def test_what_was_not_kept_leaves_nothing_and_the_two_last_that_were_stay(verified: Verified, tmp_path: Path) -> None:
    folder, body = tmp_path / "kept", {"rows": [(b"a", b"b")]}
    for position in (1, 2, 3):
        with verified.open(folder) as kept:
            kept.start("p0")
            kept.prepare("p0", position, {(TIMELINE, 0): position}, body)
            assert [Snapshot(path).header.position for path in files(folder)] == [1, 2][
                max(0, position - 3) : position - 1
            ]
            kept.keep("p0")
    assert [Snapshot(path).header.position for path in files(folder)] == [2, 3]
    with verified.open(folder) as kept:
        kept.start("p0")
        kept.prepare("p0", 4, {(TIMELINE, 0): 4}, body)
    assert [Snapshot(path).header.position for path in files(folder)] == [2, 3]
    left = next(folder.glob("*/*/")) / "p0-5.snapshot.unfinished"
    left.touch()
    with verified.open(folder):
        assert not left.exists(), "whoever was killed leaves it"


def test_the_one_that_was_started_from_stays_even_where_a_later_one_was_refused(
    verified: Verified, tmp_path: Path
) -> None:
    folder = tmp_path / "kept"
    for position in (1, 2, 3):
        if position == 3:
            files(folder)[-1].write_bytes(b"damaged")
        with verified.open(folder) as kept:
            kept.start("p0")
            kept.prepare("p0", position, {(TIMELINE, 0): position}, {})
            kept.keep("p0")
    assert [Snapshot(path).header.position for path in files(folder)] == [1, 3]


def test_a_full_disk_keeps_no_snapshot_and_says_so(verified: Verified, tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with verified.open(tmp_path) as kept:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, hard))
        try:
            kept.prepare("p0", 4, {(TIMELINE, 0): 4}, {"rows": [(b"a", os.urandom(10_000))]})
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        kept.keep("p0")
        (note,) = kept.notes
    assert "no snapshot of p0 was kept: File too large" in note
    assert not list(tmp_path.rglob("p0*"))


# Sources (I-1), where intake went on while they were checked

SOURCE = [Outgoing("orders", b"key", b"value %d" % n, 0) for n in range(6)]


def taken(number: int, value: bytes = b"value %d") -> Outgoing:
    origin = (ORIGIN, b"orders/0/%d" % number)
    return Outgoing("timeline", b"ada", value % number if b"%" in value else value, number % PARTITIONS, None, [origin])


LATER: dict[str, tuple[list[Outgoing], str]] = {
    "well": ([], ""),
    "what came early comes again": ([taken(5)], "orders/0 offset 5 is there 2 times"),
    "what was checked comes again": ([taken(2)], "names orders/0/2, which an earlier verification had found already"),
    "what no source has": ([taken(99)], "names orders/0/99, which no source has"),
}


@pytest.mark.parametrize("name", LATER)
@pytest.mark.parametrize("changed", [False, True], ids=["its own bytes", "other bytes"])
def test_what_comes_again_is_found_whenever_it_came_first_i_1(
    bootstrap: str, tmp_path: Path, name: str, changed: bool
) -> None:
    system = System(bootstrap, tmp_path)
    system.write([*SOURCE, *(taken(n) for n in range(5)), taken(5, b"other") if changed else taken(5)])
    system.commit("intake", ("orders", 0), 3)
    ledger = read_ledger(None)
    checks = check_origins(system.settings, PARTITIONS, ledger)
    assert not any(check.differences for check in checks)
    assert sum(check.compared for check in checks if check.what.startswith("source")) == 3
    assert [header for header, _ in sorted(ledger.early)] == [b"orders/0/%d" % n for n in (3, 4, 5)]
    with Snapshots(system.settings, "any", tmp_path) as kept:
        kept.prepare(SOURCES, 7, ledger.checked | ledger.read, ledger.body())
        kept.keep(SOURCES)
        again = read_ledger(kept.start(SOURCES))
    assert (again.checked, again.read, sorted(again.early)) == (ledger.checked, ledger.read, sorted(ledger.early))

    more, said = LATER[name]
    system.write(more)
    system.commit("intake", ("orders", 0), 6)
    checks = check_origins(system.settings, PARTITIONS, again)
    first = [check.first for check in checks if check.differences]
    other = "orders/0 offset 5 is there with other bytes, or dead under another key"
    expected = [said] * bool(said) + [other] * (changed and name != "what came early comes again")
    assert len(first) == len(expected)
    assert all(any(words in each for each in first) for words in expected)
    assert sum(check.compared for check in checks if check.what.startswith("timeline")) == len(more)
    assert sum(check.compared for check in checks if check.what.startswith("source")) == 3


def test_a_record_that_nobody_took_where_another_snapshot_stood_is_found_i_1(bootstrap: str, tmp_path: Path) -> None:
    """Also that of an aborted transaction or none at all, right at the offset where the check goes on."""
    system = System(bootstrap, tmp_path)
    system.write([*SOURCE[:3], *(taken(n) for n in range(3))])
    system.commit("intake", ("orders", 0), 3)
    ledger = read_ledger(None)
    check_origins(system.settings, PARTITIONS, ledger)
    assert ledger.checked["orders", 0] == 3
    system.write(SOURCE[3:])
    system.commit("intake", ("orders", 0), 6)
    checks = check_origins(system.settings, PARTITIONS, ledger)
    (check,) = (check for check in checks if check.differences)
    assert (check.first, check.differences) == ("orders/0 offset 3 is there 0 times", 3)


# Whoever changes the verified system comes last.


def in_turn(verified: Verified, code: int, rounds: int) -> list[dict[str, Any]]:
    """What `--every` says in so many rounds, and how it ends when it is told to."""
    words = ("verify", "--snapshots", str(verified.folder), "--every", "1s", "--json")
    with start(*words, **verified.system.given) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        said = [json.loads(process.stdout.readline()) for _ in range(rounds)]
        process.send_signal(signal.SIGTERM)
        process.stdout.read()
        assert "Traceback" not in process.stderr.read()
    assert process.returncode == code
    return said


def test_verification_goes_on_by_itself_until_it_is_told_to_stop(verified: Verified) -> None:
    for said in in_turn(verified, 0, 2):
        assert said["verified"] is True
        assert {(each["from"], each["to"]) for each in said["ranges"] if each["topic"] == "timeline"} == {
            (verified.ends[f"timeline/{n}"],) * 2 for n in range(PARTITIONS)
        }


def test_a_round_that_cannot_be_done_is_said_and_is_exit_code_3() -> None:
    with start("verify", "--every", "1h", bootstrap="127.0.0.1:1") as process:
        assert process.stdout is not None
        assert "not done: " in process.stdout.readline()
        process.send_signal(signal.SIGINT)
    assert process.returncode == 3


def test_no_time_is_no_schedule(verified: Verified) -> None:
    assert verified.system.laurel("verify", "--every", "0s").code == 2


def test_a_damaged_snapshot_is_said_and_the_one_before_it_or_everything_is_read(verified: Verified) -> None:
    system, ends = verified.system, verified.ends
    system.publish(after(1))
    verified.hand.work()
    assert verified.verify().clean
    for left in (1, 0):
        path = files(verified.folder, "p1")[-1]
        path.write_bytes(path.read_bytes()[:-DIGEST_BYTES])
        answer = system.laurel("verify", "--snapshots", str(verified.folder))
        assert answer.code == 0
        instead = f"the snapshot of {ends['timeline/1']}" if left else "the first record"
        assert f"{path}: it is damaged: its content is not what was written; not used, " in answer.out
        assert f"p1 starts from {instead}" in answer.out
        Snapshot(path)  # written anew
        if left:
            files(verified.folder, "p1")[0].write_bytes(b"")
    assert "timeline/1" in answer.out
    report = verified.verify()
    assert report.clean
    assert report.notes == []
    assert all(start == end for start, end in ranges(report).values())


def customer_row(system: System, who: str) -> tuple[bytes, bytes]:
    rows = {key: row for table in compacted(system.records("customer-state")) for key, row in table.items()}
    key = CUSTOMERS.key(who)
    return key, rows[key]


def richer(row: bytes) -> bytes:
    customer = decode_row(CUSTOMERS, row)
    return encode_row(CUSTOMERS, replace(customer, value_minor=customer.value_minor + 1))


@pytest.fixture(scope="module")
def tampered(verified: Verified) -> dict[tuple[str, str, int], str]:
    """Do all that can go wrong after a verification; give where it must be found, and what must be said."""
    system = verified.system
    old = {
        record.topic: record for topic in ("tier-changes",) for record in system.records(topic) if record.partition == 0
    }
    profile = [r for r in system.records("customer-profiles") if (r.key or b"").decode() == PEOPLE[0][2]][-1]
    checked = next(r for r in system.records("timeline") if (r.header(ORIGIN) or b"").startswith(b"orders/"))
    system.publish(after(2))
    seen: Counter[str] = Counter()

    def edit(outgoing: list[Outgoing]) -> Iterator[Outgoing]:
        for each in outgoing:
            who = (each.key or b"").decode()
            if each.topic == "priority-routing":
                seen[who] += 1
                if (who, seen[who]) == (PEOPLE[0][0], 1):
                    continue  # missing, right after the last number that was verified
                if (who, seen[who]) == (PEOPLE[1][0], 2):
                    decision = decode(each.value)
                    yield replace_value(each, encode(replace(decision, queue="nowhere")))
                    continue
            yield each

    verified.hand.work(edit)
    system.write(
        [
            Outgoing(
                "tier-changes", old["tier-changes"].key, old["tier-changes"].value, 0, None, old["tier-changes"].headers
            )
        ]
    )
    better = replace(decode(profile.value), tier="diamond")
    system.write([Outgoing("customer-profiles", profile.key, encode(better), 0, None, profile.headers)])
    for partition, nth in ((0, 2), (1, 0)):
        key, row = customer_row(system, PEOPLE[partition][nth])
        system.write([Outgoing("customer-state", key, richer(row) if nth else None, partition)])
    system.write([Outgoing("timeline", checked.key, checked.value, checked.partition, None, checked.headers)])
    end = max((r.offset for r in system.records("support") if r.partition == 1), default=-1) + 1
    system.write([Outgoing("support", b"late", b"never taken", 1)])
    system.commit("intake", ("support", 1), end + 1)
    return {
        ("I-3", "priority-routing", 0): "; the fold says ContactRouted",
        ("I-4", "sequence numbers", 0): f"{PEOPLE[0][0]} has no ",
        ("I-3", "priority-routing", 1): "queue='nowhere'",
        ("I-3", "tier-changes", 0): "the fold has no such record",
        ("I-3", "customer-profiles", 0): f"{PEOPLE[0][2]}: found CustomerProfile",
        ("I-2", "rows of the changelog", 0): f"customers {PEOPLE[0][2]}: the fold has",
        ("I-2", "rows of the changelog", 1): "found no such row",
        (
            "I-1",
            "timeline and dead letters name a source",
            checked.partition,
        ): "an earlier verification had found already",
        ("I-1", "source records in timeline or dead letters", 1): f"support/1 offset {end} is there 0 times",
    }


def replace_value(record: Outgoing, value: bytes) -> Outgoing:
    return Outgoing(record.topic, record.key, value, record.partition, record.timestamp, record.headers)


def test_what_goes_wrong_after_a_snapshot_is_found_each_time_and_no_snapshot_is_made_of_it(
    verified: Verified, tampered: dict[tuple[str, str, int], str]
) -> None:
    kept = files(verified.folder)
    for _ in range(2):
        report = verified.verify()
        found = {
            (check.invariant, check.what, check.partition): check.first for check in report.checks if check.differences
        }
        assert set(found) == set(tampered)
        for where, said in tampered.items():
            assert said in found[where]
        assert all(start > 0 for name, (start, _) in ranges(report).items() if name.startswith("timeline"))
        assert files(verified.folder) == kept
        assert report.notes == []


def test_what_was_ever_wrong_is_exit_code_1_at_the_end(
    verified: Verified, tampered: dict[tuple[str, str, int], str]
) -> None:
    (said,) = in_turn(verified, 1, 1)
    assert said["verified"] is False
    assert len(said["first_differences"]) == len({(invariant, what) for invariant, what, _ in tampered})


def test_a_skip_added_before_a_snapshot_takes_it_back_d12(verified: Verified) -> None:
    skips.publish(verified.system.settings, 1, verified.ends["timeline/1"] - 1, "record", "too late")
    report = verified.verify()
    assert ranges(report)["timeline/1"][0] == 0
    assert ranges(report)["timeline/0"][0] > 0
    assert {note.split(": ", 1)[1].split(" before")[0] for note in report.notes} == {"units were skipped"}
    assert len(report.notes) == len(files(verified.folder, "p1"))


def test_a_topic_that_was_made_again_takes_back_the_snapshots_that_stand_in_it(verified: Verified) -> None:
    topic = verified.system.settings.topic(DEAD)
    client = AdminClient({"bootstrap.servers": verified.system.settings.bootstrap})
    client.delete_topics([topic], operation_timeout=30)[topic].result()
    while topic in client.list_topics().topics:
        """The broker is at it."""
    client.create_topics([NewTopic(topic, PARTITIONS, 1)])[topic].result()
    while topic not in client.list_topics().topics:
        """Its controller knows it, and its broker is told."""
    with verified.open() as kept:
        assert kept.start(SOURCES) is None
        assert "the topic dead-letters is another one than when it was written" in kept.notes[0]
        assert kept.start("p0", verified.ends["timeline/0"]) is not None
