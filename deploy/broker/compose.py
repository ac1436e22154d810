"""Docker's part: whether it works, and the services of docker-compose.yml from their start to their end."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

FILE = Path(__file__).resolve().parents[2] / "docker-compose.yml"


def works() -> bool:
    """Whether a Docker engine answers and has the compose command."""
    return _docker("compose", "version") and _docker("info")


def up(project: str, ports: Mapping[str, int]) -> bool:
    """Start services as a project of their own, each on a port of its own, and wait until they are well."""
    chosen = {f"LAUREL_{service.upper()}_PORT": str(port) for service, port in ports.items()}
    profiles = [word for service in ports for word in ("--profile", service)]
    words = ["compose", "-p", project, "-f", str(FILE), *profiles, "up", "--detach", "--wait", *ports]
    return _docker(*words, seconds=600, environment=os.environ | chosen)  # images may have to be fetched


def down(project: str) -> bool:
    """Remove the containers of a compose project, with their data."""
    return _docker("compose", "-p", project, "--profile", "*", "down", "--volumes", seconds=60)


def _docker(*words: str, seconds: float = 15, environment: Mapping[str, str] | None = None) -> bool:
    command = ["docker", *words]
    try:
        done = subprocess.run(command, env=environment, capture_output=True, timeout=seconds, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
