"""Every requirement that is called delivered has a test that cites it, and every citation leads somewhere (issue 6)."""

from pathlib import Path

import pytest

from streams.requirements import NoRepositoryError, Requirement, area, citations, requirements, wrong
from tests.architecture.packages import ROOT

LISTED = requirements(ROOT)


def test_what_is_delivered_has_a_test_and_what_is_cited_is_there() -> None:
    assert wrong(LISTED, citations(ROOT)) == []


def test_nothing_of_the_sources_is_left_out() -> None:
    counted: dict[str, int] = {}
    for name in LISTED:
        counted[area(name)] = counted.get(area(name), 0) + 1
    assert counted == {
        "CUST": 16, "TIER": 25, "MAN": 13, "PTS": 11, "RET": 17, "RTE": 15, "RISK": 13, "REC": 6, "FUL": 13, "POL": 17,
        "AUD": 6, "ANL": 18, "UI": 7, "SYNC": 5, "T": 52, "C": 14,
    }  # fmt: skip


EXAMPLE = """
# Not R-POL-01: this belongs to no test.

def test_a_r_cust_01_and_t_06():
    '''R-RET-02.'''
    assert True  # C-07


def unrelated_r_ui_01():
    pass


def test_larger_has_64():
    pass
"""
OWN, JOURNEY = "tests/test_it.py::test_a_r_cust_01_and_t_06", "tests/journeys/test_journeys.py::test_journey[story]"
FOUND = {
    "R-CUST-01": [OWN], "T-06": [OWN], "R-RET-02": [OWN], "C-07": [OWN], "R-TIER-03": [JOURNEY], "T-11": [JOURNEY],
}  # fmt: skip
STORY = "cites: [R-TIER-03, T-11]\n"
ONE, OTHER, UNKNOWN = "R-CUST-01", "R-CUST-02", "T-99"


def write(root: Path, text: str) -> None:
    (root / "tests" / "journeys").mkdir(parents=True)
    (root / "tests" / "test_it.py").write_text(text)
    (root / "tests" / "journeys" / "story.yaml").write_text(STORY)


def test_a_test_cites_in_its_name_its_docstring_and_its_comments(tmp_path: Path) -> None:
    write(tmp_path, EXAMPLE)
    assert citations(tmp_path) == FOUND


def test_what_is_wrong_is_said() -> None:
    listed = {ONE: Requirement("delivered", "x"), OTHER: Requirement("planned", "y")}
    assert wrong(listed, {ONE: ["a"]}) == []
    assert wrong(listed, {}) == [f"{ONE} is delivered, and no test cites it"]
    assert wrong(listed, {ONE: ["a"], UNKNOWN: ["b"]}) == [
        f"b cites {UNKNOWN}, which is not in deploy/requirements.yaml"
    ]


def test_outside_the_repository_there_is_no_list(tmp_path: Path) -> None:
    with pytest.raises(NoRepositoryError, match="only"):
        requirements(tmp_path)
