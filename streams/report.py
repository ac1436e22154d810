"""What a verification found: comparisons, how many differ, the first difference of each kind."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from rich.table import Table

from streams.console import table

TIMELINE = "timeline"


@dataclass
class Check:
    """One comparison on one partition: how many things were compared, how many differ, and the first that does."""

    invariant: str
    what: str
    partition: int
    compared: int = 0
    differences: int = 0
    first: str = ""

    def differ(self, where: str) -> None:
        """Count a difference."""
        self.differences += 1
        self.first = self.first or where


class Range(NamedTuple):
    """What was read and compared of a partition: offsets from `start`, where a snapshot stood, up to `end`."""

    topic: str
    partition: int
    start: int
    end: int


@dataclass
class Report:
    """All comparisons, what they were made of, and what else people should know."""

    checks: list[Check] = field(default_factory=list)
    ranges: list[Range] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether something was compared and nothing differs."""
        return any(check.compared for check in self.checks) and not any(check.differences for check in self.checks)

    def _sums(self) -> dict[tuple[str, str], tuple[int, int]]:
        sums: defaultdict[tuple[str, str], tuple[int, int]] = defaultdict(lambda: (0, 0))
        for check in self.checks:
            compared, differences = sums[check.invariant, check.what]
            sums[check.invariant, check.what] = (compared + check.compared, differences + check.differences)
        return dict(sums)

    def first_differences(self) -> Iterator[str]:
        """The first difference of each kind, with its position."""
        said = set()
        for check in self.checks:
            if check.differences and (check.invariant, check.what) not in said:
                said.add((check.invariant, check.what))
                yield f"{check.invariant} {check.what}, partition {check.partition}: {check.first}"

    def tables(self) -> tuple[Table, Table]:
        """For people: what was compared, and where the timeline was folded from and to."""
        compared_ones = table("invariant", "compared", "what", "differences")
        for (invariant, what), (compared, differences) in self._sums().items():
            compared_ones.add_row(invariant, str(compared), what, str(differences))
        folded = table("partition", "from offset", "to offset")
        for each in self.folded:
            folded.add_row(f"{each.topic}/{each.partition}", str(each.start), str(each.end))
        return compared_ones, folded

    @property
    def folded(self) -> list[Range]:
        """What of the timeline was folded again."""
        return [each for each in self.ranges if each.topic == TIMELINE]

    def line(self) -> str:
        """In short."""
        compared = sum(check.compared for check in self.checks)
        ranges = ", ".join(f"{each.topic}/{each.partition} {each.start} to {each.end}" for each in self.folded)
        said = "; ".join((*self.first_differences(), *self.notes))
        return f"{'verified' if self.clean else 'NOT verified'}: {compared} compared, {ranges}{said and '; '}{said}"

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "verified": self.clean,
            "checks": [
                {"invariant": invariant, "what": what, "compared": compared, "differences": differences}
                for (invariant, what), (compared, differences) in self._sums().items()
            ],
            "first_differences": list(self.first_differences()),
            "ranges": [
                {"topic": each.topic, "partition": each.partition, "from": each.start, "to": each.end}
                for each in self.ranges
            ],
            "notes": self.notes,
        }
