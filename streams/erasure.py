"""Erasing a person's texts: deleting every key that they are sealed under, on record (D11, T-46).

Ids are pseudonymous and stay, and so does everything that is counted: the fold never opened a text, so a replay gives the
same bytes.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import uuid4

from confluent_kafka import Producer

from schemas.codec import decode, encode
from schemas.commands import PersonalTextErased
from schemas.events import IdsLinked, IdsUnlinked
from schemas.sealing import Key, key_id
from schemas.topics import TOPICS
from streams.burying import person_of
from streams.clock import now_ms
from streams.dead_letters import DeadLetter, dead_letter
from streams.kafka import TIMEOUT_S, transactional
from streams.keychain import deleted
from streams.keys import Keyring
from streams.reading import read_all
from streams.records import Outgoing, Record
from streams.settings import Settings
from streams.transactions import send

SEARCHED = tuple(topic.name for topic in TOPICS if topic.writer not in {"keyholders", "workers"})


@dataclass
class Survey:
    """What there is of a person's texts."""

    person: str
    keys: list[Key]
    sealed: Counter[str] = field(default_factory=Counter)
    """By topic, records with something that is sealed under their keys."""
    letters: list[DeadLetter] = field(default_factory=list)
    """Their dead letters, under whatever key: the original of each is on its source."""
    by_day: dict[Key, int] = field(default_factory=dict)
    """Keys of days that some of these are sealed under, and how many dead letters of others each seals too."""
    linked: set[str] = field(default_factory=set)
    """Other ids that are linked to this one: each has keys of its own."""

    @property
    def nobody(self) -> bool:
        """Whether there is nothing to erase."""
        return not self.keys and not self.letters


def survey(settings: Settings, keys: Keyring, person: str, advance: Callable[[int], None]) -> Survey:
    """Look through every topic for what is sealed under the person's keys, and for what else is to be told of them."""
    keys.refresh()
    found = Survey(person, keys.chain.all_of(person))
    ids, name, links = [key.id for key in found.keys], person.encode(), dict[str, tuple[int, bool]]()
    days: dict[Key, list[bool]] = {}
    for topic in SEARCHED:
        for record in read_all(settings, topic):
            advance(1)
            value = record.value or b""
            found.sealed[topic] += any(each in value for each in ids)
            if topic == "dead-letters":
                _look_at_letter(record, keys, found, days)
            elif topic == "timeline" and name in value:
                _look_for_links(value, person, links)
    found.by_day = {key: theirs.count(False) for key, theirs in days.items() if any(theirs)}
    found.linked = {other for other, (_, linked) in links.items() if linked}
    return found


def _look_at_letter(record: Record, keys: Keyring, found: Survey, days: dict[Key, list[bool]]) -> None:
    letter = dead_letter(record, keys.find)
    person = letter.person or person_of(letter.record.key, letter.record.value)  # older ones do not tell whose they are
    theirs = record.key == found.person.encode() or person == found.person
    if theirs:
        found.letters.append(letter)
    key = keys.find(key_id(record.value or b"") or b"")
    if key is not None and key.owner.startswith("#"):
        days.setdefault(key, []).append(theirs)


def _look_for_links(value: bytes, person: str, links: dict[str, tuple[int, bool]]) -> None:
    event = decode(value)
    if isinstance(event, IdsLinked | IdsUnlinked) and person in {event.customer_id, event.other_customer_id}:
        other = event.other_customer_id if event.customer_id == person else event.customer_id
        said = (event.occurred_at, isinstance(event, IdsLinked))
        links[other] = max(links.get(other, said), said)


def erase(settings: Settings, found: Survey, *, by: str, role: str, reason: str, days: bool) -> list[Key]:
    """Delete the keys and put it on record, all or nothing; returns the keys that were deleted.

    With `days` also those of the days that the person's dead letters are sealed under. Raises `KafkaException`.
    """
    with Keyring(settings) as keys:
        keys.refresh()  # one may have been made since the survey
        gone = [*keys.chain.all_of(found.person), *(found.by_day if days else ())]
    at = now_ms()
    audit = PersonalTextErased(
        event_id=f"erasure-{uuid4()}", customer_id=found.person, occurred_at=at, author_id=by, role=role, reason=reason
    )
    producer = Producer(transactional(settings, settings.transactional_id("erase")))
    producer.init_transactions(TIMEOUT_S)
    producer.begin_transaction()
    for record in (Outgoing("operations", found.person.encode(), encode(audit), None, at), *map(deleted, gone)):
        send(producer, record, settings.topic(record.topic))
    producer.commit_transaction(TIMEOUT_S)
    return gone
