"""The demo's report: what it draws of any run, how it explains a decision, and when it calls a run verified."""

import json
from pathlib import Path

import pytest
from rich.console import Console

from deploy.demo import report
from deploy.demo.synthetic import Rates
from tests.demo.shop import EVENTFUL, Document, Shop, demo_policy, lines

HISTORY = "".join(
    f"{customer:05d} 1997{month:02d}{10 + customer} 2 {30 * customer}.99\n"
    for month in (*range(1, 9), 12)
    for customer in range(9)
)
"""Nobody buys in autumn."""
CLEAN = {"verified": True, "checks": [{"invariant": "I-2", "what": "rows", "compared": 7, "differences": 0}]}
EQUAL = {"equal": True, "customers": 5, "gross_order_value_minor": 9, "net_lifetime_value_minor": 8, "ticks": 3}


def _files(folder: Path, text: str, rates: Rates = EVENTFUL) -> Path:
    """What demo.sh has after a run."""
    shop = Shop(folder, text, demo_policy(), rates=rates)
    for topic in report.DECISIONS:
        shop.write(topic, lines(topic, shop.driver))
    counts = {"events": 10, "history": 7, "synthetic": 3, "seed": 1}
    (folder / "generated.json").write_text(json.dumps(counts))
    (folder / "measured.json").write_text(json.dumps({"seconds": 0.5, "timeline": 12}))
    return folder


def _drawn(folder: Path, width: int = 110) -> str:
    console = Console(width=width, record=True, highlight=False)
    report.show(report.load(folder), console)
    return console.export_text()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _files(tmp_path_factory.mktemp("run"), HISTORY)


def test_it_draws_all_that_issue_3_names(run: Path) -> None:
    drawn = _drawn(run)
    for part in (
        "Tiers of 9 customers",
        "Top customers",
        "changes of tier",
        "Verdicts on",
        "Routing of",
        "at-risk alerts",
    ):
        assert part in drawn
    for part in ("dead letters", "unknown_currency", "Throughput 20 events/s", "One decision explained"):
        assert part in drawn


def test_the_explained_decision_shows_every_condition_and_where_it_stands(run: Path) -> None:  # D7, T-48
    demo = report.load(run)
    decision = report.telling(demo)
    assert decision is not None
    drawn = _drawn(run)
    assert decision["decision_id"] in drawn
    assert f"{decision['origin']['topic']}/{decision['origin']['partition']} offset" in drawn
    explained = drawn[drawn.index("Every condition") :].splitlines()
    said = [line.split()[0] == "yes" for line in explained if line.startswith(("yes ", "no "))]
    assert said == [condition["holds"] for condition in decision["conditions"]]


@pytest.mark.parametrize("width", [40, 80, 200])
def test_it_keeps_within_the_terminal(run: Path, width: int) -> None:
    assert max(map(len, _drawn(run, width).splitlines())) <= width


def test_it_draws_a_history_of_one_purchase_of_which_nothing_came(tmp_path: Path) -> None:
    drawn = _drawn(_files(tmp_path, "anna 19970112 1 0.00\n", Rates(*(0.0 for _ in Rates._fields))))
    assert "Tiers of 1 customers" in drawn
    assert "One decision explained" not in drawn


@pytest.mark.parametrize(
    ("checked", "counted", "verified"),
    [
        (CLEAN, EQUAL, True),
        (CLEAN | {"verified": False, "first_differences": ["I-2 rows, partition 0: …"]}, EQUAL, False),
        (CLEAN, EQUAL | {"equal": False, "mismatches": [{"customer_id": "c-1"}]}, False),
        (None, EQUAL, False),
        (CLEAN, None, False),
    ],
    ids=["both", "verify found something", "the recount differs", "no verify", "no recount"],
)
def test_it_is_verified_only_if_both_checks_say_so(
    run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, checked: Document | None, counted: Document | None, verified: bool
) -> None:  # fmt: skip
    for name, content in (("verify", checked), ("recount", counted)):
        (run / f"{name}.json").write_text("" if content is None else json.dumps(content))
    monkeypatch.setattr("sys.argv", ["report", str(run), "--last"])
    monkeypatch.setattr("sys.stdout.reconfigure", lambda **_: None, raising=False)
    assert report.main() == (0 if verified else 1)
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert list(last) == [
        "events",
        "customers",
        "gross_order_value_minor",
        "net_lifetime_value_minor",
        "decisions",
        "dead_letters",
        "verified",
    ]
    assert last["verified"] is verified
    assert set(last["decisions"]) == set(report.DECISIONS)
