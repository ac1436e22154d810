"""`deploy/runbooks/faults.md`: the table of faults with what the last soak saw."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.faults.table import FAULTS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.faults.arena import Fault, Seen

PAGE = Path(__file__).parents[2] / "deploy" / "runbooks" / "faults.md"
HEAD = """# What each fault looks like

Each fault that `bash deploy/soak.sh MINUTES [SEED]` causes, with the metric that moves and the alert that then fires. The
soak asserts both over its own Prometheus, with `for` in seconds instead of minutes. A fault is over when every process
answers again; recovery is the time from then until every partition was folded further. `LAUREL_SOAK_TABLE=1` writes this
page anew.

| fault | what is done | what moves | what fires | done | moved | fired | worst recovery (s) |
| --- | --- | --- | --- | ---: | ---: | ---: | ---: |
"""


def row(fault: Fault) -> str:
    """What the table says of a fault, before anything was seen of it."""
    alert = f"[{fault.fires}]({fault.fires}.md)"
    return f"| {fault.name} | {fault.what} | `{fault.moves}` | {alert} |"


def write(seen: Iterable[Seen], minutes: float, seed: int, commit: str, line: dict[str, Any]) -> None:
    """Write the page."""
    found = list(seen)
    lines = []
    for fault in FAULTS:
        ours = [one for one in found if one.fault is fault]
        worst = f"{max(one.recovered_s for one in ours):.1f}" if ours else ""
        cells = (len(ours), sum(one.moved for one in ours), sum(one.fired for one in ours), worst)
        lines.append(f"{row(fault)} {' | '.join(map(str, cells))} |\n")
    foot = (
        f"\n`bash deploy/soak.sh {minutes:g} {seed}`, commit {commit}, three workers and three brokers on two cores:\n"
    )
    PAGE.write_text(f"{HEAD}{''.join(lines)}{foot}\n```json\n{json.dumps(line, indent=1)}\n```\n")
