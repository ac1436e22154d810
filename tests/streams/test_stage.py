"""One agent's loop: what must not end it, and what must (D1, D12)."""

import asyncio
import math
import socket
from time import monotonic
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from streams import reading
from streams.batches import HANGING_LOOKS, STANDING_LOOKS, Batch, BatchTopic, Folded, Stage, run
from streams.engine import Engine
from streams.health import Health
from streams.held import Claim
from streams.records import Record
from streams.settings import Settings
from streams.transactions import AbortedError

NOWHERE = Settings(bootstrap="127.0.0.1:1")
PLACE = ("timeline", 0)


class Failing:
    """Work that fails in the way a test says."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def fold(self, _: Any) -> Folded | None:
        raise self.error

    def reconsider(self, _: Any) -> Any:
        raise self.error

    def crowded(self) -> set[Any]:
        return set()

    def holding(self) -> set[Any]:
        return set()

    def release(self, _: Any) -> None: ...


def stage(error: Exception) -> Stage:
    return Stage(NOWHERE, "customers", ["timeline"], Failing(error), lambda: False)  # type: ignore[arg-type]


def test_a_broker_that_is_away_ends_nobody_for_the_sake_of_a_stopped_partition() -> None:
    made = stage(KafkaException(KafkaError(KafkaError._TRANSPORT)))
    made.membership.claims[PLACE] = Claim(math.inf, stopped="a bug")
    assert made.next().records == []
    assert made.membership.stopped == {PLACE: "a bug"}


def test_a_call_that_is_under_way_at_each_of_many_looks_hangs_and_calls_that_follow_one_another_do_not() -> None:
    made = stage(OSError())
    made.next()
    for _ in range(2 * HANGING_LOOKS):
        with made.membership.calls:
            assert not made.hangs()
    with made.membership.calls:
        assert [made.hangs() for _ in range(HANGING_LOOKS + 2)] == [False] * (HANGING_LOOKS + 1) + [True]
    with made.membership.calls:
        assert not made.hangs()


def test_a_stage_hangs_that_takes_no_turn_long_after_its_group_has_given_it_up_but_not_one_that_waits_to_begin() -> (
    None
):
    made = stage(OSError())
    made.membership.poll = lambda *_: []  # type: ignore[method-assign]
    assert not any(made.hangs() for _ in range(2 * STANDING_LOOKS))
    with made._transactions.calls:
        assert [made.hangs() for _ in range(HANGING_LOOKS + 2)] == [False] * (HANGING_LOOKS + 1) + [True]
    for _ in range(STANDING_LOOKS):
        made.next()
        assert not made.hangs()
    assert [made.hangs() for _ in range(STANDING_LOOKS + 1)] == [False] * STANDING_LOOKS + [True]


def test_what_a_batch_raises_reaches_whoever_waits_for_it() -> None:
    """Faust only logs what an agent raises, and starts it again without the batch."""

    async def agent(topic: BatchTopic) -> None:
        batch: Batch = await topic.queue.get()
        with pytest.raises(OSError, match="disk"):
            await batch.fold()

    class Queue:
        queue: asyncio.Queue[Batch] = asyncio.Queue()

        async def put(self, batch: Batch) -> None:
            await self.queue.put(batch)

    made = stage(OSError("disk"))
    made.open = lambda: None  # type: ignore[method-assign]

    async def both() -> None:
        await asyncio.gather(run(made, Queue()), agent(Queue()))  # type: ignore[arg-type]

    with pytest.raises(OSError, match="disk"):
        asyncio.run(both())


OUTDATED = KafkaError.ILLEGAL_GENERATION


@pytest.mark.parametrize(
    ("code", "clean", "generations", "refusals", "sent"),
    [
        pytest.param(OUTDATED, True, "788", 1, "78", id="the group has moved on"),
        pytest.param(OUTDATED, True, "777", 1, "7", id="it has not, or the client does not know"),
        pytest.param(OUTDATED, True, "7899", 2, "78", id="and again, but that is another one's doing"),
        pytest.param(OUTDATED, False, "788", 1, "7", id="something may have happened"),
        pytest.param(KafkaError.UNKNOWN_MEMBER_ID, True, "788", 1, "7", id="it is no member any more"),
    ],
)
def test_a_batch_that_was_refused_for_the_groups_generation_alone_is_offered_again_as_it_is(
    code: int, clean: bool, generations: str, refusals: int, sent: str
) -> None:
    made = stage(OSError())
    told, offered, restarted, settled = iter(generations), [], [], []

    def commit(_outgoing: Any, _markers: Any, _offsets: Any, metadata: str) -> dict[int, int]:
        offered.append(metadata)
        if len(offered) <= refusals:
            raise AbortedError(KafkaError(code), clean=clean)
        return {}

    made.membership.metadata = lambda: next(told)  # type: ignore[method-assign]
    made.membership.restart = restarted.append  # type: ignore[method-assign]
    made._transactions.commit = commit  # type: ignore[method-assign]
    made.commit(Folded(offsets={PLACE: 1}, settle=settled.append), 0.0, 0.0)
    assert "".join(offered) == sent
    committed = len(offered) > refusals
    assert (settled, restarted) == (([{}], []) if committed else ([], [[]]))
    aborted = [sample.value for sample in made.counts.samples() if sample.name == "laurel_transactions_aborted_total"]
    assert aborted == [len(offered) - committed]


def test_a_stage_asks_for_as_many_records_as_it_can_fold_soon() -> None:
    made = stage(OSError())
    asked: list[int] = []
    made.membership.poll = lambda limit, _: asked.append(limit) or []  # type: ignore[method-assign, func-returns-value]
    made._transactions.commit = lambda *_: {}  # type: ignore[method-assign]
    made.next()
    now = monotonic()
    records = [Record(*PLACE, number, 0, None, None) for number in range(1_000)]
    made.commit(Folded(records, offsets={PLACE: 1}), now - 10, now)
    made.next()
    assert asked == [NOWHERE.batch_size, 100]


def test_reading_from_a_broker_that_went_away_ends_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "EMPTY_LOOKS", 3)
    with pytest.raises(KafkaException, match="no word of timeline/0"):
        list(reading.read(NOWHERE, {PLACE: 0}))


def test_a_worker_does_not_start_without_its_own_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        Health(lambda: (True, "running", {})).serve("127.0.0.1", taken.getsockname()[1])


def test_before_a_stage_that_stands_still_ends_the_worker_it_is_said_at_what_each_thread_was(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    engine, made = Engine(NOWHERE, lambda *_: []), stage(OSError())
    engine.stages["customers"] = made
    monkeypatch.setattr(made, "hangs", lambda: True)

    def die(error: BaseException | None) -> None:
        raise error or OSError()

    monkeypatch.setattr(engine, "die", die)
    with pytest.raises(TimeoutError, match="the agent customers stands still"):
        asyncio.run(engine._keep_saying())
    said = capfd.readouterr().err
    assert "most recent call first" in said
    assert "_keep_saying" in said
