"""A real Kafka broker, or three, from Maven artefacts: for machines without Docker, and tests that break brokers."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import signal
import socket
import subprocess
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.broker import java
from deploy.broker.probe import brokers
from deploy.broker.runs import WORK, BrokerError, end, register, running, spawn, until

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Self

HERE = Path(__file__).resolve().parent

# Java start-up dominates a broker of this size. Against the defaults of Java 17 on two cores: ready after 2.2 s instead
# of 2.7, and a million records in transactions and back cost 9 s of CPU instead of 18.
JVM = ("-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
SPOKEN_FOR = 256
"""Ports that a process keeps others from choosing; each costs it a file descriptor."""
CLUSTER_ID = "bGF1cmVsLWJyb2tlci0wMQ"  # any 16 bytes in base64

# docker-compose.yml gives its broker the same.
SETTINGS = {
    "auto.create.topics.enable": "false",
    "broker.heartbeat.interval.ms": "1000",
    "broker.session.timeout.ms": "5000",  # a killed node may not come back earlier: 9 s by default
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",  # fault tests cannot wait for six seconds each time
    "log.retention.ms": "-1",  # records carry their history's time: any limit would delete 1997 at once
    "message.max.bytes": "4194304",
    "replica.fetch.max.bytes": "4194304",
    "offsets.topic.num.partitions": "4",  # 50 each by default, most of the cost of the first group and transaction
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.num.partitions": "1",
}


class Cluster:
    """Nodes 1..n on loopback, each broker and controller, each in a folder of its own below `directory`.

    `directory` belongs to the cluster and goes with it; put it directly below a run's folder, so that it is cleared
    away even after a `kill -9` of its owner. `settings` are broker settings beyond the usual ones.
    """

    def __init__(self, directory: Path, nodes: int = 1, settings: Mapping[str, str] | None = None) -> None:
        """Describe a cluster; nothing starts yet."""
        self.directory = directory.resolve()
        self.nodes = range(1, nodes + 1)
        self.settings = dict(settings or {})
        self._ports: dict[int, int] = {}

    @property
    def bootstrap(self) -> str:
        """Addresses for clients, once started."""
        return ",".join(f"127.0.0.1:{port}" for port in self._ports.values())

    @property
    def pids(self) -> dict[int, int]:
        """Each node that runs, with its pid."""
        return {node: pid for node in self.nodes if (pid := running(self._record(node)))}

    def start(self) -> Self:
        """Start every node, wait until each knows of all, and return the cluster itself."""
        jars = java.fetch(HERE / "pom.xml", "copy-dependencies", WORK / "broker")
        for attempts_left in (2, 1, 0):
            try:
                self._lay_out(jars)
                for node in self.nodes:
                    self._launch(node)
                self._await(self.nodes, alive=set(self.nodes))
            except BaseException as problem:
                self.stop()
                port_was_taken = isinstance(problem, BrokerError) and "Address already in use" in str(problem)
                if not (port_was_taken and attempts_left):
                    raise
                continue
            (self.directory / "bootstrap").write_text(self.bootstrap)
            break
        return self

    def stop(self) -> None:
        """Stop every node and remove the folder."""
        self.kill(*self.nodes)
        shutil.rmtree(self.directory, ignore_errors=True)

    def kill(self, *nodes: int) -> None:
        """`kill -9` of nodes; their data stays."""
        end(*map(self._record, nodes), grace=0.0)

    def shut_down(self, *nodes: int) -> None:
        """Stop nodes in order: without a majority a node waits in vain for leave to go, and is then killed."""
        end(*map(self._record, nodes), grace=5.0)

    def pause(self, node: int) -> None:
        """Freeze a node: its connections stay open and silent."""
        os.kill(self.pids[node], signal.SIGSTOP)

    def resume(self, node: int) -> None:
        """Let a frozen node go on."""
        os.kill(self.pids[node], signal.SIGCONT)

    def restart(self, *nodes: int) -> None:
        """Stop nodes in order if they run, start them on their data and ports, and wait until they are alive again."""
        self.shut_down(*nodes)
        for node in nodes:
            self._launch(node)
        self._await(nodes, alive=set(nodes))

    def __enter__(self) -> Self:
        """Start, to stop at the end of a `with` block."""
        return self.start()

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()

    def _lay_out(self, jars: Path) -> None:
        self._jars = jars
        self._ports = {node: free_port() for node in self.nodes}
        controllers = {node: free_port() for node in self.nodes}
        copies = str(min(3, len(self.nodes)))
        in_sync = str(min(2, len(self.nodes)))
        formats = []
        for node in self.nodes:
            folder = self._folder(node)
            folder.mkdir(parents=True)
            properties = {
                "process.roles": "broker,controller",
                "node.id": str(node),
                "listeners": f"PLAINTEXT://127.0.0.1:{self._ports[node]},CONTROLLER://127.0.0.1:{controllers[node]}",
                "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
                "controller.listener.names": "CONTROLLER",
                "controller.quorum.voters": ",".join(f"{n}@127.0.0.1:{port}" for n, port in controllers.items()),
                "log.dirs": str(folder / "data"),
                "default.replication.factor": copies,
                "min.insync.replicas": in_sync,
                "offsets.topic.replication.factor": copies,
                "transaction.state.log.replication.factor": copies,
                "transaction.state.log.min.isr": in_sync,
                "share.coordinator.state.topic.replication.factor": copies,
                "share.coordinator.state.topic.min.isr": in_sync,
            }
            lines = (f"{key}={value}\n" for key, value in (properties | SETTINGS | self.settings).items())
            (folder / "server.properties").write_text("".join(lines))
            formats.append(self._java(node, "kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c"))
        if any(process.wait() for process in formats):
            raise BrokerError(f"A node's storage could not be formatted.\n{self._tails()}")

    def _launch(self, node: int) -> None:
        self._java(node, "kafka.Kafka")

    def _java(self, node: int, *words: str) -> subprocess.Popen[bytes]:
        folder = self._folder(node)
        options = [f"-Dlog4j2.configurationFile={HERE}/log4j2.properties", f"-Dlaurel.broker.log={folder}/server.log"]
        command = [java.find(), *JVM, *options, "-cp", f"{self._jars}/*", *words, str(folder / "server.properties")]
        process = spawn(command, folder / "console.log")
        register(self._record(node), process.pid)
        return process

    def _await(self, nodes: Iterable[int], alive: set[int]) -> None:
        """Wait until each of these nodes answers and knows those to be alive: an open port alone is too early."""

        def ready() -> bool:
            if dead := set(nodes) - self.pids.keys():
                raise BrokerError(f"Broker node {min(dead)} ended while starting.\n{self._tails()}")
            return all(alive <= brokers(f"127.0.0.1:{self._ports[node]}") for node in nodes)

        if not until(ready, 120):
            raise BrokerError(f"The broker was not ready within two minutes.\n{self._tails()}")

    def _folder(self, node: int) -> Path:
        return self.directory / f"node-{node}"

    def _record(self, node: int) -> Path:
        return self.directory / f"node-{node}.pid"

    def _tails(self) -> str:
        logs = [log for name in ("server.log", "console.log") for log in self.directory.glob(f"*/{name}")]
        telling = ([x for x in log.read_text(errors="replace").splitlines() if " INFO " not in x] for log in logs)
        return "\n".join(line for lines in telling for line in lines[-30:])


def free_port() -> int:
    """Choose a port that is free and stays so: below the range from which systems give ports to clients.

    Other processes choose none of the last `SPOKEN_FOR` that this one chose, as long as it lives: who is down for a
    while, or not up yet, finds its own.
    """
    for port in _ports:
        # Nobody here uses UDP, so its port of the same number is a sign that everybody sees and that no crash leaves behind.
        sign = socket.socket(type=socket.SOCK_DGRAM)
        with contextlib.suppress(OSError), socket.socket() as candidate:
            candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            candidate.bind(("127.0.0.1", port))
            sign.bind(("127.0.0.1", port))
            _signs.append(sign.detach())  # open until this process ends, or it has chosen many more
            if len(_signs) > SPOKEN_FOR:
                os.close(_signs.popleft())
            return port
        sign.close()
    raise BrokerError("No port between 20000 and 32000 is free.")


def _port_range(first: int) -> Iterator[int]:
    # Each process begins elsewhere, so that two runs at once rarely try the same; none is given out twice, so that a
    # node that is down finds its own again.
    return itertools.chain(range(first, 32000), range(20000, first))


_ports = _port_range(20000 + os.getpid() * 7 % 12000)
_signs: deque[int] = deque()
"""File descriptors."""
