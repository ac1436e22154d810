"""A second fold beside the first, in a process with another time zone, hash seed, wall clock and batch size (I-5)."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import IO, Self, cast

from streams.report import Check
from streams.settings import Settings
from streams.snapshots import Snapshot

Ask = Callable[[int, int, Snapshot | None], None]
"""Have a partition folded up to an offset, from its first record or from a snapshot."""


class Elsewhere:
    """The other process. It folds one partition after another, as they are asked for, while its asker folds itself."""

    def __init__(self, settings: Settings) -> None:
        environment = os.environ | {"TZ": "Pacific/Kiritimati", "PYTHONHASHSEED": "4711"}
        environment |= {"LAUREL_BOOTSTRAP": settings.bootstrap, "LAUREL_NAMESPACE": settings.namespace}
        environment["LAUREL_KAFKA"] = json.dumps(settings.kafka)
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "streams.refolding"],
            env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def ask(self, partition: int, until: int, start: Snapshot | None) -> None:
        """See `Ask`; the answer comes with `compare`."""
        questions = cast("IO[str]", self._process.stdin)
        with suppress(BrokenPipeError):  # it has ended: what it said is told with the answers that are missing
            questions.write(json.dumps([partition, until, str(start.path) if start else None]) + "\n")
            questions.flush()

    def compare(self, digests: dict[int, tuple[int, str]]) -> list[Check]:
        """What was found of partitions that were asked for, beside their positions and digests here. Waits for it."""
        said, trouble = self._process.communicate()
        found = answers(said)
        checks = []
        for partition, (position, digest) in digests.items():
            check = Check("I-5", "partitions folded again elsewhere", partition, compared=1)
            if found.get(partition) != digest:
                check.differ(f"up to {position}: {found.get(partition) or trouble.strip()[-300:]} is not {digest}")
            checks.append(check)
        return checks


def answers(said: str) -> dict[int, str]:
    """The digests that it came to, by partition; of a line within which it ended, nothing."""
    return {line["partition"]: line["digest"] for line in map(json.loads, said.split("\n")[:-1])}
