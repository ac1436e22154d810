"""What a large reading needed goes back to the system."""

import gc
import subprocess
import sys
from pathlib import Path

from streams.memory import give_back

MEGABYTE = 1 << 20


def resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def fill_and_give_back() -> None:
    """Print what a hundred megabytes of records leave behind, before and after giving back."""
    before = resident()
    records = [bytes(2_000) for _ in range(50_000)]
    kept = records[::100]  # what lives on among them keeps the library from giving back by itself
    records.clear()
    gc.collect()
    left = resident() - before
    give_back()
    sys.stdout.write(f"{left} {resident() - before} {len(kept)}")


def test_freed_memory_is_given_back() -> None:
    code = "from tests.streams.test_memory import fill_and_give_back; fill_and_give_back()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    left, after, _ = map(int, done.stdout.split())
    assert left > 50 * MEGABYTE, "the library gave it back by itself: nothing is shown here"
    assert after < left / 4
