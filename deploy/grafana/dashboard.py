"""The Grafana dashboard, from the table of metrics. `python -m deploy.grafana.dashboard` writes it."""

import json
from pathlib import Path
from typing import Any

from streams.metrics import METRICS, ROWS, Metric

FILE = Path(__file__).parent / "laurel.json"
WIDTH, HEIGHT, ACROSS = 8, 7, 3
UNITS = {"seconds": "s", "bytes": "bytes", "": "short"}
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
QUANTILES = ("0.5", "0.99")
WORKERS = 'instance=~"$instance"'


def queries(metric: Metric) -> dict[str, str]:
    """What a panel asks Prometheus for: queries by the name of their lines."""
    legend = " ".join(f"{{{{{label}}}}}" for label in metric.labels)
    by = f" by ({', '.join(metric.labels)})" if metric.labels else ""
    if metric.kind == "histogram":
        buckets = f"rate({metric.name}_bucket{{{WORKERS}}}[$__rate_interval])"
        labels = ", ".join(("le", *metric.labels))
        return {
            f"{legend} {float(q):.0%}".strip(): f"histogram_quantile({q}, sum by ({labels}) ({buckets}))"
            for q in QUANTILES
        }
    value = f"{metric.name}{{{WORKERS}}}"
    if metric.kind == "counter":
        value = f"rate({value}[$__rate_interval])"
    return {legend or "all workers": f"{metric.across}{by} ({value})"}


def panel(metric: Metric, number: int, x: int, y: int) -> dict[str, Any]:
    """One metric over time."""
    unit = "ops" if metric.kind == "counter" else UNITS[metric.unit]
    title = metric.name.removeprefix("laurel_").removesuffix("_total").replace("_", " ")
    return {
        "id": number,
        "type": "timeseries",
        "title": title,
        "description": f"{metric.name}: {metric.about}",
        "datasource": SOURCE,
        "gridPos": {"x": x, "y": y, "w": WIDTH, "h": HEIGHT},
        "fieldConfig": {"defaults": {"unit": unit, "min": None if "drift" in title else 0}, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}},
        "targets": [
            {"refId": chr(ord("A") + n), "expr": query, "legendFormat": legend, "datasource": SOURCE}
            for n, (legend, query) in enumerate(queries(metric).items())
        ],
    }


def panels() -> list[dict[str, Any]]:
    """A row for each part of the table, and below it a panel for each metric."""
    found: list[dict[str, Any]] = []
    y = 0
    for row in ROWS:
        place = {"x": 0, "y": y, "w": WIDTH * ACROSS, "h": 1}
        found.append(
            {"id": len(found) + 1, "type": "row", "title": row, "collapsed": False, "gridPos": place, "panels": []}
        )
        metrics = [metric for metric in METRICS if metric.row == row]
        for n, metric in enumerate(metrics):
            line, column = divmod(n, ACROSS)
            found.append(panel(metric, len(found) + 1, column * WIDTH, y + 1 + line * HEIGHT))
        y += 1 + HEIGHT * (1 + (len(metrics) - 1) // ACROSS)
    return found


def dashboard() -> str:
    """The whole dashboard as Grafana imports it."""
    variables = [
        {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Prometheus"},
        {
            "name": "instance",
            "type": "query",
            "label": "Workers",
            "datasource": SOURCE,
            "query": "label_values(laurel_worker_ready, instance)",
            "refresh": 2,
            "includeAll": True,
            "multi": True,
            "allValue": ".*",
            "current": {"text": "All", "value": "$__all"},
        },
    ]
    whole = {
        "uid": "laurel",
        "title": "laurel",
        "tags": ["laurel"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {"list": variables},
        "panels": panels(),
    }
    return json.dumps(whole, indent=2) + "\n"


if __name__ == "__main__":
    FILE.write_text(dashboard())
