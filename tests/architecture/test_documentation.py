"""What people look up is written down: commands, and the states and exit codes that scripts rely on."""

import pytest

from deploy import commands
from streams import cli, console, flags
from streams.settings import Settings
from tests.architecture.packages import PACKAGES, ROOT

README = (ROOT / "README.md").read_text()


@pytest.mark.parametrize("words", [words for words, _ in flags.commands(cli.app)], ids=" ".join)
def test_there_is_a_page_for_every_command(words: tuple[str, ...]) -> None:
    level = "#" * (1 + len(words))
    assert f"\n{level} laurel {' '.join(words)}\n" in commands.PAGE.read_text()


def test_the_pages_are_the_code_s() -> None:
    assert commands.PAGE.read_text() == commands.page(), "python -m deploy.commands writes them anew"


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_there_too(name: str) -> None:
    assert f"`LAUREL_{name.upper()}`" in commands.PAGE.read_text()


def test_the_readme_explains_the_exit_codes() -> None:
    assert (console.OK, console.FAILED, console.BAD_INPUT, console.NOT_THERE) == (0, 1, 2, 3)
    for said in ("Exit codes: 0 done; 1 ", "; 2 ", "; 3 "):
        assert said in README.replace("\n", " ")
        assert said in cli.EXIT_CODES


def test_the_readme_points_to_files_that_are_there() -> None:
    for line in README.splitlines():
        for part in line.split("](")[1:]:
            target = part.partition(")")[0]
            if "://" not in target:
                assert (ROOT / target).exists(), target


@pytest.mark.parametrize("package", PACKAGES)
def test_the_readme_says_what_each_package_is(package: str) -> None:
    assert f"`{package}" in README
