"""What no fold should apply: events far ahead of the log's time, orders that no shop sells (T-19), and systems unknown."""

from processors.effects import Refused
from processors.local_time import HOUR_MS
from processors.money import convert
from processors.policy import Policy
from schemas.events import OrderPlaced, StatusReported
from schemas.fields import LARGEST_MINOR
from schemas.source import SourceEvent


def implausible(event: SourceEvent, policy: Policy, clock: int | None) -> Refused | None:
    """What is wrong with the event; None for nothing. Before the first tick, when `clock` is None, none is ahead of it."""
    if clock is not None and event.occurred_at - clock > policy.max_ahead_hours * HOUR_MS:
        found = f"found occurred_at {event.occurred_at}, {event.occurred_at - clock} ms ahead of the clock"
        return Refused("ahead_of_clock", f"{found}; at most {policy.max_ahead_hours} h are taken")
    if isinstance(event, OrderPlaced):
        return _too_large(event)
    if isinstance(event, StatusReported) and event.system not in policy.synchronisation.systems:
        known = ", ".join(policy.synchronisation.systems) or "none"
        return Refused("unknown_system", f"found system {event.system!r}; the policy's synchronisation names {known}")
    return None


def _too_large(event: OrderPlaced) -> Refused | None:
    """The contract bounds each part of a line; this bounds their sum, so that values stay in 64 bits (T-01)."""
    gross = sum(line.goods_minor + line.tax_minor + line.shipping_minor for line in event.lines)
    largest = max(gross, convert(gross, event.rate_ppm))
    if largest <= LARGEST_MINOR:
        return None
    return Refused("invalid_amount", f"found an order of {largest} minor units; at most {LARGEST_MINOR} are taken")
