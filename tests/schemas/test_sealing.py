"""What is sealed opens with its key, for its person and its place, and in no other way (D11)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.sealing import OVERHEAD_BYTES, Key, key_id, seal, unseal

KEY = Key("c-4711", bytes(range(16)), bytes(range(32)))
NONCE = bytes(range(12))
TEXT = "Möchte abends angerufen werden".encode()


@given(st.binary(max_size=300), st.text(max_size=20), st.binary(min_size=12, max_size=12))
def test_what_is_sealed_opens_and_is_as_long_as_is_said(plain: bytes, about: str, nonce: bytes) -> None:
    about = about.encode(errors="ignore").decode()
    sealed = seal(plain, KEY, about, nonce)
    assert unseal(sealed, KEY, about) == plain
    assert key_id(sealed) == KEY.id
    assert len(sealed) == len(plain) + OVERHEAD_BYTES


def test_the_format_never_changes() -> None:
    """What stands on the timeline is for ever: the bytes as OpenSSL's own AES-256-GCM makes them."""
    assert seal(b"text", KEY, "NoteAdded.note_sealed", NONCE).hex() == (
        "01" "000102030405060708090a0b0c0d0e0f" "000102030405060708090a0b" "3367ae6fb0508c8d7dadf1e8a921bbd37ca95050"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("key", "about"),
    [
        (KEY._replace(owner="c-4712"), "NoteAdded.note_sealed"),
        (KEY._replace(secret=bytes(32)), "NoteAdded.note_sealed"),
        (KEY._replace(id=bytes(16)), "NoteAdded.note_sealed"),
        (KEY, "TagsChanged.note_sealed"),
        (KEY._replace(owner="c-4711\0NoteAdded"), ".note_sealed"),
    ],
    ids=["person", "secret", "id", "place", "parts"],
)
def test_it_opens_for_nobody_and_nothing_else(key: Key, about: str) -> None:
    assert unseal(seal(TEXT, KEY, "NoteAdded.note_sealed", NONCE), key, about) is None


def test_no_byte_of_it_can_be_changed_or_left_out() -> None:
    sealed = seal(TEXT, KEY, "x", NONCE)
    for at in range(len(sealed)):
        assert unseal(sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :], KEY, "x") is None
        assert unseal(sealed[:at], KEY, "x") is None
    assert unseal(sealed + b"\0", KEY, "x") is None


@given(st.binary(max_size=100))
def test_whatever_else_the_bytes_are_they_stop_nobody(data: bytes) -> None:
    assert unseal(data, KEY, "x") is None
    assert key_id(data) is None or len(data) >= OVERHEAD_BYTES


def test_a_key_shows_whose_it_is_and_never_its_secret() -> None:
    for shown in (repr(KEY), str(KEY), f"{KEY}"):
        assert "c-4711" in shown
        assert KEY.secret.hex() not in shown
        assert repr(KEY.secret) not in shown
