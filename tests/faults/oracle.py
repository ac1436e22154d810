"""The oracle: a recount in plain Python of what laurel should hold and have said, from the journal alone.

It reads the topics read_committed with a consumer of its own and decodes records; it does not use the rules, the fold or
the engine. What it demands of each customer follows from the events in whatever order they came.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from schemas import events as e
from schemas.codec import decode
from schemas.decisions import ContactRouted, ReturnDecided
from schemas.profiles import CustomerProfile
from schemas.source import CustomerEvent
from streams.burying import dig_up
from streams.kafka import patiently, to_record
from streams.keys import Keyring
from streams.settings import Settings
from tests.faults.publisher import Place

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from tests.faults.events import Published

PPM = 1_000_000
SOME = 8
"""Fewer bytes may be anywhere by chance."""
DECISIONS = (
    "tier-changes", "return-decisions", "priority-routing", "at-risk-alerts", "notification-requests", "command-answers",
    "discrepancies", "rewards",
    "recovery",
    "fulfilment",
    "points",
)  # fmt: skip
SOURCES = ("orders", "returns", "interactions", "support", "operations", "redrives")


@dataclass
class Account:
    """An order as the journal tells it."""

    placed: e.OrderPlaced | None = None
    cancelled: bool = False
    refunds: dict[str, int] = field(default_factory=dict)

    def net_minor(self) -> int:
        """What is left of it: goods after discount, less refunds at the order's own rate, never below zero."""
        if self.placed is None or self.cancelled:
            return 0
        goods = sum(line.goods_minor - min(line.discount_minor, line.goods_minor) for line in self.placed.lines)
        added = rounded(goods * self.placed.rate_ppm)
        return max(0, added - rounded(sum(self.refunds.values()) * self.placed.rate_ppm))

    def counts(self) -> bool:
        """Whether it is an order at all."""
        return self.placed is not None and not self.cancelled


def rounded(millionths: int) -> int:
    """Whole minor units, a half rounded up."""
    return (millionths + PPM // 2) // PPM


@dataclass
class Expected:
    """What the journal amounts to."""

    customers: set[str] = field(default_factory=set)
    accounts: defaultdict[str, defaultdict[str, Account]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(Account))
    )
    returns: set[tuple[str, str, str]] = field(default_factory=set)
    cases: set[tuple[str, str]] = field(default_factory=set)
    families: dict[str, set[str]] = field(default_factory=dict)
    """Ids of one customer, by each of them; nobody is separated here."""

    def family(self, customer: str) -> set[str]:
        """All ids of a customer."""
        return self.families.get(customer, {customer})

    def host(self, customer: str) -> str:
        """The id that stays."""
        return min(self.family(customer))

    def take(self, event: Any) -> None:
        """Count an event. One that comes twice, or in another order, changes nothing."""
        if not isinstance(event, CustomerEvent):
            return  # for everybody, or of a reward; what comes of it is `laurel verify`'s to judge
        self.customers.add(event.customer_id)
        orders = self.accounts[event.customer_id]
        match event:
            case e.OrderPlaced():
                orders[event.order_id].placed = event
            case e.OrderCancelled():
                orders[event.order_id].cancelled = True
            case e.OrderRefunded():
                orders[event.order_id].refunds[event.refund_id] = event.goods_minor
            case e.ReturnRequested():
                self.returns.add((event.customer_id, event.order_id, event.return_id))
            case e.ContactOpened():
                self.cases.add((event.customer_id, event.case_id))
            case e.IdsLinked():
                self.customers.add(event.other_customer_id)
                both = self.family(event.customer_id) | self.family(event.other_customer_id)
                self.families |= dict.fromkeys(both, both)

    def totals(self, customer: str) -> tuple[int, int]:
        """Net lifetime value in minor units, and number of orders; nothing is left of an id that is another's."""
        ids = self.family(customer) if customer == self.host(customer) else ()
        orders = [order for each in ids for order in self.accounts[each].values()]
        return sum(order.net_minor() for order in orders), sum(order.counts() for order in orders)


