"""Who is woken, by what, and what they then read: alert rules with tests and runbooks, on metrics that there are."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.prometheus.promtool import find
from streams.metrics import BY_NAME, METRICS, STATES

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "prometheus"
RULES = [rule for group in yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"] for rule in group["rules"]]
TESTS = yaml.safe_load((FOLDER / "alerts_test.yml").read_text())["tests"]
ALERT = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
LABELS_OF_ALL = {"instance", "job"}
"""What Prometheus puts on everything that it scrapes."""
HEADINGS = ["What it means", "What customers notice", "How to see it", "What to do", "When it is over"]


def series_of(metric: Any) -> dict[str, set[str]]:
    """The names under which a metric is scraped, with their labels."""
    labels = {*metric.labels, *LABELS_OF_ALL}
    if metric.kind == "histogram":
        return {f"{metric.name}_bucket": labels | {"le"}, f"{metric.name}_count": labels, f"{metric.name}_sum": labels}
    return {metric.name: labels}


SERIES = {name: labels for metric in METRICS for name, labels in series_of(metric).items()} | {"up": LABELS_OF_ALL}


Promtool = Callable[..., None]


@pytest.fixture(scope="session")
def promtool() -> Promtool:
    """Give promtool; it must succeed."""
    path = find()
    if path is None:
        pytest.skip("no promtool, and no way to Debian's package prometheus, which has it")

    def run(*words: str | Path) -> None:
        answer = subprocess.run([path, *words], capture_output=True, text=True, check=False)
        assert answer.returncode == 0, answer.stdout + answer.stderr

    return run


def test_prometheus_takes_configuration_and_rules(promtool: Promtool) -> None:
    promtool("check", "config", FOLDER / "prometheus.yml")
    promtool("check", "rules", FOLDER / "alerts.yml")


def test_each_alert_fires_when_it_should_and_not_before(promtool: Promtool) -> None:
    promtool("test", "rules", FOLDER / "alerts_test.yml")


@ALERT
def test_an_alert_says_how_bad_it_is_and_what_it_is(rule: Any) -> None:
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert re.fullmatch(r"\d+m", rule["for"])
    assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
    assert all(len(text) > 15 for text in rule["annotations"].values())


@ALERT
def test_an_alert_has_a_test_in_which_it_fires_and_one_in_which_it_is_quiet(rule: Any) -> None:
    cases = [case for test in TESTS for case in test["alert_rule_test"] if case["alertname"] == rule["alert"]]
    assert {bool(case["exp_alerts"]) for case in cases} == {True, False}
    for case in cases:
        for fires in case["exp_alerts"]:
            assert fires["exp_labels"]["severity"] == rule["labels"]["severity"]
            assert fires["exp_annotations"]["summary"] == rule["annotations"]["summary"]


def test_no_test_is_of_an_alert_that_there_is_not() -> None:
    assert {test["name"] for test in TESTS} == {rule["alert"] for rule in RULES}


def used(text: str) -> dict[str, set[str]]:
    """Metrics that a query, a series or a page names, with the labels that it asks them for."""
    found: dict[str, set[str]] = {}
    for name, selector in re.findall(r"\b(laurel_\w+|up)\b(?:\{([^}]*)\})?", text):
        found.setdefault(name, set()).update(re.findall(r"(\w+)\s*=~?", selector))
    return found


@ALERT
def test_an_alert_uses_only_what_the_table_has(rule: Any) -> None:
    names = used(rule["expr"])
    assert names
    for name, labels in names.items():
        assert name in SERIES, name
        assert labels <= SERIES[name], name
    for by in re.findall(r"by \(([^)]*)\)", rule["expr"]):
        assert {label.strip() for label in by.split(",")} <= set.union(*(SERIES[name] for name in names))
    for state in re.findall(r'laurel_worker_state\{[^}]*state="([^"]*)"', rule["expr"]):
        assert state in STATES


def test_tests_of_alerts_feed_only_what_the_table_has() -> None:
    for series in (series["series"] for test in TESTS for series in test["input_series"]):
        ((name, labels),) = used(series).items()
        assert labels <= SERIES[name], series


@ALERT
def test_an_alert_has_a_runbook_for_three_in_the_morning(rule: Any) -> None:
    path = ROOT / rule["annotations"]["runbook_url"]
    assert path == ROOT / "deploy" / "runbooks" / f"{rule['alert']}.md"
    text = path.read_text()
    assert text.startswith(f"# {rule['alert']}\n")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == HEADINGS
    assert len(text.splitlines()) < 60, "short"
    assert set(used(text)) <= {*SERIES, *BY_NAME}
    alerts = {rule["alert"] for rule in RULES}
    for seen in re.findall(r"see ((?:[A-Z]\w+(?:, )?)+)", text):
        assert set(seen.split(", ")) <= alerts


def test_there_is_no_runbook_without_its_alert() -> None:
    pages = {path.stem for path in (ROOT / "deploy" / "runbooks").glob("*.md")}
    assert pages >= {rule["alert"] for rule in RULES}
    assert {page for page in pages if page[0].isupper()} == {rule["alert"] for rule in RULES}
