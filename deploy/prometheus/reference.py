"""The reference page of the metrics, from their table. `python -m deploy.prometheus.reference` writes it."""

from pathlib import Path

from streams.metrics import METRICS, ROWS, Metric

PAGE = Path(__file__).parents[1] / "metrics.md"
HEAD = """# Metrics

Every worker answers `/metrics` on `LAUREL_HEALTH_PORT` from its first second, also while the broker is away and while it
restores. It waits for nobody: what is measured beside the work is at most a few seconds old.

Counters and durations are of what is committed: a batch that was aborted is read again, and counts once, when it is
committed. Where a metric counts attempts, it says so. Counters begin at 0 with each start of a worker. Over several
workers, add values up, or take the greatest where it says `max`. Besides these, each worker tells its memory, CPU time
and open files as `process_*`.

Names and labels are stable. This page is made from the table in `streams/metrics.py` by
`uv run python -m deploy.prometheus.reference`.
"""


def page() -> str:
    """The page."""
    return HEAD + "".join(_section(row) for row in ROWS)


def _section(row: str) -> str:
    cells = [("metric", "type", "labels", "workers", "what it says"), ("---",) * 5]
    cells += [_cells(metric) for metric in METRICS if metric.row == row]
    return f"\n## {row}\n\n" + "".join(f"| {' | '.join(line)} |\n" for line in cells)


def _cells(metric: Metric) -> tuple[str, ...]:
    labels = ", ".join(f"`{label}`" for label in metric.labels)
    return f"`{metric.name}`", metric.kind, labels, metric.across, metric.about


if __name__ == "__main__":
    PAGE.write_text(page())
