"""Whole systems on a real broker: topics of their own, workers as processes, and what they hold."""

import os


def own_namespace() -> str:
    """A prefix for topics, groups and transactional ids that nobody else has; for what several tests share."""
    return f"t{os.urandom(4).hex()}-"
