"""Fault tests: a system of its own for each, on the session's broker."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.faults.system import System

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def seed() -> int:
    """What decides a test's events and faults; shown when it fails."""
    chosen = int(os.environ.get("LAUREL_FAULT_SEED", "20260729"))
    print(f"LAUREL_FAULT_SEED={chosen}")
    return chosen


@pytest.fixture
def bare_system(bootstrap: str, namespace: str, seed: int, tmp_path: Path) -> Iterator[System]:
    """A publisher and workers for the test to start; there are no topics yet."""
    made = System(bootstrap, namespace, tmp_path, seed)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def system(bare_system: System) -> System:
    """Topics and a publisher; workers are the test's to start."""
    return bare_system.create()
