"""Malformed records without end, from a seed: whatever a broken producer, network or person may put into a source.

`tests.faults.judging` says which of them are malformed, and as what each must be named; a flipped bit may leave a
record good, and then it is none of ours.
"""

from __future__ import annotations

import gzip
import json
import time
from itertools import islice
from random import Random
from typing import TYPE_CHECKING, get_args

from schemas import codec
from schemas import events as e
from schemas.codec import encode, encode_fields, to_json
from schemas.examples import example
from schemas.messages import ToSubject
from schemas.topics import SOURCE_BYTES
from tests.faults.events import History, Published, poison
from tests.faults.judging import HEADER, MARKER, TOPICS, reason_of, schemas

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HOUR_MS = 3_600_000
GOOD = 400
"""Events that are damaged; enough for every type, and for lengths of every kind."""
ONE_IN = 2_500
"""How rarely a record is as large as its topic takes: these are a megabyte each."""
MARGIN = 600
"""What key, headers and batch need beside the largest value."""
NUMBERS = (
    b"\xff" * 9 + b"\x01", b"\xfe" + b"\xff" * 8 + b"\x01", b"\xff" * 9 + b"\x03", b"\x80" * 10 + b"\x00",
    b"\x80" * 10 + b"\x01", b"\x80" * 30 + b"\x01", b"\xff" * 60, b"\x01", b"\x03", b"\xff\xff\xff\xff\x0f", b"\x00",
    b"\xfe\xff\xff\xff\x0f", b"\xfe\xff\x03", b"\x82\x80\x00",
)  # fmt: skip
"""Lengths, counts and amounts: least and most of 64 and 32 bits, beyond both, negative, longer than they need to be."""
HEADER_NAMES = ("origin", "reason", "detail", "hops", "redriven-from", "at", "traceparent", "", "ключ", "x" * 300)


