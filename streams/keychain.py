"""The keys that are known, in memory: by id to open with, by owner to seal with (D11).

Owners are people, by their customer id, and days, `#2026-11-26`: no customer id opens with `#`. A person may have several
keys, for two publishers may each make the first one: all open, any seals, and erasure deletes all.
"""

import os
from datetime import UTC, datetime
from itertools import count

from schemas.sealing import ID_BYTES, NONCE_BYTES, SECRET_BYTES, Key
from streams.records import Outgoing

TOPIC = "keys"


class Keychain:
    """Keys as the records of the topic `keys` tell of them."""

    def __init__(self) -> None:
        self._of_id: dict[bytes, Key] = {}
        self._ids: dict[str, tuple[bytes, ...]] = {}
        self._days: set[str] = set()

    def take(self, key: bytes | None, value: bytes | None) -> bool:
        """Learn what a record says: here is a key, or there is it no more. Returns whether it says either."""
        try:
            owner, _, name = (key or b"").decode().rpartition("/")
            number = bytes.fromhex(name)
        except ValueError:
            return False
        if not owner or len(number) != ID_BYTES or (value is not None and len(value) != SECRET_BYTES):
            return False
        self._drop(owner, number)
        if value is not None:
            self.add(Key(owner, number, value))
        return True

    def add(self, key: Key) -> None:
        """There is this key."""
        self._of_id[key.id] = key
        self._ids[key.owner] = (*self._ids.get(key.owner, ()), key.id)
        if key.owner.startswith("#"):
            self._days.add(key.owner)

    def _drop(self, owner: str, number: bytes) -> None:
        left = tuple(each for each in self._ids.pop(owner, ()) if each != number)
        if left:
            self._ids[owner] = left
        else:
            self._days.discard(owner)
        self._of_id.pop(number, None)

    def find(self, number: bytes) -> Key | None:
        """The key of an id."""
        return self._of_id.get(number)

    def of(self, owner: str) -> Key | None:
        """A key to seal with; None for who has none."""
        ids = self._ids.get(owner)
        return self._of_id.get(ids[-1]) if ids else None

    def all_of(self, owner: str) -> list[Key]:
        """Every key of an owner, the oldest first."""
        return [self._of_id[number] for number in self._ids.get(owner, ())]

    def owners(self) -> int:
        """How many have keys: people and days."""
        return len(self._ids)

    def days(self) -> list[str]:
        """The days that have keys, as their owners are called; the earliest first."""
        return sorted(self._days)


class MemoryKeys:
    """Keys and nonces for an engine in memory, the same in every run: they end with it, and hide nothing."""

    def __init__(self) -> None:
        self.chain = Keychain()
        self._numbers = count(1)

    def key_of(self, person: str) -> Key:
        """A key to seal with, made where there is none: `schemas.publishing.KeyStore`."""
        found = self.chain.of(person)
        if found is None:
            number = next(self._numbers)
            found = Key(person, number.to_bytes(ID_BYTES), number.to_bytes(SECRET_BYTES))
            self.chain.add(found)
        return found

    def of(self, person: str) -> Key | None:
        """See `streams.burying.Seals.of`."""
        return self.chain.of(person)

    def today(self) -> Key:
        """See `Seals.today`: it is always the same day."""
        return self.key_of(day_of(0))

    def nonce(self) -> bytes:
        """See `Seals.nonce`."""
        return next(self._numbers).to_bytes(NONCE_BYTES)


def made(owner: str) -> Key:
    """A new key, which nothing may be sealed under before the topic has it."""
    return Key(owner, os.urandom(ID_BYTES), os.urandom(SECRET_BYTES))


def nonce() -> bytes:
    """A nonce that was never used."""
    return os.urandom(NONCE_BYTES)


def kept(key: Key) -> Outgoing:
    """The record that keeps a key."""
    return Outgoing(TOPIC, _name(key), key.secret, 0)


def deleted(key: Key) -> Outgoing:
    """The record that deletes a key."""
    return Outgoing(TOPIC, _name(key), None, 0)


def _name(key: Key) -> bytes:
    return f"{key.owner}/{key.id.hex()}".encode()


def day_of(at: int) -> str:
    """What the owner of the keys of a UTC day is called."""
    return f"#{datetime.fromtimestamp(at / 1000, UTC):%Y-%m-%d}"
