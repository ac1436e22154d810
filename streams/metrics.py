"""Every metric of a worker, in one table, and how Prometheus reads them.

Counters and durations are kept by whoever does the work (`streams.counting`), gauges are asked for at each scrape. From
this table come deploy/metrics.md, the dashboard in deploy/grafana, and what the alert rules may use.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Literal, NamedTuple

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.core import Metric as Family
from prometheus_client.registry import Collector

from processors.synchronisation import REASONS
from schemas.topics import AGENTS, INTAKE, SOURCES, TOPICS

STATES = (
    "waiting for broker",
    "restoring",
    "running",
    "draining",
    "partitions stopped",
    "transactions failing",
    "waiting for every partition of the sources",
    "clock is off",
)
"""What a worker may say that it is doing."""
DURATIONS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
DELAYS_S = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200)

Key = tuple[str, ...]
"""The values of a metric's labels, in their order."""
Kind = Literal["counter", "gauge", "histogram"]


class Metric(NamedTuple):
    """One metric. `across` is how the values of several workers combine.

    `known` are series that are there from the start: a counter that comes with its first event hides that from `rate`.
    """

    name: str
    kind: Kind
    row: str
    about: str
    labels: tuple[str, ...] = ()
    across: Literal["sum", "max"] = "sum"
    known: tuple[Key, ...] = ()
    bounds: tuple[float, ...] = ()

    @property
    def unit(self) -> str:
        """What the name says that the values are in; empty for plain numbers."""
        last = self.name.removesuffix("_total").rpartition("_")[2]
        return last if last in ("seconds", "bytes") else ""


def _written(agent: str) -> tuple[Key, ...]:
    return tuple((agent, topic.name) for topic in TOPICS if topic.writer == agent)


_EACH_AGENT = tuple((agent,) for agent in AGENTS)

