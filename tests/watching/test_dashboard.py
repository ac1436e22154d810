"""The dashboard is made from the table of metrics, and shows all of them."""

import json
import re

from deploy.grafana import dashboard
from streams.metrics import METRICS, ROWS


def test_the_file_is_what_the_table_makes() -> None:
    """`uv run python -m deploy.grafana.dashboard` writes it."""
    assert dashboard.FILE.read_text() == dashboard.dashboard()


def test_every_metric_has_a_panel_in_its_row() -> None:
    shown: dict[str, list[str]] = {}
    for panel in json.loads(dashboard.FILE.read_text())["panels"]:
        if panel["type"] == "row":
            shown[panel["title"]] = names = []
        else:
            names.append(re.match(r"laurel_\w+", panel["description"])[0])  # type: ignore[index]
            assert all(names[-1] in target["expr"] for target in panel["targets"])
    assert shown == {row: [metric.name for metric in METRICS if metric.row == row] for row in ROWS}


def test_no_panel_lies_on_another() -> None:
    panels = json.loads(dashboard.FILE.read_text())["panels"]
    cells = [
        (x, y)
        for at in (panel["gridPos"] for panel in panels)
        for x in range(at["x"], at["x"] + at["w"])
        for y in range(at["y"], at["y"] + at["h"])
    ]
    assert len(cells) == len(set(cells))
    assert len({panel["id"] for panel in panels}) == len(panels)
