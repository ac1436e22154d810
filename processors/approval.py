"""What stands between the facts and a rise by rules alone: a switch, a removal, a person's approval (R-TIER-08, R-TIER-10, T-42)."""

from msgspec.structs import replace

from processors.customer import Customer, earned
from processors.explanation import Because, compare, head
from processors.people import Proposal
from processors.policy import Policy, Tier, rank
from schemas.decided import Condition
from schemas.decisions import QualificationProposed

APPROVAL = "approval"
REMOVAL = "automatic_again_at"
"""Names of conditions that a person may fulfil."""


def gates(customer: Customer, policy: Policy, tier: Tier, now: int) -> tuple[Condition, ...]:
    """Conditions beside the facts. After a removal they stand before every tier, else before those above the one earned."""
    people, automatic = customer.people, policy.automatic
    if people.removal is None and people.proposal is None and automatic.enabled and automatic.approval == "none":
        return ()
    asked: list[Condition] = []
    if removal := people.removal:
        asked.append(compare(tier.name, REMOVAL, now, ">=", removal.until, removal.cause))
    if rank(policy, tier.name) <= rank(policy, earned(customer)):
        return tuple(asked)
    if not automatic.enabled:
        asked.append(compare(tier.name, "automatic_rules", "off", "=", "on"))
    proposal = people.proposal
    about = proposal if proposal and proposal.tier == tier.name else None
    if _approved_first(customer, policy) or (about and about.verdict == "refused"):
        verdict, cause = (about.verdict, about.cause) if about else ("none", None)
        asked.append(compare(tier.name, APPROVAL, verdict, "=", "approved", cause))
    return tuple(asked)


def _approved_first(customer: Customer, policy: Policy) -> bool:
    match policy.automatic.approval:
        case "every_rise":
            return True
        case "first_grant":
            return earned(customer) is None
        case "none":
            return False


def propose(
    customer: Customer, policy: Policy, wanted: str | None, conditions: tuple[Condition, ...], because: Because
) -> tuple[Customer, list[QualificationProposed]]:
    """Ask a person, once a tier; `wanted` is what the facts would give if approved, `conditions` what they are.

    A proposal falls when the facts lead there no more. A refusal stands until they lead to another tier: whoever falls
    below it and comes back is not proposed again.
    """
    before = customer.people.proposal
    if wanted is None or rank(policy, wanted) <= rank(policy, earned(customer)):
        after = replace(before, current=False) if before and before.verdict == "refused" else None
        return _with(customer, after), []
    if before and before.tier == wanted:
        return _with(customer, replace(before, current=True)), []
    decision = QualificationProposed(
        **head(because, customer.sequence + 1, QualificationProposed, wanted, conditions),
        from_tier=customer.tier,
        tier=wanted,
    )
    proposed = _with(customer, Proposal(wanted, "awaited", because.cause))
    return replace(proposed, sequence=decision.sequence), [decision]


def _with(customer: Customer, proposal: Proposal | None) -> Customer:
    if proposal == customer.people.proposal:
        return customer
    return replace(customer, people=replace(customer.people, proposal=proposal))


def waits_for(customer: Customer, policy: Policy) -> int:
    """The rank up to which only a person lifts the customer: time alone changes nothing there; 0 for none."""
    proposal = customer.people.proposal
    return rank(policy, proposal.tier) if proposal and proposal.current else 0
