"""`laurel help` and `laurel completion`: finding one's way."""

import sys
from typing import Literal

from streams.console import BAD_INPUT, OK, Laurel, fail, out

ZSH = "\ncompdef _cyclopts_laurel laurel\n"
"""Zsh's script is made to lie in a folder where zsh looks; whoever evaluates it must say so."""
Shell = Literal["bash", "zsh", "fish"]


def help_(*words: str, laurel: Laurel) -> int:
    """Show what a command does and takes, as its --help does.

    Example: laurel help dead-letters redrive

    Parameters
    ----------
    words
        The command's words; none for all commands.
    """
    laurel((*words, laurel.help_flags[0]))
    return OK


def completion(shell: Shell | None = None, /, *, install: bool = False, laurel: Laurel) -> int:
    """Print the script that lets a shell complete commands, flags and values.

    Example: eval "$(laurel completion bash)"

    Parameters
    ----------
    shell
        The one that is running where none is given.
    install
        Write it to where the shell finds it from its next start on, and say where that is.
    """
    from cyclopts.completion import ShellDetectionError

    try:
        if install:
            out().print(f"written to {laurel.install_completion(shell=shell)}")
        else:
            script = laurel.generate_completion(shell=shell)
            sys.stdout.write(script + (ZSH if script.startswith("#compdef") else ""))
    except ShellDetectionError as error:
        return fail(f"{error}; name it: bash, zsh or fish", BAD_INPUT)
    return OK
