"""Consumers of each kind keep views from their own topics alone, are killed, and have what laurel's rows say (I-3, I-4, R-PTS-07)."""

import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import pytest
from msgspec import Struct
from msgspec.structs import replace

from deploy.broker import runs
from processors.answering import COMMANDS
from processors.cases import CASES, resolved_at
from processors.compensations import COMPENSATIONS
from processors.customer import CUSTOMERS, Customer
from processors.goodwill import GOODWILL
from processors.lots import LOTS, QUEUES
from processors.order import ORDERS
from processors.redemption import REQUESTS
from processors.return_cases import RETURN_CASES
from processors.rows import Table
from processors.undispatched import UNDISPATCHED
from schemas import commands as c
from schemas import events as e
from schemas.decisions import AtRiskRaised, ReturnDecided, StockReleased, TierChanged
from schemas.examples import example
from schemas.profiles import CustomerProfile
from schemas.source import SourceEvent
from state.encoding import decode_row
from tests.streams.commands import ROOT, environment
from tests.streams.desks import DESKS, MissedError, every, opened, take
from tests.streams.engines import compacted
from tests.streams.history import DAY, HOUR, ms, placed, published, registered
from tests.streams.systems import System
from tests.streams.test_stories import happenings

R = TypeVar("R", bound=Struct)
CUSTOMERS_IN_ALL, EVENTS, DAYS = 6, 500, 150
START = ms("2024-01-01")
KILLED_AFTER = (70, 110, 240)
"""Records that a life of the desks reads before it is killed. Before the last of them their positions are lost."""


def more(chance: Random, base: dict[str, Any], number: int) -> SourceEvent:
    """What `happenings` leaves out: how cases, returns, subscriptions and silences go on."""
    one = f"{base['customer_id']}-{chance.randrange(4)}"
    case, back = {"case_id": f"k{one}"}, {"return_id": f"b{one}", "order_id": f"o{one}"}
    person = {"author_id": "mia", "role": "manager", "reason": "referrer"}
    lines, units = (e.OrderLine("l1", 2, chance.choice((3_000, 90_000))),), (e.ReturnLine("l1", 1),)
    events: tuple[Callable[[], SourceEvent], ...] = (
        lambda: e.OrderPlaced(**base, order_id=f"o{one}", currency="USD", lines=lines),
        lambda: e.ReturnRequested(**base, **back, lines=units),
        lambda: e.ReturnInspected(**base, **back, accepted=units),
        lambda: e.OrderFailed(**base, order_id=f"o{one}", shipment_id="s1", reason="carrier"),
        lambda: e.ReturnDisputed(**base, **back, reason="unfair"),
        lambda: c.ReturnReviewed(**base, **back, **person, verdict="approved"),
        lambda: e.ContactOpened(**base, **case, channel="phone"),
        lambda: e.ContactAssigned(**base, **case, agent_id="mia", queue="vip"),
        lambda: e.ContactPaused(**base, **case, reason="customer"),
        lambda: e.ContactResolved(**base, **case),
        lambda: e.ContactReopened(**base, **case),
        lambda: e.SubscriptionStarted(**base, subscription_id="box", currency="USD", monthly_minor=990),
        lambda: e.SubscriptionCancelled(**base, subscription_id="box", reason="too_much"),
        lambda: c.OutreachRecorded(**base, **person, channel="phone", outcome="escalated"),
        lambda: c.DesignationAdded(
            **base, **person, designation_id=f"d{number}", tier="diamond", starts_at=base["occurred_at"],
            ends_at=base["occurred_at"] + 9 * DAY,
        ),
        lambda: c.CompensationGranted(
            **base, **person | {"role": "agent"}, compensation_id=f"g{number}", kind="credit", currency="USD",
            amount_minor=chance.choice((700, 9_000)),
        ),
    )  # fmt: skip
    return chance.choice(events)()


