"""What a customer agreed to, by purpose, and what may be said to them because of it (R-CUST-13)."""

from msgspec.structs import replace

from processors.customer import Customer
from processors.episodes import Consent
from processors.explanation import compare
from processors.policy import Policy
from schemas.decided import Condition
from schemas.events import ConsentChanged

MOST = 32
"""Purposes of a customer that are remembered (D8). Beyond them, what was granted longest ago is forgotten before a refusal."""
ENOUGH = {"needed": "granted", "unless_refused": "granted, unknown", "not_needed": "granted, unknown, refused"}
"""What a customer must have said, by what the purpose asks for."""


def tell(customer: Customer, event: ConsentChanged, cause: str) -> Customer:
    """The last word on a purpose counts, in whichever order they arrive (T-16); of two of one instant the refusal."""
    consents = hear(customer.consents, Consent(event.purpose, event.granted, event.occurred_at, cause))
    return customer if consents is customer.consents else replace(customer, consents=consents)


def hear(consents: tuple[Consent, ...], told: Consent) -> tuple[Consent, ...]:
    """The consents with one more word; the same ones where it is not the last one on its purpose."""
    known = next((each for each in consents if each.purpose == told.purpose), None)
    if known is not None and (known.at, not known.granted) >= (told.at, not told.granted):
        return consents
    others = [each for each in consents if each.purpose != told.purpose]
    kept = sorted((*others, told), key=lambda each: each.purpose)
    if len(kept) > MOST:
        kept.remove(min(kept, key=lambda each: (not each.granted, each.at)))
    return tuple(kept)


def allows(customer: Customer, policy: Policy, purpose: str, of: str) -> Condition:
    """Whether the purpose asks for no more than the customer said. One that the policy does not name needs consent."""
    said = next((each for each in customer.consents if each.purpose == purpose), None)
    word = "unknown" if said is None else "granted" if said.granted else "refused"
    enough = ENOUGH[policy.notifications.purposes.get(purpose, "needed")]
    return compare(of, f"consent_to_{purpose}", word, "in", enough, said.cause if said else None)


def purposes(customer: Customer, policy: Policy) -> tuple[str, ...]:
    """For what the customer may be contacted, of the policy's purposes and those that they granted."""
    named = {*policy.notifications.purposes, *(each.purpose for each in customer.consents)}
    return tuple(each for each in sorted(named) if allows(customer, policy, each, "").holds)