# Name, kind, row of the dashboard, and what it says. Names are for ever: people's alerts and dashboards have them.
METRICS = (
    Metric("laurel_worker_ready", "gauge", "Workers", "1 while the worker does all of its work, else 0; as `/ready` says"),
    Metric("laurel_worker_state", "gauge", "Workers", "1 for what the worker is doing, 0 for everything else it could be doing",
           ("state",)),
    Metric("laurel_partitions", "gauge", "Workers",
           "partitions that the worker holds: working, preparing (restored or positioned), or stopped until somebody acts",
           ("agent", "state")),
    Metric("laurel_rebalances_total", "counter", "Workers", "times that partitions were given to this worker or taken from it",
           ("agent",)),
    Metric("laurel_silences_total", "counter", "Workers",
           "times that Kafka's client said nothing for a minute, of its group or of a partition that had more, and was asked anew",
           ("agent",)),
    Metric("laurel_records_in_total", "counter", "Records",
           "records taken from a topic whose transaction is committed", ("agent", "topic"),
           known=(*(("intake", topic) for topic in INTAKE), ("customers", "timeline"))),
    Metric("laurel_records_out_total", "counter", "Records",
           "records written to a topic whose transaction is committed", ("agent", "topic"),
           known=(*_written("intake"), *_written("customers"))),
    Metric("laurel_records_dropped_total", "counter", "Records",
           "records taken that nobody could apply: intake put them into the dead letters, customers into quarantine", ("agent",),
           known=_EACH_AGENT),
    Metric("laurel_records_without_effect_total", "counter", "Records",
           "events of a source that changed no row and led to nothing: what they say was known, as of one published again",
           ("topic",), known=tuple((topic,) for topic in SOURCES)),
    Metric("laurel_records_failed_total", "counter", "Records",
           "records that stopped their partition: their fold raised, or the registry did not tell their schema; each attempt counts", ("agent",), known=_EACH_AGENT),
    Metric("laurel_dead_letters_total", "counter", "Records", "records put into the dead letters, by reason", ("reason",)),
    Metric("laurel_keys", "gauge", "Records",
           "people who have keys for personal text, and days that have one for dead letters: more than 32 are not deleted as they should",
           ("owners",), "max"),
    Metric("laurel_quarantined_total", "counter", "Records", "records that the fold would not apply, by reason", ("reason",)),
    Metric("laurel_decisions_total", "counter", "Decisions",
           "decisions published: the verdict of a return, the queue of a contact, the reason of a change of tier",
           ("kind", "verdict"), known=tuple(("DiscrepancyFound", reason) for reason in REASONS)),
    Metric("laurel_at_risk_episodes", "gauge", "Decisions",
           "at-risk episodes of a partition by how they ended, from the first on; retained / (retained + lost) is the share kept",
           ("partition", "outcome")),
    Metric("laurel_win_backs", "gauge", "Decisions",
           "VIPs of a partition who cancelled, by what became of them; open while their tier is kept", ("partition", "outcome")),
    Metric("laurel_returns_total", "counter", "Decisions",
           "returns of a partition by tier, from the first on: asked; approved or denied, by rules or by a person; reviewed: sent to a person; "
           "disputed, and upheld where a person then gave in. approved / asked is the share approved by rules alone",
           ("partition", "tier", "what")),
    Metric("laurel_return_verdict_seconds_total", "counter", "Decisions",
           "time from the request to each verdict on a return, summed up; over the sum of the four verdicts it is the average",
           ("partition", "tier")),
    Metric("laurel_rewards_total", "counter", "Decisions",
           "requests of a partition for each reward, from the first on: asked; granted; offered a substitute for, and substituted where it was taken; "
           "refused; redeemed: handed over, also as a substitute. Of the first 200 rewards by name",
           ("partition", "reward", "what")),
    Metric("laurel_reward_cost_minor_total", "counter", "Decisions",
           "what the redemptions of each reward cost the programme, minor units; over redeemed it is the cost per redemption",
           ("partition", "reward")),
    Metric("laurel_policy_info", "gauge", "Decisions", "1 for each policy version in force on a partition of this worker",
           ("version",), "max"),
    Metric("laurel_decision_delay_seconds", "histogram", "Time",
           "from the source record's timestamp to the commit of its fold; in an import, how old the history is",
           known=((),), bounds=DELAYS_S),
    Metric("laurel_policy_delay_seconds", "histogram", "Time",
           "from the instant that a policy version is to hold from to the commit of the record that puts a partition under it",
           known=((),), bounds=DELAYS_S),
    Metric("laurel_lag_seconds", "gauge", "Time",
           "at most so old is the oldest record that waits in a topic's partitions of this worker; 0 when none waits",
           ("agent", "topic"), "max"),
    Metric("laurel_lag_records", "gauge", "Time",
           "offsets between what the agent has committed and the end, over a topic's partitions of this worker",
           ("agent", "topic")),
    Metric("laurel_batch_duration_seconds", "histogram", "Time",
           "from a batch's records in hand to their commit; batches that were aborted are left out", ("agent",),
           known=_EACH_AGENT, bounds=DURATIONS_S),
    Metric("laurel_transaction_duration_seconds", "histogram", "Transactions",
           "of each attempt at a transaction, from its begin to the answer, be it committed or aborted", ("agent",),
           known=_EACH_AGENT, bounds=DURATIONS_S),
    Metric("laurel_transactions_aborted_total", "counter", "Transactions",
           "transactions of which nothing came about, or whose client was given up; all is then derived from the broker", ("agent",), known=_EACH_AGENT),
    Metric("laurel_fences_total", "counter", "Transactions",
           "transactional ids fenced: `absent` are those of workers that this one found gone, `own` this worker's by another",
           ("agent", "whose"), known=tuple((agent, whose) for agent in AGENTS for whose in ("absent", "own"))),
    Metric("laurel_broker_answers", "gauge", "Broker",
           "1 if the broker answered this worker's last question, asked every 5 s; 0 if it did not within 5 s"),
    Metric("laurel_topic_partitions_underreplicated", "gauge", "Broker",
           "partitions of laurel's topics with fewer copies in sync than they should have, or no leader; absent while no broker answers",
           (), "max"),
    Metric("laurel_topic_partitions_leaderless", "gauge", "Broker",
           "partitions of laurel's topics without a leader: nobody reads or writes them; absent while no broker answers",
           (), "max"),
    Metric("laurel_clock_drift_seconds", "gauge", "Clock",
           "how far this machine's clock is ahead of the broker's, behind where negative; absent until measured", (), "max"),
    Metric("laurel_ticks_written_total", "counter", "Clock", "ticks written to the timeline: the log's time", (), known=((),)),
    Metric("laurel_timers_due", "gauge", "Clock", "timers that are due and not run yet, counted up to 1000 a partition",
           ("partition",)),
    Metric("laurel_deferred_work", "gauge", "Clock", "1 for a partition with work left over, from a tick or under a new policy, else 0",
           ("partition",)),
    Metric("laurel_restore_done_rows", "gauge", "Tables", "rows of the changelog read so far, of a partition being restored",
           ("partition",)),
    Metric("laurel_restore_todo_rows", "gauge", "Tables", "rows of the changelog to be read in all, of a partition being restored",
           ("partition",)),
    Metric("laurel_restored_rows_total", "counter", "Tables", "offsets of the changelog that were read to bring tables up to date", (),
           known=((),)),
    Metric("laurel_warm_copy_behind_records", "gauge", "Tables",
           "offsets of the changelog that a warm copy, of a partition that another worker folds, has yet to read",
           ("partition",), "max"),
    Metric("laurel_table_rows", "gauge", "Tables", "rows of a partition's tables on disk, as RocksDB estimates them",
           ("partition",)),
    Metric("laurel_table_bytes", "gauge", "Tables", "bytes of a partition's tables on disk and in RocksDB's memory",
           ("partition",)),
)  # fmt: skip
BY_NAME = {metric.name: metric for metric in METRICS}
ROWS = tuple(dict.fromkeys(metric.row for metric in METRICS))


