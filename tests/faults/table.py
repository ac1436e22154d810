"""The faults, in one literal table: what is done, which metric moves, and which alert fires.

`deploy/runbooks/faults.md` is this table with what the last soak saw. A fault ends with everything running again.
"""

from __future__ import annotations

import json
import re
import time
from contextlib import contextmanager
from itertools import count, islice
from typing import TYPE_CHECKING

import yaml
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from schemas import events as e
from schemas.codec import encode
from schemas.directives import PROGRAMME, PolicyPublished
from schemas.partitions import partition_of
from schemas.topics import BY_NAME
from streams import policies
from streams.crash import EXIT_CODE
from tests.faults.arena import BUG, GAVE_UP, Arena, Fault
from tests.faults.events import Published, poison
from tests.faults.system import FULL, PARTITIONS, Worker

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

POINTS = ("before-produce", "before-commit", "after-commit")
SEEN_S = 4
"""What lasts so long, a scrape a second sees for certain."""
FROZEN_S = SEEN_S + 2
"""The same of what is frozen: a scrape of it fails a second later, and the alert waits for two more."""
SESSIONS = 2.5
"""Session time-outs after which others have taken a silent worker's partitions for certain."""
BURST_S = 25
"""Seconds of load that come at once: more than an alert on late decisions bears."""
POISON_S = 6
"""Seconds of load that are malformed at once: more than one in a hundred of five minutes with a burst in them."""


def kill(arena: Arena, victim: Worker) -> None:
    victim.kill()
    time.sleep(arena.random.choice((SEEN_S, 2 * SEEN_S)))
    victim.start()


def lose_disk(_: Arena, victim: Worker) -> None:
    victim.kill()
    victim.wipe()
    time.sleep(SEEN_S)
    victim.start()


def lose_disk_twice(arena: Arena, victim: Worker) -> None:
    """A restore that is itself killed: another start goes on from where it came."""
    victim.kill()
    victim.wipe()
    # Were the others up, they could have restored its partitions already.
    others = [worker for worker in arena.system.workers.values() if worker is not victim]
    for worker in others:
        worker.kill()
    crash_at(arena, victim, "during-restore", 1)
    time.sleep(SEEN_S)
    for worker in (victim, *others):
        worker.start()


def freeze(arena: Arena, victim: Worker) -> None:
    victim.freeze()
    time.sleep(arena.random.uniform(FROZEN_S, 2 * FROZEN_S))
    victim.thaw()


def freeze_all(arena: Arena, _: Worker) -> None:
    workers = list(arena.system.workers.values())
    for worker in workers:
        worker.freeze()
    time.sleep(arena.random.uniform(FROZEN_S, 2 * FROZEN_S))
    for worker in workers:
        worker.thaw()
        time.sleep(arena.random.random())


def freeze_inside(arena: Arena, victim: Worker) -> None:
    """The zombie: it sleeps in the middle of a transaction until another has its partitions, and then goes on."""
    victim.kill()
    mark, point = victim.mark(), arena.random.choice(POINTS)
    victim.start(HURT_FREEZE_AT=f"{point}:{arena.random.randint(1, 40)}")
    arena.system.wait(lambda: bool(victim.said("frozen", mark)), f"{victim.name} to come to its point")
    arena.points[f"frozen {point}"] += 1
    time.sleep(SESSIONS * session_s(arena))
    victim.thaw()


def crash_inside(arena: Arena, victim: Worker) -> None:
    victim.kill()
    crash_at(arena, victim, arena.random.choice(POINTS), arena.random.randint(1, 40))
    time.sleep(SEEN_S)
    victim.start()


def crash_at(arena: Arena, victim: Worker, point: str, times: int) -> None:
    victim.start(LAUREL_CRASH_AT=f"{point}:{times}")
    arena.system.wait(lambda: not victim.running, f"{victim.name} to come to its crash point")
    assert victim.process.returncode == EXIT_CODE, f"{victim.name} ended by itself\n{victim.tail()}"
    arena.points[point] += 1


def leave(_: Arena, victim: Worker) -> None:
    drain(victim)
    time.sleep(SEEN_S)
    victim.start()


