"""The last public profile of each customer, as the compacted topic has it."""

from collections.abc import Callable

from schemas.codec import decode
from schemas.profiles import CustomerProfile
from streams.reading import read_all
from streams.settings import Settings


def last_profiles(settings: Settings, advance: Callable[[int], None]) -> dict[str, CustomerProfile]:
    """By customer id; compaction may not have removed the earlier ones yet."""
    found: dict[str, CustomerProfile] = {}
    for record in read_all(settings, "customer-profiles"):
        advance(1)
        if isinstance(profile := decode(record.value), CustomerProfile):
            found[profile.customer_id] = profile
    return found
