"""A small shop for the demo's tests: a history file, what the generator makes of it, and the engine in memory."""

import argparse
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from deploy.demo import generate, history
from deploy.demo.dumping import told
from deploy.demo.synthetic import Rates
from processors.policy import Policy, parse
from schemas.events import PolicyActivated
from schemas.fields import EARLIEST_MS
from streams.dead_letters import dead_letter
from streams.driver import Driver
from streams.publishing import parse as records
from streams.simulating import MAX_JUMP_DAYS, prepare, simulate
from streams.tailing import describe

Document = dict[str, Any]
EVENTFUL = Rates(
    registered=0.5,
    delivered=0.2,
    returned=0.7,
    asked_twice=0.2,
    refunded=0.9,
    refunded_before_order=0.2,
    refunded_in_parts=0.4,
    cancelled=0.15,
    contacted=0.3,
    published_twice=0.2,
)
"""Much goes wrong in this shop: few purchases must show what many do in the demo."""


def demo_policy() -> Document:
    """The demo's own."""
    document: Document = yaml.safe_load(Path("deploy/demo/policy.yaml").read_text(encoding="utf-8"))
    return document


def policy_of(document: Document) -> Policy:
    policy = parse(json.dumps(document))
    assert isinstance(policy, Policy), policy
    return policy


def lines(topic: str, driver: Driver) -> list[Document]:
    """A topic as `deploy.demo.dumping` writes it down."""
    if topic == "dead-letters":
        return [told(dead_letter(record, driver.keys.chain.find)) for record in driver.logs.all(topic)]
    return [describe(record) for record in driver.logs.all(topic)]


def engine(events: Iterable[Document], document: Document) -> Driver:
    """The whole engine after these events."""
    activation = PolicyActivated("activation", document["version"], EARLIEST_MS, json.dumps(document))
    return simulate(records(map(json.dumps, events), prepare()), activation, document["time_zone"])


class Shop:
    """The files of one run below a folder, from generator and engine, as demo.sh has them."""

    def __init__(self, folder: Path, text: str, document: Document, seed: int = 1, rates: Rates = EVENTFUL) -> None:
        self.folder = folder
        (folder / "history.txt").write_text(text, encoding="utf-8")
        (folder / "policy.json").write_text(json.dumps(document), encoding="utf-8")
        purchases = history.read(folder / "history.txt")
        real, self.synthetic, _ = generate.generate(purchases, policy_of(document), seed, rates)
        self.driver = engine(generate.in_time(real, self.synthetic), document)
        generate.write(folder / "synthetic.jsonl", self.synthetic)
        for topic in ("customer-profiles", "timeline", "dead-letters"):
            self.write(topic, lines(topic, self.driver))

    def write(self, topic: str, content: Iterable[Document]) -> None:
        """Put down what a topic holds, or what it is pretended to hold."""
        generate.write(self.folder / f"{topic}.jsonl", content)

    def read(self, topic: str) -> list[Document]:
        return [json.loads(line) for line in (self.folder / f"{topic}.jsonl").read_text(encoding="utf-8").splitlines()]

    def call(self) -> argparse.Namespace:
        """What recount.py is called with."""
        return argparse.Namespace(
            history=self.folder / "history.txt",
            synthetic=self.folder / "synthetic.jsonl",
            policy=self.folder / "policy.json",
            profiles=self.folder / "customer-profiles.jsonl",
            ticks=self.folder / "timeline.jsonl",
            dead_letters=self.folder / "dead-letters.jsonl",
            max_jump_days=MAX_JUMP_DAYS,
        )
