"""The pages of the command and its settings, from the code: `python -m deploy.commands` writes them anew."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from pydantic_core import PydanticUndefined

from streams import flags
from streams.cli import EXIT_CODES, app
from streams.settings import COMMAND, Settings

PAGE = Path(__file__).with_name("commands.md")
VERIFY = flags.Flag(("verify",), "every", "")
INTRODUCTION = f"""\
<!-- Written by `python -m deploy.commands`; what stands here is said in the code. -->

Every page here is what `laurel COMMAND --help` shows. `laurel completion bash`, `zsh` or `fish` prints the script that
completes commands, flags and values.

A flag of a command may also be given as an environment variable or in `laurel.toml` (or the file that `LAUREL_CONFIG`
names): `--every` of `laurel verify` is `{VERIFY.variable}`, and `every` in the table `{flags.table(VERIFY.command)}`. A
[setting](#settings) is a flag of every command, before or after its words, and `LAUREL_<NAME>`, and a key at the top of
the file. What is said in the call is stronger than the environment, and that than the file; `laurel config show` says of
each where it comes from. A flag that is on elsewhere is turned off in the call by `--json=false`.

```toml
bootstrap = "broker-1:9092,broker-2:9092"

[kafka]
"security.protocol" = "SSL"

[{COMMAND}.verify]
every = "6h"

[{COMMAND}.dead-letters.list]
last = 50
```

With `--json`, a command prints one object, or one a line; results go to standard output, everything else to standard
error. {EXIT_CODES}
"""


def page() -> str:
    """The whole page, as it stands in the file."""
    title, _, pages = _documented().partition("\n")
    pages = re.sub(r"^Example: (.*)", r"Example: `\1`", pages.strip(), flags=re.MULTILINE)
    return "\n".join((f"{title}, the command", "", INTRODUCTION, pages, "", *_settings(), ""))


def _documented() -> str:
    started_as, sys.argv = sys.argv, ["laurel"]  # from which cyclopts takes the name in its usage lines
    try:
        return app.generate_docs()
    finally:
        sys.argv = started_as


def _settings() -> Iterator[str]:
    yield "## Settings"
    yield ""
    yield "| flag | variable | default | what it is for |"
    yield "| ---- | -------- | ------- | -------------- |"
    for name, field in Settings.model_fields.items():
        default = "" if field.default in (PydanticUndefined, "", {}) else f"`{field.default}`"
        yield f"| `--{name.replace('_', '-')}` | `LAUREL_{name.upper()}` | {default} | {field.description} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
