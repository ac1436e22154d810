"""Engines whose programs are not ours: a folder given with `--peers` holds them, and they run from there.

They look for a broker at 127.0.0.1:19092, so that port forwards the first question to the broker of the comparison; its
answer names the broker's own address, and nothing else goes through. Quix Streams commits every five seconds, so it says
itself how fast it was; Kafka Streams is measured from outside, by what its group has committed.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread

from deploy.broker import java, runs
from tests.bench import meter, recounting
from tests.bench.meter import Measured
from tests.bench.orders import create_topics

PORT = 19092
KAFKA_STREAMS = "ks"
"""How its group's name begins."""
_folder: list[Path] = []


def found_in(folder: Path) -> None:
    """Where the programs are."""
    _folder[:] = [folder]


def quix(bootstrap: str, topic: str, events: int, folder: Path) -> Measured:
    _need_topics(bootstrap, "quix-tiers")
    python = _environment(folder.parent / "quix-environment", "quixstreams", "fastavro")
    return _run(
        [str(python), str(_folder[0] / "quix.py"), "exactly-once", str(events), topic], bootstrap, events, folder
    )


def kafka_streams(bootstrap: str, topic: str, events: int, folder: Path, threads: int = 1) -> Measured:
    _need_topics(bootstrap, "ks-tier")
    built = folder.parent / "kafka-streams"
    program = java.find()
    if not built.exists():
        shutil.copytree(_folder[0] / "kafka-streams", built, ignore=shutil.ignore_patterns("target", "libs"))
        maven = ["mvn", "-q", "-B", "package", "dependency:copy-dependencies", "-DoutputDirectory=libs"]
        path = {"PATH": f"{Path(program).parent}:{os.environ['PATH']}"}
        subprocess.run(maven, cwd=built, env=os.environ | path, check=True)
    command = [program, "-Xmx1g", "-cp", f"{built}/target/ks-1.jar:{built}/libs/*", "Ks"]
    done = recounting.counter(bootstrap, KAFKA_STREAMS, topic)
    with _started([*command, str(events), "exactly_once_v2", topic, str(threads)], bootstrap, folder) as (
        process,
        said,
    ):
        found = meter.watch([process.pid], events, done, lambda: process.poll() is None)
    if found is None:
        raise RuntimeError(f"nothing was measured:\n{said()}")
    return found


def _need_topics(bootstrap: str, name: str) -> None:
    with suppress(Exception):  # the last run's; their contents are of no interest
        create_topics(bootstrap, [name])


def _environment(folder: Path, *packages: str) -> Path:
    """A Python of its own: what these engines need is not what laurel needs."""
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run(["uv", "venv", "-q", "--python", sys.executable, str(folder)], check=True)
        subprocess.run(["uv", "pip", "install", "-q", "--python", str(python), *packages], check=True)
    return python


@contextmanager
def _started(
    command: list[str], bootstrap: str, folder: Path
) -> Iterator[tuple[subprocess.Popen[bytes], Callable[[], str]]]:
    """A program of theirs, and what it has said so far; it ends with the block."""
    quiet, out = {"PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": str(folder)}, folder / "out"
    with forwarding(bootstrap), out.open("w", encoding="utf-8") as log:
        process = subprocess.Popen(command, cwd=folder, env=os.environ | quiet, stdout=log, stderr=log)
        runs.register(runs.own_run() / "bench-peer.pid", process.pid)  # it ends even if we are killed
        try:
            yield process, lambda: out.read_text(encoding="utf-8")[-2_000:]
        finally:
            process.kill()
            process.wait()


def _run(command: list[str], bootstrap: str, events: int, folder: Path) -> Measured:
    """What it says of its own speed; CPU and memory are read from outside, with its start."""
    used = peak = 0.0
    with _started(command, bootstrap, folder) as (process, said):
        while process.poll() is None:
            used, peak = max(used, meter.cpu_s(process.pid)), max(peak, meter.peak_mb(process.pid))
            time.sleep(meter.LOOK_S)
    told = re.search(r"([0-9.]+) ev/s", said())
    if told is None:
        raise RuntimeError(f"{command[0]} ended without a figure:\n{said()}")
    return Measured(events, events / float(told[1]), used, peak)


@contextmanager
def forwarding(bootstrap: str) -> Iterator[None]:
    """Pass on what comes to `PORT`, unless the broker itself is there."""
    host, _, port = bootstrap.partition(",")[0].rpartition(":")
    if int(port) == PORT:
        yield
        return
    with socket.create_server(("127.0.0.1", PORT)) as server:
        Thread(target=_accept, args=(server, (host, int(port))), daemon=True).start()
        yield
        server.shutdown(socket.SHUT_RDWR)


def _accept(server: socket.socket, to: tuple[str, int]) -> None:
    with suppress(OSError):
        while True:
            here, there = server.accept()[0], socket.create_connection(to)
            for pair in ((here, there), (there, here)):
                Thread(target=_pass_on, args=pair, daemon=True).start()


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
