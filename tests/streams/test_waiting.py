"""`laurel waiting`: the picture of waiting by tier, for who plans a contact centre (R-RTE-03)."""

import json
from pathlib import Path

import pytest

from tests.streams.commands import ROOT, Caller
from tests.streams.history import policy

PAGE = ROOT / "deploy" / "waiting.md"


def test_the_page_shows_what_the_command_draws_r_rte_03(laurel: Caller) -> None:
    answer = laurel("waiting")
    assert answer.code == 0
    assert f"```text\n{answer.out}```" in PAGE.read_text(), "laurel waiting > what stands there"


def test_programs_read_it_by_tier(laurel: Caller, tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(policy("mine"))
    answer = laurel("waiting", "--hours", "20", "--share", "gold=50", "--policy", str(file), "--json")
    found = [json.loads(line) for line in answer.out.splitlines()]
    assert (answer.code, [each["tier"] for each in found], {each["holds"] for each in found}) == (
        0,
        [None, "gold"],
        {True},
    )
    assert found[0]["most"] - found[1]["most"] == 10 * 60_000


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--staff", "2"], "138% of the agents' time"),
        (["--share", "ruby=10"], "a tier is needed: gold, platinum, diamond"),
        (["--share", "gold"], "TIER=PERCENT is needed"),
        (["--share", "gold=101"], "shares of 101 %"),
        (["--share", "gold=nan"], "shares of nan %"),
        (["--hours", "0"], "1 hour"),
        (["--policy", "nowhere.yaml"], "nowhere.yaml"),
    ],
)
def test_what_cannot_be_is_said(laurel: Caller, words: list[str], said: str) -> None:
    answer = laurel("waiting", *words)
    assert answer.code == 2
    assert said in answer.err.replace("\n", " ")