def shop(seed: int) -> Iterator[SourceEvent]:
    """Months of VIPs to whom everything happens, and of some who fall silent or lose what made them one. Nobody has two ids."""
    chance = Random(seed)
    for n in range(CUSTOMERS_IN_ALL):
        yield registered(f"c{n}", ms("2019-01-01"), f"r{n}")
        yield placed(f"c{n}", START - 30 * DAY, 120_000 * n, f"first-{n}")
    for number, at in enumerate(sorted(START + chance.randrange(DAYS * DAY) for _ in range(EVENTS))):
        who = f"c{chance.randrange(CUSTOMERS_IN_ALL - 1)}"
        base = {"event_id": f"e{number}", "customer_id": who, "occurred_at": at}
        event = more(chance, base, number) if chance.random() < 0.6 else chance.choice(happenings(chance, base))()
        if not isinstance(event, e.IdsLinked | e.IdsUnlinked):
            yield event
    for n in range(3):
        last: dict[str, Any] = {"event_id": f"x{n}", "customer_id": f"c{n}", "occurred_at": START + DAYS * DAY + n}
        yield e.OrderCancelled(**last, order_id=f"first-{n}")
        yield placed(f"c{n}", START + DAYS * DAY + HOUR, 900, f"last-{n}")
    yield registered("late", START + DAYS * DAY + HOUR, "late")