def join(arena: Arena, _: Worker) -> None:
    """One more worker, on a disk of its own; it is scraped like the others, and then leaves."""
    newcomer = arena.system.worker("newcomer")
    arena.prometheus.scrape(arena.targets())
    newcomer.start()
    arena.system.await_running(newcomer)
    time.sleep(SEEN_S)
    drain(newcomer)
    time.sleep(SEEN_S)
    newcomer.wipe()
    arena.system.workers.pop(newcomer.name).stop()
    arena.prometheus.scrape(arena.targets())


def drain(worker: Worker) -> None:
    code = worker.terminate()
    assert code == 0, f"{worker.name} drained with the exit code {code}\n{worker.tail()}"


def kill_all(arena: Arena, _: Worker) -> None:
    for worker in arena.system.workers.values():
        worker.kill()
    time.sleep(SEEN_S)
    for worker in arena.system.workers.values():
        worker.start()


def forget_positions(arena: Arena, _: Worker) -> None:
    for worker in arena.system.workers.values():
        worker.kill()
    arena.system.forget_positions()
    for worker in arena.system.workers.values():
        worker.start()


def kill_leader(arena: Arena, _: Worker) -> None:
    down(arena, arena.system.leader("timeline", arena.random.randrange(PARTITIONS)))


def kill_coordinator(arena: Arena, _: Worker) -> None:
    down(arena, arena.system.coordinator(arena.random.choice(("intake", "customers"))))


def kill_controller(arena: Arena, _: Worker) -> None:
    down(arena, arena.controller())


def down(arena: Arena, node: int) -> None:
    """A node away for long enough to be missed by the others: killed, or stopped in order."""
    if arena.random.random() < 0.7:
        arena.cluster.kill(node)
    else:
        arena.cluster.shut_down(node)
    time.sleep(arena.random.choice((14, 20)))
    arena.cluster.restart(node)


def lose_quorum(arena: Arena, _: Worker) -> None:
    nodes = arena.random.sample(arena.cluster.nodes, 2)
    arena.cluster.kill(*nodes)
    time.sleep(70)
    arena.cluster.restart(*nodes)


def pause_broker(arena: Arena, victim: Worker) -> None:
    node = arena.random.choice(arena.cluster.nodes)
    lasts_s = arena.random.choice((5, 30))
    arena.cluster.pause(node)
    try:
        victim.kill()
        time.sleep(lasts_s)
        victim.start()
    finally:
        arena.cluster.resume(node)


def refuse(arena: Arena, _: Worker) -> None:
    """The broker takes only what is smaller than any event. Positions that went on without them would be found lost."""
    workers, oracle = arena.system.workers.values(), arena.system.oracle
    oracle.read()
    configure(arena, "timeline", {"max.message.bytes": "100"})
    try:
        arena.system.wait(
            lambda: any(worker.ready().get("state") == "transactions failing" for worker in workers),
            "a worker to say that its transactions fail",
        )
        time.sleep(SEEN_S)  # the limit holds at every broker by now
        taken = []
        for _ in range(2):
            oracle.read()
            # Ticks are small enough, and so are batches of nothing but dead letters.
            taken.append(sum(map(len, oracle.timeline.values())))
            time.sleep(SEEN_S)
        assert taken[0] == taken[1], "the timeline grew by events that the broker should have refused"
    finally:
        configure(arena, "timeline", {"max.message.bytes": BY_NAME["timeline"].config["max.message.bytes"]})


def poison_sources(arena: Arena, _: Worker) -> None:
    """So many records that are wrong in every way that they are more than one in a hundred of five minutes."""
    now, name = int(time.time() * 1000), f"p{time.monotonic_ns()}-"
    kinds = (record for n in count() for record in poison(f"{name}{n}", now))
    records = list(islice(kinds, POISON_S * arena.system.publisher.rate))
    arena.system.publisher.besides(records)
    time.sleep(SEEN_S)


def break_rule(arena: Arena, _: Worker) -> None:
    with broken(arena):
        time.sleep(2 * SEEN_S)


