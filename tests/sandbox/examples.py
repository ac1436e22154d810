"""The consumers of deploy/examples as processes, each with a database of its own."""

import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

from deploy.broker import java, runs
from tests.streams.commands import environment

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "deploy" / "examples"


def built() -> Path:
    """The Java example's jar: built once for each state of its sources, and kept."""
    sources = sorted(path for path in (EXAMPLES / "java").rglob("*") if path.suffix in {".java", ".xml"})
    name = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:12]
    kept = runs.WORK / "examples" / name
    if not kept.exists():
        fresh = kept.with_name(f"new-{os.getpid()}")
        shutil.copytree(EXAMPLES / "java", fresh, ignore=shutil.ignore_patterns("target"))
        path = {"PATH": f"{Path(java.find()).parent}:{os.environ['PATH']}"}
        subprocess.run(["mvn", "-q", "-B", "package"], cwd=fresh, env=os.environ | path, check=True)
        fresh.rename(kept)
    return kept / "target" / "consumer.jar"


class Example:
    """One of the two, started again and again on its database."""

    def __init__(
        self, language: str, folder: Path, settings: dict[str, str], group: str, *acting_on: str, schemas: str = ""
    ) -> None:
        self.state = folder / f"{language}-{group}.sqlite"
        self._out, self._err = self.state.with_suffix(".out"), self.state.with_suffix(".err")
        self._environment = environment(**settings)
        acting = ["--act-on", *acting_on] if acting_on else []
        files = ["--schemas", ROOT / schemas] if schemas else []
        python = [sys.executable, EXAMPLES / "consumer.py", "--state", self.state, "--group", group, *acting, *files]
        jvm = ["-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", f"-Dgroup={group}-java"]
        self._command = python if language == "python" else [java.find(), *jvm, "-jar", built(), self.state, *acting_on]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._out.open("ab") as out, self._err.open("ab") as err:
            self._process = subprocess.Popen(self._command, env=self._environment, stdout=out, stderr=err)
        runs.register(runs.own_run() / f"{self.state.stem}.pid", self._process.pid)  # ended also where a test fails

    def stop(self, *, kill: bool = False) -> int:
        """End it, in order or by `kill -9`; its exit code."""
        assert self._process is not None
        self._process.kill() if kill else self._process.terminate()
        return self._process.wait()

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None
        assert self._process.poll() is None, self.said_wrong()
        return self._process

    def done(self) -> dict[str, tuple[str, int, str | None]]:
        """What its database says: customer, number and effect of each decision."""
        if not self.state.exists():
            return {}
        with closing(sqlite3.connect(self.state, timeout=60)) as database:
            try:
                rows: list[Any] = database.execute("SELECT * FROM done").fetchall()
            except sqlite3.OperationalError:  # not made yet
                return {}
        return {decision: (customer, sequence, effect) for decision, customer, sequence, effect in rows}

    def effects(self) -> list[str]:
        """What it said that it would do, over all its lives."""
        return self._out.read_text().splitlines()

    def said_wrong(self) -> str:
        """What it said on standard error."""
        return self._err.read_text()

    def gaps(self) -> set[str]:
        return {line for line in self.said_wrong().splitlines() if line.startswith("GAP ")}
