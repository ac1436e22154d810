"""`laurel erase`: make what a person said unreadable, wherever it stands."""

import getpass
import sys
from collections.abc import Sized
from datetime import date, timedelta
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from streams.console import BAD_INPUT, FAILED, OK, Json, emit, fail, out, progress
from streams.settings import Settings

if TYPE_CHECKING:
    from streams.erasure import Survey

SHOWN = 20


def erase(
    customer: str,
    /,
    *,
    reason: str,
    by: str | None = None,
    role: str = "operator",
    days: bool = False,
    yes: Annotated[bool, Parameter(name="--yes")] = False,
    dry_run: bool = False,
    as_json: Json = False,
) -> int:
    """Delete the keys of a customer's texts: notes, answers and dead letters are unreadable from then on. There is no way back.

    Ids are pseudonymous and stay, and so does what was counted. Who erased, when and why is on the timeline for ever. Exit
    code 1 where nothing is known of the customer, or dead letters of theirs stay readable until their day's key is deleted.

    Example: laurel erase c-4711 --reason requested --dry-run

    Parameters
    ----------
    customer
        The pseudonymous id that events carry.
    reason
        Why, in a word: it stays on record, so it says nothing personal.
    by
        Who erases; your name on this machine where none is given.
    role
        In which role.
    days
        Also delete the keys of the days that some of their dead letters are sealed under, and with them the bytes of others'
        dead letters of these days. Otherwise these keys are deleted thirty days after their day.
    yes
        Do not ask.
    dry_run
        Only say what would become unreadable.
    as_json
        For programs.
    """
    from schemas.codec import Rejected, from_json
    from streams import erasure
    from streams.keys import Keyring

    by = by or getpass.getuser()
    told = {"type": "PersonalTextErased", "event_id": "erasure", "customer_id": customer, "occurred_at": 10**12}
    wrong = from_json(told | {"author_id": by, "role": role, "reason": reason})
    if isinstance(wrong, Rejected):
        return fail(wrong.detail, BAD_INPUT)
    settings = Settings()
    with Keyring(settings) as keys, progress("records looked at", None) as advance:
        found = erasure.survey(settings, keys, customer, advance)
    if found.nobody:
        return fail(f"nothing is sealed for {customer}, and no dead letter is theirs", FAILED)
    if not as_json:
        _tell(found, days=days)
    gone: Sized = ()
    if not dry_run:
        if not yes and not _confirmed(customer):
            return fail("nothing was erased: type the customer's id, or give --yes", BAD_INPUT)
        gone = erasure.erase(settings, found, by=by, role=role, reason=reason, days=days)
        if not as_json:
            out().print(f"{len(gone)} keys are deleted; the broker's disks forget them with the next compaction")
    if as_json:
        emit(_described(found) | {"keys_deleted": len(gone)})
    return FAILED if found.by_day and not days else OK


def _described(found: "Survey") -> dict[str, Any]:
    return {
        "customer": found.person,
        "sealed": {topic: count for topic, count in found.sealed.items() if count},
        "keys": len(found.keys),
        "keys_of_days": {key.owner[1:]: others for key, others in found.by_day.items()},
        "dead_letters": [letter.origin for letter in found.letters],
        "linked": sorted(found.linked),
    }


def _confirmed(customer: str) -> bool:
    if not sys.stdin.isatty():
        return False
    sys.stderr.write(f"There is no way back. Type {customer} to erase: ")
    sys.stderr.flush()
    return sys.stdin.readline().strip() == customer


def _tell(found: "Survey", *, days: bool) -> None:
    def say(text: str) -> None:
        out().print(text)

    for topic, count in found.sealed.items():
        if count:
            say(f"{count:>8} records of {topic} hold text under one of {len(found.keys)} keys")
    if found.by_day:
        last = max(date.fromisoformat(key.owner[1:]) for key in found.by_day)
        others = sum(found.by_day.values())
        when = "now" if days else f"by {last + timedelta(days=31)}; at once with --days"
        say(f"{len(found.by_day)} keys of days seal dead letters of theirs, and {others} of others: unreadable {when}")
    if found.letters:
        say(
            "The originals of their dead letters are on sources, as they were published; whoever runs these removes them:"
        )
        for letter in found.letters[:SHOWN]:
            say(f"  {letter.origin}")
        if len(found.letters) > SHOWN:
            say(f"  and {len(found.letters) - SHOWN} more")
    for other in sorted(found.linked):
        say(f"{other} is linked to {found.person}, and has keys of its own: laurel erase {other}")
