"""The command line of brokers and runs, for the scripts: `python -m deploy.broker --help`, in the repository's root."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.broker import compose, java, local, probe, runs

if TYPE_CHECKING:
    from collections.abc import Callable


def start(run: Path, nodes: int) -> str:
    """Start a broker in a run; its address."""
    if not (run / "owner").exists():  # the next run would take it for abandoned
        raise runs.BrokerError(f"{run} is not a run's folder: make one with `open`.")
    runs.register(run / "starting.pid", os.getpid())  # else this goes on alone when the run is closed meanwhile
    return local.Cluster(run / "broker", nodes).start().bootstrap


def stop(run: Path | None) -> None:
    """Close a run, or all that were kept or abandoned."""
    for each in [run] if run else runs.WORK.glob("run-*"):
        if run or (each / "keep").exists() or runs.abandoned(each):
            runs.close_run(each)


def status() -> str:
    """Describe what runs, in a line for each run."""
    lines = []
    for run in sorted(runs.WORK.glob("run-*")):
        state = "kept" if (run / "keep").exists() else "in use" if runs.running(run / "owner") else "abandoned"
        addresses = {file.read_text().strip() for place in ("", "*/") for file in run.glob(f"{place}bootstrap")}
        pids = [f"{record.stem} {pid}" for record in sorted(run.rglob("*.pid")) if (pid := runs.running(record))]
        lines.append("  ".join([run.name, state, *sorted(addresses), *pids]))
    return "\n".join(lines)


# What each needs, what it does, and how; a text that it gives goes to standard output, and False fails.
COMMANDS: dict[str, tuple[str, str, Callable[[argparse.Namespace], object]]] = {
    "open": ("owner", "make the folder of the run that this process is", lambda given: str(runs.open_run(given.owner))),
    "start": ("run", "start a local broker, or --nodes of them", lambda given: start(given.run, given.nodes)),
    "stop": ("", "stop all of a --run, or of all runs that were kept", lambda given: stop(given.run)),
    "status": ("", "show the runs there are", lambda _: status()),
    "register": (
        "run name pid",
        "have a process stopped with its run",
        lambda given: runs.register(given.run / f"{given.name}.pid", given.pid),
    ),
    "await": (
        "bootstrap",
        "wait until a broker answers",
        lambda given: probe.await_broker(given.bootstrap, given.seconds),
    ),
    "java": ("", "show a Java that is new enough", lambda _: java.find()),
    "docker": ("", "fail unless a Docker engine with compose is there", lambda _: compose.works()),
    "port": ("", "choose a free port", lambda _: str(local.free_port())),
    "guard": ("run", "(internal) close a run when its owner is gone", lambda given: runs.guard(given.run)),
}


def main() -> None:
    """Do one command."""
    width = max(map(len, COMMANDS))
    texts = [f"  {name:{width}}  {text}" for name, (_, text, _) in COMMANDS.items()]
    parser = argparse.ArgumentParser(
        description="Local Kafka brokers, and all that laurel's scripts have started.",
        epilog="\n".join(["commands:", *texts]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", choices=COMMANDS, metavar="command")
    for option, kind, default in (
        ("run", Path, None),
        ("owner", int, None),
        ("nodes", int, 1),
        ("name", str, None),
        ("pid", int, None),
        ("bootstrap", str, None),
        ("seconds", float, 10),
    ):
        parser.add_argument(f"--{option}", type=kind, default=default)
    given = parser.parse_args()
    needs, _, do = COMMANDS[given.command]
    for need in needs.split():
        if getattr(given, need) is None:
            parser.error(f"{given.command} needs --{need}")
    try:
        done = do(given)
    except runs.BrokerError as problem:
        sys.exit(str(problem))
    except KeyboardInterrupt:
        sys.exit(130)
    if isinstance(done, str):
        print(done)
    sys.exit(done is False)


if __name__ == "__main__":
    main()
