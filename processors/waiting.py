"""What head starts do to waiting: a contact centre under a policy, with arrivals by chance (R-RTE-03, T-44).

The rules that route every contact give the places, and agents take whoever's turn it is. The same contacts without head starts
are what arrivals and agents alone allow: nobody may wait longer than that and the head starts of the others.
"""

from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from heapq import heapify, heapreplace
from math import log
from typing import NamedTuple

from processors.cases import Case
from processors.customer import Customer
from processors.doubts import Doubts
from processors.explanation import Because
from processors.head_start import turn
from processors.local_time import HOUR_MS, MINUTE_MS
from processors.policy import Policy
from processors.routing import Beside, opened, routed
from schemas.decided import Origin
from schemas.decisions import ContactRouted
from schemas.events import ContactOpened

BEGIN = 1_704_067_200_000
"""A Monday, 2024-01-01, UTC."""


class Centre(NamedTuple):
    """`agents` take contacts of every queue. `shares` are percent of contacts by tier; the others are of no tier."""

    agents: int
    contacts_an_hour: float
    minutes_each: float
    hours: int
    shares: Mapping[str, float]
    seed: str

    @property
    def load(self) -> float:
        """How much of the agents' time contacts take; from 1 on the queue grows without end."""
        return self.contacts_an_hour * self.minutes_each / 60 / self.agents


class Served(NamedTuple):
    """A contact: when it came, how long it waited and then took, milliseconds."""

    tier: str | None
    came_at: int
    waited: int
    took: int


class Waited(NamedTuple):
    """A tier's waiting, milliseconds. `most` is the bound that nobody's may exceed."""

    tier: str | None
    contacts: int
    half: int
    most_of: int
    longest: int
    half_without: int
    most_of_without: int
    longest_without: int
    most: int

    @property
    def holds(self) -> bool:
        """Whether the bound holds."""
        return self.longest <= self.most


def _chance(seed: str) -> Iterator[float]:
    """Numbers between 0 and 1, the same for a seed wherever and whenever."""
    number = 0
    while True:
        number += 1
        yield int.from_bytes(blake2b(f"{seed}/{number}".encode(), digest_size=6).digest(), "big") / 2**48


def arrivals(centre: Centre) -> Iterator[Served]:
    """Contacts one by one, at random as independent people call: nobody has waited yet."""
    chance, at = _chance(centre.seed), float(BEGIN)
    while True:
        at -= log(1 - next(chance)) * HOUR_MS / centre.contacts_an_hour
        if at >= BEGIN + centre.hours * HOUR_MS:
            return
        of, tier = next(chance) * 100, None
        for name, share in centre.shares.items():
            if 0 <= of < share:
                tier = name
            of -= share
        yield Served(tier, int(at), 0, int(-log(1 - next(chance)) * centre.minutes_each * MINUTE_MS))


def route(contact: Served, policy: Policy) -> ContactRouted:
    """What the live rules say of it."""
    customer, case_id = Customer(tier=contact.tier), f"k{contact.came_at}"
    event = ContactOpened(
        event_id=case_id, customer_id=case_id, occurred_at=contact.came_at, case_id=case_id, channel="phone"
    )
    because = Because(
        case_id,
        f"support/{case_id}",
        contact.came_at,
        Origin("", 0, 0),
        "simulated",
        policy.version,
        0,
        policy.currency,
    )
    case = opened(Case(), event, customer, policy, contact.came_at)
    return routed(case, case_id, customer, policy, because, Beside((), (), 0, (), Doubts((), behind=False)))[1]


class Place(NamedTuple):
    """A contact in the queue."""

    rank_at: int
    wait_until: int
    contact: Served


def places(contacts: Sequence[Served], policy: Policy) -> list[Place]:
    """Where each contact stands."""
    found = [(contact, route(contact, policy)) for contact in contacts]
    return [Place(it.rank_at or 0, it.wait_until or 0, contact) for contact, it in found]


def serve(coming: Sequence[Place], agents: int) -> list[Served]:
    """Agents, who are never idle while somebody waits, and let nobody go once they began; in the order of arrival."""
    free, waiting, served, next_ = [BEGIN] * agents, list[Place](), list[Served](), 0
    heapify(free)
    while waiting or next_ < len(coming):
        now = free[0] if waiting else max(free[0], coming[next_].contact.came_at)
        while next_ < len(coming) and coming[next_].contact.came_at <= now:
            waiting.append(coming[next_])
            next_ += 1
        taken = min(waiting, key=lambda place: turn(place.rank_at, place.wait_until, now))
        waiting.remove(taken)
        heapreplace(free, now + taken.contact.took)
        served.append(taken.contact._replace(waited=now - taken.contact.came_at))
    return sorted(served, key=lambda each: each.came_at)


def most_work(served: Sequence[Served]) -> int:
    """The most that was ever still to be done, milliseconds; it is most just when somebody came."""
    there, most = list[Served](), 0
    for came in served:
        now = came.came_at
        there = [each for each in (*there, came) if each.came_at + each.waited + each.took > now]
        most = max(most, sum(min(each.took, each.came_at + each.waited + each.took - now) for each in there))
    return most


def judge(centre: Centre, policy: Policy, found: Sequence[Served], without: Sequence[Served]) -> list[Waited]:
    """Each tier's waiting beside its bound.

    Whoever is passed is passed by those only who came within a head start later, and afterwards agents work on nothing but
    what was there by then. That is no more than without head starts, but for what all agents but one may have left to do when
    a rush ends: a contact each.
    """
    heads = {tier: policy.routing.tiers[tier].priority for tier in centre.shares if tier in policy.routing.tiers}
    base = policy.routing.base.priority
    left_over = (centre.agents - 1) * max((each.took for each in without), default=0)
    alone = (most_work(without) + left_over) // centre.agents
    known: list[Waited] = []
    for tier in (None, *centre.shares):
        mine = sorted(each.waited for each in found if each.tier == tier)
        bare = sorted(each.waited for each in without if each.tier == tier)
        if mine:
            ahead = max(base, *heads.values(), 0) - heads.get(tier or "", base)
            known.append(Waited(tier, len(mine), *_spread(mine), *_spread(bare), ahead * MINUTE_MS + alone))
    return known


def _spread(waits: Sequence[int]) -> tuple[int, int, int]:
    """What half, what 95 of 100, and what all wait at most; of sorted waits."""
    return waits[len(waits) // 2], waits[min(len(waits) * 95 // 100, len(waits) - 1)], waits[-1]


def simulate(centre: Centre, policy: Policy) -> list[Waited]:
    """How long each tier waits, beside the same contacts without head starts; tiers without a contact are left out."""
    coming = places(list(arrivals(centre)), policy)
    without = [place._replace(rank_at=place.contact.came_at) for place in coming]
    return judge(centre, policy, serve(coming, centre.agents), serve(without, centre.agents))
