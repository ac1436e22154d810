"""A short deck of the table's faults, on three brokers; the whole of it is dealt by `deploy/soak.sh`."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pytest
import yaml

from deploy.broker import runs
from deploy.prometheus.promtool import find
from streams.metrics import BY_NAME
from tests.faults.arena import Arena, wrong
from tests.faults.table import BY_NAME_OF_FAULT, FAULTS

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
RULES = [
    rule["alert"]
    for group in yaml.safe_load((ROOT / "deploy" / "prometheus" / "alerts.yml").read_text())["groups"]
    for rule in group["rules"]
]
DECK = ("refuse", "break-rule", "kill-leader")


@pytest.fixture
def arena(seed: int, namespace: str) -> Iterator[Arena]:
    """Three brokers and what belongs to them."""
    if find("prometheus") is None:
        pytest.skip("no Prometheus, and no way to Debian's package")
    with Arena(runs.own_run() / namespace, seed, Random(seed)) as made:
        yield made


def test_what_is_hurt_is_seen_and_nothing_is_lost(arena: Arena) -> None:
    workers = arena.system.start("a", "b")
    arena.watch()
    arena.system.publisher.start()
    arena.system.await_progress()
    seen = [arena.suffer(BY_NAME_OF_FAULT[name], arena.random.choice(workers)) for name in DECK]
    # How soon is the soak's to judge: what else runs here takes its time.
    assert [each for each in wrong(seen) if "worked again" not in each] == []
    assert arena.violations() == []


def test_faults_move_metrics_and_fire_alerts_that_there_are() -> None:
    for fault in FAULTS:
        names = re.findall(r"\blaurel_\w+?(?=_count\b|\b)|\bup\b", fault.moves)
        assert names, fault.name
        assert set(names) <= {*BY_NAME, "up"}, fault.name
        assert fault.fires in RULES, fault.name
    assert len(BY_NAME_OF_FAULT) == len(FAULTS)


def test_an_alert_that_no_fault_fires_is_known() -> None:
    """Their promtool tests alone have them fire."""
    unprovoked = {
        "BrokerSilent": "of three brokers one always answers",
        "LagGrowing": "a lag of a minute that grows over ten",
        "NoTicks": "no tick within five minutes",
        "Quarantined": "records that only the fold can refuse",
        "RebalancesTooMany": "20 rebalances of a worker in 15 minutes",
        "RestoreTooLong": "shorter than a scrape, for tables of this size",
        "SyncFailing": "systems that report another status than ours",
        "TransactionsAborting": "six aborts of a worker; `refuse` comes to fewer before its pauses grow",
        "WorkerNotReady": "many faults do, besides what tells more",
    }
    assert set(RULES) - {fault.fires for fault in FAULTS} == set(unprovoked)
