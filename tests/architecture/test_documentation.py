"""What people look up is written down: commands, and the states and exit codes that scripts rely on."""

import pytest
from cyclopts import App

from streams import cli, console
from tests.architecture.packages import PACKAGES, ROOT

README = (ROOT / "README.md").read_text()


def commands(app: App = cli.app, path: str = "laurel") -> list[str]:
    """Every command as it is typed."""
    found = []
    for name in app:
        if not name.startswith("-"):
            found += commands(app[name], f"{path} {name}") or [f"{path} {name}"]
    return found


@pytest.mark.parametrize("command", commands())
def test_the_readme_shows_every_command(command: str) -> None:
    assert command in README


def test_the_readme_explains_the_exit_codes() -> None:
    assert (console.OK, console.FAILED, console.BAD_INPUT, console.NOT_THERE) == (0, 1, 2, 3)
    for said in ("Exit codes: 0 done; 1 ", "; 2 ", "; 3 "):
        assert said in README.replace("\n", " ")


def test_the_readme_points_to_files_that_are_there() -> None:
    for line in README.splitlines():
        for part in line.split("](")[1:]:
            target = part.partition(")")[0]
            if "://" not in target:
                assert (ROOT / target).exists(), target


@pytest.mark.parametrize("package", PACKAGES)
def test_the_readme_says_what_each_package_is(package: str) -> None:
    assert f"`{package}" in README
