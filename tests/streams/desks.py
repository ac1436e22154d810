"""One consumer of each kind, as systems of others would be: each keeps a view of its own from its own topic alone (I-3).

    python -m tests.streams.desks FOLDER BOOTSTRAP NAMESPACE [--pause-after RECORDS]

Whatever is read may be read again: after `kill -9`, or when somebody sets positions back. So a desk's view, its position and
the numbers that it saw are one transaction of its database, and a decision whose number it has changes nothing. What a decision
says of the one before (`supersedes`, `from_tier`, sums) is compared with the view: a desk that missed one stops and says so.

It reads until every topic's end. With `--pause-after` it reads on, says `paused` in the middle of a transaction, and waits to be
killed.
"""

import argparse
import signal
import sqlite3
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from schemas import decisions as d
from schemas.codec import decode
from schemas.discrepancies import DiscrepancyFound, DiscrepancyResolved
from schemas.ledger import PointsMoved, RewardAnswered

Database = sqlite3.Connection
Take = Callable[[Database, Any], None]
COMMON = """
CREATE TABLE IF NOT EXISTS positions (partition INTEGER PRIMARY KEY, next INTEGER);
CREATE TABLE IF NOT EXISTS seen (customer TEXT, sequence INTEGER, decision TEXT, PRIMARY KEY (customer, sequence));
"""
BATCH = 40


class Desk(NamedTuple):
    """Who reads a topic, what they keep, and what each kind of decision does to it. The first columns of a table are its key."""

    topic: str
    tables: Mapping[str, str]
    takes: Mapping[type, Take]


class MissedError(Exception):
    """A decision builds on one that this desk does not have."""


def one(database: Database, table: str, **key: Any) -> dict[str, Any]:
    """A row of a view; empty where there is none."""
    where = " AND ".join(f"{name} = ?" for name in key)
    cursor = database.execute(f"SELECT * FROM {table} WHERE {where}", tuple(key.values()))  # noqa: S608 - our own names
    row = cursor.fetchone()
    return dict(zip([column for column, *_ in cursor.description], row, strict=True)) if row else {}


