"""Remove every topic and group of one demo from a broker that was there before it: those of LAUREL_NAMESPACE."""

from __future__ import annotations

import sys

from confluent_kafka import KafkaException

from schemas.topics import AGENTS
from streams.kafka import TIMEOUT_S, admin
from streams.settings import Settings


def clear(settings: Settings) -> None:
    """Delete them. Raises `KafkaException` where the broker refuses."""
    asking = admin(settings)
    topics = [topic for topic in asking.list_topics(timeout=TIMEOUT_S).topics if topic.startswith(settings.namespace)]
    groups = [settings.group(agent) for agent in AGENTS]
    there = {group.group_id for group in asking.list_consumer_groups(request_timeout=TIMEOUT_S).result().valid}
    deletions = dict(asking.delete_topics(topics)) if topics else {}
    if left := [group for group in groups if group in there]:
        deletions |= asking.delete_consumer_groups(left)
    for deletion in deletions.values():
        deletion.result()


def main() -> int:
    """Clear; exit code 1, with the broker's reason, where that fails."""
    settings = Settings()
    if not settings.namespace.startswith("demo-"):
        print(f"found the namespace {settings.namespace!r}; a demo's begins with demo-", file=sys.stderr)
        return 2
    try:
        clear(settings)
    except KafkaException as error:
        print(f"{settings.namespace}* is still at {settings.bootstrap}: {error.args[0].str()}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