class Desks:
    """The desks as a process, on databases that outlive it."""

    def __init__(self, folder: Path, system: System) -> None:
        self.folder = folder
        self._command = [sys.executable, "-m", "tests.streams.desks", str(folder), system.settings.bootstrap]
        self._command.append(system.settings.namespace)

    def be_killed(self, after: int) -> None:
        """Live until so many records are read, and die by `kill -9` in the middle of a transaction."""
        process = subprocess.Popen(
            [*self._command, "--pause-after", str(after)],
            env=environment(),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        runs.register(runs.own_run() / "desks.pid", process.pid)
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "paused\n"
        finally:
            process.kill()
            process.communicate()

    def finish(self) -> None:
        """Live until all is read."""
        subprocess.run(self._command, env=environment(), cwd=ROOT, check=True)

    def lose_positions(self) -> None:
        """Everything will be read again."""
        for name in DESKS:
            opened(self.folder, name).execute("DELETE FROM positions")

    def view(self, desk: str, table: str, *columns: str) -> list[tuple[Any, ...]]:
        """What a desk has."""
        return [tuple(row[column] for column in columns) for row in every(opened(self.folder, desk), table)]

    def seen(self) -> list[tuple[Any, ...]]:
        return [row for name in DESKS for row in self.view(name, "seen", "customer", "sequence", "decision")]


class Recount:
    """The same from laurel's own rows, which no desk knows."""

    def __init__(self, system: System) -> None:
        self._rows = {key: row for table in compacted(system.records("customer-state")) for key, row in table.items()}

    def all(self, table: Table[R]) -> Iterator[tuple[tuple[str, ...], R]]:
        for key, row in sorted(self._rows.items()):
            if key.startswith(table.prefix):
                yield table.parts(key), decode_row(table, row)

    @cached_property
    def customers(self) -> dict[str, Customer]:
        return {key: row for (key,), row in self.all(CUSTOMERS)}


@pytest.fixture(scope="module")
def system(bootstrap: str, tmp_path_factory: pytest.TempPathFactory) -> System:
    """Give a system that began with nothing."""
    return System(bootstrap, tmp_path_factory.mktemp("system"), clock="events", max_jump_days=36_500, batch_size=50)


@pytest.fixture(scope="module")
def desks(system: System, tmp_path_factory: pytest.TempPathFactory) -> Desks:
    """Give the desks of a system whose worker took the shop's months, while they were killed and began again."""
    desks = Desks(tmp_path_factory.mktemp("desks"), system)
    system.publish(map(published, shop(7)))
    with system.working():
        for after in KILLED_AFTER[:-1]:
            desks.be_killed(after)
        seen = desks.seen()
        # The record at which they were killed, and those before it in its transaction, are not in their views.
        assert 0 < len(seen) < sum(KILLED_AFTER[:-1])
        desks.lose_positions()
        desks.be_killed(KILLED_AFTER[-1])
        assert set(desks.seen()) >= set(seen)
        system.wait_until_idle()
    desks.finish()
    return desks


@pytest.fixture(scope="module")
def rows(system: System, desks: Desks) -> Recount:
    """Give what laurel itself knows in the end."""
    return Recount(system)


def test_a_desk_leaves_alone_what_it_read_before_and_notices_what_it_did_not_read(tmp_path: Path) -> None:
    database = opened(tmp_path, "returns")
    goods = replace(example(StockReleased), sequence=7)
    for each in (goods, goods):
        take(database, DESKS["returns"], each)
    assert [row["units"] for row in every(database, "stock")] == [1]
    with pytest.raises(MissedError, match="the id of this number"):
        take(database, DESKS["returns"], replace(goods, decision_id="another"))
    with pytest.raises(MissedError, match="comes after #7"):
        take(database, DESKS["returns"], replace(goods, sequence=6))
    with pytest.raises(MissedError, match="supersedes"):
        take(database, DESKS["returns"], replace(example(ReturnDecided), sequence=9, supersedes="never read"))


def test_every_number_was_seen_once_and_none_is_missing_i_4(system: System, desks: Desks) -> None:
    seen, last = defaultdict[str, list[int]](list), dict[str, int]()
    for customer, sequence, _ in desks.seen():
        seen[customer].append(sequence)
    for profile in system.contents("customer-profiles"):
        assert isinstance(profile, CustomerProfile)
        last[profile.customer_id] = profile.sequence
    seen.pop("programme", None)
    assert {who: sorted(numbers) for who, numbers in seen.items()} == {
        who: list(range(1, number + 1)) for who, number in last.items() if number
    }
    for name, desk in DESKS.items():
        assert len(desks.view(name, "seen", "decision")) == len(system.contents(desk.topic)) > 0, name


def test_the_crm_knows_every_tier_i_3(desks: Desks, rows: Recount) -> None:
    known = {who: (tier, since) for who, tier, since in desks.view("crm", "status", "customer", "tier", "vip_since")}
    assert len({tier for tier, _ in known.values()}) > 1
    for who, row in rows.customers.items():
        assert known.get(who, (None, None)) == (row.tier, row.vip_since)


def test_the_shop_knows_every_return_and_the_warehouse_its_stock_t_51(desks: Desks, rows: Recount) -> None:
    returns, stock = dict[tuple[str, str], Any](), dict[tuple[str, str, str], int]()
    for (who, back), case in rows.all(RETURN_CASES):
        if case.decision_id:
            lines = {line.line_id: (line.quantity, line.verdict, line.amount_minor) for line in case.lines}
            returns[who, back] = (case.decision_id, case.verdict, repr(lines))
        stock |= {(who, back, line): units for line, units in case.released}
    found = desks.view("returns", "returns", "customer", "back", "decision", "verdict", "lines")
    assert {(who, back): tuple(rest) for who, back, *rest in found} == returns
    assert {
        tuple(key): units for *key, units in desks.view("returns", "stock", "customer", "back", "line", "units")
    } == stock
    assert len({verdict for _, verdict, _ in returns.values()}) > 1
    assert stock


def test_the_account_page_has_the_points_of_every_lot_r_pts_07(desks: Desks, rows: Recount) -> None:
    stands, firsts, worth = Counter[tuple[str, str]](), dict[str, int](), Counter[str]()
    for (who, queue, *rest), entry in rows.all(QUEUES):
        if queue != "ends":
            stands[who, queue] += entry.points
        if queue == "available":
            firsts[who] = min(int(rest[0]), firsts.get(who, int(rest[0])))
    for (who, *_), lot in rows.all(LOTS):
        worth[who] += lot.earned - lot.spent - lot.expired - lot.clawed_back - lot.taken
    expected = {}
    for who in worth:
        sums = [stands[who, queue] for queue in ("available", "pending", "held")]
        expected[who] = (*sums, sum(sums) - worth[who], firsts.get(who))
    columns = ("customer", "balance", "pending", "reserved", "deficit", "next_expiry_at")
    assert {who: tuple(sums) for who, *sums in desks.view("account", "points", *columns)} == expected
    requests = {key: row.state for key, row in rows.all(REQUESTS) if row.state != "awaited"}
    assert {
        (who, about): state for who, about, state in desks.view("account", "requests", "customer", "request", "state")
    } == requests
    assert len(set(requests.values())) > 1


def test_who_packs_knows_the_flag_of_every_order_that_waits_r_ful_05(desks: Desks, rows: Recount) -> None:
    known = {
        (who, order): (decision, by, tier)
        for who, order, decision, by, tier in desks.view(
            "packing", "orders", "customer", "id", "decision", "pick_by", "tier"
        )
    }
    waiting = [(who, order) for (who,), row in rows.all(UNDISPATCHED) for order in row.orders]
    assert len(waiting) > 3
    for who, order in waiting:
        assert known[who, order.order_id] == (order.flagged_id, order.pick_by, rows.customers[who].tier)


def test_the_contact_centre_has_its_queue_r_rte_03(desks: Desks, rows: Recount) -> None:
    """Of a case that is settled nothing waits: what its target would be by now is told if its customer comes back with it."""
    columns = ("customer", "id", "routed", "queue", "rank_at", "respond_by", "steps", "closed", "waits", "resolve_by")
    expected, found = set[tuple[Any, ...]](), desks.view("contacts", "cases", *columns)
    for key, case in rows.all(CASES):
        if case.routed_id:
            place, waits = (case.routed_id, case.queue, case.rank_at, case.respond_by), resolved_at(case) is None
            expected.add((*key, *place, case.steps, case.closed_id, int(waits), case.resolve_by if waits else None))
    assert {(*row[:-1], row[-1] if row[-2] else None) for row in found} == expected
    assert len({(bool(steps), bool(closed), waits) for *_, steps, closed, waits, _ in expected}) > 2


def test_finance_knows_what_is_owed_to_whom_and_by_whom_t_45(desks: Desks, rows: Recount) -> None:
    owed = desks.view("finance", "owed", "customer", "what", "state", "amount", "by")
    people = {
        (*key, row.state, row.amount_minor, row.by if row.state != "approval_needed" else "")
        for key, row in rows.all(COMPENSATIONS)
    }
    by_rule = {(who, f"{order}/{occasion}") for (who, order), row in rows.all(ORDERS) for occasion in row.amended}
    assert {row for row in owed if (row[0], row[1]) not in by_rule} == people
    assert by_rule == {(row[0], row[1]) for row in owed} - {(row[0], row[1]) for row in people}
    given = Counter[str]()
    for who, _, state, amount, _ in owed:
        given[who] += amount if state == "granted" else 0
    assert +given == +Counter({who: sum(dict(row.days).values()) for (who,), row in rows.all(GOODWILL)})
    assert {state for _, _, state, _, _ in owed} >= {"granted", "approval_needed"}


def test_a_letter_follows_every_change_and_every_silence_r_tier_24(system: System, desks: Desks, rows: Recount) -> None:
    letters = desks.view("letters", "letters", "customer", "notice", "until", "follows")
    others = (
        each for topic in ("tier-changes", "at-risk-alerts", "return-decisions") for each in system.contents(topic)
    )
    causes = {each.decision_id for each in others if isinstance(each, TierChanged | AtRiskRaised | ReturnDecided)}
    assert Counter(follows for *_, follows in letters if follows) == Counter(causes)
    warned = {(who, until) for who, notice, until, _ in letters if notice == "downgrade_warning"}
    assert warned >= {(who, row.falls_at) for who, row in rows.customers.items() if row.falls_at}
    assert warned


def test_who_calls_knows_who_is_at_risk_and_who_leaves_r_risk_01(desks: Desks, rows: Recount) -> None:
    alerts = {
        row[0]: row[1:] for row in desks.view("calls", "alerts", "id", "customer", "tier", "escalated", "outcome")
    }
    last = {row.alert.decision_id: (who, row.alert) for who, row in rows.customers.items() if row.alert}
    assert {alert: alerts[alert] for alert in last} == {
        alert: (who, it.tier, int(it.escalated), it.outcome or "") for alert, (who, it) in last.items()
    }
    assert all(outcome for alert, (*_, outcome) in alerts.items() if alert not in last)
    leaving = {
        (id_, who) for id_, who, outcome in desks.view("calls", "leaving", "id", "customer", "outcome") if not outcome
    }
    assert leaving == {(row.win_back.decision_id, who) for who, row in rows.customers.items() if row.win_back}


def test_systems_know_what_they_hold_otherwise_r_sync_02(desks: Desks, rows: Recount) -> None:
    assert set(desks.view("systems", "differing", "customer", "system", "id")) == {
        (who, held.system, held.found_id)
        for who, row in rows.customers.items()
        for held in row.synchrony.systems
        if held.found_id
    }


def test_the_console_knows_what_became_of_every_command_r_aud_04(desks: Desks, rows: Recount) -> None:
    answers = {
        (who, event): verdict
        for who, event, verdict in desks.view("console", "answers", "customer", "event", "verdict")
    }
    assert answers == {key: row.verdict for key, row in rows.all(COMMANDS)}
    given = {event.event_id for event in shop(7) if isinstance(event, c.Command)}
    assert {event for _, event in answers} <= given
    assert set(answers.values()) == {"accepted", "refused"}
