"""Flags: each setting is one, and each flag of a command is a variable and a key of the file too.

A flag `--every` of `laurel verify` comes from, strongest first: the call, `LAUREL_VERIFY_EVERY`, `every` in the table
`[command.verify]` of the file, its default. Settings stand before, between or after the words of any command.
"""

import inspect
import os
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from typing import Annotated, Any, NamedTuple, get_origin

from cyclopts import (
    App,
    ArgumentCollection,
    CycloptsError,
    Group,
    MissingArgumentError,
    Parameter,
    Token,
    UnknownOptionError,
)
from cyclopts.argument import Argument
from pydantic.fields import FieldInfo

from streams.settings import COMMAND, FLAGS, Settings, config_file, in_file

Path = tuple[str, ...]
"""A command's words, as ("dead-letters", "list")."""
Words = Annotated[str, Parameter(show=False, allow_leading_hyphen=True)]
SETTINGS = Group("Settings", show=False)
"""Completed everywhere, and listed by `laurel config show` instead of on every page."""


class Flag(NamedTuple):
    """A flag of a command: how it is called in the environment and in the file, and what it is for."""

    command: Path
    name: str
    about: str

    @property
    def variable(self) -> str:
        """The environment variable."""
        return "_".join(("LAUREL", *self.command, self.name)).replace("-", "_").upper()

    @property
    def key(self) -> str:
        """Its place in the file."""
        return f"{table(self.command)} {self.name}"


class Given(NamedTuple):
    """What a source says, and which one it is."""

    origin: str
    values: tuple[str, ...]


def table(command: Path) -> str:
    """The head of a command's table in the file."""
    return f"[{'.'.join((COMMAND, *command))}]"


def commands(app: App, command: Path = ()) -> Iterator[tuple[Path, App]]:
    """Every command and group below an app, with the words that call it."""
    for name in app:
        if not name.startswith("-"):
            yield (*command, name), app[name]
            yield from commands(app[name], (*command, name))


def flags(app: App, command: Path) -> list[Flag]:
    """Every flag of a command; what it takes by place is none."""
    if app.default_command is None:
        return []
    arguments = app.assemble_argument_collection(parse_docstring=True)
    return [Flag(command, _name(each), each.parameter.help or "") for each in arguments if _is_flag(each)]


def launcher(app: App) -> Callable[..., Any]:
    """Take the settings off a call and run its command with the rest; a parameter that is not parsed gets the app."""

    def launch(*words: Words, **settings: Any) -> Any:
        FLAGS.clear()
        FLAGS.update({name: _setting(name, value) for name, value in settings.items()})
        check(app, in_file().get(COMMAND, {}))
        command, bound, unparsed = app.parse_args(words)
        return command(*bound.args, **bound.kwargs, **dict.fromkeys(unparsed, app))

    others, _ = inspect.signature(launch).parameters.values()
    settings = [_as_parameter(name, field) for name, field in Settings.model_fields.items()]
    launch.__dict__["__signature__"] = inspect.Signature([others, *settings])  # what cyclopts reads
    return launch


def epilogue(command: Path, app: App) -> str:
    """What a command's page says about giving its flags otherwise."""
    said = (
        "Settings are flags too, before or after the command, such as `--bootstrap`; `laurel config show` lists them."
    )
    if app.default_command is not None and any(map(_is_flag, app.assemble_argument_collection())):
        pattern = Flag(command, "<FLAG>", "")
        said = f"Each flag is also a variable, `{pattern.variable}`, and a key of `{table(command)}` in laurel.toml. {said}"
    return said


def explain(error: CycloptsError) -> str:
    """What is wrong with a call, and where its command is described."""
    command = " ".join(error.command_chain or ())
    text = str(error) if str(error).endswith("...") else str(error).removesuffix(".")
    if isinstance(error, MissingArgumentError) and error.argument is not None and not error.keyword:
        name = error.argument.name
        text = f"{command} needs {name if error.argument.index is None else name.lstrip('-').upper()}"
    elif isinstance(error, UnknownOptionError):
        name = (error.token.keyword or error.token.value).partition("=")[0]
        settings = {f"--{_dashed(each)}" for each in Settings.model_fields}
        text += "" if "Did you mean" in text else nearest(name, settings)
    return f"{text} (laurel {command}{command and ' '}--help)"


def fill(_: App, command: Path, arguments: ArgumentCollection) -> None:
    """Give what the call left open its value from environment or file: cyclopts' hook."""
    for argument in arguments if command else ():
        if _is_flag(argument) and not argument.tokens:
            flag = Flag(command, _name(argument), "")
            if (given := found(flag)) is not None:
                for index, value in enumerate(given.values):
                    argument.append(Token(keyword=given.origin, value=value, source=given.origin, index=index))


def found(flag: Flag) -> Given | None:
    """What environment or file say of a flag, if they do."""
    if (value := os.environ.get(flag.variable)) is not None:
        return Given(flag.variable, (value,))
    level: Any = in_file()
    for name in (COMMAND, *flag.command, flag.name):
        level = {_dashed(key): inner for key, inner in level.items()}.get(name)
        if level is None:
            return None
    values = level if isinstance(level, list) else [level]
    return Given(f"{config_file()} {flag.key}", tuple(map(_text, values)))


def check(app: App, told: Any, command: Path = ()) -> None:
    """Raise `CycloptsError` where the file's tables of commands name what is not there."""
    if not isinstance(told, dict):
        raise CycloptsError(msg=f"{config_file()}: {table(command)} must be a table, found {told!r}")
    inner = {name for name in app if not name.startswith("-")}
    known = inner | {flag.name for flag in flags(app, command)}
    for key, value in told.items():
        name = _dashed(key)
        if name not in known:
            raise CycloptsError(msg=f"{config_file()}: {table(command)} has no {key}{nearest(name, known)}")
        if name in inner:
            check(app[name], value, (*command, name))
        elif isinstance(value, dict):
            raise CycloptsError(msg=f"{config_file()}: {table(command)} {key} must be a value, found a table")


def nearest(name: str, known: set[str]) -> str:
    """What may have been meant; nothing where nothing is near."""
    close = get_close_matches(name, sorted(known), n=1, cutoff=0.7)
    return f"; did you mean {close[0]}?" if close else ""


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _dashed(key: str) -> str:
    """Keys are written as flags are, or as settings are."""
    return key.replace("_", "-")


def _is_flag(argument: Argument) -> bool:
    """A parameter of several flags is none itself."""
    return argument.parse and argument.index is None and not argument.children


def _name(argument: Argument) -> str:
    return argument.name.lstrip("-")


def _as_parameter(name: str, field: FieldInfo) -> inspect.Parameter:
    """A setting as a parameter of the launcher, which hears only of those given; a table's entries are flags each."""
    is_table, is_switch = get_origin(field.annotation) is dict, field.annotation is bool
    hint: Any = list[str] if is_table else field.annotation
    hint, default = (hint, False) if is_switch else (hint | None, None)
    negative = f"--no-{_dashed(name)}" if is_switch else ()
    annotation = Annotated[hint, Parameter(help=field.description, group=SETTINGS, negative=negative)]
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _setting(name: str, value: Any) -> Any:
    """As pydantic takes it: `--kafka security.protocol=SSL --kafka ...` is a table."""
    if not isinstance(value, list):
        return value
    pairs = [word.partition("=") for word in value]
    for key, equals, _ in pairs:
        if not (key and equals):
            raise CycloptsError(msg=f"found --{name} {key}; key=value is needed, as security.protocol=SSL")
    return {key: entry for key, _, entry in pairs}
