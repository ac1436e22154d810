"""Finding one's way: completion in real shells, and pages that a terminal of eighty columns holds."""

import os
import pty
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from streams import cli, flags
from tests.streams.commands import START, Caller, environment, run

SHELLS = [shell for shell in ("bash", "zsh", "fish") if shutil.which(shell)]
"""Those of this machine; bash is everywhere that the tests run."""
ASK = """
source "$1"
shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}; COMPREPLY=()
_laurel laurel "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""
"""What bash offers for the last of some words, as it asks when one presses the tabulator key."""
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give bash's script."""
    path = tmp_path_factory.mktemp("completion") / "laurel.bash"
    path.write_text(run("completion", "bash").out)
    return path


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("ver",), {"verify"}),
        (("",), {words[0] for words, _ in flags.commands(cli.app)}),
        (("dead-letters", ""), {"list", "show", "redrive"}),
        (("tail", "tier"), {"tier-changes"}),
        (("tail", "orders", "--fol"), {"--follow"}),
        (("verify", "--boot"), {"--bootstrap"}),
        (("--bootstrap", "broker:9092", "why", "ada", "--ti"), {"--tier", "--tick-every-s", "--tick-idle-s", "--time-zone"}),
        (("explain", "x", "--for", ""), {"customer", "agent", "auditor"}),
        (("worker", "--clock", ""), {"wall", "events"}),
        (("completion", ""), {"bash", "zsh", "fish"}),
    ],
    ids=lambda each: "" if isinstance(each, set) else " ".join(each),
)  # fmt: skip
def test_bash_completes_commands_flags_and_values(script: Path, words: tuple[str, ...], offered: set[str]) -> None:
    done = subprocess.run(
        ["bash", "-c", ASK, "bash", script, "laurel", *words], capture_output=True, text=True, check=True
    )
    assert set(done.stdout.split()) == offered, done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_there_is_a_script_for_each_shell(laurel: Caller, shell: str) -> None:
    answer = laurel("completion", shell)
    assert answer.code == 0
    for words, _ in flags.commands(cli.app):
        assert words[-1] in answer.out


TRIED = {
    "bash": ("complete -p laurel", "complete -F _laurel laurel"),
    "zsh": ("print $_comps[laurel]", "_cyclopts_laurel"),
    "fish": ('complete -C "laurel tail tier"', "tier-changes"),
}
"""What to ask a shell that has evaluated its script, and the answer."""
BEFORE = {"zsh": "autoload -Uz compinit; compinit -u -D;"}


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_that_evaluates_its_script_completes(tmp_path: Path, shell: str) -> None:
    (tmp_path / "script").write_text(run("completion", shell).out)
    ask, answer = TRIED[shell]
    done = subprocess.run(
        [shell, "-c", f"{BEFORE.get(shell, '')} source {tmp_path}/script; {ask}"],
        env=os.environ | {"HOME": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.stdout.strip(), done.stderr) == (answer, "")


def test_the_running_shell_s_is_printed_where_none_is_named(laurel: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZSH_VERSION", "5.9")
    assert laurel("completion").out == laurel("completion", "zsh").out


def test_it_is_written_to_where_the_shell_looks(
    laurel: Caller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    answer = laurel("completion", "bash", "--install")
    assert answer.code == 0
    path = Path(answer.out.strip().removeprefix("written to "))
    assert path.is_relative_to(tmp_path)
    assert path.read_text() == laurel("completion", "bash").out


def on_terminal(*words: str, columns: int = 80, **variables: str) -> str:
    """What a person sees who calls the command on a terminal of so many columns."""
    ours, theirs = pty.openpty()
    seen = b""
    with subprocess.Popen(
        [*START, *words],
        env=environment() | {"COLUMNS": str(columns), "TERM": "xterm-256color"} | variables,
        stdout=theirs, stderr=theirs, stdin=subprocess.DEVNULL,
    ):  # fmt: skip
        os.close(theirs)
        while part := _read(ours):
            seen += part
    os.close(ours)
    return seen.decode().replace("\r\n", "\n")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1 << 16)
    except OSError:  # how Linux says that the other end is closed
        return b""


@pytest.mark.parametrize(
    "words", [("--help",), ("dead-letters", "redrive", "--help"), ("topology",), ("config", "show")], ids=" ".join
)
def test_eighty_columns_hold_a_page_and_a_table(words: tuple[str, ...]) -> None:
    seen = on_terminal(*words)
    assert ESCAPE.search(seen), "a terminal has colours"
    lines = ESCAPE.sub("", seen).splitlines()
    assert len(lines) > 10
    assert max(map(len, lines)) <= 80


def test_a_narrow_terminal_cuts_nothing_off() -> None:
    """An id is no use without its end."""
    given = "client-" + "0123456789" * 20
    seen = ESCAPE.sub("", on_terminal("config", "show", "--kafka", f"client.id={given}"))
    _, head, *lines = seen.splitlines()
    column = slice(head.index("value"), head.index("from"))
    assert given in "".join(line[column].strip() for line in lines)
    assert "…" not in seen


def test_without_colours_there_are_none() -> None:
    """https://no-color.org: bold and the like may stay."""
    colour = re.compile(r"\x1b\[[0-9;]*(?:3[0-8]|4[0-8]|9[0-7])m")
    assert colour.search(on_terminal("verify", "--help"))
    assert not colour.search(on_terminal("verify", "--help", NO_COLOR="1"))
    assert colour.search(on_terminal("nonsense"))
    assert not colour.search(on_terminal("nonsense", NO_COLOR="1"))


def test_without_a_terminal_no_line_is_broken_drawn_or_coloured(
    laurel: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    said = laurel("topology").out
    assert re.search(
        r"^orders +upstream +intake +orders and subscriptions, and what becomes of them *$", said, re.MULTILINE
    )
    assert not re.search(r"[\x1b│─┃━]", said)
