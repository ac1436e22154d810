"""The page of the comparisons: each rewrites its own section and leaves the others."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench import report

if TYPE_CHECKING:
    import pytest


def test_a_section_replaces_the_one_of_its_heading_only(tmp_path: Path) -> None:
    page = tmp_path / "bench.md"
    for section in ("# One\n\nold\n", "# Two\n\n## Part\n\nx\n", "# One\n\nnew\n"):
        report.write(page, section)
    assert page.read_text(encoding="utf-8") == "# One\n\nnew\n\n# Two\n\n## Part\n\nx\n"


def test_a_trial_run_writes_no_page_and_its_command_names_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    parser = ArgumentParser()
    report.output(parser)
    assert parser.parse_args([]).output is None
    report.tell(None, "# One\n")
    assert capsys.readouterr().out == "# One\n\n"
    page = tmp_path / "bench.md"
    report.tell(parser.parse_args(["--output", str(page)]).output, "# One\n")
    assert page.read_text(encoding="utf-8") == "# One\n"
    monkeypatch.setattr("sys.argv", ["x.py", "--runs", "2", "--output", str(page), "--beside", "/elsewhere"])
    assert report.command("x.py", Path("/elsewhere")) == "uv run python x.py --runs 2 --beside DIR"
    monkeypatch.setattr("sys.argv", ["x.py", f"--output={page}", "--runs", "2"])
    assert report.command("x.py", None, "--with", "y") == "uv run --with y python x.py --runs 2"
