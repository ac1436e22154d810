"""A real schema registry, Apicurio, from Maven artefacts: for machines without Docker, for tests and the sandbox."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.broker import java, local
from deploy.broker.runs import WORK, BrokerError, end, register, running, spawn, until

if TYPE_CHECKING:
    from typing import Self

HERE = Path(__file__).resolve().parent
# Ready after 4 s on two idle cores, with 230 MB; most of it is Java's start-up.
JVM = ("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
CONFLUENT_API = "/apis/ccompat/v7"
STARTS_WITHIN_S = 120


class Registry:
    """One registry on loopback that keeps its schemas in memory; `directory` goes with it, as a `Cluster`'s does."""

    def __init__(self, directory: Path) -> None:
        """Describe a registry; nothing starts yet."""
        self.directory = directory.resolve()
        self.port = 0

    @property
    def url(self) -> str:
        """Address for Confluent's clients, once started."""
        return f"http://127.0.0.1:{self.port}{CONFLUENT_API}"

    @property
    def pid(self) -> int | None:
        """Its process, where it runs."""
        return running(self._record)

    def start(self) -> Self:
        """Start it, wait until it answers, and return the registry itself. Raises `BrokerError` where it cannot be."""
        server = java.fetch(HERE / "pom.xml", "unpack", WORK / "registry")
        self.directory.mkdir(parents=True)
        for attempts_left in (2, 1, 0):
            self.port = local.free_port()
            self._launch(server)
            if until(lambda: self._answers() or not self.pid, STARTS_WITHIN_S) and self.pid:
                break
            said = self._log.read_text(errors="replace")[-2000:]
            end(self._record, grace=0.0)
            if not (attempts_left and "in use" in said):
                self.stop()
                raise BrokerError(f"The schema registry was not ready within two minutes.\n{said}")
        (self.directory / "url").write_text(self.url)
        return self

    def stop(self) -> None:
        """End it and remove the folder; its schemas go with it."""
        end(self._record, grace=0.0)
        shutil.rmtree(self.directory, ignore_errors=True)

    def pause(self) -> None:
        """Freeze it: it takes connections and answers nothing."""
        os.kill(self.pid or 0, signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        os.kill(self.pid or 0, signal.SIGCONT)

    def __enter__(self) -> Self:
        """Start, to stop at the end of a `with` block."""
        return self.start()

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()

    def _launch(self, server: Path) -> None:
        (program,) = server.glob("*-runner.jar")
        options = [f"-Djava.io.tmpdir={self.directory}", "-Dquarkus.http.host=127.0.0.1"]
        command = [java.find(), *JVM, *options, f"-Dquarkus.http.port={self.port}", "-jar", str(program)]
        register(self._record, spawn(command, self._log).pid)

    def _answers(self) -> bool:
        asked = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            asked.request("GET", f"{CONFLUENT_API}/subjects")
            return asked.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            asked.close()

    @property
    def _record(self) -> Path:
        return self.directory / "registry.pid"

    @property
    def _log(self) -> Path:
        return self.directory / "registry.log"
