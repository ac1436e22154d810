"""Is everything here that laurel needs: broker, rights, topics, retention, the broker's settings, registry, disk, clock."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from confluent_kafka import KafkaException, Message, Producer, TopicCollection
from confluent_kafka.admin import (  # type: ignore[attr-defined] # re-exported without saying so
    AclOperation,
    ConfigResource,
    ResourceType,
)

from schemas.topics import BY_NAME, SOURCES, TOPICS
from streams import framing, topics
from streams.clock import DAY_MS, now_ms
from streams.kafka import TIMEOUT_S, admin, client
from streams.presence import drift
from streams.settings import Settings

Verdict = Literal["ok", "weak", "wrong", "unknown"]
NEEDED = (AclOperation.DESCRIBE, AclOperation.READ, AclOperation.WRITE)
LEAST_FREE_BYTES = 1 << 30
LEAST_COPIES = 3
WEEK_MINUTES = 7 * 24 * 60
TOMBSTONES = "delete.retention.ms"


class Finding(NamedTuple):
    """One line: what was looked at, how it is, what was found, and what to do where that is not well.

    `weak` works, and is not what production should stand on; `unknown` could not be asked.
    """

    about: str
    verdict: Verdict
    found: str
    do: str = ""


class _Patient(NamedTuple):
    """What the checks look at."""

    settings: Settings
    cluster: str
    brokers: tuple[int, ...]
    copies: dict[str, int]
    """By the full name of each topic of ours that is there."""


def examine(settings: Settings) -> Iterator[Finding]:
    """Every finding, the broker's first; without a broker only what this machine can tell."""
    patient = None
    try:
        found = admin(settings).list_topics(timeout=TIMEOUT_S)
    except KafkaException as error:
        do = "is it up, and is LAUREL_BOOTSTRAP right? settings for TLS and SASL go into LAUREL_KAFKA__*"
        yield Finding("broker", "wrong", f"{settings.bootstrap}: {error.args[0].str()}", do)
    else:
        names = {settings.topic(topic.name) for topic in TOPICS}
        copies = {
            name: min((len(each.replicas) for each in topic.partitions.values()), default=0)
            for name, topic in found.topics.items()
            if name in names
        }
        patient = _Patient(settings, str(found.cluster_id), tuple(sorted(found.brokers)), copies)
        yield Finding("broker", "ok", f"cluster {patient.cluster} with {len(patient.brokers)} brokers")
    if patient is not None:
        for check in (_topics, _retention, _copies, _rights, _broker_settings, _clock):
            yield from _asked(check, patient)
    if settings.registry_url:
        yield _registry(settings)
    yield from _disk(settings)


def _asked(check: Callable[[_Patient], Iterator[Finding]], patient: _Patient) -> Iterator[Finding]:
    """What a check finds; a broker's refusal is a finding too."""
    about = check.__name__.strip("_").replace("_", " ")
    try:
        yield from check(patient)
    except KafkaException as error:
        yield Finding(about, "unknown", error.args[0].str(), "may laurel's user ask for it?")


def _topics(patient: _Patient) -> Iterator[Finding]:
    wrong = list(topics.check(patient.settings))
    for topic, what in wrong:
        yield Finding(f"topic {topic}", "wrong", what, "laurel topics create, or kafka-configs --alter")
    if not wrong:
        yield Finding("topics", "ok", f"all {len(TOPICS)} are as laurel needs them")


def _retention(patient: _Patient) -> Iterator[Finding]:
    """What no topic's own configuration tells: how long laurel may stand still, and a local copy may be away (D8)."""
    settings = patient.settings
    found = topics.configured(settings, [each for each in TOPICS if settings.topic(each.name) in patient.copies])
    kept = {name: int(config["retention.ms"]) for name, config in found.items() if name in (*SOURCES, "dead-letters")}
    short = {name: ms for name, ms in kept.items() if 0 <= ms < int(BY_NAME["customer-state"].config[TOMBSTONES])}
    for name, ms in short.items():
        do = f"kafka-configs --alter --add-config retention.ms=-1 --topic {settings.topic(name)}"
        yield Finding(f"retention of {name}", "weak", f"records go after {ms / DAY_MS:.1f} days, taken or not", do)
    tombstones_ms = int(found.get("customer-state", {}).get(TOMBSTONES, 0))
    may_ms = tombstones_ms // 2
    if tombstones_ms and settings.max_copy_age_s * 1000 > may_ms:
        do = f"LAUREL_MAX_COPY_AGE_S must be at most {may_ms // 1000}, half of {TOMBSTONES}"
        yield Finding("retention", "wrong", f"local copies may be {settings.max_copy_age_s:g} s old", do)
    elif found and not short:
        said = f"sources and dead letters stay {_days(kept)}, tombstones {tombstones_ms / DAY_MS:.0f} days"
        yield Finding("retention", "ok", said)


def _days(kept: dict[str, int]) -> str:
    least = min((ms for ms in kept.values() if ms >= 0), default=None)
    return "for ever" if least is None else f"{least / DAY_MS:.0f} days or more"


def _copies(patient: _Patient) -> Iterator[Finding]:
    least = min(patient.copies.values(), default=0)
    if not patient.copies:
        return
    if least < LEAST_COPIES:
        few = [name for name, copies in patient.copies.items() if copies == least]
        do = "kafka-reassign-partitions; new ones: laurel topics create --replicas 3, with min.insync.replicas=2"
        yield Finding("copies", "weak", f"{len(few)} topics have {least}, as {few[0]}: one lost disk loses them", do)
    else:
        yield Finding("copies", "ok", f"{least} or more of each partition")


