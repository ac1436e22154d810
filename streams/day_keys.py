"""Keys of the day, for dead letters of unknown people: made ahead, and deleted after thirty days, by every worker (D11)."""

from collections.abc import Callable
from typing import NamedTuple

import structlog
from confluent_kafka import KafkaException

from schemas.sealing import Key
from streams.clock import DAY_MS, now_ms
from streams.kafka import TIMEOUT_S, patiently
from streams.keychain import day_of, deleted, nonce
from streams.keys import Keyring
from streams.settings import Settings
from streams.watch import Watch

log = structlog.get_logger()
DAYS_KEPT = 30
LOOK_S = 1.0
AHEAD_MS = 3_600_000
"""A day's key is made so long before the day: a broker that is away at midnight is no matter."""


class Owners(NamedTuple):
    """How many people and days have keys."""

    people: int
    days: int


class DayKeys:
    """The keys that intake seals dead letters with: `streams.burying.Seals`. Follows the topic in a thread of its own.

    `broker_ms` is the broker's clock, None while that is not known: one that is wrong would delete what must stay.
    """

    def __init__(self, settings: Settings, broker_ms: Callable[[], int | None]) -> None:
        self._ring = Keyring(settings)
        self._broker_ms = broker_ms
        self._today: Key | None = None
        self._owners = Owners(0, 0)
        self._watch = Watch("keys", self._look, LOOK_S, TIMEOUT_S)

    def start(self, give_up: Callable[[], bool]) -> None:
        """Read all keys, see that today has one, and go on following; waits for a broker that is away."""
        patiently("the topic keys", self.renew, give_up)
        self._watch.start(LOOK_S)

    def stop(self) -> None:
        """Follow no more."""
        self._watch.stop()
        self._ring.close()

    def of(self, person: str) -> Key | None:
        """See `Seals.of`. A day is no person, whatever a record's key says."""
        return None if person.startswith("#") else self._ring.chain.of(person)

    def owners(self) -> Owners:
        """How many have keys, as of the last look."""
        return self._owners

    def today(self) -> Key:
        """See `Seals.today`."""
        if self._today is None:
            raise RuntimeError("asked for a key before there was one")
        return self._today

    @staticmethod
    def nonce() -> bytes:
        """See `Seals.nonce`."""
        return nonce()

    def _look(self) -> None:
        try:
            self.renew()
        except KafkaException as error:
            log.warning("keys_postponed", because=error.args[0].str())

    def renew(self) -> None:
        """Follow the topic, see that today and soon tomorrow has a key, and delete those of days long past."""
        self._ring.refresh()
        chain, known = self._ring.chain, self._broker_ms()
        now = now_ms() if known is None else known
        self._today = chain.of(day_of(now)) or self._ring.make(day_of(now))
        if not chain.of(ahead := day_of(now + AHEAD_MS)):
            self._ring.make(ahead)
        days = chain.days()
        self._owners = Owners(chain.owners() - len(days), len(days))
        if known is not None:
            oldest = day_of(known - DAYS_KEPT * DAY_MS)
            past = [key for day in days if day < oldest for key in chain.all_of(day)]
            if past:
                self._ring.write(map(deleted, past))
                log.info("day_keys_deleted", keys=len(past), before=oldest)