def every(database: Database, table: str) -> list[dict[str, Any]]:
    """All rows of a view."""
    cursor = database.execute(f"SELECT * FROM {table}")  # noqa: S608 - our own names
    names = [column for column, *_ in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def put(database: Database, table: str, **row: Any) -> None:
    """Write a row, or those of its columns that are given."""
    names, marks = ", ".join(row), ", ".join("?" * len(row))
    again = ", ".join(f"{name} = excluded.{name}" for name in row)
    statement = f"INSERT INTO {table} ({names}) VALUES ({marks}) ON CONFLICT DO UPDATE SET {again}"  # noqa: S608
    database.execute(statement, tuple(row.values()))


def follows(it: Any, what: str, said: Any, known: Any) -> None:
    """A decision says of what was before what this desk has, or the desk missed something."""
    if said != known:
        raise MissedError(
            f"{type(it).__name__} {it.customer_id} #{it.sequence}: {what} is {said!r}, and here {known!r}"
        )


# The CRM: who is what


def tier(db: Database, it: d.TierChanged) -> None:
    follows(it, "from_tier", it.from_tier, one(db, "status", customer=it.customer_id).get("tier"))
    put(db, "status", customer=it.customer_id, tier=it.to_tier, vip_since=it.vip_since)


def noted(_: Database, it: Any) -> None:
    """Of no meaning for this desk's view."""


# The warehouse and the shop: what comes back, and what may be sold again


def returned(db: Database, it: d.ReturnDecided) -> None:
    about = {"customer": it.customer_id, "back": it.return_id}
    follows(it, "supersedes", it.supersedes, one(db, "returns", **about).get("decision"))
    lines = {line.line_id: (line.quantity, line.verdict, line.amount_minor) for line in it.lines}
    put(db, "returns", **about, decision=it.decision_id, verdict=it.verdict, amount=it.amount_minor, lines=repr(lines))


def released(db: Database, it: d.StockReleased) -> None:
    for line in it.lines:
        about = {"customer": it.customer_id, "back": it.return_id, "line": line.line_id}
        put(db, "stock", **about, units=line.quantity + one(db, "stock", **about).get("units", 0))


# The shop's account page: points


SIGN = {
    "earned": 1, "given": 1, "matured": 0, "released": 0, "reserved": 0, "restored": 1,
    "captured": -1, "expired": -1, "clawed_back": -1, "repaid": 0, "taken": -1,
}  # fmt: skip
"""What a movement does to balance + pending + reserved - deficit."""


def moved(db: Database, it: PointsMoved) -> None:
    before = one(db, "points", customer=it.customer_id)
    total = before.get("balance", 0) + before.get("pending", 0) + before.get("reserved", 0) - before.get("deficit", 0)
    stands = it.balance + it.pending + it.reserved - it.deficit
    follows(it, "the sum before", stands - SIGN[it.movement] * it.points, total)
    sums = {"balance": it.balance, "pending": it.pending, "reserved": it.reserved, "deficit": it.deficit}
    put(db, "points", customer=it.customer_id, **sums, next_expiry_at=it.next_expiry_at)
    if it.request_id and it.movement in {"reserved", "captured", "released"}:
        put(db, "requests", customer=it.customer_id, request=it.request_id, state=it.movement, points=it.points)


def answered(db: Database, it: RewardAnswered) -> None:
    if it.verdict == "refused":
        put(db, "requests", customer=it.customer_id, request=it.request_id, state="refused", points=0)


# Who packs


def flagged(db: Database, it: d.OrderFlagged) -> None:
    about = {"customer": it.customer_id, "id": it.order_id}
    follows(it, "supersedes", it.supersedes, one(db, "orders", **about).get("decision"))
    put(db, "orders", **about, decision=it.decision_id, rank_at=it.rank_at, pick_by=it.pick_by, tier=it.tier)


# The contact centre: its queues


def routed(db: Database, it: d.ContactRouted) -> None:
    about = {"customer": it.customer_id, "id": it.case_id}
    follows(it, "supersedes", it.supersedes, one(db, "cases", **about).get("routed"))
    place = {"queue": it.queue, "rank_at": it.rank_at, "respond_by": it.respond_by, "resolve_by": it.resolve_by}
    put(db, "cases", **about, routed=it.decision_id, **place, waits=1)


def escalated(db: Database, it: d.EscalationDue) -> None:
    about = {"customer": it.customer_id, "id": it.case_id}
    follows(it, "step", it.step, one(db, "cases", **about)["steps"] + 1)
    put(db, "cases", **about, steps=it.step)


def closed(db: Database, it: d.ContactClosed) -> None:
    about = {"customer": it.customer_id, "id": it.case_id}
    follows(it, "supersedes", it.supersedes, one(db, "cases", **about)["closed"])
    put(db, "cases", **about, closed=it.decision_id, waits=0)


# Finance: what was promised to whom, and by whom


def amended(db: Database, it: d.RecoveryDecided) -> None:
    about = {"customer": it.customer_id, "what": f"{it.order_id}/{it.occasion}/{it.shipment_id or ''}"}
    put(db, "owed", **about, state=it.verdict, amount=it.amount_minor, by="")


def granted(db: Database, it: d.CompensationDecided) -> None:
    about = {"customer": it.customer_id, "what": it.compensation_id}
    put(db, "owed", **about, state=it.verdict, amount=it.amount_minor, by=it.decided_by or "")


# Letters, calls, other systems, commands


def letter(db: Database, it: d.NotificationRequested) -> None:
    about = {"customer": it.customer_id, "notice": it.notice, "tier": it.tier, "from_tier": it.from_tier}
    put(db, "letters", id=it.decision_id, **about, until=it.until, follows=it.follows or "")


def alerted(db: Database, it: d.AtRiskRaised) -> None:
    put(db, "alerts", id=it.decision_id, customer=it.customer_id, tier=it.tier, outcome="")


def overdue(db: Database, it: d.AtRiskEscalated) -> None:
    put(db, "alerts", id=it.alert_id, customer=it.customer_id, escalated=1)


def ended(db: Database, it: d.AtRiskClosed | d.AtRiskRetracted) -> None:
    alert, outcome = (it.alert_id, it.outcome) if isinstance(it, d.AtRiskClosed) else (it.retracts, "retracted")
    before = one(db, "alerts", id=alert)
    follows(it, "replaced_outcome", it.replaced_outcome or "", before["outcome"])
    put(db, "alerts", id=alert, customer=it.customer_id, outcome=outcome)


def leaving(db: Database, it: d.WinBackStarted) -> None:
    put(db, "leaving", id=it.decision_id, customer=it.customer_id, kept_until=it.kept_until, outcome="")


def back_or_gone(db: Database, it: d.WinBackClosed) -> None:
    put(db, "leaving", id=it.win_back_id, customer=it.customer_id, outcome=it.outcome)


def differs(db: Database, it: DiscrepancyFound) -> None:
    about = {"customer": it.customer_id, "system": it.system}
    put(db, "differing", **about, id=it.decision_id, ours=it.tier, theirs=it.reported_tier, since=it.differs_since)


def agrees(db: Database, it: DiscrepancyResolved) -> None:
    about = {"customer": it.customer_id, "system": it.system}
    follows(it, "discrepancy_id", it.discrepancy_id, one(db, "differing", **about).get("id"))
    db.execute("DELETE FROM differing WHERE customer = ? AND system = ?", tuple(about.values()))


def done(db: Database, it: d.CommandAnswered) -> None:
    put(db, "answers", customer=it.customer_id, event=it.event_id, verdict=it.verdict)


DESKS: Mapping[str, Desk] = {
    "crm": Desk(
        "tier-changes",
        {"status": "customer TEXT PRIMARY KEY, tier TEXT, vip_since INTEGER"},
        {d.TierChanged: tier, d.DesignationReached: noted, d.QualificationProposed: noted, d.VipShareJudged: noted},
    ),
    "returns": Desk(
        "return-decisions",
        {
            "returns": "customer TEXT, back TEXT, decision TEXT, verdict TEXT, amount INTEGER, lines TEXT, PRIMARY KEY (customer, back)",
            "stock": "customer TEXT, back TEXT, line TEXT, units INTEGER, PRIMARY KEY (customer, back, line)",
        },
        {d.ReturnDecided: returned, d.StockReleased: released},
    ),
    "account": Desk(
        "points",
        {
            "points": "customer TEXT PRIMARY KEY, balance INTEGER, pending INTEGER, reserved INTEGER, deficit INTEGER,"
            " next_expiry_at INTEGER",
            "requests": "customer TEXT, request TEXT, state TEXT, points INTEGER, PRIMARY KEY (customer, request)",
        },
        {PointsMoved: moved, RewardAnswered: answered},
    ),
    "packing": Desk(
        "fulfilment",
        {
            "orders": "customer TEXT, id TEXT, decision TEXT, rank_at INTEGER, pick_by INTEGER, tier TEXT,"
            " PRIMARY KEY (customer, id)"
        },
        {d.OrderFlagged: flagged},
    ),
    "contacts": Desk(
        "priority-routing",
        {
            "cases": "customer TEXT, id TEXT, routed TEXT, queue TEXT, rank_at INTEGER, respond_by INTEGER,"
            " resolve_by INTEGER, waits INTEGER, steps INTEGER DEFAULT 0, closed TEXT, PRIMARY KEY (customer, id)"
        },
        {d.ContactRouted: routed, d.EscalationDue: escalated, d.ContactClosed: closed},
    ),
    "finance": Desk(
        "recovery",
        {"owed": "customer TEXT, what TEXT, state TEXT, amount INTEGER, by TEXT, PRIMARY KEY (customer, what)"},
        {d.RecoveryDecided: amended, d.CompensationDecided: granted},
    ),
    "letters": Desk(
        "notification-requests",
        {
            "letters": "id TEXT PRIMARY KEY, customer TEXT, notice TEXT, tier TEXT, from_tier TEXT, until INTEGER, follows TEXT"
        },
        {d.NotificationRequested: letter},
    ),
    "calls": Desk(
        "at-risk-alerts",
        {
            "alerts": "id TEXT PRIMARY KEY, customer TEXT, tier TEXT, escalated INTEGER DEFAULT 0, outcome TEXT",
            "leaving": "id TEXT PRIMARY KEY, customer TEXT, kept_until INTEGER, outcome TEXT",
        },
        {
            d.AtRiskRaised: alerted, d.AtRiskEscalated: overdue, d.AtRiskClosed: ended, d.AtRiskRetracted: ended,
            d.WinBackStarted: leaving, d.WinBackClosed: back_or_gone,
        },
    ),
    "systems": Desk(
        "discrepancies",
        {
            "differing": "customer TEXT, system TEXT, id TEXT, ours TEXT, theirs TEXT, since INTEGER,"
            " PRIMARY KEY (customer, system)"
        },
        {DiscrepancyFound: differs, DiscrepancyResolved: agrees},
    ),
    "console": Desk(
        "command-answers",
        {"answers": "customer TEXT, event TEXT, verdict TEXT, PRIMARY KEY (customer, event)"},
        {d.CommandAnswered: done},
    ),
}  # fmt: skip
OF_TOPIC = {desk.topic: name for name, desk in DESKS.items()}


def opened(folder: Path, name: str) -> Database:
    """A desk's database."""
    database = sqlite3.connect(folder / f"{name}.sqlite", isolation_level=None)
    database.execute("PRAGMA synchronous = OFF")  # a killed process loses nothing by it
    database.executescript(COMMON)
    for table, columns in DESKS[name].tables.items():
        database.execute(f"CREATE TABLE IF NOT EXISTS {table} ({columns})")
    return database


def take(database: Database, desk: Desk, it: Any) -> None:
    """A decision, unless it was read before: by its number, of which this topic's come in order."""
    (last,) = database.execute("SELECT max(sequence) FROM seen WHERE customer = ?", (it.customer_id,)).fetchone()
    before = one(database, "seen", customer=it.customer_id, sequence=it.sequence)
    if before:
        follows(it, "the id of this number", it.decision_id, before["decision"])
        return
    if last is not None and it.sequence < last:
        raise MissedError(f"{it.customer_id} #{it.sequence} comes after #{last}")
    put(database, "seen", customer=it.customer_id, sequence=it.sequence, decision=it.decision_id)
    desk.takes[type(it)](database, it)


class Reader:
    """Reads all topics from where each desk's own database says, to their ends."""

    def __init__(self, folder: Path, bootstrap: str, namespace: str, pause_after: int | None) -> None:
        self._pause_after, self._read = pause_after, 0
        self._databases = {name: opened(folder, name) for name in DESKS}
        about = {"bootstrap.servers": bootstrap, "group.id": f"{namespace}desks", "enable.auto.commit": False}
        options = {"isolation.level": "read_committed", "enable.partition.eof": True, "fetch.wait.max.ms": 10}
        self._consumer = Consumer(about | options | {"auto.offset.reset": "error"})
        self._names = {namespace + desk.topic: name for name, desk in DESKS.items()}
        self._places = [
            (topic, partition)
            for topic in self._names
            for partition in self._consumer.list_topics(topic, timeout=30).topics[topic].partitions
        ]
        self._consumer.assign([TopicPartition(*place, self._position(place)) for place in self._places])

    def _position(self, place: tuple[str, int]) -> int:
        found: int = one(self._databases[self._names[place[0]]], "positions", partition=place[1]).get("next", 0)
        return found

    def run(self) -> None:
        unread = set(self._places)
        while unread or self._pause_after:
            by_desk: dict[str, list[Any]] = {}
            for message in self._consumer.consume(BATCH, 0.2):
                place, error = (message.topic(), message.partition()), message.error()
                if error is None:
                    by_desk.setdefault(self._names[place[0]], []).append(message)
                elif error.code() == KafkaError._PARTITION_EOF:
                    unread.discard(place)
                else:
                    raise KafkaException(error)
            for name, messages in by_desk.items():
                self._take(name, messages)

    def _take(self, name: str, messages: list[Any]) -> None:
        database, desk = self._databases[name], DESKS[name]
        database.execute("BEGIN")
        for message in messages:
            take(database, desk, decode(message.value()))
            put(database, "positions", partition=message.partition(), next=message.offset() + 1)
            self._read += 1
            if self._read == self._pause_after:
                print("paused", flush=True)
                while True:
                    time.sleep(60)
        database.execute("COMMIT")


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("bootstrap")
    parser.add_argument("namespace")
    parser.add_argument("--pause-after", type=int)
    given = parser.parse_args()
    Reader(given.folder, given.bootstrap, given.namespace, given.pause_after).run()


if __name__ == "__main__":
    main()
