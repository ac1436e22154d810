"""Giving a command as a console does: published on its topic, and its answer waited for."""

import time
import uuid

from schemas.codec import decode
from schemas.commands import Command
from schemas.decisions import CommandAnswered
from schemas.topics import TOPIC_OF
from streams.kafka import admin, partitions_of
from streams.publishing import publish, record_of
from streams.reading import bounds, read
from streams.settings import Settings


def new_id() -> str:
    """An id that nobody else has, of a publication or of what it is about."""
    return str(uuid.uuid4())


def ask(settings: Settings, command: Command, wait_s: float) -> tuple[int, CommandAnswered]:
    """Publish a command and wait for its answer; returns its partition too: that of whom the customer is known as now (D6).

    Raises `TimeoutError` when none came: the command is on its topic all the same, and will be answered.
    """
    topic = settings.topic(TOPIC_OF[CommandAnswered])
    count = partitions_of(admin(settings), topic)
    if not count:
        raise TimeoutError(f"{topic} is not at {settings.bootstrap}; laurel topics create")
    places = [(topic, partition) for partition in range(count)]
    starts = {place: end for place, (_, end) in bounds(settings, places).items()}
    publish(settings, [record_of(command)], lambda _: None)
    end = time.monotonic() + wait_s
    for records in read(settings, starts, lambda: time.monotonic() > end, dict.fromkeys(places, 1 << 62)):
        for each in records:
            said = decode(each.value)
            if isinstance(said, CommandAnswered) and said.event_id == command.event_id:
                return each.partition, said
    raise TimeoutError(
        f"no answer to {command.event_id} within {wait_s:g} s; it is published, and laurel status shows what waits"
    )
