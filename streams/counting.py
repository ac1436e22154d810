"""What one agent has done, counted batch by batch once each is committed: nothing is counted that may not have happened.

One thread counts, the stage's; scrapes read copies. A batch costs a few passes in C over its records, whatever their
number.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING

from schemas.codec import decode, kind_of
from schemas.decisions import Quarantined
from schemas.events import PolicyActivated
from schemas.topics import TOPIC_OF
from streams.clock import now_ms
from streams.kafka import Place
from streams.metrics import BY_NAME, Key, Sample, Timing, nothing_timed
from streams.records import REASON, Outgoing, Record, place_of

if TYPE_CHECKING:
    from streams.batches import Folded

topic_of, decided_of = attrgetter("topic"), attrgetter("decided")
timestamp_of = attrgetter("timestamp")
QUARANTINED = TOPIC_OF[Quarantined]


class Counts:
    """One agent's counters and durations, and the timestamps of the records that it took last."""

    def __init__(self, agent: str) -> None:
        self.agent = agent
        self.taken_at: dict[Place, int] = {}
        """A timestamp per partition: what waits there is not older."""
        self._totals: Counter[tuple[str, Key]] = Counter()
        self._timings: dict[tuple[str, Key], Timing] = {}

    def samples(self) -> Iterator[Sample]:
        """Everything counted so far."""
        for (name, labels), value in (dict(self._totals) | dict(self._timings)).items():
            yield Sample(name, labels, value)

    def committed(self, folded: "Folded", began: float, ended: float) -> None:
        """A batch is committed, and settled; its records were in hand from `began` on, by the monotonic clock."""
        for name, key, number in self._records(folded):
            self._totals[name, key] += number
        self._time("laurel_batch_duration_seconds", (self.agent,), [ended - began])
        if self.agent == "intake" and folded.records:
            # The merge takes nothing that is earlier than what it leaves (D3).
            self.taken_at.update(dict.fromkeys(folded.offsets, folded.records[-1].timestamp))
        if self.agent == "customers":
            now, told = now_ms(), [record for record in folded.records if is_message(record)]
            # Nobody waits for a tick, which has no origin, nor for a message, which is as old as what it comes from.
            waited_for = [record for record in folded.records if not is_message(record)] if told else folded.records
            self.taken_at.update(zip(map(place_of, waited_for), map(timestamp_of, waited_for), strict=True))
            delays = [(now - record.timestamp) / 1000 for record in waited_for if record.headers]
            self._time("laurel_decision_delay_seconds", (), delays)
            self._time("laurel_policy_delay_seconds", (), [(now - since) / 1000 for since in activations(told)])

    def _records(self, folded: "Folded") -> Iterator[tuple[str, Key, int]]:
        agent, out = self.agent, Counter(map(topic_of, folded.outgoing))
        for topic, number in Counter(map(topic_of, folded.records)).items():
            yield "laurel_records_in_total", (agent, topic), number
        for topic, number in (out + Counter(map(topic_of, folded.markers.values()))).items():
            yield "laurel_records_out_total", (agent, topic), number
        if agent == "intake":
            # Each record that it takes is appended or buried; all else that it writes is ticks.
            yield "laurel_ticks_written_total", (), len(folded.outgoing) - len(folded.records)
            if buried := out["dead-letters"]:
                yield "laurel_records_dropped_total", (agent,), buried
                for reason, number in reasons(folded.outgoing).items():
                    yield "laurel_dead_letters_total", (reason,), number
            return
        for source, number in folded.without_effect.items():
            yield "laurel_records_without_effect_total", (source,), number
        for (kind, verdict), number in Counter(filter(None, map(decided_of, folded.outgoing))).items():
            if kind == Quarantined.__name__:
                yield "laurel_records_dropped_total", (agent,), number
                yield "laurel_quarantined_total", (verdict,), number
            else:
                yield "laurel_decisions_total", (kind, verdict), number

    def attempted(self, seconds: float) -> None:
        """A transaction was tried, and its outcome is known."""
        self._time("laurel_transaction_duration_seconds", (self.agent,), [seconds])

    def aborted(self, *, fenced: bool) -> None:
        """Nothing came of a transaction."""
        self._totals["laurel_transactions_aborted_total", (self.agent,)] += 1
        self._totals["laurel_fences_total", (self.agent, "own")] += fenced

    def failed(self, records: int) -> None:
        """The fold raised on so many records."""
        self._totals["laurel_records_failed_total", (self.agent,)] += records

    def _time(self, name: str, key: Key, seconds: Sequence[float]) -> None:
        bounds = BY_NAME[name].bounds
        before = self._timings.get((name, key)) or nothing_timed(BY_NAME[name])
        counts = list(before.counts)
        for place, number in placed(seconds, bounds):
            counts[place] += number
        self._timings[name, key] = Timing(tuple(counts), before.total + sum(seconds))


def is_message(record: Record) -> bool:
    """Whether a record of the timeline is what one subject told another; intake puts the origin first."""
    return bool(record.headers) and record.headers[0][1].startswith(b"messages/")


def activations(messages: Iterable[Record]) -> Iterator[int]:
    """From which instants on the policy versions hold that partitions are told of."""
    for message in messages:
        if kind_of(message.value) is PolicyActivated and isinstance(event := decode(message.value), PolicyActivated):
            yield event.effective_from


def placed(values: Iterable[float], bounds: Sequence[float]) -> Iterator[tuple[int, int]]:
    """How many values fall at or below each bound and above the one before; the last place is above all of them."""
    ordered, below = sorted(values), 0
    ends = [*(bisect_right(ordered, bound) for bound in bounds), len(ordered)]
    for place, end in enumerate(ends):
        if end > below:
            yield place, end - below
        below = end


def reasons(outgoing: Iterable[Outgoing]) -> Counter[str]:
    """Why records were put into the dead letters."""
    buried = (record for record in outgoing if record.topic == "dead-letters")
    return Counter(value.decode() for record in buried for name, value in record.headers if name == REASON)
