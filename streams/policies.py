"""Policy files: YAML for people, one JSON document in the log."""

import json
import uuid
from importlib.resources import files
from pathlib import Path

import yaml

from processors.policy import Policy, PolicyInvalid, parse
from schemas.events import PolicyActivated
from schemas.fields import EARLIEST_MS

ACTIVATIONS = uuid.UUID("6b3d1f0c-6a3e-5f7b-9a55-3c3e1d0f7a11")


class PolicyFileError(Exception):
    """A policy file cannot be used: the message names file, field, found and allowed."""


def default_file() -> Path:
    """The policy that laurel ships."""
    return Path(str(files("processors").joinpath("default_policy.yaml")))


def load(path: Path) -> tuple[Policy, str]:
    """The policy of a file and its document. Raises `PolicyFileError`."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        message = f"{path}: {error}"
        raise PolicyFileError(message) from error
    try:
        document = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_refuse)
    except (TypeError, ValueError) as error:
        message = f"{path}: {error}"
        raise PolicyFileError(message) from error
    policy = parse(document)
    if isinstance(policy, PolicyInvalid):
        message = f"{path}: {policy}"
        raise PolicyFileError(message)
    return policy, document


def _refuse(value: object) -> None:
    """YAML knows more than JSON: a version like 2024-01-01 is a date unless it is quoted."""
    message = f"found {value}, which YAML takes for a {type(value).__name__}; put it in quotes to make it text"
    raise TypeError(message)


def activation(path: Path, effective_from: int = EARLIEST_MS) -> PolicyActivated:
    """The record that puts a file's policy in force. Its id follows from its content: the same file, the same id."""
    policy, document = load(path)
    return PolicyActivated(str(uuid.uuid5(ACTIVATIONS, document)), policy.version, effective_from, document)
