"""Break the code behind requirements, and see their tests fail: `python -m tests.mutation.breaking --seed 7`.

Draws delivered requirements by seed. For each it breaks one line, in a copy of the tree, that the tests citing it execute:
of a function or module that cites it as well, where there is one, else of the lines that the fewest other tests execute. Then it runs
just those tests, and breaks another line where none of them noticed, up to three: a line may be another requirement's, which
their tests only pass through. Exit code 1 says that for some requirement nothing was noticed. Only tests that need no broker
are asked.
"""

import argparse
import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from random import Random
from typing import NamedTuple

from streams.requirements import CITED, citations, requirements
from tests.mutation.mutants import Mutant, mutants

TREE = ("processors", "schemas", "state", "streams", "tests", "deploy", "pyproject.toml", "README.md")
WITHOUT_BROKER = ("tests/processors/", "tests/journeys/", "tests/schemas/", "tests/state/")
ENDLESS_S = 300
"""Tests that run for so long have noticed: a broken loop does not end."""
MOST = 3
"""Lines that are broken for one requirement before its tests are said to be blind."""
RARE = 0.1
"""Of the lines that a requirement's tests execute, the part that is looked at: those that the fewest others execute."""
Lines = Mapping[str, Iterable[int]]


class Outcome(NamedTuple):
    """What was broken for a requirement, and which tests failed; None where they did not end."""

    requirement: str
    file: str
    mutant: Mutant
    tests: int
    failed: list[str] | None

    @property
    def survived(self) -> bool:
        return self.failed == []


def copied(root: Path, into: Path) -> Path:
    """The tree as it is, without what machines made."""
    for name in TREE:
        if (root / name).is_dir():
            shutil.copytree(root / name, into / name, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        elif (root / name).exists():
            shutil.copy(root / name, into / name)
    return into


def pytest(tree: Path, tests: Iterable[str], *options: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "--rootdir",
        str(tree),
        "-p",
        "no:cacheprovider",
        "--tb=no",
        "-rf",
        *options,
        *tests,
    ]
    return subprocess.run(
        command, cwd=tree, env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"} | environment,
        capture_output=True, text=True, timeout=None if options else ENDLESS_S, check=False,
    )  # fmt: skip


def executed(tree: Path, tests: Iterable[str]) -> dict[str, dict[str, list[int]]]:
    """By test, the lines of `processors` that it executes. Raises `RuntimeError` where the tests fail as things are."""
    path = tree / "executed.json"
    done = pytest(tree, tests, "-p", "tests.mutation.executed", LAUREL_EXECUTED=str(path))
    if done.returncode:
        raise RuntimeError(f"the tests fail before anything is broken:\n{done.stdout}{done.stderr}")
    found: dict[str, dict[str, list[int]]] = json.loads(path.read_text())
    return found


def own(test: str, cited: Iterable[str]) -> bool:
    """Whether a test as pytest ran it is one of those cited: a parametrized one is cited as a whole, a journey alone."""
    return test in cited or test.partition("[")[0] in cited


def citing(source: str, requirement: str) -> set[int]:
    """The lines of functions that cite a requirement; all lines where the module's docstring does, and no function."""
    module, lines = ast.parse(source), source.splitlines()
    found: set[int] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef) and node.end_lineno:
            text = "\n".join(lines[node.lineno - 1 : node.end_lineno])
            if requirement in CITED.findall(text):
                found |= set(range(node.lineno, node.end_lineno + 1))
    if found or requirement not in CITED.findall(ast.get_docstring(module) or ""):
        return found
    return set(range(1, len(lines) + 1))


def candidates(
    tree: Path, requirement: str, tests: Iterable[str], ran: Mapping[str, Lines]
) -> list[tuple[str, Mutant]]:
    """The mutants that the requirement's tests should notice."""
    everybody = Counter((file, line) for lines in ran.values() for file in lines for line in lines[file])
    mine = {(file, line) for test in tests for file in ran[test] for line in ran[test][file]}
    every = [
        (file, mutant)
        for file in sorted({file for file, _ in mine})
        for mutant in mutants((tree / file).read_text())
        if (file, mutant.line) in mine
    ]
    behind = {file: citing((tree / file).read_text(), requirement) for file in {file for file, _ in every}}
    named = [(file, mutant) for file, mutant in every if mutant.line in behind[file]]
    every.sort(key=lambda each: everybody[each[0], each[1].line])
    return named or every[: max(int(len(every) * RARE), 1)]


def broken(tree: Path, requirement: str, file: str, mutant: Mutant, cited: list[str]) -> Outcome:
    """Break, run, mend."""
    path = tree / file
    before = path.read_text()
    path.write_text(mutant.source)
    try:
        done = pytest(tree, cited)
        failed = re.findall(r"^FAILED (\S+)", done.stdout, re.MULTILINE)
        if done.returncode and not failed:
            failed = ["collection"]
    except subprocess.TimeoutExpired:
        failed = None
    finally:
        path.write_text(before)
    return Outcome(requirement, file, mutant, len(cited), failed)


def told(outcome: Outcome) -> str:
    mutant = outcome.mutant
    change = (
        f"{outcome.requirement:<10} {outcome.file}:{mutant.line}: {' '.join(mutant.was.split())} -> {mutant.became}"
    )
    if outcome.failed is None:
        return f"{change}\n           noticed: {outcome.tests} tests did not end"
    if outcome.survived:
        return f"{change}\n           SURVIVED {outcome.tests} tests"
    return f"{change}\n           noticed: {', '.join(test.rpartition('::')[2] for test in outcome.failed)}"


def run(root: Path, seed: int, count: int) -> int:
    chance = Random(seed)
    listed, cited = requirements(root), citations(root)
    asked = {
        name: tests
        for name, it in listed.items()
        if it.status == "delivered" and (tests := [each for each in cited[name] if each.startswith(WITHOUT_BROKER)])
    }
    drawn = chance.sample(sorted(asked), min(count, len(asked)))
    noticed: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        tree = copied(root, Path(folder))
        ran = executed(tree, sorted(set().union(*(asked[name] for name in asked))))
        for name in drawn:
            tests = [test for test in ran if own(test, asked[name])]
            drawable = candidates(tree, name, tests, ran)
            for file, mutant in chance.sample(drawable, min(MOST, len(drawable))):
                outcome = broken(tree, name, file, mutant, asked[name])
                print(told(outcome), flush=True)
                if not outcome.survived:
                    noticed.append(name)
                    break
    print(f"{len(noticed)} of {len(drawn)} broken requirements were noticed by their tests")
    return 0 if noticed == drawn else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=12)
    given = parser.parse_args()
    sys.exit(run(Path.cwd(), given.seed, given.count))
