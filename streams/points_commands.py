"""`laurel points`: where a customer's points stand, lot by lot, and when they will expire."""

import sys

from msgspec import json

from streams.console import FAILED, OK, Instant, Json, fail, out, progress, table
from streams.settings import Settings


def points(customer: str, /, *, at: Instant | None = None, lots: int = 50, as_json: Json = False) -> int:
    """Show a customer's points: balance, pending, owed, each lot with its expiry, and how many expire in which month.

    Exit code 1 for a stranger, and where the lots do not add up to the sums.

    Example: laurel points c-4711 --json

    Parameters
    ----------
    customer
        The pseudonymous id that events carry.
    at
        As laurel knew the customer when the log's time was this: 2026-05-01, 2026-05-01T10:00Z or milliseconds since
        1970, in UTC unless it says otherwise. Now where none is given.
    lots
        How many lots to show at most, the latest ones.
    as_json
        All of it, for programs.
    """
    from processors.customer import CUSTOMERS
    from processors.partition import HERE, PARTITION, Partition, current
    from processors.statement import statement, told
    from processors.wording import day
    from streams import standing
    from streams.refolding import FoldStoppedError

    try:
        with progress("records looked at", None) as advance:
            rows = standing.rows_of(Settings(), customer, at, advance)
    except FoldStoppedError as error:
        return fail(error, FAILED)
    if rows.get(CUSTOMERS, customer) is None:
        return fail(f"nothing had happened to {customer}" if at else f"nothing ever happened to {customer}", FAILED)
    policy = current(rows, rows.get(PARTITION, HERE) or Partition())
    account = statement(rows, customer, policy.time_zone)
    if as_json:
        sys.stdout.write(json.encode(told(customer, account)).decode() + "\n")
        return OK if account.accurate else FAILED
    wallet = account.wallet
    out().print(
        f"{customer} can spend {wallet.available} points; {wallet.pending} are pending, {wallet.reserved} reserved,"
        f" {wallet.deficit} owed."
    )
    drawn = table("lot", "of", "earned", "left", "spent", "expired", "taken back", "expires")
    for lot in told(customer, account).lots[-lots:] if lots > 0 else ():
        expires = day(lot.expires_at, policy) if lot.expires_at is not None else "never"
        numbers = (lot.earned, lot.left, lot.spent, lot.expired, lot.clawed_back + lot.taken)
        drawn.add_row("/".join(lot.lot), day(lot.at, policy), *map(str, numbers), expires)
    out().print(drawn)
    for month, expiring in account.forecast.items():
        out().print(
            f"{expiring} never expire" if month == "never" else f"{expiring} expire in {month} if nobody spends them"
        )
    if not account.accurate:
        return fail(f"the lots of {customer} add up to {account.recounted}, and the sums say {wallet}", FAILED)
    return OK
