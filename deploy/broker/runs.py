"""What the scripts and tests start, noted in files, so that nothing of a run is left behind.

A *run* is one execution of demo.sh, test.sh or pytest. What it starts is registered under `.laurel/run-<pid>/` in files
`NAME.pid`, so that whoever finds the folder can stop it: the run itself, its guard (a process that waits for the run to
die and does what a `kill -9` did not let it do), or the next run. Standard library only: it also runs before `uv sync`.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.broker import compose

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / ".laurel"


class BrokerError(Exception):
    """No broker, and in one sentence why; below it the end of the broker's log, where there is one."""


def open_run(owner: int) -> Path:
    """Make the folder of the run that process `owner` is, after clearing away the runs whose owner is gone."""
    for other in WORK.glob("run-*"):
        if abandoned(other):
            close_run(other)
    run = WORK / f"run-{owner}"
    if run.exists() and not running(run / "owner"):
        raise BrokerError(f"{run} was kept: `bash deploy/broker/broker.sh stop` ends it.")  # and its pid came again
    if not run.exists():
        WORK.mkdir(exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix="new-", dir=WORK))
        register(fresh / "owner", owner)
        fresh.rename(run)  # never seen without its owner, so never taken for abandoned
        command = [sys.executable, "-m", "deploy.broker", "guard", "--run", str(run)]
        register(run / "guard.pid", spawn(command, Path(os.devnull)).pid)
    return run


def own_run() -> Path:
    """Give the folder of the run that this very process is; closed when it exits. For pytest."""
    if not _own:
        _own.append(open_run(os.getpid()))
        atexit.register(close_run, _own[0])
    return _own[0]


def close_run(run: Path) -> None:
    """Stop what the run registered, workers before brokers, and remove its folder."""
    workers = [record for record in run.glob("*.pid") if running(record) != os.getpid()]  # the guard is in there too
    end(*workers, grace=20.0)
    end(*run.glob("*/*.pid"), grace=0.0)  # brokers whose data goes with them have nothing to put in order
    if (project := run / "compose").exists():
        compose.down(project.read_text().strip())
    shutil.rmtree(run, ignore_errors=True)


def guard(run: Path) -> None:
    """Wait until a run's owner is gone, and close the run unless that was done or it is to be kept."""
    while running(run / "owner"):
        time.sleep(0.5)
    if abandoned(run):
        close_run(run)


def abandoned(run: Path) -> bool:
    """Whether nobody has a use for a run any more: its owner is gone, and it was not kept or nothing of it is left."""
    kept = (run / "keep").exists() and ((run / "compose").exists() or any(map(running, run.rglob("*.pid"))))
    return not kept and not running(run / "owner")


def born(pid: int) -> str | None:
    """When a process started: with its pid, its identity, as pids are used again. None where it does not run."""
    if Path("/proc/self/stat").exists():
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return None
        return None if fields[0] == "Z" else fields[19]
    ask = ["ps", "-o", "stat=", "-o", "lstart=", "-p", str(pid)]
    shown = subprocess.run(ask, env=os.environ | {"LC_ALL": "C"}, capture_output=True, text=True, check=False)
    state, _, start = shown.stdout.strip().partition(" ")
    return None if not state or state.startswith("Z") else start.strip()


def register(record: Path, pid: int) -> None:
    """Note a process in a file, for `running` and `end`."""
    record.write_text(f"{pid} {born(pid)}")


def running(record: Path) -> int | None:
    """Give the pid of a noted process if it, and not another one under its pid, still runs."""
    try:
        pid, _, start = record.read_text().partition(" ")
    except OSError:
        return None
    return int(pid) if pid and born(int(pid)) == start else None


def end(*records: Path, grace: float) -> None:
    """End noted processes: SIGTERM, and SIGKILL after `grace` seconds; a stopped one is woken to hear it."""
    if grace:
        _signal(records, signal.SIGTERM, grace)
    _signal(records, signal.SIGKILL, 30.0)
    for record in records:
        record.unlink(missing_ok=True)


def _signal(records: tuple[Path, ...], number: signal.Signals, patience: float) -> None:
    for pid in filter(None, map(running, records)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
            os.kill(pid, signal.SIGCONT)
    until(lambda: not any(map(running, records)), patience)
    for child in _children:
        child.poll()  # else those of this process stay as zombies


def until(true: Callable[[], bool], seconds: float) -> bool:
    """Ask again and again; False if it has not become true in time."""
    deadline = time.monotonic() + seconds
    while not (done := true()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return done


def spawn(command: list[str], log: Path) -> subprocess.Popen[bytes]:
    """Start a process with a session of its own: Ctrl-C is for the script, which then stops its broker in order."""
    with log.open("ab") as out:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=ROOT, start_new_session=True
        )
    _children.append(process)  # else Python warns of a process that it forgot
    return process


_own: list[Path] = []
_children: list[subprocess.Popen[bytes]] = []