@contextmanager
def broken(arena: Arena) -> Iterator[None]:
    """A rule raises on one record, until somebody leaves it out in the words that the worker offers.

    Its partition is not the one that orders what concerns everybody.
    """
    names = (f"{BUG}{time.monotonic_ns()}" for _ in count())
    name = next(each for each in names if partition_of(each, PARTITIONS) != partition_of(PROGRAMME, PARTITIONS))
    event = e.CustomerRegistered(event_id=name, customer_id=name, occurred_at=1_700_000_000_000)
    arena.skipped.add(arena.publish_one(Published("interactions", name.encode(), encode(event), event)))
    told: list[str] = []

    def stopped() -> bool:
        reasons = (
            why for worker in arena.system.workers.values() for why in worker.ready().get("stopped", {}).values()
        )
        told[:] = [why for why in reasons if name in why]
        return bool(told)

    arena.system.wait(stopped, "a partition to stop")
    yield
    found = re.search(r"laurel skip (\d+) (\d+) --unit '(\w+)'", told[0])
    assert found, told
    done = arena.system.laurel("skip", found[1], found[2], "--unit", found[3], "--reason", "the soak broke it")
    assert done.returncode == 0, done.stderr


def fill_disk(arena: Arena, victim: Worker) -> None:
    """No file may grow beyond a limit: what RocksDB writes fails, and the worker ends aloud."""
    victim.kill()
    victim.turn_log()
    victim.start(FULL)
    arena.system.wait(lambda: not victim.running, f"{victim.name} to end on its full disk")
    assert victim.process.returncode == GAVE_UP, (
        f"{victim.name} ended with {victim.process.returncode}\n{victim.tail()}"
    )
    time.sleep(SEEN_S)
    victim.start()


def set_clock(arena: Arena, victim: Worker) -> None:
    victim.kill()
    victim.start(HURT_CLOCK_S=arena.random.choice((3600, -3600)))
    arena.system.wait(lambda: bool(victim.ready().get("ahead_of_broker_ms")), f"{victim.name} to see its clock")
    time.sleep(2 * SEEN_S)
    victim.kill()
    victim.start()


def compact(arena: Arena, victim: Worker) -> None:
    """The changelog is compacted while tables are restored from it."""
    eager = {"segment.ms": "1000", "min.cleanable.dirty.ratio": "0.001"}
    configure(arena, "customer-state", eager)
    try:
        time.sleep(SEEN_S)
        lose_disk(arena, victim)
        arena.system.await_progress()
    finally:
        # All three brokers would go on to clean the whole of it every second.
        configure(arena, "customer-state", dict.fromkeys(eager))


def burst(arena: Arena, _: Worker) -> None:
    """A hundred times the rate, until so many seconds' worth of events are out."""
    publisher = arena.system.publisher
    publisher.besides(islice(iter(publisher.history.next, None), int(publisher.rate * BURST_S)))


def repeat(arena: Arena, _: Worker) -> None:
    """The upstream systems publish again what they published."""
    publisher = arena.system.publisher
    publisher.besides(list(publisher.journal.copy().values())[-publisher.rate * BURST_S :])


def activate_policy(arena: Arena, _: Worker) -> None:
    """Another policy comes into force everywhere, but on a partition that stands still before it."""
    arena.versions += 1
    content = yaml.safe_load(policies.default_file().read_text())
    content["version"] = f"soak-{arena.versions}"
    for tier in content["tiers"]:
        tier["lifetime_value_minor"] += arena.versions
    about = {"author_id": "soak", "role": "administrator", "reason": "fault"}
    command = PolicyPublished(
        event_id=content["version"],
        occurred_at=int(time.time() * 1000),
        version=content["version"],
        document=json.dumps(content),
        **about,
    )
    with broken(arena):
        arena.publish_one(Published("operations", PROGRAMME.encode(), encode(command), command))
        arena.system.wait(lambda: in_force(arena, command.version), f"{command.version} on the timeline")
        time.sleep(2 * SEEN_S)


def in_force(arena: Arena, version: str) -> bool:
    """Whether every partition was told of a version; one that stands still has not heard it."""
    done = arena.system.laurel("policy", "history", "--json")
    told = (json.loads(line) for line in done.stdout.splitlines())
    return any((each["version"], each["partitions"]) == (version, PARTITIONS) for each in told)


def configure(arena: Arena, topic: str, values: Mapping[str, str | None]) -> None:
    """Change a topic's configuration while it is used; None is what the broker does by itself."""
    entries = [
        ConfigEntry(
            name, value, incremental_operation=AlterConfigOpType.DELETE if value is None else AlterConfigOpType.SET
        )
        for name, value in values.items()
    ]
    resource = ConfigResource(ResourceType.TOPIC, arena.system.settings.topic(topic), incremental_configs=entries)
    asking = AdminClient({"bootstrap.servers": arena.cluster.bootstrap, "log_level": 2})
    for future in asking.incremental_alter_configs([resource]).values():
        future.result()


