"""What a verification found: comparisons, how many differ, the first difference of each kind."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from rich.table import Table as RichTable


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


@dataclass
class Report:
    """All comparisons."""

    checks: list[Check] = field(default_factory=list)

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

    def table(self) -> RichTable:
        """For people."""
        table = RichTable("invariant", "compared", "what", "differences")
        for (invariant, what), (compared, differences) in self._sums().items():
            table.add_row(invariant, str(compared), what, str(differences))
        return table

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "verified": self.clean,
            "checks": [
                {"invariant": invariant, "what": what, "compared": compared, "differences": differences}
                for (invariant, what), (compared, differences) in self._sums().items()
            ],
            "first_differences": list(self.first_differences()),
        }