class Fuzzer:
    """Draws malformed records; the same from the same seed, but for the day."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.now = int(time.time() * 1000)
        history = History(seed, poison=False)
        self.good = [published.value or b"" for published in islice(iter(history.next, None), GOOD)]
        self.good += [encode(example(codec.BY_NAME[name])) for name in sorted(set().union(*TOPICS.values()))]
        self.wrong = poison("wrong", self.now)
        self.good += [encode(e.OrderPlaced(
            event_id="ü" * 150, customer_id="客" * 150, occurred_at=self.now, order_id="🛒" * 150, currency="EUR",
            lines=tuple(e.OrderLine(f"行{number}", 1, 10**14, 0, 10**12, 3) for number in range(20)),
        ))]  # fmt: skip

    def records(self) -> Iterator[Published]:
        """Malformed records: first every truncation of one event of each type, then whatever is drawn."""
        for topic, value in self._candidates():
            # What is as large as its topic takes has no room for dozens of headers.
            key, headers = self._key(), self._headers() if len(value or b"") < SOURCE_BYTES // 2 else ()
            reason = reason_of(topic, key, value, self.now - HOUR_MS)
            # Whether a date is too far ahead depends on when the record arrives: only what is far beyond is certain.
            if reason == "implausible_date":
                reason = reason_of(topic, key, value, self.now + HOUR_MS)
            if reason is not None:
                yield Published(topic, key, value, None, reason, headers)

    def _candidates(self) -> Iterator[tuple[str, bytes | None]]:
        ours = [encode(message) for message in self._messages()]
        each = {schemas()[value[2:HEADER]]["name"]: value for value in reversed(self.good + ours)}
        assert each.keys() == {schema["name"] for schema in schemas().values()}, "one event of each type"
        for value in each.values():
            for length in range(len(value)):
                yield self._topic(), value[:length]
        while True:
            kind = Fuzzer.huge if self.random.randrange(ONE_IN) == 0 else self.random.choice(KINDS)
            yield self._topic(), kind(self)

    def _topic(self) -> str:
        return self.random.choice([*TOPICS, "redrives"])

    def _key(self) -> bytes | None:
        kind = self.random.randrange(12)
        if kind == 0:
            return None
        if kind == 1:
            return b""
        if kind == 2:
            return self.random.randbytes(self.random.choice((1, 16, 300)))
        return f"k{self.random.randrange(1000)}".encode()

    def _headers(self) -> tuple[tuple[str, bytes | None], ...]:
        if self.random.randrange(8):
            return ()
        count = self.random.choice((1, 1, 2, 5, 40))
        values = (None, b"", b"orders/0/0", b"9", self.random.randbytes(30), b"\xff\xfe")
        return tuple((self.random.choice(HEADER_NAMES), self.random.choice(values)) for _ in range(count))

    def _one(self) -> bytes:
        return self.random.choice(self.good)

    def _mark(self) -> bytes:
        return MARKER + self.random.choice(list(schemas()))

    def _messages(self) -> tuple[e.Message, ...]:
        policy = e.PolicyActivated("a", "v", self.now, "{}")
        told = (example(kind) for kind in get_args(ToSubject))
        return e.ClockTicked(self.now, 0), policy, e.RulesChanged(9), e.WorkRemains(self.now), *told

    # Each of KINDS

    def noise(self) -> bytes:
        """Random bytes of many lengths, bare or behind what opens a record here and elsewhere."""
        opening = self.random.choice(
            (b"", b"", MARKER, self._mark(), self._mark(), b"\x00\x00\x00\x00\x01", b"Obj\x01")
        )
        return opening + self.random.randbytes(int(2 ** self.random.uniform(0, 10)))

    def truncated(self) -> bytes:
        """What a connection that broke leaves."""
        good = self._one()
        return good[: self.random.randrange(len(good))]

    def flipped(self) -> bytes:
        """One bit flipped, or several."""
        value = bytearray(self._one())
        for _ in range(self.random.choice((1, 1, 1, 2, 8))):
            value[self.random.randrange(len(value))] ^= 1 << self.random.randrange(8)
        return bytes(value)

    def spliced(self) -> bytes:
        """Bytes put in, taken out, doubled, or followed by another record's."""
        good, other = self._one(), self._one()
        at, to = sorted(self.random.randrange(len(good)) for _ in range(2))
        return self.random.choice((
            good[:at] + self.random.randbytes(self.random.randint(1, 5)) + good[at:], good[:at] + good[to:],
            good[:to] + good[at:], good + self.random.randbytes(self.random.randint(1, 9)), good + other,
            good[:at] + other[min(at, len(other)) :], good[:HEADER] + other[HEADER:], good[::-1],
        ))  # fmt: skip

    def numbered(self) -> bytes:
        """A number of an absurd size wherever one may be: lengths, counts of blocks, amounts."""
        good = self._one()
        at = self.random.randrange(HEADER, len(good))
        return good[:at] + self.random.choice(NUMBERS) + good[at + self.random.randint(0, 2) :]

    def nested(self) -> bytes:
        """Deep nesting, as each format nests: blocks in blocks, arrays in arrays, documents in documents."""
        depth = int(2 ** self.random.uniform(3, 14))
        block = self.random.choice((b"\x02", b"\x01\x02", b"\x01\xfe\xff\x03", b"[", b'{"a":', b"\x91", b"\xa1a"))
        return self.random.choice((b"", self._mark(), self._one()[:-1])) + block * depth

    def many_blocks(self) -> bytes:
        """A list in blocks whose counts promise more than comes, are negative, or never end; some are good."""
        kind, line = self.random.choice(
            ((e.OrderPlaced, b"\x04l0\x02\x02\x00\x00\x00"), (e.ReturnRequested, b"\x04l0\x02"))
        )
        ids = {"event_id": "e", "customer_id": "c", "order_id": "o", "return_id": "q"}
        opening = encode_fields(kind, ids | {"occurred_at": self.now, "currency": "EUR", "lines": []})[:-1]
        count = self.random.choice((b"\x01", b"\x02", b"\x01\x00", b"\x01\x12", b"\x03\x10", *NUMBERS))
        end = self.random.choice((b"", b"\x00", b"\x00", b"\x00\x00"))
        return opening + (count + line) * self.random.randint(1, 60) + end

    def implausible(self) -> bytes | None:
        """Well-formed, and wrong in what it says."""
        return self.random.choice(self.wrong).value

    def far_away(self) -> bytes:
        """Any field at or beyond its bounds."""
        line = {
            "line_id": "l",
            "quantity": 1,
            "goods_minor": 1,
            "discount_minor": 0,
            "tax_minor": 0,
            "shipping_minor": 0,
        }
        amounts = (-(2**63), -1, 0, 10**15, 10**15 + 1, 2**63 - 1)
        texts = (
            "",
            "#",
            "#0",
            "a\x00",
            "\x1f",
            "x" * 200,
            "x" * 201,
            "\u202e",
            "a\n",
            "\ufeff",
            "ü" * 201,
            "eur",
            "XXX",
        )
        name = self.random.choice(list(line))
        line[name] = self.random.choice(texts if name == "line_id" else amounts)
        fields = {"event_id": "e", "customer_id": "c", "order_id": "o", "currency": "EUR"}
        fields[self.random.choice(list(fields))] = self.random.choice(texts)
        times = (self.now, 0, -1, self.now // 1000, self.now * 1000, 2**62, self.now + 30 * HOUR_MS)
        dates = {"occurred_at": self.random.choice(times), "rate_ppm": self.random.choice((1, 0, -1, 10**13))}
        return encode_fields(e.OrderPlaced, fields | dates | {"lines": [line] * self.random.choice((0, 1, 1, 3))})

    def misplaced(self) -> bytes:
        """A good record, on whatever topic; also what only laurel itself says."""
        return self.random.choice((self._one(), encode(self.random.choice(self._messages()))))

    def foreign(self) -> bytes:
        """Other formats: JSON, compressed, text, Avro without header, Confluent's, in another order of bytes."""
        good = self._one()
        said = json.dumps(to_json(e.ClockTicked(self.now, 0))).encode()
        return self.random.choice((
            said, json.dumps({"type": "OrderPlaced"}).encode("utf-16"), gzip.compress(good, mtime=0), good[HEADER:],
            b"\x00\x00\x00\x00\x07" + good[HEADER:], good[1::-1] + good[2:], MARKER + good[9:1:-1] + good[HEADER:],
            MARKER + good, good.hex().encode(), b"null", b"0", b"<?xml version='1.0'?>", b"\xef\xbb\xbf" + good, b"%",
        ))  # fmt: skip

    def nothing(self) -> bytes | None:
        """No bytes, or too few of them."""
        return self.random.choice((None, b"", b"\x00", b"\xc3", MARKER, MARKER + bytes(7), MARKER + bytes(8)))

    def huge(self) -> bytes:
        """As large as a source takes: noise, one string, or a number that goes on and on."""
        size = SOURCE_BYTES - MARGIN - 300 - self.random.randrange(1000)
        length = b"\xf8\xff\x7f"  # of a string of 1,048,572 bytes, more than there are
        return self.random.choice((
            b"\xff" * size, self._mark() + b"\x80" * (size - HEADER), self._mark() + length + b"x" * (size - 13),
            self._mark() + b"\x04e1\x04c1" + b"\x02" * (size - 16), b"[" * size, b"\x00" * size,
            encode(e.OrderCancelled(
                event_id="e", customer_id="c", occurred_at=self.now, order_id="ü" * ((size - 40) // 2))),
        ))  # fmt: skip


KINDS: tuple[Callable[[Fuzzer], bytes | None], ...] = (
    Fuzzer.noise, Fuzzer.truncated, Fuzzer.flipped, Fuzzer.spliced, Fuzzer.numbered, Fuzzer.nested, Fuzzer.many_blocks,
    Fuzzer.implausible, Fuzzer.far_away, Fuzzer.misplaced, Fuzzer.foreign, Fuzzer.nothing,
)  # fmt: skip
