"""Whether the broker answers, and whether its copies of laurel's topics are whole: asked beside the work.

Clients go on while one broker of three is down, so nothing that counts work tells of it; until the second is.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

import structlog
from confluent_kafka import KafkaException

from schemas.topics import TOPICS
from streams.kafka import admin
from streams.settings import Settings
from streams.watch import Watch

log = structlog.get_logger()
LOOK_S = 5.0
ANSWER_S = 5.0
"""So long is waited for an answer."""
END_S = 1.0
"""So long a look is waited for at the end: a worker has little time to end."""


class Copies(NamedTuple):
    """Partitions of laurel's topics that lack a copy in sync, and of these the ones that nobody leads."""

    underreplicated: int
    leaderless: int


def copies(partitions: Iterable[Any]) -> Copies:
    """How whole some partitions are, by their metadata, for which the client exports no type."""
    lacking = [p for p in partitions if p.leader < 0 or len(p.isrs) < len(p.replicas)]
    return Copies(len(lacking), sum(p.leader < 0 for p in lacking))


class Replicas:
    """Looks again and again, in a thread of its own, from before the broker was ever there."""

    def __init__(self, settings: Settings) -> None:
        self._asking = admin(settings)
        self._ours = {settings.topic(topic.name) for topic in TOPICS}
        self._watch = Watch("replicas", self.look, LOOK_S, END_S)
        self.answers: bool | None = None
        """Whether the last question was answered; None before the first."""
        self.copies: Copies | None = None
        """As of the last question; None while there is no answer: what was true before may not be any more."""

    def start(self) -> None:
        """Look at once, and go on until `stop`."""
        self._watch.start()

    def stop(self) -> None:
        """Stop looking."""
        self._watch.stop()

    def look(self) -> None:
        """Ask once."""
        try:
            topics = self._asking.list_topics(timeout=ANSWER_S).topics
        except KafkaException as error:
            log.debug("broker_silent", because=str(error))
            self.answers, self.copies = False, None
        else:
            ours = [topics[name] for name in self._ours & topics.keys()]
            self.answers = True
            self.copies = copies(partition for topic in ours for partition in topic.partitions.values())
