"""Links between ids: what was told of each pair, and who hangs together by it (R-CUST-11, D6).

Of what is told of a pair the last counts, by when it happened, so that the order of arrival and repetitions make no
difference (T-15, T-16). Both ids of a pair keep it, and it travels with the state of each.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping

from msgspec import Struct

from processors.rows import Rows, Table

MOST = 64
"""Pairs of one id that are remembered, and ids whose state may be in one place."""


class Link(Struct, frozen=True, array_like=True):
    """An id is linked with another one since `at`, or separated from it."""

    other: str
    at: int
    linked: bool


class Links(Struct, frozen=True, array_like=True):
    """Everything that was told of one id's pairs, by the other id."""

    each: tuple[Link, ...] = ()


LINKS = Table("links", b"L", Links, "with whom each id was linked, and from whom it was separated, by customer")


_ELSEWHERE = ""
"""Stands for all ids that are not here; no id is empty."""


def find(links: Links, other: str) -> Link | None:
    """What was told last of the pair with another id."""
    return next((link for link in links.each if link.other == other), None)


def told(links: Links, link: Link) -> Links:
    """The links with one more thing told; the same ones where it says nothing new."""
    known = find(links, link.other)
    if known is not None and (known.at, known.linked) >= (link.at, link.linked):
        return links
    others = (each for each in links.each if each.other != link.other)
    return Links(_remembered(sorted((*others, link), key=lambda each: each.other)))


def _remembered(each: list[Link]) -> tuple[Link, ...]:
    """Of too many pairs the separation of longest ago is forgotten: whom nobody linked leaves room for links."""
    if len(each) > MOST and (apart := [link for link in each if not link.linked]):
        each.remove(min(apart, key=lambda link: link.at))
    return tuple(each)


def of(rows: Rows, customer_id: str) -> Links:
    """The links of an id whose state is here."""
    return rows.get(LINKS, customer_id) or Links()


def agree(rows: Rows, ids: Collection[str]) -> dict[str, Links]:
    """The links of ids whose state is in one place: each pair says the same on both sides from now on."""
    known = {each: of(rows, each) for each in ids}
    for one, links in list(known.items()):
        for link in links.each:
            if link.other in known:
                known[link.other] = told(known[link.other], Link(one, link.at, link.linked))
    for each, links in known.items():
        if links != of(rows, each):
            rows.put(LINKS, links, each)
    return known


def together(start: str, known: Mapping[str, Links]) -> set[str]:
    """Everyone of those known whom a chain of links leads to from `start`, as far as is known here.

    Ids that are elsewhere may be linked with one another: until they have come, who is linked with one of them may be linked
    with who is linked with another. Who was sent away on a guess would be asked for again, and go round for ever.
    """
    beside = defaultdict[str, set[str]](set)
    for one, links in known.items():
        for link in links.each:
            if link.linked:
                other = link.other if link.other in known else _ELSEWHERE
                beside[one].add(other)
                beside[other].add(one)
    reached, left = {start}, [start]
    while left:
        more = beside[left.pop()] - reached
        reached |= more
        left += more
    return reached - {_ELSEWHERE}
