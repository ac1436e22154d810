"""`laurel requirements`: what people and programs read of the list."""

import json
from pathlib import Path

import pytest

from streams import requirements
from tests.streams.commands import Caller


def test_an_area_is_listed_with_status_and_tests(laurel: Caller) -> None:
    answer = laurel("requirements", "--area", "cust")
    assert answer.code == 0, answer.err
    lines = answer.out.splitlines()
    assert len(lines) == 16 + 2
    assert lines[3].split()[:3] == ["R-CUST-03", "delivered", "3"]
    delivered = sum(it.status == "delivered" for name, it in requirements.requirements().items() if "CUST" in name)
    assert lines[-1] == f"{delivered} of 16 are delivered."


def test_programs_read_the_names_of_the_tests(laurel: Caller) -> None:
    answer = laurel("requirements", "--area", "T", "--json")
    (first, *_) = (json.loads(line) for line in answer.out.splitlines())
    assert (first["id"], first["status"]) == ("T-01", "delivered")
    assert (
        "tests/processors/test_lifetime_value.py::test_250_times_1999_and_250_is_500000_exactly_t_01" in first["tests"]
    )


def test_only_what_is_planned(laurel: Caller) -> None:
    answer = laurel("requirements", "--planned", "--json")
    assert {json.loads(line)["status"] for line in answer.out.splitlines()} == {"planned"}


def test_an_area_that_there_is_not(laurel: Caller) -> None:
    answer = laurel("requirements", "--area", "CUSTOMERS")
    assert answer.code == 2
    assert "there are CUST, TIER" in answer.err


def test_a_delivered_one_without_a_test_is_an_error(laurel: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requirements, "citations", dict)
    answer = laurel("requirements", "--area", "TIER")
    assert answer.code == 1
    assert "R-TIER-01 is delivered, and no test cites it" in answer.err


def test_outside_the_repository(laurel: Caller, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(requirements.requirements, "__defaults__", (tmp_path,))
    answer = laurel("requirements")
    assert answer.code == 2
    assert "in laurel's repository only" in answer.err
