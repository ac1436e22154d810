"""The flow picture is the code's: every topic and agent is in it, with what really reads and writes."""

import json
import re

from schemas.topics import BY_NAME, INTAKE, TOPICS
from streams import topology
from tests.streams.commands import Caller
from tests.streams.engines import ran
from tests.streams.history import history


def test_what_the_engine_reads_and_writes_is_what_is_drawn(laurel: Caller) -> None:
    flows = {flow["topic"]: flow for flow in map(json.loads, laurel("topology", "--json").out.splitlines())}
    assert set(flows) == set(BY_NAME)
    written = {record.topic for topic in BY_NAME for record in ran(history(3)).logs.all(topic)}
    writers = {topic: flows[topic]["writer"] for topic in written}
    assert {writers[topic] for topic in written & set(INTAKE) - {"messages"}} == {"upstream"}
    assert {writers[topic] for topic in ("timeline", "dead-letters")} == {"intake"}
    assert {writers[topic] for topic in written - set(INTAKE) - {"timeline", "dead-letters"}} == {"customers"}
    assert {topic for topic, flow in flows.items() if "intake" in flow["readers"]} == set(INTAKE)
    assert "customers" in flows["timeline"]["readers"]


def test_as_a_flowchart_every_topic_is_a_node_with_its_edges(laurel: Caller) -> None:
    chart = laurel("topology", "--mermaid").out
    assert chart.startswith("flowchart LR\n")
    drawn = set(re.findall(r"^  (\w+) --> (\w+)", chart, re.MULTILINE))
    for flow in topology.flows():
        node = f"topic_{flow.topic.replace('-', '_')}"
        assert {(flow.writer, node), *((node, reader) for reader in flow.readers)} <= drawn
    assert chart.count("[(") == len(TOPICS)


def test_for_people_it_is_a_table(laurel: Caller) -> None:
    said = laurel("topology").out
    assert all(topic.name in said and topic.about in said for topic in TOPICS)
