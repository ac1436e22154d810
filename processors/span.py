"""A bounded memory of the periods, local days or months, in which something happened.

One number whose bits are periods, the lowest being the last one in which it happened. It does not grow with history (D8), and
it is a function of the set of periods: the order of arrival and repetitions make no difference (T-15, T-16).
"""

from datetime import date

from msgspec import Struct

WIDTH = 64
"""Periods that are remembered, the last one included: as many as a row's number has bits."""


class Span(Struct, frozen=True, array_like=True):
    """`last` is the number of the last period in which it happened; bit n of `mask` stands for `last` - n."""

    last: int = 0
    mask: int = 0


def month_of(day: date) -> int:
    """The number of a calendar month."""
    return day.year * 12 + day.month - 1


def first_of(month: int) -> date:
    """The day on which a calendar month begins."""
    return date(month // 12, month % 12 + 1, 1)


def told(span: Span, period: int) -> Span:
    """It happened in `period` as well."""
    if not span.mask:
        return Span(period, 1)
    last = max(span.last, period)
    mask = (span.mask << (last - span.last)) if last - span.last < WIDTH else 0
    if last - period < WIDTH:
        mask |= 1 << (last - period)
    return Span(last, mask & ((1 << WIDTH) - 1))


def joined(one: Span, other: Span) -> Span:
    """It happened in the periods of both."""
    last = max((each.last for each in (one, other) if each.mask), default=0)
    mask = 0
    for each in (one, other):
        mask |= each.mask << (last - each.last) if each.mask and last - each.last < WIDTH else 0
    return Span(last, mask & ((1 << WIDTH) - 1))


def within(span: Span, window: int, now: int) -> int:
    """In how many of the `window` whole periods before the period `now` it happened."""
    # Bits of the periods from now - window to now - 1, as `last` counts them.
    newest = span.last - (now - 1)
    mask = span.mask >> newest if newest > 0 else span.mask << min(-newest, window)
    return (mask & ((1 << window) - 1)).bit_count()


def turns(span: Span, window: int, now: int) -> int | None:
    """The first period after `now` at whose beginning `within` is another number; None when it stays as it is."""
    found = within(span, window, now)
    return next(
        (later for later in range(now + 1, span.last + window + 2) if within(span, window, later) != found), None
    )
