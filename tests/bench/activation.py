"""Measures what a new policy costs those who wait: events under load while everybody is compared under it (D8).

Usage: uv run python tests/bench/activation.py [--customers N] [--rate R] [--seconds S]

The broker is LAUREL_BOOTSTRAP's, or one that starts and ends with the measurement. A worker folds so many customers, then
contacts and orders come at a rate; in the middle a policy is published that lifts every customer. Each contact's wait is
from its publication to the arrival of its routing at a consumer. Afterwards every customer must have risen once, and
`laurel verify` must find nothing. The table becomes a section of deploy/bench.md.
"""

import argparse
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from deploy.broker import runs
from schemas.codec import decode
from schemas.directives import PolicyPublished
from streams import policies, programme, topics
from streams.clock import now_ms
from streams.progressing import wait_until_idle
from streams.publishing import publish
from streams.records import Outgoing
from streams.settings import Settings
from tests.bench import report
from tests.bench.compare import broker, say
from tests.bench.engines import LAUREL
from tests.bench.orders import delete_topics
from tests.bench.traffic import Traffic, Wait, contacts, quantile
from tests.streams.history import DAY, command, placed, policy, published, registered

ROOT = Path(__file__).resolve().parents[2]
PARTITIONS = 4
TITLE = "# A new policy for everybody, under load"
JOB = """\
{customers:,} customers in {partitions} partitions, one worker; {rate} events a second, half of them contacts. After {seconds} s a
policy is published that lifts every customer by a tier. A contact's wait is from its publication to its routing's arrival at
a consumer. Every customer rose exactly once, and `laurel verify` found nothing: otherwise the run is void."""
HEADER = "| while | contacts | wait ms, median | 99 of 100 | longest |"


class Risen:
    """What the listener makes of decisions: who rose because of the activation, and when the last of them did."""

    def __init__(self) -> None:
        self.times: Counter[str] = Counter()
        self.last = 0.0

    def heard(self, value: bytes) -> str | None:
        """The cause of a decision, which names the event."""
        decision = decode(value)
        if decision.cause.startswith("activation/"):
            self.times[decision.customer_id] += 1
            self.last = time.monotonic()
        return str(decision.cause)


def fill(settings: Settings, customers: int) -> None:
    """Customers of ten years, each with an order worth Gold."""
    now = now_ms()

    def records() -> Iterator[Outgoing]:
        for number in range(customers):
            who = f"c{number:06d}"
            yield published(registered(who, now - 4_000 * DAY + number, f"joined-{who}"))
            yield published(placed(who, now - 3_000 * DAY + number, 150_000, f"first-{who}"))

    publish(settings, records(), lambda _: None)


def row(name: str, waits: Sequence[Wait]) -> str:
    ordered = sorted(1_000 * each.seconds for each in waits)
    cells = (quantile(ordered, 0.5), quantile(ordered, 0.99), ordered[-1])
    return f"| {name} | {len(ordered):,} | {' | '.join(f'{cell:,.0f}' for cell in cells)} |"


def measure(given: argparse.Namespace, bootstrap: str, folder: Path) -> str:
    name = f"activation{os.getpid()}-"
    settings = Settings(bootstrap=bootstrap, namespace=name, data_dir=folder / "data", instance="bench", health_port=0)
    topics.create(settings, PARTITIONS, 1, policies.activation(policies.default_file()))
    environment = {
        "LAUREL_BOOTSTRAP": bootstrap, "LAUREL_NAMESPACE": name, "LAUREL_DATA_DIR": str(folder / "data"),
        "LAUREL_INSTANCE": "bench", "LAUREL_HEALTH_PORT": "0",
    }  # fmt: skip
    with (folder / "worker.log").open("wb") as log:
        worker = subprocess.Popen([*LAUREL, "worker"], cwd=ROOT, env=os.environ | environment, stdout=log, stderr=log)
    runs.register(runs.own_run() / "bench-activation.pid", worker.pid)
    try:
        fill(settings, given.customers)
        say(f"{given.customers:,} customers are published")
        wait_until_idle(settings, lambda _: None)
        say("and folded")
        lines = under_load(given, settings)
    finally:
        worker.terminate()
        worker.wait()
    verified = subprocess.run(
        [*LAUREL, "verify", "--json"], cwd=ROOT, env=os.environ | environment, capture_output=True, check=False
    )
    if verified.returncode:
        raise SystemExit(f"not verified: {verified.stdout.decode()[-3000:]}{verified.stderr.decode()[-2000:]}")
    say("verified")
    delete_topics(bootstrap, name)
    return lines


def under_load(given: argparse.Namespace, settings: Settings) -> str:
    risen = Risen()
    traffic = Traffic(
        settings, contacts(given.customers), given.rate, ["priority-routing", "tier-changes"], risen.heard
    )
    traffic.start()
    time.sleep(10)  # until the listener hears, and the first ones are past
    before = time.monotonic()
    time.sleep(given.seconds)
    document = policy("half", 0.4)
    asked = time.monotonic()
    sent = programme.send(settings, decode(command(PolicyPublished, now_ms(), "half", document=document).value))
    for _ in programme.in_force(settings, sent):
        pass
    everywhere = time.monotonic()
    while len(risen.times) < given.customers and time.monotonic() - asked < given.patience:
        time.sleep(0.2)
    done = risen.last
    time.sleep(given.seconds)
    traffic.stop()
    twice = [who for who, times in risen.times.items() if times > 1]
    if len(risen.times) != given.customers or twice:
        raise SystemExit(f"{len(risen.times):,} of {given.customers:,} rose, {len(twice)} of them twice")
    parts = {
        "before": [each for each in traffic.waits if before <= each.at < asked - 1],
        "everybody is compared": [each for each in traffic.waits if asked - 1 <= each.at < done],
        "after": [each for each in traffic.waits if done <= each.at],
    }
    table = [HEADER, "| --- | ---: | ---: | ---: | ---: |", *(row(name, waits) for name, waits in parts.items())]
    took = f"In force everywhere {everywhere - asked:.1f} s after it was published, and everybody compared after {done - asked:.1f} s."
    return "\n".join([*table, "", took])


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--customers", type=int, default=200_000)
    parser.add_argument("--rate", type=int, default=300, help="events a second")
    parser.add_argument("--seconds", type=int, default=30, help="before and after")
    parser.add_argument("--patience", type=int, default=600, help="seconds until everybody must have been compared")
    report.output(parser)
    given = parser.parse_args()
    folder = runs.own_run() / "activation"
    folder.mkdir()
    with broker() as bootstrap:
        lines = measure(given, bootstrap, folder)
    made = f"- commit {report.commit()}; {os.cpu_count()} cores\n- `{report.command('tests/bench/activation.py')}`"
    job = JOB.format(customers=given.customers, partitions=PARTITIONS, rate=given.rate, seconds=given.seconds)
    text = f"{TITLE}\n\n{job}\n\n{lines}\n\n{made}\n"
    report.tell(given.output, text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
