"""Places where a process may be told to die, so that tests can kill it exactly there.

`LAUREL_CRASH_AT=before-commit:3` ends the process, as `kill -9` would, the third time it comes to that place.
"""

import os

POINTS = ("before-produce", "before-commit", "after-commit", "during-restore")
EXIT_CODE = 86
_name, _, _count = os.environ.get("LAUREL_CRASH_AT", "").partition(":")
_left = int(_count or 1)


def crash_point(name: str) -> None:
    """Die here if the environment says so."""
    global _left  # noqa: PLW0603 - a process dies once
    if name == _name:
        _left -= 1
        if _left <= 0:
            os._exit(EXIT_CODE)
