"""What people mark a customer with: tags, notes, the label's icon, benefits that they gave (R-CUST-15, R-CUST-16, R-MAN-13)."""

from collections.abc import Iterable

from msgspec import Struct

MOST_TAGS = 64
"""Tags of a customer, taken ones included; of more, those that were taken away first are forgotten."""
MOST_BENEFITS = 64
"""Benefits whose delivery is counted; of more, those given longest ago are forgotten."""


class Tag(Struct, frozen=True, array_like=True):
    """At `at` the customer got the tag, or lost it."""

    name: str
    at: int
    there: bool


class Delivered(Struct, frozen=True, array_like=True):
    """A benefit that the customer got."""

    benefit: str
    times: int
    last_at: int


class Icon(Struct, frozen=True, array_like=True):
    """From `at` on labels show the VIP icon, or not."""

    at: int
    printed: bool
    cause: str | None = None


def tagged(tags: tuple[Tag, ...], marks: Iterable[Tag]) -> tuple[Tag, ...]:
    """The tags with some more said of them: of each the last word counts, in whichever order they come (T-16)."""
    last = {tag.name: tag for tag in tags}
    for mark in marks:
        known = last.get(mark.name)
        if known is None or (known.at, known.there) < (mark.at, mark.there):
            last[mark.name] = mark
    kept = sorted(last.values(), key=lambda tag: (tag.there, tag.at, tag.name))[-MOST_TAGS:]
    return tuple(sorted(kept, key=lambda tag: tag.name))


def delivered(known: tuple[Delivered, ...], given: Delivered) -> tuple[Delivered, ...]:
    """One more delivery, or those of somebody who turned out to be the same customer."""
    each = {one.benefit: one for one in known}
    before = each.get(given.benefit, Delivered(given.benefit, 0, given.last_at))
    times, last_at = before.times + given.times, max(before.last_at, given.last_at)
    each[given.benefit] = Delivered(given.benefit, times, last_at)
    kept = sorted(each.values(), key=lambda one: (one.last_at, one.benefit))[-MOST_BENEFITS:]
    return tuple(sorted(kept, key=lambda one: one.benefit))


def last_icon(one: Icon | None, other: Icon | None) -> Icon | None:
    """The last word counts; of two of one instant the one that shows it."""
    if one is None or other is None:
        return one or other
    return max(one, other, key=lambda icon: (icon.at, icon.printed, icon.cause or ""))
