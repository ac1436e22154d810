"""Prometheus as a process of its own, over workers on this machine: for demo.sh --keep, and for the fault suite.

It runs with the configuration and the alert rules of this folder, in a folder of the run, and ends with the run.
`python -m deploy.prometheus.server --run FOLDER HOST:PORT...` starts one and prints its address.
"""

from __future__ import annotations

import argparse
import json
import sys
import urllib.parse
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from deploy.broker import local, runs
from deploy.prometheus.promtool import find

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Self

HERE = Path(__file__).resolve().parent
STARTS_WITHIN_S = 60
Series = list[tuple[dict[str, str], list[tuple[float, float]]]]
"""Labels, and values with their times in seconds since 1970."""


class Prometheus:
    """One server in a folder directly below a run's. `hasty`: alerts wait for seconds instead of minutes."""

    def __init__(self, folder: Path, *, every: str = "5s", hasty: bool = False) -> None:
        self.folder = folder
        self.address = f"127.0.0.1:{local.free_port()}"
        self._every = every
        self._hasty = hasty

    def start(self, targets: Iterable[str]) -> Self:
        """Start it, scraping `host:port`s. Raises `BrokerError` where there is no Prometheus, or it does not answer."""
        if (program := find("prometheus")) is None:
            raise runs.BrokerError("There is no Prometheus here, and no way to Debian's package: install `prometheus`.")
        self._lay_out()
        self.scrape(targets)
        command = [
            program, f"--config.file={self.folder}/prometheus.yml", f"--storage.tsdb.path={self.folder}/data",
            f"--web.listen-address={self.address}", "--log.level=warn",
        ]  # fmt: skip
        runs.register(self.folder / "prometheus.pid", runs.spawn(command, self.folder / "log").pid)
        if not runs.until(self._answers, STARTS_WITHIN_S):
            raise runs.BrokerError(f"Prometheus does not answer:\n{(self.folder / 'log').read_text()[-2000:]}")
        return self

    def scrape(self, targets: Iterable[str]) -> None:
        """Scrape these from now on."""
        content = yaml.safe_dump([{"targets": list(targets)}])
        fresh = self.folder / "workers" / "workers.new"
        fresh.write_text(content)
        fresh.rename(fresh.with_suffix(".yml"))

    def stop(self) -> None:
        """End it."""
        runs.end(self.folder / "prometheus.pid", grace=5.0)

    def range(self, query: str, since: float, until: float, step_s: float = 1.0) -> Series:
        """What a query gave from time to time. Raises `OSError` where Prometheus refuses it."""
        asked = {"query": query, "start": since, "end": until, "step": step_s}
        return [
            (each["metric"], [(float(at), float(value)) for at, value in each["values"]])
            for each in self._get("query_range", asked)["data"]["result"]
        ]

    def _get(self, what: str, asked: dict[str, Any]) -> Any:
        words = urllib.parse.urlencode(asked)
        with urllib.request.urlopen(f"http://{self.address}/api/v1/{what}?{words}", timeout=30) as answer:
            return json.load(answer)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://{self.address}/-/ready", timeout=5):
                return True
        except OSError:
            return False

    def _lay_out(self) -> None:
        (self.folder / "workers").mkdir(parents=True)
        configuration = yaml.safe_load((HERE / "prometheus.yml").read_text())
        configuration["global"] = {
            "scrape_interval": self._every,
            "scrape_timeout": self._every,
            "evaluation_interval": self._every,
        }
        rules = yaml.safe_load((HERE / "alerts.yml").read_text())
        if self._hasty:
            for rule in (rule for group in rules["groups"] for rule in group["rules"]):
                rule["for"] = rule["for"].replace("m", "s")
        (self.folder / "prometheus.yml").write_text(yaml.safe_dump(configuration))
        (self.folder / "alerts.yml").write_text(yaml.safe_dump(rules))


def main() -> None:
    """Start one, and print its address."""
    parser = argparse.ArgumentParser(description="Prometheus over workers, until the run ends.")
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("workers", nargs="+", metavar="HOST:PORT")
    given = parser.parse_args()
    try:
        server = Prometheus(given.run / "prometheus").start(given.workers)
    except runs.BrokerError as problem:
        sys.exit(str(problem))
    print(server.address)


if __name__ == "__main__":
    main()
