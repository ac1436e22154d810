"""Every setting with its value and origin, secrets hidden."""

import json
import os
from collections.abc import Iterator
from typing import Any, NamedTuple

from cyclopts import App
from pydantic import ValidationError

from streams.flags import commands, flags, found, nearest
from streams.settings import FLAGS, NAMED, Settings, config_file, in_file

SECRET = ("password", "secret", "token", "key", "user.info")
PREFIX = "LAUREL_"
ELSEWHERE = (NAMED, "LAUREL_BROKER_")
"""What else reads variables with this prefix: where the file is, and docker-compose.yml."""


class Row(NamedTuple):
    """One setting, or one flag of a command that something but a call gives."""

    name: str
    value: str
    origin: str
    about: str


def rows() -> list[Row]:
    """All settings, in the order of their declaration. Raises pydantic's error for one that is wrong."""
    settings, file = Settings(), in_file()
    return [
        Row(name, _shown(name, getattr(settings, name)), _origin(name, file), field.description or "")
        for name, field in Settings.model_fields.items()
    ]


def flag_rows(app: App) -> Iterator[Row]:
    """Flags of commands that environment or file give."""
    for command, each in commands(app):
        for flag in flags(each, command):
            if (given := found(flag)) is not None:
                name = f"{' '.join(command)} --{flag.name}"
                yield Row(name, _shown(flag.name, " ".join(given.values)), given.origin, flag.about)


def unknown(app: App) -> Iterator[str]:
    """Environment variables that look like ours and are not: unlike the file's keys, they may be others'."""
    settings = {f"{PREFIX}{name}".upper() for name in Settings.model_fields}
    known = settings | {flag.variable for command, each in commands(app) for flag in flags(each, command)}
    for variable in sorted(os.environ):
        if variable.startswith(PREFIX) and not variable.startswith(ELSEWHERE):
            name = variable.upper().partition("__")[0]
            if name not in known:
                yield f"{variable} is no setting and no flag{nearest(name, known)}"


def explain(error: ValidationError) -> str:
    """What is wrong with which settings, and what was found; a secret is not repeated."""
    return "; ".join(
        f"setting {'.'.join(map(str, each['loc']))}: {_wrong(each)}, found {_found(each['loc'], each['input'])}"
        for each in error.errors()
    )


def _wrong(error: Any) -> str:
    """Pydantic's words, but for a setting that is none."""
    if error["type"] != "extra_forbidden":
        return str(error["msg"])
    return f"there is no such setting{nearest(str(error['loc'][0]), set(Settings.model_fields))}"


def _found(place: tuple[str | int, ...], value: object) -> str:
    if place[0] == "registry_url":
        return "***"  # what is wrong with it may be a password
    return (
        "***" if place[0] in {"kafka", "registry"} and (len(place) == 1 or _is_secret(str(place[-1]))) else repr(value)
    )


def _is_secret(name: str) -> bool:
    return any(word in name.lower() for word in SECRET)


def _origin(name: str, in_file: dict[str, Any]) -> str:
    """Strongest first; a table's entries may come from several."""
    variable = f"{PREFIX}{name.upper()}"
    origins = (
        *([f"--{name.replace('_', '-')}"] if name in FLAGS else ()),
        *sorted(key for key in os.environ if key == variable or key.startswith(variable + "__")),
        *([str(config_file())] if name in in_file else ()),
    )
    several = Settings.model_fields[name].annotation == dict[str, str]
    return ", ".join(origins if several else origins[:1]) or "default"


def _shown(name: str, value: object) -> str:
    if isinstance(value, dict):
        return json.dumps({key: "***" if _is_secret(key) else item for key, item in value.items()})
    return "***" if _is_secret(name) else str(value)
