"""A plugin of pytest: which lines of `processors` each test executes, written as JSON to the file at `LAUREL_EXECUTED`."""

import json
import os
import sys
from collections import defaultdict
from collections.abc import Generator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

ROOT = str(Path.cwd() / "processors")
found: dict[str, dict[str, set[int]]] = {}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    lines: defaultdict[str, set[int]] = defaultdict(set)

    def line(frame: FrameType, event: str, _: object) -> Any:
        if event == "line":
            lines[frame.f_code.co_filename].add(frame.f_lineno)
        return line

    def call(frame: FrameType, event: str, _: object) -> Any:
        return line(frame, "line", None) if frame.f_code.co_filename.startswith(ROOT) else None

    before = sys.gettrace()
    sys.settrace(call)
    try:
        return (yield)
    finally:
        sys.settrace(before)
        found[item.nodeid] = lines


def pytest_sessionfinish() -> None:
    told = {
        test: {str(Path(file).relative_to(Path.cwd())): sorted(lines) for file, lines in executed.items()}
        for test, executed in found.items()
    }
    Path(os.environ["LAUREL_EXECUTED"]).write_text(json.dumps(told))
