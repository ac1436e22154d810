"""The demo as people call it, on a real broker: `bash deploy/demo.sh --history FILE`."""

import json
import os
import subprocess
from pathlib import Path

from confluent_kafka.admin import AdminClient

HISTORY = "".join(
    f"{number % 7:05d} 1997{1 + number % 12:02d}{1 + number % 28:02d} 1 {number}.99\n" for number in range(50)
)


def _demo(bootstrap: str, history: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "deploy/demo.sh", "--history", str(history)],
        env=os.environ | {"LAUREL_BOOTSTRAP": bootstrap, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def _left_at(bootstrap: str) -> list[str]:
    asking = AdminClient({"bootstrap.servers": bootstrap})
    groups = asking.list_consumer_groups().result().valid
    names = [*asking.list_topics(timeout=10).topics, *(group.group_id for group in groups)]
    return [name for name in names if name.startswith("demo-")]


def test_the_demo_is_verified_and_leaves_nothing_behind(bootstrap: str, tmp_path: Path) -> None:
    (tmp_path / "history.txt").write_text(HISTORY)
    before = _left_at(bootstrap)
    done = _demo(bootstrap, tmp_path / "history.txt")
    assert done.returncode == 0, done.stderr[-2000:]
    last = json.loads(done.stdout.splitlines()[-1])
    assert last["verified"] is True
    assert (last["customers"], last["gross_order_value_minor"]) == (7, sum(100 * n + 99 for n in range(50)))
    assert set(_left_at(bootstrap)) <= set(before)


def test_a_wrong_history_ends_it_before_anything_starts(tmp_path: Path) -> None:
    (tmp_path / "history.txt").write_text("anna 19970112 1 12.00\nanna 19970112 one 12.00\n")
    done = _demo("nobody.invalid:1", tmp_path / "history.txt")
    assert done.returncode == 2
    assert "history.txt, line 2: found the number of items 'one'; expected a whole number" in done.stderr


def test_it_stops_nothing_of_the_script_that_called_it(tmp_path: Path) -> None:
    callers = tmp_path / "run-1"
    callers.mkdir()
    (tmp_path / "history.txt").write_text("anna 19970112 one 12.00\n")
    assert _demo("nobody.invalid:1", tmp_path / "history.txt", LAUREL_RUN=str(callers)).returncode == 2
    assert callers.is_dir()