def session_s(arena: Arena) -> float:
    return int(arena.system.environment["LAUREL_SESSION_TIMEOUT_MS"]) / 1000


UP = 'up{job="laurel"}'
AGAIN_S = 60
"""A broker that is back has to be found; and a lost disk is restored from the changelog, a lost position from the timeline,
at some ten thousand records a second beside the load: after half an hour each holds a million. Where all workers come at once,
a partition may come to one that has no copy of it, which is as with a lost disk."""
FAULTS = (
    Fault("kill", "`kill -9` of a worker, back some seconds later", UP, "WorkerDown", kill),
    Fault("lose-disk", "the same, and its disk is gone", "laurel_restored_rows_total", "WorkerDown", lose_disk, AGAIN_S),
    Fault("lose-disk-twice", "all down, a disk gone, and its restore is killed as well", UP, "WorkerDown", lose_disk_twice,
          AGAIN_S),
    Fault("freeze", "a worker stopped for 6 to 12 s, beyond its session", UP, "WorkerDown", freeze),
    Fault("freeze-all", "every worker stopped at once, for as long", UP, "WorkerDown", freeze_all, AGAIN_S),
    Fault("freeze-inside", "a worker stopped within a transaction, until others have its partitions", "laurel_rebalances_total",
          "WorkerDown", freeze_inside),
    Fault("crash-inside", "exit before produce, before commit, after commit before RocksDB", UP, "WorkerDown", crash_inside),
    Fault("leave", "SIGTERM under load, back some seconds later", "laurel_rebalances_total", "WorkerDown", leave),
    Fault("join", "one more worker comes, and leaves again", "laurel_rebalances_total", "WorkerDown", join),
    Fault("kill-all", "`kill -9` of all workers", UP, "WorkerDown", kill_all, AGAIN_S),
    Fault("forget-positions", "the groups' positions expire while all workers are down", UP, "WorkerDown", forget_positions,
          AGAIN_S),
    Fault("kill-leader", "the broker that leads a partition is killed, or stopped in order, for 14 or 20 s",
          "laurel_topic_partitions_underreplicated", "UnderReplicated", kill_leader, AGAIN_S),
    Fault("kill-coordinator", "the same for a group's coordinator", "laurel_topic_partitions_underreplicated", "UnderReplicated",
          kill_coordinator, AGAIN_S),
    Fault("kill-controller", "the same for the active controller", "laurel_topic_partitions_underreplicated", "UnderReplicated",
          kill_controller, AGAIN_S),
    Fault("lose-quorum", "two brokers of three killed, for 70 s", 'laurel_worker_state{state="transactions failing"}',
          "TransactionsFailing", lose_quorum, AGAIN_S),
    Fault("pause-broker", "a broker stopped for 5 or 30 s, a worker killed meanwhile", UP, "WorkerDown", pause_broker, AGAIN_S),
    Fault("refuse", "the timeline's message limit is lowered below any batch", "laurel_transactions_aborted_total",
          "TransactionsFailing", refuse),
    Fault("poison", "thousands of records that are wrong in every way", "laurel_dead_letters_total", "DeadLetters",
          poison_sources),
    Fault("break-rule", "a rule raises on one record, until `laurel skip`", 'laurel_partitions{state="stopped"}',
          "PartitionStopped", break_rule),
    Fault("fill-disk", "a worker's disk takes no more", UP, "WorkerDown", fill_disk),
    Fault("set-clock", "a worker's clock is an hour ahead or behind", "abs(laurel_clock_drift_seconds) > 5", "ClockDrift", set_clock),
    Fault("compact", "the changelog is compacted while a lost disk is restored from it", "laurel_restored_rows_total",
          "WorkerDown", compact, AGAIN_S),
    Fault("burst", "a hundred times the rate", "max(laurel_lag_seconds) > 5", "DecisionDelayHigh", burst),
    Fault("repeat", "what was published is published again",
          "sum(rate(laurel_records_without_effect_total[10s])) > sum(rate(laurel_decision_delay_seconds_count[10s])) / 4",
          "RepeatedEvents", repeat),
    Fault("activate-policy", "another policy comes into force, while a rule raises on one partition", "laurel_policy_delay_seconds_count",
          "PolicyVersionsDiffer", activate_policy),
)  # fmt: skip
BY_NAME_OF_FAULT = {fault.name: fault for fault in FAULTS}