class Timing(NamedTuple):
    """How many durations fell at or below each bound of the metric, and above all of them; and their sum, in seconds."""

    counts: tuple[int, ...]
    total: float


class Sample(NamedTuple):
    """The present value of one series."""

    name: str
    labels: Key
    value: float | Timing


class Metrics(Collector):
    """What a scrape answers. `ask` gives every sample at hand; it must wait for nobody, a broker least of all."""

    def __init__(self, ask: Callable[[], Iterable[Sample]]) -> None:
        self._ask = ask
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def page(self) -> bytes:
        """The text that Prometheus reads."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Family]:
        """See `Collector.collect`."""
        found: dict[str, dict[Key, float | Timing]] = {metric.name: {} for metric in METRICS}
        for name, labels, value in self._ask():
            found[name][labels] = value
        for metric in METRICS:
            yield family(metric, found[metric.name])


def family(metric: Metric, series: dict[Key, float | Timing]) -> Family:
    """A metric with its series, in the client's terms."""
    known = dict.fromkeys(metric.known) | series
    if metric.kind == "histogram":
        histogram = HistogramMetricFamily(metric.name, metric.about, labels=metric.labels)
        for key, timing in known.items():
            counts, total = timing if isinstance(timing, Timing) else nothing_timed(metric)
            bounds = [*map(str, map(float, metric.bounds)), "+Inf"]
            running = [sum(counts[: n + 1]) for n in range(len(counts))]
            histogram.add_metric(key, list(zip(bounds, running, strict=True)), total)
        return histogram
    kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    plain = kind(metric.name, metric.about, labels=metric.labels)
    for key, value in known.items():
        plain.add_metric(key, value if isinstance(value, float | int) else 0)
    return plain


def nothing_timed(metric: Metric) -> Timing:
    """A histogram without any duration."""
    return Timing((0,) * (len(metric.bounds) + 1), 0.0)
