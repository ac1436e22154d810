"""A sandbox from its start to its end: everything comes up, the shop's history is told, and then the shop goes on."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from deploy.broker import local, runs
from deploy.demo.events import Event
from deploy.sandbox import parts
from deploy.sandbox.shop import CUSTOMERS, Shop
from streams import policies, progressing, publishing, registration, topics
from streams.settings import Settings, Wire

PARTITIONS = 4
LOOK_S = 0.5
SHOWN = ("bootstrap", "registry_url", "namespace", "instance", "data_dir", "health_port")
"""The settings that whoever tries something against a sandbox needs."""
Say = Callable[[str], None]


class Wish(NamedTuple):
    """What somebody asks of a sandbox: `rate` in events a second, `seconds` until it ends or None for Ctrl-C.

    `wire` is how decisions are written.
    """

    rate: float
    seed: int
    mix: Mapping[str, int]
    policy: Path
    wire: Wire
    seconds: float | None


def mix_of(text: str) -> dict[str, int]:
    """How often each topic comes, from `orders=6,returns=1`. Raises `ValueError` that says what would be right."""
    mix: dict[str, int] = {}
    for part in text.split(","):
        topic, _, weight = part.strip().partition("=")
        if topic not in Shop.HAPPENINGS or not weight.isascii() or not weight.isdigit():
            allowed = f"TOPIC=NUMBER of {', '.join(Shop.HAPPENINGS)}"
            raise ValueError(f"found {part!r} in the mix; allowed is {allowed}, such as orders=6,returns=1")
        mix[topic] = int(weight)
    if not any(mix.values()):
        raise ValueError(f"found the mix {text!r}, by which nothing happens; one number must be above 0")
    return mix


def run(wish: Wish, say: Say, ready: Callable[[Mapping[str, str]], None]) -> None:
    """Start a sandbox, call `ready` with its settings once it works, and go on until its time is over or Ctrl-C.

    Raises `BrokerError` where a part cannot start or ends, and `PolicyFileError`.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:  # as by nohup
            signal.signal(number, signal.default_int_handler)  # as Ctrl-C: what was started is stopped in order
    try:
        _run(wish, say, ready)
    except KeyboardInterrupt:
        say("stopping")


def _run(wish: Wish, say: Say, ready: Callable[[Mapping[str, str]], None]) -> None:
    activation = policies.activation(wish.policy)
    settings = _serve(wish, say)
    say("topics and schemas")
    topics.create(settings, PARTITIONS, 1, activation)
    for standing in registration.register(settings):
        if not standing.well:
            raise runs.BrokerError(f"{standing.subject}: {standing.found}")
    shop = _open(wish)
    history = shop.history()
    say(f"the shop's history: {CUSTOMERS} customers, {len(history):,} events; SYNTHETIC, seed {wish.seed}")
    _publish(settings, history)
    say("worker")
    worker = parts.Worker(runs.own_run(), settings.health_port)
    worker.start()
    progressing.wait_until_idle(settings, lambda _: worker.check())
    ready({name: str(getattr(settings, name)) for name in SHOWN})
    _publish(settings, live(shop, wish, worker.check))


def _open(wish: Wish) -> Shop:
    policy, _ = policies.load(wish.policy)
    today = datetime.now(ZoneInfo(policy.time_zone)).date()
    return Shop(wish.seed, today, policy.time_zone, policy.currency)


def _serve(wish: Wish, say: Say) -> Settings:
    """Start broker and registry; the settings of all that follows."""
    folder = runs.own_run()
    say("broker and schema registry (the first time: 150 MB from Maven Central, or their images)")
    bootstrap, registry = parts.services(folder)
    (config := folder / "laurel.toml").touch()
    _adopt(
        {
            "bootstrap": bootstrap,
            "registry_url": registry,
            "decisions_wire": wish.wire,
            "namespace": "",
            "instance": "sandbox",
            "data_dir": str(folder / "tables"),
            "health_port": str(local.free_port()),
            "config": str(config),
        }
    )
    return Settings()


def _adopt(chosen: Mapping[str, str]) -> None:
    """From here on this process and those that it starts have these settings and no others, whatever was set outside."""
    for name in [name for name in os.environ if name.startswith("LAUREL_")]:
        del os.environ[name]
    os.environ |= as_variables(chosen)


def as_variables(settings: Mapping[str, str]) -> dict[str, str]:
    """Settings as the variables of an environment."""
    return {f"LAUREL_{name.upper()}": value for name, value in settings.items()}


def _publish(settings: Settings, events: Iterable[Event]) -> None:
    with publishing.preparing(settings) as prepare:
        publishing.publish(settings, publishing.parse(map(json.dumps, events), prepare), lambda _: None)


def live(shop: Shop, wish: Wish, look: Callable[[], None]) -> Iterator[Event]:
    """What happens in the shop, each event when it does, evenly; `look` is called about twice a second."""
    begun = looked = time.monotonic()
    count = 0
    while wish.seconds is None or time.monotonic() - begun < wish.seconds:
        if time.monotonic() - looked >= LOOK_S:
            looked = time.monotonic()
            look()
        due = begun + count / wish.rate if wish.rate else looked + LOOK_S
        if (early_s := due - time.monotonic()) > 0:
            time.sleep(min(early_s, LOOK_S))
        else:
            count += 1
            yield shop.happens(wish.mix, time.time_ns() // 1_000_000)
