"""Personal text under a key of its person: whoever deletes the key erases the text, wherever it stands (D11, T-46).

Sealed bytes are, in this order: the format's version, the key's id, a nonce, and what AES-256-GCM made of the text, with
its tag. Whose text it is and what it is about are sealed in with it: moved to another person or field, it does not open.
"""

from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

FORMAT = b"\x01"
ID_BYTES, SECRET_BYTES, NONCE_BYTES, TAG_BYTES = 16, 32, 12, 16
HEAD_BYTES = len(FORMAT) + ID_BYTES
OVERHEAD_BYTES = HEAD_BYTES + NONCE_BYTES + TAG_BYTES
"""What sealed bytes are longer than the text."""


class Key(NamedTuple):
    """A key and whose it is: a person's, by their customer id, or a day's (`streams.keys`). Ids are never used again."""

    owner: str
    id: bytes
    secret: bytes

    def __repr__(self) -> str:
        """Whose it is and which: never the secret, for this ends in logs."""
        return f"Key({self.owner}/{self.id.hex()})"


def seal(plain: bytes, key: Key, about: str, nonce: bytes) -> bytes:
    """The bytes sealed under a key. No nonce may ever be used twice with one key: 12 random bytes are not."""
    head = FORMAT + key.id
    return head + nonce + AESGCM(key.secret).encrypt(nonce, plain, _bound(head, key, about))


def key_id(sealed: bytes) -> bytes | None:
    """The id of the key that opens it; None for what was not sealed here."""
    if len(sealed) < OVERHEAD_BYTES or not sealed.startswith(FORMAT):
        return None
    return sealed[len(FORMAT) : HEAD_BYTES]


def unseal(sealed: bytes, key: Key, about: str) -> bytes | None:
    """What was sealed; None where this key does not open it, or it is about something else, or was changed."""
    if key_id(sealed) != key.id:
        return None
    head, nonce, rest = sealed[:HEAD_BYTES], sealed[HEAD_BYTES:][:NONCE_BYTES], sealed[HEAD_BYTES + NONCE_BYTES :]
    try:
        return AESGCM(key.secret).decrypt(nonce, rest, _bound(head, key, about))
    except InvalidTag:
        return None


def _bound(head: bytes, key: Key, about: str) -> bytes:
    """What a text is bound to. Ids have no control characters (`schemas.fields`), so the parts cannot run together."""
    return head + key.owner.encode() + b"\0" + about.encode()
