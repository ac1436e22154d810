"""Every version of every contract that was ever committed, in `schemas/history/<Name>/<fingerprint>.avsc`.

After a contract changed on purpose, `python -m tests.contracts.history` adds its present version; what is there stays.
A version is kept in Avro's parsing canonical form: what a writer of that version put on the wire.
"""

import json
from pathlib import Path
from typing import Any

from fastavro.schema import fingerprint, to_parsing_canonical_form

from schemas.codec import TYPES, load_schema

HISTORY = Path(__file__).parents[2] / "schemas" / "history"


def present(name: str) -> tuple[str, Any]:
    """Fingerprint and parsing form of a contract as it is now."""
    form = to_parsing_canonical_form(load_schema(name))
    return fingerprint(form, "CRC-64-AVRO"), json.loads(form)


def committed() -> dict[str, dict[str, Any]]:
    """By contract and fingerprint, every version that was committed."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(HISTORY.glob("*/*.avsc")):
        found.setdefault(path.parent.name, {})[path.stem] = json.loads(path.read_text())
    return found


def add_present() -> None:
    """Write the present version of each contract, where it is not there yet."""
    for kind in TYPES:
        mark, form = present(kind.__name__)
        path = HISTORY / kind.__name__ / f"{mark}.avsc"
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.write_text(json.dumps(form, indent=2) + "\n")


if __name__ == "__main__":
    add_present()
