"""Docker's part: whether it works, and the end of a broker that was started through docker-compose.yml."""

from __future__ import annotations

import subprocess


def works() -> bool:
    """Whether a Docker engine answers and has the compose command."""
    return _docker("compose", "version") and _docker("info")


def down(project: str) -> bool:
    """Remove the containers of a compose project, with their data."""
    return _docker("compose", "-p", project, "--profile", "*", "down", "--volumes", seconds=60)


def _docker(*words: str, seconds: float = 15) -> bool:
    try:
        done = subprocess.run(["docker", *words], capture_output=True, timeout=seconds, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