def _rights(patient: _Patient) -> Iterator[Finding]:
    asking = admin(patient.settings)
    futures = asking.describe_topics(TopicCollection(list(patient.copies)), include_authorized_operations=True)
    lacking = []
    for name, future in futures.items():
        allowed = future.result().authorized_operations
        if missing := [each.name for each in NEEDED if allowed is not None and each not in allowed]:
            lacking.append(f"{name}: {', '.join(missing)}")
    if lacking:
        do = (
            "kafka-acls --add for laurel's user, on topics, on groups and transactional ids with the namespace's prefix"
        )
        yield Finding("rights", "wrong", f"lacking on {'; '.join(lacking[:5])}", do)
    else:
        yield Finding("rights", "ok", f"to describe, read and write {len(futures)} topics")


def _broker_settings(patient: _Patient) -> Iterator[Finding]:
    settings = patient.settings
    needs: tuple[tuple[str, Callable[[int], bool], str], ...] = (
        (
            "offsets.retention.minutes",
            lambda found: found >= WEEK_MINUTES,
            "a week or more: lost positions are looked for in the whole timeline",
        ),
        (
            "transaction.max.timeout.ms",
            lambda found: found >= settings.transaction_timeout_ms,
            f"at least LAUREL_TRANSACTION_TIMEOUT_MS, {settings.transaction_timeout_ms}",
        ),
        (
            "group.min.session.timeout.ms",
            lambda found: found <= settings.session_timeout_ms,
            f"at most LAUREL_SESSION_TIMEOUT_MS, {settings.session_timeout_ms}",
        ),
        (
            "group.max.session.timeout.ms",
            lambda found: found >= settings.session_timeout_ms,
            f"at least LAUREL_SESSION_TIMEOUT_MS, {settings.session_timeout_ms}",
        ),
    )
    asking = admin(settings)
    resources = [ConfigResource(ResourceType.BROKER, str(broker)) for broker in patient.brokers]
    futures = asking.describe_configs(resources)
    wrong = False
    for resource, future in futures.items():
        values = future.result()
        for name, holds, right in needs:
            if name in values and not holds(int(values[name].value)):
                wrong = True
                do = f"it must be {right}"
                yield Finding(f"broker {resource.name}", "wrong", f"{name} is {values[name].value}", do)
    if not wrong:
        yield Finding("broker settings", "ok", ", ".join(name for name, _, _ in needs))


def _clock(patient: _Patient) -> Iterator[Finding]:
    """The broker's stamp on a record says what time it is there; one without a value is nobody's entry."""
    settings = patient.settings
    if settings.topic("workers") not in patient.copies:
        return
    producer, stamps, asked = Producer(client(settings, "doctor")), list[int](), now_ms()

    def delivered(error: object, message: Message) -> None:
        if error is None:
            stamps.append(message.timestamp()[1])

    producer.produce(settings.topic("workers"), None, f"doctor-{os.getpid()}".encode(), on_delivery=delivered)
    producer.flush(TIMEOUT_S)
    if not stamps:
        yield Finding("clock", "unknown", "the broker took no record", "see the lines above")
        return
    ahead_s, limit_s = drift(asked, stamps[0], now_ms()) / 1000, settings.max_clock_drift_s
    if abs(ahead_s) > limit_s:
        do = f"set this machine's clock, or the broker's: beyond {limit_s:g} s a worker writes no ticks"
        yield Finding("clock", "wrong", f"{ahead_s:+.1f} s from the broker's", do)
    else:
        yield Finding("clock", "ok", f"{ahead_s:+.1f} s from the broker's")


def _registry(settings: Settings) -> Finding:
    """Intake needs what is registered by upstream; whoever imitates it, or writes decisions so, laurel's own contracts too."""
    try:
        missing = framing.missing(settings)
    except framing.RegistryError as error:
        do = "is it up, and is LAUREL_REGISTRY_URL right? records in Confluent's wire format wait for it"
        return Finding("registry", "wrong", str(error), do)
    if missing:
        verdict: Verdict = "wrong" if settings.decisions_wire == "confluent" else "weak"
        return Finding(
            "registry", verdict, f"it lacks {len(missing)} contracts, as {missing[0]}", "laurel schemas register"
        )
    return Finding("registry", "ok", f"{settings.registry_url} has every contract as it is here")


def _disk(settings: Settings) -> Iterator[Finding]:
    folder = settings.data_dir.absolute()
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if not (there.is_dir() and os.access(there, os.W_OK | os.X_OK)):
        yield Finding("disk", "wrong", f"{there} cannot be written to", "give LAUREL_DATA_DIR to the worker's user")
        return
    free, tables = shutil.disk_usage(there).free, _size(folder)
    # A restore writes tables anew before the old ones are gone, and compaction needs as much again.
    least = max(LEAST_FREE_BYTES, 2 * tables)
    found = f"{free >> 20:,} MB free at {there}, tables have {tables >> 20:,} MB"
    if free < least:
        yield Finding("disk", "weak", found, f"make room: {least >> 20:,} MB should be free")
    else:
        yield Finding("disk", "ok", found)


def _size(folder: Path) -> int:
    """Bytes of all files below; a worker may remove some meanwhile."""
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.stat(os.path.join(path, name)).st_size  # noqa: PTH116, PTH118 - as os.walk gives it
            except FileNotFoundError:
                continue
    return total
