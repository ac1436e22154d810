"""A feedback panel: VIPs of all tiers, chosen without anybody's choice and the same whenever it is asked (R-RISK-09).

Seats are dealt out to tiers one by one, from the highest down and again, while a tier has somebody left: so every tier is
heard, and a small one gives its seats on. Within a tier the order is that of a hash of session and customer: another
session hears others, and who joins or leaves the programme moves one seat at most.
"""

from collections.abc import Iterable
from hashlib import sha256
from typing import NamedTuple

from processors.policy import Policy


class Candidate(NamedTuple):
    """Somebody who may be invited: `tier` is one of the policy's, and they agreed to the purpose."""

    customer_id: str
    tier: str


def choose(candidates: Iterable[Candidate], session: str, policy: Policy) -> list[Candidate]:
    """Who is invited, from the highest tier down; fewer than the policy's seats where there are no more candidates."""
    waiting: dict[str, list[Candidate]] = {tier.name: [] for tier in reversed(policy.tiers)}
    for each in candidates:
        if each.tier in waiting:
            waiting[each.tier].append(each)
    for queue in waiting.values():
        queue.sort(key=lambda each: _lot(session, each.customer_id))
    seats = dict.fromkeys(waiting, 0)
    left = policy.panel.seats
    while left and (open_tiers := [tier for tier in waiting if seats[tier] < len(waiting[tier])]):
        for tier in open_tiers[:left]:
            seats[tier] += 1
        left -= len(open_tiers[:left])
    return [each for tier, number in seats.items() for each in waiting[tier][:number]]


def _lot(session: str, customer_id: str) -> bytes:
    return sha256(f"{session}\x1f{customer_id}".encode()).digest()
