"""Engines whose programs are not ours: a folder given with `--peers` holds them, and they run from there.

They look for a broker at 127.0.0.1:19092, so that port forwards the first question to the broker of the comparison; its
answer names the broker's own address, and nothing else goes through. They say how fast they were; CPU and memory are
read from outside, with their start.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread

from deploy.broker import java, runs
from tests.bench.meter import Measured, cpu_s, peak_mb
from tests.bench.orders import create_topics

PORT = 19092
LOOK_S = 0.1
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


def kafka_streams(bootstrap: str, topic: str, events: int, folder: Path) -> Measured:
    _need_topics(bootstrap, "ks-tier")
    built = folder.parent / "kafka-streams"
    program = java.find()
    if not built.exists():
        shutil.copytree(_folder[0] / "kafka-streams", built, ignore=shutil.ignore_patterns("target", "libs"))
        maven = ["mvn", "-q", "-B", "package", "dependency:copy-dependencies", "-DoutputDirectory=libs"]
        path = {"PATH": f"{Path(program).parent}:{os.environ['PATH']}"}
        subprocess.run(maven, cwd=built, env=os.environ | path, check=True)
    command = [program, "-Xmx1g", "-cp", f"{built}/target/ks-1.jar:{built}/libs/*", "Ks"]
    return _run([*command, str(events), "exactly_once_v2", topic, "1"], bootstrap, events, folder)


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


def _run(command: list[str], bootstrap: str, events: int, folder: Path) -> Measured:
    used = peak = 0.0
    quiet = {"PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": str(folder)}
    with forwarding(bootstrap), (folder / "out").open("w+", encoding="utf-8") as out:
        process = subprocess.Popen(command, cwd=folder, env=os.environ | quiet, stdout=out, stderr=out)
        runs.register(runs.own_run() / "bench-peer.pid", process.pid)  # it ends even if we are killed
        try:
            while process.poll() is None:
                used, peak = max(used, cpu_s(process.pid)), max(peak, peak_mb(process.pid))
                time.sleep(LOOK_S)
        finally:
            process.kill()
            process.wait()
        out.seek(0)
        text = out.read()
    told = re.search(r"([0-9.]+) ev/s", text)
    if told is None:
        raise RuntimeError(f"{command[0]} ended without a figure:\n{text[-2_000:]}")
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
