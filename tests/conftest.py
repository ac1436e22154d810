"""What tests on a real broker stand on: its address, and names that no other test uses."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from testcontainers.compose import DockerCompose

from deploy.broker import compose, local, probe, runs
from deploy.registry.local import CONFLUENT_API, Registry

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def bootstrap() -> Iterator[str]:
    """Give a broker's address: LAUREL_BOOTSTRAP, Docker's, or a local one; what starts here ends with the session."""
    if given := os.environ.get("LAUREL_BOOTSTRAP"):
        probe.await_broker(given, seconds=10)
        yield given
    elif compose.works():
        yield from _broker_in_docker()
    else:
        with local.Cluster(runs.own_run() / "session-broker") as cluster:
            yield cluster.bootstrap


@pytest.fixture(scope="session")
def registry() -> Iterator[str]:
    """Give a schema registry's address: LAUREL_REGISTRY_URL, Docker's, or a local one, for the whole session."""
    if given := os.environ.get("LAUREL_REGISTRY_URL"):
        yield given
    elif compose.works():
        with _in_docker("registry") as port:
            yield f"http://127.0.0.1:{port}{CONFLUENT_API}"
    else:
        with Registry(runs.own_run() / "session-registry") as started:
            yield started.url


def _broker_in_docker() -> Iterator[str]:
    # Not testcontainers' KafkaContainer, which knows Confluent's image only.
    with _in_docker("broker") as port:
        probe.await_broker(f"127.0.0.1:{port}", seconds=60)
        yield f"127.0.0.1:{port}"


@contextlib.contextmanager
def _in_docker(service: str) -> Iterator[int]:
    run, port = runs.own_run(), local.free_port()
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("COMPOSE_PROJECT_NAME", f"laurel-{run.name}")
        environment.setenv(f"LAUREL_{service.upper()}_PORT", str(port))
        (run / "compose").write_text(f"laurel-{run.name}")  # so that it goes even if this process is killed
        with DockerCompose(ROOT, services=[service], profiles=[service], wait=True):
            yield port


@pytest.fixture
def namespace(request: pytest.FixtureRequest) -> str:
    """Give a prefix for topics, groups and transactional ids, `t1f3c5a7b-`: no other test has it, nor another session.

    Another session's matter too: a broker that is kept up, or given, still has their topics.
    """
    seed = f"{_SESSION}{request.node.nodeid}{next(_COUNTER)}"
    return f"t{hashlib.sha256(seed.encode()).hexdigest()[:8]}-"


_SESSION = os.urandom(8).hex()
_COUNTER = itertools.count()
