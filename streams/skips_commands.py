"""`laurel skip`: past what a partition cannot get past."""

from streams.console import BAD_INPUT, OK, Json, fail, tell
from streams.settings import Settings


def skip(
    partition: int, offset: int, /, *, unit: str, reason: str, dry_run: bool = False, as_json: Json = False
) -> int:
    """Leave out one unit that a stopped partition cannot get past; every fold leaves it out from then on.

    Example: laurel skip 3 120934 --unit record --reason "refund without order, ticket 4711"

    Parameters
    ----------
    partition
        The timeline partition that stopped.
    offset
        The offset it stopped at: the first record that is not folded.
    unit
        What to leave out, as the worker named it.
    reason
        Why; kept with the skip.
    dry_run
        Only check that the partition stopped there, and say what would be left out.
    as_json
        For programs.
    """
    from streams import skips
    from streams.kafka import admin, partitions_of

    settings = Settings()
    count = partitions_of(admin(settings), settings.topic("timeline"))
    if not 0 <= partition < count or offset < 0:
        return fail(f"timeline/{partition} offset {offset} is no place: the timeline has {count} partitions", BAD_INPUT)
    position, stopped_at = skips.next_record(settings, partition)
    if position > offset:
        return fail(
            f"timeline/{partition} is at {position}, past {offset}: a fold that happened is not undone", BAD_INPUT
        )
    if stopped_at != offset:
        following = "has no record after it" if stopped_at is None else f"its next record is {stopped_at}"
        return fail(f"timeline/{partition} is at {position} and {following}: nothing stopped at {offset}", BAD_INPUT)
    if not dry_run:
        skips.publish(settings, partition, offset, unit, reason)
    told = {"partition": partition, "offset": offset, "unit": unit, "skipped": not dry_run}
    said = f"timeline/{partition} {'would leave' if dry_run else 'leaves'} out {unit} at {offset}"
    tell(told, said, as_json=as_json)
    return OK
