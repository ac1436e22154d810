"""`laurel config`: settings and flags, and where they come from."""

from cyclopts import App

from streams.console import OK, Json, Laurel, emit, out, table, warn

app = App(
    name="config",
    help="Show settings and where they come from.\n\nExample: laurel config show",
)


@app.command
def show(*, as_json: Json = False, laurel: Laurel) -> int:
    """Show every setting with its value, where it comes from, and what it is for; secrets are hidden.

    A setting comes from, strongest first: its flag, its environment variable, laurel.toml (or the file that
    LAUREL_CONFIG names), its default. Flags of commands that environment or file give are shown too.

    Example: laurel config show --bootstrap broker:9092

    Parameters
    ----------
    as_json
        As JSON lines.
    """
    from streams import configuration

    drawn = table("name", "value", "from", "what it is for")
    for row in (*configuration.rows(), *configuration.flag_rows(laurel)):
        if as_json:
            emit(row._asdict())
        else:
            drawn.add_row(*row)
    if not as_json:
        out().print(drawn)
    for said in configuration.unknown(laurel):
        warn(said)
    return OK
