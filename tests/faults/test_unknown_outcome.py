"""A commit whose answer never came: it may have happened or not, and only asking again tells (D2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from deploy.broker import local, runs
from tests.faults.system import HURT, System, Worker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def cluster() -> Iterator[local.Cluster]:
    """Give a broker that the test may hurt."""
    with local.Cluster(runs.own_run() / "unknown-outcome-broker") as cluster:
        yield cluster


def gave_up(worker: Worker) -> bool:
    return any(line["unknown"] for line in worker.said("transaction_aborted"))


def start_again(worker: Worker) -> None:
    """As whoever runs workers does: one of its agents may still stand in a call that never returns, and ends it then."""
    if not worker.running:
        assert worker.ended() == 70
        assert "no call of Kafka's client returns" in worker.said("worker_ends")[-1]["exception"]
        worker.start()


def test_a_commit_that_times_out(cluster: local.Cluster, namespace: str, seed: int, tmp_path: Path) -> None:
    # The transaction outlives the silence, so that the commit, asked for again, is what decides.
    system = System(cluster.bootstrap, namespace, tmp_path, seed, LAUREL_TRANSACTION_TIMEOUT_MS=60_000)
    try:
        worker = system.create().worker("a").start(HURT, HURT_FREEZE_AT="before-commit:12")
        system.publisher.start()
        system.wait(lambda: bool(worker.said("frozen")), "the worker to stand before its commit")
        cluster.pause(1)
        worker.thaw()
        # The client times out, and again, until it is given up; or, now and then, its call never returns.
        system.wait(lambda: gave_up(worker) or not worker.running, "a commit without an answer")
        cluster.resume(1)
        system.await_progress(meanwhile=lambda: start_again(worker))
        system.await_running(worker)
        system.finish()
    finally:
        system.close()
