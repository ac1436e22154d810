"""Every setting with its value and origin, secrets hidden."""

import json
import os
import tomllib
from typing import NamedTuple

from pydantic import ValidationError

from streams.settings import Settings, config_file

SECRET = ("password", "secret", "token", "key", "user.info")


class Row(NamedTuple):
    """One setting."""

    name: str
    value: str
    origin: str
    about: str


def rows() -> list[Row]:
    """All settings, in the order of their declaration. Raises pydantic's error for one that is wrong."""
    settings = Settings()
    path = config_file()
    in_file = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return [
        Row(name, _shown(getattr(settings, name)), _origin(name, in_file, str(path)), field.description or "")
        for name, field in Settings.model_fields.items()
    ]


def explain(error: ValidationError) -> str:
    """What is wrong with which settings, and what was found; a secret is not repeated."""
    return "; ".join(
        f"setting {'.'.join(map(str, each['loc']))}: {each['msg']}, found {_found(each['loc'], each['input'])}"
        for each in error.errors()
    )


def _found(place: tuple[str | int, ...], value: object) -> str:
    if place[0] == "registry_url":
        return "***"  # what is wrong with it may be a password
    return (
        "***" if place[0] in {"kafka", "registry"} and (len(place) == 1 or _is_secret(str(place[-1]))) else repr(value)
    )


def _is_secret(name: str) -> bool:
    return any(word in name.lower() for word in SECRET)


def _origin(name: str, in_file: dict[str, object], path: str) -> str:
    variable = f"LAUREL_{name.upper()}"
    if variable in os.environ or any(key.startswith(variable + "__") for key in os.environ):
        return variable
    return path if name in in_file else "default"


def _shown(value: object) -> str:
    if isinstance(value, dict):
        hidden = {key: "***" if _is_secret(key) else item for key, item in value.items()}
        return json.dumps(hidden)
    return str(value)