class Oracle:
    """Follows timeline and dead letters while the system runs; judges everything at the end."""

    def __init__(self, bootstrap: str, namespace: str, partitions: int) -> None:
        self._bootstrap, self._namespace, self._partitions = bootstrap, namespace, partitions
        self._settings = Settings(bootstrap=bootstrap, namespace=namespace)
        self._keys = Keyring(self._settings)
        self._follower: Reader | None = None
        self.timeline: dict[str, list[Message]] = defaultdict(list)
        """Records of the timeline by their origin header."""
        self.dead: dict[str, list[Message]] = defaultdict(list)
        self.ticks: Counter[int] = Counter()
        self._asked, self._missing = 0, list[Place]()

    def close(self) -> None:
        """Let go of the broker."""
        self._keys.close()
        if self._follower is not None:
            self._follower.close()

    def read(self) -> None:
        """Take in what was committed to timeline and dead letters since the last time."""
        if self._follower is None:
            self._follower = self._reader("timeline", "dead-letters")
        for message in self._follower.read():
            origin = header(message, "origin")
            if origin is None:
                self.ticks[message.partition()] += 1
            else:
                into = self.timeline if message.topic().endswith("timeline") else self.dead
                into[origin.decode()].append(message)

    def missing(self, journal: Mapping[Place, Published]) -> list[Place]:
        """What was acknowledged and is nowhere yet."""
        places = list(journal)
        asked = [*self._missing, *places[self._asked :]]
        self._asked = len(places)
        self._missing = [place for place in asked if name(place) not in self.timeline and name(place) not in self.dead]
        return self._missing

    def unknown(self, journal: Mapping[Place, Published]) -> list[Place]:
        """What laurel took from a source and the journal does not know."""
        known = {name(place) for place in journal}
        taken = (origin.split("/") for origin in (self.timeline.keys() | self.dead.keys()) - known)
        return [(topic, int(partition), int(offset)) for topic, partition, offset in taken if topic in SOURCES]

    def last_offsets(self) -> dict[int, int]:
        """The last record of each partition of the timeline that came from a source."""
        last: dict[int, int] = {}
        for messages in self.timeline.values():
            for message in messages:
                last[message.partition()] = max(last.get(message.partition(), 0), message.offset())
        return last

    def violations(
        self,
        journal: Mapping[Place, Published],
        skipped: Collection[Place] = (),
        unanswered: Collection[tuple[str, str, str]] = (),
    ) -> list[str]:
        """Everything that is not as it must be.

        `skipped` are records that somebody left out on purpose, `unanswered` returns that must be quarantined.
        """
        self.read()
        expected = Expected()
        for place, published in journal.items():
            if published.reason is None and place not in skipped:
                expected.take(published.said)
        expected.returns -= set(unanswered)
        return [
            *self._origins(journal),
            *self._profiles(expected),
            *self._decisions(expected, len(unanswered)),
        ]

    def _origins(self, journal: Mapping[Place, Published]) -> Iterable[str]:
        yield from (f"nobody published {name(place)}" for place in self.unknown(journal))
        subjects: dict[bytes, int] = {}
        for place, published in journal.items():
            origin = name(place)
            good, bad = self.timeline.get(origin, []), self.dead.get(origin, [])
            if (len(good), len(bad)) != ((1, 0) if published.reason is None else (0, 1)):
                yield f"{origin} is {len(good)} times on the timeline and {len(bad)} times dead: {published.reason}"
                continue
            message = (good or bad)[0]
            stays = published.reason == "too_large"  # where the origin says
            key, value = (None, None) if stays else (published.key, published.value)
            letter = None if good else dig_up(to_record(message, self._settings.bare), self._keys.find)
            if ((letter.value if letter else message.value()) or None) != (value or None):
                yield f"{origin}: other bytes"
            if letter is not None:
                if (reason := (header(message, "reason") or b"").decode()) != published.reason:
                    yield f"{origin}: dead as {reason}, not as {published.reason}"
                if letter.key != key or not letter.detail:
                    yield f"{origin}: dead under {letter.key!r} with the detail {letter.detail!r}; {letter.lost}"
                if not stays and len(value or b"") > SOME and (value or b"") in message.value():
                    yield f"{origin}: dead in the open"
            elif message.key() != published.said.subject.encode():
                yield f"{origin}: on the timeline under {message.key()!r}"
            elif subjects.setdefault(message.key(), message.partition()) != message.partition():
                yield f"{message.key()!r} is on two partitions"
        yield from self._order()

    def _order(self) -> Iterable[str]:
        """Records of one source partition and one customer keep their order."""
        last: dict[tuple[str, bytes], tuple[int, int]] = {}
        standing = sorted((m.partition(), m.offset(), o, m.key()) for o, found in self.timeline.items() for m in found)
        for _, offset, origin, key in standing:
            place, _, number = origin.rpartition("/")
            before = last.get((place, key), (-1, -1))
            if int(number) < before[0]:
                yield f"{origin} stands at {offset}, behind {place}/{before[0]}"
            last[place, key] = (int(number), offset)

    def _profiles(self, expected: Expected) -> Iterable[str]:
        found: dict[str, CustomerProfile] = {}
        for message in self._all("customer-profiles"):
            found[(message.key() or b"").decode()] = decode(message.value())
        for customer in found.keys() - expected.customers:
            yield f"{customer} has a profile, but no event"
        for customer in expected.customers:
            profile, (value, orders) = found.get(customer), expected.totals(customer)
            if profile is None:
                yield f"{customer} has no profile"
            elif (profile.lifetime_value_minor, profile.orders) != (value, orders):
                yield f"{customer} has {profile.lifetime_value_minor} in {profile.orders} orders, not {value} in {orders}"
            elif (profile.linked_to or customer) != expected.host(customer):
                yield f"{customer} is linked to {profile.linked_to}, not to {expected.host(customer)}"

    def _decisions(self, expected: Expected, quarantined: int) -> Iterable[str]:
        ids: Counter[str] = Counter()
        numbers: defaultdict[str, list[int]] = defaultdict(list)
        returns: Counter[tuple[str, str, str]] = Counter()
        cases: Counter[tuple[str, str]] = Counter()
        for topic in DECISIONS:
            for message in self._all(topic):
                decision = decode(message.value())
                ids[decision.decision_id] += 1
                numbers[decision.customer_id].append(decision.sequence)
                first = getattr(decision, "supersedes", None) is None  # one that was decided anew is still one
                if isinstance(decision, ReturnDecided) and first:
                    returns[expected.host(decision.customer_id), decision.order_id, decision.return_id] += 1
                if isinstance(decision, ContactRouted) and first:
                    cases[expected.host(decision.customer_id), decision.case_id] += 1
        yield from (f"decision {decision} is there {count} times" for decision, count in ids.items() if count > 1)
        for customer, found in self._completed(numbers).items():
            if sorted(found) != list(range(1, len(found) + 1)):
                wanted, there = {*range(1, max(found) + 1)}, Counter(found)
                more = sorted(number for number in there if there[number] > (number in wanted))
                yield f"{customer} lacks the sequence numbers {sorted(wanted - there.keys())}, and has {more} too often"
        asked = {(expected.host(customer), *about) for customer, *about in expected.returns}
        opened = {(expected.host(customer), case) for customer, case in expected.cases}
        for what, wanted, counted in (("return", asked, returns), ("case", opened, cases)):
            for key in wanted | counted.keys():
                if counted[key] != (key in wanted):
                    yield f"{what} {key} was decided {counted[key]} times"
        if (found := len(list(self._all("quarantined")))) != quarantined:
            yield f"{found} records are quarantined, not {quarantined}"

    def _completed(self, numbers: Mapping[str, list[int]]) -> Mapping[str, list[int]]:
        """The numbers, and those that fill their holes once all topics are read again.

        Topics are read one after another, and timers go on: of decisions that were made meanwhile, the later one may have been
        seen, in a topic that was read later, and the earlier one not.
        """
        holes = {
            customer: absent for customer, found in numbers.items() if (absent := {*range(1, max(found))} - {*found})
        }
        for topic in DECISIONS if holes else ():
            for decision in (decode(message.value()) for message in self._all(topic)):
                if decision.sequence in holes.get(decision.customer_id, ()):
                    numbers[decision.customer_id].append(decision.sequence)
        return numbers

    def _all(self, topic: str) -> Iterable[Message]:
        reader = self._reader(topic)
        try:
            # A transaction's end is written to each partition in turn: what another topic shows already may be hidden in this one.
            yield from reader.read(hidden=True)
        finally:
            reader.close()

    def _reader(self, *topics: str) -> Reader:
        names = [self._namespace + topic for topic in topics]
        return Reader(self._bootstrap, [(topic, n) for topic in names for n in range(self._partitions)])


