"""Policy files: YAML for people, one JSON document in the log."""

import json
import re
import uuid
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from processors.policy import Policy, parse
from processors.policy_errors import PolicyInvalid
from schemas.events import PolicyActivated
from schemas.fields import EARLIEST_MS

ACTIVATIONS = uuid.UUID("6b3d1f0c-6a3e-5f7b-9a55-3c3e1d0f7a11")


class PolicyFileError(Exception):
    """A policy file cannot be used: the message names file, line, field, found and allowed."""


def default_file() -> Path:
    """The policy that laurel ships."""
    return Path(str(files("processors").joinpath("default_policy.yaml")))


def load(path: Path) -> tuple[Policy, str]:
    """The policy of a file and its document. Raises `PolicyFileError`."""
    try:
        content, node = _read(path)
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
        message = f"{path}:{_line(node, policy.path)}: {policy}"
        raise PolicyFileError(message)
    return policy, document


def _read(path: Path) -> tuple[Any, yaml.Node | None]:
    """What a file says, and where it says it."""
    loader = yaml.SafeLoader(path.read_text(encoding="utf-8"))
    try:
        node = loader.get_single_node()
        if node is None:
            return None, None
        _refuse_doubles(node)
        return loader.construct_document(node), node
    finally:
        loader.dispose()


def _refuse_doubles(node: yaml.Node) -> None:
    """YAML takes the last of two entries of one name, and says nothing of the first."""
    inner = []
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for name, value in node.value:
            line = name.start_mark.line + 1
            if (before := seen.setdefault(str(name.value), line)) != line:
                raise yaml.YAMLError(f"line {line}: {name.value} is there already, in line {before}")
            inner.append(value)
    elif isinstance(node, yaml.SequenceNode):
        inner = node.value
    for each in inner:
        _refuse_doubles(each)


def _line(node: yaml.Node | None, path: str) -> int:
    """The line of what a path like `$.tiers[0].name` names, or of what should hold it."""
    if node is None:
        return 1
    mark = node.start_mark
    for key, index in re.findall(r"\.([\w-]+)|\[(\d+)\]", path):
        entries: list[tuple[yaml.Node, yaml.Node]] = []
        if isinstance(node, yaml.MappingNode):
            entries = [(name, value) for name, value in node.value if name.value == key]
        elif isinstance(node, yaml.SequenceNode) and index:
            entries = [(value, value) for value in node.value[int(index) : int(index) + 1]]
        if not entries:
            break
        named, node = entries[0]
        mark = named.start_mark
    return int(mark.line) + 1


def _refuse(value: object) -> None:
    """YAML knows more than JSON: a version like 2024-01-01 is a date unless it is quoted."""
    message = f"found {value}, which YAML takes for a {type(value).__name__}; put it in quotes to make it text"
    raise TypeError(message)


def activation(path: Path, effective_from: int = EARLIEST_MS) -> PolicyActivated:
    """The record that puts a file's policy in force. Its id follows from its content: the same file, the same id."""
    policy, document = load(path)
    return PolicyActivated(str(uuid.uuid5(ACTIVATIONS, document)), policy.version, effective_from, document)
