"""What is honoured while a status is in doubt: another system holds another one, or sources are behind (R-SYNC-02, T-52)."""

from typing import Literal, NamedTuple

from msgspec.structs import replace

from processors.customer import Customer
from processors.explanation import compare
from processors.partition import Partition
from processors.policy import Policy, rank
from processors.synchronisation_policy import ReturnsMeanwhile
from processors.synchrony import Held, same
from schemas.decided import Condition

OF = "status"
BEHIND = "sources_behind"
MOST_DOUBTED = 64
"""Returns of one customer that wait for the end of a doubt; of more, the earliest stay as they were decided."""


class Doubts(NamedTuple):
    """Systems whose status has differed for too long, and whether events may be missing. Without either there is no doubt."""

    differing: tuple[Held, ...]
    behind: bool

    @property
    def names(self) -> tuple[str, ...]:
        """As a decision names them."""
        return (*(held.system for held in self.differing), *((BEHIND,) if self.behind else ()))

    def asks_a_person(self, rule: ReturnsMeanwhile) -> bool:
        """Whether somebody looks at what is decided meanwhile."""
        return bool(self.differing and rule.differing == "review") or (self.behind and rule.behind == "review")


def behind(partition: Partition) -> bool:
    """Whether sources were behind at the last tick; before the first one nobody knows of any."""
    return partition.at is not None and partition.at != partition.calm_at


def doubts(customer: Customer, partition: Partition) -> Doubts:
    """What is in doubt about a customer's status now."""
    return Doubts(tuple(held for held in customer.synchrony.systems if held.found_id), behind(partition))


def explained(doubt: Doubts, customer: Customer) -> tuple[Condition, ...]:
    """Why it is in doubt."""
    found = [same(OF, held, customer.tier) for held in doubt.differing]
    return (*found, *((compare(OF, BEHIND, "yes", "=", "no"),) if doubt.behind else ()))


def honoured(
    customer: Customer, doubt: Doubts, differing: Literal["ours", "last_known", "review"], policy: Policy
) -> Customer:
    """The customer with the tier that counts meanwhile. Of several that were known last the highest: it is no customer's fault."""
    shared = [held.shared for held in doubt.differing if held.agreed]
    if differing != "last_known" or not shared:
        return customer
    return replace(customer, tier=max(shared, key=lambda tier: (rank(policy, tier), tier or "")))


def doubted(customer: Customer, return_id: str, at: int) -> Customer:
    """The customer with a return more that was decided in doubt."""
    others = tuple(each for each in customer.synchrony.doubted if each != return_id)
    waiting = (*others, return_id)[-MOST_DOUBTED:]
    return replace(customer, synchrony=replace(customer.synchrony, doubted=waiting, doubted_at=at))
