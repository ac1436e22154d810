"""Support contacts: the tier gives the queue, a head start in it, and the response target (R-RTE-01, R-RTE-12)."""

from msgspec import Struct

from processors.customer import Customer
from processors.entitlements import entitlement
from processors.explanation import Because, head
from processors.policy import Policy
from processors.rows import Table
from schemas.decisions import ContactRouted
from schemas.events import ContactOpened

MINUTE_MS = 60_000


class Case(Struct, frozen=True, array_like=True):
    """A case that was routed; recognises a repeated contact for ever (T-15)."""

    opened_at: int
    queue: str
    respond_by: int


CASES = Table("cases", b"k", Case, "each support case, by customer and case id")


def route(
    contact: ContactOpened, customer: Customer, policy: Policy, now: int, because: Because
) -> tuple[Case, ContactRouted]:
    """Where the contact goes. The target counts plain minutes from `now`, whatever the channel."""
    entry, entitled = entitlement(policy.routing, customer.tier, "routing", "tier", customer.moved.tier)
    case = Case(contact.occurred_at, entry.queue, now + entry.response_minutes * MINUTE_MS)
    decision = ContactRouted(
        **head(because, customer.sequence + 1, ContactRouted, contact.case_id, (entitled,)),
        case_id=contact.case_id,
        queue=entry.queue,
        priority=entry.priority,
        respond_by=case.respond_by,
        tier=customer.tier,
    )
    return case, decision
