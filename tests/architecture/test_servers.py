"""The servers that tests and people start: the same versions in Docker and out of it, and nothing of them left behind."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from deploy.broker import local, runs
from deploy.registry.local import Registry
from tests.architecture.packages import ROOT

SERVICES = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]


@pytest.mark.parametrize(
    ("service", "pom"), [("broker", "deploy/broker/pom.xml"), ("registry", "deploy/registry/pom.xml")]
)
def test_docker_and_maven_start_the_same_version(service: str, pom: str) -> None:
    version = SERVICES[service]["image"].rpartition(":")[2]
    found = re.findall(r"<(?:kafka\.)?version>([\d.]+)<", (ROOT / pom).read_text())
    assert version in found


def test_services_are_on_the_loopback_interface_only() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", ())]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_what_is_started_beside_the_broker_is_asked_for() -> None:
    assert [name for name, service in SERVICES.items() if not service.get("profiles")] == ["broker"]


def test_a_registry_ends_with_its_block_and_takes_its_folder_along(tmp_path: Path) -> None:
    with Registry(tmp_path / "registry") as registry:
        pid = registry.pid
        assert pid is not None
        assert registry.directory.is_dir()
        assert registry.url.startswith("http://127.0.0.1:")
    assert runs.born(pid) is None
    assert not registry.directory.exists()


CHOOSER = "from deploy.broker import local; local._ports = local._port_range({}); print(local.free_port())"


def test_a_port_that_one_process_chose_is_no_other_ones_while_nobody_listens_there_either() -> None:
    """Its broker may be down for a moment, or its worker not up yet."""
    chosen = local.free_port()
    found = subprocess.run(
        [sys.executable, "-c", CHOOSER.format(chosen)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert int(found.stdout) > chosen
