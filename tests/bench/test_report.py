"""The page of the comparisons: each rewrites its own section and leaves the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.bench import report

if TYPE_CHECKING:
    from pathlib import Path


def test_a_section_replaces_the_one_of_its_heading_only(tmp_path: Path) -> None:
    page = tmp_path / "bench.md"
    for section in ("# One\n\nold\n", "# Two\n\n## Part\n\nx\n", "# One\n\nnew\n"):
        report.write(page, section)
    assert page.read_text(encoding="utf-8") == "# One\n\nnew\n\n# Two\n\n## Part\n\nx\n"
