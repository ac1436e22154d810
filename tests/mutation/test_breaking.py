"""The script that breaks requirements tells teeth from none, on a programme of three lines."""

from pathlib import Path

import pytest

from tests.mutation.breaking import run
from tests.mutation.mutants import mutants

SOURCE = '''"""Floors."""


def reaches(value: int, floor: int) -> bool:
    """A floor (R-TIER-01)."""
    return value >= floor
'''
NAME, OTHER = "test_floor_r_tier_01", "test_floor"
TEETH = (
    f"from processors.floors import reaches\n\n\ndef {NAME}():\n    assert reaches(5, 5)\n    assert reaches(6, 5)\n"
)
NONE = f"from processors.floors import reaches\n\n\ndef {NAME}():\n    reaches(5, 5)\n"


def project(root: Path, test: str) -> Path:
    here = Path.cwd()
    for folder in ("processors", "tests/processors", "tests/journeys", "tests/mutation", "deploy"):
        (root / folder).mkdir(parents=True)
    (root / "processors" / "__init__.py").write_text("")
    (root / "processors" / "floors.py").write_text(SOURCE)
    (root / "tests" / "processors" / "test_floors.py").write_text(test)
    (root / "tests" / "mutation" / "executed.py").write_text((here / "tests/mutation/executed.py").read_text())
    (root / "deploy" / "requirements.yaml").write_text("R-TIER-01: { status: delivered, text: floors }\n")
    (root / "pyproject.toml").write_text(
        '[tool.pytest.ini_options]\npythonpath = ["."]\naddopts = "--import-mode=importlib"\n'
    )
    return root


@pytest.mark.parametrize(("test", "code", "said"), [(TEETH, 0, f"noticed: {NAME}"), (NONE, 1, "SURVIVED 1 tests")])
def test_a_test_that_asserts_notices_and_one_that_does_not_is_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], test: str, code: int, said: str
) -> None:
    assert run(project(tmp_path, test), seed=1, count=3) == code
    found = capsys.readouterr().out
    assert "R-TIER-01  processors/floors.py:6: " in found
    assert said in found


def test_each_way_to_break_a_line() -> None:
    source = "def f(a, b):\n    if a < 3 and not b:\n        return a + 1\n    return {True: f'{a + 1}'}\n"
    assert [(each.line, each.was, each.became) for each in mutants(source)] == [
        (2, "a < 3 and not b", "(not (a < 3 and not b))"),
        (4, "{True: f'{a + 1}'}", "None"),
        (2, "a < 3 and not b", "((a < 3) or (not b))"),
        (3, "a + 1", "None"),
        (2, "a < 3", "((a) <= (3))"),
        (3, "a + 1", "((a) - (1))"),
        (4, "True", "False"),
        (2, "3", "4"),
        (3, "1", "2"),
    ]
    for each in mutants(source):
        compile(each.source, "broken", "exec")
