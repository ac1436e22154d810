"""Which benefits a customer has, and what their labels show (R-TIER-04..06, R-MAN-02, R-MAN-13, R-FUL-05, C-14)."""

from processors.customer import Customer
from processors.designation import counts
from processors.discretion import Label
from processors.explanation import compare
from processors.policy import Policy
from schemas.decided import Condition

NOTHING = Label()


def in_force(customer: Customer, policy: Policy) -> tuple[str, ...]:
    """The benefits of the tier, with the single ones that a person gave, and without those that a person left out."""
    people = customer.people
    own = policy.benefits.tiers.get(customer.tier or "", ())
    more = people.kept.benefits if people.kept else ()
    less: tuple[str, ...] = ()
    if people.designation and counts(people.designation):
        more, less = people.designation.benefits, people.designation.without
    return tuple(name for name in dict.fromkeys((*own, *more)) if name not in less)


def icon_needs(customer: Customer) -> tuple[Condition, ...]:
    """What a VIP icon needs besides a tier that has one: an active status, and nobody who switched it off (R-FUL-05, C-14)."""
    member, icon = customer.membership, customer.people.icon
    printed, by = ("yes", None) if icon is None else ("yes" if icon.printed else "no", icon.cause)
    return (
        compare("label", "status", member.status, "=", "active", member.cause),
        compare("label", "icon_printed", printed, "=", "yes", by),
    )


def label(customer: Customer, policy: Policy) -> Label:
    """What a shipping label shows: the tier's icon, where nothing stands against it, and the note."""
    shown = policy.labels.get(customer.tier or "", NOTHING)
    return shown if all(each.holds for each in icon_needs(customer)) else Label(None, shown.handling_note)
