"""What a sandbox consists of: a broker, a schema registry and a worker, all of this process's run, which ends with it."""

from __future__ import annotations

import sys
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from deploy.broker import compose, local, probe, runs
from deploy.registry.local import CONFLUENT_API, Registry

READY_WITHIN_S = 120
LAST_LINES = 20


def services(run: Path) -> tuple[str, str]:
    """Start a broker and a registry, in Docker or else from Maven's artefacts; their addresses. Raises `BrokerError`."""
    return (compose.works() and _in_docker(run)) or _from_maven(run)


def _in_docker(run: Path) -> tuple[str, str] | None:
    project, broker, registry = f"laurel-{run.name}", local.free_port(), local.free_port()
    (run / "compose").write_text(project)  # so that it goes even if this process is killed
    if compose.up(project, {"broker": broker, "registry": registry}):
        probe.await_broker(f"127.0.0.1:{broker}", seconds=60)
        return f"127.0.0.1:{broker}", f"http://127.0.0.1:{registry}{CONFLUENT_API}"
    compose.down(project)
    (run / "compose").unlink()
    return None


def _from_maven(run: Path) -> tuple[str, str]:
    with ThreadPoolExecutor() as at_once:
        broker = at_once.submit(local.Cluster(run / "broker").start)
        registry = at_once.submit(Registry(run / "registry").start)
        return broker.result().bootstrap, registry.result().url


class Worker:
    """A worker with the environment of this process; it ends with the run."""

    def __init__(self, run: Path, health_port: int) -> None:
        self._record, self._log = run / "worker.pid", run / "worker.log"
        self._health_port = health_port

    def start(self) -> None:
        """Start it, and return once it is ready. Raises `BrokerError` where it does not come to that."""
        runs.register(
            self._record, runs.spawn([str(Path(sys.executable).with_name("laurel")), "worker"], self._log).pid
        )
        if not runs.until(lambda: self._is_ready() or not runs.running(self._record), READY_WITHIN_S):
            raise runs.BrokerError(f"The worker was not ready within two minutes.\n{self._tail()}")
        self.check()

    def check(self) -> None:
        """Raise `BrokerError` if it has ended."""
        if not runs.running(self._record):
            raise runs.BrokerError(f"The worker ended.\n{self._tail()}")

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._health_port}/ready", timeout=5):
                return True
        except OSError:  # a refusal to answer, or an answer that it is not ready
            return False

    def _tail(self) -> str:
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-LAST_LINES:])
