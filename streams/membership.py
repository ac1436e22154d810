"""A worker's part of a consumer group: partitions are worked on only after they were prepared (D2).

The group assigns cooperatively. A new partition is paused at once and prepared in another thread, so those that stay
go on working; when it is ready, `poll` moves it to its start and resumes it. The same preparation, always from what the
broker says and never from memory, follows every failure.

Rebalance callbacks run inside `poll`, so one thread polls, folds and commits: callbacks then fall between batches.
"""

import math
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from time import monotonic
from typing import TYPE_CHECKING

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from streams import fetching
from streams.fetching import Patience
from streams.held import Claim, Seat, StopPartitionError, SupersededError
from streams.kafka import Calls, Place, joining, place_of, to_record
from streams.records import Record
from streams.settings import Settings

if TYPE_CHECKING:
    from streams.batches import Work

log = structlog.get_logger()
AGAIN_S = 1.0
LOOK_S = 1.0
STOPPED_AGAIN_S = 5.0
SUPERSEDED = (KafkaError.FENCED_INSTANCE_ID, KafkaError._FATAL)  # noqa: SLF001 - the client's name for it
"""A consumer has no other fatal error than that its group.instance.id is another's now."""


class Membership:
    """The partitions that this worker holds, and the one way records come in. Places are of bare topic names."""

    def __init__(self, settings: Settings, agent: str, topics: list[str], work: "Work") -> None:
        self._settings = settings
        self._bare_name = cache(settings.bare)
        self._agent = agent
        self._consumer = self._client()
        self.calls = Calls()
        self._topics = topics
        self._work = work
        self._threads = ThreadPoolExecutor(4, thread_name_prefix=f"{agent}-prepare")
        self.claims: dict[Place, Claim] = {}
        self.at_end: dict[Place, int] = {}
        """Partitions that had nothing more to give when they were last read, and the offset that they ended at."""
        self.seat = Seat()
        self.rebalances = 0
        self._held_back: set[Place] = set()
        self.ends: Mapping[Place, int] = {}
        """Ends of partitions as another thread's client was told them; of those of which nobody answered there is none."""
        self.patience = Patience()
        self._insisted_s = 0.0
        self._asked_s: float | None = None
        """When the group was last asked for partitions; None once it has answered."""

    def _client(self) -> Consumer:
        return Consumer(joining(self._settings, self._agent))

    def metadata(self) -> bytes | None:
        """The group's metadata to commit with, as of now."""
        with self.calls:
            return self.seat.metadata(self._consumer.consumer_group_metadata())

    def join(self) -> None:
        """Become a member; partitions come in a later `poll`."""
        self._asked_s = self.patience.now_s
        self._consumer.subscribe(
            [self._settings.topic(topic) for topic in self._topics],
            on_assign=self._on_assign,
            on_revoke=self._on_revoke,
            on_lost=self._on_revoke,
        )

    def leave(self) -> None:
        """Give everything back, at once rather than after the session's time-out."""
        self._consumer.close()
        self._drop(list(self.claims))
        self._threads.shutdown()

    def poll(self, limit: int, timeout: float) -> list[Record]:
        """Up to `limit` records of partitions that are ready, in the order of each; waits `timeout` s for the first."""
        self.patience.go_on()
        with self.calls:
            self._start_prepared()
            self._insist_on_an_answer()
            # poll, then consume what is there: consume alone waits out its time-out when fewer than the limit come.
            first = self._consumer.poll(0.02 if self.preparing else timeout)
            messages = [] if first is None else [first, *(self._consumer.consume(limit - 1, 0) if limit > 1 else ())]
            self.patience.all_is_heard = len(messages) < limit
        records: list[Record] = []
        lost: list[Place] = []
        for message in messages:
            if (error := message.error()) is None:
                record = to_record(message, self._bare_name)
                place = record.topic, record.partition
                self.at_end.pop(place, None)
                # A rebalance inside this poll may have taken the partition after its records were fetched.
                if (claim := self.claims.get(place)) and claim.working:
                    claim.heard_s = self.patience.now_s
                    records.append(record)
            elif (refused := self._refused(message, error)) and refused not in lost:
                lost.append(refused)
        if self.patience.all_is_heard:
            self._insist_on_records()
        if lost:
            # The next record is not where it should be: preparing finds out whether it is gone.
            self.restart(lost)
            records = [record for record in records if record.place not in lost]
        return records

    def _insist_on_records(self) -> None:
        """Give the client anew, and prepare, the partitions that have more and of which it has given nothing for long."""
        # Soon after it was polled dry, so that hardly a rebalance awaits the answer that this would be taken for; where one
        # does, `Seat` keeps what may be another's by then from being committed.
        if (now := self.patience.now_s) - self._insisted_s < LOOK_S:
            return
        self._insisted_s = now
        silenced = self._work.holding() | self._held_back
        silent: list[Place] = []
        for place, claim in self.claims.items():
            end = self.ends.get(place)
            if end is None or place in silenced or self.at_end.get(place, -1) >= end:
                claim.heard_s = now  # it has nothing to say, or is not to: what comes next has all the time
            elif claim.working and self.patience.is_over(claim.heard_s, fetching.SILENT_S):
                silent.append(place)
        if silent:
            named = [f"{topic}/{partition}" for topic, partition in silent]
            log.warning("partitions_handed_over_anew", agent=self._agent, partitions=named)
            self.patience.lost += len(silent)
            fetching.take_again(self._consumer, [self._full(place) for place in silent])
            for place in silent:
                self._claim_again(place)

    def _insist_on_an_answer(self) -> None:
        """Ask the group with a new client, where the one that we have has heard nothing for long.

        Seen once in hundreds of brokers that were away (librdkafka 5560 and KAFKA-20938 are of this kind).
        """
        # It may have to wait for a member that is gone, and that is the client before this one, if it was replaced.
        limit_s = max(fetching.SILENT_S, 3 * self._settings.session_timeout_ms / 1000)
        if self._asked_s is None or self.claims or not self.patience.is_over(self._asked_s, limit_s):
            return
        log.warning("joining_anew", agent=self._agent, because=f"no answer of the group in {limit_s:.0f} s")
        self.patience.lost += 1
        self._consumer = self._client()
        self.join()

    def _refused(self, message: Message, error: KafkaError) -> Place | None:
        """Take note of what the client says in a message's place; the partition, where its position was refused."""
        if error.code() in SUPERSEDED:
            name = self._settings.instance
            raise SupersededError(
                f"another worker was started as LAUREL_INSTANCE={name} and has this one's place in the group of "
                f"{self._agent}: give each worker a name of its own, or leave this one ended if it was replaced "
                f"({error.str()})"
            )
        if message.topic() is None:
            # Not of a partition but of the group: no right to it, no coordinator. The client goes on trying.
            log.warning("group_unavailable", agent=self._agent, because=error.str())
            return None
        place = place_of(message, self._settings)
        if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - the client's name for it
            self.at_end[place] = message.offset() or 0
            if claim := self.claims.get(place):
                claim.heard_s = self.patience.now_s
            return None
        said = {"agent": self._agent, "topic": place[0], "partition": place[1], "because": error.str()}
        if error.code() == KafkaError._AUTO_OFFSET_RESET:  # noqa: SLF001 - likewise
            if (claim := self.claims.get(place)) and claim.working:
                log.warning("position_refused", **said)
                return place
        elif not error.retriable():
            log.warning("fetch_failed", **said)
        return None

    @property
    def working(self) -> list[Place]:
        """Partitions that are prepared and not stopped."""
        return [place for place, claim in self.claims.copy().items() if claim.working]

    @property
    def preparing(self) -> list[Place]:
        """Partitions that are not ready yet."""
        return [place for place, claim in self.claims.copy().items() if not claim.working and claim.stopped is None]

    @property
    def stopped(self) -> dict[Place, str]:
        """Partitions that somebody must look at, with the reason."""
        return {place: claim.stopped for place, claim in self.claims.copy().items() if claim.stopped is not None}

    def restart(self, places: list[Place]) -> None:
        """Prepare partitions anew from what the broker says."""
        for place in places:
            self._pause(place)
            self._claim_again(place)

    def stop(self, place: Place, reason: str, again_s: float = math.inf) -> None:
        """Stop one partition; the others go on. It is tried again after `again_s` seconds, or by `restart`."""
        claim = self.claims.get(place)
        if claim is None:
            return
        if claim.stopped != reason:
            log.error("partition_stopped", agent=self._agent, topic=place[0], partition=place[1], because=reason)
        self._pause(place)
        self._claim_again(place, again_s, reason)

    def hold_back(self, crowded: set[Place]) -> None:
        """Fetch no more from these partitions, and from those held back before again."""
        for place in crowded - self._held_back:
            self._pause(place)
        for place in self._held_back - crowded:
            if (claim := self.claims.get(place)) and claim.working:
                self._consumer.resume([self._full(place)])
        self._held_back = crowded

    def _full(self, place: Place, offset: int | None = None) -> TopicPartition:
        name = self._settings.topic(place[0])
        return TopicPartition(name, place[1]) if offset is None else TopicPartition(name, place[1], offset)

    def _bare(self, partitions: list[TopicPartition]) -> list[Place]:
        return [(self._settings.bare(partition.topic), partition.partition) for partition in partitions]

    def _pause(self, place: Place) -> None:
        self._consumer.pause([self._full(place)])

    def _claim(self, place: Place, after_s: float = 0.0, stopped: str | None = None) -> None:
        self.at_end.pop(place, None)
        self.claims[place] = Claim(monotonic() + after_s, stopped)

    def _claim_again(self, place: Place, after_s: float = 0.0, stopped: str | None = None) -> None:
        self._drop([place])
        self._claim(place, after_s, stopped)

    def _drop(self, places: list[Place]) -> None:
        for place in places:
            if claim := self.claims.get(place):
                claim.give_up()  # all of them first: one may wait for what another does
        for place in places:
            if claim := self.claims.pop(place, None):
                claim.await_thread()
                self._held_back.discard(place)
                self._work.release(place)

    def _start_prepared(self) -> None:
        for place, claim in list(self.claims.items()):
            if claim.working or monotonic() < claim.not_before:
                continue
            if claim.start is None:
                claim.start = self._threads.submit(self._work.prepare, place, claim.cancel.is_set)
            if not claim.start.done():
                continue
            error = claim.start.exception()
            if isinstance(error, StopPartitionError):
                # What is missing may come: from whoever restores a topic, or a broker that was still reading its log.
                self.stop(place, str(error), STOPPED_AGAIN_S)
            elif isinstance(error, KafkaException):
                log.warning(
                    "preparing_again", agent=self._agent, topic=place[0], partition=place[1], because=str(error)
                )
                self._claim_again(place, AGAIN_S, claim.stopped)
            elif error is not None:
                raise error
            else:
                self._start(place, claim, claim.start.result())

    def _start(self, place: Place, claim: Claim, start: int) -> None:
        at = self._full(place, start)
        fetching.move_to(self._consumer, at)
        self.at_end.pop(place, None)
        self._work.begin(place, start)
        self._consumer.resume([at])
        if claim.stopped is not None:
            log.info("partition_goes_on", agent=self._agent, topic=place[0], partition=place[1])
        claim.working, claim.stopped, claim.heard_s = True, None, self.patience.now_s

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self.rebalances += 1
        self._asked_s = None
        if self.seat.take(consumer.consumer_group_metadata()):
            # Given to it under another id, which can be a static member's only: they may have been another's meanwhile.
            self.restart(list(self.claims))
        if partitions:
            fetching.take(consumer, partitions)
        for place in self._bare(partitions):
            self._claim(place)
        log.info("assigned", agent=self._agent, new=len(partitions), partitions=len(self.claims))

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self.rebalances += 1
        self._asked_s = self.patience.now_s
        self._drop(self._bare(partitions))
        log.info("revoked", agent=self._agent, given_up=len(partitions), partitions=len(self.claims))
        consumer.incremental_unassign(partitions)
