"""What a scrape reads from the parts of a worker: each says how it is now, from what it has in memory."""

from collections import Counter
from collections.abc import Container, Iterator

from streams.backlog import Backlog
from streams.batches import Stage
from streams.clock import now_ms
from streams.customers import CustomersWork, Figures
from streams.day_keys import DayKeys
from streams.metrics import Sample
from streams.presence import Presence
from streams.replicas import Replicas


def of_stage(stage: Stage) -> Iterator[Sample]:
    """What an agent counted, and its partitions."""
    yield from stage.counts.samples()
    membership = stage.membership
    yield Sample("laurel_rebalances_total", (stage.name,), membership.rebalances)
    yield Sample("laurel_silences_total", (stage.name,), membership.patience.lost)
    states = {"working": membership.working, "preparing": membership.preparing, "stopped": membership.stopped}
    for state, places in states.items():
        yield Sample("laurel_partitions", (stage.name, state), len(places))


def of_customers(work: CustomersWork, held: Container[int]) -> Iterator[Sample]:
    """The tables: what they hold, what is left to do, and how far those are that are being restored.

    `held` are the partitions that the worker has, stopped ones among them: those are what somebody looks for.
    """
    for partition, figures in work.figures.copy().items():
        if partition not in held:
            continue
        label = (str(partition),)
        yield Sample("laurel_table_rows", label, figures.size.rows)
        yield Sample("laurel_table_bytes", label, figures.size.size_bytes)
        yield Sample("laurel_timers_due", label, figures.timers_due)
        yield Sample("laurel_deferred_work", label, figures.deferred)
        for outcome, number in figures.kept.at_risk().items():
            yield Sample("laurel_at_risk_episodes", (*label, outcome), number)
        for outcome, number in figures.kept.win_backs().items():
            yield Sample("laurel_win_backs", (*label, outcome), number)
        yield from _of_returns_and_rewards(figures, label)
        if figures.policy is not None:
            yield Sample("laurel_policy_info", (figures.policy,), 1)
    yield Sample("laurel_restored_rows_total", (), work.restored.total())
    for partition, progress in work.restoring.copy().items():
        yield Sample("laurel_restore_done_rows", (str(partition),), progress.done)
        yield Sample("laurel_restore_todo_rows", (str(partition),), progress.to_do)
    for partition, behind in (work.warm.behind.copy() if work.warm else {}).items():
        yield Sample("laurel_warm_copy_behind_records", (str(partition),), behind)


def _of_returns_and_rewards(figures: Figures, label: tuple[str]) -> Iterator[Sample]:
    """How they went in a partition, by tier and by reward."""
    for returned in figures.kept.returns:
        for what, number in returned.counts().items():
            yield Sample("laurel_returns_total", (*label, returned.tier, what), number)
        yield Sample("laurel_return_verdict_seconds_total", (*label, returned.tier), returned.taken_ms / 1000)
    for reward in figures.rewards:
        for what, number in reward.counts().items():
            yield Sample("laurel_rewards_total", (*label, reward.reward_id, what), number)
        yield Sample("laurel_reward_cost_minor_total", (*label, reward.reward_id), reward.cost_minor)


def of_backlog(backlog: Backlog) -> Iterator[Sample]:
    """What waits, by agent and topic."""
    now, offsets, seconds = now_ms(), Counter[tuple[str, str]](), dict[tuple[str, str], float]()
    for waiting in backlog.waiting:
        key = waiting.agent, waiting.topic
        offsets[key] += waiting.offsets
        age_s = max(0, now - waiting.since) / 1000 if waiting.offsets else 0.0
        seconds[key] = max(seconds.get(key, 0.0), age_s)
    for key in offsets:
        yield Sample("laurel_lag_records", key, offsets[key])
        yield Sample("laurel_lag_seconds", key, seconds[key])


def of_replicas(replicas: Replicas) -> Iterator[Sample]:
    """Whether the broker answers, and what it lacks; nothing of what is not known."""
    if replicas.answers is not None:
        yield Sample("laurel_broker_answers", (), replicas.answers)
    if (copies := replicas.copies) is not None:
        yield Sample("laurel_topic_partitions_underreplicated", (), copies.underreplicated)
        yield Sample("laurel_topic_partitions_leaderless", (), copies.leaderless)


def of_keys(keys: DayKeys) -> Iterator[Sample]:
    """Who has keys."""
    owners = keys.owners()
    yield Sample("laurel_keys", ("people",), owners.people)
    yield Sample("laurel_keys", ("days",), owners.days)


def of_presence(presence: Presence) -> Iterator[Sample]:
    """Whom this worker fenced, and its clock."""
    for agent, number in presence.fenced.copy().items():
        yield Sample("laurel_fences_total", (agent, "absent"), number)
    if presence.drift_ms is not None:
        yield Sample("laurel_clock_drift_seconds", (), presence.drift_ms / 1000)
