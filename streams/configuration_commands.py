"""`laurel config`: settings, and where they come from."""

import json
import sys

from cyclopts import App
from rich.table import Table

from streams.console import OK, Json, out

app = App(name="config", help="Show settings and where they come from.")


@app.command
def show(*, as_json: Json = False) -> int:
    """Show every setting with its value, where it comes from, and what it is for.

    Example: laurel config show

    Parameters
    ----------
    as_json
        For programs.
    """
    from streams import configuration

    rows = configuration.rows()
    if as_json:
        sys.stdout.write(json.dumps([row._asdict() for row in rows]) + "\n")
        return OK
    table = Table("setting", "value", "from", "what it is for")
    for row in rows:
        table.add_row(row.name, row.value, row.origin, row.about)
    out().print(table)
    return OK