class Reader:
    """Reads partitions read_committed, again and again, each time up to their ends at that time."""

    def __init__(self, bootstrap: str, places: list[tuple[str, int]]) -> None:
        self._places = places
        self._reached = dict.fromkeys(places, -1)
        self._settings = {
            "bootstrap.servers": bootstrap,
            "group.id": "oracle",
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "error",
            "fetch.wait.max.ms": 10,
            "log_level": 2,
        }
        self._consumer = Consumer(self._settings)
        self._next = dict.fromkeys(places, 0)
        self._assign()

    def _assign(self) -> None:
        self._consumer.assign([TopicPartition(*place, offset) for place, offset in self._next.items()])

    def read(self, *, hidden: bool = False) -> Iterator[Message]:
        """What was committed since the last time; with `hidden` also what open transactions hide now, once they end."""
        ends = self._ends(hidden)
        while any(self._reached[place] < end for place, end in ends.items()):
            for message in self._consumer.consume(10_000, 0.05):
                place, error = (message.topic(), message.partition()), message.error()
                if error is None:
                    self._next[place] = message.offset() + 1
                    yield message
                elif error.code() == KafkaError._PARTITION_EOF:
                    self._reached[place] = message.offset()
                elif error.code() == KafkaError._AUTO_OFFSET_RESET:
                    # A broker that has just come back may refuse an offset that it has.
                    self._assign()
                    break

    def _ends(self, hidden: bool) -> dict[tuple[str, int], int]:
        """The offset after the last record of each partition."""
        asked = self._consumer if not hidden else Consumer(self._settings | {"isolation.level": "read_uncommitted"})
        try:
            return {
                place: patiently(f"the end of {place}", lambda place=place: _end(asked, place))
                for place in self._places
            }
        finally:
            if asked is not self._consumer:
                asked.close()

    def close(self) -> None:
        """Let go of the broker."""
        self._consumer.close()


def _end(consumer: Consumer, place: tuple[str, int]) -> int:
    """The offset after the last record that a consumer may see. Raises `KafkaException` where a leader is about to change."""
    return int(consumer.get_watermark_offsets(TopicPartition(*place), timeout=10)[1])


def name(place: Place) -> str:
    """A source record as origin headers name it."""
    return "/".join(map(str, place))


def header(message: Message, of: str) -> bytes | None:
    """The header of a name."""
    return next((value for key, value in message.headers() or () if key == of), None)
