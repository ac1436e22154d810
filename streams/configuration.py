"""Every setting with its value and origin, secrets hidden."""

import json
import os
import tomllib
from typing import NamedTuple

from streams.settings import Settings, config_file

SECRET = ("password", "secret", "token", "key")


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


def _origin(name: str, in_file: dict[str, object], path: str) -> str:
    variable = f"LAUREL_{name.upper()}"
    if variable in os.environ or any(key.startswith(variable + "__") for key in os.environ):
        return variable
    return path if name in in_file else "default"


def _shown(value: object) -> str:
    if isinstance(value, dict):
        hidden = {key: "***" if any(word in key.lower() for word in SECRET) else item for key, item in value.items()}
        return json.dumps(hidden)
    return str(value)
