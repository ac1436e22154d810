"""What flows where, from the registry of topics and the agents that there are: never drawn by hand."""

from collections.abc import Iterator
from typing import NamedTuple

from schemas.topics import AGENTS, INTAKE, TOPICS
from streams.restoring import Tables

SHAPES = {"topic": "[({})]", "agent": "[{}]", "others": "([{}])"}
OTHERS = {
    "upstream": "upstream systems",
    "keyholders": "whoever seals: publishers, workers; laurel erase",
    "operators": "operators",
    "workers": "workers",
}
TABLES = Tables()


class Flow(NamedTuple):
    """A topic with who writes it and who reads it; nobody of laurel's reads what is published for others."""

    topic: str
    writer: str
    readers: tuple[str, ...]
    about: str


def flows() -> Iterator[Flow]:
    """Every topic."""
    read = {
        **dict.fromkeys(INTAKE, ("intake",)),
        TABLES.source: (TABLES.agent,),
        TABLES.changelog: (TABLES.agent,),
        "skips": (TABLES.agent,),
        "keys": ("keyholders",),
        "workers": ("workers",),
    }
    for topic in TOPICS:
        yield Flow(topic.name, topic.writer, read.get(topic.name, ()), topic.about)


def mermaid() -> str:
    """The flows as a Mermaid flowchart."""
    found = list(flows())
    names = dict.fromkeys(name for flow in found for name in (flow.writer, *flow.readers))
    shapes = {name: SHAPES["agent" if name in AGENTS else "others"].format(OTHERS.get(name, name)) for name in names}
    lines = ["flowchart LR", *(f"  {name}{shape}" for name, shape in shapes.items())]
    for flow in found:
        node = f"topic_{flow.topic.replace('-', '_')}"
        lines.append(f"  {flow.writer} --> {node}{SHAPES['topic'].format(flow.topic)}")
        lines += [f"  {node} --> {reader}" for reader in flow.readers]
    return "\n".join(lines)
